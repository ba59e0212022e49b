//! Tells whether what is derived agrees with the memories.

use std::collections::HashSet;

use polymnia::{Fault, MemoryId, Namespace, Result, VerifyReport};

use super::audit::{AuditedRow, Auditor, Derived, audit, expected};
use super::declared;
use super::hasher::{self, Hasher};
use crate::connection::Connection;
use crate::row::OneText;
use crate::statement::{fixed, statements};

statements! {
    QuickCheck = "PRAGMA quick_check(100)";
    Count = "SELECT count(*) FROM polymnia_memories";
}

/// Compares everything, at one moment.
pub(crate) fn verify(connection: &mut Connection) -> Result<VerifyReport> {
    connection.read(|connection| {
        let mut report = VerifyReport::default();
        for OneText(problem) in connection.all(fixed::<QuickCheck, 0>([]))? {
            if problem != "ok" {
                fault(&mut report, None, None, format!("SQLite finds the file damaged: {problem}"));
            }
        }
        let Some(hasher) = hasher::read(connection)?.cloned() else {
            // Nothing derived is used.
            let rows: Option<crate::row::Integers<1>> = connection.one(fixed::<Count, 0>([]))?;
            report.memories = rows.map_or(0, |rows| rows.0[0].unsigned_abs());
            report.pending = report.memories;
            return Ok(report);
        };
        let mut verifier = Verifier { hasher: &hasher, report, gone: HashSet::new() };
        audit(connection, &hasher, &mut verifier)?;
        Ok(verifier.report)
    })
}

struct Verifier<'a> {
    hasher: &'a Hasher,
    report: VerifyReport,
    /// Rows that are gone and reported.
    gone: HashSet<i64>,
}

impl Auditor for Verifier<'_> {
    fn row(&mut self, row: &AuditedRow<'_>) {
        let AuditedRow { namespace, id, is_level, is_document } = row;
        self.report.memories += 1;
        self.report.pending += u64::from(!is_level);
        if !is_document {
            let problem = "the metadata is not a JSON object, and no filter on it selects the memory".to_owned();
            fault(&mut self.report, Some(namespace), Some(*id), problem);
        }
    }

    fn shape(&mut self, _connection: &mut Connection, _shape: i64, _paths: &[i32]) -> Result<()> {
        let problem = "paths of memories are not indexed: searches for them miss memories".to_owned();
        fault(&mut self.report, None, None, problem);
        Ok(())
    }

    fn orphans(&mut self, _connection: &mut Connection, found: Derived) -> Result<()> {
        let Derived { postings, entries } = found;
        let rids = postings.iter().map(|posting| posting.rid).chain(entries.iter().map(|entry| entry.rid));
        for rid in rids {
            if self.gone.len() > 1 << 18 {
                self.gone.clear();
            }
            if self.gone.insert(rid) {
                let problem = "stale index entries of a memory, or of an index, that is gone: harmless to answers";
                fault(&mut self.report, None, None, problem.to_owned());
            }
        }
        Ok(())
    }

    fn odd(&mut self, connection: &mut Connection, rid: i64, found: Derived) -> Result<()> {
        let declared = declared::list(connection)?;
        let Some((namespace, id, mut expected)) = expected(connection, self.hasher, &declared, rid)? else {
            return Ok(());
        };
        expected.entries.retain(|entry| declared.iter().any(|index| index.number == entry.number && index.ready));
        let missing = expected.postings.iter().filter(|posting| !found.postings.contains(posting)).count()
            + expected.entries.iter().filter(|entry| !found.entries.contains(entry)).count();
        if missing > 0 {
            let problem = format!("{missing} index entries are missing: searches may miss the memory");
            fault(&mut self.report, Some(&namespace), Some(id), problem);
        }
        let is_stale = |number| declared.iter().any(|index| index.number == number && index.ready);
        let stale = found.postings.iter().filter(|posting| !expected.postings.contains(posting)).count()
            + found.entries.iter().filter(|entry| is_stale(entry.number) && !expected.entries.contains(entry)).count();
        if stale > 0 {
            let problem = format!("{stale} stale index entries, not of its present metadata: harmless to answers");
            fault(&mut self.report, Some(&namespace), Some(id), problem);
        }
        Ok(())
    }

    fn looked_at(&mut self, count: u64) {
        self.report.entries += count;
    }
}

fn fault(report: &mut VerifyReport, namespace: Option<&Namespace>, id: Option<MemoryId>, problem: String) {
    report.fault_count += 1;
    if report.faults.len() < VerifyReport::MAX_FAULTS {
        report.faults.push(Fault { namespace: namespace.cloned(), id, problem });
    }
}
