//! The file of lines that could not be imported.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use polymnia::Result;
use serde::Serialize;

use super::entry::Fault;
use crate::failure::file_error;

/// Writes rejects, one JSON object a line: `{"line": 7, "error": "...", "text": "..."}`. There is no file without any.
#[derive(Debug)]
pub(crate) struct Rejects {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    written: u64,
}

#[derive(Serialize)]
struct Reject<'a> {
    line: u64,
    error: String,
    text: Option<&'a str>,
}

impl Rejects {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), file: None, written: 0 }
    }

    /// Keeps a line with the reason. The file of an earlier import is written over.
    pub(crate) fn write(&mut self, fault: &Fault) -> Result<()> {
        let path = &self.path;
        let failed = |error: &std::io::Error| file_error("file of rejects", path, error);
        if self.file.is_none() {
            let file = File::create(path).map_err(|error| failed(&error))?;
            self.file = Some(BufWriter::new(file));
        }
        let file = self.file.as_mut().expect("the file was opened above");
        let reject = Reject { line: fault.line, error: fault.error.to_string(), text: fault.text.as_deref() };
        serde_json::to_writer(&mut *file, &reject)
            .map_err(std::io::Error::from)
            .and_then(|()| file.write_all(b"\n"))
            .map_err(|error| failed(&error))?;
        self.written += 1;
        Ok(())
    }

    /// Closes the file and returns how many lines it has.
    pub(crate) fn finish(self) -> Result<u64> {
        if let Some(mut file) = self.file {
            file.flush().map_err(|error| file_error("file of rejects", &self.path, &error))?;
        }
        Ok(self.written)
    }
}
