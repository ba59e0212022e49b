//! A schema of one version, which makes nothing: what is recorded of it is all there is.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use polymnia::schema::{
    BackupInfo, BatchDone, BatchRequest, Begin, Compatibility, Entry, ForeignLedger, Health, Ledger, LockHolder,
    LogEntry, Metadata, Observer, Orphans, Probe, SchemaFault, Script, ScriptPart, SessionOptions, Snapshot, Source,
    State, StatementError, Version,
};
use polymnia::spi::{Engine, SchemaEngine, SchemaSession};
use polymnia::{Call, Error, ErrorKind, Result};

use super::Oracle;

/// The one version there is.
pub(super) const VERSION: &str = "20260101000000";

/// Is what is recorded of migrations.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    pub(super) ledger: Ledger,
    log: Vec<LogEntry>,
}

impl SchemaEngine for Oracle {
    fn source(&self) -> Source {
        let nothing = "-- polymnia:noop maps need no schema\n";
        let script = Script {
            version: Version::new(VERSION).expect("it is 14 digits"),
            name: "memories".to_owned(),
            up: nothing.to_owned(),
            down: nothing.to_owned(),
            metadata: Metadata {
                run_in_transaction: true,
                parents: Vec::new(),
                compatibility: Compatibility::Full,
                rebuild: false,
                apart: BTreeMap::new(),
            },
            delta: None,
            folder: format!("migrations/oracle/{VERSION}_memories"),
        };
        Source { prefix: String::new(), dialect: "oracle".to_owned(), scripts: vec![script] }
    }

    fn ledger(&self, call: &Call) -> Result<Ledger> {
        call.check()?;
        Ok(self.lock().schema.ledger.clone())
    }

    fn log(&self, call: &Call, limit: u32) -> Result<Vec<LogEntry>> {
        call.check()?;
        Ok(self.lock().schema.log.iter().rev().take(limit as usize).cloned().collect())
    }

    fn snapshot(&self, call: &Call) -> Result<Snapshot> {
        call.check()?;
        Ok(Snapshot::default())
    }

    fn foreign_ledgers(&self, call: &Call) -> Result<Vec<ForeignLedger>> {
        call.check()?;
        Ok(Vec::new())
    }

    fn session(
        &self,
        call: &Call,
        options: &SessionOptions,
        _observer: &mut dyn Observer,
    ) -> Result<Box<dyn SchemaSession>> {
        let started = Instant::now();
        loop {
            call.check()?;
            let mut state = self.lock();
            if !std::mem::replace(&mut state.migrating, true) {
                return Ok(Box::new(Session { oracle: self.clone(), before: None }));
            }
            drop(state);
            if started.elapsed() >= options.lock_wait {
                return Err(SchemaFault::Locked.error("another thread migrates"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn lock_holder(&self, call: &Call) -> Result<Option<LockHolder>> {
        call.check()?;
        let holder = || LockHolder {
            process: i64::from(std::process::id()),
            description: "a thread of this process".to_owned(),
            since: None,
        };
        Ok(self.lock().migrating.then(holder))
    }

    fn end_lock_holder(&self, _call: &Call, holder: &LockHolder) -> Result<bool> {
        Err(Error::new(ErrorKind::Unsupported, format!("end process {} to free the lock", holder.process)))
    }

    fn script(&self, _parts: &[ScriptPart<'_>]) -> Result<String> {
        Err(unsupported("no shell"))
    }

    fn probe(&self, call: &Call) -> Result<Vec<Probe>> {
        call.check()?;
        Ok(Vec::new())
    }

    fn health(&self, call: &Call) -> Result<Health> {
        call.check()?;
        Ok(Health::default())
    }

    fn backup(&self, _call: &Call, _options: &SessionOptions, _to: &Path) -> Result<BackupInfo> {
        Err(unsupported("no backups"))
    }

    fn verify_backup(&self, _call: &Call, _from: &Path) -> Result<BackupInfo> {
        Err(unsupported("no backups"))
    }

    fn restore(&self, _call: &Call, _options: &SessionOptions, _from: &Path) -> Result<()> {
        Err(unsupported("no backups"))
    }

    fn scratch(&self, call: &Call, copy: bool) -> Result<Arc<dyn Engine>> {
        call.check()?;
        let scratch = Self { lacks: self.lacks.clone(), ..Self::default() };
        if copy {
            *scratch.lock() = super::State { migrating: false, ..self.lock().clone() };
        }
        Ok(Arc::new(scratch))
    }
}

/// Holds the lock of migrating until it is dropped.
#[derive(Debug)]
struct Session {
    oracle: Oracle,
    /// What was recorded when the transaction began.
    before: Option<Records>,
}

impl SchemaSession for Session {
    fn is_one_transaction(&self) -> bool {
        false
    }

    fn prepare(&mut self, call: &Call) -> Result<bool> {
        call.check()?;
        let ledger = &mut self.oracle.lock().schema.ledger;
        let nothing = ledger.diesel.is_none();
        ledger.diesel.get_or_insert_default();
        ledger.entries.get_or_insert_default();
        Ok(nothing)
    }

    fn ledger(&mut self, call: &Call) -> Result<Ledger> {
        SchemaEngine::ledger(&self.oracle, call)
    }

    fn snapshot(&mut self, call: &Call) -> Result<Snapshot> {
        SchemaEngine::snapshot(&self.oracle, call)
    }

    fn begin(&mut self, call: &Call, _how: Begin) -> Result<()> {
        call.check()?;
        self.before = Some(self.oracle.lock().schema.clone());
        Ok(())
    }

    fn commit(&mut self, call: &Call) -> Result<()> {
        call.check()?;
        self.before = None;
        Ok(())
    }

    fn rollback(&mut self) -> Result<()> {
        if let Some(before) = self.before.take() {
            self.oracle.lock().schema = before;
        }
        Ok(())
    }

    fn execute(&mut self, _call: &Call, _statement: &str) -> Result<u64, StatementError> {
        Err(unsupported("no statements").into())
    }

    fn batch(&mut self, _call: &Call, _request: &BatchRequest<'_>) -> Result<BatchDone, StatementError> {
        Err(unsupported("no statements").into())
    }

    fn record(&mut self, call: &Call, entry: &Entry) -> Result<()> {
        self.forget(call, &entry.version)?;
        let ledger = &mut self.oracle.lock().schema.ledger;
        if matches!(entry.state, State::Applied | State::Reverting) {
            ledger.diesel.get_or_insert_default().insert(entry.version.to_string());
        }
        let entries = ledger.entries.get_or_insert_default();
        entries.push(entry.clone());
        entries.sort_by_key(|entry| entry.position);
        Ok(())
    }

    fn forget(&mut self, call: &Call, version: &Version) -> Result<()> {
        call.check()?;
        let ledger = &mut self.oracle.lock().schema.ledger;
        ledger.diesel.get_or_insert_default().remove(version.as_str());
        ledger.entries.get_or_insert_default().retain(|entry| entry.version != *version);
        Ok(())
    }

    fn log(&mut self, call: &Call, line: &LogEntry) -> Result<()> {
        call.check()?;
        self.oracle.lock().schema.log.push(line.clone());
        Ok(())
    }

    fn dismantle(&mut self, call: &Call) -> Result<()> {
        call.check()?;
        self.oracle.lock().schema = Records::default();
        Ok(())
    }

    fn invalid_indexes(&mut self, _call: &Call) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn drop_invalid_index(&mut self, _call: &Call, _name: &str) -> Result<(), StatementError> {
        Err(unsupported("no indexes").into())
    }

    fn has_index(&mut self, _call: &Call, _name: &str) -> Result<bool> {
        Ok(false)
    }

    fn row_counts(&mut self, call: &Call) -> Result<BTreeMap<String, u64>> {
        call.check()?;
        Ok(BTreeMap::from([("memories".to_owned(), self.oracle.lock().memories.len() as u64)]))
    }

    fn orphans(&mut self, _call: &Call) -> Result<Vec<Orphans>> {
        Ok(Vec::new())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut state = self.oracle.lock();
        if let Some(before) = self.before.take() {
            state.schema = before;
        }
        state.migrating = false;
    }
}

fn unsupported(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the oracle has {what}"))
}
