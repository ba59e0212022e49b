//! Steps that are one transaction with the record of them: a crash leaves nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::schema::{Begin, SchemaFault};
use crate::{Error, Result};

use super::executor::{Executor, Taken};
use super::failure::Trouble;
use super::job::{How, Job};

impl Executor<'_, '_> {
    /// Runs a step in one transaction.
    pub(super) fn whole(&mut self, job: &Job<'_>, how: Begin) -> Result<(), Trouble> {
        self.tell_start(job, 0);
        let done = self.patiently(job, |executor, _| executor.transaction(job, how));
        if let Err(trouble) = &done {
            self.schema = None;
            if !self.together {
                self.log_failure(job, trouble);
            }
        }
        done
    }

    fn transaction(&mut self, job: &Job<'_>, how: Begin) -> Result<(), Trouble> {
        self.run.call.check()?;
        let time = Taken { before: Duration::ZERO, since: Instant::now() };
        self.begin(how)?;
        let before = self.look()?;
        let counts = if how == Begin::Rebuild { Some(self.count()?) } else { None };
        for (index, part) in job.parts.iter().enumerate() {
            if part.how != How::Left {
                self.execute(job, index)?;
            }
        }
        if let Some(counts) = counts {
            self.nothing_lost(&counts)?;
        }
        self.run.call.check()?;
        let entry = self.entry(job);
        let (entry, after) = self.record_done(job, entry, &before, time)?;
        self.commit()?;
        self.keep(&job.step.version, entry, Some(after));
        Ok(())
    }

    fn count(&mut self) -> Result<BTreeMap<String, u64>> {
        let call = self.call();
        self.session.row_counts(&call)
    }

    /// Checks that a rebuild has kept all rows: every table that was there and still is has as many, and none refers to what
    /// is gone.
    fn nothing_lost(&mut self, before: &BTreeMap<String, u64>) -> Result<()> {
        let after = self.count()?;
        let lost = |(table, rows): (&String, &u64)| {
            let now = after.get(table)?;
            (now != rows).then(|| format!("table {table} had {rows} rows before and has {now} after"))
        };
        if let Some(lost) = before.iter().find_map(lost) {
            return Err(SchemaFault::RolledBack.error(format!("rows were lost or added: {lost}")));
        }
        let call = self.call();
        let orphans = self.session.orphans(&call)?;
        match orphans.first() {
            None => Ok(()),
            Some(orphan) => Err(orphaned(orphan)),
        }
    }
}

fn orphaned(orphan: &crate::schema::Orphans) -> Error {
    let crate::schema::Orphans { table, parent, rows } = orphan;
    SchemaFault::RolledBack
        .error(format!("{rows} rows of {table} refer to rows of {parent} that are not there"))
        .with_context("table", table)
}
