//! Runs plans over a [`SchemaSession`], the same for every dialect.
//!
//! A run opens the session, which holds the lock, and plans under it, so that of several processes at once one does the work.
//! What can be refused is refused before anything is written. Then come the backup, what other tools did, and the steps: one
//! transaction with the record of it ([`whole`]), or statement by statement with a record of each ([`piecewise`]).
//!
//! Invariants: diesel's ledger has a version exactly if its `up` is done and its `down` is not; each statement that can be in a
//! transaction shares one with the record that it is done; after a failure the error says what stays.

mod adopt;
mod backup;
mod batches;
mod executor;
mod failure;
mod job;
mod names;
mod patience;
mod piecewise;
mod refuse;
mod script;
#[cfg(test)]
mod tests;
mod whole;

use std::path::PathBuf;
use std::time::Instant;

use crate::schema::{
    Backup, BackupMode, Begin, Event, Ledger, LogEntry, Observer, Plan, RunOptions, RunReport, Source, TxMode, Version,
    Way,
};
use crate::spi::{SchemaEngine, SchemaSession};
use crate::{Call, Clock, Result, Timestamp};

pub(crate) use adopt::{Adoption, adoption, entry_of, syntax_of};
pub(crate) use backup::{make as make_backup, manifest_of, place as backup_place};
use executor::{Ended, Executor};
use job::Job;
pub(crate) use names::made_by;
use patience::Patience;
pub(crate) use script::script;

/// Is what a run is made with.
pub(crate) struct Run<'a> {
    pub(crate) engine: &'a dyn SchemaEngine,
    pub(crate) options: &'a RunOptions,
    /// How it can be cancelled; without a deadline.
    pub(crate) call: &'a Call,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) observer: &'a mut dyn Observer,
    /// Ours first.
    pub(crate) sources: &'a [Source],
}

/// Plans by a ledger as it was read: what other tools did is not in it yet.
pub(crate) type Planner<'a> = &'a dyn Fn(&Ledger) -> Result<Plan>;

/// Is what was found and made when a session was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Whether there was no schema before.
    pub(crate) created: bool,
    /// What other tools did.
    pub(crate) adopted: Vec<Version>,
}

impl Run<'_> {
    /// Returns a call at the present time.
    fn now(&self) -> Call {
        Call { now: self.clock.now(), ..self.call.clone() }
    }

    fn tell(&mut self, event: &Event<'_>) {
        self.observer.event(event);
    }
}

/// Runs what the planner plans, under the lock.
///
/// Where there is nothing to do, which is seen without the lock, nothing is written and no lock is taken.
pub(crate) fn run(run: Run<'_>, plan: Planner<'_>) -> Result<RunReport> {
    run_on(run, plan, On::Database)
}

/// Says what a run is made on, which is what its failure tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    Database,
    Copy,
}

fn run_on(mut run: Run<'_>, plan: Planner<'_>, on: On) -> Result<RunReport> {
    let started = Instant::now();
    let mut report = match idle(&mut run, plan)? {
        Some(report) => report,
        None => insist(&mut run, plan, on)?,
    };
    report.millis = millis(started);
    Ok(report)
}

/// Runs what the planner plans on a copy that goes away. Nothing there is worth a backup or too dear to destroy.
pub(crate) fn rehearse(run: Run<'_>, plan: Planner<'_>) -> Result<RunReport> {
    let Run { engine, options, call, clock, observer, sources } = run;
    let copy = engine.scratch(call, true)?;
    let options = RunOptions { backup: BackupMode::Never, allow_destructive: true, ..options.clone() };
    let run = Run { engine: copy.schema(), options: &options, call, clock, observer, sources };
    run_on(run, plan, On::Copy)
}

/// Does something else under the lock, in one transaction, on a database with ledgers that are up to date.
pub(crate) fn locked<T>(
    run: Run<'_>,
    work: impl FnOnce(&mut dyn SchemaSession, &Call, &Ledger) -> Result<T>,
) -> Result<(T, Opened)> {
    let Run { engine, options, call, clock, observer, sources } = run;
    let call = Call { now: clock.now(), ..call.clone() };
    call.check()?;
    let mut session = engine.session(&call, &options.session, observer)?;
    let session = &mut *session;
    let call = Call { now: clock.now(), ..call };
    // Behind a pooler what is written outside a transaction ends the session's own.
    if session.is_one_transaction() {
        session.begin(&call, Begin::Plain)?;
    }
    let created = session.prepare(&call)?;
    if !session.is_one_transaction() {
        session.begin(&call, Begin::Plain)?;
    }
    let attempt = || {
        let adoption = adoption(sources, &session.ledger(&call)?, options, call.now);
        adoption.write(session, &call, options)?;
        let ledger = session.ledger(&call)?;
        let result = work(session, &call, &ledger)?;
        session.commit(&call)?;
        Ok((result, adoption))
    };
    match attempt() {
        Ok((result, adoption)) => {
            tell_adoption(observer, &adoption);
            let adopted = adoption.versions().map(|(version, _)| version.clone()).collect();
            Ok((result, Opened { created, adopted }))
        }
        Err(error) => {
            roll_back(session);
            Err(error)
        }
    }
}

/// Returns the report of a run that has nothing to do, if so.
fn idle(run: &mut Run<'_>, plan: Planner<'_>) -> Result<Option<RunReport>> {
    let call = run.now();
    call.check()?;
    let ledger = run.engine.ledger(&call)?;
    let prepared = ledger.diesel.is_some() && ledger.entries.is_some();
    if !prepared || !adoption(run.sources, &ledger, run.options, call.now).is_empty() {
        return Ok(None);
    }
    // What is wrong is told under the lock: another process may be at work.
    let Ok(plan) = plan(&ledger) else { return Ok(None) };
    if !plan.steps.is_empty() {
        return Ok(None);
    }
    run.tell(&Event::Planned { steps: &[] });
    Ok(Some(RunReport { from: plan.from, to: plan.to, ..RunReport::default() }))
}

/// Runs, and where everything is one transaction and a lock was not to be had, runs again.
fn insist(run: &mut Run<'_>, plan: Planner<'_>, on: On) -> Result<RunReport> {
    let mut patience = Patience::new(run.options.session.lock_wait);
    let mut backup = None;
    loop {
        if let Some(report) = attempt(run, plan, on, &mut patience, &mut backup)? {
            return Ok(report);
        }
    }
}

/// Runs once. Returns none after a pause if it is worth another attempt.
fn attempt(
    run: &mut Run<'_>,
    plan: Planner<'_>,
    on: On,
    patience: &mut Patience,
    backup: &mut Option<Backup>,
) -> Result<Option<RunReport>> {
    run.call.check()?;
    let mut session = run.engine.session(&run.now(), &run.options.session, run.observer)?;
    let ledger = session.ledger(&run.now())?;
    let plan = plan(&ledger)?;
    let jobs = Job::read(&plan, syntax_of(run.sources), run.options.tx_mode)?;
    let pooled = session.is_one_transaction();
    let together = pooled || run.options.tx_mode == TxMode::All;
    refuse::mixed(&jobs, together, pooled)?;
    refuse::changed(&jobs, &ledger, syntax_of(run.sources))?;
    run.tell(&Event::Planned { steps: &plan.steps });
    let destroys = refuse::destruction(&plan, &mut *session, &run.now(), run.options, run.sources)?;
    let wanted = match run.options.backup {
        BackupMode::Always => !plan.steps.is_empty(),
        BackupMode::Auto => destroys,
        BackupMode::Never => false,
    };
    if wanted && backup.is_none() {
        *backup = Some(back_up(run, &mut *session, plan.from.as_ref(), pooled)?);
    }
    let adoption = adoption(run.sources, &ledger, run.options, run.clock.now());
    let command = command(&plan, run.options, on);
    let executor = Executor::new(run, session, patience, together, backup.as_ref(), command);
    match executor.on(on).run(&jobs, &adoption) {
        Ok(done) => Ok(Some(RunReport {
            created: done.created,
            from: plan.from.clone(),
            to: plan.to.clone(),
            steps: done.steps,
            adopted: adoption.versions().map(|(version, _)| version.clone()).collect(),
            backup: backup.clone(),
            millis: 0,
        })),
        Err(Ended::Failed(error)) => Err(error),
        Err(Ended::Locked { version, pause }) => {
            let attempt = patience.attempts + 1;
            run.tell(&Event::Retrying { version: &version, attempt, pause_millis: as_millis(pause) });
            patience::sleep(run.call, pause)?;
            Ok(None)
        }
    }
}

/// Makes a backup while the session holds its transaction, so that nobody writes to what a change begins with.
fn back_up(
    run: &mut Run<'_>,
    session: &mut dyn SchemaSession,
    version: Option<&Version>,
    pooled: bool,
) -> Result<Backup> {
    let started = Instant::now();
    let call = run.now();
    let dialect = run.sources.first().map_or("", |source| &source.dialect);
    let path: PathBuf = backup::place(&run.options.backup_folder, dialect, version.map(Version::as_str), &call)?;
    let shown = path.display().to_string();
    run.tell(&Event::BackupStarted { path: &shown });
    log::info!("backing up to {shown}");
    // Behind a pooler the transaction is open, and ends with the lock.
    if !pooled {
        session.begin(&call, Begin::Plain)?;
    }
    let made = backup::make(run.engine, &call, &run.options.session, &path);
    if !pooled {
        roll_back(session);
    }
    let backup = made?;
    log::info!("backed up {} bytes to {shown} in {} ms", backup.info.bytes, millis(started));
    run.tell(&Event::BackupFinished { path: &shown, millis: millis(started) });
    Ok(backup)
}

/// Returns the command that runs a plan like this one.
fn command(plan: &Plan, options: &RunOptions, on: On) -> String {
    if on == On::Copy {
        return "polymnia migrate upgrade --rehearse".to_owned();
    }
    match plan.steps.first().map(|step| step.direction) {
        Some(Way::Down) => {
            let target = plan.to.as_ref().map_or("base", Version::as_str);
            let stored = if options.use_stored_down { " --use-stored-down" } else { "" };
            format!("polymnia migrate downgrade {target}{stored}")
        }
        _ => "polymnia migrate upgrade".to_owned(),
    }
}

/// Returns a line of the log.
pub(crate) fn log_line(
    options: &RunOptions,
    at: Timestamp,
    event: &str,
    version: Option<&Version>,
    detail: impl Into<String>,
) -> LogEntry {
    LogEntry {
        at,
        event: event.to_owned(),
        version: version.cloned(),
        detail: detail.into(),
        by: options.by.clone(),
        tool: options.tool.clone(),
    }
}

fn tell_adoption(observer: &mut dyn Observer, adoption: &Adoption) {
    for (version, applied) in adoption.versions() {
        log::info!("{version} was {} by another tool", if applied { "applied" } else { "taken back" });
        observer.event(&Event::Adopted { version, applied });
    }
}

/// Rolls back after a failure, which is what is told of.
fn roll_back(session: &mut dyn SchemaSession) {
    if let Err(error) = session.rollback() {
        log::debug!("rolling back failed: {error}");
    }
}

fn millis(since: Instant) -> u64 {
    as_millis(since.elapsed())
}

fn as_millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
