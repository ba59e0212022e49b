//! What the tests of this folder share.

use std::time::Duration;

use polymnia::schema::text::{Syntax, statements};
use polymnia::schema::{Begin, Compatibility, Entry, Event, Origin, SessionOptions, State};
use polymnia::spi::{Engine as _, SchemaEngine as _};
use polymnia::{Call, ErrorKind, Namespace, OpenOptions, Result, Selection, Timestamp};
use tempfile::TempDir;

use crate::config::Config;
use crate::engine::{Limit, SqliteEngine};

pub(super) fn now() -> Timestamp {
    Timestamp::from_micros(1_763_700_000_000_000).unwrap()
}

pub(super) fn call() -> polymnia::Call {
    polymnia::Call::at(now())
}

pub(super) fn open(url: &str) -> SqliteEngine {
    SqliteEngine::open(Config::read(&OpenOptions::new(url)).unwrap()).unwrap()
}

/// Opens a database in memory and runs a script there.
pub(super) fn engine_with(script: &str) -> SqliteEngine {
    let engine = open(":memory:");
    run(&engine, script);
    engine
}

/// Runs a script on a connection of the pool.
pub(super) fn run(engine: &SqliteEngine, script: &str) {
    engine.with(&call(), Limit::Unlimited, |connection| connection.batch(script)).unwrap();
}

/// Returns a new folder and the URL of a database file there.
pub(super) fn file() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("a.db").display());
    (folder, url)
}

impl SqliteEngine {
    /// Applies what of our migrations is not applied yet, without the planning that core does.
    pub(crate) fn migrate(&self, call: &Call) -> Result<()> {
        let applied = self.ledger(call)?.diesel.unwrap_or_default();
        let scripts: Vec<_> =
            self.source().scripts.into_iter().filter(|script| !applied.contains(script.version.as_str())).collect();
        if scripts.is_empty() {
            return Ok(());
        }
        let options = SessionOptions { lock_wait: Duration::from_mins(1), ..SessionOptions::default() };
        let mut session = self.session(call, &options, &mut |_: &Event<'_>| {})?;
        session.prepare(call)?;
        for (position, script) in (1..).zip(scripts) {
            session.begin(call, Begin::Plain)?;
            let statements = statements(&script.up, Syntax::Sqlite);
            for statement in &statements {
                session.execute(call, statement.text).map_err(|failure| failure.error)?;
            }
            let statements = u32::try_from(statements.len()).unwrap();
            session.record(
                call,
                &Entry {
                    version: script.version,
                    name: script.name,
                    position,
                    state: State::Applied,
                    origin: Origin::Run,
                    parents: Vec::new(),
                    checksum_raw: String::new(),
                    checksum: String::new(),
                    up: Some(script.up),
                    down: Some(script.down),
                    run_in_transaction: true,
                    rebuild: false,
                    compatibility: Compatibility::Full,
                    statements,
                    done: statements,
                    batch_key: None,
                    started_at: call.now,
                    finished_at: Some(call.now),
                    millis: Some(0),
                    error: None,
                    by: "tests".to_owned(),
                    tool: "tests".to_owned(),
                    delta: None,
                },
            )?;
            session.commit(call)?;
        }
        Ok(())
    }
}

#[test]
fn looking_creates_nothing() {
    let engine = open(":memory:");
    assert_eq!(engine.ledger(&call()).unwrap().diesel, None);
    assert!(engine.snapshot(&call()).unwrap().0.is_empty());
    let info = polymnia::spi::AdminEngine::info(&engine, &call()).unwrap();
    assert_eq!((info.schema_version, info.schema_pending), (None, engine.source().scripts.len()));
    let tables = engine.with(&call(), Limit::Unlimited, |connection| {
        super::sql::integer(connection, "SELECT count(*) FROM sqlite_schema", &[])
    });
    assert_eq!(tables.unwrap(), 0);
    let error = engine.count(&call(), &Namespace::new("a").unwrap(), &Selection::default()).unwrap_err();
    assert_eq!((error.kind(), error.hint()), (ErrorKind::Migration, Some("run `polymnia init`")));
    let error = polymnia::spi::AdminEngine::namespaces(&engine, &call(), None, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Migration);
}
