//! Statements that are done so many rows at a time: each batch is a transaction with the record of how far it is.

use std::time::{Duration, Instant};

use crate::schema::text::{Batch, Syntax};
use crate::schema::{BatchRequest, Begin, Event, ObjectKind, SchemaFault};
use crate::{Error, ErrorKind, Result};

use super::executor::Executor;
use super::failure::Trouble;
use super::job::Job;
use super::names::{columns_set, names_same};
use super::piecewise::{Course, done};
use super::{as_millis, millis};

impl Executor<'_, '_> {
    /// Runs a statement so many rows at a time, each batch in one transaction with the record of how far it is.
    pub(super) fn batches(
        &mut self,
        job: &Job<'_>,
        index: usize,
        rows: u32,
        batch: &Batch<'_>,
        course: &mut Course,
    ) -> Result<(), Trouble> {
        let started = Instant::now();
        self.keeps_key(job, index, batch).map_err(|error| Trouble::from(error).at(index))?;
        let (mut looked_at, mut changed, mut total) = (0, 0, 0);
        loop {
            self.run.call.check().map_err(|error| Trouble::from(error).at(index))?;
            let began = Instant::now();
            let (next, one) = self.patiently(job, |executor, _| {
                executor.begin(Begin::Plain)?;
                let began = Instant::now();
                let request = BatchRequest {
                    statement: job.parts[index].statement.text,
                    table: batch.table,
                    alias: batch.alias,
                    condition: batch.condition.clone(),
                    after: course.entry.batch_key.as_deref(),
                    rows,
                };
                let call = executor.call();
                let one = executor.session.batch(&call, &request);
                let one = one.map_err(|error| Trouble::of_statement(error, index, began.elapsed()))?;
                let at = |error: Error| Trouble::from(error).at(index);
                if one.key.is_some() && one.key == course.entry.batch_key {
                    return Err(at(Error::new(ErrorKind::Unexpected, "a batch ended where it began")));
                }
                let mut next = match &one.key {
                    Some(_) => course.entry.clone(),
                    None => done(course, index, Duration::ZERO),
                };
                next.batch_key.clone_from(&one.key);
                next.millis = Some(as_millis(course.spent + began.elapsed()));
                let call = executor.call();
                executor.session.record(&call, &next).map_err(at)?;
                executor.commit().map_err(|trouble| trouble.at(index))?;
                Ok((next, one))
            })?;
            let ended = one.key.is_none();
            course.spent += began.elapsed();
            self.go_on(course, next);
            looked_at += one.looked_at;
            changed += one.changed;
            total = one.total.unwrap_or(total).max(looked_at);
            let at = u32::try_from(index + 1).unwrap_or(u32::MAX);
            self.run.tell(&Event::Batch {
                version: &job.step.version,
                index: at,
                done: looked_at,
                total,
                millis: millis(began),
            });
            if ended {
                break;
            }
        }
        self.tell_statement(job, index, changed, started);
        Ok(())
    }

    /// Refuses a statement that moves rows behind the key by which it is cut: it would come upon them again.
    fn keeps_key(&mut self, job: &Job<'_>, index: usize, batch: &Batch<'_>) -> Result<()> {
        let syntax = self.syntax();
        let set = columns_set(job.parts[index].statement.text, syntax);
        if set.is_empty() {
            return Ok(());
        }
        let call = self.call();
        let schema = self.session.snapshot(&call)?;
        let of_table = schema.0.iter().filter(|(name, _)| names_same(&name.table, batch.table));
        let mut key: Vec<String> = Vec::new();
        for (name, object) in of_table {
            let attribute = |key: &str| object.attributes.get(key).map_or("", String::as_str);
            if name.kind == ObjectKind::Constraint && attribute("type") == "primary key" {
                key.extend(attribute("columns").split(", ").map(str::to_owned));
            } else if name.kind == ObjectKind::Column && matches!(attribute("identity"), "rowid" | "autoincrement") {
                key.push(name.name.clone());
            }
        }
        if syntax == Syntax::Sqlite {
            key.extend(["rowid", "oid", "_rowid_"].map(str::to_owned));
        }
        match set.iter().find(|column| key.iter().any(|key| key.eq_ignore_ascii_case(column))) {
            None => Ok(()),
            Some(column) => {
                let message = format!("it sets {column}, which is of the key by which its batches are cut");
                Err(SchemaFault::Malformed.error(message).with_hint("write it without the directive batch"))
            }
        }
    }
}
