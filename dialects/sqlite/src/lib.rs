//! Polymnia's SQLite dialect: diesel over the bundled SQLite.
//!
//! ```
//! use polymnia::{Namespace, NewMemory, Registry};
//!
//! let store = Registry::new().with(polymnia_sqlite::Sqlite).open(":memory:")?;
//! store.migrate()?;
//! let tenant = Namespace::new("acme")?;
//! let outcome = store.put(&tenant, NewMemory::new("prefers calls after 14:00")?)?;
//! assert!(store.get(&tenant, outcome.id)?.is_some());
//! # Ok::<(), polymnia::Error>(())
//! ```
//!
//! # URLs
//!
//! | URL | opens |
//! |---|---|
//! | `sqlite://rel.db`, `sqlite:rel.db` | a file beside the working directory |
//! | `sqlite:///abs.db` | a file by its absolute path |
//! | `:memory:`, `sqlite::memory:`, `sqlite://:memory:` | a database of its own in memory, gone with the last handle |
//!
//! Paths are percent-decoded. Beside the parameters that every dialect knows
//! ([`Settings::PARAMETERS`](polymnia::Settings::PARAMETERS)):
//!
//! | parameter | values | default |
//! |---|---|---|
//! | `mode` | `ro` reads only, `rw` needs the file to be there and to be writable, `rwc` creates it, and reads only where it can't be written | `rwc` |
//! | `busy_timeout` | how long to wait for another connection's lock | `30s` |
//! | `synchronous` | `full` keeps every commit through a power failure, `normal` may lose the last ones | `full` |
//! | `mmap_size` | how many bytes of the file are read through memory mapping, 0 to 2147418112. Where the disk fails under a mapped page the process ends by SIGBUS, without an error: 0 where that matters more than speed | all |
//! | `cache_size` | how many bytes of the file each connection keeps in memory of its own; writes need it | 8388608 |
//! | `wal_autocheckpoint` | after how many pages the write-ahead log is written to the file; 0 never | 8000 |
//!
//! # The bundled SQLite
//!
//! Building with `LIBSQLITE3_FLAGS=-USQLITE_ENABLE_MEMORY_MANAGEMENT` in the environment is worth it: with that option, on
//! unless told otherwise, all connections of a process share one page cache behind one lock, where a busy connection
//! leaves the others nothing, and short reads take about twice as long.

#![deny(unsafe_code)]

mod admin;
mod capture;
mod claims;
mod config;
mod connection;
mod connector;
mod decoder;
mod derived;
mod drive;
mod engine;
mod error;
mod estimate;
mod explain;
mod filter_sql;
mod guard;
mod matches;
mod needs;
mod plan;
mod raw;
mod read;
mod row;
mod schema;
mod statement;
mod ties;
mod write;

use std::path::PathBuf;
use std::sync::Arc;

use polymnia::schema::Source;
use polymnia::spi::{Dialect, Engine, Library, claiming};
use polymnia::{ConnectionString, OpenOptions, Result};

use crate::config::Config;
use crate::engine::SqliteEngine;

/// Is the target of every log line of this crate.
const LOG: &str = "polymnia_sqlite";

/// Opens SQLite databases: files, and databases in memory.
///
/// # Examples
///
/// ```
/// use polymnia::OpenOptions;
/// use polymnia::spi::Dialect;
///
/// let engine = polymnia_sqlite::Sqlite.open(&OpenOptions::new(":memory:"))?;
/// polymnia::MemoryStore::new(engine).migrate()?;
/// # Ok::<(), polymnia::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Sqlite;

impl Dialect for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn url_schemes(&self) -> &[&str] {
        &["sqlite"]
    }

    fn recognizes(&self, text: &ConnectionString) -> bool {
        config::is_bare_memory(text)
    }

    fn library(&self) -> Option<&Library> {
        None
    }

    fn source(&self) -> Result<Source> {
        Ok(polymnia_migrations::sqlite_source())
    }

    fn claims(&self, options: &OpenOptions) -> Result<Vec<PathBuf>> {
        Ok(claims::files(&Config::read(options)?.location))
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        let engine = claiming(self, options, |claim| SqliteEngine::open(Config::read(options)?.with_claim(claim)))?;
        Ok(Arc::new(engine))
    }
}
