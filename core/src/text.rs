//! Bounded texts: each is checked once, when it is made, and never again.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::{Error, Result};

/// Declares a text type with a range of lengths in bytes and a rule of its own.
macro_rules! bounded_text {
    ($(#[$docs:meta])* $name:ident, $field:literal, $min:literal..=$max:expr, $expected:literal, $rule:expr) => {
        $(#[$docs])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The greatest length, in bytes of UTF-8.
            pub const MAX_BYTES: usize = $max;

            /// Returns the text if it keeps the rules of this type.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) naming the field, what is wrong and what was
            /// expected.
            pub fn new(text: impl Into<String>) -> Result<Self> {
                let text = text.into();
                check($field, &text, $min, $max, $expected)?;
                let rule: fn(&str) -> bool = $rule;
                if rule(&text) {
                    Ok(Self(text))
                } else {
                    Err(Error::invalid_input(concat!($field, " is blank: expected ", $expected)))
                }
            }

            /// Wraps a text that an engine stored itself, without checking it again.
            ///
            /// For implementors of [`Engine`](crate::spi::Engine): the engine vouches that the text came from this type.
            pub fn from_stored(text: String) -> Self {
                Self(text)
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns the text, by value.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = Error;

            fn try_from(text: &str) -> Result<Self> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

macro_rules! debug_as_text {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    )*};
}

bounded_text! {
    /// Names the tenant that memories belong to: 1 to 255 bytes, not blank, no NUL. Compared byte by byte.
    ///
    /// # Examples
    ///
    /// ```
    /// use polymnia::Namespace;
    ///
    /// let namespace = Namespace::new("acme/support")?;
    /// assert_eq!(namespace.as_str(), "acme/support");
    /// assert!(Namespace::new("").is_err());
    /// # Ok::<(), polymnia::Error>(())
    /// ```
    Namespace, "namespace", 1..=255, "1 to 255 bytes with a character that is not white space",
    |text| !text.trim().is_empty()
}

bounded_text! {
    /// Names the user a memory is about: 1 to 255 bytes, no NUL. Matched exactly, byte by byte, never as a pattern.
    UserId, "user_id", 1..=255, "1 to 255 bytes", |_| true
}

bounded_text! {
    /// Names the agent that made a memory: 1 to 255 bytes, no NUL. Matched exactly, byte by byte, never as a pattern.
    AgentId, "agent_id", 1..=255, "1 to 255 bytes", |_| true
}

bounded_text! {
    /// Names the thread a memory belongs to: 1 to 255 bytes, no NUL. Matched exactly, byte by byte, never as a pattern.
    ThreadId, "thread_id", 1..=255, "1 to 255 bytes", |_| true
}

bounded_text! {
    /// Says how long a memory is meant to live: 1 to 64 bytes, no NUL. `short_term` unless given; `mid_term`, `long_term`
    /// or the application's own word.
    Tier, "tier", 1..=64, "1 to 64 bytes", |_| true
}

bounded_text! {
    /// Holds what a memory says: up to 1 MiB (1,048,576 bytes) of UTF-8, no NUL. May be empty.
    ///
    /// `Debug` prints the length only, so that content does not reach logs.
    Content, "content", 0..=1_048_576, "at most 1048576 bytes", |_| true
}

debug_as_text!(Namespace, UserId, AgentId, ThreadId, Tier);

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.0.len())
    }
}

impl Tier {
    /// Returns `short_term`, the tier of a memory that names none.
    pub fn short_term() -> Self {
        Self("short_term".to_owned())
    }

    /// Returns `mid_term`.
    pub fn mid_term() -> Self {
        Self("mid_term".to_owned())
    }

    /// Returns `long_term`.
    pub fn long_term() -> Self {
        Self("long_term".to_owned())
    }
}

impl Default for Tier {
    fn default() -> Self {
        Self::short_term()
    }
}

fn check(field: &str, text: &str, min: usize, max: usize, expected: &str) -> Result<()> {
    if text.len() < min {
        return Err(Error::invalid_input(format!("{field} is empty: expected {expected}")));
    }
    if text.len() > max {
        return Err(Error::invalid_input(format!("{field} is {} bytes long: expected {expected}", text.len())));
    }
    match text.bytes().position(|byte| byte == 0) {
        None => Ok(()),
        Some(at) => {
            let message = format!("{field} holds a NUL character (U+0000) at byte {at}: no database can store it");
            Err(Error::invalid_input(message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_bytes() {
        assert!(UserId::new("é".repeat(127)).is_ok());
        let error = UserId::new("é".repeat(128)).unwrap_err();
        assert_eq!(error.to_string(), "user_id is 256 bytes long: expected 1 to 255 bytes");
        assert_eq!(UserId::new("").unwrap_err().to_string(), "user_id is empty: expected 1 to 255 bytes");
    }

    #[test]
    fn nul_is_refused_and_named() {
        let error = Content::new("a\0b").unwrap_err();
        assert_eq!(error.to_string(), "content holds a NUL character (U+0000) at byte 1: no database can store it");
    }

    #[test]
    fn a_namespace_is_not_blank() {
        assert!(Namespace::new(" \t\u{a0}").is_err());
        assert!(Namespace::new(" a ").is_ok());
    }

    #[test]
    fn content_stays_out_of_debug() {
        assert_eq!(format!("{:?}", Content::new("secret").unwrap()), "Content(6 bytes)");
    }
}
