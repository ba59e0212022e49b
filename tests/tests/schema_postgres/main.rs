//! What PostgreSQL gives to the migration engine: sessions, locks, ledgers, snapshots, batches, backups.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod judging;
mod keeping;
mod live;
mod script;
mod session;
mod statements;

use std::sync::Arc;
use std::time::{Duration, Instant};

use polymnia::schema::{
    BatchCondition, BatchRequest, Begin, Compatibility, Entry, Event, Ledger, LockHolder, LogEntry, Origin,
    SchemaFault, Script, ScriptPart, SessionOptions, Snapshot, State, StatementError, text,
};
use polymnia::spi::{Dialect as _, Engine, SchemaSession};
use polymnia::{Call, CancelToken, ErrorKind, OpenOptions, Timestamp};
use polymnia_tests::server::{self, Server, ServerOptions, TestDatabase};

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

fn begin_and(session: &mut dyn SchemaSession, statement: &str) -> Result<u64, StatementError> {
    session.begin(&call(), Begin::Plain).unwrap();
    let done = session.execute(&call(), statement);
    if done.is_ok() {
        session.commit(&call()).unwrap();
    } else {
        session.rollback().unwrap();
    }
    done
}
