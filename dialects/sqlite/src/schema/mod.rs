//! The operations on the schema.

mod backup;
mod batch;
mod catalog;
mod foreign;
mod health;
mod ledger;
mod lock;
mod normal;
mod probe;
mod quote;
mod scratch;
mod script;
mod session;
mod snapshot;
mod sql;

use std::path::Path;
use std::sync::Arc;

use polymnia::schema::{
    BackupInfo, ForeignLedger, Health, Ledger, LockHolder, LogEntry, Observer, Probe, ScriptPart, SessionOptions,
    Snapshot, Source,
};
use polymnia::spi::{Engine, SchemaEngine, SchemaSession};
use polymnia::{Call, Error, ErrorKind, Result};

pub(crate) use self::ledger::{newest, read as read_ledger};
pub(crate) use self::lock::Seat;
use crate::engine::{Limit, SqliteEngine};

impl SchemaEngine for SqliteEngine {
    fn source(&self) -> Source {
        polymnia_migrations::sqlite_source()
    }

    fn ledger(&self, call: &Call) -> Result<Ledger> {
        self.with(call, Limit::Unlimited, |connection| connection.read(ledger::read))
    }

    fn log(&self, call: &Call, limit: u32) -> Result<Vec<LogEntry>> {
        self.with(call, Limit::Unlimited, |connection| connection.read(|connection| ledger::lines(connection, limit)))
    }

    fn snapshot(&self, call: &Call) -> Result<Snapshot> {
        self.with(call, Limit::Unlimited, |connection| connection.read(snapshot::read))
    }

    fn foreign_ledgers(&self, call: &Call) -> Result<Vec<ForeignLedger>> {
        self.with(call, Limit::Unlimited, |connection| connection.read(foreign::find))
    }

    fn session(
        &self,
        call: &Call,
        options: &SessionOptions,
        observer: &mut dyn Observer,
    ) -> Result<Box<dyn SchemaSession>> {
        session::open(self.pool(), call, *options, observer)
    }

    fn lock_holder(&self, _call: &Call) -> Result<Option<LockHolder>> {
        Ok(self.pool().connector().seat().holder())
    }

    fn end_lock_holder(&self, _call: &Call, holder: &LockHolder) -> Result<bool> {
        let LockHolder { process, description, since: _ } = holder;
        let message = format!("a session on SQLite ends with its process: {process} ({description})");
        Err(Error::new(ErrorKind::Unsupported, message).with_hint(format!("end that process, as by `kill {process}`")))
    }

    fn script(&self, parts: &[ScriptPart<'_>]) -> Result<String> {
        script::write(parts)
    }

    fn probe(&self, call: &Call) -> Result<Vec<Probe>> {
        self.with(call, Limit::Unlimited, |connection| probe::run(connection, call))
    }

    fn health(&self, call: &Call) -> Result<Health> {
        let connector = self.pool().connector();
        self.with(call, Limit::Unlimited, |connection| {
            connection.read(|connection| health::read(connection, connector, call))
        })
    }

    fn backup(&self, call: &Call, options: &SessionOptions, to: &Path) -> Result<BackupInfo> {
        backup::make(self, call, options, to)
    }

    fn verify_backup(&self, call: &Call, from: &Path) -> Result<BackupInfo> {
        backup::verify(self, call, from)
    }

    fn restore(&self, call: &Call, options: &SessionOptions, from: &Path) -> Result<()> {
        backup::restore(self, call, options, from)
    }

    fn scratch(&self, call: &Call, copy: bool) -> Result<Arc<dyn Engine>> {
        scratch::open(self, call, copy)
    }
}

#[cfg(test)]
pub(crate) mod tests;
