//! Changes of postings, collected and then applied in the order of the index.

use polymnia::Result;

use crate::connection::Connection;
use crate::statement::{Value, statements};

/// Eight rows of values.
macro_rules! eight {
    () => {
        "(?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?)"
    };
}

const MANY: usize = 32;

statements! {
    Add = "INSERT OR IGNORE INTO polymnia_postings (term, created, rid) VALUES (?, ?, ?)";
    /// [`MANY`] at once take a third less time each.
    AddMany = "INSERT OR IGNORE INTO polymnia_postings (term, created, rid) VALUES ", eight!(), ", ", eight!(), ", ", eight!(),
        ", ", eight!();
    Remove = "DELETE FROM polymnia_postings WHERE term = ? AND created = ? AND rid = ?";
}

/// Collects changes of postings. Of several changes of one posting, the last counts.
#[derive(Debug, Default)]
pub(super) struct Postings(Vec<Change>);

/// Is a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Posting {
    pub(super) term: i32,
    /// In milliseconds, rounded down.
    pub(super) created: i64,
    pub(super) rid: i64,
}

#[derive(Clone, Copy, Debug)]
struct Change {
    posting: Posting,
    /// Its place among the changes, times two, and one more for an addition.
    order: u32,
}

impl Postings {
    /// How many changes may wait: 32 MB of them.
    const MAX_PENDING: usize = 1 << 20;

    /// Adds a posting, or takes it away.
    pub(super) fn push(&mut self, posting: Posting, is_added: bool) {
        let order = u32::try_from(self.0.len() * 2 + usize::from(is_added)).expect("changes are applied before");
        self.0.push(Change { posting, order });
    }

    /// Adds what a document has now and takes away what it had before; both sorted.
    pub(super) fn push_difference(&mut self, created: i64, rid: i64, before: &[i32], now: &[i32]) {
        let (mut before, mut now) = (before.iter().peekable(), now.iter().peekable());
        loop {
            let (term, is_added) = match (before.peek(), now.peek()) {
                (None, None) => return,
                (Some(old), Some(new)) if old == new => {
                    before.next();
                    now.next();
                    continue;
                }
                (Some(old), new) if new.is_none_or(|new| old < new) => (**old, false),
                (_, Some(new)) => (**new, true),
                (Some(_), None) => unreachable!("without a new one, the arm before applies"),
            };
            if is_added {
                now.next()
            } else {
                before.next()
            };
            self.push(Posting { term, created, rid }, is_added);
        }
    }

    /// Returns whether it is time to apply the changes.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= Self::MAX_PENDING
    }

    /// Applies the changes.
    pub(super) fn flush(&mut self, connection: &mut Connection) -> Result<()> {
        self.0.sort_unstable_by_key(|change| (change.posting, change.order));
        // In reverse, the last of equal ones is met first and kept.
        self.0.reverse();
        self.0.dedup_by_key(|change| change.posting);
        self.0.reverse();
        let some = |is_added| self.0.iter().filter(move |change| (change.order & 1 == 1) == is_added);
        connection.run_each::<Remove, 3>(some(false).map(|change| change.posting.values()))?;
        add(connection, some(true).map(|change| change.posting))?;
        self.0.clear();
        Ok(())
    }
}

impl Posting {
    /// Returns the values of its columns.
    pub(super) fn values<'v>(self) -> [Value<'v>; 3] {
        [Value::Integer(self.term.into()), Value::Integer(self.created), Value::Integer(self.rid)]
    }
}

/// Removes postings, whether they are there or not, and returns how many were.
pub(super) fn remove(connection: &mut Connection, postings: impl IntoIterator<Item = Posting>) -> Result<u64> {
    connection.run_each::<Remove, 3>(postings.into_iter().map(Posting::values))
}

/// Adds postings.
pub(super) fn add(connection: &mut Connection, postings: impl IntoIterator<Item = Posting>) -> Result<()> {
    let mut postings = postings.into_iter();
    let mut next = Vec::with_capacity(MANY);
    let many = std::iter::from_fn(|| {
        next.clear();
        next.extend(postings.by_ref().take(MANY));
        (next.len() == MANY).then(|| {
            let mut values = [Value::Null; 3 * MANY];
            for (place, posting) in values.chunks_exact_mut(3).zip(&next) {
                place.copy_from_slice(&posting.values());
            }
            values
        })
    });
    connection.run_each::<AddMany, { 3 * MANY }>(many)?;
    connection.run_each::<Add, 3>(next.into_iter().map(Posting::values))?;
    Ok(())
}

/// Returns a time in microseconds as postings have it.
pub(super) fn created_of_micros(micros: i64) -> i64 {
    micros.div_euclid(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::memory;
    use crate::row::Integers;
    use crate::statement::Sql;

    fn connection() -> Connection {
        let mut connection = memory();
        let table = "CREATE TABLE polymnia_postings (term INTEGER, created INTEGER, rid INTEGER, \
                     PRIMARY KEY (term, created, rid)) STRICT, WITHOUT ROWID";
        connection.batch(table).unwrap();
        connection
    }

    fn stored(connection: &mut Connection) -> Vec<[i64; 3]> {
        let rows: Vec<Integers<3>> =
            connection.all(Sql::new("SELECT term, created, rid FROM polymnia_postings")).unwrap();
        rows.into_iter().map(|row| row.0).collect()
    }

    #[test]
    fn the_last_change_of_a_posting_counts() {
        let connection = &mut connection();
        let mut postings = Postings::default();
        let posting = |term| Posting { term, created: -1, rid: 7 };
        for is_added in [true, false, true] {
            postings.push(posting(1), is_added);
        }
        for is_added in [false, true, false] {
            postings.push(posting(-2), is_added);
        }
        postings.flush(connection).unwrap();
        assert_eq!(stored(connection), [[1, -1, 7]]);
        postings.push(posting(1), true);
        postings.push(posting(3), true);
        postings.push(posting(1), false);
        postings.flush(connection).unwrap();
        assert_eq!(stored(connection), [[3, -1, 7]]);
    }

    #[test]
    fn a_difference_touches_what_differs_only() {
        let mut postings = Postings::default();
        postings.push_difference(5, 9, &[-4, 1, 2, 8], &[-5, 1, 3, 8, 9]);
        let changes: Vec<(i32, bool)> =
            postings.0.iter().map(|change| (change.posting.term, change.order & 1 == 1)).collect();
        assert_eq!(changes, [(-5, true), (-4, false), (2, false), (3, true), (9, true)]);
        assert!(postings.0.iter().all(|change| (change.posting.created, change.posting.rid) == (5, 9)));
    }

    #[test]
    fn times_are_rounded_down() {
        for (micros, millis) in [(0, 0), (999, 0), (1_000, 1), (-1, -1), (-1_000, -1), (-1_001, -2)] {
            assert_eq!(created_of_micros(micros), millis);
        }
    }
}
