//! Fixtures of the dialects that come with Polymnia.

use std::sync::{Arc, Mutex, PoisonError};

use polymnia::spi::{Dialect as _, Engine};
use polymnia::{OpenOptions, Result};
use polymnia_postgres::Postgres as PostgresDialect;
use polymnia_sqlite::Sqlite;
use tempfile::TempDir;

use crate::server::{self, TestDatabase};
use polymnia_conformance::Fixture;

/// Is a SQLite file in a temporary folder.
#[derive(Debug)]
pub struct SqliteFile(TempDir);

impl SqliteFile {
    /// Returns the folder that holds the file.
    pub fn folder(&self) -> &std::path::Path {
        self.0.path()
    }
}

impl Fixture for SqliteFile {
    fn fresh() -> Self {
        Self(tempfile::tempdir().expect("the system has a folder for temporary files"))
    }

    fn options(&self) -> OpenOptions {
        OpenOptions::new(format!("sqlite://{}/fresh.db", self.0.path().display()))
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        Sqlite.open(options)
    }
}

/// Is a SQLite database in memory, which is its engine's own.
#[derive(Debug, Default)]
pub struct SqliteMemory(Mutex<Option<Arc<dyn Engine>>>);

impl Fixture for SqliteMemory {
    fn fresh() -> Self {
        Self::default()
    }

    fn options(&self) -> OpenOptions {
        OpenOptions::new(":memory:")
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        let mut engine = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*engine {
            Some(engine) => Ok(Arc::clone(engine)),
            None => Ok(Arc::clone(engine.insert(Sqlite.open(options)?))),
        }
    }
}

/// Is a database of its own on the PostgreSQL server that the tests of a process share.
#[derive(Debug)]
pub struct Postgres(TestDatabase);

impl Fixture for Postgres {
    fn fresh() -> Self {
        Self(server::shared().create_database())
    }

    fn options(&self) -> OpenOptions {
        OpenOptions::new(self.0.url())
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        PostgresDialect.open(options)
    }
}
