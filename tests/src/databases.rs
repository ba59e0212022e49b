//! Fixtures of the dialects that come with Polymnia, natively and [as plugins](crate::plugins).

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use polymnia::spi::{Dialect, Engine};
use polymnia::{OpenOptions, Result};
use polymnia_conformance::Fixture;
use tempfile::TempDir;

use crate::plugins::Plugin;
use crate::server::{self, TestDatabase};

/// Says where the code of a dialect comes from.
pub trait Origin: Debug + Send + Sync + 'static {
    /// Returns the SQLite dialect.
    fn sqlite() -> Box<dyn Dialect>;

    /// Returns the PostgreSQL dialect.
    fn postgres() -> Box<dyn Dialect>;
}

/// Is the program itself.
#[derive(Debug)]
pub struct Native;

impl Origin for Native {
    fn sqlite() -> Box<dyn Dialect> {
        Box::new(polymnia_sqlite::Sqlite)
    }

    fn postgres() -> Box<dyn Dialect> {
        Box::new(polymnia_postgres::Postgres)
    }
}

/// Is a shared library.
#[derive(Debug)]
pub struct Library;

impl Origin for Library {
    fn sqlite() -> Box<dyn Dialect> {
        Box::new(Plugin::Sqlite.load())
    }

    fn postgres() -> Box<dyn Dialect> {
        Box::new(Plugin::Postgres.load())
    }
}

/// Is a SQLite file in a temporary folder.
pub type SqliteFile = SqliteFileOf<Native>;
/// Is a SQLite file in a temporary folder, opened through the plugin.
pub type SqliteFilePlugin = SqliteFileOf<Library>;
/// Is a SQLite database in memory, which is its engine's own.
pub type SqliteMemory = SqliteMemoryOf<Native>;
/// Is a SQLite database in memory, which is its engine's own, opened through the plugin.
pub type SqliteMemoryPlugin = SqliteMemoryOf<Library>;
/// Is a database of its own on the PostgreSQL server that the tests of a process share.
pub type Postgres = PostgresOf<Native>;
/// Is a database of its own on the PostgreSQL server that the tests of a process share, opened through the plugin.
pub type PostgresPlugin = PostgresOf<Library>;

/// Is a SQLite file in a temporary folder.
#[derive(Debug)]
pub struct SqliteFileOf<O>(TempDir, PhantomData<O>);

impl<O> SqliteFileOf<O> {
    /// Returns the folder that holds the file.
    pub fn folder(&self) -> &std::path::Path {
        self.0.path()
    }
}

impl<O: Origin> Fixture for SqliteFileOf<O> {
    fn fresh() -> Self {
        Self(tempfile::tempdir().expect("the system has a folder for temporary files"), PhantomData)
    }

    fn options(&self) -> OpenOptions {
        OpenOptions::new(format!("sqlite://{}/fresh.db", self.0.path().display()))
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        O::sqlite().open(options)
    }
}

/// Is a SQLite database in memory, which is its engine's own.
#[derive(Debug)]
pub struct SqliteMemoryOf<O>(Mutex<Option<Arc<dyn Engine>>>, PhantomData<O>);

impl<O: Origin> Fixture for SqliteMemoryOf<O> {
    fn fresh() -> Self {
        Self(Mutex::new(None), PhantomData)
    }

    fn options(&self) -> OpenOptions {
        OpenOptions::new(":memory:")
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        let mut engine = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*engine {
            Some(engine) => Ok(Arc::clone(engine)),
            None => Ok(Arc::clone(engine.insert(O::sqlite().open(options)?))),
        }
    }
}

/// Is a database of its own on the PostgreSQL server that the tests of a process share.
#[derive(Debug)]
pub struct PostgresOf<O>(TestDatabase, PhantomData<O>);

impl<O: Origin> Fixture for PostgresOf<O> {
    fn fresh() -> Self {
        Self(server::shared().create_database(), PhantomData)
    }

    fn options(&self) -> OpenOptions {
        OpenOptions::new(self.0.url())
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        O::postgres().open(options)
    }
}
