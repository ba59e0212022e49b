//! The fake as an engine.

use std::path::Path;
use std::sync::Arc;

use super::session::FakeSession;
use super::{Fake, World};
use crate::schema::{
    BackupInfo, ForeignLedger, Health, Ledger, LockHolder, LogEntry, Observer, Probe, SchemaFault, ScriptPart,
    SessionOptions, Snapshot, Source,
};
use crate::spi::{AdminEngine, Engine, Rows, SchemaEngine, SchemaSession};
use crate::{
    ApplyReport, Call, Capability, Error, ErrorKind, Explanation, Memory, MemoryId, Mutation, Namespace,
    NamespaceStats, Query, Result, Selection,
};

impl SchemaEngine for Fake {
    fn source(&self) -> Source {
        (*self.source).clone()
    }

    fn ledger(&self, _: &Call) -> Result<Ledger> {
        Ok(self.world().data.ledger())
    }

    fn log(&self, _: &Call, limit: u32) -> Result<Vec<LogEntry>> {
        Ok(self.world().data.log.iter().rev().take(limit as usize).cloned().collect())
    }

    fn snapshot(&self, _: &Call) -> Result<Snapshot> {
        Ok(self.world().data.snapshot())
    }

    fn foreign_ledgers(&self, _: &Call) -> Result<Vec<ForeignLedger>> {
        Ok(self.world().foreign.clone())
    }

    fn session(&self, _: &Call, _: &SessionOptions, _: &mut dyn Observer) -> Result<Box<dyn SchemaSession>> {
        let mut world = self.world();
        if world.locked {
            return Err(SchemaFault::Locked.error("another process migrates"));
        }
        world.locked = true;
        world.sessions += 1;
        drop(world);
        Ok(Box::new(FakeSession::new(self.clone())))
    }

    fn lock_holder(&self, _: &Call) -> Result<Option<LockHolder>> {
        let holder = LockHolder { process: 1, description: "test".to_owned(), since: None };
        Ok(self.world().locked.then_some(holder))
    }

    fn end_lock_holder(&self, _: &Call, _: &LockHolder) -> Result<bool> {
        Ok(std::mem::take(&mut self.world().locked))
    }

    fn script(&self, parts: &[ScriptPart<'_>]) -> Result<String> {
        let line = |part: &ScriptPart<'_>| match part {
            ScriptPart::Comment(text) => format!("-- {text}"),
            ScriptPart::Guard(versions) => {
                format!("GUARD {}", versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            }
            ScriptPart::Prepare => "PREPARE".to_owned(),
            ScriptPart::Begin(how) => format!("BEGIN {how:?}"),
            ScriptPart::Statement(text) => (*text).to_owned(),
            ScriptPart::Record(entry) => format!("RECORD {} {} {}", entry.version, entry.state.code(), entry.done),
            ScriptPart::Forget(version) => format!("FORGET {version}"),
            ScriptPart::Log(line) => format!("LOG {}", line.event),
            ScriptPart::Commit => "COMMIT".to_owned(),
        };
        Ok(parts.iter().map(line).collect::<Vec<_>>().join("\n"))
    }

    fn probe(&self, _: &Call) -> Result<Vec<Probe>> {
        Ok(Vec::new())
    }

    fn health(&self, _: &Call) -> Result<Health> {
        Ok(Health::default())
    }

    fn backup(&self, _: &Call, _: &SessionOptions, to: &Path) -> Result<BackupInfo> {
        let mut world = self.world();
        match world.no_backup {
            Some(ErrorKind::Migration) => return Err(SchemaFault::NoBackup.error("pg_dump was not found")),
            Some(kind) => return Err(Error::new(kind, "the backup failed")),
            None => {}
        }
        std::fs::write(to, b"backup").map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))?;
        let held = world.in_transaction;
        world.backups.push((to.to_owned(), held));
        drop(world);
        self.verify_backup(&Call::at(crate::Timestamp::now()), to)
    }

    fn verify_backup(&self, _: &Call, from: &Path) -> Result<BackupInfo> {
        let bytes = std::fs::read(from).map_err(|error| Error::new(ErrorKind::NotFound, error.to_string()))?;
        Ok(BackupInfo {
            dialect: self.source.dialect.clone(),
            version: None,
            fingerprint: None,
            memories: None,
            bytes: bytes.len() as u64,
            sha256: format!("{bytes:02x?}"),
        })
    }

    fn restore(&self, _: &Call, _: &SessionOptions, from: &Path) -> Result<()> {
        self.world().restored.push(from.to_owned());
        Ok(())
    }

    fn scratch(&self, _: &Call, copy: bool) -> Result<Arc<dyn Engine>> {
        let scratch = Self::new((*self.source).clone());
        if copy {
            *scratch.world() = World { data: self.world().data.clone(), ..World::default() };
        }
        Ok(Arc::new(scratch))
    }
}

impl Engine for Fake {
    fn capability(&self) -> Capability {
        unimplemented!("the fake has a schema and no memories")
    }

    fn get(&self, _: &Call, _: &Namespace, _: &[MemoryId]) -> Result<Vec<Option<Memory>>> {
        Err(not_here())
    }

    fn query(&self, _: &Call, _: &Namespace, _: &Query) -> Result<Rows> {
        Err(not_here())
    }

    fn count(&self, _: &Call, _: &Namespace, _: &Selection) -> Result<u64> {
        Err(not_here())
    }

    fn apply(&self, _: &Call, _: &Namespace, _: &[Mutation]) -> Result<ApplyReport> {
        Err(not_here())
    }

    fn load(&self, _: &Call, _: &Namespace, _: &[Mutation]) -> Result<ApplyReport> {
        Err(not_here())
    }

    fn explain(&self, _: &Call, _: &Namespace, _: &Query) -> Result<Explanation> {
        Err(not_here())
    }

    fn delete_matching(&self, _: &Call, _: &Namespace, _: &Selection) -> Result<u64> {
        Err(not_here())
    }

    fn stats(&self, _: &Call, _: &Namespace) -> Result<NamespaceStats> {
        Err(not_here())
    }

    fn admin(&self) -> &dyn AdminEngine {
        unimplemented!("the fake has a schema and no memories")
    }

    fn schema(&self) -> &dyn SchemaEngine {
        self
    }
}

fn not_here() -> Error {
    Error::new(ErrorKind::Unsupported, "the fake has no such thing")
}
