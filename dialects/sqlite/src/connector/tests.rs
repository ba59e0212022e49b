//! Opening: what can be opened, how it is set, and what is said where it can't.

use std::path::PathBuf;
use std::time::Duration;

use polymnia::spi::{AdminEngine as _, Engine as _, SchemaEngine as _};
use polymnia::{Expect, Mutation, Namespace, NewMemory, OpenOptions, PoolOptions, Retry};
use polymnia_pool::Connector as _;
use tempfile::TempDir;

use super::*;
use crate::engine::{Limit, SqliteEngine};

fn open(url: &str) -> Result<SqliteEngine> {
    SqliteEngine::open(Config::read(&OpenOptions::new(url))?)
}

fn call() -> Call {
    Call::at(Timestamp::from_micros(0).unwrap())
}

fn failure(url: &str) -> Error {
    match open(url) {
        Ok(_) => panic!("{url} opens"),
        Err(error) => error,
    }
}

fn put(engine: &SqliteEngine) -> Result<()> {
    let memory = NewMemory::new("content")?;
    let id = polymnia::MemoryId::from_bytes([7; 16]);
    engine.apply(&call(), &tenant(), &[Mutation::Put { id, memory, expect: Expect::Any }]).map(|_| ())
}

fn count(engine: &SqliteEngine) -> u64 {
    engine.count(&call(), &tenant(), &polymnia::Selection::default()).unwrap()
}

fn tenant() -> Namespace {
    Namespace::new("a").unwrap()
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b?c#d%41.db");
    (folder, path)
}

fn url(path: &Path, parameters: &str) -> String {
    let encoded = path.to_str().unwrap().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    format!("sqlite://{encoded}?{parameters}")
}

#[test]
fn a_file_is_created_by_its_very_name_and_set_up() {
    let (_folder, path) = folder();
    let engine = open(&url(&path, "synchronous=normal")).unwrap();
    assert!(path.exists());
    let info = engine.info(&call()).unwrap();
    let detail = |name: &str| info.details.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
    assert_eq!((detail("journal_mode"), detail("synchronous")), (Some("wal"), Some("normal")));
    assert_eq!((info.schema_version, info.schema_pending, info.read_only), (None, 4, false));
    assert_eq!(info.extensions[0].name, "fts5");
    let pragmas = engine.with(&call(), Limit::Unlimited, |connection| {
        statements! {
            Pragmas =
                "SELECT (SELECT foreign_keys FROM pragma_foreign_keys), ",
                "(SELECT trusted_schema FROM pragma_trusted_schema)";
        }
        connection.one::<Integers<2>, _>(fixed::<Pragmas, 0>([]))
    });
    assert_eq!(pragmas.unwrap().unwrap().0, [1, 0]);
    let full = open(&url(&path, "")).unwrap().info(&call()).unwrap();
    assert!(full.details.contains(&("synchronous".to_owned(), "full".to_owned())));
}

#[test]
fn memory_is_one_database_for_all_its_connections_and_no_others() {
    let options = OpenOptions::new(":memory:").with_pool(PoolOptions { max_size: Some(4), ..PoolOptions::default() });
    let engine = SqliteEngine::open(Config::read(&options).unwrap()).unwrap();
    engine.migrate(&call()).unwrap();
    put(&engine).unwrap();
    let held: Vec<_> = (0..4).map(|_| engine.pool().acquire(&call()).unwrap()).collect();
    drop(held);
    let threads: Vec<u64> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..8).map(|_| scope.spawn(|| count(&engine))).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    assert_eq!(threads, [1; 8]);
    assert_eq!(open(":memory:").unwrap().ledger(&call()).unwrap().diesel, None);
}

#[test]
fn memory_outlives_every_connection_of_the_pool() {
    let connector = Connector::new(Config::read(&OpenOptions::new(":memory:")).unwrap()).unwrap();
    connector.connect().unwrap().batch("CREATE TABLE t (i INTEGER)").unwrap();
    assert!(connector.connect().unwrap().batch("SELECT * FROM t").is_ok());
}

/// Writers in threads queue for the one lock, and none is told that the database is locked.
#[test]
fn writers_wait_for_each_other() {
    let (_folder, path) = folder();
    for url in [":memory:".to_owned(), url(&path, "")] {
        let engine = open(&url).unwrap();
        engine.migrate(&call()).unwrap();
        std::thread::scope(|scope| {
            for writer in 0_u8..8 {
                let engine = &engine;
                scope.spawn(move || {
                    for number in 0_u8..20 {
                        let id = polymnia::MemoryId::from_bytes([writer * 20 + number; 16]);
                        let memory = NewMemory::new("content").unwrap();
                        let put = Mutation::Put { id, memory, expect: Expect::Absent };
                        engine.apply(&call(), &tenant(), &[put]).unwrap();
                        assert!(engine.get(&call(), &tenant(), &[id]).unwrap()[0].is_some());
                    }
                });
            }
        });
        assert_eq!(count(&engine), 160);
    }
}

#[test]
fn a_lock_that_stays_is_told() {
    let (_folder, path) = folder();
    let engine = open(&url(&path, "busy_timeout=50ms")).unwrap();
    engine.migrate(&call()).unwrap();
    let mut other = engine.pool().acquire(&call()).unwrap();
    other.batch("BEGIN IMMEDIATE").unwrap();
    let error = put(&engine).unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Exhausted));
    let deadline = std::time::Instant::now() + Duration::from_millis(10);
    let late = Call { deadline: Some(deadline), ..call() };
    let error = engine.delete_matching(&late, &tenant(), &polymnia::Selection::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(count(&engine), 0);
    other.batch("ROLLBACK").unwrap();
    put(&engine).unwrap();
}

#[test]
fn what_is_not_there_is_named() {
    let (folder, path) = folder();
    for mode in ["mode=ro", "mode=rw"] {
        let error = failure(&url(&path, mode));
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.message().contains("a b?c#d%41.db"), "{error}");
        assert!(!path.exists());
    }
    let error = failure(&url(&folder.path().join("no/such/a.db"), ""));
    assert_eq!((error.kind(), error.operation()), (ErrorKind::NotFound, Some("connect")));
    assert!(error.message().contains("no/such"), "{error}");
}

#[test]
fn what_is_no_database_is_refused() {
    let (folder, path) = folder();
    assert_eq!(failure(&url(folder.path(), "")).kind(), ErrorKind::Config);
    std::fs::write(&path, "no SQLite database, and long enough to be sure of that: ".repeat(20)).unwrap();
    for parameters in ["", "mode=rw", "mode=ro"] {
        let error = failure(&url(&path, parameters));
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Corrupt, Some("connect")));
    }
    let utf16 = folder.path().join("utf16.db");
    let mut handle = raw::open(&file_uri(&utf16, "mode=rwc").unwrap()).unwrap();
    let statements = "PRAGMA encoding = 'UTF-16'; CREATE TABLE t (a TEXT)";
    diesel::connection::SimpleConnection::batch_execute(&mut handle.diesel, statements).unwrap();
    assert_eq!(failure(&url(&utf16, "")).kind(), ErrorKind::Config);
}

#[test]
fn a_read_only_database_is_read_and_not_written() {
    let (_folder, path) = folder();
    let writer = open(&url(&path, "")).unwrap();
    writer.migrate(&call()).unwrap();
    put(&writer).unwrap();
    let reader = open(&url(&path, "mode=ro")).unwrap();
    assert_eq!(count(&reader), 1);
    assert!(reader.info(&call()).unwrap().read_only);
    let error = put(&reader).unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::ReadOnly, Retry::Never));
    assert_eq!(reader.ledger(&call()).unwrap(), writer.ledger(&call()).unwrap());
}

/// The form that a file in a folder which can't be written is opened in. That folder itself takes another user than root.
#[test]
fn commits_in_a_log_are_never_passed_over() {
    let (_folder, path) = folder();
    std::fs::write(beside(&path, "-wal"), "").unwrap();
    assert!(check_log(&path, "a.db").is_ok());
    std::fs::write(beside(&path, "-wal"), "commits").unwrap();
    assert_eq!(check_log(&path, "a.db").unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[test]
fn an_exclusive_lock_makes_opening_wait_and_say_so() {
    let (_folder, path) = folder();
    let mut other = raw::open(&file_uri(&path, "mode=rwc").unwrap()).unwrap();
    let statements = "CREATE TABLE t (a TEXT); BEGIN EXCLUSIVE";
    diesel::connection::SimpleConnection::batch_execute(&mut other.diesel, statements).unwrap();
    let error = failure(&url(&path, "connect_timeout=100ms"));
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Exhausted));
    assert_eq!(error.operation(), Some("connect"));
}
