//! What passes between a run and the dialect's session.

use std::ops::Range;
use std::time::Duration;

use serde::Serialize;

use crate::schema::{Entry, LogEntry, Version};
use crate::{Error, Timestamp};

/// Says how a session of migrating waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    /// How long to wait for another process that migrates, and in all for locks that statements need.
    pub lock_wait: Duration,
    /// How long one statement waits for a lock, and with it whoever queues behind it.
    pub lock_timeout: Duration,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self { lock_wait: Duration::from_mins(1), lock_timeout: Duration::from_secs(2) }
    }
}

/// Is who holds the lock of migrating.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockHolder {
    /// The process on its machine (SQLite) or the server's process (PostgreSQL).
    pub process: i64,
    /// Who and from where: user, program, host or address.
    pub description: String,
    /// Since when, where it is known.
    pub since: Option<Timestamp>,
}

/// Says what kind of transaction begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// An ordinary one.
    Plain,
    /// One that makes tables anew: on SQLite foreign keys are switched off for it, which only works before it begins, and
    /// on again after it ended.
    Rebuild,
}

/// Is what a statement of a migration failed with.
#[derive(Debug)]
pub struct StatementError {
    /// What the database says, classified. Its message holds the database's own words, which for DDL hold no payload; the
    /// values of a row that violates a constraint are left out.
    pub error: Error,
    /// Where in the statement, as a byte offset.
    pub offset: Option<usize>,
    /// Whether a lock was not to be had in time: trying again may help, and nothing of the statement was done.
    pub lock_timeout: bool,
}

impl From<Error> for StatementError {
    fn from(error: Error) -> Self {
        Self { error, offset: None, lock_timeout: false }
    }
}

/// Is one batch of a statement that goes by key range.
#[derive(Clone, Debug)]
pub struct BatchRequest<'a> {
    /// The statement, as it stands in the script.
    pub statement: &'a str,
    /// The name of the table whose key cuts it, as the script writes it.
    pub table: &'a str,
    /// How the statement calls the table: its alias, or its name.
    pub alias: &'a str,
    /// Where the condition on the key goes: between ` AND (` … `)` after this offset of a WHERE that is wrapped in
    /// parentheses, or as a WHERE of its own.
    pub condition: BatchCondition,
    /// The key of the last row done, as the last batch returned it; none for the first.
    pub after: Option<&'a str>,
    /// How many rows of the table at most.
    pub rows: u32,
}

/// Says where the condition on the key goes into a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchCondition {
    /// The statement has a condition, which stands in this range: `(` condition `) AND` key condition takes its place.
    Within(Range<usize>),
    /// The statement has none: ` WHERE` key condition goes in at this offset.
    At(usize),
}

/// Is what a batch did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchDone {
    /// The key of the last row looked at, as JSON; none if there were no more rows.
    pub key: Option<String>,
    /// Rows of the table that it looked at.
    pub looked_at: u64,
    /// Rows that the statement changed.
    pub changed: u64,
    /// About how many rows the table has: told with the first batch of a run.
    pub total: Option<u64>,
}

/// Is rows whose foreign keys lead nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Orphans {
    /// The table they are in.
    pub table: String,
    /// The table they should lead to.
    pub parent: String,
    /// How many there are.
    pub rows: u64,
}

/// Is one part of a script that the database's own shell runs.
#[derive(Clone, Debug)]
pub enum ScriptPart<'a> {
    /// Comment lines.
    Comment(&'a str),
    /// Refuse to run unless exactly these versions are applied. Comes first.
    Guard(Vec<&'a Version>),
    /// Make the schema and the ledgers if they are not there.
    Prepare,
    /// Begin a transaction.
    Begin(Begin),
    /// A statement of a migration.
    Statement(&'a str),
    /// Record an entry, as [`SchemaSession::record`](crate::spi::SchemaSession::record) does.
    Record(&'a Entry),
    /// Remove a version from the ledgers.
    Forget(&'a Version),
    /// Add a line to the log.
    Log(&'a LogEntry),
    /// Commit it.
    Commit,
}

/// Is one thing that the schema promises, tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// What was tried: `check memories_importance_range refuses`.
    pub name: String,
    /// Whether it is so.
    pub holds: bool,
    /// What was found instead.
    pub detail: String,
}

/// Is how a database is, for those who operate it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Tables with their sizes, largest first.
    pub tables: Vec<TableHealth>,
    /// Indexes, largest first.
    pub indexes: Vec<IndexHealth>,
    /// Locks that others wait for, and who holds them.
    pub locks: Vec<LockHealth>,
    /// What is worth a look, each with what to do about it.
    pub advice: Vec<String>,
}

/// Is one table, as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableHealth {
    /// Its name.
    pub name: String,
    /// Rows, counted or as the statistics say.
    pub rows: Option<u64>,
    /// Bytes, indexes included.
    pub bytes: Option<u64>,
}

/// Is one index, as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IndexHealth {
    /// Its name.
    pub name: String,
    /// Its table.
    pub table: String,
    /// Bytes.
    pub bytes: Option<u64>,
    /// How often queries used it, since the server began to count.
    pub scans: Option<u64>,
    /// Whether queries can use it.
    pub valid: bool,
}

/// Is one lock that somebody waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockHealth {
    /// On what.
    pub object: String,
    /// The mode, as the database calls it.
    pub mode: String,
    /// Who holds it.
    pub holder: String,
    /// For how many milliseconds.
    pub millis: Option<u64>,
    /// How many wait.
    pub waiting: u32,
}

/// Describes a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct BackupInfo {
    /// The dialect.
    pub dialect: String,
    /// The newest version applied in it.
    pub version: Option<String>,
    /// The fingerprint of its schema; none where only restoring would tell.
    pub fingerprint: Option<String>,
    /// Memories in it; none where only restoring would tell.
    pub memories: Option<u64>,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
}
