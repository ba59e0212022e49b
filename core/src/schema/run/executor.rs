//! What all steps of a run share: the session, the entries, waiting for locks, failing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::schema::text::Syntax;
use crate::schema::{Backup, Begin, Entry, Event, Ledger, RunOptions, Snapshot, State, Step, StepReport, Version, Way};
use crate::spi::SchemaSession;
use crate::{Call, Error, Result, Retry};

use super::adopt::{Adoption, entry_of, syntax_of};
use super::failure::{Circumstances, Left, Trouble, error_of};
use super::job::{Job, Mode};
use super::patience::{Patience, sleep};
use super::{On, Run, as_millis, log_line, millis, roll_back, tell_adoption};

/// Runs the steps of a plan over a session.
pub(super) struct Executor<'e, 'r> {
    pub(super) run: &'e mut Run<'r>,
    pub(super) session: Box<dyn SchemaSession>,
    patience: &'e mut Patience,
    /// Whether the whole run is one transaction.
    pub(super) together: bool,
    on: On,
    backup: Option<&'e Backup>,
    command: String,
    pub(super) entries: BTreeMap<Version, Entry>,
    /// The schema as it is now, where it is known.
    pub(super) schema: Option<Snapshot>,
    steps: Vec<StepReport>,
}

/// Is what a run has done.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) created: bool,
    pub(super) steps: Vec<StepReport>,
}

/// Is how long a step takes: what it took before, and since when it goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub(super) before: Duration,
    pub(super) since: Instant,
}

/// Says how a run ended that did not succeed.
#[derive(Debug)]
pub(super) enum Ended {
    /// It failed.
    Failed(Error),
    /// All of it was rolled back for want of a lock, and is worth another attempt.
    Locked { version: Version, pause: Duration },
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl<'e, 'r> Executor<'e, 'r> {
    pub(super) fn new(
        run: &'e mut Run<'r>,
        session: Box<dyn SchemaSession>,
        patience: &'e mut Patience,
        together: bool,
        backup: Option<&'e Backup>,
        command: String,
    ) -> Self {
        Self {
            run,
            session,
            patience,
            together,
            on: On::Database,
            backup,
            command,
            entries: BTreeMap::new(),
            schema: None,
            steps: Vec::new(),
        }
    }

    /// Sets what the run is made on.
    pub(super) fn on(self, on: On) -> Self {
        Self { on, ..self }
    }

    /// Prepares, takes over what other tools did, and runs the steps.
    pub(super) fn run(mut self, jobs: &[Job<'_>], adoption: &Adoption) -> Result<Done, Ended> {
        let opened = self.open(adoption);
        let created = match opened {
            Ok(created) => created,
            Err(error) => {
                roll_back(&mut *self.session);
                return Err(error.into());
            }
        };
        tell_adoption(self.run.observer, adoption);
        for job in jobs {
            self.step(job)?;
        }
        if self.together
            && let Err(error) = self.session.commit(&self.call())
        {
            roll_back(&mut *self.session);
            return Err(match jobs.last() {
                Some(job) => self.ended_together(job, error.into()),
                None => error.into(),
            });
        }
        if self.together {
            for (job, report) in jobs.iter().zip(self.steps.clone()) {
                self.tell_finished(job, report.millis);
            }
        }
        Ok(Done { created, steps: self.steps })
    }

    /// Makes the ledgers if they are not there, writes down what other tools did, and that there is a backup; reads the
    /// entries. Returns whether nothing was there.
    fn open(&mut self, adoption: &Adoption) -> Result<bool> {
        let call = self.call();
        // Behind a pooler what is written outside a transaction ends the session's own.
        if self.session.is_one_transaction() {
            self.session.begin(&call, Begin::Plain)?;
        }
        let created = self.session.prepare(&call)?;
        if self.together && !self.session.is_one_transaction() {
            self.session.begin(&call, Begin::Plain)?;
        }
        let backup = self.backup.map(|backup| {
            let detail = backup.path.display().to_string();
            log_line(self.run.options, call.now, "backup", None, detail)
        });
        if backup.is_some() || !adoption.is_empty() {
            self.begin(Begin::Plain).map_err(|trouble| trouble.error)?;
            adoption.write(&mut *self.session, &call, self.run.options)?;
            if let Some(line) = backup {
                self.session.log(&call, &line)?;
            }
            self.commit().map_err(|trouble| trouble.error)?;
        }
        let Ledger { entries, .. } = self.session.ledger(&call)?;
        let entries = entries.unwrap_or_default().into_iter();
        self.entries = entries.map(|entry| (entry.version.clone(), entry)).collect();
        Ok(created)
    }

    fn step(&mut self, job: &Job<'_>) -> Result<(), Ended> {
        let started = Instant::now();
        let step = job.step;
        self.patience.relax();
        let outcome = match job.mode {
            Mode::Step(how) => self.whole(job, how).map_err(|trouble| (trouble, Left::Nothing)),
            Mode::Statement => self.piecewise(job),
        };
        match outcome {
            Ok(()) => {
                let millis = millis(started);
                // Within one transaction for all, nothing is done before its end.
                if !self.together {
                    self.tell_finished(job, millis);
                }
                let Step { version, name, direction, .. } = step.clone();
                self.steps.push(StepReport { version, name, direction, millis });
                Ok(())
            }
            Err((trouble, _)) if self.together => {
                roll_back(&mut *self.session);
                Err(self.ended_together(job, trouble))
            }
            Err((trouble, left)) => Err(self.ended(job, trouble, left)),
        }
    }

    /// Tells that a step begins, or goes on.
    pub(super) fn tell_start(&mut self, job: &Job<'_>, done: u32) {
        log::debug!("{}: {}, {done} done", job.title(), job.size());
        self.run.tell(&Event::StepStarted { step: job.step, done });
    }

    fn tell_finished(&mut self, job: &Job<'_>, millis: u64) {
        let word = if job.step.direction == Way::Up { "applied" } else { "took back" };
        log::info!("{word} {} in {millis} ms", job.title());
        self.run.tell(&Event::StepFinished { step: job.step, millis });
    }

    /// Ends a run that was one transaction, which has been rolled back: for good, or to try again.
    fn ended_together(&mut self, job: &Job<'_>, trouble: Trouble) -> Ended {
        if let Some(pause) = trouble.waited.and_then(|waited| self.patience.next(waited)) {
            return Ended::Locked { version: job.step.version.clone(), pause };
        }
        // Behind a pooler the lock went with the transaction, and with it the right to write.
        if !self.session.is_one_transaction() {
            self.log_failure(job, &trouble);
        }
        self.ended(job, trouble, Left::NothingOfTheRun)
    }

    fn ended(&mut self, job: &Job<'_>, trouble: Trouble, left: Left) -> Ended {
        // An ambiguous commit is known to leave part of a step or none of it only if it was recorded before.
        let left = match left {
            Left::Nothing | Left::NothingOfTheRun if trouble.error.retry() == Retry::Ambiguous => Left::Unknown,
            left => left,
        };
        let left = if self.on == On::Copy { Left::NothingButACopy } else { left };
        let circumstances = Circumstances {
            left,
            steps_done: self.steps.len(),
            backup: self.backup.map(|backup| backup.path.as_path()),
            command: &self.command,
        };
        let error = error_of(job, trouble, &circumstances);
        log::warn!("{error}");
        self.run.tell(&Event::StepFailed { step: job.step, error: &error.to_string() });
        Ended::Failed(error)
    }

    /// Adds a line about a failure that left nothing. That it can't be written is not what failed.
    pub(super) fn log_failure(&mut self, job: &Job<'_>, trouble: &Trouble) {
        let call = self.quiet();
        let line = self.failure_line(job, trouble, &call);
        if let Err(error) = self.session.log(&call, &line) {
            log::debug!("the failure can't be logged: {error}");
        }
    }

    pub(super) fn failure_line(&self, job: &Job<'_>, trouble: &Trouble, call: &Call) -> crate::schema::LogEntry {
        let word = if job.step.direction == Way::Up { "up" } else { "down" };
        let detail = match trouble.statement {
            Some(index) => format!("{word}, statement {} of {}: {}", index + 1, job.len(), trouble.error.message()),
            None => format!("{word}: {}", trouble.error.message()),
        };
        log_line(self.run.options, call.now, "failed", Some(&job.step.version), detail)
    }

    /// Does something that is one transaction, or one statement outside of one; again, where a lock was not to be had, until
    /// it has waited enough. What fails is rolled back.
    pub(super) fn patiently<T>(
        &mut self,
        job: &Job<'_>,
        mut attempt: impl FnMut(&mut Self, u32) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let mut nth = 0;
        loop {
            let trouble = match attempt(self, nth) {
                Ok(value) => {
                    self.patience.relax();
                    return Ok(value);
                }
                Err(trouble) => trouble,
            };
            // Where everything is one transaction, everything is to be done again.
            if self.together {
                return Err(trouble);
            }
            roll_back(&mut *self.session);
            let Some(pause) = trouble.waited.and_then(|waited| self.patience.next(waited)) else {
                return Err(trouble);
            };
            nth += 1;
            let (version, attempt) = (&job.step.version, self.patience.attempts + 1);
            log::info!(
                "{version} waits for a lock, attempt {attempt} follows in {pause:?}: {}",
                trouble.error.message()
            );
            self.run.tell(&Event::Retrying { version, attempt, pause_millis: as_millis(pause) });
            sleep(self.run.call, pause)?;
        }
    }

    /// Begins the transaction of a step or a statement; within the one of the whole run, goes on in that.
    pub(super) fn begin(&mut self, how: Begin) -> Result<(), Trouble> {
        let call = self.call();
        if self.together { Ok(()) } else { self.session.begin(&call, how).map_err(Trouble::of_begin) }
    }

    pub(super) fn commit(&mut self) -> Result<(), Trouble> {
        if self.together {
            return Ok(());
        }
        let (call, started) = (self.call(), Instant::now());
        // SQLite waits here for those who read.
        self.session.commit(&call).map_err(|error| Trouble::from(error).after(started.elapsed()))
    }

    /// Runs one statement and tells of it.
    pub(super) fn execute(&mut self, job: &Job<'_>, index: usize) -> Result<(), Trouble> {
        self.run.call.check().map_err(|error| Trouble::from(error).at(index))?;
        let started = Instant::now();
        let call = self.call();
        let rows = self
            .session
            .execute(&call, job.parts[index].statement.text)
            .map_err(|error| Trouble::of_statement(error, index, started.elapsed()))?;
        self.tell_statement(job, index, rows, started);
        Ok(())
    }

    pub(super) fn tell_statement(&mut self, job: &Job<'_>, index: usize, rows: u64, started: Instant) {
        let version = &job.step.version;
        let at = u32::try_from(index + 1).unwrap_or(u32::MAX);
        log::debug!("{version}: statement {at} of {} changed {rows} rows in {} ms", job.len(), millis(started));
        self.run.tell(&Event::Statement { version, index: at, of: job.len(), rows, millis: millis(started) });
    }

    /// Returns the entry of the step, as it is when it begins: the one that is there, or a new one.
    pub(super) fn entry(&self, job: &Job<'_>) -> Entry {
        let known = self.entries.get(&job.step.version);
        let resumes = job.step.resumes || job.step.direction == Way::Down;
        if let (Some(entry), true) = (known, resumes) {
            return entry.clone();
        }
        let position = known.map_or_else(
            || self.entries.values().map(|entry| entry.position).max().unwrap_or(0) + 1,
            |entry| entry.position,
        );
        let call = self.call();
        let ledger = Ledger::default();
        let history = crate::schema::history::History::new(self.run.sources, &ledger);
        let parents = history.parents(&job.step.version);
        entry_of(&job.step.script, self.syntax(), parents, position, self.run.options, call.now)
    }

    /// Returns the schema as it is now.
    pub(super) fn look(&mut self) -> Result<Snapshot> {
        if let Some(schema) = self.schema.take() {
            return Ok(schema);
        }
        let call = self.call();
        self.session.snapshot(&call)
    }

    /// Records that a step is done, in the transaction that is open: the entry of an `up` with what it did to the schema, no
    /// entry after a `down`. Returns the entry and the schema as it is now.
    pub(super) fn record_done(
        &mut self,
        job: &Job<'_>,
        mut entry: Entry,
        before: &Snapshot,
        time: Taken,
    ) -> Result<(Option<Entry>, Snapshot)> {
        let call = self.call();
        let version = &job.step.version;
        let after = self.session.snapshot(&call)?;
        let millis = as_millis(time.before + time.since.elapsed());
        let detail = format!("{} in {millis} ms", job.size());
        match job.step.direction {
            Way::Up => {
                entry.state = State::Applied;
                entry.done = entry.statements;
                entry.batch_key = None;
                entry.error = None;
                entry.finished_at = Some(call.now);
                entry.millis = Some(millis);
                entry.delta = Some(after.since(before));
                self.session.record(&call, &entry)?;
                self.session.log(&call, &log_line(self.run.options, call.now, "applied", Some(version), detail))?;
                Ok((Some(entry), after))
            }
            Way::Down => {
                self.session.forget(&call, version)?;
                self.session.log(&call, &log_line(self.run.options, call.now, "reverted", Some(version), detail))?;
                Ok((None, after))
            }
        }
    }

    /// Keeps in mind what was committed.
    pub(super) fn keep(&mut self, version: &Version, entry: Option<Entry>, schema: Option<Snapshot>) {
        match entry {
            Some(entry) => self.entries.insert(version.clone(), entry),
            None => self.entries.remove(version),
        };
        self.schema = schema;
    }

    pub(super) fn options(&self) -> &RunOptions {
        self.run.options
    }

    pub(super) fn syntax(&self) -> Syntax {
        syntax_of(self.run.sources)
    }

    /// Returns a call at the present time.
    pub(super) fn call(&self) -> Call {
        self.run.now()
    }

    /// Returns a call that goes through although the caller has given up: for what must be written down.
    pub(super) fn quiet(&self) -> Call {
        Call::at(self.run.clock.now())
    }
}
