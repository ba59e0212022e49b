//! What concerns the schema, as core plans and runs it.

mod backup;
mod batch;
mod foreign;
mod health;
mod indexes;
mod ledger;
mod lock;
mod probe;
mod program;
mod restore;
mod rows;
mod scratch;
mod script;
mod session;
mod snapshot;
mod statement;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use diesel::sql_types::BigInt;
use polymnia::schema::{
    BackupInfo, Event, ForeignLedger, Health, Ledger, LockHolder, LogEntry, Observer, Probe, ScriptPart,
    SessionOptions, Snapshot, Source,
};
use polymnia::spi::{Engine, SchemaEngine, SchemaSession};
use polymnia::{Call, Result};

pub(crate) use self::ledger::newest;
pub(crate) use self::scratch::Scratch;
use self::session::PgSchemaSession;
use crate::engine::{Patience, PgEngine};
use crate::error::Fault;
use crate::session::{Scope, Session};
use crate::sql::Statement;

impl SchemaEngine for PgEngine {
    fn source(&self) -> Source {
        polymnia_migrations::postgres_source()
    }

    fn ledger(&self, call: &Call) -> Result<Ledger> {
        self.run_within(call, Patience::Statement, Scope::Snapshot, ledger::read)
    }

    fn log(&self, call: &Call, limit: u32) -> Result<Vec<LogEntry>> {
        self.run_within(call, Patience::Statement, Scope::Snapshot, |session| ledger::log(session, limit))
    }

    fn snapshot(&self, call: &Call) -> Result<Snapshot> {
        self.run_within(call, Patience::Statement, Scope::Snapshot, snapshot::read)
    }

    fn foreign_ledgers(&self, call: &Call) -> Result<Vec<ForeignLedger>> {
        self.run_within(call, Patience::Statement, Scope::Snapshot, foreign::find)
    }

    fn session(
        &self,
        call: &Call,
        options: &SessionOptions,
        observer: &mut dyn Observer,
    ) -> Result<Box<dyn SchemaSession>> {
        Ok(Box::new(PgSchemaSession::open(self.pool.connector(), call, options, observer)?))
    }

    fn lock_holder(&self, call: &Call) -> Result<Option<LockHolder>> {
        self.run_within(call, Patience::Statement, Scope::Read, lock::holder)
    }

    fn end_lock_holder(&self, call: &Call, holder: &LockHolder) -> Result<bool> {
        self.run_within(call, Patience::Statement, Scope::Read, |session| lock::end(session, holder.process))
    }

    fn script(&self, parts: &[ScriptPart<'_>]) -> Result<String> {
        script::write(parts)
    }

    fn probe(&self, call: &Call) -> Result<Vec<Probe>> {
        self.run(call, Patience::Statement, |session| probe::run(session, call))
    }

    fn health(&self, call: &Call) -> Result<Health> {
        self.run_within(call, Patience::Statement, Scope::Snapshot, health::read)
    }

    fn backup(&self, call: &Call, options: &SessionOptions, to: &Path) -> Result<BackupInfo> {
        backup::refuse_pooler(&self.config)?;
        backup::write(&self.config, self.server_major(call)?, call, options, to)
    }

    fn verify_backup(&self, call: &Call, from: &Path) -> Result<BackupInfo> {
        backup::verify(call, from)
    }

    fn restore(&self, call: &Call, options: &SessionOptions, from: &Path) -> Result<()> {
        backup::refuse_pooler(&self.config)?;
        backup::check_ours(&backup::verify(call, from)?, from)?;
        let server = self.server_major(call)?;
        let _lock = PgSchemaSession::open(self.pool.connector(), call, options, &mut |_: &Event<'_>| {})?;
        restore::patiently(call, options.lock_wait, |left| {
            let live = self.run_within(call, Patience::Statement, Scope::Snapshot, restore::live)?;
            restore::run(&self.config, server, call, options.lock_timeout.min(left), from, &live)
        })?;
        self.declarations.forget();
        Ok(())
    }

    fn scratch(&self, call: &Call, copy: bool) -> Result<Arc<dyn Engine>> {
        let server = self.server_major(call)?;
        let plan = self.run_within(call, Patience::Statement, Scope::Read, scratch::plan)?;
        Ok(Arc::new(scratch::open(&self.config, server, call, &plan, copy)?))
    }
}

impl PgEngine {
    /// Returns the server's major version.
    fn server_major(&self, call: &Call) -> Result<u32> {
        self.run_within(call, Patience::Statement, Scope::Read, |session| {
            let mut statement =
                Statement::<BigInt>::new("SELECT current_setting('server_version_num')::bigint / 10000");
            statement.plan_each_time();
            let major: i64 = session.load_one(statement)?;
            Ok(u32::try_from(major).unwrap_or_default())
        })
    }
}

/// Returns the versions that are applied.
pub(crate) fn applied(session: &mut Session) -> Result<BTreeSet<String>, Fault> {
    Ok(ledger::diesel(session)?.unwrap_or_default())
}
