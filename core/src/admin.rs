//! What concerns several tenants, or the database as a whole.

use std::time::{Duration, Instant};

use crate::{
    ChangeRecord, DatabaseInfo, Error, IndexDeclaration, IndexName, IndexStatus, MemoryStore, Namespace,
    NamespaceSummary, OptimizeReport, Result, Upkeep, VerifyReport,
};

/// Does cross-tenant work: lists, renames and deletes namespaces, sweeps what expired, describes the database.
///
/// These operations have no statement timeout of their own; [`MemoryStore::with_timeout`] sets one.
#[derive(Clone, Debug)]
pub struct Admin {
    store: MemoryStore,
}

impl Admin {
    /// The greatest number of namespaces, expired memories or changes in one call.
    pub const MAX_LIMIT: u32 = 10_000;

    pub(crate) fn new(store: MemoryStore) -> Self {
        Self { store }
    }

    /// Asks the database for the simplest of answers and returns how long that took.
    ///
    /// # Errors
    ///
    /// As [`AdminEngine::ping`](crate::spi::AdminEngine::ping).
    pub fn ping(&self) -> Result<Duration> {
        let started = Instant::now();
        self.store.run("ping", |call| self.store.engine().admin().ping(call))?;
        Ok(started.elapsed())
    }

    /// Describes the database, its server and its schema.
    ///
    /// # Errors
    ///
    /// As [`AdminEngine::info`](crate::spi::AdminEngine::info).
    pub fn info(&self) -> Result<DatabaseInfo> {
        self.store.run("info", |call| self.store.engine().admin().info(call))
    }

    /// Lists namespaces in the order of their bytes, after `after`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a limit outside 1 to 10,000, and as
    /// [`AdminEngine::namespaces`](crate::spi::AdminEngine::namespaces).
    pub fn namespaces(&self, after: Option<&Namespace>, limit: u32) -> Result<Vec<NamespaceSummary>> {
        check_limit(limit)?;
        self.store.recall("namespaces", |call| self.store.engine().admin().namespaces(call, after, limit))
    }

    /// Moves everything of a namespace to another name that holds nothing, and returns the number of memories.
    ///
    /// # Errors
    ///
    /// As [`AdminEngine::rename_namespace`](crate::spi::AdminEngine::rename_namespace).
    pub fn rename_namespace(&self, from: &Namespace, to: &Namespace) -> Result<u64> {
        self.store.write("rename namespace", |call| self.store.engine().admin().rename_namespace(call, from, to))
    }

    /// Removes everything of a namespace and returns the number of memories, expired ones included.
    ///
    /// # Errors
    ///
    /// As [`AdminEngine::delete_namespace`](crate::spi::AdminEngine::delete_namespace).
    pub fn delete_namespace(&self, namespace: &Namespace) -> Result<u64> {
        self.store.write("delete namespace", |call| self.store.engine().admin().delete_namespace(call, namespace))
    }

    /// Removes up to `limit` expired memories of any namespace and returns how many there were.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a limit outside 1 to 10,000, and as
    /// [`AdminEngine::sweep`](crate::spi::AdminEngine::sweep).
    pub fn sweep(&self, limit: u32) -> Result<u64> {
        check_limit(limit)?;
        self.store.write("sweep", |call| self.store.engine().admin().sweep(call, limit))
    }

    /// Refreshes the statistics that the database plans by; worth it after a large import.
    ///
    /// # Errors
    ///
    /// As [`AdminEngine::analyze`](crate::spi::AdminEngine::analyze).
    pub fn analyze(&self) -> Result<()> {
        self.store.run("analyze", |call| self.store.engine().admin().analyze(call))
    }

    /// Does upkeep of what is derived from memories; it belongs after a bulk load, and now and then.
    ///
    /// # Errors
    ///
    /// As [`AdminEngine::optimize`](crate::spi::AdminEngine::optimize).
    pub fn optimize(&self, upkeep: Upkeep) -> Result<OptimizeReport> {
        self.store.write("optimize", |call| self.store.engine().admin().optimize(call, upkeep))
    }

    /// Compares everything that is derived with the memories it is derived from.
    ///
    /// # Errors
    ///
    /// As [`AdminEngine::verify`](crate::spi::AdminEngine::verify).
    pub fn verify(&self) -> Result<VerifyReport> {
        self.store.recall("verify", |call| self.store.engine().admin().verify(call))
    }

    /// Lists the declared indexes by name.
    ///
    /// # Errors
    ///
    /// As [`AdminEngine::indexes`](crate::spi::AdminEngine::indexes).
    pub fn indexes(&self) -> Result<Vec<IndexStatus>> {
        self.store.recall("list indexes", |call| self.store.engine().admin().indexes(call))
    }

    /// Declares an index on one path of the metadata and fills it.
    ///
    /// # Errors
    ///
    /// As [`AdminEngine::create_index`](crate::spi::AdminEngine::create_index).
    pub fn create_index(&self, declaration: &IndexDeclaration) -> Result<()> {
        self.store.write("create index", |call| self.store.engine().admin().create_index(call, declaration))
    }

    /// Removes a declared index and returns whether it was there.
    ///
    /// # Errors
    ///
    /// As [`AdminEngine::drop_index`](crate::spi::AdminEngine::drop_index).
    pub fn drop_index(&self, name: &IndexName) -> Result<bool> {
        self.store.write("drop index", |call| self.store.engine().admin().drop_index(call, name))
    }

    /// Switches the recording of changes, which is off in a new database.
    ///
    /// # Errors
    ///
    /// As [`AdminEngine::set_change_capture`](crate::spi::AdminEngine::set_change_capture).
    pub fn set_change_capture(&self, on: bool) -> Result<()> {
        self.store.write("set change capture", |call| self.store.engine().admin().set_change_capture(call, on))
    }

    /// Reads recorded changes after a sequence number, in order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a limit outside 1 to 10,000, and as
    /// [`AdminEngine::changes`](crate::spi::AdminEngine::changes).
    pub fn changes(&self, after: i64, limit: u32) -> Result<Vec<ChangeRecord>> {
        check_limit(limit)?;
        self.store.recall("changes", |call| self.store.engine().admin().changes(call, after, limit))
    }
}

fn check_limit(limit: u32) -> Result<()> {
    if (1..=Admin::MAX_LIMIT).contains(&limit) {
        Ok(())
    } else {
        Err(Error::invalid_input(format!("limit is {limit}: expected 1 to {}", Admin::MAX_LIMIT)))
    }
}
