//! Filters as SQL: own fields as plain conditions, metadata by a function of ours.

use std::sync::Arc;

use polymnia::filter::FilterMatcher;
use polymnia::spi::refusal;
use polymnia::{Error, Filter, Result};

use super::field;
use super::parts::Parts;
use crate::matches::Recheck;
use crate::statement::Value;

/// Is a filter as SQL, and what its calls of `polymnia_matches` find in their slots.
#[derive(Debug, Default)]
pub(super) struct FilterSql<'a> {
    pub(super) parts: Parts<'a>,
    pub(super) rechecks: Vec<Arc<Recheck>>,
}

/// Is a logical operator between conditions.
#[derive(Clone, Copy)]
struct Junction {
    operator: &'static str,
    /// What it makes of no condition.
    none: bool,
    joined: fn(Vec<Filter>) -> Filter,
}

const AND: Junction = Junction { operator: " AND ", none: true, joined: Filter::And };
const OR: Junction = Junction { operator: " OR ", none: false, joined: Filter::Or };

impl<'a> FilterSql<'a> {
    /// Adds the conditions of a conjunction, each after ` AND `; those on metadata come last, for they are the dearest.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](polymnia::ErrorKind::Unsupported) for a filter that this version doesn't know.
    pub(super) fn push_all(&mut self, filters: &[&'a Filter]) -> Result<()> {
        let (metadata, others): (Vec<&Filter>, Vec<&Filter>) =
            filters.iter().filter(|filter| !filter.is_all()).partition(|filter| filter.is_metadata_only());
        for filter in others {
            self.parts.push(AND.operator);
            self.push(filter)?;
        }
        if !metadata.is_empty() {
            self.parts.push(AND.operator);
            self.push_joined(&metadata, AND)?;
        }
        Ok(())
    }

    fn push(&mut self, filter: &'a Filter) -> Result<()> {
        if filter.is_metadata_only() {
            return self.push_matches(filter);
        }
        match filter {
            Filter::Field(test) => field::push(&mut self.parts, test),
            Filter::And(all) => self.push_junction(all, AND),
            Filter::Or(any) => self.push_junction(any, OR),
            Filter::Not(inner) => {
                self.parts.push("NOT (");
                self.push(inner)?;
                self.parts.push(")");
                Ok(())
            }
            _ => Err(unknown()),
        }
    }

    /// Adds a conjunction or disjunction, with all that it says of metadata as one condition.
    fn push_junction(&mut self, filters: &'a [Filter], junction: Junction) -> Result<()> {
        let (metadata, others): (Vec<&Filter>, Vec<&Filter>) =
            filters.iter().partition(|filter| filter.is_metadata_only());
        self.push_tree(&others, &metadata, junction)
    }

    /// Adds conditions as a tree, for SQLite bounds the depth of an expression, and a chain is as deep as it is long.
    fn push_tree(&mut self, others: &[&'a Filter], metadata: &[&'a Filter], junction: Junction) -> Result<()> {
        match (others, metadata) {
            ([], []) => {
                self.parts.bind(constant(junction.none));
                Ok(())
            }
            ([], metadata) => self.push_joined(metadata, junction),
            ([one], []) => self.push(one),
            (others, metadata) => {
                // All of the others, and then the metadata; or one half, and then the other.
                let half = if metadata.is_empty() { others.len() / 2 } else { others.len() };
                self.parts.push("(");
                self.push_tree(&others[..half], &[], junction)?;
                self.parts.push(junction.operator);
                self.push_tree(&others[half..], metadata, junction)?;
                self.parts.push(")");
                Ok(())
            }
        }
    }

    fn push_joined(&mut self, metadata: &[&Filter], junction: Junction) -> Result<()> {
        match metadata {
            [one] => self.push_matches(one),
            several => self.push_matches(&(junction.joined)(several.iter().map(|&filter| filter.clone()).collect())),
        }
    }

    fn push_matches(&mut self, filter: &Filter) -> Result<()> {
        if filter.is_all() {
            self.parts.bind(constant(true));
            return Ok(());
        }
        let slot = i64::try_from(self.rechecks.len()).unwrap_or(i64::MAX);
        self.rechecks.push(Arc::new(Recheck::new(FilterMatcher::new(filter)?)));
        self.parts.matches(slot);
        Ok(())
    }
}

/// Returns a condition that is always or never true. It is bound: SQLite folds what it reads in the text, and of a statement
/// that finds nothing it says that it can't use the index named.
pub(super) fn constant(holds: bool) -> Value<'static> {
    Value::Integer(i64::from(holds))
}

pub(super) fn unknown() -> Error {
    refusal::unknown("sqlite", "filter")
}
