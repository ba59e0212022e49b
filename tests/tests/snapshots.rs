//! What each version makes of the schema: as it is written down in `schema.json` beside its scripts, on live databases, and the
//! same on every dialect.
//!
//! `POLYMNIA_WRITE_SNAPSHOTS=1` writes the files, after a migration was added.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use polymnia::Call;
use polymnia::schema::lint::lint;
use polymnia::schema::text::{Syntax, statements};
use polymnia::schema::{Begin, Delta, Event, Script, SessionOptions, Snapshot, Source, parity};
use polymnia::spi::{Engine, SchemaSession};
use polymnia_conformance::databases::{Postgres, SqliteFile};
use polymnia_conformance::{Fixture, TestClock};
use polymnia_migrations::{postgres_source, sqlite_source};

#[test]
fn sqlite_makes_what_is_written_down() {
    written_down::<SqliteFile>(&sqlite_source());
}

#[test]
fn postgres_makes_what_is_written_down() {
    written_down::<Postgres>(&postgres_source());
}

#[test]
fn the_dialects_make_the_same() {
    let divergences = parity(&sqlite_source(), &postgres_source()).unwrap();
    assert_eq!(divergences, [], "what only one dialect has is named, with the reason, in its metadata.toml");
}

#[test]
fn our_migrations_have_nothing_dangerous() {
    for source in [sqlite_source(), postgres_source()] {
        let findings: Vec<String> = lint(&source)
            .iter()
            .map(|finding| format!("{} {} ({}): {}", finding.place, finding.rule, finding.statement, finding.message))
            .collect();
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }
}

/// Goes up version by version and down again, and compares what each made with its file.
fn written_down<F: Fixture>(source: &Source) {
    let fixture = F::fresh();
    let mut database = Database::open(fixture.open(&fixture.options()).unwrap());
    let syntax = Syntax::of(&source.dialect);
    let mut seen = vec![database.snapshot()];
    assert_eq!(seen[0], Snapshot::default(), "ledgers are no part of a snapshot");
    for script in &source.scripts {
        database.run(&script.up, syntax);
        let snapshot = database.snapshot();
        assert_eq!(snapshot.part(true), snapshot, "{}: all of it is ours", script.folder);
        compare(script, &snapshot.since(seen.last().unwrap()));
        seen.push(snapshot);
    }
    for (script, before) in source.scripts.iter().zip(&seen).rev() {
        database.run(&script.down, syntax);
        assert_eq!(database.snapshot().drift_from(before), [], "{} leads back", script.folder);
    }
    assert_eq!(database.snapshot(), Snapshot::default());
}

/// Compares what a version made with its file, text by text; or writes the file.
fn compare(script: &Script, made: &Delta) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&script.folder).join("schema.json");
    let text = serde_json::to_string_pretty(made).unwrap() + "\n";
    if env::var_os("POLYMNIA_WRITE_SNAPSHOTS").is_some_and(|value| value == "1") {
        fs::write(&file, text).unwrap();
        return;
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    let hint = "run the test with POLYMNIA_WRITE_SNAPSHOTS=1, and look at what changed";
    assert!(written == text, "{} is not what {} makes: {hint}\n{text}", file.display(), script.folder);
    assert_eq!(script.delta.as_ref(), Some(made), "{}: the program embeds its file", script.folder);
}

/// Is a database with a session of migrating.
struct Database {
    session: Box<dyn SchemaSession>,
    call: Call,
    /// Outlives the session.
    _engine: Arc<dyn Engine>,
}

impl Database {
    fn open(engine: Arc<dyn Engine>) -> Self {
        let call = Call::at(TestClock::default().now());
        let mut session =
            engine.schema().session(&call, &SessionOptions::default(), &mut |_: &Event<'_>| {}).unwrap();
        assert!(session.prepare(&call).unwrap(), "the database is empty");
        Self { session, call, _engine: engine }
    }

    fn run(&mut self, script: &str, syntax: Syntax) {
        self.session.begin(&self.call, Begin::Plain).unwrap();
        for statement in statements(script, syntax) {
            self.session.execute(&self.call, statement.text).unwrap();
        }
        self.session.commit(&self.call).unwrap();
    }

    fn snapshot(&mut self) -> Snapshot {
        self.session.snapshot(&self.call).unwrap()
    }
}
