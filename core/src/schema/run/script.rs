//! A plan written as a script for the database's own shell.

use std::collections::BTreeMap;

use crate::schema::history::History;
use crate::schema::{
    Begin, Entry, Ledger, LogEntry, Plan, RunOptions, ScriptPart, Source, State, TxMode, Version, Way,
};
use crate::spi::SchemaEngine;
use crate::{Result, Timestamp};

use super::job::{How, Job, Mode};
use super::{adoption, entry_of, log_line, refuse, syntax_of};

/// Writes a plan as a script that does what running it would do, ledgers included.
///
/// What stopped half-way is refused: how far it is, a script can't see. What is not one transaction is written statement by statement, with a record of each. A statement in batches is written
/// whole: the shell can't cut it.
pub(crate) fn script(
    engine: &dyn SchemaEngine,
    sources: &[Source],
    plan: &Plan,
    ledger: &Ledger,
    options: &RunOptions,
    now: Timestamp,
) -> Result<String> {
    let jobs = Job::read(plan, syntax_of(sources), options.tx_mode)?;
    let together = options.tx_mode == TxMode::All;
    refuse::mixed(&jobs, together, false)?;
    refuse::half_done(&jobs)?;
    let mut writer = Writer { sources, options, now, together, entries: BTreeMap::new(), lines: Vec::new() };
    writer.open(plan, ledger);
    for job in &jobs {
        writer.step(job, ledger);
    }
    if together {
        writer.lines.push(Line::Commit);
    }
    let applied = applied(ledger);
    let mut parts = vec![ScriptPart::Guard(applied.iter().collect())];
    parts.extend(writer.lines.iter().map(Line::part));
    engine.script(&parts)
}

/// Returns the versions that are applied, as the guard compares them.
fn applied(ledger: &Ledger) -> Vec<Version> {
    let rows = ledger.diesel.iter().flatten();
    rows.filter_map(|row| Version::new(row.as_str()).ok()).collect()
}

/// Is a [`ScriptPart`] that owns what it is made of.
enum Line<'p> {
    Comment(String),
    Prepare,
    Begin(Begin),
    Statement(&'p str),
    Record(Box<Entry>),
    Forget(Version),
    Log(LogEntry),
    Commit,
}

impl Line<'_> {
    fn part(&self) -> ScriptPart<'_> {
        match self {
            Self::Comment(text) => ScriptPart::Comment(text),
            Self::Prepare => ScriptPart::Prepare,
            Self::Begin(how) => ScriptPart::Begin(*how),
            Self::Statement(text) => ScriptPart::Statement(text),
            Self::Record(entry) => ScriptPart::Record(entry),
            Self::Forget(version) => ScriptPart::Forget(version),
            Self::Log(line) => ScriptPart::Log(line),
            Self::Commit => ScriptPart::Commit,
        }
    }
}

struct Writer<'w, 'p> {
    sources: &'w [Source],
    options: &'w RunOptions,
    now: Timestamp,
    together: bool,
    entries: BTreeMap<Version, Entry>,
    lines: Vec<Line<'p>>,
}

impl<'p> Writer<'_, 'p> {
    fn open(&mut self, plan: &Plan, ledger: &Ledger) {
        let name = |version: &Option<Version>| version.as_ref().map_or("nothing".to_owned(), Version::to_string);
        let steps = plan.steps.len();
        self.lines.push(Line::Comment(format!("{steps} migrations: from {} to {}", name(&plan.from), name(&plan.to))));
        self.lines.push(Line::Prepare);
        let entries = ledger.entries.clone().unwrap_or_default();
        self.entries = entries.into_iter().map(|entry| (entry.version.clone(), entry)).collect();
        if self.together {
            self.lines.push(Line::Begin(Begin::Plain));
        }
        let adoption = adoption(self.sources, ledger, self.options, self.now);
        if adoption.is_empty() {
            return;
        }
        self.begin(Begin::Plain);
        for entry in adoption.adopt {
            let line = log_line(self.options, self.now, "adopted", Some(&entry.version), "applied by another tool");
            self.record(entry);
            self.lines.push(Line::Log(line));
        }
        for version in adoption.forget {
            let line = log_line(self.options, self.now, "adopted", Some(&version), "taken back by another tool");
            self.forget(version);
            self.lines.push(Line::Log(line));
        }
        self.commit();
    }

    fn step(&mut self, job: &Job<'p>, ledger: &Ledger) {
        let way = match job.step.direction {
            Way::Up => "apply",
            Way::Down => "take back",
        };
        self.lines.push(Line::Comment(format!("{way} {} ({})", job.title(), job.place(None))));
        match job.mode {
            Mode::Step(how) => {
                if how == Begin::Rebuild {
                    let note = "a run compares the numbers of rows before and after; this script can't, so compare them yourself";
                    self.lines.push(Line::Comment(note.to_owned()));
                }
                self.begin(how);
                let statements = job.parts.iter().filter(|part| part.how != How::Left);
                self.lines.extend(statements.map(|part| Line::Statement(part.statement.text)));
                let entry = self.entry(job, ledger);
                self.done(job, entry);
                self.commit();
            }
            Mode::Statement => self.piecewise(job, ledger),
        }
    }

    fn piecewise(&mut self, job: &Job<'p>, ledger: &Ledger) {
        let mut entry = self.entry(job, ledger);
        entry.done = 0;
        entry.batch_key = None;
        entry.state = match job.step.direction {
            Way::Up => State::Running,
            Way::Down => State::Reverting,
        };
        entry.statements = job.len();
        entry.error = None;
        self.begin(Begin::Plain);
        self.record(entry.clone());
        self.commit();
        for (index, part) in job.parts.iter().enumerate() {
            entry.done = u32::try_from(index + 1).unwrap_or(u32::MAX);
            match part.how {
                How::Left => {}
                How::Alone => {
                    self.lines.push(Line::Statement(part.statement.text));
                    self.record(entry.clone());
                }
                How::Plain | How::Batches(..) => {
                    self.begin(Begin::Plain);
                    self.lines.push(Line::Statement(part.statement.text));
                    self.record(entry.clone());
                    self.commit();
                }
            }
        }
        self.begin(Begin::Plain);
        self.done(job, entry);
        self.commit();
    }

    /// Returns the entry of the step as it begins: the one that is there, or a new one.
    fn entry(&self, job: &Job<'_>, ledger: &Ledger) -> Entry {
        let version = &job.step.version;
        let known = self.entries.get(version);
        if let (Some(entry), true) = (known, job.step.direction == Way::Down) {
            return entry.clone();
        }
        let position = known.map_or_else(
            || self.entries.values().map(|entry| entry.position).max().unwrap_or(0) + 1,
            |entry| entry.position,
        );
        let parents = History::new(self.sources, ledger).parents(version);
        entry_of(&job.step.script, syntax_of(self.sources), parents, position, self.options, self.now)
    }

    fn done(&mut self, job: &Job<'_>, mut entry: Entry) {
        let version = &job.step.version;
        let detail = format!("{}, by a script", job.size());
        match job.step.direction {
            Way::Up => {
                entry.state = State::Applied;
                entry.done = entry.statements;
                entry.finished_at = Some(self.now);
                // Nobody looks at the schema before and after.
                entry.delta.clone_from(&job.step.script.delta);
                self.record(entry);
                self.lines.push(Line::Log(log_line(self.options, self.now, "applied", Some(version), detail)));
            }
            Way::Down => {
                self.forget(version.clone());
                self.lines.push(Line::Log(log_line(self.options, self.now, "reverted", Some(version), detail)));
            }
        }
    }

    fn record(&mut self, entry: Entry) {
        self.entries.insert(entry.version.clone(), entry.clone());
        self.lines.push(Line::Record(Box::new(entry)));
    }

    fn forget(&mut self, version: Version) {
        self.entries.remove(&version);
        self.lines.push(Line::Forget(version));
    }

    fn begin(&mut self, how: Begin) {
        if !self.together {
            self.lines.push(Line::Begin(how));
        }
    }

    fn commit(&mut self) {
        if !self.together {
            self.lines.push(Line::Commit);
        }
    }
}
