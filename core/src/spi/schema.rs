//! The operations on the schema.
//!
//! What to do is planned and run by core, in [`crate::schema`]; a dialect gives what a plan needs: the ledger, the live
//! schema, a session that holds the lock, statements and transactions. Its DDL stands in its migrations, except for the
//! ledgers, which it makes itself.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use crate::schema::{
    BackupInfo, BatchDone, BatchRequest, Begin, Entry, ForeignLedger, Health, Ledger, LockHolder, LogEntry, Observer,
    Orphans, Probe, ScriptPart, SessionOptions, Snapshot, Source, StatementError, Version,
};
use crate::spi::Engine;
use crate::{Call, Result};

/// Does what concerns the schema.
pub trait SchemaEngine: Send + Sync + Debug + 'static {
    /// Returns the migrations that the dialect brings.
    fn source(&self) -> Source;

    /// Reads what is recorded of migrations. Changes nothing, and works without a schema.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn ledger(&self, call: &Call) -> Result<Ledger>;

    /// Reads the newest `limit` lines of the log, newest first. Changes nothing; no log means no lines.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn log(&self, call: &Call, limit: u32) -> Result<Vec<LogEntry>>;

    /// Reads the live schema: ours and the application's. Changes nothing, and works without a schema.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn snapshot(&self, call: &Call) -> Result<Snapshot>;

    /// Finds the ledgers of other migration tools. Changes nothing.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn foreign_ledgers(&self, call: &Call) -> Result<Vec<ForeignLedger>>;

    /// Opens a session of migrating, of which a database has one at a time, and tells the observer while it waits for
    /// another to end. The lock ends with the session, and with the process.
    ///
    /// # Errors
    ///
    /// The fault [`Locked`](crate::schema::SchemaFault::Locked), with the holder, after `options.lock_wait`;
    /// [`ErrorKind::ReadOnly`](crate::ErrorKind::ReadOnly) or
    /// [`ErrorKind::PermissionDenied`](crate::ErrorKind::PermissionDenied) where nothing can be written, before anything is.
    fn session(
        &self,
        call: &Call,
        options: &SessionOptions,
        observer: &mut dyn Observer,
    ) -> Result<Box<dyn SchemaSession>>;

    /// Tells who holds the lock of migrating. Changes nothing.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn lock_holder(&self, call: &Call) -> Result<Option<LockHolder>>;

    /// Ends the process's session that holds the lock, where the database can do that, and returns whether it did.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) naming the process to end, where it can't.
    fn end_lock_holder(&self, call: &Call, holder: &LockHolder) -> Result<bool>;

    /// Writes parts of a run as a script that the database's own shell runs (`sqlite3`, `psql`), ledgers included. It
    /// refuses, without a change, a database whose versions are not those of the first part.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn script(&self, parts: &[ScriptPart<'_>]) -> Result<String>;

    /// Tries what the schema promises, in a transaction that is rolled back: foreign keys are enforced, checks refuse,
    /// cascades fire, times move.
    ///
    /// # Errors
    ///
    /// None of its own: what is not so is the answer.
    fn probe(&self, call: &Call) -> Result<Vec<Probe>>;

    /// Describes how the database is: sizes, use of indexes, indexes that are not valid, locks held. Changes nothing.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn health(&self, call: &Call) -> Result<Health>;

    /// Writes a consistent copy of the database to a file that is not there, and verifies it. Works while a session of
    /// migrating has a transaction open. What was written of a copy that fails is removed.
    ///
    /// # Errors
    ///
    /// The fault [`NoBackup`](crate::schema::SchemaFault::NoBackup) if the tool it takes is not found or older than the server;
    /// [`ErrorKind::StorageFull`](crate::ErrorKind::StorageFull); [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if
    /// the file is there; the fault [`Locked`](crate::schema::SchemaFault::Locked) after `options.lock_wait`.
    fn backup(&self, call: &Call, options: &SessionOptions, to: &Path) -> Result<BackupInfo>;

    /// Checks that a backup can be read whole, and describes it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt), [`ErrorKind::NotFound`](crate::ErrorKind::NotFound).
    fn verify_backup(&self, call: &Call, from: &Path) -> Result<BackupInfo>;

    /// Puts everything back as a backup has it, all or nothing. Connections stay usable.
    ///
    /// # Errors
    ///
    /// As [`verify_backup`](Self::verify_backup), [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) for what is no backup of
    /// ours (it has neither a ledger of ours nor a manifest beside it), and the fault
    /// [`Locked`](crate::schema::SchemaFault::Locked) after `options.lock_wait`.
    fn restore(&self, call: &Call, options: &SessionOptions, from: &Path) -> Result<()>;

    /// Opens a database of its own, empty or a copy of this one, which goes away with the engine.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PermissionDenied`](crate::ErrorKind::PermissionDenied) or
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) saying what it takes.
    fn scratch(&self, call: &Call, copy: bool) -> Result<Arc<dyn Engine>>;
}

/// Is the right to migrate a database, on a connection of its own. Dropped, it rolls back what is open and gives the lock
/// back.
pub trait SchemaSession: Send + Debug {
    /// Returns whether the whole session is one transaction, as behind a pooler: then nothing can stand outside.
    fn is_one_transaction(&self) -> bool;

    /// Makes what migrations are recorded in (schema, ledgers, log), if it is not there, and returns whether nothing was.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PermissionDenied`](crate::ErrorKind::PermissionDenied) with the statement that the owner should run.
    fn prepare(&mut self, call: &Call) -> Result<bool>;

    /// Reads what is recorded, what this session wrote included.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn ledger(&mut self, call: &Call) -> Result<Ledger>;

    /// Reads the live schema, what this session did included.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn snapshot(&mut self, call: &Call) -> Result<Snapshot>;

    /// Begins a transaction that can write.
    ///
    /// # Errors
    ///
    /// The fault [`Locked`](crate::schema::SchemaFault::Locked) if others write for longer than the session waits.
    fn begin(&mut self, call: &Call, how: Begin) -> Result<()>;

    /// Commits the transaction.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn commit(&mut self, call: &Call) -> Result<()>;

    /// Rolls the transaction back, if there is one.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn rollback(&mut self) -> Result<()>;

    /// Runs one statement of a migration, in the transaction if there is one, and returns how many rows it changed.
    ///
    /// # Errors
    ///
    /// [`StatementError`], with the place in the statement where the database tells one.
    fn execute(&mut self, call: &Call, statement: &str) -> Result<u64, StatementError>;

    /// Runs the next batch of a statement that goes by key range, in the transaction that is open.
    ///
    /// # Errors
    ///
    /// [`StatementError`].
    fn batch(&mut self, call: &Call, request: &BatchRequest<'_>) -> Result<BatchDone, StatementError>;

    /// Records an entry in place of the one of its version, in the transaction if there is one, and brings diesel's ledger
    /// into line: it has the version if and only if the entry is [`Applied`](crate::schema::State::Applied) or
    /// [`Reverting`](crate::schema::State::Reverting).
    ///
    /// # Errors
    ///
    /// None of its own.
    fn record(&mut self, call: &Call, entry: &Entry) -> Result<()>;

    /// Removes a version from both ledgers.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn forget(&mut self, call: &Call, version: &Version) -> Result<()>;

    /// Adds a line to the log.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn log(&mut self, call: &Call, line: &LogEntry) -> Result<()>;

    /// Removes the ledgers and the log, and the schema if nothing else is in it: the last step of a reset.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn dismantle(&mut self, call: &Call) -> Result<()>;

    /// Lists the indexes that a build without locks left half-made, qualified.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn invalid_indexes(&mut self, call: &Call) -> Result<Vec<String>>;

    /// Removes an index that [`invalid_indexes`](Self::invalid_indexes) named.
    ///
    /// # Errors
    ///
    /// [`StatementError`].
    fn drop_invalid_index(&mut self, call: &Call, name: &str) -> Result<(), StatementError>;

    /// Returns whether there is a valid index of that name, which is written as a script writes it.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn has_index(&mut self, call: &Call, name: &str) -> Result<bool>;

    /// Counts the rows of each table that is not the database's own.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn row_counts(&mut self, call: &Call) -> Result<BTreeMap<String, u64>>;

    /// Lists rows whose foreign keys lead nowhere, by table.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn orphans(&mut self, call: &Call) -> Result<Vec<Orphans>>;
}
