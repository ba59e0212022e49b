//! Errors, with the texts of what caused them.

use std::error::Error as StdError;
use std::fmt;

use polymnia::{Error, ErrorKind, Retry};

use super::record::{read_fields, write_fields};
use super::{Fault, Read, Reader, Write, Writer};

/// The greatest number of causes: a chain that is longer ends there.
const MAX_SOURCES: usize = 16;

impl Write for Error {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        let kind = &u64::from(self.kind().code());
        let retry = &u64::from(self.retry().code());
        let (message, operation, hint) = (self.message(), &self.operation(), &self.hint());
        let context: &Vec<(&str, &str)> = &self.context().collect();
        let sources =
            std::iter::successors(StdError::source(self), |source: &&(dyn StdError + 'static)| (*source).source());
        let sources: &Vec<String> = &sources.take(MAX_SOURCES).map(ToString::to_string).collect();
        write_fields!(writer {
            1 kind,
            2 retry or default,
            3 message,
            4 operation or default,
            5 hint or default,
            6 context or default,
            7 sources or default,
        });
        Ok(())
    }
}

impl Read for Error {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        read_fields!(reader Error {
            1 kind,
            2 retry or default,
            3 message,
            4 operation or default,
            5 hint or default,
            6 context or default,
            7 sources or default,
        });
        // Those that are not known are for a newer host to tell apart.
        let (kind, retry): (u64, u64) = (kind, retry);
        let kind = u16::try_from(kind).map_or(ErrorKind::Unexpected, ErrorKind::from_code);
        let retry = u16::try_from(retry).map_or(Retry::Never, Retry::from_code);
        let (message, operation, hint): (String, Option<String>, Option<String>) = (message, operation, hint);
        let mut error = Self::new(kind, message).with_retry(retry);
        if let Some(operation) = operation {
            error = error.with_operation(operation);
        }
        if let Some(hint) = hint {
            error = error.with_hint(hint);
        }
        let context: Vec<(String, String)> = context;
        for (key, value) in context {
            error = error.with_context(key, value);
        }
        let sources: Vec<String> = sources;
        match Cause::chain(sources) {
            Some(cause) => Ok(error.with_source(cause)),
            None => Ok(error),
        }
    }
}

/// Is an error of the other side, of which its text is left.
#[derive(Debug)]
struct Cause {
    message: String,
    source: Option<Box<Cause>>,
}

impl Cause {
    fn chain(messages: Vec<String>) -> Option<Box<Self>> {
        // No more than are written: a chain is dropped from one to the next, on the stack.
        let kept = messages.into_iter().take(MAX_SOURCES).collect::<Vec<_>>();
        kept.into_iter().rev().fold(None, |source, message| Some(Box::new(Self { message, source })))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
