//! Containment as a function of SQL: `polymnia_contains(metadata, needle)` is 1 or 0.

use std::ffi::CStr;

use polymnia::{Json, Matcher};

/// The function's name.
pub(crate) const NAME: &CStr = c"polymnia_contains";

/// Compiles a needle, once for each run of a statement. `None` if it is not UTF-8: nothing contains it.
pub(crate) fn compile(needle: &[u8]) -> Option<Matcher> {
    #[cfg(test)]
    tests::COMPILED.set(tests::COMPILED.get() + 1);
    let text = std::str::from_utf8(needle).ok()?;
    // The engine binds canonical text, and a matcher compiled from any other contains nothing: no check is needed.
    Some(Matcher::new(&Json::from_stored(text.to_owned())))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use diesel::connection::SimpleConnection;
    use polymnia::Call;
    use polymnia::Timestamp;

    use crate::connection::tests::memory;
    use crate::row::Integers;
    use crate::statement::{Sql, Value};

    thread_local! {
        pub(super) static COMPILED: Cell<u32> = const { Cell::new(0) };
    }

    #[test]
    fn a_needle_is_compiled_once_for_each_run() {
        let connection = &mut memory();
        connection.guard().begin(&Call::at(Timestamp::MIN), None);
        let rows = "CREATE TABLE t (m TEXT);
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
            INSERT INTO t SELECT '{\"a\": [' || (i % 10) || ']}' FROM n;
            INSERT INTO t VALUES (NULL), ('not json'), (x'7b7dff')";
        connection.handle().diesel.batch_execute(rows).unwrap();
        for (needle, expected) in [("{\"a\": [3.0]}", 100), ("{}", 1000), ("[3]", 0), ("no json", 0)] {
            let before = COMPILED.get();
            let mut sql = Sql::new("SELECT count(*) FROM t WHERE polymnia_contains(m, ");
            sql.bind(Value::Text(needle)).push(") = 1");
            let count: Integers<1> = connection.one(sql).unwrap().unwrap();
            assert_eq!((count.0[0], COMPILED.get() - before), (expected, 1), "{needle}");
        }
    }

    #[test]
    fn schemas_and_other_arities_cannot_call_it() {
        let connection = &mut memory();
        let diesel = &mut connection.handle().diesel;
        diesel.batch_execute("CREATE TABLE t (m TEXT)").unwrap();
        diesel.batch_execute("CREATE VIEW v AS SELECT polymnia_contains(m, '{}') FROM t").unwrap();
        assert!(diesel.batch_execute("SELECT * FROM v").is_err());
        assert!(diesel.batch_execute("SELECT polymnia_contains('{}')").is_err());
    }
}
