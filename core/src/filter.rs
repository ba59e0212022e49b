//! Conditions on a memory's metadata.

use crate::{Json, Memory};

/// Selects memories by their metadata, with one meaning on every dialect.
///
/// # Examples
///
/// ```
/// use polymnia::{Filter, Json};
///
/// let filter = Filter::Contains(Json::parse(r#"{"speaker": "Caroline", "session": 3}"#)?);
/// # let _ = filter;
/// # Ok::<(), polymnia::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Filter {
    /// Every memory.
    #[default]
    All,
    /// Memories whose metadata contains this JSON, as PostgreSQL's `jsonb @> jsonb` means it.
    ///
    /// Metadata is always an object, so JSON of another type selects nothing.
    Contains(Json),
}

impl Filter {
    /// Returns whether the memory is selected.
    ///
    /// This is the meaning that every engine is tested against.
    pub fn matches(&self, memory: &Memory) -> bool {
        match self {
            Self::All => true,
            Self::Contains(needle) => memory.metadata.as_json().contains(needle),
        }
    }

    /// Returns whether it selects every memory.
    pub fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }
}
