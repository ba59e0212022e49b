//! What is wrong with bytes from the other side.

use std::fmt;

/// Is what is wrong with bytes from the other side, or can't be said to it.
#[derive(Debug)]
pub enum Fault {
    /// They are no item of the kind expected.
    Malformed {
        /// Where, in bytes from the beginning.
        at: usize,
        /// What was expected.
        expected: &'static str,
    },
    /// They hold a number that this version gives no meaning.
    Unknown {
        /// What it would be a number of.
        what: &'static str,
        /// The number.
        number: u64,
    },
    /// They hold a value that its type does not allow.
    Invalid(polymnia::Error),
}

impl From<polymnia::Error> for Fault {
    fn from(error: polymnia::Error) -> Self {
        Self::Invalid(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { at, expected } => write!(f, "byte {at}: expected {expected}"),
            Self::Unknown { what, number } => write!(f, "unknown {what} {number}"),
            Self::Invalid(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl std::error::Error for Fault {}
