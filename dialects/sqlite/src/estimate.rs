//! How many rows a term or a condition finds, cheaply: counted up to a bound, and remembered for a while.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use polymnia::Result;

use crate::connection::Connection;
use crate::row::Integers;
use crate::statement::{Value, fixed, statements};

/// The bounds that candidates are counted up to in turn, so that what is counted in vain is no more than a small multiple of
/// what the rarest one has.
pub(crate) const BOUNDS: [u64; 3] = [16, 128, 1_024];

/// How often a number is used before it is counted again.
const USES: u32 = 256;
/// How many numbers are remembered. Past it, remembering begins anew.
const MAX_KNOWN: usize = 4_096;

statements! {
    /// How many postings a term has, up to a limit, and the first and last time of these.
    Newest =
        "SELECT count(*), min(created), max(created) FROM ",
        "(SELECT created FROM polymnia_postings WHERE term = ? ORDER BY created DESC LIMIT ?)";
    Oldest = "SELECT min(created) FROM polymnia_postings WHERE term = ?";
}

/// Remembers what was counted, for all connections of an engine.
#[derive(Debug, Default)]
pub(crate) struct Estimates {
    known: Mutex<HashMap<Subject, Known>>,
}

/// Is what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    Term(i32),
    /// Conditions on own fields, by a hash.
    Fields(u64),
}

#[derive(Clone, Copy, Debug)]
struct Known {
    rows: u64,
    /// What it was counted up to; below it, `rows` is what there was.
    bound: u64,
    uses: u32,
}

impl Estimates {
    /// Returns how many rows there are, if that is known for this bound: less than the bound, or about so many.
    fn known(&self, subject: Subject, bound: u64) -> Option<u64> {
        let mut all = self.all();
        let known = all.get_mut(&subject)?;
        if known.uses == 0 || (known.rows >= known.bound && known.bound < bound) {
            return None;
        }
        known.uses -= 1;
        Some(known.rows)
    }

    fn learn(&self, subject: Subject, rows: u64, bound: u64) {
        let mut all = self.all();
        if all.len() >= MAX_KNOWN {
            all.clear();
        }
        all.insert(subject, Known { rows, bound, uses: USES });
    }

    /// Forgets everything: the database is another now.
    pub(crate) fn forget(&self) {
        self.all().clear();
    }

    /// Each number stands for itself, so a panic elsewhere leaves nothing half done.
    fn all(&self) -> MutexGuard<'_, HashMap<Subject, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns how many postings a term has: exactly if there are less than `bound`, else about.
pub(crate) fn of_term(connection: &mut Connection, term: i32, bound: u64) -> Result<u64> {
    let subject = Subject::Term(term);
    if let Some(rows) = connection.estimates().known(subject, bound) {
        return Ok(rows);
    }
    let term = Value::Integer(i64::from(term));
    let limit = Value::Integer(bound.cast_signed());
    let found: Option<Integers<3>> = connection.one(fixed::<Newest, 2>([term, limit]))?;
    let [rows, from, until] = found.map_or([0; 3], |found| found.0);
    let mut rows = rows.unsigned_abs();
    if bound == BOUNDS[BOUNDS.len() - 1] && rows == bound {
        // There are more. If they came at the rate of the newest, there are as many as the time since the oldest has room
        // for.
        let oldest: Option<Integers<1>> = connection.one(fixed::<Oldest, 1>([term]))?;
        let whole = until.saturating_sub(oldest.map_or(from, |oldest| oldest.0[0])).unsigned_abs();
        let part = until.saturating_sub(from).unsigned_abs().max(1);
        rows = rows.saturating_mul(whole / part).max(rows);
    }
    connection.estimates().learn(subject, rows, bound);
    Ok(rows)
}

/// Returns how many rows `count` finds when it counts up to a limit: exactly if there are less than `bound`.
pub(crate) fn of_fields(
    connection: &mut Connection,
    hash: u64,
    bound: u64,
    count: impl FnOnce(&mut Connection, i64) -> Result<u64>,
) -> Result<u64> {
    let subject = Subject::Fields(hash);
    if let Some(rows) = connection.estimates().known(subject, bound) {
        return Ok(rows);
    }
    let rows = count(connection, bound.cast_signed())?;
    connection.estimates().learn(subject, rows, bound);
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::differential::{Corpus, Level};

    #[test]
    fn numbers_are_exact_below_the_bound_and_estimated_beyond() {
        Corpus::new(1, 0, Level::None).with(|_, connection| {
            let postings = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
                INSERT INTO polymnia_postings SELECT iif(i <= 100, 1, 2), i, i FROM n;
                INSERT INTO polymnia_postings SELECT 3, 0, rid FROM polymnia_postings";
            connection.batch(postings).unwrap();
            for (term, bound, least, most) in [
                (0, 16, 0, 0),
                (1, 16, 16, 16),
                (1, 128, 100, 100),
                (1, 1_024, 100, 100),
                (2, 128, 128, 128),
                (2, 1_024, 45_000, 55_000),
                // All of one time: no rate to go by.
                (3, 1_024, 1_024, 1_024),
            ] {
                let rows = of_term(connection, term, bound).unwrap();
                assert!((least..=most).contains(&rows), "{term} {bound}: {rows}");
            }
        });
    }

    #[test]
    fn numbers_are_counted_again_after_a_while() {
        Corpus::new(1, 0, Level::None).with(|_, connection| {
            assert_eq!(of_term(connection, 1, 16).unwrap(), 0);
            connection.batch("INSERT INTO polymnia_postings VALUES (1, 0, 1)").unwrap();
            for _ in 0..USES {
                assert_eq!(of_term(connection, 1, 16).unwrap(), 0);
            }
            assert_eq!(of_term(connection, 1, 16).unwrap(), 1);
        });
    }

    #[test]
    fn memory_is_bounded() {
        let estimates = Estimates::default();
        for term in 0..3 * i32::try_from(MAX_KNOWN).unwrap() {
            estimates.learn(Subject::Term(term), 1, 16);
        }
        assert!(estimates.all().len() <= MAX_KNOWN);
    }
}
