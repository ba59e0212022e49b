//! What applications and the command line call.

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::schema::{
    Backup, BackupInfo, Event, Health, HistoryEntry, LockHolder, LogEntry, Observer, Plan, RepairReport, Resolution,
    RunOptions, RunReport, Snapshot, Source, Status, Target, Validation, Version,
};
use crate::{Error, ErrorKind, MemoryStore, Result};

/// Does what concerns the schema of a database: its history, upgrades and downgrades, validation, backups.
///
/// It knows the migrations of the dialect, and those an application adds by [`with_source`](Self::with_source).
///
/// # Examples
///
/// ```ignore
/// let report = store.schema().upgrade(&Target::Head)?;
/// println!("{} migrations applied", report.steps.len());
/// ```
#[derive(Clone)]
pub struct Schema {
    store: MemoryStore,
    sources: Vec<Source>,
    options: RunOptions,
    observer: Arc<Mutex<dyn Observer + Send>>,
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schema").field("store", &self.store).field("options", &self.options).finish_non_exhaustive()
    }
}

fn not_yet<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Unsupported, "not built yet"))
}

impl Schema {
    pub(crate) fn new(store: MemoryStore) -> Self {
        let source = store.engine().schema().source();
        Self {
            store,
            sources: vec![source],
            options: RunOptions::default(),
            observer: Arc::new(Mutex::new(|_: &Event<'_>| {})),
        }
    }

    /// Adds the migrations of an application, which come after ours.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if its dialect is another, or its prefix is empty or taken.
    pub fn with_source(self, _source: Source) -> Result<Self> {
        not_yet()
    }

    /// Sets how runs go about it.
    #[must_use]
    pub fn with_options(mut self, options: RunOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets who is told what a run does, as it does it.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Observer + Send + 'static) -> Self {
        self.observer = Arc::new(Mutex::new(observer));
        self
    }

    /// Returns the sources: ours, then those of the application in the order they were added.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Makes the schema and the ledgers, without a migration.
    ///
    /// # Errors
    ///
    /// As [`SchemaSession::prepare`](crate::spi::SchemaSession::prepare).
    pub fn initialize(&self) -> Result<RunReport> {
        not_yet()
    }

    /// Tells where the database stands. Changes nothing, and works on a database that can't be written.
    pub fn status(&self) -> Result<Status> {
        not_yet()
    }

    /// Returns the newest applied versions.
    pub fn current(&self) -> Result<Vec<Version>> {
        not_yet()
    }

    /// Returns what is to be applied, in order.
    pub fn pending(&self) -> Result<Vec<Version>> {
        not_yet()
    }

    /// Returns every migration that the build or the database knows, oldest first.
    pub fn history(&self) -> Result<Vec<HistoryEntry>> {
        not_yet()
    }

    /// Returns the newest lines of the log, newest first.
    pub fn log(&self, _limit: u32) -> Result<Vec<LogEntry>> {
        not_yet()
    }

    /// Returns one migration: the version, or the beginning of one that is the only one to begin so.
    pub fn show(&self, _version: &str) -> Result<(HistoryEntry, Option<crate::schema::Script>)> {
        not_yet()
    }

    /// Returns what an upgrade would do. Changes nothing.
    pub fn plan_upgrade(&self, _target: &Target) -> Result<Plan> {
        not_yet()
    }

    /// Returns what a downgrade would do. Changes nothing.
    pub fn plan_downgrade(&self, _target: &Target) -> Result<Plan> {
        not_yet()
    }

    /// Writes a plan as a script that `psql` or `sqlite3` runs. Changes nothing.
    pub fn script(&self, _plan: &Plan) -> Result<String> {
        not_yet()
    }

    /// Applies migrations up to a target.
    pub fn upgrade(&self, _target: &Target) -> Result<RunReport> {
        not_yet()
    }

    /// Takes migrations back down to a target.
    pub fn downgrade(&self, _target: &Target) -> Result<RunReport> {
        not_yet()
    }

    /// Takes one migration back, which must be one that no applied one is built upon.
    pub fn revert(&self, _version: &str) -> Result<RunReport> {
        not_yet()
    }

    /// Applies migrations up to a target on a copy that goes away, and tells how long each took.
    pub fn rehearse(&self, _target: &Target) -> Result<RunReport> {
        not_yet()
    }

    /// Records the versions up to a target as applied, without running them, and returns them.
    pub fn stamp(&self, _target: &Target) -> Result<Vec<Version>> {
        not_yet()
    }

    /// Takes over a database that has our tables and no ledger: compares its schema with ours at a version, the newest unless
    /// given, and records it and those before.
    pub fn baseline(&self, _at: Option<&str>) -> Result<Vec<Version>> {
        not_yet()
    }

    /// Declares a migration that stopped half-way to be resolved by hand.
    pub fn resolve(&self, _version: &str, _resolution: Resolution) -> Result<()> {
        not_yet()
    }

    /// Brings the ledgers into line with what is so: accepts changed scripts, takes over what other tools did, removes entries of
    /// failures that left nothing, and half-made indexes.
    pub fn repair(&self) -> Result<RepairReport> {
        not_yet()
    }

    /// Tells who is migrating now.
    pub fn lock_holder(&self) -> Result<Option<LockHolder>> {
        not_yet()
    }

    /// Ends the session of who is migrating now, where the database can do that, and returns who it was.
    pub fn unlock(&self) -> Result<Option<LockHolder>> {
        not_yet()
    }

    /// Compares the live schema with what the applied migrations make, and tries what it promises.
    pub fn validate(&self) -> Result<Validation> {
        not_yet()
    }

    /// Reads the live schema.
    pub fn dump(&self) -> Result<Snapshot> {
        not_yet()
    }

    /// Returns what the migrations up to a version make, the newest unless given.
    pub fn expected(&self, _at: Option<&str>) -> Result<Snapshot> {
        not_yet()
    }

    /// Describes how the database is, for those who operate it.
    pub fn health(&self) -> Result<Health> {
        not_yet()
    }

    /// Makes a backup in the folder of the options.
    pub fn backup(&self) -> Result<Backup> {
        not_yet()
    }

    /// Checks that a backup can be read whole and has not changed since it was made.
    pub fn verify_backup(&self, _path: &Path) -> Result<BackupInfo> {
        not_yet()
    }

    /// Puts everything back as a backup has it.
    pub fn restore(&self, _path: &Path) -> Result<()> {
        not_yet()
    }

    /// Removes everything of ours: tables, ledgers, schema. What an application's migrations made goes first.
    pub fn reset(&self) -> Result<RunReport> {
        not_yet()
    }
}
