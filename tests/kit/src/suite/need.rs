//! What a case asks of a dialect beyond the least, and what a dialect claims.

use std::fmt;

use polymnia::{Capability, Filter, Result, Selection, Support};

use crate::fixture::Database;

/// Is what a case needs and a dialect may do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Need {
    /// [`Capability::containment`].
    Containment,
    /// [`Capability::filters`].
    Filters,
    /// [`Capability::related_threads`].
    RelatedThreads,
    /// [`Capability::declared_indexes`].
    DeclaredIndexes,
    /// [`Capability::bulk_load`].
    BulkLoad,
    /// [`Capability::change_capture`].
    ChangeCapture,
    /// [`Capability::interruption`].
    Interruption,
    /// [`Fixture::takes_options`](crate::Fixture::takes_options): of the fixture, not of the dialect.
    Options,
}

impl Need {
    /// Every need, in the order of reports.
    pub const ALL: [Self; 8] = [
        Self::Containment,
        Self::Filters,
        Self::RelatedThreads,
        Self::DeclaredIndexes,
        Self::BulkLoad,
        Self::ChangeCapture,
        Self::Interruption,
        Self::Options,
    ];

    /// Returns its name: `declared indexes`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Containment => "containment",
            Self::Filters => "filters",
            Self::RelatedThreads => "related threads",
            Self::DeclaredIndexes => "declared indexes",
            Self::BulkLoad => "bulk load",
            Self::ChangeCapture => "change capture",
            Self::Interruption => "interruption",
            Self::Options => "options",
        }
    }

    /// Returns whether a dialect of that capability has it.
    pub(crate) fn is_met(self, capability: &Capability) -> bool {
        let support = match self {
            Self::Containment => capability.containment,
            Self::Filters => capability.filters,
            Self::RelatedThreads => capability.related_threads,
            Self::DeclaredIndexes => capability.declared_indexes,
            Self::BulkLoad => capability.bulk_load,
            Self::ChangeCapture => capability.change_capture,
            Self::Interruption => capability.interruption,
            // Not the dialect's.
            Self::Options => return true,
        };
        support > Support::None
    }

    /// Returns what the selection asks of a dialect.
    pub(crate) fn of(selection: &Selection) -> Vec<Self> {
        let mut needs = Vec::new();
        if !selection.related_threads.is_empty() {
            needs.push(Self::RelatedThreads);
        }
        Self::of_filter(&selection.filter, &mut needs);
        needs
    }

    fn of_filter(filter: &Filter, needs: &mut Vec<Self>) {
        match filter {
            Filter::All => {}
            Filter::Contains(_) => needs.push(Self::Containment),
            Filter::And(filters) | Filter::Or(filters) => {
                needs.push(Self::Filters);
                for filter in filters {
                    Self::of_filter(filter, needs);
                }
            }
            Filter::Not(filter) => {
                needs.push(Self::Filters);
                Self::of_filter(filter, needs);
            }
            _ => needs.push(Self::Filters),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Is what a dialect, and the fixture around it, claims to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    capability: Capability,
    takes_options: bool,
}

impl Claims {
    /// Asks an engine of a database, which it opens.
    ///
    /// # Errors
    ///
    /// As [`Database::open`].
    pub fn of(database: &dyn Database) -> Result<Self> {
        let capability = database.open(&database.options())?.capability();
        Ok(Self { capability, takes_options: database.takes_options() })
    }

    /// Returns whether it claims to do that.
    pub fn has(&self, need: Need) -> bool {
        need.is_met(&self.capability) && (need != Need::Options || self.takes_options)
    }
}
