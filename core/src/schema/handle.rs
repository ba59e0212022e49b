//! What applications and the command line call.

mod judging;
mod keeping;
mod records;
mod running;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use crate::schema::history::{Finding, History};
use crate::schema::run::{self, Run};
use crate::schema::{
    Event, HistoryEntry, Ledger, LockHolder, LogEntry, Observer, Plan, RunOptions, RunReport, SchemaFault, Script,
    Source, Status, Target, Version, status,
};
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

    /// Tells who is migrating now.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub fn lock_holder(&self) -> Result<Option<LockHolder>> {
        self.read("lock holder", SchemaEngine::lock_holder)
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
