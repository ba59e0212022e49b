//! Conditions on a memory's own fields.

use std::hash::{Hash, Hasher};

use super::{Prefix, Relation};
use crate::{Error, Memory, Result, Timestamp};

/// Is a condition on one of a memory's own fields. None of them holds for a field that is absent. The builders, such as
/// [`Filter::user`](super::Filter::user), make them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldTest {
    /// On a text, compared by bytes. One that holds NUL is refused by [`check`](super::Filter::check): no field holds it, and
    /// PostgreSQL can't be asked for it.
    Text(TextField, Is<String>),
    /// On how a text begins.
    Prefix(TextField, Prefix),
    /// On `importance`.
    Importance(Is<Real>),
    /// On a time.
    Time(TimeField, Is<Timestamp>),
}

/// Is what a field's value must be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Is<T> {
    /// There.
    Present,
    /// Equal to this.
    Eq(T),
    /// Equal to one of these; never, for none.
    In(Vec<T>),
    /// In this relation to a bound.
    Compare(Relation, T),
}

/// Is a field that holds text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextField {
    /// `user_id`
    User,
    /// `agent_id`
    Agent,
    /// `thread_id`
    Thread,
    /// `tier`
    Tier,
}

/// Is a field that holds a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeField {
    /// `created_at`
    Created,
    /// `updated_at`
    Updated,
    /// `expires_at`, of memories that have not expired
    Expires,
}

/// Is a number to compare `importance` with: a float that is a number or infinite, -0 as 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Real(f64);

impl Real {
    /// Returns the number.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for NaN.
    pub fn new(number: f64) -> Result<Self> {
        if number.is_nan() {
            return Err(Error::invalid_input("a bound is NaN: expected a number"));
        }
        Ok(Self(number + 0.0))
    }

    /// Returns the number.
    pub fn as_f64(self) -> f64 {
        self.0
    }
}

impl Eq for Real {}

impl Hash for Real {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl FieldTest {
    /// Returns whether the memory passes.
    pub fn matches(&self, memory: &Memory) -> bool {
        match self {
            Self::Text(field, is) => field.of(memory).is_some_and(|text| match is {
                Is::Present => true,
                Is::Eq(wanted) => text == wanted,
                Is::In(wanted) => wanted.iter().any(|wanted| text == wanted),
                Is::Compare(relation, bound) => relation.holds(text.as_bytes().cmp(bound.as_bytes())),
            }),
            Self::Prefix(field, prefix) => field.of(memory).is_some_and(|text| text.starts_with(prefix.as_str())),
            Self::Importance(is) => {
                let importance = memory.importance.as_f64();
                match is {
                    Is::Present => true,
                    Is::Eq(wanted) => *wanted == Real(importance),
                    Is::In(wanted) => wanted.contains(&Real(importance)),
                    Is::Compare(relation, bound) => relation.holds(importance.total_cmp(&bound.0)),
                }
            }
            Self::Time(field, is) => field.of(memory).is_some_and(|time| match is {
                Is::Present => true,
                Is::Eq(wanted) => time == *wanted,
                Is::In(wanted) => wanted.contains(&time),
                Is::Compare(relation, bound) => relation.holds(time.cmp(bound)),
            }),
        }
    }
}

impl TextField {
    fn of(self, memory: &Memory) -> Option<&str> {
        match self {
            Self::User => memory.user_id.as_ref().map(AsRef::as_ref),
            Self::Agent => memory.agent_id.as_ref().map(AsRef::as_ref),
            Self::Thread => memory.thread_id.as_ref().map(AsRef::as_ref),
            Self::Tier => Some(memory.tier.as_str()),
        }
    }
}

impl TimeField {
    fn of(self, memory: &Memory) -> Option<Timestamp> {
        match self {
            Self::Created => Some(memory.created_at),
            Self::Updated => Some(memory.updated_at),
            Self::Expires => memory.expires_at,
        }
    }
}
