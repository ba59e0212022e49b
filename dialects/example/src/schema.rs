//! The schema: one version, which makes nothing, for maps need no tables. What is recorded of it is all there is.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use polymnia::schema::{
    BackupInfo, Compatibility, Delta, Event, ForeignLedger, Health, Ledger, LockHolder, LogEntry, Metadata, Observer,
    Probe, SchemaFault, Script, ScriptPart, SessionOptions, Snapshot, Source, Version,
};
use polymnia::spi::{Engine, SchemaEngine, SchemaSession, refusal};
use polymnia::{Call, Error, ErrorKind, Result};

use crate::NAME;
use crate::database::{Database, State};
use crate::engine::MemoryEngine;
use crate::session::Session;

/// The one version there is.
pub(crate) const VERSION: &str = "20260101000000";

impl SchemaEngine for MemoryEngine {
    fn source(&self) -> Source {
        source()
    }

    fn ledger(&self, call: &Call) -> Result<Ledger> {
        call.check()?;
        Ok(self.database.read().records.ledger.clone())
    }

    fn log(&self, call: &Call, limit: u32) -> Result<Vec<LogEntry>> {
        call.check()?;
        Ok(self.database.read().records.log.iter().rev().take(limit as usize).cloned().collect())
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
        observer: &mut dyn Observer,
    ) -> Result<Box<dyn SchemaSession>> {
        let started = Instant::now();
        let mut told = None;
        loop {
            call.check()?;
            if let Some(session) = Session::open(self) {
                return Ok(Box::new(session));
            }
            let waited = started.elapsed();
            if waited >= options.lock_wait {
                return Err(SchemaFault::Locked.error(format!("{} migrates", holder().description)));
            }
            // At once, then each second.
            if told.is_none_or(|told| waited >= told + Duration::from_secs(1)) {
                let millis = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
                observer.event(&Event::Waiting { holder: Some(&holder()), millis });
                told = Some(waited);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn lock_holder(&self, call: &Call) -> Result<Option<LockHolder>> {
        call.check()?;
        Ok(self.database.read().migrating.then(holder))
    }

    fn end_lock_holder(&self, call: &Call, holder: &LockHolder) -> Result<bool> {
        call.check()?;
        Err(Error::new(ErrorKind::Unsupported, format!("end process {} to free the lock", holder.process)))
    }

    fn script(&self, _parts: &[ScriptPart<'_>]) -> Result<String> {
        Err(refusal::unsupported(NAME, "scripts"))
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
        Err(refusal::unsupported(NAME, "backups"))
    }

    fn verify_backup(&self, _call: &Call, _from: &Path) -> Result<BackupInfo> {
        Err(refusal::unsupported(NAME, "backups"))
    }

    fn restore(&self, _call: &Call, _options: &SessionOptions, _from: &Path) -> Result<()> {
        Err(refusal::unsupported(NAME, "backups"))
    }

    fn scratch(&self, call: &Call, copy: bool) -> Result<Arc<dyn Engine>> {
        call.check()?;
        let state = if copy { State { migrating: false, ..self.database.read().clone() } } else { State::default() };
        Ok(Arc::new(self.on(Database::with(state))))
    }
}

/// Returns the migrations there are.
pub(crate) fn source() -> Source {
    let nothing = "-- polymnia:noop maps need no tables\n";
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
        delta: Some(Delta::default()),
        folder: format!("migrations/{NAME}/{VERSION}_memories"),
    };
    Source { prefix: String::new(), dialect: NAME.to_owned(), scripts: vec![script] }
}

/// Returns who holds the lock: nobody else can.
fn holder() -> LockHolder {
    LockHolder {
        process: i64::from(std::process::id()),
        description: "another thread of this process".to_owned(),
        since: None,
    }
}
