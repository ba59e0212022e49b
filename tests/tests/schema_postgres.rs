//! What PostgreSQL gives to the migration engine: sessions, locks, ledgers, snapshots, batches, backups.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use polymnia::schema::{
    BatchCondition, BatchRequest, Begin, Compatibility, Entry, Event, Ledger, LockHolder, LogEntry, Origin,
    SchemaFault, Script, ScriptPart, SessionOptions, Snapshot, State, StatementError, text,
};
use polymnia::spi::{Dialect as _, Engine, SchemaSession};
use polymnia::{Call, ErrorKind, OpenOptions, Timestamp};
use polymnia_conformance::server::{self, TestDatabase};

fn open(url: &str) -> Arc<dyn Engine> {
    polymnia_postgres::Postgres.open(&OpenOptions::new(url)).unwrap()
}

fn call() -> Call {
    Call::at(Timestamp::from_micros(1_790_000_000_000_000).unwrap())
}

fn options() -> SessionOptions {
    SessionOptions { lock_wait: Duration::from_millis(500), lock_timeout: Duration::from_millis(200) }
}

fn session(engine: &dyn Engine) -> Box<dyn SchemaSession> {
    engine.schema().session(&call(), &options(), &mut |_: &Event<'_>| {}).unwrap()
}

fn entry(script: &Script, position: u64, state: State) -> Entry {
    Entry {
        version: script.version.clone(),
        name: script.name.clone(),
        position,
        state,
        origin: Origin::Run,
        parents: script.metadata.parents.clone(),
        checksum_raw: "a".to_owned(),
        checksum: "b".to_owned(),
        up: Some(script.up.clone()),
        down: Some(script.down.clone()),
        run_in_transaction: true,
        rebuild: false,
        compatibility: Compatibility::ReadOnly,
        statements: 3,
        done: 2,
        batch_key: Some("[1]".to_owned()),
        started_at: call().now,
        finished_at: None,
        millis: Some(7),
        error: Some("it's \\ broken".to_owned()),
        by: "ann@desk".to_owned(),
        tool: "polymnia test".to_owned(),
        delta: None,
    }
}

/// Applies every version of ours, one transaction each, and returns the schema after each.
fn migrate(engine: &dyn Engine, session: &mut dyn SchemaSession) -> Vec<Snapshot> {
    session.prepare(&call()).unwrap();
    let mut snapshots = Vec::new();
    for (place, script) in engine.schema().source().scripts.iter().enumerate() {
        session.begin(&call(), Begin::Plain).unwrap();
        for statement in text::statements(&script.up, text::Syntax::Postgres) {
            session.execute(&call(), statement.text).unwrap();
        }
        snapshots.push(session.snapshot(&call()).unwrap());
        session.record(&call(), &entry(script, place as u64 + 1, State::Applied)).unwrap();
        session.commit(&call()).unwrap();
    }
    snapshots
}

#[test]
fn a_session_migrates_and_records() {
    let database = server::shared().create_database();
    let engine = open(&database.url());
    assert_eq!(engine.schema().ledger(&call()).unwrap(), Ledger::default());
    assert_eq!(engine.schema().log(&call(), 9).unwrap(), []);
    let mut session = session(&*engine);
    assert!(!session.is_one_transaction());
    assert!(session.prepare(&call()).unwrap());
    assert!(!session.prepare(&call()).unwrap());
    assert_eq!(session.snapshot(&call()).unwrap(), Snapshot::default(), "the ledgers are left out");
    let snapshots = migrate(&*engine, &mut *session);
    let source = engine.schema().source();
    let ledger = session.ledger(&call()).unwrap();
    let versions = source.scripts.iter().map(|script| script.version.to_string()).collect();
    assert_eq!(ledger.diesel, Some(versions));
    let entries = ledger.entries.clone().unwrap();
    assert_eq!(entries[0], entry(&source.scripts[0], 1, State::Applied));
    assert_eq!(entries.len(), source.scripts.len());

    let first = &source.scripts[0];
    session.record(&call(), &entry(first, 1, State::Failed)).unwrap();
    let ledger = session.ledger(&call()).unwrap();
    assert!(!ledger.diesel.unwrap().contains(first.version.as_str()));
    assert_eq!(ledger.entries.unwrap()[0].state, State::Failed);
    session.record(&call(), &entry(first, 1, State::Reverting)).unwrap();
    session.forget(&call(), &source.scripts[1].version).unwrap();
    let line = LogEntry {
        at: call().now,
        event: "applied".to_owned(),
        version: Some(first.version.clone()),
        detail: "it's".to_owned(),
        by: "ann@desk".to_owned(),
        tool: "polymnia test".to_owned(),
    };
    let other = LogEntry { version: None, event: "reset".to_owned(), ..line.clone() };
    session.log(&call(), &line).unwrap();
    session.log(&call(), &other).unwrap();
    drop(session);

    let ledger = engine.schema().ledger(&call()).unwrap();
    assert_eq!(ledger.entries.unwrap().len(), source.scripts.len() - 1);
    let diesel = ledger.diesel.unwrap();
    assert!(diesel.contains(first.version.as_str()) && !diesel.contains(source.scripts[1].version.as_str()));
    assert_eq!(engine.schema().log(&call(), 9).unwrap(), [other.clone(), line]);
    assert_eq!(engine.schema().log(&call(), 1).unwrap(), [other]);
    assert_eq!(engine.schema().snapshot(&call()).unwrap(), *snapshots.last().unwrap());
    if let Ok(path) = std::env::var("SHOW") {
        std::fs::write(path, snapshots.last().unwrap().to_string()).unwrap();
    }
}
