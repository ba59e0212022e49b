//! Conditions on memories, with one meaning on every dialect: in Rust, and [as JSON](Filter::parse).

mod conditions;
mod evaluate;
mod field;
mod finite;
mod form;
mod index_value;
mod limits;
mod matcher;
mod need;
mod own;
mod path;
mod quick;
mod test;

#[cfg(test)]
mod generate;
#[cfg(test)]
mod properties;

pub use field::{FieldTest, Is, Real, TextField, TimeField};
pub use index_value::{IndexValue, PathReader};
pub use matcher::FilterMatcher;
pub use need::Need;
pub use own::{ImportanceBuilder, TextBuilder, TimeBuilder};
pub use path::{Path, PathBuilder, Step};
pub use test::{Bound, Prefix, Relation, SizeTest, Test};

pub use crate::json::{DocumentTerms, NamespaceTerms, TermHasher};
use crate::{Json, Memory};

/// Selects memories by their metadata and their own fields, with one meaning on every dialect.
///
/// Logic has two values: every condition is true or false of a memory, never unknown. A condition on a value that is
/// missing, or of another type, is false; so [`Not`](Self::Not) of it is true.
///
/// # Examples
///
/// ```
/// use polymnia::{Filter, Json};
///
/// let contains = Filter::Contains(Json::parse(r#"{"speaker": "Caroline", "session": 3}"#)?);
/// let important = Filter::path(["customer", "score"])?.gte(9)?;
/// let filter = contains.and(important);
///
/// // The same as JSON, for the command line and for other languages.
/// assert_eq!(
///     filter,
///     Filter::parse(r#"{"$and": [{"$contains": {"speaker": "Caroline", "session": 3}},
///                                {"customer": {"score": {"$gte": 9}}}]}"#)?
/// );
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
    /// Memories whose metadata has a value at this path that passes the test.
    Metadata {
        /// Where the value stands.
        path: Path,
        /// What must hold for it.
        test: Test,
    },
    /// Memories one of whose own fields passes a test.
    Field(FieldTest),
    /// Memories that every one of these selects; all, if there are none.
    And(Vec<Filter>),
    /// Memories that at least one of these selects; none, if there are none.
    Or(Vec<Filter>),
    /// Memories that this one does not select.
    Not(Box<Filter>),
}

impl Filter {
    /// Begins a condition on the value at a path of the metadata.
    ///
    /// # Errors
    ///
    /// As [`Path::new`].
    pub fn path<S: Into<Step>>(steps: impl IntoIterator<Item = S>) -> crate::Result<PathBuilder> {
        Path::new(steps).map(PathBuilder::new)
    }

    /// Returns the filter that selects what both select.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::And(mut all) => {
                all.push(other);
                Self::And(all)
            }
            one => Self::And(vec![one, other]),
        }
    }

    /// Returns the filter that selects what either selects.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Or(mut any) => {
                any.push(other);
                Self::Or(any)
            }
            one => Self::Or(vec![one, other]),
        }
    }

    /// Returns the filter that selects what this one does not.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "a builder's step, not an operator")]
    pub fn not(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            one => Self::Not(Box::new(one)),
        }
    }

    /// Returns whether the memory is selected.
    ///
    /// This is the meaning that every engine is tested against: naive, and in no hurry. [`FilterMatcher`] is the fast way.
    pub fn matches(&self, memory: &Memory) -> bool {
        evaluate::matches(self, memory)
    }

    /// Returns whether it selects every memory, by its form alone.
    pub fn is_all(&self) -> bool {
        match self {
            Self::All => true,
            Self::And(all) => all.iter().all(Self::is_all),
            _ => false,
        }
    }

    /// Returns whether it looks at nothing but metadata.
    pub fn is_metadata_only(&self) -> bool {
        match self {
            Self::All | Self::Contains(_) | Self::Metadata { .. } => true,
            Self::Field(_) => false,
            Self::And(filters) | Self::Or(filters) => filters.iter().all(Self::is_metadata_only),
            Self::Not(inner) => inner.is_metadata_only(),
        }
    }
}
