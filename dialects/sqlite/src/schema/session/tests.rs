//! Sessions: what they record, what they hold, what they give back.

use std::time::{Duration, Instant};

use polymnia::schema::{Compatibility, Delta, Event, Origin, State};
use polymnia::spi::SchemaEngine as _;

use super::*;
use crate::engine::SqliteEngine;
use crate::schema::tests::{call, engine_with, file, now, open as open_url, run};

const OPTIONS: SessionOptions =
    SessionOptions { lock_wait: Duration::from_millis(80), lock_timeout: Duration::from_millis(40) };

pub(in crate::schema) fn session(engine: &SqliteEngine) -> Box<dyn SchemaSession> {
    engine.session(&call(), &OPTIONS, &mut |_: &Event<'_>| {}).unwrap()
}

pub(in crate::schema) fn entry(version: &str, state: State) -> Entry {
    Entry {
        version: Version::new(version).unwrap(),
        name: "it's \"named\"\n".to_owned(),
        position: 1,
        state,
        origin: Origin::Run,
        parents: vec![Version::new("20200101000000").unwrap()],
        checksum_raw: "raw".to_owned(),
        checksum: "normal".to_owned(),
        up: Some("CREATE TABLE t (a TEXT DEFAULT '?');".to_owned()),
        down: None,
        run_in_transaction: true,
        rebuild: false,
        compatibility: Compatibility::ReadOnly,
        statements: 3,
        done: 2,
        batch_key: Some("[1]".to_owned()),
        started_at: now(),
        finished_at: None,
        millis: Some(7),
        error: None,
        by: "mara@host".to_owned(),
        tool: "polymnia 0.1.0".to_owned(),
        delta: Some(Delta::default()),
    }
}

pub(in crate::schema) fn line(event: &str) -> LogEntry {
    LogEntry {
        at: now(),
        event: event.to_owned(),
        version: Some(Version::new("20260101000000").unwrap()),
        detail: "d".to_owned(),
        by: "mara@host".to_owned(),
        tool: "polymnia 0.1.0".to_owned(),
    }
}

fn tables(engine: &SqliteEngine) -> Vec<String> {
    engine
        .with(&call(), crate::engine::Limit::Unlimited, |connection| {
            sql::texts(connection, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name", &[])
        })
        .unwrap()
}

#[test]
fn a_database_without_a_ledger_has_none() {
    let engine = engine_with("");
    assert_eq!(engine.ledger(&call()).unwrap(), Ledger::default());
    assert_eq!(engine.log(&call(), 10).unwrap(), []);
    assert_eq!(session(&engine).ledger(&call()).unwrap(), Ledger::default());
    assert_eq!(tables(&engine), Vec::<String>::new());
}

#[test]
fn the_ledgers_are_made_once() {
    let engine = engine_with("");
    let mut session = session(&engine);
    assert!(session.prepare(&call()).unwrap());
    assert!(!session.prepare(&call()).unwrap());
    assert_eq!(
        tables(&engine),
        ["__diesel_schema_migrations", "polymnia_migration_log", "polymnia_migrations", "sqlite_sequence"]
    );
    assert!(session.snapshot(&call()).unwrap().0.is_empty(), "the ledgers are no part of the schema");
    // What the diesel CLI makes is the same, and is no "nothing".
    let of_diesel = engine_with(
        "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)",
    );
    assert!(!self::session(&of_diesel).prepare(&call()).unwrap());
    assert_eq!(of_diesel.ledger(&call()).unwrap().entries, Some(Vec::new()));
}

#[test]
fn entries_come_back_as_they_were_and_diesels_ledger_follows() {
    let engine = engine_with("");
    let mut session = session(&engine);
    session.prepare(&call()).unwrap();
    for state in State::ALL {
        let entry = entry("20260101000000", state);
        session.record(&call(), &entry).unwrap();
        let ledger = engine.ledger(&call()).unwrap();
        assert_eq!(ledger.entries.unwrap(), [entry]);
        let applied = matches!(state, State::Applied | State::Reverting);
        assert_eq!(ledger.diesel.unwrap().contains("20260101000000"), applied, "{state:?}");
    }
    let bare = Entry {
        up: None,
        delta: None,
        finished_at: Some(now()),
        millis: None,
        error: Some("e".to_owned()),
        ..entry("shop20260101000000", State::Applied)
    };
    session.record(&call(), &bare).unwrap();
    assert_eq!(session.ledger(&call()).unwrap().entries.unwrap()[1], bare);
    session.forget(&call(), &bare.version).unwrap();
    let ledger = session.ledger(&call()).unwrap();
    assert_eq!((ledger.entries.unwrap().len(), ledger.diesel.unwrap().len()), (1, 1));
}

#[test]
fn the_log_is_read_newest_first() {
    let engine = engine_with("");
    let mut session = session(&engine);
    session.prepare(&call()).unwrap();
    for event in ["applied", "reverted", "failed"] {
        session.log(&call(), &line(event)).unwrap();
    }
    let whole = LogEntry { version: None, ..line("backup") };
    session.log(&call(), &whole).unwrap();
    assert_eq!(engine.log(&call(), 2).unwrap(), [whole, line("failed")]);
}

#[test]
fn a_transaction_is_all_or_nothing() {
    let engine = engine_with("");
    let mut session = session(&engine);
    session.prepare(&call()).unwrap();
    session.begin(&call(), Begin::Plain).unwrap();
    assert_eq!(session.execute(&call(), "CREATE TABLE t (a)").unwrap(), 0);
    assert_eq!(session.execute(&call(), "INSERT INTO t VALUES (1), (2);").unwrap(), 2);
    assert_eq!(session.execute(&call(), "CREATE INDEX i ON t (a);").unwrap(), 0, "not the rows of the one before");
    session.record(&call(), &entry("20260101000000", State::Applied)).unwrap();
    assert_eq!(session.row_counts(&call()).unwrap(), BTreeMap::from([("t".to_owned(), 2)]));
    assert!(session.has_index(&call(), "\"I\"").unwrap() && session.has_index(&call(), "main.i").unwrap());
    session.rollback().unwrap();
    session.rollback().unwrap();
    assert!(session.row_counts(&call()).unwrap().is_empty() && !session.has_index(&call(), "i").unwrap());
    assert_eq!(session.ledger(&call()).unwrap().entries.unwrap(), []);
    session.begin(&call(), Begin::Plain).unwrap();
    session.execute(&call(), "CREATE TABLE t (a)").unwrap();
    session.commit(&call()).unwrap();
    session.begin(&call(), Begin::Plain).unwrap();
    session.execute(&call(), "DROP TABLE t").unwrap();
    drop(session);
    assert!(tables(&engine).contains(&"t".to_owned()), "a session that ends rolls back");
}

#[test]
fn a_statement_that_fails_tells_where_and_holds_no_values() {
    let engine = engine_with(
        "CREATE TABLE t (a TEXT CONSTRAINT t_a UNIQUE, b INTEGER) STRICT; INSERT INTO t VALUES ('secret', 1)",
    );
    let mut session = session(&engine);
    let mut fails = |statement: &str| session.execute(&call(), statement).unwrap_err();
    let failure = fails("SELECT a,\n  missing FROM t");
    assert_eq!((failure.offset, failure.error.message()), (Some(12), "no such column: missing"));
    assert_eq!((failure.error.kind(), failure.lock_timeout), (ErrorKind::Migration, false));
    let failure = fails("CREATE TABEL x (a)");
    assert_eq!((failure.offset, failure.error.message()), (Some(7), "near \"TABEL\": syntax error"));
    let failure = fails("INSERT INTO t SELECT a, b FROM t");
    assert_eq!((failure.offset, failure.error.message()), (None, "UNIQUE constraint failed: t.a"));
    let failure = fails("INSERT INTO t VALUES ('x', 'secret')");
    assert_eq!(failure.error.message(), "cannot store TEXT value in INTEGER column t.b");
    let failure = fails("DROP TABLE t; DROP TABLE t");
    assert_eq!((failure.offset, failure.error.message()), (Some(13), "there is more than one statement"));
    assert_eq!(fails("SELECT ?").error.message(), "the statement has 1 parameters: expected 0");
    assert_eq!(fails("SELECT '\0'").error.message(), "the statement holds a NUL character");
    assert_eq!(session.execute(&call(), "-- nothing").unwrap(), 0);
    assert_eq!(session.execute(&call(), "DROP TABLE t; -- done\n ;").unwrap(), 0);
}

#[test]
fn a_writer_makes_a_session_wait_and_then_say_so() {
    let (_folder, url) = file();
    let engine = open_url(&url);
    run(&engine, "CREATE TABLE t (a)");
    let mut session = session(&engine);
    let mut writer = engine.pool().acquire(&call()).unwrap();
    writer.batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let error = session.begin(&call(), Begin::Plain).unwrap_err();
    assert!(began.elapsed() >= OPTIONS.lock_wait);
    assert_eq!(SchemaFault::of(&error), Some(SchemaFault::Locked));
    let failure = session.execute(&call(), "INSERT INTO t VALUES (1)").unwrap_err();
    assert!(failure.lock_timeout);
    assert_eq!(SchemaFault::of(&session.prepare(&call()).unwrap_err()), Some(SchemaFault::Locked));
    writer.batch("ROLLBACK").unwrap();
    session.begin(&call(), Begin::Plain).unwrap();
}

#[test]
fn a_rebuild_keeps_the_children() {
    const SCRIPT: &str = "CREATE TABLE parent (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO parent (id) VALUES (1), (2);
        CREATE TABLE child (parent INTEGER REFERENCES parent (id) ON DELETE CASCADE); INSERT INTO child VALUES (1), (1), (2);";
    const REBUILD: [&str; 4] = [
        "CREATE TABLE parent_new (id INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT '')",
        "INSERT INTO parent_new (id) SELECT id FROM parent",
        "DROP TABLE parent",
        "ALTER TABLE parent_new RENAME TO parent",
    ];
    for (how, children) in [(Begin::Rebuild, 3), (Begin::Plain, 0)] {
        let engine = engine_with(SCRIPT);
        let mut session = session(&engine);
        session.begin(&call(), how).unwrap();
        for statement in REBUILD {
            session.execute(&call(), statement).unwrap();
        }
        assert_eq!(session.row_counts(&call()).unwrap()["child"], children);
        assert!(session.orphans(&call()).unwrap().is_empty());
        session.commit(&call()).unwrap();
        let orphan = session.execute(&call(), "INSERT INTO child VALUES (9)").unwrap_err();
        assert_eq!(orphan.error.message(), "FOREIGN KEY constraint failed", "foreign keys are on again");
    }
    let engine = engine_with(SCRIPT);
    let mut session = session(&engine);
    session.begin(&call(), Begin::Rebuild).unwrap();
    session.execute(&call(), "DELETE FROM parent WHERE id = 1").unwrap();
    assert_eq!(
        session.orphans(&call()).unwrap(),
        [Orphans { table: "child".to_owned(), parent: "parent".to_owned(), rows: 2 }]
    );
    session.rollback().unwrap();
    assert!(session.execute(&call(), "INSERT INTO child VALUES (9)").is_err());
}

#[test]
fn ledgers_go_away_but_those_of_others() {
    let engine = engine_with("");
    let mut session = session(&engine);
    session.prepare(&call()).unwrap();
    session.dismantle(&call()).unwrap();
    assert_eq!(tables(&engine), ["sqlite_sequence"]);
    session.prepare(&call()).unwrap();
    run(&engine, "INSERT INTO __diesel_schema_migrations (version) VALUES ('00000000000000')");
    session.dismantle(&call()).unwrap();
    assert_eq!(tables(&engine), ["__diesel_schema_migrations", "sqlite_sequence"]);
}

#[test]
fn what_can_only_be_read_has_no_session() {
    let (folder, url) = file();
    run(&open_url(&url), "CREATE TABLE t (a)");
    let engine = open_url(&format!("{url}?mode=ro"));
    let error = engine.session(&call(), &OPTIONS, &mut |_: &Event<'_>| {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
    assert_eq!(engine.ledger(&call()).unwrap(), Ledger::default());
    assert_eq!(engine.snapshot(&call()).unwrap().0.len(), 2);
    assert_eq!(engine.lock_holder(&call()).unwrap(), None);
    let left = std::fs::read_dir(folder.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("migrate"));
    assert_eq!(left.count(), 0);
}

#[test]
fn a_call_that_is_cancelled_ends_a_statement() {
    let engine = engine_with("");
    let mut session = session(&engine);
    let late = Call { deadline: Some(Instant::now() + Duration::from_millis(20)), ..call() };
    let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let failure = session.execute(&late, endless).unwrap_err();
    assert_eq!((failure.error.kind(), failure.lock_timeout), (ErrorKind::Timeout, false));
    session.begin(&call(), Begin::Plain).unwrap();
}

/// The seed of the terms stands in the database: a connection that knew the old one would find nothing, and say so as if it
/// were so.
#[test]
fn a_schema_made_anew_elsewhere_is_noticed() {
    use polymnia::spi::Engine as _;
    use polymnia::{Expect, Filter, MemoryId, Mutation, Namespace, NewMemory, Selection};

    let (_folder, url) = file();
    let (reader, other) = (open_url(&url), open_url(&url));
    let tenant = Namespace::new("a").unwrap();
    let selection = Selection { filter: Filter::parse(r#"{"kind": "x"}"#).unwrap(), ..Selection::default() };
    let put = |engine: &SqliteEngine| {
        let mut memory = NewMemory::new("content").unwrap();
        memory.metadata = r#"{"kind": "x"}"#.parse().unwrap();
        let id = MemoryId::from_bytes([1; 16]);
        engine.apply(&call(), &tenant, &[Mutation::Put { id, memory, expect: Expect::Any }]).unwrap();
    };
    reader.migrate(&call()).unwrap();
    put(&reader);
    assert_eq!(reader.count(&call(), &tenant, &selection).unwrap(), 1);
    let down: Vec<_> = other.source().scripts.into_iter().rev().collect();
    let mut session = session(&other);
    for script in &down {
        for statement in polymnia::schema::text::statements(&script.down, polymnia::schema::text::Syntax::Sqlite) {
            session.execute(&call(), statement.text).unwrap();
        }
        session.forget(&call(), &script.version).unwrap();
    }
    drop(session);
    other.migrate(&call()).unwrap();
    put(&other);
    assert_eq!(reader.count(&call(), &tenant, &selection).unwrap(), 1, "by the new seed");
    assert_eq!(reader.delete_matching(&call(), &tenant, &selection).unwrap(), 1);
}

#[test]
fn words_of_a_newer_build_are_none_it_knows() {
    let engine = engine_with("");
    let mut session = session(&engine);
    session.prepare(&call()).unwrap();
    session.record(&call(), &entry("20260101000000", State::Applied)).unwrap();
    drop(session);
    run(&engine, "UPDATE polymnia_migrations SET compatibility = 'sometimes'");
    let entries = engine.ledger(&call()).unwrap().entries.unwrap();
    assert_eq!(entries[0].compatibility, Compatibility::None, "it allows nothing");
    for (column, known) in [("state", "applied"), ("origin", "run")] {
        run(&engine, &format!("UPDATE polymnia_migrations SET {column} = 'dreamt'"));
        let error = engine.ledger(&call()).unwrap_err();
        assert_eq!(SchemaFault::of(&error), Some(SchemaFault::Newer), "{error:?}");
        let expected = format!("version 20260101000000 has the {column} \"dreamt\", which this build doesn't know");
        assert_eq!(error.message(), expected);
        run(&engine, &format!("UPDATE polymnia_migrations SET {column} = '{known}'"));
    }
    assert!(engine.ledger(&call()).is_ok());
}

#[test]
fn a_step_finds_nothing_of_the_one_before() {
    let (folder, file_url) = file();
    let attach = format!("ATTACH '{}' AS other", folder.path().join("other.db").display());
    for url in [file_url.as_str(), ":memory:"] {
        let engine = open_url(url);
        let mut session = session(&engine);
        session.prepare(&call()).unwrap();
        for statement in [
            "PRAGMA ignore_check_constraints = ON",
            "PRAGMA foreign_keys = OFF",
            attach.as_str(),
            "CREATE TEMP TABLE mine (a)",
            "CREATE TABLE t (a INT CHECK (a > 5))",
        ] {
            session.execute(&call(), statement).unwrap();
            // The step is the same until it is recorded as done.
            session.begin(&call(), Begin::Plain).unwrap();
            session.record(&call(), &entry("20260101000000", State::Running)).unwrap();
            session.commit(&call()).unwrap();
        }
        session.execute(&call(), "INSERT INTO temp.mine SELECT 1 FROM t").unwrap();
        session.record(&call(), &entry("20260101000000", State::Applied)).unwrap();

        assert!(session.execute(&call(), "INSERT INTO t VALUES (1)").is_err(), "checks hold again: {url}");
        assert!(session.execute(&call(), "INSERT INTO mine VALUES (1)").is_err());
        assert!(session.execute(&call(), "CREATE TABLE other.t (a)").is_err());
        session.execute(&call(), "CREATE TABLE p (a PRIMARY KEY)").unwrap();
        session.execute(&call(), "CREATE TABLE c (a REFERENCES p)").unwrap();
        assert!(session.execute(&call(), "INSERT INTO c VALUES (1)").is_err(), "foreign keys are enforced");

        // What takes a step back ends one, too; within a transaction nothing can be renewed before it ends.
        session.begin(&call(), Begin::Plain).unwrap();
        session.execute(&call(), "PRAGMA ignore_check_constraints = ON").unwrap();
        session.forget(&call(), &Version::new("20260101000000").unwrap()).unwrap();
        session.log(&call(), &line("reverted")).unwrap();
        session.commit(&call()).unwrap();
        session.begin(&call(), Begin::Plain).unwrap();
        assert!(session.execute(&call(), "INSERT INTO t VALUES (1)").is_err());
        session.rollback().unwrap();
    }
}
