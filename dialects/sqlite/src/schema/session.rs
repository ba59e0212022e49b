//! A session of migrating: the lock, and a connection that nobody else uses.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use polymnia::schema::{
    BatchDone, BatchRequest, Begin, Entry, Ledger, LogEntry, Observer, Orphans, SchemaFault, SessionOptions, Snapshot,
    State, StatementError, Version,
};
use polymnia::spi::SchemaSession;
use polymnia::{Call, Error, ErrorKind, Result};
use polymnia_pool::{Connector as _, Pool};

use super::lock::Held;
use super::{batch, catalog, ledger, snapshot, sql};
use crate::LOG;
use crate::config::Mode;
use crate::connection::Connection;
use crate::connector::Connector;

/// Is a session of migrating.
pub(super) struct SqliteSession {
    /// Dropped before the lock: closing it rolls back. Shared with whoever backs a database in memory up meanwhile.
    connection: Arc<Mutex<Connection>>,
    /// Where connections come from.
    pool: Pool<Connector>,
    options: SessionOptions,
    /// How far the step is whose statements run on the connection.
    step: Progress,
    /// Whether foreign keys are switched off for the transaction.
    rebuilds: bool,
    /// The statement whose batches were told how many rows there are.
    counted: Option<String>,
    _lock: Held,
}

/// Says what ran on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// No statement of a migration.
    Fresh,
    /// Statements of a step that goes on.
    Begun,
    /// A step that is recorded: the next one needs another connection.
    Over,
}

/// Opens a session.
pub(super) fn open(
    pool: &Pool<Connector>,
    call: &Call,
    options: SessionOptions,
    observer: &mut dyn Observer,
) -> Result<Box<dyn SchemaSession>> {
    let connector = pool.connector();
    let connection = connector.connect()?;
    if connection.is_read_only() {
        return Err(read_only(connector));
    }
    let lock = connector.seat().take(call, options.lock_wait, observer)?;
    let connection = Arc::new(Mutex::new(connection));
    connector.set_migrating(&connection);
    Ok(Box::new(SqliteSession {
        connection,
        pool: pool.clone(),
        options,
        step: Progress::Fresh,
        rebuilds: false,
        counted: None,
        _lock: lock,
    }))
}

impl SqliteSession {
    /// Returns the connection, bounded by the call: it waits for others' locks for as long as `wait` says.
    fn on(&self, call: &Call, wait: impl FnOnce(&SessionOptions) -> std::time::Duration) -> MutexGuard<'_, Connection> {
        let connection = lock(&self.connection);
        connection.guard().begin_waiting(call, wait(&self.options));
        connection
    }

    /// Does something in the transaction that is open, or in one of its own.
    fn write<T>(&mut self, call: &Call, body: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let mut connection = self.on(call, |options| options.lock_wait);
        if connection.is_in_transaction() { body(&mut connection) } else { connection.write(body).map_err(waited) }
    }

    /// Reads one moment, what the transaction that is open did included.
    fn read<T>(&mut self, call: &Call, body: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        self.on(call, |options| options.lock_wait).moment(body)
    }

    /// Sees to it that a step finds nothing of the one before: its pragmas, its temporary tables, what it attached.
    fn renew(&mut self) -> Result<()> {
        let mut connection = lock(&self.connection);
        if self.step == Progress::Over && !connection.is_in_transaction() {
            *connection = self.pool.connector().connect().map_err(waited)?;
            self.step = Progress::Fresh;
            self.counted = None;
        }
        Ok(())
    }

    /// Notes that a step is recorded as what it is to be.
    fn end_step(&mut self) {
        if self.step == Progress::Begun {
            self.step = Progress::Over;
        }
    }

    /// Switches foreign keys on again after a transaction that made tables anew.
    fn restore_foreign_keys(&mut self) -> Result<()> {
        if self.rebuilds {
            set_foreign_keys(&mut lock(&self.connection), true)?;
            self.rebuilds = false;
        }
        Ok(())
    }
}

impl SchemaSession for SqliteSession {
    fn is_one_transaction(&self) -> bool {
        false
    }

    fn prepare(&mut self, call: &Call) -> Result<bool> {
        // Nothing is written, and no lock taken, where it is there already.
        if self.read(call, ledger::is_prepared)? {
            return Ok(false);
        }
        self.write(call, ledger::prepare)
    }

    fn ledger(&mut self, call: &Call) -> Result<Ledger> {
        self.read(call, ledger::read)
    }

    fn snapshot(&mut self, call: &Call) -> Result<Snapshot> {
        self.read(call, snapshot::read)
    }

    fn begin(&mut self, call: &Call, how: Begin) -> Result<()> {
        self.renew()?;
        if how == Begin::Rebuild {
            // Within a transaction the pragma does nothing.
            set_foreign_keys(&mut lock(&self.connection), false)?;
            self.rebuilds = true;
        }
        let begun = sql::run(&mut self.on(call, |options| options.lock_wait), "BEGIN IMMEDIATE", &[]);
        if let Err(failure) = begun {
            self.restore_foreign_keys()?;
            return Err(waited(failure.error));
        }
        Ok(())
    }

    fn commit(&mut self, call: &Call) -> Result<()> {
        let committed = sql::commit(&mut self.on(call, |options| options.lock_wait));
        committed.map_err(|failure| waited(failure.error))?;
        self.restore_foreign_keys()
    }

    fn rollback(&mut self) -> Result<()> {
        let mut connection = lock(&self.connection);
        // Whatever ended the call must not end this.
        connection.guard().finish();
        let rolled_back = if connection.is_in_transaction() {
            sql::run(&mut connection, "ROLLBACK", &[]).map(|_| ()).map_err(|failure| failure.error)
        } else {
            Ok(())
        };
        drop(connection);
        rolled_back?;
        self.restore_foreign_keys()
    }

    fn execute(&mut self, call: &Call, statement: &str) -> Result<u64, StatementError> {
        self.renew()?;
        self.step = Progress::Begun;
        sql::run(&mut self.on(call, |options| options.lock_timeout), statement, &[])
    }

    fn batch(&mut self, call: &Call, request: &BatchRequest<'_>) -> Result<BatchDone, StatementError> {
        self.renew()?;
        self.step = Progress::Begun;
        let first = self.counted.as_deref() != Some(request.statement);
        let done = batch::run(&mut self.on(call, |options| options.lock_timeout), request, first)?;
        if first {
            self.counted = Some(request.statement.to_owned());
        }
        Ok(done)
    }

    fn record(&mut self, call: &Call, entry: &Entry) -> Result<()> {
        self.write(call, |connection| ledger::record(connection, entry))?;
        match entry.state {
            State::Applied | State::Failed => self.end_step(),
            State::Running | State::Reverting => {}
        }
        Ok(())
    }

    fn forget(&mut self, call: &Call, version: &Version) -> Result<()> {
        self.write(call, |connection| ledger::forget(connection, version))?;
        self.end_step();
        Ok(())
    }

    fn log(&mut self, call: &Call, line: &LogEntry) -> Result<()> {
        self.write(call, |connection| ledger::add_line(connection, line))
    }

    fn dismantle(&mut self, call: &Call) -> Result<()> {
        self.write(call, ledger::dismantle)
    }

    fn invalid_indexes(&mut self, _call: &Call) -> Result<Vec<String>> {
        // An index is built in a transaction here, whole or not at all.
        Ok(Vec::new())
    }

    fn drop_invalid_index(&mut self, _call: &Call, name: &str) -> Result<(), StatementError> {
        let message = format!("index {name:?} is not half-made: SQLite leaves none that are");
        Err(Error::new(ErrorKind::Unsupported, message).into())
    }

    fn has_index(&mut self, call: &Call, name: &str) -> Result<bool> {
        self.read(call, |connection| catalog::has_index(connection, name))
    }

    fn row_counts(&mut self, call: &Call) -> Result<BTreeMap<String, u64>> {
        self.read(call, catalog::row_counts)
    }

    fn orphans(&mut self, call: &Call) -> Result<Vec<Orphans>> {
        self.read(call, catalog::orphans)
    }
}

impl Drop for SqliteSession {
    fn drop(&mut self) {
        if let Err(error) = self.rollback() {
            log::warn!(target: LOG, "a session of migrating could not roll back: {error}");
        }
        // A migration may have changed how many rows there are of anything.
        lock(&self.connection).estimates().forget();
    }
}

impl fmt::Debug for SqliteSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSession").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Says that a database which can only be read can't be migrated or put back.
pub(super) fn read_only(connector: &Connector) -> Error {
    let (message, hint) = match connector.config().mode {
        Mode::ReadOnly => ("the database is opened for reading only", "open it without mode=ro"),
        Mode::ReadWrite | Mode::Create => (
            "the database file or its folder can't be written",
            "give the process write access to the file and its folder",
        ),
    };
    Error::new(ErrorKind::ReadOnly, message).with_hint(hint)
}

/// Returns the connection of a session.
pub(super) fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn set_foreign_keys(connection: &mut Connection, on: bool) -> Result<()> {
    connection.guard().finish();
    connection.batch(if on { "PRAGMA foreign_keys = ON" } else { "PRAGMA foreign_keys = OFF" })?;
    if sql::integer(connection, "PRAGMA foreign_keys", &[])? != i64::from(on) {
        let message = "foreign keys can't be switched while a transaction is open";
        return Err(Error::new(ErrorKind::Unexpected, message));
    }
    Ok(())
}

/// Says that somebody else's lock is what a session waited for in vain.
fn waited(error: Error) -> Error {
    if error.kind() != ErrorKind::Unavailable || error.context_value("waited").is_none() {
        return error;
    }
    SchemaFault::Locked
        .error("another connection writes to the database and does not end its transaction")
        .with_hint("end it, or give a longer --lock-wait")
        .with_source(error)
}

#[cfg(test)]
pub(super) mod tests;
