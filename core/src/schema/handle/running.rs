//! Upgrades, downgrades, and what else runs migrations.

use super::{Schema, refuse_lost};
use crate::schema::history::{Finding, History};
use crate::schema::{BackupMode, Compatibility, Ledger, RunOptions, RunReport, SchemaFault, Target, run, status};
use crate::spi::{SchemaEngine, SchemaSession};
use crate::{Call, Error, ErrorKind, Result};

impl Schema {
    /// Makes the schema and the ledgers, without a migration.
    ///
    /// # Errors
    ///
    /// As [`SchemaSession::prepare`](crate::spi::SchemaSession::prepare), and the fault
    /// [`NotAdopted`](crate::schema::SchemaFault::NotAdopted) if diesel's ledger is gone while ours names applied
    /// versions.
    pub fn initialize(&self) -> Result<RunReport> {
        let named = |error: Error| error.with_operation("initialize");
        let ledger = self.read("initialize", SchemaEngine::ledger)?;
        let history = History::new(&self.sources, &ledger);
        refuse_lost(&history).map_err(named)?;
        let (from, to) = (history.newest(), history.newest());
        if ledger.diesel.is_some() && ledger.entries.is_some() {
            return Ok(RunReport { from, to, ..RunReport::default() });
        }
        let ((), opened) = self.locked("initialize", |_, _, _| Ok(()))?;
        Ok(RunReport { created: opened.created, from, to, adopted: opened.adopted, ..RunReport::default() })
    }

    /// Applies migrations up to a target. Where there is nothing to do it takes no lock and works on a database that can't be
    /// written.
    ///
    /// # Errors
    ///
    /// Before anything is changed: what is wrong with the history
    /// ([`Duplicate`](crate::schema::SchemaFault::Duplicate), [`OutOfOrder`](crate::schema::SchemaFault::OutOfOrder),
    /// [`SeveralHeads`](crate::schema::SchemaFault::SeveralHeads),
    /// [`UnknownParent`](crate::schema::SchemaFault::UnknownParent), [`Newer`](crate::schema::SchemaFault::Newer),
    /// [`NotAdopted`](crate::schema::SchemaFault::NotAdopted)), with a script
    /// ([`ScriptChanged`](crate::schema::SchemaFault::ScriptChanged)), with the target
    /// ([`UnknownTarget`](crate::schema::SchemaFault::UnknownTarget)), or that it would destroy data
    /// ([`Destructive`](crate::schema::SchemaFault::Destructive), [`NoBackup`](crate::schema::SchemaFault::NoBackup)).
    /// [`Locked`](crate::schema::SchemaFault::Locked) if others keep what it needs;
    /// [`RolledBack`](crate::schema::SchemaFault::RolledBack) and
    /// [`PartlyApplied`](crate::schema::SchemaFault::PartlyApplied) for a statement that failed.
    pub fn upgrade(&self, target: &Target) -> Result<RunReport> {
        self.run_up("upgrade", target)
    }

    /// Applies what is pending, as an application does when it starts. Next to a newer build, where there is nothing to do, it is
    /// content with a schema that it may use; and with one that other tools brought up to date and it can't write to.
    pub(crate) fn migrate(&self) -> Result<RunReport> {
        let (done, content, report) = self.look("migrate", |history| {
            let newest = history.newest();
            let done = newest.is_some()
                && history.pending().is_empty()
                && history.unfinished().is_empty()
                && history.changed().is_empty();
            let only_newer = |finding: &Finding| finding.fault == SchemaFault::Newer;
            let may_use = history.access() == Compatibility::Full;
            let findings = history.findings();
            let content = done && may_use && !findings.is_empty() && findings.iter().all(only_newer);
            Ok((done, content, RunReport { from: newest.clone(), to: newest, ..RunReport::default() }))
        })?;
        if content {
            log::info!("the schema is newer than this build, which may use it");
            return Ok(report);
        }
        match self.run_up("migrate", &Target::Head) {
            Err(error) if done && matches!(error.kind(), ErrorKind::ReadOnly | ErrorKind::PermissionDenied) => {
                log::info!("nothing to migrate: {error}");
                Ok(report)
            }
            report => report,
        }
    }

    /// Takes migrations back down to a target.
    ///
    /// # Errors
    ///
    /// As [`upgrade`](Self::upgrade), and [`NoDown`](crate::schema::SchemaFault::NoDown).
    pub fn downgrade(&self, target: &Target) -> Result<RunReport> {
        self.refuse_not_adopted("downgrade")?;
        self.run("downgrade", &self.options, |history, options| history.plan_down(target, options))
    }

    /// Takes one migration back, which must be one that no applied one is built upon.
    ///
    /// # Errors
    ///
    /// As [`downgrade`](Self::downgrade), and [`NotNewest`](crate::schema::SchemaFault::NotNewest).
    pub fn revert(&self, version: &str) -> Result<RunReport> {
        self.run("revert", &self.options, |history, options| history.plan_revert(version, options))
    }

    /// Applies migrations up to a target on a copy that goes away, and tells how long each took.
    ///
    /// # Errors
    ///
    /// As [`upgrade`](Self::upgrade), and as [`SchemaEngine::scratch`](crate::spi::SchemaEngine::scratch).
    pub fn rehearse(&self, target: &Target) -> Result<RunReport> {
        self.refuse_not_adopted("rehearse")?;
        let plan = |ledger: &Ledger| History::new(&self.sources, ledger).plan_up(target, &self.options);
        self.with_run("rehearse", &self.options, |run| run::rehearse(run, &plan))
    }

    /// Removes everything of ours: tables, ledgers, schema. What an application's migrations made goes first. It destroys all
    /// memories and makes no backup: see [`backup`](Self::backup).
    ///
    /// # Errors
    ///
    /// As [`downgrade`](Self::downgrade).
    pub fn reset(&self) -> Result<RunReport> {
        self.refuse_not_adopted("reset")?;
        let options = RunOptions {
            backup: BackupMode::Never,
            allow_destructive: true,
            use_stored_down: true,
            ..self.options.clone()
        };
        let blank = self.read("reset", |engine, call| {
            let ledger = engine.ledger(call)?;
            Ok(ledger.diesel.is_none() && ledger.entries.is_none())
        })?;
        if blank {
            return Ok(RunReport::default());
        }
        let report = self.run("reset", &options, |history, options| history.plan_down(&Target::Base, options))?;
        let dismantle = |session: &mut dyn SchemaSession, call: &Call, ledger: &Ledger| {
            let history = History::new(&self.sources, ledger);
            match history.newest() {
                None => session.dismantle(call),
                Some(version) => {
                    let message = format!("another process applied version {version} meanwhile");
                    Err(Error::new(ErrorKind::Conflict, message).with_hint("run `polymnia reset` again"))
                }
            }
        };
        self.locked("reset", dismantle)?;
        log::warn!("removed the schema and everything in it");
        Ok(report)
    }

    fn run_up(&self, operation: &'static str, target: &Target) -> Result<RunReport> {
        self.refuse_not_adopted(operation)?;
        self.run(operation, &self.options, |history, options| history.plan_up(target, options))
    }

    /// Refuses a database that has tables of ours and no ledger.
    pub(super) fn refuse_not_adopted(&self, operation: &'static str) -> Result<()> {
        self.read(operation, |engine, call| {
            let ledger = engine.ledger(call)?;
            match status::not_adopted(engine, call, &self.sources, &ledger)? {
                Some(finding) => Err(finding.error()),
                None => Ok(()),
            }
        })
    }
}
