//! The errors of loading.

use std::fmt::Display;
use std::io;
use std::path::Path;

use polymnia::{Error, ErrorKind};

/// Returns the error for a file that is no plugin of ours, or not a whole one.
#[cold]
pub(super) fn unfit(path: &Path, reason: impl Display) -> Error {
    refused(ErrorKind::Plugin, path, reason)
}

/// Returns the error for a file that is not loaded.
#[cold]
pub(super) fn refused(kind: ErrorKind, path: &Path, reason: impl Display) -> Error {
    Error::new(kind, format!("plugin {} is not loaded: {reason}", path.display()))
}

/// Returns the error for a file that the system doesn't give.
#[cold]
pub(super) fn system(path: &Path, what: &str, error: io::Error) -> Error {
    let (kind, reason) = match error.kind() {
        io::ErrorKind::NotFound => (ErrorKind::NotFound, format!("{what} does not exist")),
        io::ErrorKind::NotADirectory => {
            (ErrorKind::NotFound, format!("{what} does not exist: a part of its path is no folder"))
        }
        io::ErrorKind::PermissionDenied => (ErrorKind::PermissionDenied, format!("the system denies access to {what}")),
        _ => (ErrorKind::Plugin, format!("{what} can't be read: {error}")),
    };
    refused(kind, path, reason).with_source(error)
}
