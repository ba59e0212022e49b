//! Filters on metadata as a function of SQL: `polymnia_matches(metadata, slot)` is 1 or 0. A third argument of 1 vouches for all
//! metadata being canonical, which makes for a quicker answer.

use std::ffi::CStr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use polymnia::filter::FilterMatcher;

/// The function's name.
pub(crate) const NAME: &CStr = c"polymnia_matches";

/// How much metadata is looked through between two looks at the clock: some 20 µs.
const BYTES_BETWEEN_CHECKS: usize = 64 << 10;

/// Is a compiled filter that a statement rechecks rows by.
#[derive(Debug)]
pub(crate) struct Recheck {
    matcher: FilterMatcher,
    /// Bytes looked through since the last look at the clock.
    unchecked: AtomicUsize,
}

/// Holds the filters of a call, by slot. A statement binds the slot, and the function finds the filter once in a run.
#[derive(Debug, Default)]
pub(crate) struct Rechecks {
    slots: Mutex<Vec<Arc<Recheck>>>,
    /// How many rows were looked at, by one filter or several, where rows are numbered.
    rows: AtomicU64,
    /// The last of them.
    last: AtomicU64,
}

impl Recheck {
    pub(crate) fn new(matcher: FilterMatcher) -> Self {
        Self { matcher, unchecked: AtomicUsize::new(0) }
    }

    /// Reports whether metadata passes; `None` once `go_on` says that the call is over.
    pub(crate) fn matches(&self, metadata: &[u8], is_canonical: bool, mut go_on: impl FnMut() -> bool) -> Option<bool> {
        // One thread at a time counts here, so nothing is lost between the reading and the writing.
        let unchecked = self.unchecked.load(Ordering::Relaxed) + metadata.len();
        self.unchecked.store(unchecked % BYTES_BETWEEN_CHECKS, Ordering::Relaxed);
        // SQLite counts its own steps, of which this is one however large the metadata is.
        if unchecked >= BYTES_BETWEEN_CHECKS && !go_on() {
            return None;
        }
        if is_canonical {
            self.matcher.matches_canonical_while(metadata, &mut go_on)
        } else {
            self.matcher.matches_while(metadata, &mut go_on)
        }
    }
}

impl Rechecks {
    /// Puts the filters of a call in the place of those of the one before.
    pub(crate) fn set(&self, filters: &[Arc<Recheck>]) {
        let mut slots = self.slots();
        slots.clear();
        slots.extend_from_slice(filters);
    }

    /// Counts a row by its number, from 1, unless it was counted before. Number 0 says that rows are not numbered.
    pub(crate) fn count(&self, row: u64) {
        if self.last.load(Ordering::Relaxed) != row {
            self.last.store(row, Ordering::Relaxed);
            self.rows.store(self.rows() + 1, Ordering::Relaxed);
        }
    }

    /// Begins to count anew.
    pub(crate) fn reset(&self) {
        self.last.store(0, Ordering::Relaxed);
        self.rows.store(0, Ordering::Relaxed);
    }

    /// Returns how many rows were counted.
    pub(crate) fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Returns the filter of a slot.
    pub(crate) fn find(&self, slot: i64) -> Option<Arc<Recheck>> {
        self.slots().get(usize::try_from(slot).ok()?).cloned()
    }

    /// The slots are replaced as a whole, so a panic elsewhere leaves nothing half done.
    fn slots(&self) -> MutexGuard<'_, Vec<Arc<Recheck>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use polymnia::{Call, Filter, Json, Timestamp};

    use super::*;
    use crate::connection::tests::memory;
    use crate::row::Integers;
    use crate::statement::{Sql, Value};

    fn recheck(needle: &str) -> Arc<Recheck> {
        let filter = Filter::Contains(Json::parse(needle).unwrap());
        Arc::new(Recheck::new(FilterMatcher::new(&filter).unwrap()))
    }

    #[test]
    fn statements_find_their_filters_by_slot() {
        let connection = &mut memory();
        connection.guard().begin(&Call::at(Timestamp::MIN), None);
        let rows = "CREATE TABLE t (m TEXT);
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
            INSERT INTO t SELECT '{\"a\": [' || (i % 10) || ']}' FROM n;
            INSERT INTO t VALUES (NULL), ('not json'), (x'7b7dff')";
        connection.handle().diesel.batch_execute(rows).unwrap();
        let filters = ["{\"a\": [3.0]}", "{}", "[3]"].map(recheck);
        connection.recheck(&filters);
        for _ in 0..2 {
            for (slot, expected) in [(0, 100), (1, 1000), (2, 0)] {
                let mut sql = Sql::new("SELECT count(*) FROM t WHERE polymnia_matches(m, ");
                sql.bind(Value::Integer(slot)).push(") = 1");
                let count: Integers<1> = connection.one(sql).unwrap().unwrap();
                assert_eq!(count.0[0], expected, "{slot}");
            }
        }
    }

    #[test]
    fn rows_are_counted_once_where_they_are_numbered() {
        let connection = &mut memory();
        connection.recheck(&["{\"a\": 1}", "{}"].map(recheck));
        let either =
            "polymnia_matches('{\"a\": ' || value || '}', 0) + polymnia_matches('{\"b\": ' || value || '}', 1) > 0";
        for (text, counted) in [
            (format!("SELECT count(*) FROM json_each('[1, 2, 3]') WHERE polymnia_tally(value) AND {either}"), 3),
            (format!("SELECT count(*) FROM json_each('[1, 2, 3]') WHERE {either}"), 0),
        ] {
            connection.record();
            connection.batch(&text).unwrap();
            assert_eq!(connection.recorded().rechecks, counted, "{text}");
        }
    }

    #[test]
    fn a_filter_goes_when_its_call_ends() {
        let connection = &mut memory();
        let filter = recheck("{}");
        connection.recheck(&[Arc::clone(&filter)]);
        let ask = || Sql::new("SELECT polymnia_matches('{}', 0)");
        assert_eq!(connection.one::<Integers<1>, _>(ask()).unwrap().unwrap().0, [1]);
        connection.finish();
        assert_eq!(Arc::strong_count(&filter), 1);
        assert!(connection.one::<Integers<1>, _>(ask()).is_err());
    }

    #[test]
    fn schemas_and_other_arities_cannot_call_it() {
        let connection = &mut memory();
        let diesel = &mut connection.handle().diesel;
        diesel.batch_execute("CREATE TABLE t (m TEXT)").unwrap();
        diesel.batch_execute("CREATE VIEW v AS SELECT polymnia_matches(m, 0) FROM t").unwrap();
        assert!(diesel.batch_execute("SELECT * FROM v").is_err());
        assert!(diesel.batch_execute("SELECT polymnia_matches('{}')").is_err());
    }
}
