//! Columns to memories.

use diesel::deserialize::{self, FromStaticSqlRow, Queryable};
use diesel::pg::Pg;
use diesel::pg::data_types::PgTimestamp;
use diesel::sql_types::{Array, BigInt, Double, Jsonb, Nullable, Text, Timestamptz, Uuid};
use polymnia::{
    AgentId, Content, Error, ErrorKind, Importance, Memory, Metadata, RelatedThreads, Result, Revision, ThreadId, Tier,
    UserId,
};

use crate::sql::{StoredJson, time};

/// Is the types of a memory's columns, in the order of [`columns!`]; `Json` is how the metadata is read.
pub(crate) type Columns<Json> = (
    Uuid,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Text,
    Text,
    Json,
    Double,
    Array<Text>,
    BigInt,
    Timestamptz,
    Timestamptz,
    Nullable<Timestamptz>,
);

/// Is a memory with metadata as `jsonb`.
pub(crate) type MemoryColumns = Columns<Jsonb>;
/// Is a memory with metadata as text.
pub(crate) type MemoryTextColumns = Columns<Text>;

/// The columns of a memory, except the namespace, which the caller knows.
macro_rules! columns {
    () => {
        "id, user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, revision, created_at, \
         updated_at, expires_at"
    };
}
pub(crate) use columns;

/// Is the values of a memory's columns.
#[derive(Debug)]
pub(crate) struct MemoryRow {
    id: uuid::Uuid,
    user_id: Option<String>,
    agent_id: Option<String>,
    thread_id: Option<String>,
    tier: String,
    content: String,
    metadata: StoredJson,
    importance: f64,
    related_threads: Vec<String>,
    revision: i64,
    created_at: PgTimestamp,
    updated_at: PgTimestamp,
    expires_at: Option<PgTimestamp>,
}

type Values = (
    uuid::Uuid,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
    String,
    StoredJson,
    f64,
    Vec<String>,
    i64,
    PgTimestamp,
    PgTimestamp,
    Option<PgTimestamp>,
);

impl<Json> Queryable<Columns<Json>, Pg> for MemoryRow
where
    Values: FromStaticSqlRow<Columns<Json>, Pg>,
{
    type Row = Values;

    fn build(values: Values) -> deserialize::Result<Self> {
        let (
            id,
            user_id,
            agent_id,
            thread_id,
            tier,
            content,
            metadata,
            importance,
            related_threads,
            revision,
            created_at,
            updated_at,
            expires_at,
        ) = values;
        Ok(Self {
            id,
            user_id,
            agent_id,
            thread_id,
            tier,
            content,
            metadata,
            importance,
            related_threads,
            revision,
            created_at,
            updated_at,
            expires_at,
        })
    }
}

impl MemoryRow {
    /// Returns the memory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] for values that another program stored and that no memory can have.
    pub(crate) fn into_memory(self) -> Result<Memory> {
        let id = self.id;
        self.read().ok_or_else(|| {
            Error::new(ErrorKind::Corrupt, format!("the stored memory {id} has a value out of its range")).with_hint(
                "another program wrote it: compare its revision, importance and times with the documentation",
            )
        })
    }

    fn read(self) -> Option<Memory> {
        Some(Memory {
            id: self.id.into(),
            user_id: self.user_id.map(UserId::from_stored),
            agent_id: self.agent_id.map(AgentId::from_stored),
            thread_id: self.thread_id.map(ThreadId::from_stored),
            tier: Tier::from_stored(self.tier),
            content: Content::from_stored(self.content),
            metadata: Metadata::from_stored(self.metadata.0),
            importance: Importance::new(self.importance).ok()?,
            related_threads: RelatedThreads::from_stored(
                self.related_threads.into_iter().map(ThreadId::from_stored).collect(),
            ),
            revision: Revision::new(self.revision).ok()?,
            created_at: time(self.created_at)?,
            updated_at: time(self.updated_at)?,
            expires_at: match self.expires_at {
                None => None,
                Some(at) => Some(time(at)?),
            },
        })
    }
}
