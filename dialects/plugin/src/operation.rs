//! What can be asked of a plugin: codes, arguments and results.
//!
//! The arguments of an operation are a list, in the order written here. A code never changes its meaning: an operation
//! that takes more becomes another code, or needs a feature.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use polymnia::schema::{
    BackupInfo, BatchDone, BatchRequest, Begin, Entry, ForeignLedger, Health, Ledger, LockHolder, LogEntry, Orphans,
    Probe, ScriptPart, SessionOptions, Snapshot, StatementError, Version,
};
use polymnia::{
    ApplyReport, ChangeRecord, ConnectionString, DatabaseInfo, Explanation, IndexDeclaration, IndexName, IndexStatus,
    MemoryId, Mutation, Namespace, NamespaceStats, NamespaceSummary, OpenOptions, OptimizeReport, Selection, Upkeep,
    VerifyReport,
};

use crate::message::{Batch, OwnedBatchRequest, OwnedScriptPart, ScratchOpened, SessionOpened};
use crate::wire::{Read, Write};

/// Is one operation.
pub trait Operation {
    /// What the host passes.
    type Arguments<'a>: Write;
    /// What the plugin reads.
    type Owned: Read;
    /// What comes back.
    type Reply: Read + Write;
    /// Its code.
    const CODE: u32;
    /// Its name, for messages.
    const NAME: &'static str;
}

macro_rules! operations {
    ($($(#[$docs:meta])* $name:ident = $code:literal ($($argument:ty),*) as ($($owned:ty),*) -> $reply:ty;)*) => {
        $(
            $(#[$docs])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl Operation for $name {
                type Arguments<'a> = ($($argument,)*);
                type Owned = ($($owned,)*);
                type Reply = $reply;
                const CODE: u32 = $code;
                const NAME: &'static str = stringify!($name);
            }
        )*

        /// Every operation of this minor version: its code and its name.
        pub const ALL: &[(u32, &str)] = &[$(($code, stringify!($name))),*];
    };
}

operations! {
    /// Does nothing, on any handle: what a call costs.
    Nothing = 0 () as () -> ();

    /// Tells whether the dialect opens a connection string without a scheme.
    Recognizes = 1 (&'a ConnectionString) as (ConnectionString) -> bool;
    /// Lists the files that opening would own.
    Claims = 2 (&'a OpenOptions) as (OpenOptions) -> Vec<PathBuf>;
    /// Returns the migrations that the dialect brings.
    Migrations = 3 () as () -> polymnia::schema::Source;

    /// Reads memories by id.
    Get = 16 (&'a Namespace, &'a [MemoryId]) as (Namespace, Vec<MemoryId>) -> Batch;
    /// Reads a page.
    Query = 17 (&'a Namespace, &'a polymnia::Query) as (Namespace, polymnia::Query) -> Batch;
    /// Reads what a cursor has next; the one that says there is no further cursor closes it.
    More = 18 () as () -> Batch;
    /// Counts.
    Count = 19 (&'a Namespace, &'a Selection) as (Namespace, Selection) -> u64;
    /// Applies a batch.
    Apply = 20 (&'a Namespace, &'a [Mutation]) as (Namespace, Vec<Mutation>) -> ApplyReport;
    /// Applies a batch of a bulk load.
    Load = 21 (&'a Namespace, &'a [Mutation]) as (Namespace, Vec<Mutation>) -> ApplyReport;
    /// Tells how a query is answered.
    Explain = 22 (&'a Namespace, &'a polymnia::Query) as (Namespace, polymnia::Query) -> Explanation;
    /// Removes what is selected.
    DeleteMatching = 23 (&'a Namespace, &'a Selection) as (Namespace, Selection) -> u64;
    /// Counts what a namespace holds.
    Stats = 24 (&'a Namespace) as (Namespace) -> NamespaceStats;

    /// Asks for a sign of life.
    Ping = 32 () as () -> ();
    /// Describes the database.
    Info = 33 () as () -> DatabaseInfo;
    /// Lists namespaces.
    Namespaces = 34 (Option<&'a Namespace>, u32) as (Option<Namespace>, u32) -> Vec<NamespaceSummary>;
    /// Renames a namespace.
    RenameNamespace = 35 (&'a Namespace, &'a Namespace) as (Namespace, Namespace) -> u64;
    /// Removes a namespace.
    DeleteNamespace = 36 (&'a Namespace) as (Namespace) -> u64;
    /// Removes expired memories.
    Sweep = 37 (u32) as (u32) -> u64;
    /// Refreshes statistics.
    Analyze = 38 () as () -> ();
    /// Does upkeep.
    Optimize = 39 (Upkeep) as (Upkeep) -> OptimizeReport;
    /// Compares what is derived.
    Verify = 40 () as () -> VerifyReport;
    /// Lists declared indexes.
    Indexes = 41 () as () -> Vec<IndexStatus>;
    /// Declares an index.
    CreateIndex = 42 (&'a IndexDeclaration) as (IndexDeclaration) -> ();
    /// Removes a declared index.
    DropIndex = 43 (&'a IndexName) as (IndexName) -> bool;
    /// Switches the recording of changes.
    SetChangeCapture = 44 (bool) as (bool) -> ();
    /// Reads recorded changes.
    Changes = 45 (i64, u32) as (i64, u32) -> Vec<ChangeRecord>;

    /// Reads what is recorded of migrations.
    ReadLedger = 64 () as () -> Ledger;
    /// Reads the log of migrations.
    ReadLog = 65 (u32) as (u32) -> Vec<LogEntry>;
    /// Reads the live schema.
    ReadSnapshot = 66 () as () -> Snapshot;
    /// Finds the ledgers of other tools.
    ForeignLedgers = 67 () as () -> Vec<ForeignLedger>;
    /// Opens a session of migrating. Its events are of the wait for the lock.
    OpenSession = 68 (&'a SessionOptions) as (SessionOptions) -> SessionOpened;
    /// Tells who holds the lock.
    FindLockHolder = 69 () as () -> Option<LockHolder>;
    /// Ends who holds the lock.
    EndLockHolder = 70 (&'a LockHolder) as (LockHolder) -> bool;
    /// Writes a script.
    WriteScript = 71 (&'a [ScriptPart<'a>]) as (Vec<OwnedScriptPart>) -> String;
    /// Tries what the schema promises.
    Probes = 72 () as () -> Vec<Probe>;
    /// Describes how the database is.
    CheckHealth = 73 () as () -> Health;
    /// Writes a backup.
    Backup = 74 (&'a SessionOptions, &'a Path) as (SessionOptions, PathBuf) -> BackupInfo;
    /// Checks a backup.
    VerifyBackup = 75 (&'a Path) as (PathBuf) -> BackupInfo;
    /// Puts a backup back.
    Restore = 76 (&'a SessionOptions, &'a Path) as (SessionOptions, PathBuf) -> ();
    /// Opens a database of its own.
    Scratch = 77 (bool) as (bool) -> ScratchOpened;

    /// In a session: makes the ledgers.
    SessionPrepare = 96 () as () -> bool;
    /// In a session: reads the ledgers.
    SessionLedger = 97 () as () -> Ledger;
    /// In a session: reads the live schema.
    SessionSnapshot = 98 () as () -> Snapshot;
    /// In a session: begins a transaction.
    SessionBegin = 99 (Begin) as (Begin) -> ();
    /// In a session: commits.
    SessionCommit = 100 () as () -> ();
    /// In a session: rolls back.
    SessionRollback = 101 () as () -> ();
    /// In a session: runs a statement.
    SessionExecute = 102 (&'a str) as (String) -> Result<u64, StatementError>;
    /// In a session: runs a batch of a statement.
    SessionBatch = 103 (&'a BatchRequest<'a>) as (OwnedBatchRequest) -> Result<BatchDone, StatementError>;
    /// In a session: records an entry.
    SessionRecord = 104 (&'a Entry) as (Entry) -> ();
    /// In a session: removes a version.
    SessionForget = 105 (&'a Version) as (Version) -> ();
    /// In a session: adds a line to the log.
    SessionLog = 106 (&'a LogEntry) as (LogEntry) -> ();
    /// In a session: removes the ledgers.
    SessionDismantle = 107 () as () -> ();
    /// In a session: lists half-made indexes.
    SessionInvalidIndexes = 108 () as () -> Vec<String>;
    /// In a session: removes a half-made index.
    SessionDropInvalidIndex = 109 (&'a str) as (String) -> Result<(), StatementError>;
    /// In a session: tells whether an index is there.
    SessionHasIndex = 110 (&'a str) as (String) -> bool;
    /// In a session: counts rows.
    SessionRowCounts = 111 () as () -> BTreeMap<String, u64>;
    /// In a session: lists rows whose foreign keys lead nowhere.
    SessionOrphans = 112 () as () -> Vec<Orphans>;
}
