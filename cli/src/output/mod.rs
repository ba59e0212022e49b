//! How results are printed.

mod excerpt;
mod json;
mod memory;
mod paint;
mod table;
mod text;

use std::fmt;
use std::io::{self, BufWriter, IsTerminal as _, Write};

use serde::Serialize;

pub(crate) use excerpt::excerpt;
pub(crate) use json::{SCHEMA_VERSION, Versioned};
pub(crate) use memory::{Header, memory_fields, print_memories};
pub(crate) use paint::{ColorChoice, Paint};
pub(crate) use table::{Column, Table};
pub(crate) use text::{block, bytes, duration, grouped, one_line, plural, shell_line, spent, time};

/// The width of tables where no terminal says otherwise, in columns.
const DEFAULT_WIDTH: usize = 120;
/// Narrower than this, tables would show nothing.
const MIN_WIDTH: usize = 40;

/// Is standard output, buffered.
pub(crate) struct Out {
    writer: BufWriter<Box<dyn Write>>,
    width: usize,
    paint: Paint,
}

impl Out {
    /// Returns standard output.
    pub(crate) fn stdout(colors: ColorChoice) -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let columns = || std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        let of_terminal = || comfy_table::Table::new().width().map(usize::from);
        let width = if terminal { of_terminal().or_else(columns) } else { columns() };
        Self {
            writer: BufWriter::with_capacity(1 << 16, Box::new(stdout)),
            width: width.unwrap_or(DEFAULT_WIDTH).max(MIN_WIDTH),
            paint: Paint::new(colors, terminal),
        }
    }

    /// Returns how many columns a line may take.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Returns how it is coloured.
    pub(crate) fn paint(&self) -> Paint {
        self.paint
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        self.writer.write_all(text.as_ref().as_bytes())?;
        self.writer.write_all(b"\n")
    }

    /// Writes a text as it is.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        self.writer.write_all(text.as_bytes())
    }

    /// Writes a value as JSON, without a line end.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.writer, value).map_err(io::Error::from)
    }

    /// Writes a value as JSON on a line of its own.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.json(value)?;
        self.writer.write_all(b"\n")
    }

    /// Writes a value as the one JSON document of a run, with the version of its form.
    pub(crate) fn document(&mut self, value: impl Serialize) -> io::Result<()> {
        self.json_line(&Versioned::new(value))
    }

    /// Writes names and values below each other, the values aligned.
    pub(crate) fn fields(&mut self, fields: &[(&str, String)]) -> io::Result<()> {
        let width = fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in fields {
            let name = self.paint.dim(&format!("{name:width$}"));
            let mut lines = value.lines();
            self.line(format!("{name}  {}", lines.next().unwrap_or_default()).trim_end())?;
            for line in lines {
                self.line(format!("{:width$}  {line}", "").trim_end())?;
            }
        }
        Ok(())
    }

    /// Hands on what was written.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Writes to standard error as it is. Nobody is left to tell when that can't be written.
pub(crate) fn tell(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

impl fmt::Debug for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Out").field("width", &self.width).field("paint", &self.paint).finish_non_exhaustive()
    }
}
