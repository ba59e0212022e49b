//! An engine that panics in all that is asked of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use polymnia::schema::{
    BackupInfo, BatchDone, BatchRequest, Begin, Entry, ForeignLedger, Health, Ledger, LockHolder, LogEntry, Observer,
    Orphans, Probe, ScriptPart, SessionOptions, Snapshot, Source, StatementError, Version,
};
use polymnia::spi::{AdminEngine, Engine, Rows, SchemaEngine, SchemaSession};
use polymnia::{
    ApplyReport, Call, Capability, ChangeRecord, DatabaseInfo, Explanation, IndexDeclaration, IndexName, IndexStatus,
    MemoryId, Mutation, Namespace, NamespaceStats, NamespaceSummary, OptimizeReport, Query, Result, Selection, Upkeep,
    VerifyReport,
};
use polymnia_conformance::Oracle;

/// Says what panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weak {
    /// Every operation on the database.
    Operations,
    /// Every operation in a session of migrating.
    Sessions,
}

/// Is the engine. It opens, and tells what it can do and brings.
#[derive(Debug)]
pub(crate) struct Fragile {
    weak: Weak,
    oracle: Oracle,
}

impl Fragile {
    /// Returns an engine that panics there.
    pub(crate) fn new(weak: Weak) -> Self {
        Self { weak, oracle: Oracle::default() }
    }
}

/// Panics, whatever is asked. The text is literal, so it may be told.
macro_rules! panics {
    ($($name:ident($this:ty $(, $argument:ty)*) -> $reply:ty;)*) => {
        $(fn $name(self: $this $(, _: $argument)*) -> $reply {
            panic!("fragile")
        })*
    };
}

impl Engine for Fragile {
    fn capability(&self) -> Capability {
        self.oracle.capability()
    }

    panics! {
        get(&Self, &Call, &Namespace, &[MemoryId]) -> Result<Vec<Option<polymnia::Memory>>>;
        query(&Self, &Call, &Namespace, &Query) -> Result<Rows>;
        count(&Self, &Call, &Namespace, &Selection) -> Result<u64>;
        apply(&Self, &Call, &Namespace, &[Mutation]) -> Result<ApplyReport>;
        load(&Self, &Call, &Namespace, &[Mutation]) -> Result<ApplyReport>;
        explain(&Self, &Call, &Namespace, &Query) -> Result<Explanation>;
        delete_matching(&Self, &Call, &Namespace, &Selection) -> Result<u64>;
        stats(&Self, &Call, &Namespace) -> Result<NamespaceStats>;
    }

    fn admin(&self) -> &dyn AdminEngine {
        self
    }

    fn schema(&self) -> &dyn SchemaEngine {
        self
    }
}

impl AdminEngine for Fragile {
    panics! {
        ping(&Self, &Call) -> Result<()>;
        info(&Self, &Call) -> Result<DatabaseInfo>;
        namespaces(&Self, &Call, Option<&Namespace>, u32) -> Result<Vec<NamespaceSummary>>;
        rename_namespace(&Self, &Call, &Namespace, &Namespace) -> Result<u64>;
        delete_namespace(&Self, &Call, &Namespace) -> Result<u64>;
        sweep(&Self, &Call, u32) -> Result<u64>;
        analyze(&Self, &Call) -> Result<()>;
        optimize(&Self, &Call, Upkeep) -> Result<OptimizeReport>;
        verify(&Self, &Call) -> Result<VerifyReport>;
        indexes(&Self, &Call) -> Result<Vec<IndexStatus>>;
        create_index(&Self, &Call, &IndexDeclaration) -> Result<()>;
        drop_index(&Self, &Call, &IndexName) -> Result<bool>;
        set_change_capture(&Self, &Call, bool) -> Result<()>;
        changes(&Self, &Call, i64, u32) -> Result<Vec<ChangeRecord>>;
    }
}

impl SchemaEngine for Fragile {
    fn source(&self) -> Source {
        self.oracle.source()
    }

    fn session(&self, _: &Call, _: &SessionOptions, _: &mut dyn Observer) -> Result<Box<dyn SchemaSession>> {
        assert!(self.weak == Weak::Sessions, "fragile");
        Ok(Box::new(FragileSession))
    }

    panics! {
        ledger(&Self, &Call) -> Result<Ledger>;
        log(&Self, &Call, u32) -> Result<Vec<LogEntry>>;
        snapshot(&Self, &Call) -> Result<Snapshot>;
        foreign_ledgers(&Self, &Call) -> Result<Vec<ForeignLedger>>;
        lock_holder(&Self, &Call) -> Result<Option<LockHolder>>;
        end_lock_holder(&Self, &Call, &LockHolder) -> Result<bool>;
        script(&Self, &[ScriptPart<'_>]) -> Result<String>;
        probe(&Self, &Call) -> Result<Vec<Probe>>;
        health(&Self, &Call) -> Result<Health>;
        backup(&Self, &Call, &SessionOptions, &Path) -> Result<BackupInfo>;
        verify_backup(&Self, &Call, &Path) -> Result<BackupInfo>;
        restore(&Self, &Call, &SessionOptions, &Path) -> Result<()>;
        scratch(&Self, &Call, bool) -> Result<Arc<dyn Engine>>;
    }
}

#[derive(Debug)]
struct FragileSession;

impl SchemaSession for FragileSession {
    fn is_one_transaction(&self) -> bool {
        false
    }

    panics! {
        prepare(&mut Self, &Call) -> Result<bool>;
        ledger(&mut Self, &Call) -> Result<Ledger>;
        snapshot(&mut Self, &Call) -> Result<Snapshot>;
        begin(&mut Self, &Call, Begin) -> Result<()>;
        commit(&mut Self, &Call) -> Result<()>;
        rollback(&mut Self) -> Result<()>;
        execute(&mut Self, &Call, &str) -> Result<u64, StatementError>;
        batch(&mut Self, &Call, &BatchRequest<'_>) -> Result<BatchDone, StatementError>;
        record(&mut Self, &Call, &Entry) -> Result<()>;
        forget(&mut Self, &Call, &Version) -> Result<()>;
        log(&mut Self, &Call, &LogEntry) -> Result<()>;
        dismantle(&mut Self, &Call) -> Result<()>;
        invalid_indexes(&mut Self, &Call) -> Result<Vec<String>>;
        drop_invalid_index(&mut Self, &Call, &str) -> Result<(), StatementError>;
        has_index(&mut Self, &Call, &str) -> Result<bool>;
        row_counts(&mut Self, &Call) -> Result<BTreeMap<String, u64>>;
        orphans(&mut Self, &Call) -> Result<Vec<Orphans>>;
    }
}
