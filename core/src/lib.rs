//! One memory store for AI agents that speaks each database's own dialect.
//!
//! An application picks its dialects, opens a [`MemoryStore`] by URL, and keeps [memories](Memory) in
//! [namespaces](Namespace): on SQLite while it is developed, on PostgreSQL in production, with the same answers in the same
//! order and the same errors.
//!
//! ```ignore
//! use polymnia::{Filter, Json, Namespace, NewMemory, Query, Registry, Selection};
//!
//! let registry = Registry::new().with(polymnia_sqlite::Sqlite).with(polymnia_postgres::Postgres);
//! let store = registry.open(&*std::env::var("DATABASE_URL")?)?;
//! store.migrate()?;
//!
//! let tenant = Namespace::new("acme")?;
//! let memory = NewMemory::new("prefers calls after 14:00")?
//!     .with_user("mara".parse()?)
//!     .with_metadata(r#"{"kind": "preference", "channel": "call"}"#.parse()?);
//! store.put(&tenant, memory)?;
//!
//! let preferences = Filter::Contains(Json::parse(r#"{"kind": "preference"}"#)?);
//! for memory in store.query(&tenant, &Query::new(Selection::default().with_filter(preferences)))?.memories {
//!     println!("{}", memory.content);
//! }
//! ```
//!
//! Dialects are implemented against [`spi`].

mod admin;
#[cfg(feature = "tokio")]
mod asynchronous;
mod call;
mod capability;
mod claims;
mod clock;
mod connection;
mod cursor;
mod database;
mod derived;
mod error;
mod explain;
pub mod filter;
mod json;
mod memory;
mod mutation;
mod options;
mod query;
mod record;
mod registry;
mod retry;
pub mod schema;
pub mod spi;
mod store;
mod text;
mod time;

pub use admin::Admin;
#[cfg(feature = "tokio")]
pub use asynchronous::AsyncMemoryStore;
pub use call::{Call, CancelToken, Interruption};
pub use capability::{Capability, Support};
pub use clock::{Clock, IdSource, SystemClock, UuidV7};
pub use connection::{ConnectionString, Parameters, decode as percent_decode};
pub use cursor::{Cursor, Position, PositionKey};
pub use database::{
    ChangeOperation, ChangeRecord, DatabaseInfo, Extension, Group, MigrateReport, NamespaceStats, NamespaceSummary,
    PoolStatus,
};
pub use derived::{Fault, IndexDeclaration, IndexKind, IndexName, IndexStatus, OptimizeReport, Upkeep, VerifyReport};
pub use error::{Error, ErrorKind, Result, Retry};
pub use explain::{Access, Explanation};
pub use filter::{Filter, Path};
pub use json::{Json, Matcher};
pub use memory::{Importance, Memory, MemoryId, Metadata, NewMemory, RelatedThreads, Revision};
pub use mutation::{ApplyReport, Change, Effect, Expect, Mutation, OnConflict, Outcome, Patch};
pub use options::{OpenOptions, PoolOptions, Settings, duration as parse_duration};
pub use query::{Direction, Match, Order, OrderBy, Page, Query, Selection, TimeRange};
pub use record::{Record, RecordLine};
pub use registry::Registry;
pub use retry::RetryPolicy;
pub use store::{Memories, MemoryStore};
pub use text::{AgentId, Content, Namespace, ThreadId, Tier, UserId};
pub use time::Timestamp;
