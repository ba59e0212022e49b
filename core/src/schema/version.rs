//! What a schema version is called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Names a schema version: 14 digits, `YYYYMMDDHHMMSS`, after the prefix of its source.
///
/// Our own migrations have no prefix; an application's have one of lower-case letters, so that they sort after ours in
/// every tool that compares versions as text: `shop20261121000100`. It is what diesel's ledger holds, and the part of the
/// folder's name before the first `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(String);

impl Version {
    /// The digits of a version.
    pub const DIGITS: usize = 14;
    /// The greatest length of a version, that of the column in diesel's ledger.
    pub const MAX_BYTES: usize = 50;

    /// Checks and takes a version.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) unless it is a prefix of lower-case letters, which may be
    /// empty, and 14 digits, 50 bytes at most.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        let digits = text.trim_start_matches(|c: char| c.is_ascii_lowercase());
        let fits = text.len() <= Self::MAX_BYTES;
        if fits && digits.len() == Self::DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(text));
        }
        let shown: String = text.chars().take(60).collect();
        Err(Error::invalid_input(format!(
            "{shown:?} is no schema version: expected 14 digits, YYYYMMDDHHMMSS, after a prefix of lower-case letters or none, \
             50 bytes at most"
        )))
    }

    /// Returns it as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the prefix of its source; empty for ours.
    pub fn prefix(&self) -> &str {
        &self.0[..self.0.len() - Self::DIGITS]
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<String> for Version {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::new(text)
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_sort_before_those_of_applications() {
        let ours = Version::new("20261121000100").unwrap();
        let theirs = Version::new("shop20250101000000").unwrap();
        assert!(ours < theirs);
        assert_eq!((ours.prefix(), theirs.prefix()), ("", "shop"));
    }

    #[test]
    fn anything_else_is_refused() {
        let long = format!("{}20261121000100", "a".repeat(40));
        for wrong in ["", "1", "2026112100010", "202611210001000", "Shop20261121000100", "a_20261121000100", &long] {
            assert!(Version::new(wrong).is_err(), "{wrong}");
        }
    }
}
