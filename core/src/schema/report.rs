//! What the operations on a schema answer.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::schema::{
    BackupInfo, Compatibility, Drift, Entry, ForeignLedger, LockHolder, Origin, Plan, Probe, State, Version,
};

/// Says how a run goes about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// How long to wait for locks.
    pub session: crate::schema::SessionOptions,
    /// Which statements share a transaction.
    pub tx_mode: crate::schema::TxMode,
    /// When a backup comes first.
    pub backup: crate::schema::BackupMode,
    /// The folder for it.
    pub backup_folder: PathBuf,
    /// Whether steps may destroy data.
    pub allow_destructive: bool,
    /// Whether to go down by the scripts that the ledger keeps, instead of those of this build.
    pub use_stored_down: bool,
    /// Who does it, for the ledger: `user@host`.
    pub by: String,
    /// What does it, for the ledger: `polymnia 0.1.0`.
    pub tool: String,
}

impl Default for RunOptions {
    /// Returns options by which nothing is destroyed: see the defaults of the parts.
    fn default() -> Self {
        Self {
            session: crate::schema::SessionOptions::default(),
            tx_mode: crate::schema::TxMode::default(),
            backup: crate::schema::BackupMode::default(),
            backup_folder: PathBuf::from("polymnia-backups"),
            allow_destructive: false,
            use_stored_down: false,
            by: "application".to_owned(),
            tool: concat!("polymnia ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Is what a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RunReport {
    /// Whether there was no schema before.
    pub created: bool,
    /// The newest version applied before.
    pub from: Option<Version>,
    /// The newest version applied now.
    pub to: Option<Version>,
    /// The steps done, with the milliseconds each took.
    pub steps: Vec<StepReport>,
    /// What another tool had applied or taken back, taken over into the ledger.
    pub adopted: Vec<Version>,
    /// The backup made before.
    pub backup: Option<Backup>,
    /// How long all of it took, in milliseconds.
    pub millis: u64,
}

/// Is one step done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// The version.
    pub version: Version,
    /// Its name.
    pub name: String,
    /// Which way.
    pub direction: crate::schema::Way,
    /// How many milliseconds it took.
    pub millis: u64,
}

/// Is a backup: a file, and beside it what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// The file.
    pub path: PathBuf,
    /// When it was made.
    pub created_at: crate::Timestamp,
    /// What it holds.
    #[serde(flatten)]
    pub info: BackupInfo,
}

/// Is one migration, as the build and the database know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryEntry {
    /// Its version.
    pub version: Version,
    /// Its name; empty if nobody knows it.
    pub name: String,
    /// The versions it is built upon.
    pub parents: Vec<Version>,
    /// Whether this build knows it.
    pub known: bool,
    /// Whether the database has it.
    pub applied: bool,
    /// How far it is; none if it isn't recorded.
    pub state: Option<State>,
    /// How it came to be recorded; none if it isn't, or only by diesel.
    pub origin: Option<Origin>,
    /// What a build that doesn't know it may do.
    pub compatibility: Compatibility,
    /// All that is recorded of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<Entry>,
}

/// Is where a database stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Whether there is a ledger.
    pub initialised: bool,
    /// The newest applied versions of each source: those that no applied one of it is built upon.
    pub current: Vec<Version>,
    /// The newest versions this build knows.
    pub heads: Vec<Version>,
    /// What is to be applied, in order.
    pub pending: Vec<Version>,
    /// Applied versions that this build doesn't know.
    pub unknown: Vec<Version>,
    /// What this build may do with the database.
    pub access: Compatibility,
    /// Applied versions whose script has changed since.
    pub changed: Vec<ChangedScript>,
    /// Migrations that stopped half-way.
    pub unfinished: Vec<Version>,
    /// What is wrong with the history, as fault codes with their messages.
    pub problems: Vec<Problem>,
    /// What another tool applied or took back and our ledger doesn't have yet.
    pub not_adopted: Vec<Version>,
    /// Ledgers of other tools.
    pub foreign: Vec<ForeignLedger>,
    /// Who is migrating now.
    pub lock_holder: Option<LockHolder>,
    /// What an upgrade to the head would do; none where the history forbids it.
    pub plan: Option<Plan>,
}

/// Is an applied migration whose script has changed since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedScript {
    /// The version.
    pub version: Version,
    /// Where its files stand.
    pub folder: String,
    /// The difference, as `diff -u` writes it; empty if the applied script is not kept.
    pub diff: String,
}

/// Is something wrong with the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The code of the [`SchemaFault`](crate::schema::SchemaFault).
    pub code: &'static str,
    /// What is wrong, naming the versions.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Is what a validation found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Validation {
    /// Whether nothing is wrong.
    pub valid: bool,
    /// The version compared with.
    pub version: Option<Version>,
    /// The fingerprint of the live schema.
    pub fingerprint: String,
    /// The fingerprint that the applied migrations make.
    pub expected: String,
    /// What is different, object by object.
    pub drift: Vec<Drift>,
    /// What the schema promises, tried.
    pub probes: Vec<Probe>,
    /// Applied versions whose script has changed since.
    pub changed: Vec<ChangedScript>,
    /// What is wrong with the history.
    pub problems: Vec<Problem>,
}

/// Says how a migration that stopped half-way was resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It is applied: somebody completed it by hand.
    Applied,
    /// It is not: somebody took it back by hand.
    RolledBack,
}

/// Is what a repair changed in the ledgers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RepairReport {
    /// Versions whose checksum and scripts were taken from this build.
    pub accepted: Vec<Version>,
    /// Versions that another tool applied or took back, taken over.
    pub adopted: Vec<Version>,
    /// Failed entries without an effect that were removed.
    pub removed: Vec<Version>,
    /// Half-made indexes that were removed.
    pub dropped_indexes: Vec<String>,
}

/// Is a place where two dialects diverge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Divergence {
    /// The first version after which they do.
    pub version: Version,
    /// The object, without the schema or prefix of a dialect.
    pub object: String,
    /// What is different: `missing` with the dialect that lacks it, or the name of an attribute.
    pub what: String,
    /// What the first dialect has.
    pub first: Option<String>,
    /// What the second dialect has.
    pub second: Option<String>,
}
