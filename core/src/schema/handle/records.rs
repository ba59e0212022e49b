//! What changes the records of migrations, and runs none.

use super::{Schema, refuse_lost};
use crate::schema::history::History;
use crate::schema::{LockHolder, RepairReport, Resolution, Target, Version, baseline, resolve, stamp, status};
use crate::spi::SchemaSession;
use crate::{Call, Result};

impl Schema {
    /// Records the versions up to a target as applied, without running them, and those above it as not applied. Returns the
    /// versions whose record changed.
    ///
    /// # Errors
    ///
    /// The faults [`UnknownTarget`](crate::schema::SchemaFault::UnknownTarget) and
    /// [`Unfinished`](crate::schema::SchemaFault::Unfinished), and what is so wrong with the history that no order can be told.
    pub fn stamp(&self, target: &Target) -> Result<Vec<Version>> {
        self.look("stamp", |history| {
            history.check_order()?;
            history.check_finished()?;
            history.up_to(target).map(drop)
        })?;
        let stamp = |session: &mut dyn SchemaSession, call: &Call, ledger: &_| {
            stamp::stamp(session, call, ledger, &self.sources, &self.options, target)
        };
        Ok(self.locked("stamp", stamp)?.0)
    }

    /// Takes over a database that has our tables and no ledger: compares its schema with ours at a version, the newest unless
    /// given, and records it and those before. The ledgers of other tools stay as they are.
    ///
    /// # Errors
    ///
    /// The fault [`Drift`](crate::schema::SchemaFault::Drift), with the differences as context `diff`;
    /// [`NotAdopted`](crate::schema::SchemaFault::NotAdopted) if there is no table of ours;
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if there is a ledger that says what is applied.
    pub fn baseline(&self, at: Option<&str>) -> Result<Vec<Version>> {
        let (baseline, foreign) = self.read("baseline", |engine, call| {
            let ledger = engine.ledger(call)?;
            let history = History::new(&self.sources, &ledger);
            baseline::check_unrecorded(&history)?;
            let live = engine.snapshot(call)?;
            let baseline =
                baseline::compare_at(&history, at, &live, |versions| self.schema_of(engine, call, &history, versions))?;
            Ok((baseline, status::foreign_ledgers(engine, call, &history)?))
        })?;
        log::info!("the schema is that of version {}", baseline.version);
        let record = |session: &mut dyn SchemaSession, call: &Call, ledger: &_| {
            let found = (&baseline, foreign.as_slice());
            baseline::record(session, call, ledger, &self.sources, &self.options, found)
        };
        Ok(self.locked("baseline", record)?.0)
    }

    /// Declares a migration that stopped half-way to be resolved by hand.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if it did not stop half-way, and the faults
    /// [`UnknownTarget`](crate::schema::SchemaFault::UnknownTarget) and, for one to count as applied although an index of it is
    /// half-made, [`PartlyApplied`](crate::schema::SchemaFault::PartlyApplied).
    pub fn resolve(&self, version: &str, resolution: Resolution) -> Result<()> {
        self.look("resolve", |history| {
            refuse_lost(history)?;
            resolve::unfinished(history, version).map(drop)
        })?;
        let resolve = |session: &mut dyn SchemaSession, call: &Call, ledger: &_| {
            resolve::resolve(session, call, ledger, &self.sources, &self.options, (version, resolution))
        };
        self.locked("resolve", resolve).map(drop)
    }

    /// Brings the ledgers into line with what is so: accepts changed scripts, takes over what other tools did, removes entries of
    /// failures that left nothing, and indexes of its migrations that are half-made. What they leave undone shows in
    /// [`validate`](Self::validate).
    ///
    /// # Errors
    ///
    /// The fault [`NotAdopted`](crate::schema::SchemaFault::NotAdopted) if diesel's ledger is gone while ours names
    /// applied versions.
    pub fn repair(&self) -> Result<RepairReport> {
        let blank = self.read("repair", |engine, call| {
            let ledger = engine.ledger(call)?;
            refuse_lost(&History::new(&self.sources, &ledger))?;
            Ok(ledger.diesel.is_none() && ledger.entries.is_none())
        })?;
        if blank {
            return Ok(RepairReport::default());
        }
        let dropped_indexes = self.with_run("repair", &self.options, |run| {
            let mut session = run.engine.session(run.call, &run.options.session, run.observer)?;
            resolve::drop_invalid_indexes(&mut *session, run.call, run.sources)
        })?;
        let repair = |session: &mut dyn SchemaSession, call: &Call, ledger: &_| {
            resolve::repair(session, call, ledger, &self.sources, &self.options)
        };
        let (report, opened) = self.locked("repair", repair)?;
        let report = RepairReport { adopted: opened.adopted, dropped_indexes, ..report };
        log::info!("repaired the ledgers: {}", resolve::summary(&report));
        Ok(report)
    }

    /// Ends the session of who is migrating now, where the database can do that, and returns who it was.
    ///
    /// # Errors
    ///
    /// As [`SchemaEngine::end_lock_holder`](crate::spi::SchemaEngine::end_lock_holder).
    pub fn unlock(&self) -> Result<Option<LockHolder>> {
        self.read("unlock", |engine, call| {
            let Some(holder) = engine.lock_holder(call)? else { return Ok(None) };
            let ended = engine.end_lock_holder(call, &holder)?;
            if ended {
                log::warn!("ended the session of process {}, which was migrating", holder.process);
            }
            Ok(ended.then_some(holder))
        })
    }
}
