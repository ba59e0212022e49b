//! Tests of running, on a database in memory.

mod backups;
mod crash;
mod failures;
mod locks;
mod scripts;
mod steps;

use std::time::Duration;

use super::{Run, rehearse, run, script};
use crate::schema::fake::{Fake, metadata, script as one, source};
use crate::schema::history::History;
use crate::schema::{Event, Ledger, Plan, RunOptions, RunReport, SchemaFault, Script, SessionOptions, State, Target};
use crate::spi::SchemaEngine as _;
use crate::{Call, CancelToken, Error, Result, SystemClock, Timestamp};

const V1: &str = "20260101000000";
const V2: &str = "20260102000000";

/// Runs things on a fake and keeps what was told.
struct Bench {
    fake: Fake,
    options: RunOptions,
    events: Vec<String>,
    cancel: Option<CancelToken>,
    /// Cancels when an event begins so.
    cancel_at: Option<&'static str>,
}

impl Bench {
    fn new(dialect: &str, scripts: Vec<Script>) -> Self {
        let options = RunOptions {
            session: SessionOptions { lock_wait: Duration::from_millis(250), lock_timeout: Duration::from_millis(10) },
            backup: crate::schema::BackupMode::Never,
            allow_destructive: true,
            by: "tester@host".to_owned(),
            ..RunOptions::default()
        };
        Self { fake: Fake::new(source(dialect, scripts)), options, events: Vec::new(), cancel: None, cancel_at: None }
    }

    fn postgres(scripts: Vec<Script>) -> Self {
        Self::new("postgres", scripts)
    }

    fn up(&mut self) -> Result<RunReport> {
        self.go(false, |history, options| history.plan_up(&Target::Head, options))
    }

    fn down(&mut self, target: &Target) -> Result<RunReport> {
        self.go(false, |history, options| history.plan_down(target, options))
    }

    fn rehearse(&mut self) -> Result<RunReport> {
        self.go(true, |history, options| history.plan_up(&Target::Head, options))
    }

    fn go(&mut self, rehearsed: bool, plan: impl Fn(&History<'_>, &RunOptions) -> Result<Plan>) -> Result<RunReport> {
        let sources = [self.fake.source()];
        let token = CancelToken::new();
        let call = Call { cancel: Some(self.cancel.clone().unwrap_or_else(|| token.clone())), ..Call::at(time()) };
        let (events, cancel_at) = (&mut self.events, self.cancel_at);
        events.clear();
        let mut observer = |event: &Event<'_>| {
            let told = told(event);
            if cancel_at.is_some_and(|begin| told.starts_with(begin)) {
                token.cancel();
            }
            events.push(told);
        };
        let with = Run {
            engine: &self.fake,
            options: &self.options,
            call: &call,
            clock: &SystemClock,
            observer: &mut observer,
            sources: &sources,
        };
        let planner = |ledger: &Ledger| plan(&History::new(&sources, ledger), &self.options);
        if rehearsed { rehearse(with, &planner) } else { run(with, &planner) }
    }

    fn state(&self, version: &str) -> Option<State> {
        self.fake.entry(version).map(|entry| entry.state)
    }

    /// Returns how often a statement took effect.
    fn effect(&self, statement: &str) -> u32 {
        self.fake.world().data.effects.get(statement).copied().unwrap_or(0)
    }

    fn rows(&self, table: &str) -> Vec<u32> {
        self.fake.world().data.rows[table].clone()
    }
}

fn told(event: &Event<'_>) -> String {
    match event {
        Event::Planned { steps } => format!("planned {}", steps.len()),
        Event::BackupStarted { .. } => "backup".to_owned(),
        Event::BackupFinished { .. } => "backed up".to_owned(),
        Event::Adopted { version, applied } => format!("adopted {version} {applied}"),
        Event::StepStarted { step, done } => format!("started {} {done}", step.version),
        Event::Statement { index, of, rows, .. } => format!("statement {index}/{of} {rows}"),
        Event::Batch { done, total, .. } => format!("batch {done}/{total}"),
        Event::Retrying { attempt, .. } => format!("retrying {attempt}"),
        Event::StepFinished { step, .. } => format!("finished {}", step.version),
        Event::StepFailed { step, .. } => format!("failed {}", step.version),
        Event::Waiting { .. } => "waiting".to_owned(),
    }
}

fn time() -> Timestamp {
    "2026-11-21T10:15:00Z".parse().unwrap()
}

/// Returns a migration that is not one transaction.
fn piecewise(version: &str, up: &str, down: &str) -> Script {
    Script { metadata: metadata(false, false), ..one(version, up, down) }
}

fn fault(error: &Error) -> Option<SchemaFault> {
    SchemaFault::of(error)
}

fn context<'e>(error: &'e Error, key: &str) -> &'e str {
    error.context_value(key).unwrap_or_default()
}
