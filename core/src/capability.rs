//! What a dialect can do.

/// Says how a dialect does a thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Support {
    /// Not at all: asking for it is an [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) error.
    #[default]
    None,
    /// With the same answers, by code of the dialect rather than the database's own.
    Emulated,
    /// By the database itself.
    Native,
}

/// Lists what a dialect can do and how.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capability {
    /// `Filter::Contains`.
    pub containment: Support,
    /// An index behind `Filter::Contains`; without it, containment walks the memories that the other conditions leave.
    pub containment_index: Support,
    /// The rest of the filter language: comparisons, arrays, prefixes, logic, the memory's own fields.
    pub filters: Support,
    /// Indexes declared on one path of the metadata.
    pub declared_indexes: Support,
    /// Loading at a rate of its own, with the indexes made afterwards or by the database's own way in.
    pub bulk_load: Support,
    /// Conditions on related threads.
    pub related_threads: Support,
    /// An index behind conditions on related threads.
    pub related_threads_index: Support,
    /// The table of changes, for those who follow.
    pub change_capture: Support,
    /// Ending a call at its deadline or when cancelled, in the middle of the database's work.
    pub interruption: Support,
    /// Several writers at once; without it they queue.
    pub concurrent_writers: Support,
}

impl Capability {
    /// Returns a capability with nothing supported, to be filled in by a dialect.
    pub const fn none() -> Self {
        Self {
            containment: Support::None,
            containment_index: Support::None,
            filters: Support::None,
            declared_indexes: Support::None,
            bulk_load: Support::None,
            related_threads: Support::None,
            related_threads_index: Support::None,
            change_capture: Support::None,
            interruption: Support::None,
            concurrent_writers: Support::None,
        }
    }
}
