//! The right to migrate a database.

use std::collections::BTreeMap;
use std::sync::Arc;

use polymnia::schema::{
    BatchDone, BatchRequest, Begin, Entry, Ledger, LogEntry, Orphans, Snapshot, State, StatementError, Version,
};
use polymnia::spi::{SchemaSession, refusal};
use polymnia::{Call, Result};

use crate::NAME;
use crate::database::{Database, Records};
use crate::engine::MemoryEngine;

/// Holds the lock of migrating until it is dropped.
#[derive(Debug)]
pub(crate) struct Session {
    database: Arc<Database>,
    /// What was recorded when the transaction began, if there is one.
    before: Option<Records>,
}

impl Session {
    /// Takes the lock, unless another has it.
    pub(crate) fn open(engine: &MemoryEngine) -> Option<Self> {
        let was_taken = std::mem::replace(&mut engine.database.write().migrating, true);
        (!was_taken).then(|| Self { database: Arc::clone(&engine.database), before: None })
    }

    fn change<T>(&self, call: &Call, change: impl FnOnce(&mut Records) -> T) -> Result<T> {
        call.check()?;
        Ok(change(&mut self.database.write().records))
    }
}

impl SchemaSession for Session {
    fn is_one_transaction(&self) -> bool {
        false
    }

    fn prepare(&mut self, call: &Call) -> Result<bool> {
        self.change(call, |records| {
            let nothing = records.ledger.diesel.is_none();
            records.ledger.diesel.get_or_insert_default();
            records.ledger.entries.get_or_insert_default();
            nothing
        })
    }

    fn ledger(&mut self, call: &Call) -> Result<Ledger> {
        call.check()?;
        Ok(self.database.read().records.ledger.clone())
    }

    fn snapshot(&mut self, call: &Call) -> Result<Snapshot> {
        call.check()?;
        Ok(Snapshot::default())
    }

    fn begin(&mut self, call: &Call, _how: Begin) -> Result<()> {
        call.check()?;
        self.before = Some(self.database.read().records.clone());
        Ok(())
    }

    fn commit(&mut self, call: &Call) -> Result<()> {
        call.check()?;
        self.before = None;
        Ok(())
    }

    fn rollback(&mut self) -> Result<()> {
        if let Some(before) = self.before.take() {
            self.database.write().records = before;
        }
        Ok(())
    }

    fn execute(&mut self, _call: &Call, _statement: &str) -> Result<u64, StatementError> {
        Err(refusal::unsupported(NAME, "statements").into())
    }

    fn batch(&mut self, _call: &Call, _request: &BatchRequest<'_>) -> Result<BatchDone, StatementError> {
        Err(refusal::unsupported(NAME, "statements").into())
    }

    fn record(&mut self, call: &Call, entry: &Entry) -> Result<()> {
        self.forget(call, &entry.version)?;
        self.change(call, |Records { ledger, .. }| {
            if matches!(entry.state, State::Applied | State::Reverting) {
                ledger.diesel.get_or_insert_default().insert(entry.version.to_string());
            }
            let entries = ledger.entries.get_or_insert_default();
            entries.push(entry.clone());
            entries.sort_by_key(|entry| entry.position);
        })
    }

    fn forget(&mut self, call: &Call, version: &Version) -> Result<()> {
        self.change(call, |Records { ledger, .. }| {
            ledger.diesel.get_or_insert_default().remove(version.as_str());
            ledger.entries.get_or_insert_default().retain(|entry| entry.version != *version);
        })
    }

    fn log(&mut self, call: &Call, line: &LogEntry) -> Result<()> {
        self.change(call, |records| records.log.push(line.clone()))
    }

    fn dismantle(&mut self, call: &Call) -> Result<()> {
        call.check()?;
        let mut state = self.database.write();
        state.records = Records::default();
        state.namespaces.clear();
        Ok(())
    }

    fn invalid_indexes(&mut self, call: &Call) -> Result<Vec<String>> {
        call.check()?;
        Ok(Vec::new())
    }

    fn drop_invalid_index(&mut self, _call: &Call, _name: &str) -> Result<(), StatementError> {
        Err(refusal::unsupported(NAME, "indexes").into())
    }

    fn has_index(&mut self, call: &Call, _name: &str) -> Result<bool> {
        call.check()?;
        Ok(false)
    }

    fn row_counts(&mut self, call: &Call) -> Result<BTreeMap<String, u64>> {
        call.check()?;
        let memories = self.database.read().namespaces.values().map(|memories| memories.len() as u64).sum();
        Ok(BTreeMap::from([("memories".to_owned(), memories)]))
    }

    fn orphans(&mut self, call: &Call) -> Result<Vec<Orphans>> {
        call.check()?;
        Ok(Vec::new())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut state = self.database.write();
        if let Some(before) = self.before.take() {
            state.records = before;
        }
        state.migrating = false;
    }
}
