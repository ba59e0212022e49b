//! A plugin's session of migrating.

use std::collections::BTreeMap;

use polymnia::schema::{
    BatchDone, BatchRequest, Begin, Entry, Ledger, LogEntry, Orphans, Snapshot, StatementError, Version,
};
use polymnia::spi::SchemaSession;
use polymnia::{Call, Result, Timestamp};

use super::handle::Handle;
use crate::message::SessionOpened;
use crate::operation;

/// Is a session that a plugin has open. Dropped, it is closed, and the plugin rolls back and gives the lock back.
#[derive(Debug)]
pub(crate) struct PluginSession {
    handle: Handle,
    is_one_transaction: bool,
}

impl PluginSession {
    /// Takes over the session that an engine opened.
    pub(crate) fn new(engine: &Handle, opened: SessionOpened) -> Result<Self> {
        let SessionOpened { handle, is_one_transaction } = opened;
        Ok(Self { handle: engine.derived::<operation::OpenSession>(handle)?, is_one_transaction })
    }
}

impl SchemaSession for PluginSession {
    fn is_one_transaction(&self) -> bool {
        self.is_one_transaction
    }

    fn prepare(&mut self, call: &Call) -> Result<bool> {
        self.handle.call::<operation::SessionPrepare>(call, &())
    }

    fn ledger(&mut self, call: &Call) -> Result<Ledger> {
        self.handle.call::<operation::SessionLedger>(call, &())
    }

    fn snapshot(&mut self, call: &Call) -> Result<Snapshot> {
        self.handle.call::<operation::SessionSnapshot>(call, &())
    }

    fn begin(&mut self, call: &Call, how: Begin) -> Result<()> {
        self.handle.call::<operation::SessionBegin>(call, &(how,))
    }

    fn commit(&mut self, call: &Call) -> Result<()> {
        self.handle.call::<operation::SessionCommit>(call, &())
    }

    fn rollback(&mut self) -> Result<()> {
        self.handle.call::<operation::SessionRollback>(&Call::at(Timestamp::now()), &())
    }

    fn execute(&mut self, call: &Call, statement: &str) -> Result<u64, StatementError> {
        self.handle.call::<operation::SessionExecute>(call, &(statement,))?
    }

    fn batch(&mut self, call: &Call, request: &BatchRequest<'_>) -> Result<BatchDone, StatementError> {
        self.handle.call::<operation::SessionBatch>(call, &(request,))?
    }

    fn record(&mut self, call: &Call, entry: &Entry) -> Result<()> {
        self.handle.call::<operation::SessionRecord>(call, &(entry,))
    }

    fn forget(&mut self, call: &Call, version: &Version) -> Result<()> {
        self.handle.call::<operation::SessionForget>(call, &(version,))
    }

    fn log(&mut self, call: &Call, line: &LogEntry) -> Result<()> {
        self.handle.call::<operation::SessionLog>(call, &(line,))
    }

    fn dismantle(&mut self, call: &Call) -> Result<()> {
        self.handle.call::<operation::SessionDismantle>(call, &())
    }

    fn invalid_indexes(&mut self, call: &Call) -> Result<Vec<String>> {
        self.handle.call::<operation::SessionInvalidIndexes>(call, &())
    }

    fn drop_invalid_index(&mut self, call: &Call, name: &str) -> Result<(), StatementError> {
        self.handle.call::<operation::SessionDropInvalidIndex>(call, &(name,))?
    }

    fn has_index(&mut self, call: &Call, name: &str) -> Result<bool> {
        self.handle.call::<operation::SessionHasIndex>(call, &(name,))
    }

    fn row_counts(&mut self, call: &Call) -> Result<BTreeMap<String, u64>> {
        self.handle.call::<operation::SessionRowCounts>(call, &())
    }

    fn orphans(&mut self, call: &Call) -> Result<Vec<Orphans>> {
        self.handle.call::<operation::SessionOrphans>(call, &())
    }
}
