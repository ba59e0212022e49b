//! A plugin's operations on the schema.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;

use polymnia::schema::{
    BackupInfo, Event, ForeignLedger, Health, Ledger, LockHolder, LogEntry, Observer, Probe, ScriptPart,
    SessionOptions, Snapshot, Source,
};
use polymnia::spi::{Engine, SchemaEngine, SchemaSession};
use polymnia::{Call, Result, Timestamp};

use super::engine::PluginEngine;
use super::session::PluginSession;
use crate::message::{ScratchOpened, Waiting};
use crate::operation;

impl SchemaEngine for PluginEngine {
    fn source(&self) -> Source {
        self.source.clone()
    }

    fn ledger(&self, call: &Call) -> Result<Ledger> {
        self.handle.call::<operation::ReadLedger>(call, &())
    }

    fn log(&self, call: &Call, limit: u32) -> Result<Vec<LogEntry>> {
        let lines = self.handle.call::<operation::ReadLog>(call, &(limit,))?;
        self.check_list::<operation::ReadLog>(lines.len(), limit, true)?;
        Ok(lines)
    }

    fn snapshot(&self, call: &Call) -> Result<Snapshot> {
        self.handle.call::<operation::ReadSnapshot>(call, &())
    }

    fn foreign_ledgers(&self, call: &Call) -> Result<Vec<ForeignLedger>> {
        self.handle.call::<operation::ForeignLedgers>(call, &())
    }

    fn session(
        &self,
        call: &Call,
        options: &SessionOptions,
        observer: &mut dyn Observer,
    ) -> Result<Box<dyn SchemaSession>> {
        let mut panicked = None;
        let mut tell = |Waiting { holder, millis }| {
            if panicked.is_none() {
                let event = Event::Waiting { holder: holder.as_ref(), millis };
                panicked = catch_unwind(AssertUnwindSafe(|| observer.event(&event))).err();
            }
        };
        let opened = self.handle.call_and_listen::<operation::OpenSession>(call, &(options,), &mut tell);
        let session = opened.and_then(|opened| PluginSession::new(&self.handle, opened));
        if let Some(panic) = panicked {
            // The caller's own panic goes on where the plugin's code has ended, and gives the lock back on its way.
            drop(session);
            resume_unwind(panic);
        }
        Ok(Box::new(session?))
    }

    fn lock_holder(&self, call: &Call) -> Result<Option<LockHolder>> {
        self.handle.call::<operation::FindLockHolder>(call, &())
    }

    fn end_lock_holder(&self, call: &Call, holder: &LockHolder) -> Result<bool> {
        self.handle.call::<operation::EndLockHolder>(call, &(holder,))
    }

    fn script(&self, parts: &[ScriptPart<'_>]) -> Result<String> {
        self.handle.call::<operation::WriteScript>(&Call::at(Timestamp::now()), &(parts,))
    }

    fn probe(&self, call: &Call) -> Result<Vec<Probe>> {
        self.handle.call::<operation::Probes>(call, &())
    }

    fn health(&self, call: &Call) -> Result<Health> {
        self.handle.call::<operation::CheckHealth>(call, &())
    }

    fn backup(&self, call: &Call, options: &SessionOptions, to: &Path) -> Result<BackupInfo> {
        self.handle.call::<operation::Backup>(call, &(options, to))
    }

    fn verify_backup(&self, call: &Call, from: &Path) -> Result<BackupInfo> {
        self.handle.call::<operation::VerifyBackup>(call, &(from,))
    }

    fn restore(&self, call: &Call, options: &SessionOptions, from: &Path) -> Result<()> {
        self.handle.call::<operation::Restore>(call, &(options, from))
    }

    fn scratch(&self, call: &Call, copy: bool) -> Result<Arc<dyn Engine>> {
        let ScratchOpened { handle, opened } = self.handle.call::<operation::Scratch>(call, &(copy,))?;
        // Its files are nobody else's, but it may be a copy that needs the first: it keeps the claim all the same.
        Ok(Arc::new(Self::new(self.handle.derived::<operation::Scratch>(handle)?, opened)))
    }
}
