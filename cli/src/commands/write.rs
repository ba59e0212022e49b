//! What `add` and `update` have in common.

use std::ffi::OsStr;
use std::io::Read as _;

use polymnia::{Content, Error, ErrorKind, Result};

/// Reads the content that an argument gives, or standard input for `-`.
pub(crate) fn content(argument: &OsStr) -> Result<Content> {
    if argument == "-" {
        return from_stdin();
    }
    Content::new(utf8(argument.as_encoded_bytes().to_vec())?)
}

fn from_stdin() -> Result<Content> {
    // One line end and one byte more than fits, so that what is too long shows as such.
    let limit = Content::MAX_BYTES as u64 + 3;
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::new(ErrorKind::Unexpected, format!("standard input can't be read: {error}")))?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.len() > Content::MAX_BYTES {
        let message = format!("content is longer than {0} bytes: expected at most {0}", Content::MAX_BYTES);
        return Err(Error::invalid_input(message));
    }
    Content::new(utf8(bytes)?)
}

fn utf8(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::invalid_input(format!("content is not valid UTF-8 at byte {at}: expected UTF-8 text"))
    })
}
