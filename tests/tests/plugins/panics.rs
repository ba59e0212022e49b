//! A panic in each operation: a typed error that says where, and the process and all other dialects go on.

use std::collections::BTreeSet;
use std::path::Path;

use polymnia::schema::{
    BatchCondition, BatchRequest, Begin, Compatibility, Entry, Event, LockHolder, LogEntry, Origin, SessionOptions,
    State, StatementError, Version,
};
use polymnia::spi::{Dialect as _, Engine, SchemaSession};
use polymnia::{
    Call, Error, ErrorKind, IndexDeclaration, IndexKind, MemoryStore, Namespace, NewMemory, OpenOptions, Query, Result,
    Selection, Timestamp, Upkeep,
};
use polymnia_conformance::Fixture as _;
use polymnia_plugin::host::{LoadOptions, PluginDialect};
use polymnia_plugin::operation;
use polymnia_sqlite::Sqlite;
use polymnia_tests::databases::SqliteMemoryPlugin;
use polymnia_tests::plugins::Plugin;

#[test]
fn in_each_operation_is_an_error_and_nobody_else_s() {
    crate::in_a_process_of_its_own("panics::child", &[]);
}

#[test]
#[ignore = "run by the test above, in a process of its own"]
fn child() {
    let folder = tempfile::tempdir().unwrap();
    let native = MemoryStore::new(Sqlite.open(&OpenOptions::new(":memory:")).unwrap());
    let other = SqliteMemoryPlugin::fresh();
    let other = MemoryStore::new(other.open(&other.options()).unwrap());
    for store in [&native, &other] {
        store.migrate().unwrap();
    }
    let mut tried = BTreeSet::new();
    let mut check = |name: &'static str, how: &str, ask: &dyn Fn(&dyn Engine) -> Result<()>| {
        assert!(tried.insert(name), "{name} is tried twice");
        // A panic is the end of a library in its process, so each operation has one of its own.
        let dialect = copy(folder.path(), name);
        let engine = dialect.open(&OpenOptions::new(format!("oracle:?panic={how}"))).unwrap();
        let fine = dialect.open(&OpenOptions::new("oracle:")).unwrap();
        let error = ask(&*engine).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Plugin, "{name}: {error:?}");
        let message = error.message();
        let parts = ["plugin oracle", &format!("panicked in {name}"), "fragile.rs:", "not used again"];
        assert!(parts.iter().all(|part| message.contains(part)), "{name}: {message}");
        assert!(error.hint().is_some_and(|hint| hint.contains("process")), "{name}: {error:?}");
        // From now on it is the same for whatever is asked of it.
        for engine in [&engine, &fine] {
            let again = engine.count(&call(), &namespace(), &Selection::default()).unwrap_err();
            assert_eq!((again.kind(), again.message()), (ErrorKind::Plugin, message), "{name}");
        }
        let again = dialect.open(&OpenOptions::new("oracle:")).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::Plugin, "{name}: {again:?}");
        for store in [&native, &other] {
            store.put(&namespace(), NewMemory::new(name).unwrap()).unwrap();
        }
    };
    for (name, ask) in operations() {
        check(name, "operations", &|engine| ask(engine));
    }
    for (name, ask) in in_sessions() {
        check(name, "sessions", &|engine| {
            let mut session = engine.schema().session(&call(), &SessionOptions::default(), &mut |_: &Event<'_>| ())?;
            ask(&mut *session)
        });
    }
    let (of_dialect, of_cursors): (&[&str], &[&str]) = (&["Nothing", "Recognizes", "Claims", "Migrations"], &["More"]);
    let all: BTreeSet<&str> = operation::ALL.iter().map(|(_, name)| *name).collect();
    let left: Vec<&&str> = all.iter().filter(|name| !tried.contains(**name)).collect();
    assert!(left.iter().all(|name| of_dialect.contains(name) || of_cursors.contains(name)), "{left:?}");
    let count = |store: &MemoryStore| store.count(&namespace(), &Selection::default()).unwrap();
    assert_eq!([count(&native), count(&other)], [tried.len() as u64; 2]);
}

#[test]
fn in_opening_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let dialect = copy(folder.path(), "opening");
    let error = dialect.open(&OpenOptions::new("oracle:?panic=open")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Plugin, "{error:?}");
    assert!(error.message().contains("panicked in open at") && error.message().contains("lib.rs:"), "{error:?}");
}

/// Loads a copy of the test plugin: another file is another library.
fn copy(folder: &Path, name: &str) -> PluginDialect {
    let path = folder.join(format!("{name}.so"));
    std::fs::copy(Plugin::Test.library(), &path).unwrap();
    PluginDialect::load_with(path, &LoadOptions::default().with_allow_insecure(true)).unwrap()
}

type Operation = fn(&dyn Engine) -> Result<()>;

/// Returns every operation on a database.
fn operations() -> Vec<(&'static str, Operation)> {
    vec![
        ("Get", |e| e.get(&call(), &namespace(), &[]).map(drop)),
        ("Query", |e| e.query(&call(), &namespace(), &Query::default()).map(drop)),
        ("Count", |e| e.count(&call(), &namespace(), &Selection::default()).map(drop)),
        ("Apply", |e| e.apply(&call(), &namespace(), &[]).map(drop)),
        ("Load", |e| e.load(&call(), &namespace(), &[]).map(drop)),
        ("Explain", |e| e.explain(&call(), &namespace(), &Query::default()).map(drop)),
        ("DeleteMatching", |e| e.delete_matching(&call(), &namespace(), &Selection::default()).map(drop)),
        ("Stats", |e| e.stats(&call(), &namespace()).map(drop)),
        ("Ping", |e| e.admin().ping(&call())),
        ("Info", |e| e.admin().info(&call()).map(drop)),
        ("Namespaces", |e| e.admin().namespaces(&call(), None, 1).map(drop)),
        ("RenameNamespace", |e| e.admin().rename_namespace(&call(), &namespace(), &namespace()).map(drop)),
        ("DeleteNamespace", |e| e.admin().delete_namespace(&call(), &namespace()).map(drop)),
        ("Sweep", |e| e.admin().sweep(&call(), 1).map(drop)),
        ("Analyze", |e| e.admin().analyze(&call())),
        ("Optimize", |e| e.admin().optimize(&call(), Upkeep::Full).map(drop)),
        ("Verify", |e| e.admin().verify(&call()).map(drop)),
        ("Indexes", |e| e.admin().indexes(&call()).map(drop)),
        ("CreateIndex", |e| e.admin().create_index(&call(), &declaration())),
        ("DropIndex", |e| e.admin().drop_index(&call(), &declaration().name).map(drop)),
        ("SetChangeCapture", |e| e.admin().set_change_capture(&call(), true)),
        ("Changes", |e| e.admin().changes(&call(), 0, 1).map(drop)),
        ("ReadLedger", |e| e.schema().ledger(&call()).map(drop)),
        ("ReadLog", |e| e.schema().log(&call(), 1).map(drop)),
        ("ReadSnapshot", |e| e.schema().snapshot(&call()).map(drop)),
        ("ForeignLedgers", |e| e.schema().foreign_ledgers(&call()).map(drop)),
        ("OpenSession", |e| e.schema().session(&call(), &SessionOptions::default(), &mut |_: &Event<'_>| ()).map(drop)),
        ("FindLockHolder", |e| e.schema().lock_holder(&call()).map(drop)),
        ("EndLockHolder", |e| {
            let holder = LockHolder { process: 1, description: "another".to_owned(), since: None };
            e.schema().end_lock_holder(&call(), &holder).map(drop)
        }),
        ("WriteScript", |e| e.schema().script(&[]).map(drop)),
        ("Probes", |e| e.schema().probe(&call()).map(drop)),
        ("CheckHealth", |e| e.schema().health(&call()).map(drop)),
        ("Backup", |e| e.schema().backup(&call(), &SessionOptions::default(), Path::new("/backup")).map(drop)),
        ("VerifyBackup", |e| e.schema().verify_backup(&call(), Path::new("/backup")).map(drop)),
        ("Restore", |e| e.schema().restore(&call(), &SessionOptions::default(), Path::new("/backup"))),
        ("Scratch", |e| e.schema().scratch(&call(), true).map(drop)),
    ]
}

type InSession = fn(&mut dyn SchemaSession) -> Result<()>;

/// Returns every operation in a session of migrating.
fn in_sessions() -> Vec<(&'static str, InSession)> {
    fn error_of<T>(result: Result<T, StatementError>) -> Result<(), Error> {
        result.map(drop).map_err(|error| error.error)
    }
    vec![
        ("SessionPrepare", |s| s.prepare(&call()).map(drop)),
        ("SessionLedger", |s| s.ledger(&call()).map(drop)),
        ("SessionSnapshot", |s| s.snapshot(&call()).map(drop)),
        ("SessionBegin", |s| s.begin(&call(), Begin::Plain)),
        ("SessionCommit", |s| s.commit(&call())),
        ("SessionRollback", |s| s.rollback()),
        ("SessionExecute", |s| error_of(s.execute(&call(), "SELECT 1"))),
        ("SessionBatch", |s| {
            let statement = "UPDATE t SET a = 1";
            let condition = BatchCondition::At(statement.len());
            let request = BatchRequest { statement, table: "t", alias: "t", condition, after: None, rows: 1 };
            error_of(s.batch(&call(), &request))
        }),
        ("SessionRecord", |s| s.record(&call(), &entry())),
        ("SessionForget", |s| s.forget(&call(), &entry().version)),
        ("SessionLog", |s| s.log(&call(), &line())),
        ("SessionDismantle", |s| s.dismantle(&call())),
        ("SessionInvalidIndexes", |s| s.invalid_indexes(&call()).map(drop)),
        ("SessionDropInvalidIndex", |s| error_of(s.drop_invalid_index(&call(), "i"))),
        ("SessionHasIndex", |s| s.has_index(&call(), "i").map(drop)),
        ("SessionRowCounts", |s| s.row_counts(&call()).map(drop)),
        ("SessionOrphans", |s| s.orphans(&call()).map(drop)),
    ]
}

fn call() -> Call {
    Call::at(now())
}

fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn namespace() -> Namespace {
    Namespace::new("acme").unwrap()
}

fn declaration() -> IndexDeclaration {
    IndexDeclaration { name: "i".parse().unwrap(), path: r#"["a"]"#.parse().unwrap(), kind: IndexKind::Text }
}

fn entry() -> Entry {
    Entry {
        version: Version::new("20260101000000").unwrap(),
        name: "memories".to_owned(),
        position: 1,
        state: State::Applied,
        origin: Origin::Run,
        parents: Vec::new(),
        checksum_raw: "0".repeat(64),
        checksum: "0".repeat(64),
        up: None,
        down: None,
        run_in_transaction: true,
        rebuild: false,
        compatibility: Compatibility::Full,
        statements: 1,
        done: 1,
        batch_key: None,
        started_at: now(),
        finished_at: None,
        millis: None,
        error: None,
        by: "ann@host".to_owned(),
        tool: "polymnia".to_owned(),
        delta: None,
    }
}

fn line() -> LogEntry {
    LogEntry {
        at: now(),
        event: "applied".to_owned(),
        version: None,
        by: "ann@host".to_owned(),
        tool: "polymnia".to_owned(),
        detail: String::new(),
    }
}
