//! Where lines come from, read and parsed on a thread of its own.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use polymnia::{Error, ErrorKind, Result};

use super::entry::{self, Entry, Fault, NamespaceRule};
use super::lines::Lines;
use crate::failure::file_error;

/// How many lines are handed over at a time, at most.
const CHUNK_LINES: usize = 2_000;
/// A chunk ends once it took so many bytes of the input.
const CHUNK_BYTES: u64 = 1 << 20;
/// How many chunks may wait: enough lines for a batch, so that the next is parsed while one is stored.
const WAITING: usize = 3;

/// Is an input of JSON lines.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Stdin,
    File {
        path: PathBuf,
        /// Its size, unless it is a pipe or the like.
        bytes: Option<u64>,
    },
    /// A text of the program itself.
    Text(&'static str),
}

/// Is what came of some lines, in their order.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) entries: Vec<Entry>,
    /// All after the entries, or apart from them: an import that stops at the first fault stores what stands before it.
    pub(crate) faults: Vec<Fault>,
    /// How many bytes of the input were read in all.
    pub(crate) bytes_read: u64,
}

impl Source {
    /// Looks at a file, or at standard input for `-`.
    pub(crate) fn of_path(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Stdin);
        }
        let failed = |error: io::Error| file_error("file", path, &error);
        let metadata = path.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        if metadata.is_file() {
            // Whether it may be read shows now.
            File::open(path).map_err(failed)?;
        }
        Ok(Self::File { path: path.to_owned(), bytes: metadata.is_file().then_some(metadata.len()) })
    }

    /// Returns whether reading it twice gives the same.
    pub(crate) fn can_be_read_twice(&self) -> bool {
        match self {
            Self::Stdin => false,
            Self::File { bytes, .. } => bytes.is_some(),
            Self::Text(_) => true,
        }
    }

    /// Returns its size, if that is known.
    pub(crate) fn bytes(&self) -> Option<u64> {
        match self {
            Self::Stdin => None,
            Self::File { bytes, .. } => *bytes,
            Self::Text(text) => Some(text.len() as u64),
        }
    }

    /// Returns the error with the file's name in front of its other facts.
    pub(crate) fn name_in(&self, error: Error) -> Error {
        match self {
            Self::Stdin | Self::Text(_) => error,
            Self::File { path, .. } => entry::rebuild(&error, |error| error.with_context("file", path.display())),
        }
    }

    /// Reads it from the beginning. Without a file for rejects, the first fault is the end.
    pub(crate) fn read(&self, rule: &NamespaceRule) -> Result<Receiver<Chunk>> {
        let input: Box<dyn FnOnce() -> Box<dyn BufRead> + Send> = match self {
            // Locked where it is read: the lock can't change threads.
            Self::Stdin => Box::new(|| Box::new(BufReader::with_capacity(1 << 16, io::stdin().lock()))),
            Self::File { path, .. } => {
                let file = File::open(path).map_err(|error| file_error("file", path, &error))?;
                Box::new(|| Box::new(BufReader::with_capacity(1 << 16, file)))
            }
            Self::Text(text) => Box::new(|| Box::new(text.as_bytes())),
        };
        let (sender, receiver) = sync_channel(WAITING);
        let rule = rule.clone();
        // Never joined: it may wait for input that nobody needs any more.
        std::thread::Builder::new()
            .name("import".to_owned())
            .spawn(move || produce(Lines::new(input()), &rule, &sender))
            .map_err(|error| Error::new(ErrorKind::Unexpected, format!("a thread can't be started: {error}")))?;
        Ok(receiver)
    }
}

/// Sends chunks until the input ends or nobody listens.
fn produce<R: BufRead>(mut lines: Lines<R>, rule: &NamespaceRule, sender: &SyncSender<Chunk>) {
    let mut ended = false;
    while !ended {
        let mut chunk = Chunk::default();
        let begin = lines.bytes_read();
        while chunk.entries.len() < CHUNK_LINES && lines.bytes_read() - begin < CHUNK_BYTES {
            let parsed = match lines.next_line() {
                Ok(Some(line)) => entry::parse(&line, rule),
                Ok(None) => {
                    ended = true;
                    break;
                }
                Err(error) => {
                    ended = true;
                    Err(unreadable(lines.number() + 1, &error))
                }
            };
            match parsed {
                Ok(entry) => chunk.entries.push(entry),
                Err(fault) => {
                    // The end of the chunk, so that the entries stand before the fault.
                    chunk.faults.push(fault);
                    break;
                }
            }
        }
        chunk.bytes_read = lines.bytes_read();
        if sender.send(chunk).is_err() {
            return;
        }
    }
}

fn unreadable(line: u64, error: &io::Error) -> Fault {
    let error = Error::new(ErrorKind::Unexpected, format!("the input can't be read: {error}"));
    Fault { line, error: error.with_context("line", line), text: None }
}
