//! Changes to memories and what became of them.

use crate::{
    AgentId, Content, Importance, Memory, MemoryId, Metadata, NewMemory, RelatedThreads, Revision, ThreadId, Tier,
    Timestamp, UserId,
};

/// Is one change to one memory. A batch of them applies as if one after the other, all or nothing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Mutation {
    /// Writes the memory whole, new or over an existing one (whose `created_at` stays).
    Put {
        /// The memory's id.
        id: MemoryId,
        /// What it is to be.
        memory: NewMemory,
        /// What must be there now.
        expect: Expect,
    },
    /// Changes some fields of an existing memory.
    Update {
        /// The memory's id.
        id: MemoryId,
        /// What changes.
        patch: Patch,
        /// What must be there now. A missing memory is always an error.
        expect: Expect,
    },
    /// Removes a memory, if it is there.
    Delete {
        /// The memory's id.
        id: MemoryId,
        /// What must be there now. With [`Expect::Any`] a missing memory is no error.
        expect: Expect,
    },
    /// Writes a whole row with its times and revision, as import and copy do.
    Restore {
        /// The row.
        memory: Memory,
        /// What to do when the id is taken by a memory that has not expired.
        on_conflict: OnConflict,
    },
}

impl Mutation {
    /// Returns the id of the memory it changes.
    pub fn id(&self) -> MemoryId {
        match self {
            Self::Put { id, .. } | Self::Update { id, .. } | Self::Delete { id, .. } => *id,
            Self::Restore { memory, .. } => memory.id,
        }
    }

    /// Returns about how many bytes the change carries: what the limit of 64 MiB on a batch counts.
    pub fn payload_bytes(&self) -> usize {
        match self {
            Self::Put { memory, .. } => {
                let NewMemory { content, metadata, related_threads, .. } = memory;
                content.as_str().len() + metadata.as_str().len() + threads_bytes(related_threads)
            }
            Self::Update { patch, .. } => {
                patch.content.as_ref().map_or(0, |content| content.as_str().len())
                    + patch.metadata.as_ref().map_or(0, |metadata| metadata.as_str().len())
                    + patch.related_threads.as_ref().map_or(0, threads_bytes)
            }
            Self::Delete { .. } => 0,
            Self::Restore { memory, .. } => {
                let Memory { content, metadata, related_threads, .. } = memory;
                content.as_str().len() + metadata.as_str().len() + threads_bytes(related_threads)
            }
        }
    }
}

fn threads_bytes(threads: &RelatedThreads) -> usize {
    threads.as_slice().iter().map(|thread| thread.as_str().len()).sum()
}

/// Says what must be stored for a change to apply; else the batch is refused with a conflict.
///
/// An expired memory counts as absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expect {
    /// Anything.
    #[default]
    Any,
    /// No memory with this id.
    Absent,
    /// A memory at this revision (compare-and-set).
    Revision(Revision),
}

/// Says what a [`Mutation::Restore`] does when its id is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnConflict {
    /// Refuses the batch with a conflict.
    #[default]
    Fail,
    /// Leaves the stored memory as it is.
    Skip,
    /// Writes the row over the stored memory, `created_at` and revision included.
    Replace,
}

/// Lists the fields that an update changes; the others stay.
///
/// # Examples
///
/// ```
/// use polymnia::{Change, Patch, Tier};
///
/// let patch = Patch { tier: Some(Tier::long_term()), expires_at: Change::Clear, ..Patch::default() };
/// assert!(!patch.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch {
    /// The user.
    pub user_id: Change<UserId>,
    /// The agent.
    pub agent_id: Change<AgentId>,
    /// The thread.
    pub thread_id: Change<ThreadId>,
    /// The tier.
    pub tier: Option<Tier>,
    /// The content.
    pub content: Option<Content>,
    /// The metadata, replaced as a whole.
    pub metadata: Option<Metadata>,
    /// The importance.
    pub importance: Option<Importance>,
    /// The related threads, replaced as a whole.
    pub related_threads: Option<RelatedThreads>,
    /// When it expires.
    pub expires_at: Change<Timestamp>,
}

impl Patch {
    /// Returns whether nothing would change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Says what happens to a field that may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Stays as it is.
    #[default]
    Keep,
    /// Takes this value.
    Set(T),
    /// Becomes absent.
    Clear,
}

impl<T> Change<T> {
    /// Returns whether the field stays as it is.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// Returns the new value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}

/// Tells what became of each change of a batch, in the order of the batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplyReport {
    /// One outcome a mutation.
    pub outcomes: Vec<Outcome>,
}

/// Tells what became of one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The memory's id.
    pub id: MemoryId,
    /// What happened to it.
    pub effect: Effect,
    /// The revision it has now, if it was written.
    pub revision: Option<Revision>,
}

/// Is what happened to one memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// It was not there (or had expired) and now is.
    Created,
    /// It was there and was written.
    Updated,
    /// It was there and was removed.
    Deleted,
    /// It was not there, and nothing was to be done.
    Missing,
    /// It was there and was left as it is ([`OnConflict::Skip`]).
    Skipped,
}
