//! What core asks of a session.

use std::collections::BTreeMap;

use diesel::connection::{AnsiTransactionManager, TransactionManager as _};
use polymnia::schema::{
    BatchDone, BatchRequest, Begin, Entry, Ledger, LogEntry, Orphans, Snapshot, State, StatementError, Version,
};
use polymnia::spi::SchemaSession;
use polymnia::{Call, Result};

use super::{PgSchemaSession, Transaction, begin};
use crate::config::Sessions;
use crate::error::Fault;
use crate::schema::{batch, indexes, ledger, rows, snapshot};
use crate::session::Scope;

impl SchemaSession for PgSchemaSession {
    fn is_one_transaction(&self) -> bool {
        self.sessions() == Sessions::Shared
    }

    fn prepare(&mut self, call: &Call) -> Result<bool> {
        self.write(call, ledger::prepare)
    }

    fn ledger(&mut self, call: &Call) -> Result<Ledger> {
        self.read(call, ledger::read)
    }

    fn snapshot(&mut self, call: &Call) -> Result<Snapshot> {
        let open = self.transaction != Transaction::Closed || self.sessions() == Sessions::Shared;
        self.read(
            call,
            |session| {
                if open { snapshot::read(session) } else { session.within(Scope::Snapshot, snapshot::read) }
            },
        )
    }

    fn begin(&mut self, call: &Call, how: Begin) -> Result<()> {
        // Tables are made anew here without switching anything off.
        let (Begin::Plain | Begin::Rebuild) = how;
        self.ready(call)?;
        if self.transaction == Transaction::Closed {
            // Within the transaction, it would go away with a rollback.
            self.set_lock_timeout(call, "")?;
            self.guarded(call, begin)?;
        }
        self.transaction = Transaction::Begun;
        Ok(())
    }

    fn commit(&mut self, call: &Call) -> Result<()> {
        if self.transaction == Transaction::Closed {
            return Ok(());
        }
        if self.sessions() == Sessions::Shared {
            self.left = Some(self.guarded(call, ledger::diesel)?.unwrap_or_default());
        }
        self.transaction = Transaction::Closed;
        self.hide_backend();
        self.guarded(call, |session| {
            AnsiTransactionManager::commit_transaction(&mut session.connection)
                .map_err(|error| Fault::from(error).committing())
        })
    }

    fn rollback(&mut self) -> Result<()> {
        self.end_transaction()
    }

    fn execute(&mut self, call: &Call, statement: &str) -> Result<u64, StatementError> {
        self.run(call, statement)
    }

    fn batch(&mut self, call: &Call, request: &BatchRequest<'_>) -> Result<BatchDone, StatementError> {
        self.ready(call)?;
        self.set_lock_timeout(call, "")?;
        let page = self.guarded(call, |session| batch::page(session, request))?;
        let total = if self.told.as_deref() == Some(request.statement) {
            None
        } else {
            let total = self.guarded(call, |session| batch::total(session, &page))?;
            self.told = Some(request.statement.to_owned());
            Some(total)
        };
        let Some(key) = page.last.clone() else {
            return Ok(BatchDone { key: None, looked_at: 0, changed: 0, total });
        };
        let cut = batch::cut(request, &page);
        let (done, ending) = self.watched(call, |session| cut.run(session, request.after, &key));
        let changed = done.map_err(|error| {
            let mut failed = self.explain(call, &cut.text, &error, ending);
            failed.offset = failed.offset.and_then(|offset| cut.original_offset(offset));
            failed
        })?;
        Ok(BatchDone { key: Some(key), looked_at: page.rows, changed, total })
    }

    fn record(&mut self, call: &Call, entry: &Entry) -> Result<()> {
        match entry.state {
            // First: the script may have made the session act as somebody who may not write the ledgers.
            State::Applied | State::Failed => self.end_step(call)?,
            State::Running | State::Reverting => {}
        }
        self.write(call, |session| ledger::record(session, entry))
    }

    fn forget(&mut self, call: &Call, version: &Version) -> Result<()> {
        self.end_step(call)?;
        self.write(call, |session| ledger::forget(session, version))
    }

    fn log(&mut self, call: &Call, line: &LogEntry) -> Result<()> {
        self.write(call, |session| ledger::add_line(session, line))
    }

    fn dismantle(&mut self, call: &Call) -> Result<()> {
        self.write(call, ledger::dismantle)
    }

    fn invalid_indexes(&mut self, call: &Call) -> Result<Vec<String>> {
        self.read(call, indexes::invalid)
    }

    fn drop_invalid_index(&mut self, call: &Call, name: &str) -> Result<(), StatementError> {
        let concurrently = self.transaction == Transaction::Closed && self.sessions() == Sessions::Own;
        match self.read(call, |session| indexes::drop_invalid(session, name, concurrently))? {
            Some(statement) => self.run(call, &statement).map(|_| ()),
            None => Ok(()),
        }
    }

    fn has_index(&mut self, call: &Call, name: &str) -> Result<bool> {
        self.read(call, |session| indexes::is_there(session, name))
    }

    fn row_counts(&mut self, call: &Call) -> Result<BTreeMap<String, u64>> {
        self.read(call, |session| rows::counts(session, call))
    }

    fn orphans(&mut self, call: &Call) -> Result<Vec<Orphans>> {
        self.read(call, |session| rows::orphans(session, call))
    }
}
