//! Steps that are not one transaction: statement by statement, with a record of each, so that a run that stopped is gone on
//! with and each statement takes effect once.
//!
//! A statement that can be in a transaction shares one with the record. One that can't be runs alone and is recorded after;
//! run a second time, it does no harm: an index that is there is not built again, one that is half-made is dropped first.

use std::time::{Duration, Instant};

use crate::schema::text::{Statement, statements};
use crate::schema::{Begin, Delta, Entry, ObjectKind, ObjectName, SchemaFault, Snapshot, State, Way};
use crate::{Error, Result};

use super::as_millis;
use super::executor::{Executor, Taken};
use super::failure::{Left, Trouble};
use super::job::{How, Job};
use super::names::{index_made, is_called, names_same, same_schema};

/// Is a step on its way.
pub(super) struct Course {
    /// The entry as it is recorded.
    pub(super) entry: Entry,
    /// The entry before the step began, for a `down`.
    original: Option<Entry>,
    /// The schema before the step began.
    before: Snapshot,
    /// The tables on which the script makes an index, or made one as it was when the step began, as they are written. None where
    /// it may make indexes anew on any.
    indexed: Option<Vec<String>>,
    /// Whether the run before was killed, so that the statement that is next may be done and not recorded. Where it failed,
    /// that statement is not done.
    killed: bool,
    /// Which statement is done outside a transaction and not recorded yet.
    unrecorded: Option<usize>,
    /// How long its statements took, in this run and before.
    pub(super) spent: Duration,
}

impl Executor<'_, '_> {
    /// Runs a step statement by statement.
    pub(super) fn piecewise(&mut self, job: &Job<'_>) -> Result<(), (Trouble, Left)> {
        let mut course = self.set_out(job).map_err(|trouble| {
            // Nothing was recorded yet, or what an earlier run has recorded stays.
            let left = match self.entries.get(&job.step.version) {
                Some(entry) if job.step.resumes => part(entry, None),
                _ => Left::Nothing,
            };
            (trouble, left)
        })?;
        self.tell_start(job, course.entry.done);
        match self.go(job, &mut course) {
            Ok(()) => Ok(()),
            Err(trouble) => {
                self.schema = None;
                let left = self.stop(job, course, &trouble);
                Err((trouble, left))
            }
        }
    }

    /// Records that the step begins, or goes on.
    fn set_out(&mut self, job: &Job<'_>) -> Result<Course, Trouble> {
        self.run.call.check()?;
        let resumes = job.step.resumes;
        let mut entry = self.entry(job);
        let now = self.call().now;
        let known = self.entries.get(&job.step.version).cloned();
        // What an earlier run has changed is no longer to be seen: it has kept what was before.
        let before = match entry.delta.take() {
            Some(kept) if resumes && job.step.direction == Way::Up => whole_of(&kept),
            _ => self.look()?,
        };
        let killed = resumes && entry.error.is_none();
        let began_with = known.as_ref().filter(|_| resumes).and_then(|known| match job.step.direction {
            Way::Up => known.up.as_deref(),
            Way::Down => known.down.as_deref(),
        });
        let earlier = statements(began_with.unwrap_or_default(), self.syntax());
        let all = || earlier.iter().chain(job.parts.iter().map(|part| &part.statement));
        let any =
            all().any(|statement| statement.text.get(..7).is_some_and(|word| word.eq_ignore_ascii_case("REINDEX")));
        let tables = all().filter_map(|statement| statement.creates_index_on().map(str::to_owned));
        let indexed = (!any).then(|| tables.collect());
        let mut original = None;
        match job.step.direction {
            Way::Up => {
                entry.state = State::Running;
                entry.delta = Some(before.since(&Snapshot::default()));
                if resumes {
                    self.renew(&mut entry, job);
                }
            }
            Way::Down => {
                entry.delta = known.as_ref().and_then(|known| known.delta.clone());
                original = known.filter(|known| known.state == State::Applied);
                entry.state = State::Reverting;
                entry.down = Some(job.step.script.down.clone());
                if !resumes {
                    entry.done = 0;
                    entry.batch_key = None;
                }
            }
        }
        entry.statements = job.len();
        entry.error = None;
        if !resumes && job.step.direction == Way::Up {
            entry.started_at = now;
        }
        self.patiently(job, |executor, _| executor.write(&entry))?;
        self.keep(&job.step.version, Some(entry.clone()), None);
        let spent = if resumes && job.step.direction == Way::Up { entry.millis.unwrap_or(0) } else { 0 };
        let spent = Duration::from_millis(spent);
        Ok(Course { entry, original, before, indexed, killed, unrecorded: None, spent })
    }

    /// Takes the script as it is now into the entry of a step that goes on: a statement that failed may have been mended.
    fn renew(&self, entry: &mut Entry, job: &Job<'_>) {
        let script = &job.step.script;
        let sums = crate::schema::text::checksums(&script.up, self.syntax());
        entry.checksum_raw = sums.raw;
        entry.checksum = sums.normalized;
        entry.up = Some(script.up.clone());
        entry.down = Some(script.down.clone());
        entry.compatibility = script.metadata.compatibility;
        entry.by.clone_from(&self.options().by);
        entry.tool.clone_from(&self.options().tool);
    }

    fn go(&mut self, job: &Job<'_>, course: &mut Course) -> Result<(), Trouble> {
        let first = usize::try_from(course.entry.done).unwrap_or(usize::MAX);
        for (index, part) in job.parts.iter().enumerate().skip(first) {
            // Only what runs outside a transaction can be done without a record.
            course.killed &= part.how == How::Alone;
            self.run.call.check().map_err(|error| Trouble::from(error).at(index))?;
            match &part.how {
                How::Batches(rows, batch) => self.batches(job, index, *rows, batch, course)?,
                How::Alone => self.alone(job, index, course)?,
                How::Plain => self.together_with_record(job, index, course)?,
                How::Left => {}
            }
            course.killed = false;
        }
        self.finish(job, course)
    }

    /// Runs a statement in one transaction with the record of it.
    fn together_with_record(&mut self, job: &Job<'_>, index: usize, course: &mut Course) -> Result<(), Trouble> {
        let began = Instant::now();
        let entry = self.patiently(job, |executor, _| {
            executor.begin(Begin::Plain)?;
            executor.execute(job, index)?;
            let next = done(course, index, began.elapsed());
            let call = executor.call();
            executor.session.record(&call, &next).map_err(|error| Trouble::from(error).at(index))?;
            executor.commit().map_err(|trouble| trouble.at(index))?;
            Ok(next)
        })?;
        course.spent += began.elapsed();
        self.go_on(course, entry);
        Ok(())
    }

    /// Runs a statement that can't be in a transaction, then records it.
    fn alone(&mut self, job: &Job<'_>, index: usize, course: &mut Course) -> Result<(), Trouble> {
        let statement = &job.parts[index].statement;
        let (creates, drops) = (index_made(statement), statement.drops_index());
        let began = Instant::now();
        let at = |error: Error| Trouble::from(error).at(index);
        self.patiently(job, |executor, _| {
            executor.clear(statement, index)?;
            let is_done = course.killed
                && match (&creates, drops) {
                    (Some(name), _) => executor.has_built(statement, name, course).map_err(at)?,
                    (None, Some(name)) => !executor.is_there(name).map_err(at)?,
                    (None, None) => false,
                };
            if is_done {
                return Ok(());
            }
            course.killed = false;
            executor.execute(job, index)
        })?;
        course.unrecorded = Some(index);
        if let Some(name) = &creates
            && let Some(invalid) = self.invalid(name).map_err(at)?
        {
            course.unrecorded = None;
            return Err(at(left_invalid(&invalid)));
        }
        course.spent += began.elapsed();
        let next = done(course, index, Duration::ZERO);
        self.patiently(job, |executor, _| executor.write(&next)).map_err(|trouble| trouble.at(index))?;
        course.unrecorded = None;
        self.go_on(course, next);
        Ok(())
    }

    /// Records that the step is done.
    fn finish(&mut self, job: &Job<'_>, course: &mut Course) -> Result<(), Trouble> {
        course.killed = false;
        self.run.call.check()?;
        for (index, part) in job.parts.iter().enumerate().filter(|(_, part)| part.how == How::Alone) {
            let Some(name) = index_made(&part.statement) else { continue };
            if let Some(invalid) = self.invalid(&name)? {
                // So that the next run builds it again.
                course.entry.done = u32::try_from(index).unwrap_or(u32::MAX);
                return Err(Trouble::from(left_invalid(&invalid)).at(index));
            }
        }
        if let Some(invalid) = self.stray(course)? {
            let hint = format!("drop it by `DROP INDEX CONCURRENTLY {invalid}`");
            return Err(left_invalid(&invalid).with_hint(hint).into());
        }
        let time = Taken { before: course.spent, since: Instant::now() };
        let (entry, after) = self.patiently(job, |executor, _| {
            executor.begin(Begin::Plain)?;
            let recorded = executor.record_done(job, course.entry.clone(), &course.before, time)?;
            executor.commit()?;
            Ok(recorded)
        })?;
        self.keep(&job.step.version, entry, Some(after));
        Ok(())
    }

    /// Writes down where a step stopped, and returns what stays of it. Where that can't be written, what was recorded last
    /// says the same.
    fn stop(&mut self, job: &Job<'_>, course: Course, trouble: &Trouble) -> Left {
        let Course { mut entry, original, before, unrecorded, killed, .. } = course;
        let beyond = match unrecorded {
            Some(index) => Some(format!("statement {} is done and not recorded", index + 1)),
            None if killed => Some(format!("statement {} may be done", entry.done + 1)),
            None => self.beyond(job, &entry, &before, trouble),
        };
        let nothing = entry.done == 0 && entry.batch_key.is_none() && beyond.is_none();
        let call = self.quiet();
        let line = self.failure_line(job, trouble, &call);
        let version = &job.step.version;
        let written = self.session.begin(&call, Begin::Plain).and_then(|()| {
            match (nothing, job.step.direction, &original) {
                (true, Way::Up, _) => self.session.forget(&call, version)?,
                (true, Way::Down, Some(original)) => self.session.record(&call, original)?,
                // The next run is to find it as after a kill.
                _ if unrecorded.is_some() || killed => {}
                _ => {
                    if job.step.direction == Way::Up {
                        entry.state = State::Failed;
                    }
                    entry.error = Some(trouble.error.message().to_owned());
                    self.session.record(&call, &entry)?;
                }
            }
            self.session.log(&call, &line)?;
            self.session.commit(&call)
        });
        if let Err(error) = written {
            super::roll_back(&mut *self.session);
            log::warn!("where {} stopped can't be written down, the record before stays: {error}", job.title());
        }
        if nothing { Left::Nothing } else { part(&entry, beyond) }
    }

    /// Returns what stays of the statement that failed.
    fn beyond(&mut self, job: &Job<'_>, entry: &Entry, before: &Snapshot, trouble: &Trouble) -> Option<String> {
        let index = trouble.statement?;
        let part = job.parts.get(index)?;
        if entry.batch_key.is_some() {
            return Some(format!("statement {} has done part of its rows", index + 1));
        }
        if part.how != How::Alone {
            return None;
        }
        let name = index_made(&part.statement).or_else(|| part.statement.drops_index().map(str::to_owned));
        let call = self.quiet();
        match (self.session.invalid_indexes(&call), name) {
            (Ok(invalid), name) => {
                let is_its = |index: &String| {
                    name.as_ref().is_some_and(|name| names_same(index, name)) || !had_index(before, index)
                };
                invalid.into_iter().find(is_its).map(|index| format!("index {index} is left INVALID"))
            }
            (Err(_), Some(name)) => Some(format!("index {name} may be left INVALID")),
            (Err(_), None) => None,
        }
    }

    /// Drops what an earlier attempt left half-made. An index of that name on another table is left alone: the database says
    /// that there is one.
    fn clear(&mut self, statement: &Statement<'_>, index: usize) -> Result<(), Trouble> {
        let at = |error: Error| Trouble::from(error).at(index);
        let Some(name) = index_made(statement) else { return Ok(()) };
        let Some(invalid) = self.invalid(&name).map_err(at)? else { return Ok(()) };
        let call = self.call();
        let schema = self.session.snapshot(&call).map_err(at)?;
        if had_index(&schema, &invalid) && index_on_table(&schema, statement).is_none() {
            return Ok(());
        }
        log::info!("dropping index {invalid}, which was left INVALID");
        let started = Instant::now();
        let dropped = self.session.drop_invalid_index(&call, &invalid);
        dropped.map_err(|mut error| {
            // The place is in another statement than the script's.
            error.offset = None;
            Trouble::of_statement(error, index, started.elapsed())
        })
    }

    /// Returns whether the index that a statement makes was made since the step began, on the table it names.
    fn has_built(&mut self, statement: &Statement<'_>, name: &str, course: &Course) -> Result<bool> {
        let call = self.call();
        if !self.session.has_index(&call, name)? {
            return Ok(false);
        }
        let schema = self.session.snapshot(&call)?;
        let found = index_on_table(&schema, statement);
        // What a `down` began with is not kept.
        let is_new =
            |index: &ObjectName| course.entry.state == State::Reverting || !course.before.0.contains_key(index);
        Ok(found.is_some_and(is_new))
    }

    fn is_there(&mut self, name: &str) -> Result<bool> {
        let call = self.call();
        Ok(self.session.has_index(&call, name)? || self.invalid(name)?.is_some())
    }

    /// Returns the index of that name that is half-made, qualified, if there is one.
    fn invalid(&mut self, name: &str) -> Result<Option<String>> {
        let call = self.call();
        let invalid = self.session.invalid_indexes(&call)?;
        Ok(invalid.into_iter().find(|found| names_same(found, name)))
    }

    /// Returns a half-made index that is new since the step began, on a table that the script makes indexes on: one that the
    /// script made before it was mended has no statement that would build it again. Those of others are none of it.
    fn stray(&mut self, course: &Course) -> Result<Option<String>> {
        if course.indexed.as_ref().is_some_and(Vec::is_empty) {
            return Ok(None);
        }
        let call = self.call();
        let mut invalid = self.session.invalid_indexes(&call)?;
        invalid.retain(|index| !had_index(&course.before, index));
        let Some(tables) = course.indexed.as_ref().filter(|_| !invalid.is_empty()) else {
            return Ok(invalid.into_iter().next());
        };
        let schema = self.session.snapshot(&call)?;
        let on_ours = |index: &String| {
            let mut found = schema.0.keys().filter(|object| object.kind == ObjectKind::Index);
            found.any(|object| {
                is_called(&object.name, index)
                    && same_schema(&object.table, index)
                    && tables.iter().any(|table| names_same(&object.table, table))
            })
        };
        Ok(invalid.into_iter().find(on_ours))
    }

    /// Writes an entry in a transaction of its own.
    fn write(&mut self, entry: &Entry) -> Result<(), Trouble> {
        self.begin(Begin::Plain)?;
        let call = self.call();
        self.session.record(&call, entry)?;
        self.commit()?;
        Ok(())
    }

    /// Takes over what was committed.
    pub(super) fn go_on(&mut self, course: &mut Course, entry: Entry) {
        course.entry = entry;
        self.keep(&course.entry.version.clone(), Some(course.entry.clone()), None);
    }
}

/// Returns the entry after a statement.
pub(super) fn done(course: &Course, index: usize, took: Duration) -> Entry {
    Entry {
        done: u32::try_from(index + 1).unwrap_or(u32::MAX),
        batch_key: None,
        millis: Some(as_millis(course.spent + took)),
        ..course.entry.clone()
    }
}

fn part(entry: &Entry, beyond: Option<String>) -> Left {
    Left::Part { done: entry.done, beyond }
}

fn left_invalid(index: &str) -> Error {
    SchemaFault::PartlyApplied
        .error(format!("index {index} is INVALID: it was not built to its end"))
        .with_context("index", index)
}

/// Returns the index that a statement makes, if the table it names has one of that name.
fn index_on_table<'s>(schema: &'s Snapshot, statement: &Statement<'_>) -> Option<&'s ObjectName> {
    let (name, table) = (statement.creates_index()?, statement.creates_index_on()?);
    let is_it = |object: &&ObjectName| {
        object.kind == ObjectKind::Index && names_same(&object.table, table) && is_called(&object.name, name)
    };
    schema.0.keys().find(is_it)
}

/// Returns whether a schema has an index of a qualified name, on whatever table.
fn had_index(schema: &Snapshot, qualified: &str) -> bool {
    let mut indexes = schema.0.keys().filter(|object| object.kind == ObjectKind::Index);
    indexes.any(|object| is_called(&object.name, qualified) && same_schema(&object.table, qualified))
}

/// Returns the schema that a delta from nothing is.
fn whole_of(kept: &Delta) -> Snapshot {
    let mut schema = Snapshot::default();
    schema.apply(kept);
    schema
}
