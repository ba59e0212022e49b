//! A dialect that panics where a test wants it to.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polymnia::schema::{
    BackupInfo, BatchDone, BatchRequest, Begin, Entry, ForeignLedger, Health, Ledger, LockHolder, LogEntry, Observer,
    Orphans, Probe, ScriptPart, SessionOptions, Snapshot, Source, StatementError, Version,
};
use polymnia::spi::{AdminEngine, Dialect, Engine, Library, Rows, SchemaEngine, SchemaSession};
use polymnia::{
    ApplyReport, Call, Capability, ChangeRecord, ConnectionString, DatabaseInfo, Error, ErrorKind, Explanation,
    IndexDeclaration, IndexName, IndexStatus, Memory, MemoryId, Mutation, Namespace, NamespaceStats, NamespaceSummary,
    OpenOptions, OptimizeReport, Query, Result, Selection, Upkeep, VerifyReport,
};
use polymnia_conformance::Oracle;

/// Says where it panics. Whatever else is asked of a database or a session panics, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weak {
    /// In the dialect's methods, but opening.
    Dialect,
    /// In opening.
    Open,
    /// In what is asked of a database that was opened.
    Capability,
    /// In what is asked of a session that was opened.
    IsOneTransaction,
    /// In what is asked of a database, opening sessions included.
    Operations,
    /// In what is asked of a session.
    Sessions,
    /// When a database is dropped.
    DropEngine,
    /// When a session is dropped.
    DropSession,
    /// When an error that a ping returns is shown, and when it is dropped.
    ShowError,
    /// When an error that a ping returns is dropped.
    DropError,
    /// When what a ping panicked with is dropped.
    DropPayload,
    /// With content, when pinged.
    Content,
}

/// Is the dialect.
#[derive(Debug)]
pub(super) struct Fragile(pub(super) Weak);

/// What panics say where it is literal.
pub(super) const SAID: &str = "as told";
/// What nobody may be told.
pub(super) const SECRET: &str = "what mara said";

pub(super) fn boom<T>() -> T {
    panic!("as told")
}

impl Fragile {
    fn check(&self, weak: Weak) {
        if self.0 == weak {
            boom::<()>();
        }
    }
}

impl Dialect for Fragile {
    fn name(&self) -> &'static str {
        self.check(Weak::Dialect);
        "fragile"
    }

    fn url_schemes(&self) -> &[&str] {
        &["fragile"]
    }

    fn recognizes(&self, _: &ConnectionString) -> bool {
        boom()
    }

    fn library(&self) -> Option<&Library> {
        None
    }

    fn source(&self) -> Result<Source> {
        boom()
    }

    fn claims(&self, _: &OpenOptions) -> Result<Vec<PathBuf>> {
        boom()
    }

    fn open(&self, _: &OpenOptions) -> Result<Arc<dyn Engine>> {
        self.check(Weak::Open);
        Ok(Arc::new(FragileEngine(self.0)))
    }
}

#[derive(Debug)]
struct FragileEngine(Weak);

impl Drop for FragileEngine {
    fn drop(&mut self) {
        if self.0 == Weak::DropEngine {
            boom::<()>();
        }
    }
}

impl Engine for FragileEngine {
    fn capability(&self) -> Capability {
        if self.0 == Weak::Capability { boom() } else { Oracle::default().capability() }
    }

    fn get(&self, _: &Call, _: &Namespace, _: &[MemoryId]) -> Result<Vec<Option<Memory>>> {
        boom()
    }

    fn query(&self, _: &Call, _: &Namespace, _: &Query) -> Result<Rows> {
        boom()
    }

    fn count(&self, _: &Call, _: &Namespace, _: &Selection) -> Result<u64> {
        boom()
    }

    fn apply(&self, _: &Call, _: &Namespace, _: &[Mutation]) -> Result<ApplyReport> {
        boom()
    }

    fn load(&self, _: &Call, _: &Namespace, _: &[Mutation]) -> Result<ApplyReport> {
        boom()
    }

    fn explain(&self, _: &Call, _: &Namespace, _: &Query) -> Result<Explanation> {
        boom()
    }

    fn delete_matching(&self, _: &Call, _: &Namespace, _: &Selection) -> Result<u64> {
        boom()
    }

    fn stats(&self, _: &Call, _: &Namespace) -> Result<NamespaceStats> {
        boom()
    }

    fn admin(&self) -> &dyn AdminEngine {
        self
    }

    fn schema(&self) -> &dyn SchemaEngine {
        self
    }
}

impl AdminEngine for FragileEngine {
    fn ping(&self, _: &Call) -> Result<()> {
        match self.0 {
            Weak::ShowError => Err(Error::new(ErrorKind::Unexpected, "no").with_source(Shown)),
            Weak::DropError => Err(Error::new(ErrorKind::Unexpected, "no").with_source(Dropped)),
            Weak::DropPayload => std::panic::panic_any(Dropped),
            Weak::Content => panic!("{SECRET} {}", std::process::id()),
            _ => boom(),
        }
    }

    fn info(&self, call: &Call) -> Result<DatabaseInfo> {
        call.check()?;
        boom()
    }

    fn namespaces(&self, _: &Call, _: Option<&Namespace>, _: u32) -> Result<Vec<NamespaceSummary>> {
        boom()
    }

    fn rename_namespace(&self, _: &Call, _: &Namespace, _: &Namespace) -> Result<u64> {
        boom()
    }

    fn delete_namespace(&self, _: &Call, _: &Namespace) -> Result<u64> {
        boom()
    }

    fn sweep(&self, _: &Call, _: u32) -> Result<u64> {
        boom()
    }

    fn analyze(&self, _: &Call) -> Result<()> {
        boom()
    }

    fn optimize(&self, _: &Call, _: Upkeep) -> Result<OptimizeReport> {
        boom()
    }

    fn verify(&self, _: &Call) -> Result<VerifyReport> {
        boom()
    }

    fn indexes(&self, _: &Call) -> Result<Vec<IndexStatus>> {
        boom()
    }

    fn create_index(&self, _: &Call, _: &IndexDeclaration) -> Result<()> {
        boom()
    }

    fn drop_index(&self, _: &Call, _: &IndexName) -> Result<bool> {
        boom()
    }

    fn set_change_capture(&self, _: &Call, _: bool) -> Result<()> {
        boom()
    }

    fn changes(&self, _: &Call, _: i64, _: u32) -> Result<Vec<ChangeRecord>> {
        boom()
    }
}

impl SchemaEngine for FragileEngine {
    fn source(&self) -> Source {
        Oracle::default().schema().source()
    }

    fn ledger(&self, _: &Call) -> Result<Ledger> {
        boom()
    }

    fn log(&self, _: &Call, _: u32) -> Result<Vec<LogEntry>> {
        boom()
    }

    fn snapshot(&self, _: &Call) -> Result<Snapshot> {
        boom()
    }

    fn foreign_ledgers(&self, _: &Call) -> Result<Vec<ForeignLedger>> {
        boom()
    }

    fn session(&self, _: &Call, _: &SessionOptions, _: &mut dyn Observer) -> Result<Box<dyn SchemaSession>> {
        if self.0 == Weak::Operations { boom() } else { Ok(Box::new(FragileSession(self.0))) }
    }

    fn lock_holder(&self, _: &Call) -> Result<Option<LockHolder>> {
        boom()
    }

    fn end_lock_holder(&self, _: &Call, _: &LockHolder) -> Result<bool> {
        boom()
    }

    fn script(&self, _: &[ScriptPart<'_>]) -> Result<String> {
        boom()
    }

    fn probe(&self, _: &Call) -> Result<Vec<Probe>> {
        boom()
    }

    fn health(&self, _: &Call) -> Result<Health> {
        boom()
    }

    fn backup(&self, _: &Call, _: &SessionOptions, _: &Path) -> Result<BackupInfo> {
        boom()
    }

    fn verify_backup(&self, _: &Call, _: &Path) -> Result<BackupInfo> {
        boom()
    }

    fn restore(&self, _: &Call, _: &SessionOptions, _: &Path) -> Result<()> {
        boom()
    }

    fn scratch(&self, _: &Call, _: bool) -> Result<Arc<dyn Engine>> {
        boom()
    }
}

#[derive(Debug)]
struct FragileSession(Weak);

impl Drop for FragileSession {
    fn drop(&mut self) {
        if self.0 == Weak::DropSession {
            boom::<()>();
        }
    }
}

impl SchemaSession for FragileSession {
    fn is_one_transaction(&self) -> bool {
        if self.0 == Weak::IsOneTransaction { boom() } else { false }
    }

    fn prepare(&mut self, _: &Call) -> Result<bool> {
        boom()
    }

    fn ledger(&mut self, _: &Call) -> Result<Ledger> {
        boom()
    }

    fn snapshot(&mut self, _: &Call) -> Result<Snapshot> {
        boom()
    }

    fn begin(&mut self, _: &Call, _: Begin) -> Result<()> {
        boom()
    }

    fn commit(&mut self, _: &Call) -> Result<()> {
        boom()
    }

    fn rollback(&mut self) -> Result<()> {
        boom()
    }

    fn execute(&mut self, _: &Call, _: &str) -> Result<u64, StatementError> {
        boom()
    }

    fn batch(&mut self, _: &Call, _: &BatchRequest<'_>) -> Result<BatchDone, StatementError> {
        boom()
    }

    fn record(&mut self, _: &Call, _: &Entry) -> Result<()> {
        boom()
    }

    fn forget(&mut self, _: &Call, _: &Version) -> Result<()> {
        boom()
    }

    fn log(&mut self, _: &Call, _: &LogEntry) -> Result<()> {
        boom()
    }

    fn dismantle(&mut self, _: &Call) -> Result<()> {
        boom()
    }

    fn invalid_indexes(&mut self, _: &Call) -> Result<Vec<String>> {
        boom()
    }

    fn drop_invalid_index(&mut self, _: &Call, _: &str) -> Result<(), StatementError> {
        boom()
    }

    fn has_index(&mut self, _: &Call, _: &str) -> Result<bool> {
        boom()
    }

    fn row_counts(&mut self, _: &Call) -> Result<BTreeMap<String, u64>> {
        boom()
    }

    fn orphans(&mut self, _: &Call) -> Result<Vec<Orphans>> {
        boom()
    }
}

/// Panics when shown, and when dropped.
#[derive(Debug)]
struct Shown;

impl Drop for Shown {
    fn drop(&mut self) {
        boom::<()>();
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        boom()
    }
}

impl std::error::Error for Shown {}

/// Panics when dropped.
#[derive(Debug)]
struct Dropped;

impl Drop for Dropped {
    fn drop(&mut self) {
        boom::<()>();
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dropped")
    }
}

impl std::error::Error for Dropped {}
