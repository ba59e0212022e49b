//! Ends of calls, transactions, failures and the cache of statements.

use std::time::{Duration, Instant};

use polymnia::{Call, CancelToken, OpenOptions, Timestamp};
use polymnia_pool::Connector as _;

use super::*;
use crate::config::Config;
use crate::connector::Connector;
use crate::statement::{Sql, Value};

/// Returns a connection to a database of its own in memory.
pub(crate) fn memory() -> Connection {
    let config = Config::read(&OpenOptions::new(":memory:")).unwrap();
    Connector::new(config).unwrap().connect().unwrap()
}

const ENDLESS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

fn within(deadline: Duration) -> Call {
    Call { deadline: Some(Instant::now() + deadline), ..Call::at(Timestamp::MIN) }
}

#[test]
fn the_deadline_ends_a_statement_in_the_middle() {
    let connection = &mut memory();
    connection.guard().begin(&within(Duration::from_millis(30)), None);
    let began = Instant::now();
    let error = connection.one::<Integers<1>, _>(Sql::new(ENDLESS)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    connection.finish();
    assert!(connection.one::<Integers<1>, _>(Sql::new("SELECT 1")).unwrap().is_some());
}

#[test]
fn a_token_ends_a_statement_from_another_thread() {
    let connection = &mut memory();
    let token = CancelToken::new();
    let call = Call { cancel: Some(token.clone()), ..Call::at(Timestamp::MIN) };
    connection.guard().begin(&call, None);
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        token.cancel();
    });
    let error = connection.one::<Integers<1>, _>(Sql::new(ENDLESS)).err().unwrap();
    canceller.join().unwrap();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

/// SQLite rolls an interrupted write back by itself; what is reported must be why, not that nothing is left to roll
/// back.
#[test]
fn an_interrupted_write_leaves_no_transaction() {
    let connection = &mut memory();
    connection.batch("CREATE TABLE t (i INTEGER)").unwrap();
    connection.guard().begin(&within(Duration::from_millis(30)), None);
    let error = connection.write(|connection| {
        connection.execute(Sql::new(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO t SELECT i FROM n",
        ))
    });
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Timeout);
    assert!(!connection.is_broken());
    connection.finish();
    let rows: Integers<1> = connection.one(Sql::new("SELECT count(*) FROM t")).unwrap().unwrap();
    assert_eq!(rows.0, [0]);
}

statements! {
    Insert = "INSERT INTO t VALUES (?)";
    Read = "SELECT i FROM t ORDER BY i";
}

#[test]
fn many_runs_of_a_statement_end_at_the_deadline_and_leave_nothing() {
    let connection = &mut memory();
    connection.batch("CREATE TABLE t (i INTEGER NOT NULL)").unwrap();
    connection.guard().begin(&within(Duration::from_millis(50)), None);
    let began = Instant::now();
    let endless = std::iter::repeat([Value::Integer(1)]);
    let error = connection.write(|connection| connection.run_each::<Insert, 1>(endless)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    connection.finish();
    // The statement is there for the next user, and so is the table.
    assert_eq!(connection.run_each::<Insert, 1>([[Value::Integer(7)], [Value::Integer(8)]]).unwrap(), 2);
    let error = connection.run_each::<Insert, 1>([[Value::Integer(9)], [Value::Null]]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected);
    let mut found = Vec::new();
    connection
        .visit::<Read>(&[], |row| {
            found.push(row.integer(0));
            if found.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(found, [7, 8]);
    // Broken off, it holds no lock.
    connection.batch("DROP TABLE t").unwrap();
    assert_eq!(connection.visit::<Read>(&[], |_| ControlFlow::Continue(())).unwrap_err().kind(), ErrorKind::Migration);
}

#[test]
fn a_failed_body_is_rolled_back() {
    let connection = &mut memory();
    connection.batch("CREATE TABLE t (i INTEGER)").unwrap();
    let result: Result<()> = connection.write(|connection| {
        connection.execute(Sql::new("INSERT INTO t VALUES (1)"))?;
        Err(Error::invalid_input("no"))
    });
    assert_eq!(result.unwrap_err().message(), "no");
    let rows: Integers<1> = connection.one(Sql::new("SELECT count(*) FROM t")).unwrap().unwrap();
    assert_eq!((rows.0, connection.is_broken()), ([0], false));
}

#[test]
fn a_missing_schema_is_told() {
    let connection = &mut memory();
    let mut sql = Sql::new("SELECT count(*) FROM polymnia_memories WHERE namespace = ");
    sql.bind(Value::Text("a"));
    let error = connection.one::<Integers<1>, _>(sql).err().unwrap();
    assert_eq!((error.kind(), error.hint()), (ErrorKind::Migration, Some("run `polymnia init`")));
}

#[test]
fn real_failures_have_their_kinds() {
    let connection = &mut memory();
    let derived = ["polymnia_postings", "polymnia_shapes", "polymnia_indexes", "polymnia_index_entries"];
    for table in ["polymnia_memories", "polymnia_settings", "polymnia_changes"].into_iter().chain(derived) {
        connection.batch(&format!("CREATE TABLE {table} (a TEXT UNIQUE) STRICT")).unwrap();
    }
    let run = |connection: &mut Connection, sql: &'static str, value| {
        let mut sql = Sql::new(sql);
        sql.bind(value);
        connection.execute(sql).err().map(|error| error.kind())
    };
    let insert = "INSERT INTO polymnia_memories VALUES (?";
    assert_eq!(run(connection, "INSERT INTO polymnia_settings SELECT ", Value::Text("x")), None);
    assert_eq!(run(connection, "INSERT INTO polymnia_settings SELECT ", Value::Text("x")), Some(ErrorKind::Unexpected));
    assert_eq!(run(connection, insert, Value::Null), Some(ErrorKind::Unexpected));
    connection.batch("PRAGMA query_only = ON").unwrap();
    assert_eq!(run(connection, "INSERT INTO polymnia_changes SELECT ", Value::Text("x")), Some(ErrorKind::ReadOnly));
    connection.batch("PRAGMA query_only = OFF; PRAGMA max_page_count = 20").unwrap();
    let large = "x".repeat(200_000);
    assert_eq!(
        run(connection, "INSERT INTO polymnia_changes SELECT ", Value::Text(&large)),
        Some(ErrorKind::StorageFull)
    );
}

#[test]
fn the_cache_of_statements_is_bounded_and_used() {
    let connection = &mut memory();
    let before = connection.cached.load(Ordering::Relaxed);
    for _ in 0..3 {
        let mut sql = Sql::new("SELECT ");
        sql.bind(Value::Integer(1));
        connection.one::<Integers<1>, _>(sql).unwrap();
        connection.execute(fixed::<Begin, 0>([])).unwrap();
        connection.execute(fixed::<Commit, 0>([])).unwrap();
    }
    assert_eq!(connection.cached.load(Ordering::Relaxed) - before, 3);
    for terms in 0..=MAX_CACHED {
        let mut sql = Sql::new("SELECT 1");
        for _ in 0..terms {
            sql.push("+1");
        }
        connection.one::<Integers<1>, _>(sql).unwrap();
    }
    connection.finish();
    assert_eq!(connection.cached.load(Ordering::Relaxed), 0);
    assert!(connection.one::<Integers<1>, _>(Sql::new("SELECT 1")).unwrap().is_some());
}
