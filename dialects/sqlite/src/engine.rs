//! The engine: a pool of connections, and what each operation does with one.

use polymnia::spi::{AdminEngine, Engine, Rows, SchemaEngine};
use polymnia::{
    ApplyReport, Call, Capability, Explanation, Memory, MemoryId, Mutation, Namespace, NamespaceStats, Query, Result,
    Selection, Support,
};
use polymnia_pool::Pool;
use tempfile::TempDir;

use crate::config::Config;
use crate::connection::Connection;
use crate::connector::Connector;
use crate::derived::deriver::NewRows;
use crate::derived::{hasher, room};
use crate::{explain, read, write};

/// Is an open database.
#[derive(Debug)]
pub(crate) struct SqliteEngine {
    pool: Pool<Connector>,
    /// The folder of a database that goes away with the engine: dropped after its connections.
    _folder: Option<TempDir>,
}

/// Says how long an operation may take whose caller gave no deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// The statement timeout.
    Statement,
    /// As long as it takes.
    Unlimited,
}

impl SqliteEngine {
    /// Opens the database and makes sure that it answers.
    pub(crate) fn open(config: Config) -> Result<Self> {
        let settings = config.settings;
        Ok(Self { pool: Pool::open(Connector::new(config)?, &settings)?, _folder: None })
    }

    /// Returns the engine as the owner of its database's folder.
    pub(crate) fn with_folder(self, folder: TempDir) -> Self {
        Self { _folder: Some(folder), ..self }
    }

    pub(crate) fn pool(&self) -> &Pool<Connector> {
        &self.pool
    }

    /// Does a whole operation on a connection of the pool, bounded by the call.
    pub(crate) fn with<T>(
        &self,
        call: &Call,
        limit: Limit,
        operation: impl FnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        let mut connection = self.pool.acquire(call)?;
        let timeout = match limit {
            Limit::Statement => Some(self.pool.connector().config().settings.statement_timeout),
            Limit::Unlimited => None,
        };
        connection.guard().begin(call, timeout);
        let result = operation(&mut connection);
        connection.finish();
        result
    }
}

impl SqliteEngine {
    /// Does a reading operation as [`with`](Self::with) does, and again if the terms that it read by turn out to be those of
    /// a schema that is no more.
    fn read<T>(&self, call: &Call, operation: impl Fn(&mut Connection) -> Result<T>) -> Result<T> {
        self.with(call, Limit::Statement, |connection| {
            let result = operation(connection);
            if hasher::is_stale(connection)? { operation(connection) } else { result }
        })
    }
}

impl Engine for SqliteEngine {
    fn capability(&self) -> Capability {
        let mut capability = Capability::none();
        capability.containment = Support::Emulated;
        capability.containment_index = Support::Emulated;
        capability.filters = Support::Emulated;
        capability.declared_indexes = Support::Emulated;
        capability.bulk_load = Support::Emulated;
        capability.related_threads = Support::Native;
        capability.change_capture = Support::Native;
        capability.interruption = Support::Native;
        capability
    }

    fn get(&self, call: &Call, namespace: &Namespace, ids: &[MemoryId]) -> Result<Vec<Option<Memory>>> {
        self.with(call, Limit::Statement, |connection| read::get(connection, call.now, namespace, ids))
    }

    fn query(&self, call: &Call, namespace: &Namespace, query: &Query) -> Result<Rows> {
        self.read(call, |connection| read::query(connection, call.now, namespace, query))
    }

    fn count(&self, call: &Call, namespace: &Namespace, selection: &Selection) -> Result<u64> {
        self.read(call, |connection| read::count(connection, call.now, namespace, selection))
    }

    fn apply(&self, call: &Call, namespace: &Namespace, batch: &[Mutation]) -> Result<ApplyReport> {
        self.with(call, Limit::Statement, |connection| {
            write::apply(connection, call.now, namespace, batch, NewRows::Derive)
        })
    }

    fn load(&self, call: &Call, namespace: &Namespace, batch: &[Mutation]) -> Result<ApplyReport> {
        self.with(call, Limit::Statement, |connection| {
            room::take(connection)?;
            write::apply(connection, call.now, namespace, batch, NewRows::Leave)
        })
    }

    fn explain(&self, call: &Call, namespace: &Namespace, query: &Query) -> Result<Explanation> {
        self.read(call, |connection| explain::explain(connection, call.now, namespace, query))
    }

    fn delete_matching(&self, call: &Call, namespace: &Namespace, selection: &Selection) -> Result<u64> {
        self.with(call, Limit::Statement, |connection| {
            write::delete_matching(connection, call.now, namespace, selection)
        })
    }

    fn stats(&self, call: &Call, namespace: &Namespace) -> Result<NamespaceStats> {
        self.with(call, Limit::Statement, |connection| read::stats(connection, call.now, namespace))
    }

    fn admin(&self) -> &dyn AdminEngine {
        self
    }

    fn schema(&self) -> &dyn SchemaEngine {
        self
    }
}
