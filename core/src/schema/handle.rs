//! What applications and the command line call.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::schema::history::{Finding, History};
use crate::schema::run::{self, Run};
use crate::schema::{
    Backup, BackupInfo, BackupMode, Compatibility, Event, Health, HistoryEntry, Ledger, LockHolder, LogEntry, Observer,
    Plan, RepairReport, Resolution, RunOptions, RunReport, SchemaFault, SchemaInfo, Script, Snapshot, Source, Status,
    Target, Validation, Version,
};
use crate::schema::{backups, baseline, expected, info, resolve, stamp, status, validate};
use crate::spi::{SchemaEngine, SchemaSession};
use crate::{Call, Error, ErrorKind, MemoryStore, Result};

/// Does what concerns the schema of a database: its history, upgrades and downgrades, validation, backups.
///
/// It knows the migrations of the dialect, and those an application adds by [`with_source`](Self::with_source) or by
/// [`MemoryStore::with_migrations`]. What reads works on a database that can't be written, and while another process migrates.
/// What changes something does it under the lock of migrating, has no deadline, and ends early only by
/// [`MemoryStore::with_cancel`].
///
/// Errors carry the code of their [`SchemaFault`](SchemaFault) and, where it applies, the context `version`,
/// `place` (file, line, column), `statement` (`2 of 5`), `state` (what the database is left as), `backup` and `diff`.
///
/// # Examples
///
/// ```ignore
/// let report = store.schema().upgrade(&Target::Head)?;
/// println!("{} migrations applied", report.steps.len());
/// ```
#[derive(Clone)]
pub struct Schema {
    store: MemoryStore,
    sources: Vec<Source>,
    options: RunOptions,
    observer: Arc<Mutex<dyn Observer + Send>>,
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schema").field("store", &self.store).field("options", &self.options).finish_non_exhaustive()
    }
}

impl Schema {
    pub(crate) fn new(store: MemoryStore) -> Self {
        let mut sources = vec![store.engine().schema().source()];
        sources.extend(store.sources().iter().cloned());
        Self { store, sources, options: RunOptions::default(), observer: Arc::new(Mutex::new(|_: &Event<'_>| {})) }
    }

    /// Adds the migrations of an application, which come after ours.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if its dialect is another, or its prefix is empty or taken.
    pub fn with_source(mut self, source: Source) -> Result<Self> {
        check_source(&self.sources, &source)?;
        self.sources.push(source);
        Ok(self)
    }

    /// Sets how runs go about it.
    #[must_use]
    pub fn with_options(mut self, options: RunOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets who is told what a run does, as it does it.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Observer + Send + 'static) -> Self {
        self.observer = Arc::new(Mutex::new(observer));
        self
    }

    /// Returns the sources: ours, then those of the application in the order they were added.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Makes the schema and the ledgers, without a migration.
    ///
    /// # Errors
    ///
    /// As [`SchemaSession::prepare`], and the fault
    /// [`NotAdopted`](SchemaFault::NotAdopted) if diesel's ledger is gone while ours names applied versions.
    pub fn initialize(&self) -> Result<RunReport> {
        let named = |error: Error| error.with_operation("initialize");
        let ledger = self.read("initialize", |engine, call| engine.ledger(call))?;
        let history = History::new(&self.sources, &ledger);
        refuse_lost(&history).map_err(named)?;
        let (from, to) = (history.newest(), history.newest());
        if ledger.diesel.is_some() && ledger.entries.is_some() {
            return Ok(RunReport { from, to, ..RunReport::default() });
        }
        let ((), opened) = self.locked("initialize", |_, _, _| Ok(()))?;
        Ok(RunReport { created: opened.created, from, to, adopted: opened.adopted, ..RunReport::default() })
    }

    /// Tells where the database stands. Changes nothing.
    ///
    /// # Errors
    ///
    /// None of its own: what is wrong is the answer.
    pub fn status(&self) -> Result<Status> {
        self.read("status", |engine, call| status::status(engine, call, &self.sources, &self.options))
    }

    /// Returns the newest applied versions.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub fn current(&self) -> Result<Vec<Version>> {
        self.look("current", |history| Ok(history.current()))
    }

    /// Returns what is to be applied, in order.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub fn pending(&self) -> Result<Vec<Version>> {
        self.look("pending", |history| Ok(history.pending()))
    }

    /// Returns every migration that the build or the database knows, oldest first.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub fn history(&self) -> Result<Vec<HistoryEntry>> {
        self.look("history", |history| Ok(history.entries()))
    }

    /// Returns the newest lines of the log, newest first.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub fn log(&self, limit: u32) -> Result<Vec<LogEntry>> {
        self.read("log", |engine, call| engine.log(call, limit))
    }

    /// Returns one migration: the version, or the beginning of one that is the only one to begin so. Without a script if this
    /// build doesn't know it.
    ///
    /// # Errors
    ///
    /// The fault [`UnknownTarget`](SchemaFault::UnknownTarget).
    pub fn show(&self, version: &str) -> Result<(HistoryEntry, Option<Script>)> {
        self.look("show", |history| {
            let version = history.find(version)?;
            Ok((history.told(&version), history.script(&version).cloned()))
        })
    }

    /// Returns what an upgrade would do. Changes nothing.
    ///
    /// # Errors
    ///
    /// What [`upgrade`](Self::upgrade) refuses, as far as it shows before it runs.
    pub fn plan_upgrade(&self, target: &Target) -> Result<Plan> {
        self.refuse_not_adopted("plan")?;
        self.look("plan", |history| history.plan_up(target, &self.options))
    }

    /// Returns what a downgrade would do. Changes nothing.
    ///
    /// # Errors
    ///
    /// What [`downgrade`](Self::downgrade) refuses, as far as it shows before it runs.
    pub fn plan_downgrade(&self, target: &Target) -> Result<Plan> {
        self.refuse_not_adopted("plan")?;
        self.look("plan", |history| history.plan_down(target, &self.options))
    }

    /// Writes a plan as a script that `psql` or `sqlite3` runs. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] for a step that only the engine can run.
    pub fn script(&self, plan: &Plan) -> Result<String> {
        self.read("script", |engine, call| {
            let ledger = engine.ledger(call)?;
            run::script(engine, &self.sources, plan, &ledger, &self.options, call.now)
        })
    }

    /// Applies migrations up to a target. Where there is nothing to do it takes no lock and works on a database that can't be
    /// written.
    ///
    /// # Errors
    ///
    /// Before anything is changed: what is wrong with the history
    /// ([`Duplicate`](SchemaFault::Duplicate), [`OutOfOrder`](SchemaFault::OutOfOrder),
    /// [`SeveralHeads`](SchemaFault::SeveralHeads),
    /// [`UnknownParent`](SchemaFault::UnknownParent), [`Newer`](SchemaFault::Newer),
    /// [`NotAdopted`](SchemaFault::NotAdopted)), with a script
    /// ([`ScriptChanged`](SchemaFault::ScriptChanged)), with the target
    /// ([`UnknownTarget`](SchemaFault::UnknownTarget)), or that it would destroy data
    /// ([`Destructive`](SchemaFault::Destructive), [`NoBackup`](SchemaFault::NoBackup)).
    /// [`Locked`](SchemaFault::Locked) if others keep what it needs;
    /// [`RolledBack`](SchemaFault::RolledBack) and
    /// [`PartlyApplied`](SchemaFault::PartlyApplied) for a statement that failed.
    pub fn upgrade(&self, target: &Target) -> Result<RunReport> {
        self.run_up("upgrade", target)
    }

    /// Applies what is pending, as an application does when it starts. Next to a newer build, where there is nothing to do, it is
    /// content with a schema that it may use; and with one that other tools brought up to date and it can't write to.
    pub(crate) fn migrate(&self) -> Result<RunReport> {
        let content = self.look("migrate", |history| {
            let newest = history.newest();
            let done = newest.is_some() && history.pending().is_empty() && history.unfinished().is_empty();
            Ok((done && history.changed().is_empty(), history.access() == Compatibility::Full, newest))
        })?;
        match self.run_up("migrate", &Target::Head) {
            Err(error) => {
                let (done, may_use, newest) = content;
                let fine = match SchemaFault::of(&error) {
                    Some(SchemaFault::Newer) => may_use,
                    None => matches!(error.kind(), ErrorKind::ReadOnly | ErrorKind::PermissionDenied),
                    Some(_) => false,
                };
                if !(done && fine) {
                    return Err(error);
                }
                log::info!("nothing to migrate: {error}");
                Ok(RunReport { from: newest.clone(), to: newest, ..RunReport::default() })
            }
            report => report,
        }
    }

    /// Takes migrations back down to a target.
    ///
    /// # Errors
    ///
    /// As [`upgrade`](Self::upgrade), and [`NoDown`](SchemaFault::NoDown).
    pub fn downgrade(&self, target: &Target) -> Result<RunReport> {
        self.refuse_not_adopted("downgrade")?;
        self.run("downgrade", &self.options, |history, options| history.plan_down(target, options))
    }

    /// Takes one migration back, which must be one that no applied one is built upon.
    ///
    /// # Errors
    ///
    /// As [`downgrade`](Self::downgrade), and [`NotNewest`](SchemaFault::NotNewest).
    pub fn revert(&self, version: &str) -> Result<RunReport> {
        self.run("revert", &self.options, |history, options| history.plan_revert(version, options))
    }

    /// Applies migrations up to a target on a copy that goes away, and tells how long each took.
    ///
    /// # Errors
    ///
    /// As [`upgrade`](Self::upgrade), and as [`SchemaEngine::scratch`].
    pub fn rehearse(&self, target: &Target) -> Result<RunReport> {
        self.refuse_not_adopted("rehearse")?;
        let plan = |ledger: &Ledger| History::new(&self.sources, ledger).plan_up(target, &self.options);
        self.with_run("rehearse", &self.options, |run| run::rehearse(run, &plan))
    }

    /// Records the versions up to a target as applied, without running them, and those above it as not applied. Returns the
    /// versions whose record changed.
    ///
    /// # Errors
    ///
    /// The fault [`UnknownTarget`](SchemaFault::UnknownTarget), and what is so wrong with the history that no
    /// order can be told.
    pub fn stamp(&self, target: &Target) -> Result<Vec<Version>> {
        self.look("stamp", |history| {
            history.check_order()?;
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
    /// The fault [`Drift`](SchemaFault::Drift), with the differences as context `diff`;
    /// [`NotAdopted`](SchemaFault::NotAdopted) if there is no table of ours;
    /// [`ErrorKind::Conflict`] if there is a ledger that says what is applied.
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
    /// [`ErrorKind::Conflict`] if it did not stop half-way, and the fault
    /// [`UnknownTarget`](SchemaFault::UnknownTarget).
    pub fn resolve(&self, version: &str, resolution: Resolution) -> Result<()> {
        self.look("resolve", |history| {
            refuse_lost(history)?;
            history.find(version).map(drop)
        })?;
        let resolve = |session: &mut dyn SchemaSession, call: &Call, ledger: &_| {
            resolve::resolve(session, call, ledger, &self.sources, &self.options, (version, resolution))
        };
        Ok(self.locked("resolve", resolve)?.0)
    }

    /// Brings the ledgers into line with what is so: accepts changed scripts, takes over what other tools did, removes entries of
    /// failures that left nothing, and half-made indexes.
    ///
    /// # Errors
    ///
    /// The fault [`NotAdopted`](SchemaFault::NotAdopted) if diesel's ledger is gone while ours names applied
    /// versions.
    pub fn repair(&self) -> Result<RepairReport> {
        self.look("repair", refuse_lost)?;
        let dropped_indexes = self.with_run("repair", &self.options, |run| {
            let mut session = run.engine.session(run.call, &run.options.session, run.observer)?;
            resolve::drop_invalid_indexes(&mut *session, run.call)
        })?;
        let repair = |session: &mut dyn SchemaSession, call: &Call, ledger: &_| {
            resolve::repair(session, call, ledger, &self.sources, &self.options)
        };
        let (report, opened) = self.locked("repair", repair)?;
        let report = RepairReport { adopted: opened.adopted, dropped_indexes, ..report };
        log::info!("repaired the ledgers: {}", resolve::summary(&report));
        Ok(report)
    }

    /// Tells who is migrating now.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub fn lock_holder(&self) -> Result<Option<LockHolder>> {
        self.read("lock holder", |engine, call| engine.lock_holder(call))
    }

    /// Ends the session of who is migrating now, where the database can do that, and returns who it was.
    ///
    /// # Errors
    ///
    /// As [`SchemaEngine::end_lock_holder`].
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

    /// Compares the live schema with what the applied migrations make, and tries what it promises.
    ///
    /// # Errors
    ///
    /// None of its own: what is wrong is the answer.
    pub fn validate(&self) -> Result<Validation> {
        self.read("validate", |engine, call| {
            let build = |versions: &[Version]| expected::built(engine, call, &self.sources, versions);
            validate::validate(engine, call, &self.sources, build)
        })
    }

    /// Reads the live schema.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub fn dump(&self) -> Result<Snapshot> {
        self.read("dump", SchemaEngine::snapshot)
    }

    /// Returns what the migrations up to a version make, the newest unless given. Where that isn't written down, they are run
    /// on a database that goes away.
    ///
    /// # Errors
    ///
    /// The fault [`UnknownTarget`](SchemaFault::UnknownTarget), and as
    /// [`SchemaEngine::scratch`].
    pub fn expected(&self, at: Option<&str>) -> Result<Snapshot> {
        self.read("expected", |engine, call| {
            let ledger = Ledger::default();
            let history = History::new(&self.sources, &ledger);
            let versions = match at {
                Some(written) => history.with_ancestors(&[history.find(written)?]),
                None => history.with_ancestors(&history.heads()),
            };
            self.schema_of(engine, call, &history, &versions)
        })
    }

    /// Describes how the database is, for those who operate it.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub fn health(&self) -> Result<Health> {
        self.read("health", |engine, call| {
            let health = engine.health(call)?;
            let ledger = engine.ledger(call)?;
            Ok(info::with_advice(health, &History::new(&self.sources, &ledger)))
        })
    }

    /// Describes the database: dialect, version, whether its schema is valid, what is pending, its tables.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub fn database_info(&self) -> Result<SchemaInfo> {
        let database = self.store.admin().info()?;
        let status = self.status()?;
        let valid = self.validate()?.valid;
        let tables = self.read("database info", SchemaEngine::health)?.tables;
        Ok(info::info(database, status, valid, tables))
    }

    /// Makes a backup in the folder of the options.
    ///
    /// # Errors
    ///
    /// As [`SchemaEngine::backup`].
    pub fn backup(&self) -> Result<Backup> {
        let dialect = &self.sources[0].dialect;
        self.with_run("backup", &self.options, |run| {
            backups::create(run.engine, run.call, run.options, dialect, run.sources)
        })
    }

    /// Checks that a backup can be read whole and has not changed since it was made.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] and [`ErrorKind::NotFound`].
    pub fn verify_backup(&self, path: &Path) -> Result<BackupInfo> {
        self.with_run("verify backup", &self.options, |run| backups::verify(run.engine, run.call, path))
    }

    /// Puts everything back as a backup has it.
    ///
    /// # Errors
    ///
    /// As [`verify_backup`](Self::verify_backup) and [`SchemaEngine::restore`].
    pub fn restore(&self, path: &Path) -> Result<()> {
        self.with_run("restore", &self.options, |run| {
            backups::verify(run.engine, run.call, path)?;
            run.engine.restore(run.call, path)
        })?;
        log::info!("restored the backup {}", path.display());
        Ok(())
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

    /// Runs what is planned, under the lock.
    fn run(
        &self,
        operation: &'static str,
        options: &RunOptions,
        plan: impl Fn(&History<'_>, &RunOptions) -> Result<Plan>,
    ) -> Result<RunReport> {
        let plan = |ledger: &Ledger| plan(&History::new(&self.sources, ledger), options);
        self.with_run(operation, options, |run| run::run(run, &plan))
    }

    /// Does something else under the lock.
    fn locked<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut dyn SchemaSession, &Call, &Ledger) -> Result<T>,
    ) -> Result<(T, run::Opened)> {
        self.with_run(operation, &self.options, |run| run::locked(run, work))
    }

    /// Gives what a run is made with: no deadline, and the observer.
    fn with_run<T>(
        &self,
        operation: &'static str,
        options: &RunOptions,
        work: impl FnOnce(Run<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut observer = self.observer.lock().unwrap_or_else(PoisonError::into_inner);
        let call = self.store.call();
        let run = Run {
            engine: self.store.engine().schema(),
            options,
            call: &call,
            clock: self.store.clock(),
            observer: &mut *observer,
            sources: &self.sources,
        };
        work(run).map_err(|error| error.with_operation(operation))
    }

    /// Reads, as every operation of the store does: with its deadline, tried again where that can help.
    fn read<T>(&self, operation: &'static str, work: impl Fn(&dyn SchemaEngine, &Call) -> Result<T>) -> Result<T> {
        self.store.run(operation, |call| work(self.store.engine().schema(), call))
    }

    /// Reads the ledger and looks at the history.
    fn look<T>(&self, operation: &'static str, work: impl Fn(&History<'_>) -> Result<T>) -> Result<T> {
        self.read(operation, |engine, call| {
            let ledger = engine.ledger(call)?;
            work(&History::new(&self.sources, &ledger))
        })
    }

    /// Returns what versions make: as it is written down, or else by running them on a database that goes away.
    fn schema_of(
        &self,
        engine: &dyn SchemaEngine,
        call: &Call,
        history: &History<'_>,
        versions: &[Version],
    ) -> Result<Snapshot> {
        match baseline::written(history, versions) {
            Some(schema) => Ok(schema),
            None => expected::built(engine, call, &self.sources, versions),
        }
    }

    /// Refuses a database that has tables of ours and no ledger.
    fn refuse_not_adopted(&self, operation: &'static str) -> Result<()> {
        self.read(operation, |engine, call| {
            let ledger = engine.ledger(call)?;
            match status::not_adopted(engine, call, &self.sources, &ledger)? {
                Some(finding) => Err(finding.error()),
                None => Ok(()),
            }
        })
    }
}

/// Refuses a source that can't stand beside others.
pub(crate) fn check_source(sources: &[Source], source: &Source) -> Result<()> {
    let wrong = |message: String| Err(Error::new(ErrorKind::Config, message));
    if let Some(ours) = sources.first()
        && ours.dialect != source.dialect
    {
        return wrong(format!("migrations of dialect {}: expected those of {}", source.dialect, ours.dialect));
    }
    let prefix = &source.prefix;
    if prefix.is_empty() {
        return wrong(
            "migrations of an application without a prefix: expected lower-case letters before the digits".into(),
        );
    }
    if sources.iter().any(|other| other.prefix == *prefix) {
        return wrong(format!("two sets of migrations have the prefix {prefix:?}: expected one each"));
    }
    if let Some(script) = source.scripts.iter().find(|script| script.version.prefix() != *prefix) {
        let message = format!("version {} in the migrations of {prefix:?}: expected that prefix", script.version);
        return wrong(message);
    }
    Ok(())
}

fn refuse_lost(history: &History<'_>) -> Result<()> {
    let lost = |finding: &&Finding| finding.fault == SchemaFault::NotAdopted;
    match history.findings().iter().find(lost) {
        Some(finding) => Err(finding.error()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
