//! Batches, compared with the statement as a whole.

use polymnia::schema::text::{Syntax, statements};
use polymnia::spi::SchemaSession;

use super::*;
use crate::engine::{Limit, SqliteEngine};
use crate::schema::session::tests::session;
use crate::schema::tests::{call, engine_with};

/// Runs a statement in batches, each with a key that went through its text form, and returns what each did.
fn batches(engine: &SqliteEngine, script: &str, rows: u32) -> Result<Vec<BatchDone>, StatementError> {
    let statement = statements(script, Syntax::Sqlite).into_iter().next().unwrap();
    let batch = statement.batch(Syntax::Sqlite).unwrap();
    let mut session: Box<dyn SchemaSession> = session(engine);
    let mut done: Vec<BatchDone> = Vec::new();
    loop {
        let after = done.last().and_then(|last| last.key.clone());
        let request = BatchRequest {
            statement: statement.text,
            table: batch.table,
            alias: batch.alias,
            condition: batch.condition.clone(),
            after: after.as_deref(),
            rows,
        };
        let next = session.batch(&call(), &request)?;
        if next.key.is_none() {
            assert_eq!((next.looked_at, next.changed), (0, 0));
            return Ok(done);
        }
        done.push(next);
    }
}

fn dump(engine: &SqliteEngine, query: &str) -> Vec<String> {
    engine.with(&call(), Limit::Unlimited, |connection| sql::texts(connection, query, &[])).unwrap()
}

const ROWS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25) ";

#[test]
fn batches_do_what_the_whole_does() {
    let tables = [
        ("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)", "i * 3 - 40"),
        ("CREATE TABLE t (a TEXT, b TEXT)", "i * 7 % 11"),
        ("CREATE TABLE t (a BLOB PRIMARY KEY, b TEXT) WITHOUT ROWID", "CAST(i || 'é' AS BLOB)"),
        ("CREATE TABLE t (a REAL PRIMARY KEY, b TEXT) WITHOUT ROWID", "i / 3.0 - 4"),
        (
            "CREATE TABLE t (a TEXT COLLATE NOCASE, b TEXT, PRIMARY KEY (b DESC, a)) WITHOUT ROWID",
            "char(64 + i) || '''\"'",
        ),
        ("CREATE TABLE t (rowid TEXT, a TEXT, b TEXT)", "i"),
    ];
    let statements = [
        "UPDATE t SET b = b || '!'",
        "UPDATE main.t AS x SET b = 'z' || x.b WHERE length(x.b) > 1 OR 0 -- or not",
        "UPDATE t SET b = o.v FROM (SELECT 'k' AS v) AS o WHERE t.a IS NOT NULL",
        "DELETE FROM t WHERE b LIKE '%1%'",
        "DELETE FROM \"t\"",
    ];
    for (table, a) in tables {
        for statement in statements {
            let script = format!("{table}; {ROWS} INSERT INTO t (a, b) SELECT {a}, 'v' || i FROM n;");
            let (whole, cut) = (engine_with(&script), engine_with(&script));
            session(&whole).execute(&call(), statement).unwrap();
            // A key that changes with its row would be met twice, here as in any such statement.
            if table.contains("(b DESC") && statement.starts_with("UPDATE") {
                continue;
            }
            let done = batches(&cut, statement, 4).unwrap();
            let query = "SELECT quote(a) || quote(b) FROM t ORDER BY 1";
            assert_eq!(dump(&whole, query), dump(&cut, query), "{table}: {statement}");
            assert_eq!(done.iter().map(|done| done.looked_at).collect::<Vec<_>>(), [4, 4, 4, 4, 4, 4, 1], "{table}");
            assert_eq!((done[0].total, done[1].total), (Some(25), None));
        }
    }
}

#[test]
fn the_rows_of_a_batch_are_those_of_its_range() {
    let engine = engine_with(&format!(
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER); {ROWS} INSERT INTO t SELECT i, i % 2 FROM n"
    ));
    let done = batches(&engine, "UPDATE t SET b = 7 WHERE b = 1;", 10).unwrap();
    assert_eq!(done.iter().map(|done| done.changed).collect::<Vec<_>>(), [5, 5, 3]);
    assert_eq!(done.iter().filter_map(|done| done.key.as_deref()).collect::<Vec<_>>(), ["[10]", "[20]", "[25]"]);
}

#[test]
fn what_cannot_be_cut_is_refused() {
    let engine = engine_with(
        "CREATE VIEW v AS SELECT 1 AS a; CREATE TABLE h (rowid, _rowid_, oid, b); INSERT INTO h (b) VALUES (1)",
    );
    for (statement, message) in [
        ("UPDATE nothing SET a = 1", "nothing does not exist"),
        ("DELETE FROM v", "v is no table"),
        ("DELETE FROM h", "table \"h\" hides its rowid"),
    ] {
        let failure = batches(&engine, statement, 1).unwrap_err();
        assert!(failure.error.message().starts_with(message), "{}", failure.error);
        assert_eq!(failure.error.kind(), ErrorKind::Migration);
    }
}

#[test]
fn keys_survive_their_text() {
    let keys = [
        vec![Part::Integer(i64::MIN), Part::Integer(i64::MAX)],
        vec![Part::Real(f64::INFINITY), Part::Real(-0.1), Part::Real(1e300)],
        vec![Part::Text("'\"\\ \u{1}é".to_owned()), Part::Text(String::new())],
        vec![Part::Blob(vec![0, 255]), Part::Blob(Vec::new())],
    ];
    for key in keys {
        assert_eq!(read_key(&write_key(&key), key.len()).unwrap(), key);
    }
    for damaged in [
        "",
        "[1]",
        "[1, null]",
        "[1, {\"blob\": \"0\"}]",
        "[1, {\"blob\": \"é\"}]",
        "[1, {\"real\": \"x\"}]",
        "[1, 1.5]",
    ] {
        assert_eq!(read_key(damaged, 2).unwrap_err().kind(), ErrorKind::Corrupt, "{damaged}");
    }
}
