//! What a database tells of itself: its schema, its server, what it holds.

use serde::Serialize;

use crate::{MemoryId, Namespace, ThreadId, Tier, Timestamp, UserId};

/// Describes a database, its server and its schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DatabaseInfo {
    /// The dialect's name.
    pub dialect: String,
    /// The version of the server, or of the library for an embedded database.
    pub server_version: String,
    /// The newest migration applied; none if the schema is not initialised.
    pub schema_version: Option<String>,
    /// How many migrations this build knows that are not applied.
    pub schema_pending: usize,
    /// Whether it can't be written.
    pub read_only: bool,
    /// Bytes on disk (or in memory) of the whole database, where it can tell.
    pub bytes: Option<u64>,
    /// Extensions found, with their versions.
    pub extensions: Vec<Extension>,
    /// Indexes of ours that no query has used since the server began to count; none where it can't tell.
    pub unused_indexes: Option<Vec<String>>,
    /// The pool of connections.
    pub pool: PoolStatus,
    /// Other facts worth showing, such as the journal mode, by name.
    pub details: Vec<(String, String)>,
}

/// Is an extension of the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Counts the connections of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PoolStatus {
    /// Open ones.
    pub connections: u32,
    /// Open ones that nobody uses.
    pub idle: u32,
    /// How many there may be.
    pub max_size: u32,
}

/// Tells what migrating did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MigrateReport {
    /// Whether there was no schema before.
    pub created: bool,
    /// The versions applied now, in order.
    pub applied: Vec<String>,
    /// The newest version applied.
    pub version: Option<String>,
}

/// Counts what a namespace holds. Expired memories are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NamespaceStats {
    /// Memories.
    pub memories: u64,
    /// Bytes of content.
    pub content_bytes: u64,
    /// Bytes of metadata, as canonical text.
    pub metadata_bytes: u64,
    /// The first `created_at`.
    pub oldest: Option<Timestamp>,
    /// The last `created_at`.
    pub newest: Option<Timestamp>,
    /// Different users.
    pub users: u64,
    /// Different threads.
    pub threads: u64,
    /// Memories by tier, most first, then by the tier's bytes.
    pub by_tier: Vec<Group<Tier>>,
    /// Memories by user, most first, then by the user's bytes (none last): the first [`NamespaceStats::MAX_GROUPS`].
    pub by_user: Vec<Group<Option<UserId>>>,
    /// Memories by thread, most first, then by the thread's bytes (none last): the first
    /// [`NamespaceStats::MAX_GROUPS`].
    pub by_thread: Vec<Group<Option<ThreadId>>>,
}

impl NamespaceStats {
    /// The greatest number of users and of threads listed.
    pub const MAX_GROUPS: u32 = 20;
}

/// Counts memories that have a value in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group<T> {
    /// The value.
    pub value: T,
    /// How many memories have it.
    pub memories: u64,
}

/// Counts what one namespace holds, expired memories included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamespaceSummary {
    /// The namespace.
    pub namespace: Namespace,
    /// Its memories.
    pub memories: u64,
    /// The first `created_at`.
    pub oldest: Timestamp,
    /// The last `created_at`.
    pub newest: Timestamp,
}

/// Is a record of one change, written in the transaction that made it while change capture is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangeRecord {
    /// Orders the changes of one database; gaps are possible.
    pub sequence: i64,
    /// Names the transaction: changes of one transaction share it.
    pub transaction: i64,
    /// The tenant.
    pub namespace: Namespace,
    /// The memory.
    pub id: MemoryId,
    /// What was done.
    pub operation: ChangeOperation,
}

/// Is what was done to a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChangeOperation {
    /// It was written.
    Write,
    /// It was removed.
    Delete,
}

impl ChangeOperation {
    /// Returns the letter stored for it: `w` or `d`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Write => "w",
            Self::Delete => "d",
        }
    }

    /// Returns the operation stored as that letter.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "w" => Some(Self::Write),
            "d" => Some(Self::Delete),
            _ => None,
        }
    }
}
