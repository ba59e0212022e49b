//! What crosses the boundary and is no type of the library.

use polymnia::schema::{BatchCondition, BatchRequest, Begin, Entry, LogEntry, ScriptPart, Source, Version};
use polymnia::{Capability, Memory};

/// Is what a plugin says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// The dialect's name, lower case.
    pub name: String,
    /// The version of the plugin, as its author counts.
    pub version: String,
    /// The URL schemes it opens, lower case.
    pub url_schemes: Vec<String>,
    /// The codes of the operations it does.
    pub operations: Vec<u32>,
    /// The features of requests it knows.
    pub features: u64,
}

/// Is what is known of an engine once it is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What it can do.
    pub capability: Capability,
    /// The migrations it brings.
    pub source: Source,
}

/// Is an engine that an operation opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScratchOpened {
    /// Its handle.
    pub handle: u64,
    /// What is known of it.
    pub opened: Opened,
}

/// Is a session of migrating that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionOpened {
    /// Its handle.
    pub handle: u64,
    /// Whether the whole session is one transaction.
    pub is_one_transaction: bool,
}

/// Is a part of a large result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The memories, and where none was found.
    pub memories: Vec<Option<Memory>>,
    /// Whether there are further ones beyond this result.
    pub more: bool,
    /// The handle of a cursor that gives the next part; none with the last one.
    pub cursor: Option<u64>,
}

/// Is a [`BatchRequest`] of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedBatchRequest {
    /// The statement.
    pub statement: String,
    /// The table.
    pub table: String,
    /// What the statement calls it.
    pub alias: String,
    /// Where its condition goes, which lies within the statement.
    pub condition: BatchCondition,
    /// After which key.
    pub after: Option<String>,
    /// How many rows.
    pub rows: u32,
}

/// Is a [`ScriptPart`] of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedScriptPart {
    /// A comment.
    Comment(String),
    /// What must be applied.
    Guard(Vec<Version>),
    /// Makes the ledgers.
    Prepare,
    /// Begins a transaction.
    Begin(Begin),
    /// A statement.
    Statement(String),
    /// Records an entry.
    Record(Box<Entry>),
    /// Removes a version.
    Forget(Version),
    /// Adds a line to the log.
    Log(LogEntry),
    /// Commits.
    Commit,
}

/// Is an event of the wait for the lock of migrating.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Who holds the lock, if known.
    pub holder: Option<polymnia::schema::LockHolder>,
    /// How long the wait has been.
    pub millis: u64,
}

impl OwnedBatchRequest {
    /// Returns the request as the library has it.
    pub fn as_request(&self) -> BatchRequest<'_> {
        let Self { statement, table, alias, condition, after, rows } = self;
        BatchRequest { statement, table, alias, condition: condition.clone(), after: after.as_deref(), rows: *rows }
    }
}

impl OwnedScriptPart {
    /// Returns the part as the library has it.
    pub fn as_part(&self) -> ScriptPart<'_> {
        match self {
            Self::Comment(text) => ScriptPart::Comment(text),
            Self::Guard(versions) => ScriptPart::Guard(versions.iter().collect()),
            Self::Prepare => ScriptPart::Prepare,
            Self::Begin(how) => ScriptPart::Begin(*how),
            Self::Statement(text) => ScriptPart::Statement(text),
            Self::Record(entry) => ScriptPart::Record(entry),
            Self::Forget(version) => ScriptPart::Forget(version),
            Self::Log(line) => ScriptPart::Log(line),
            Self::Commit => ScriptPart::Commit,
        }
    }
}
