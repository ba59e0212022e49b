//! What a condition asks of one value of the metadata.

use std::fmt;

use crate::{Error, Json, Result};

/// Is what must hold for a value of the metadata. None of them holds for a value that is missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Test {
    /// It is there, `null` included.
    Exists,
    /// It equals this one, as PostgreSQL's `jsonb = jsonb` has it: numbers by value, strings by bytes, objects whatever the
    /// order of their keys, arrays in theirs.
    Eq(Json),
    /// It equals one of these; false for none.
    In(Vec<Json>),
    /// It is a number that stands so to a number, or a string that stands so, by bytes, to a string. False for any other
    /// type.
    Compare(Relation, Bound),
    /// It is a string that begins with these bytes.
    Prefix(Prefix),
    /// It is an array with an element that equals one of these; false for none.
    Any(Vec<Json>),
    /// It is an array that has an equal element for each of these; true of every array for none.
    All(Vec<Json>),
    /// It is an array of so many elements.
    Size(SizeTest),
}

/// Is how a value stands to a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Relation {
    /// Returns whether something that compares so to a bound stands in this relation to it.
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// Is a number or a string to compare with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bound(Json);

impl Bound {
    /// Returns the bound.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a value of another type: there is no order among
    /// booleans, nulls, arrays and objects.
    pub fn new(value: Json) -> Result<Self> {
        let kind = match value.as_str().as_bytes().first() {
            Some(b'"' | b'-' | b'0'..=b'9') => return Ok(Self(value)),
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'n') => "null",
            _ => "a boolean",
        };
        Err(Error::invalid_input(format!("{kind} has no order: expected a number or a string")))
    }

    /// Returns the value.
    pub fn as_json(&self) -> &Json {
        &self.0
    }

    /// Returns whether it is a number; else it is a string.
    pub fn is_number(&self) -> bool {
        !self.0.as_str().starts_with('"')
    }

    /// Returns the string, unescaped; none for a number.
    pub fn as_string(&self) -> Option<String> {
        self.0.deserialize().ok()
    }
}

/// Is what a string must begin with. `Debug` prints its length only.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Prefix(String);

impl Prefix {
    /// Returns the prefix.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if it holds NUL, which no string here does.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        if text.contains('\0') {
            return Err(Error::invalid_input("a prefix holds NUL: expected a text without it"));
        }
        Ok(Self(text))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prefix({} bytes)", self.0.len())
    }
}

/// Is a condition on a number of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SizeTest {
    /// Exactly so many.
    Is(u32),
    /// A number that stands so to this one.
    Compare(Relation, u32),
}

impl SizeTest {
    /// Returns whether so many elements pass.
    pub fn holds(self, size: usize) -> bool {
        match self {
            Self::Is(wanted) => size == wanted as usize,
            Self::Compare(relation, bound) => relation.holds(size.cmp(&(bound as usize))),
        }
    }
}
