//! What a dialect implements: the contracts between the store and a database.
//!
//! The surface is minimal and has no default methods, so that a new operation can't be forgotten. Arguments are valid by
//! their types and by [`MemoryStore`](crate::MemoryStore), which checks limits, retries and logs; an engine does none of
//! these. Every call carries a [`Call`](crate::Call): the time (no engine reads a clock), a deadline and a way to cancel.
//!
//! Rules for every operation:
//!
//! - A memory is expired when `expires_at <= call.now`. Reads hide it, [`Expect::Absent`](crate::Expect::Absent) is
//!   content with it, and a write over it counts as new.
//! - Nothing of an argument is ever formatted into SQL.
//! - An error leaves the database as it was. One that can be tried again has
//!   [`Retry::Safe`](crate::Retry::Safe); one whose COMMIT may have arrived has
//!   [`Retry::Ambiguous`](crate::Retry::Ambiguous).
//! - What the contracts refuse is refused in the words of [`refusal`].
//! - A database without our schema is [`ErrorKind::Migration`](crate::ErrorKind::Migration) with the hint to run
//!   `polymnia init`.

mod admin;
mod engine;
pub mod refusal;
mod schema;

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

pub use admin::AdminEngine;
pub use engine::{Engine, Rows};
pub use schema::{SchemaEngine, SchemaSession};

pub use crate::claims::{Claim, claiming};

use crate::schema::Source;
use crate::{ConnectionString, OpenOptions, Result};

/// Opens databases of one kind.
pub trait Dialect: Send + Sync + Debug + 'static {
    /// Returns the dialect's name, lower case: `sqlite`.
    fn name(&self) -> &str;

    /// Returns the URL schemes it opens, lower case.
    fn url_schemes(&self) -> &[&str];

    /// Returns whether it opens this connection string, which has no URL scheme: `:memory:`, `host=localhost`.
    fn recognizes(&self, text: &ConnectionString) -> bool;

    /// Returns the shared library whose code the dialect runs; none if it is part of the program.
    fn library(&self) -> Option<&Library>;

    /// Returns the migrations that the dialect brings: those of [`SchemaEngine::source`], without a database.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn source(&self) -> Result<Source>;

    /// Returns the files that opening with these options would own, without opening them: the database itself first, then what
    /// stands beside it.
    ///
    /// Two copies of an embedded database in one process that open one file lose data, so [`claiming`] asks first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the options can't be read.
    fn claims(&self, options: &OpenOptions) -> Result<Vec<PathBuf>>;

    /// Opens the database, under a claim to its files ([`claiming`]), and makes sure that it answers. Does not touch the schema.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for options that can't be read and for a file that other code of this
    /// process has open,
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) for a database that isn't there,
    /// [`ErrorKind::PermissionDenied`](crate::ErrorKind::PermissionDenied), and
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) once retrying has not helped. Each has the operation
    /// `connect`.
    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>>;
}

/// Is a shared library that was loaded into this process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Library {
    /// The file it was loaded from.
    pub path: PathBuf,
    /// Where it was loaded: two libraries of one process differ here, even if one file replaced the other.
    pub address: usize,
}
