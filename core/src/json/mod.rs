//! JSON as validated canonical text, and what is asked of such text: containment, equality, terms for an index.
//!
//! `scan` knows the grammar, `number` and `string` know values, `canonical` writes what PostgreSQL prints. A `walk` over a
//! document builds no tree: `matcher` answers PostgreSQL's `@>` with it, and `exact` PostgreSQL's `=`. `terms` reads what an
//! index holds. `tree` alone is a tree: the oracle that all of them are tested against.

mod canonical;
pub(crate) mod exact;
mod fault;
pub(crate) mod leaf;
pub(crate) mod marks;
mod matcher;
pub(crate) mod members;
pub(crate) mod needle;
pub(crate) mod number;
mod reader;
pub(crate) mod scan;
pub(crate) mod string;
pub(crate) mod terms;
pub(crate) mod tree;
pub(crate) mod walk;

#[cfg(test)]
pub(crate) mod generate;
#[cfg(test)]
mod oracle;
#[cfg(test)]
pub(crate) mod properties;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

pub use self::matcher::Matcher;
pub(crate) use self::reader::{Kind, Read, Reader, Wrong};
pub use self::terms::{DocumentTerms, NamespaceTerms, TermHasher};

use self::fault::{Fault, Reason};
use crate::error::{Error, Result};

/// Holds a JSON value of any kind as validated text in canonical form.
///
/// The canonical form is byte for byte what PostgreSQL prints for `jsonb::text`, so a value reads the same from every
/// dialect: the keys of an object ordered by their length in bytes, then by their bytes, of duplicate keys the last
/// one; `", "` and `": "` between parts; strings with as few escapes as possible; numbers without exponents and with
/// their scale kept (`1.50` stays, `1e2` becomes `100`, `-0` becomes `0`). Numbers are exact decimals, never floats.
///
/// Equality and hashing are those of the canonical text, so `1` and `1.0` are unequal though each
/// [contains](Self::contains) the other. `Debug` prints the length only, since metadata must not end up in logs;
/// `Display` prints the text.
///
/// With serde, a value is embedded into and taken from the surrounding JSON as it is, which `serde_json` alone can do.
///
/// # Limits
///
/// A text is refused if its canonical form takes more than [`MAX_BYTES`](Self::MAX_BYTES), if it takes more than
/// [`MAX_INPUT_BYTES`](Self::MAX_INPUT_BYTES) as given, or if its containers are nested deeper than
/// [`MAX_DEPTH`](Self::MAX_DEPTH). Refused too is what PostgreSQL's `jsonb` refuses beyond the grammar of RFC 8259:
/// `\u0000`, halves of surrogate pairs, numbers of more than 131,072 digits before or 16,383 digits after the decimal
/// point, and exponents outside -1,073,741,822 to 1,073,741,822.
///
/// # Examples
///
/// ```
/// use polymnia::Json;
///
/// let json = Json::parse(r#"{"tags":["ship"], "n":15e-1, "n":1.50}"#)?;
/// assert_eq!(json.as_str(), r#"{"n": 1.50, "tags": ["ship"]}"#);
/// assert!(json.contains(&Json::parse(r#"{"n": 1.5}"#)?));
/// # Ok::<(), polymnia::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json {
    text: Box<str>,
}

impl Json {
    /// The most bytes a value may take as canonical text: 1 MiB.
    pub const MAX_BYTES: usize = 1 << 20;

    /// The most bytes a text may take as given, with its white space, escapes and duplicate keys: 8 MiB.
    ///
    /// The same bound holds while a text is brought into canonical form, when exponents are spelt out and duplicate
    /// keys not yet dropped: `1e131071` is 8 bytes as given and 131,072 as canonical text.
    pub const MAX_INPUT_BYTES: usize = 8 << 20;

    /// How many arrays and objects may be nested in one another: 128. A scalar counts 0, `[]` and `[1]` count 1, `[[]]`
    /// and `{"a": []}` count 2.
    pub const MAX_DEPTH: usize = 128;

    /// Validates `text` and brings it into canonical form.
    ///
    /// # Errors
    ///
    /// Returns an [`InvalidInput`](crate::ErrorKind::InvalidInput) error if `text` is not JSON or past the
    /// [limits](Self#limits). Its context has the `line` and the `column`, both from 1, the column in characters; its
    /// message shows at most the one character at fault, never a value or a key.
    ///
    /// # Examples
    ///
    /// ```
    /// use polymnia::Json;
    ///
    /// assert_eq!(Json::parse(" [1e2, \"\\u0041\\/\"] ")?.as_str(), r#"[100, "A/"]"#);
    ///
    /// let error = Json::parse("{\"a\": 1,\n \"b\": tru}").unwrap_err();
    /// assert_eq!(error.context_value("line"), Some("2"));
    /// assert_eq!(error.context_value("column"), Some("7"));
    /// # Ok::<(), polymnia::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        Self::read(text).map_err(|fault| fault.into_error(text))
    }

    /// Validates `bytes`, a text in UTF-8, and brings it into canonical form.
    ///
    /// # Errors
    ///
    /// Returns an [`InvalidInput`](crate::ErrorKind::InvalidInput) error if `bytes` is not UTF-8, and the errors of
    /// [`parse`](Self::parse). The context has the `line` and the `column` in either case.
    ///
    /// # Examples
    ///
    /// ```
    /// use polymnia::Json;
    ///
    /// assert_eq!(Json::from_slice(b"[ ]")?, Json::parse("[]")?);
    /// assert_eq!(Json::from_slice(b"[\"\xff\"]").unwrap_err().context_value("column"), Some("3"));
    /// # Ok::<(), polymnia::Error>(())
    /// ```
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Self::parse(text);
        }
        let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        Err(Fault { at: valid.len(), reason: Reason::InvalidUtf8 }.into_error(valid))
    }

    /// Wraps `text` without validation: for engines, which read what they stored.
    ///
    /// Requires the canonical text of a `Json`, as [`as_str`](Self::as_str) returned it. The engine vouches for that:
    /// nothing is checked here, so that reading a row costs no parse. With any other text nothing panics, but equality,
    /// containment and serialization answer whatever comes of it.
    pub fn from_stored(text: String) -> Self {
        Self { text: text.into_boxed_str() }
    }

    /// Returns the JSON that `value` serializes to.
    ///
    /// Floats that are no numbers (NaN, the infinities) become `null`, as `serde_json` has it.
    ///
    /// # Errors
    ///
    /// Returns an [`InvalidInput`](crate::ErrorKind::InvalidInput) error if `value` can't be written as JSON, such as a
    /// map whose keys are no strings, and the errors of [`parse`](Self::parse).
    ///
    /// # Examples
    ///
    /// ```
    /// use polymnia::Json;
    ///
    /// let json = Json::from_serialize(&std::collections::BTreeMap::from([("alpha", 1), ("b", 2)]))?;
    /// assert_eq!(json.as_str(), r#"{"b": 2, "alpha": 1}"#);
    /// # Ok::<(), polymnia::Error>(())
    /// ```
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        let text = serde_json::to_string(value).map_err(|_| {
            // Whoever wrote the `Serialize` may have put the value into the message, so it stays out of ours.
            Error::invalid_input(format!("value of type {} can't be written as JSON", std::any::type_name::<T>()))
        })?;
        Self::parse(&text)
    }

    /// Reads the value as a `T`.
    ///
    /// # Errors
    ///
    /// Returns an [`InvalidInput`](crate::ErrorKind::InvalidInput) error if the value does not fit `T`; its
    /// context has the `line` and the `column` in the canonical text, the column in bytes. A value nested 128 deep, the
    /// most there is, fits no type that holds all of it: `serde_json` reads 127 levels.
    ///
    /// # Examples
    ///
    /// ```
    /// use polymnia::Json;
    ///
    /// assert_eq!(Json::parse("[1, 2]")?.deserialize::<Vec<u8>>()?, [1, 2]);
    /// assert!(Json::parse("[1, 256]")?.deserialize::<Vec<u8>>().is_err());
    /// # Ok::<(), polymnia::Error>(())
    /// ```
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.text).map_err(|error| {
            // The message of serde_json quotes the value, so only its position is told.
            Error::invalid_input(format!("JSON does not fit the type {}", std::any::type_name::<T>()))
                .with_context("line", error.line())
                .with_context("column", error.column())
        })
    }

    /// Returns `{}`.
    pub fn empty_object() -> Self {
        Self { text: "{}".into() }
    }

    /// Returns the canonical text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the canonical text.
    pub fn into_string(self) -> String {
        self.text.into_string()
    }

    /// Reports whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.first_byte() == Some(b'{')
    }

    /// Reports whether the value is an array.
    pub fn is_array(&self) -> bool {
        self.first_byte() == Some(b'[')
    }

    /// Reports whether the value is a string.
    pub fn is_string(&self) -> bool {
        self.first_byte() == Some(b'"')
    }

    /// Reports whether the value is a number.
    pub fn is_number(&self) -> bool {
        matches!(self.first_byte(), Some(b'-' | b'0'..=b'9'))
    }

    /// Reports whether the value is `true` or `false`.
    pub fn is_bool(&self) -> bool {
        matches!(self.first_byte(), Some(b't' | b'f'))
    }

    /// Reports whether the value is `null`.
    pub fn is_null(&self) -> bool {
        self.first_byte() == Some(b'n')
    }

    /// Reports whether this value contains `needle`, as PostgreSQL's `self @> needle` does.
    ///
    /// To look into many documents for one needle, compile it once with [`Matcher::new`], where the rules are told.
    ///
    /// # Examples
    ///
    /// ```
    /// use polymnia::Json;
    ///
    /// let document = Json::parse(r#"{"a": {"b": [1, 2.0]}, "c": null}"#)?;
    /// assert!(document.contains(&Json::parse(r#"{"a": {"b": [2]}}"#)?));
    /// assert!(!document.contains(&Json::parse(r#"{"b": [2]}"#)?));
    /// # Ok::<(), polymnia::Error>(())
    /// ```
    pub fn contains(&self, needle: &Self) -> bool {
        Matcher::new(needle).matches(&self.text)
    }

    fn read(text: &str) -> Result<Self, Fault> {
        let too_long = |reason| Err(Fault { at: 0, reason });
        if text.len() > Self::MAX_INPUT_BYTES {
            return too_long(Reason::InputTooLong);
        }
        let text: Box<str> =
            if canonical::is_canonical(text) { text.into() } else { canonical::canonicalize(text)?.into_boxed_str() };
        if text.len() > Self::MAX_BYTES { too_long(Reason::CanonicalTooLong) } else { Ok(Self { text }) }
    }

    fn first_byte(&self) -> Option<u8> {
        self.text.as_bytes().first().copied()
    }
}

impl fmt::Debug for Json {
    /// Writes the length only: content stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json(… {} bytes)", self.text.len())
    }
}

impl fmt::Display for Json {
    /// Writes the canonical text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl FromStr for Json {
    type Err = Error;

    /// Does what [`Json::parse`] does.
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl AsRef<str> for Json {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl Serialize for Json {
    /// Embeds the canonical text as it is, if the serializer is one of `serde_json`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.text)
            .map_err(|_| S::Error::custom("stored JSON is damaged: expected canonical text"))?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    /// Takes the text of a value as it is and does what [`Json::parse`] does, if the deserializer is one of
    /// `serde_json`.
    ///
    /// The line and the column in an error count from the start of the value.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(raw.get()).map_err(D::Error::custom)
    }
}
