//! The one error of this module.

use std::fmt;

/// A server that could not be found, started or talked to.
///
/// Its text is meant for whoever runs the tests: it names what was tried and the next step. It never holds a password.
#[derive(Debug, Clone)]
pub struct ServerError {
    message: String,
}

impl ServerError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    /// An error of an attempt (`could not read /etc/passwd`) with the cause it failed for.
    pub(super) fn because(attempt: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self::new(format!("{attempt}: {}", cause.to_string().trim_end()))
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ServerError {}
