//! What PostgreSQL gives to the migration engine: sessions, locks, ledgers, snapshots, batches, backups.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use polymnia::schema::{
    BatchCondition, BatchRequest, Begin, Compatibility, Entry, Event, Ledger, LockHolder, LogEntry, Origin,
    SchemaFault, Script, ScriptPart, SessionOptions, Snapshot, State, StatementError, text,
};
use polymnia::spi::{Dialect as _, Engine, SchemaSession};
use polymnia::{Call, CancelToken, ErrorKind, OpenOptions, Timestamp};
use polymnia_conformance::server::{self, Server, ServerOptions, TestDatabase};

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

    database.sql("UPDATE polymnia.migrations SET compatibility = 'write_only'").unwrap();
    let entries = engine.schema().ledger(&call()).unwrap().entries.unwrap();
    assert!(entries.iter().all(|entry| entry.compatibility == Compatibility::None), "a newer build wrote it");
    database.sql("UPDATE polymnia.migrations SET origin = 'copied'").unwrap();
    let error = engine.schema().ledger(&call()).unwrap_err();
    assert_eq!(SchemaFault::of(&error), Some(SchemaFault::Newer), "{error:?}");
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

#[test]
fn one_session_at_a_time() {
    let database = server::shared().create_database();
    let engine = open(&database.url());
    assert_eq!(engine.schema().lock_holder(&call()).unwrap(), None);
    let first = session(&*engine);
    let holder = engine.schema().lock_holder(&call()).unwrap().unwrap();
    assert!(holder.description.starts_with("polymnia migrate ") && holder.since.is_some(), "{holder:?}");
    let mut waits: Vec<(Option<LockHolder>, u64)> = Vec::new();
    let mut observer = |event: &Event<'_>| {
        if let Event::Waiting { holder, millis } = event {
            waits.push((holder.cloned(), *millis));
        }
    };
    let started = Instant::now();
    let error = engine.schema().session(&call(), &options(), &mut observer).unwrap_err();
    assert!(started.elapsed() >= options().lock_wait && started.elapsed() < Duration::from_secs(5));
    assert_eq!(SchemaFault::of(&error), Some(SchemaFault::Locked));
    assert_eq!(error.context_value("process"), Some(holder.process.to_string().as_str()));
    assert_eq!(waits.len(), 1, "told at once, and then each second");
    assert_eq!(waits[0].0.as_ref(), Some(&holder));

    drop(first);
    assert_eq!(engine.schema().lock_holder(&call()).unwrap(), None, "given back at once");
    let mut ended = session(&*engine);
    let holder = engine.schema().lock_holder(&call()).unwrap().unwrap();
    assert!(engine.schema().end_lock_holder(&call(), &holder).unwrap());
    assert!(!engine.schema().end_lock_holder(&call(), &holder).unwrap(), "it is gone");
    drop(session(&*engine));
    assert_eq!(ended.ledger(&call()).unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn a_session_behind_a_pooler_is_one_transaction() {
    let database = server::shared().create_database();
    let url = format!("{}?prepared_statements=off", database.url());
    let engine = open(&url);
    let mut one = session(&*engine);
    assert!(one.is_one_transaction());
    one.begin(&call(), Begin::Plain).unwrap();
    assert!(one.prepare(&call()).unwrap());
    one.execute(&call(), "CREATE TABLE polymnia.t (a int)").unwrap();
    assert!(!one.snapshot(&call()).unwrap().0.is_empty());
    drop(one);
    assert_eq!(engine.schema().ledger(&call()).unwrap(), Ledger::default(), "nothing was committed");

    let mut one = session(&*engine);
    let error = engine.schema().session(&call(), &options(), &mut |_: &Event<'_>| {}).unwrap_err();
    assert_eq!(SchemaFault::of(&error), Some(SchemaFault::Locked));
    one.begin(&call(), Begin::Plain).unwrap();
    one.prepare(&call()).unwrap();
    let script = &engine.schema().source().scripts[0];
    one.record(&call(), &entry(script, 1, State::Applied)).unwrap();
    one.commit(&call()).unwrap();
    assert_eq!(engine.schema().ledger(&call()).unwrap().diesel.unwrap().len(), 1);
    assert_eq!(engine.schema().lock_holder(&call()).unwrap(), None, "the lock ends with the transaction");

    let mut other = session(&*engine);
    other.forget(&call(), &script.version).unwrap();
    drop(other);
    let error = one.begin(&call(), Begin::Plain).unwrap_err();
    assert_eq!(SchemaFault::of(&error), Some(SchemaFault::Locked), "somebody migrated meanwhile");
}

#[test]
fn a_failure_tells_the_place_and_no_value() {
    let database = server::shared().create_database();
    let engine = open(&database.url());
    let mut session = session(&*engine);
    session.prepare(&call()).unwrap();
    begin_and(&mut *session, "CREATE TABLE t (a text CONSTRAINT a_key UNIQUE, b int)").unwrap();
    assert_eq!(begin_and(&mut *session, "INSERT INTO t VALUES ('secret', 1), ('two', 2)").unwrap(), 2);

    let text = "SELECT 'é', nothing FROM t";
    let failed = begin_and(&mut *session, text).unwrap_err();
    assert_eq!((failed.error.kind(), failed.offset), (ErrorKind::Migration, text.find("nothing")));
    assert_eq!(failed.error.message(), "column \"nothing\" does not exist");
    assert_eq!(begin_and(&mut *session, "COPY t FROM STDIN").unwrap_err().error.kind(), ErrorKind::Unsupported);
    let failed = begin_and(&mut *session, "CREATE TABLE u (a int); DROP TABLE t").unwrap_err();
    assert!(failed.error.message().contains("multiple commands"), "{:?}", failed.error);
    for statement in [
        "INSERT INTO t VALUES ('secret', 1)",
        "ALTER TABLE t ALTER COLUMN a TYPE int USING a::int",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a <> 'secret')",
        "UPDATE t SET b = (a || '1')::int",
    ] {
        let failed = begin_and(&mut *session, statement).unwrap_err();
        let shown = format!("{} {:?}", failed.error, failed.error);
        assert_eq!(failed.error.kind(), ErrorKind::Migration);
        assert!(!shown.contains("secret") && !failed.lock_timeout, "{shown}");
    }
    assert_eq!(session.row_counts(&call()).unwrap(), [("public.t".to_owned(), 2)].into());
}

#[test]
fn a_lock_that_is_not_free_keeps_nobody_waiting() {
    use diesel::connection::SimpleConnection as _;

    let database = server::shared().create_database();
    let engine = open(&database.url());
    let mut session = session(&*engine);
    database.sql("CREATE TABLE t (a int)").unwrap();
    let mut other = database.connect().unwrap();
    other.batch_execute("BEGIN; SELECT * FROM t").unwrap();
    let started = Instant::now();
    let failed = begin_and(&mut *session, "ALTER TABLE t ADD COLUMN b int").unwrap_err();
    assert!(failed.lock_timeout && started.elapsed() < Duration::from_secs(2), "{:?}", failed.error);
    other.batch_execute("COMMIT").unwrap();
    begin_and(&mut *session, "ALTER TABLE t ADD COLUMN b int").unwrap();

    // A build without locks waits for transactions that are older, for as long as the whole run may.
    other.batch_execute("BEGIN; INSERT INTO t VALUES (1)").unwrap();
    let started = Instant::now();
    let failed = session.execute(&call(), "CREATE INDEX CONCURRENTLY i ON t (a)").unwrap_err();
    assert!(failed.lock_timeout && started.elapsed() >= options().lock_wait, "{:?}", failed.error);
    other.batch_execute("COMMIT").unwrap();
    assert_eq!(session.invalid_indexes(&call()).unwrap(), ["public.i"]);
    session.drop_invalid_index(&call(), "i").unwrap();
    session.execute(&call(), "CREATE INDEX CONCURRENTLY i ON t (a)").unwrap();
}

#[test]
fn who_gives_up_is_not_kept_waiting() {
    let database = server::shared().create_database();
    let engine = open(&database.url());
    let mut session = session(&*engine);
    let token = CancelToken::new();
    let cancelled = Call { cancel: Some(token.clone()), ..call() };
    session.begin(&call(), Begin::Plain).unwrap();
    let started = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            token.cancel();
        });
        let failed = session.execute(&cancelled, "SELECT pg_sleep(60)").unwrap_err();
        assert_eq!((failed.error.kind(), failed.lock_timeout), (ErrorKind::Cancelled, false));
    });
    assert!(started.elapsed() < Duration::from_secs(10));
    session.rollback().unwrap();
    assert!(session.prepare(&call()).unwrap(), "the session goes on");
}

/// What a step sets for the session is not there for the next one, which runs as it would alone.
#[test]
fn settings_end_with_their_step() {
    let database = server::shared().create_database();
    let role = format!("other_{}", std::process::id());
    database.sql(&format!("CREATE ROLE {role}")).unwrap();
    for parameters in ["", "?prepared_statements=off"] {
        let engine = open(&format!("{}{parameters}", database.url()));
        let mut session = session(&*engine);
        session.prepare(&call()).unwrap();
        let scripts = engine.schema().source().scripts;
        session.begin(&call(), Begin::Plain).unwrap();
        for statement in [
            "SELECT pg_catalog.set_config('search_path', '', false)",
            "SET lock_timeout = 0",
            "SET session_replication_role = replica",
            "SET datestyle = 'German'",
            &format!("SET ROLE {role}"),
        ] {
            session.execute(&call(), statement).unwrap();
        }
        session.record(&call(), &entry(&scripts[0], 1, State::Applied)).unwrap();
        let check = "SELECT WHERE current_setting('search_path') <> '' AND current_setting('lock_timeout') = '200ms' \
                     AND current_setting('session_replication_role') = 'origin' AND current_setting('role') = 'none' \
                     AND current_setting('datestyle') LIKE 'ISO%' AND current_setting('statement_timeout') = '0'";
        assert_eq!(session.execute(&call(), check).unwrap(), 1, "{parameters}");
        session.commit(&call()).unwrap();
        session.begin(&call(), Begin::Plain).unwrap();
        assert_eq!(session.execute(&call(), check).unwrap(), 1, "{parameters}");
        session.rollback().unwrap();
    }
    database.sql(&format!("DROP ROLE {role}")).unwrap();
}

#[test]
fn half_made_indexes_are_found_and_dropped() {
    let database = server::shared().create_database();
    let engine = open(&database.url());
    let mut session = session(&*engine);
    database
        .sql(
            "CREATE SCHEMA shop; CREATE TABLE shop.t (a int, b int); INSERT INTO shop.t VALUES (1, 1), (1, 2);
             CREATE INDEX ok ON shop.t (a)",
        )
        .unwrap();
    let failed = session.execute(&call(), "CREATE UNIQUE INDEX CONCURRENTLY \"Twice\" ON shop.t (a)").unwrap_err();
    assert_eq!(failed.error.message(), "could not create unique index \"Twice\"");
    assert_eq!(session.invalid_indexes(&call()).unwrap(), ["shop.\"Twice\""]);
    for (name, there) in
        [("ok", true), ("OK", true), ("shop.ok", true), ("public.ok", false), ("\"Twice\"", false), ("none", false)]
    {
        assert_eq!(session.has_index(&call(), name).unwrap(), there, "{name}");
    }
    session.drop_invalid_index(&call(), "ok").unwrap();
    assert!(session.has_index(&call(), "ok").unwrap(), "what is valid stays");
    session.drop_invalid_index(&call(), "shop.\"Twice\"").unwrap();
    assert_eq!(session.invalid_indexes(&call()).unwrap(), Vec::<String>::new());
}

#[test]
fn a_statement_goes_through_a_table_in_batches() {
    let database = server::shared().create_database();
    let engine = open(&database.url());
    let mut session = session(&*engine);
    database
        .sql(
            "CREATE TABLE t (n text COLLATE \"C\", at timestamptz, id int, done int DEFAULT 0, PRIMARY KEY (n, at, id));
             INSERT INTO t SELECT 'n''' || i % 3, timestamptz '2026-01-01' + i * interval '1.000001 second', i
             FROM generate_series(1, 100) AS i",
        )
        .unwrap();
    let statement = "UPDATE t AS x SET done = done + 1 WHERE id > 10 OR id < 3 -- all but some\n";
    let condition = statement.find("id >").unwrap()..statement.len();
    let (mut after, mut looked_at, mut changed, mut batches, mut totals) = (None::<String>, 0, 0, 0, Vec::new());
    loop {
        let request = BatchRequest {
            statement,
            table: "t",
            alias: "x",
            condition: BatchCondition::Within(condition.clone()),
            after: after.as_deref(),
            rows: 30,
        };
        session.begin(&call(), Begin::Plain).unwrap();
        let done = session.batch(&call(), &request).unwrap();
        session.commit(&call()).unwrap();
        looked_at += done.looked_at;
        changed += done.changed;
        totals.extend(done.total);
        let Some(key) = done.key else { break };
        after = Some(key);
        batches += 1;
    }
    assert_eq!((looked_at, changed, batches, totals), (100, 92, 4, vec![100]));
    assert_eq!(begin_and(&mut *session, "DELETE FROM t WHERE done = 1").unwrap(), 92);

    let request = BatchRequest {
        statement: "DELETE FROM u",
        table: "u",
        alias: "u",
        condition: BatchCondition::At("DELETE FROM u".len()),
        after: None,
        rows: 30,
    };
    database.sql("CREATE TABLE u (a int)").unwrap();
    let failed = session.batch(&call(), &request).unwrap_err();
    assert!(failed.error.message().contains("no primary key"), "{:?}", failed.error);
    database.sql("ALTER TABLE u ADD PRIMARY KEY (a); INSERT INTO u VALUES (1)").unwrap();
    assert_eq!(session.batch(&call(), &request).unwrap().changed, 1);
    let wrong =
        BatchRequest { statement: "DELETE FROM u WHERE c = 1", condition: BatchCondition::Within(20..25), ..request };
    assert_eq!(session.batch(&call(), &wrong).unwrap().key, None, "nothing is left, so nothing is run");
    database.sql("INSERT INTO u VALUES (1)").unwrap();
    assert_eq!(session.batch(&call(), &wrong).unwrap_err().offset, Some(20));
}

#[test]
fn rows_that_lead_nowhere_are_found() {
    let database = server::shared().create_database();
    let engine = open(&database.url());
    let mut session = session(&*engine);
    database
        .sql(
            "CREATE TABLE parent (a int, b int, PRIMARY KEY (a, b)); CREATE TABLE child (x int, y int);
             INSERT INTO parent VALUES (1, 1); INSERT INTO child VALUES (1, 1), (1, 2), (NULL, 2);
             ALTER TABLE child ADD CONSTRAINT k FOREIGN KEY (x, y) REFERENCES parent NOT VALID",
        )
        .unwrap();
    let orphans = session.orphans(&call()).unwrap();
    let shown: Vec<_> = orphans.iter().map(|one| (one.table.as_str(), one.parent.as_str(), one.rows)).collect();
    assert_eq!(shown, [("public.child", "public.parent", 1)]);
    database.sql("DELETE FROM child WHERE y = 2 AND x = 1; ALTER TABLE child VALIDATE CONSTRAINT k").unwrap();
    assert_eq!(session.orphans(&call()).unwrap(), []);
}

#[test]
fn a_snapshot_is_the_same_on_every_version() {
    let database = server::shared().create_database();
    let engine = open(&database.url());
    database
        .sql(
            r#"CREATE SCHEMA shop;
            CREATE TYPE shop.mood AS ENUM ('good', 'it''s bad');
            CREATE DOMAIN shop.positive AS int DEFAULT 1 NOT NULL CONSTRAINT above CHECK (VALUE > 0);
            CREATE TYPE shop.pair AS (a int, "B c" text);
            CREATE SEQUENCE shop.numbers START 5 INCREMENT 2;
            CREATE TABLE shop."my parents" (id uuid, tenant text COLLATE "C", PRIMARY KEY (tenant, id));
            CREATE TABLE shop.children (
                id bigserial PRIMARY KEY,
                tenant text COLLATE "C" NOT NULL DEFAULT 'a  b',
                parent uuid,
                mood shop.mood DEFAULT 'good',
                size shop.positive,
                lowered text GENERATED ALWAYS AS (lower(tenant)) STORED,
                body tsvector,
                place int GENERATED BY DEFAULT AS IDENTITY,
                price numeric(10, 2) CHECK (price > 0),
                CONSTRAINT children_parent FOREIGN KEY (tenant, parent) REFERENCES shop."my parents" (tenant, id)
                    ON DELETE SET NULL (parent) ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
                CONSTRAINT children_once UNIQUE NULLS NOT DISTINCT (tenant, lowered) INCLUDE (price)
            );
            CREATE INDEX children_lower ON shop.children (lower(tenant) text_pattern_ops DESC NULLS LAST, (place + 1))
                INCLUDE (price) WHERE mood = 'good' AND place > 0;
            CREATE INDEX children_body ON shop.children USING gin (body) WITH (fastupdate = off);
            CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN  RETURN NEW; END $$;
            CREATE FUNCTION shop.sum(a int, b int DEFAULT 2) RETURNS int LANGUAGE sql IMMUTABLE STRICT RETURN a + b;
            CREATE TRIGGER children_touch BEFORE INSERT OR UPDATE OF tenant, parent ON shop.children
                FOR EACH ROW WHEN (NEW.parent IS NOT NULL) EXECUTE FUNCTION shop.touch();
            CREATE VIEW shop.happy AS SELECT c.id, upper(c.tenant) AS tenant FROM shop.children c WHERE c.mood = 'good';
            CREATE VIEW shop.happier AS SELECT id, tenant FROM shop.children WHERE mood = 'good';
            CREATE MATERIALIZED VIEW shop.both AS SELECT c.id, p.id AS parent FROM shop.children c
                JOIN shop."my parents" p ON p.id = c.parent;
            CREATE TABLE shop.parts (at date NOT NULL, v int) PARTITION BY RANGE (at);
            CREATE TABLE shop.parts_2026 PARTITION OF shop.parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"#,
        )
        .unwrap();
    let snapshot = engine.schema().snapshot(&call()).unwrap();
    let expected = include_str!("schema_postgres.snapshot");
    if std::env::var_os("POLYMNIA_WRITE_SNAPSHOTS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schema_postgres.snapshot");
        std::fs::write(path, snapshot.to_string()).unwrap();
    }
    assert_eq!(snapshot.to_string(), expected);
    assert!(snapshot.0.values().all(|object| !object.ours));
    let stored = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(serde_json::from_str::<Snapshot>(&stored).unwrap(), snapshot);
}

/// Runs a script as an operator would.
fn psql(url: &str, script: &str) -> Result<(), String> {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    let mut child = Command::new("psql")
        .args(["--no-psqlrc", "--quiet", "--dbname", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8(output.stderr).unwrap()) }
}

#[test]
fn a_script_does_what_a_run_does() {
    let run = server::shared().create_database();
    let engine = open(&run.url());
    migrate(&*engine, &mut *session(&*engine));
    let source = engine.schema().source();
    let entries: Vec<Entry> =
        (1..).zip(&source.scripts).map(|(place, script)| entry(script, place, State::Applied)).collect();
    let failed = entry(&source.scripts[0], 1, State::Failed);
    let line = LogEntry {
        at: call().now,
        event: "applied".to_owned(),
        version: None,
        detail: "it's a \\ line\nand :'another'".to_owned(),
        by: "ann".to_owned(),
        tool: "t".to_owned(),
    };
    let mut parts = vec![ScriptPart::Guard(Vec::new()), ScriptPart::Prepare, ScriptPart::Record(&failed)];
    for (script, entry) in source.scripts.iter().zip(&entries) {
        parts.extend([ScriptPart::Comment(&script.name), ScriptPart::Begin(Begin::Plain)]);
        for statement in text::statements(&script.up, text::Syntax::Postgres) {
            parts.push(ScriptPart::Statement(statement.text));
        }
        parts.extend([ScriptPart::Record(entry), ScriptPart::Log(&line), ScriptPart::Commit]);
    }
    parts.push(ScriptPart::Statement("CREATE INDEX CONCURRENTLY apart ON polymnia.memories (tier)"));
    parts.push(ScriptPart::Statement("DROP INDEX CONCURRENTLY polymnia.apart; -- no more;"));
    let script = engine.schema().script(&parts).unwrap();

    let scripted = server::shared().create_database();
    let other = open(&scripted.url());
    let held = session(&*other);
    let refused = psql(&scripted.url(), &script).unwrap_err();
    assert!(refused.contains("another process is migrating"), "{refused}");
    drop(held);
    psql(&scripted.url(), &script).unwrap();
    assert_eq!(other.schema().snapshot(&call()).unwrap(), engine.schema().snapshot(&call()).unwrap());
    assert_eq!(other.schema().ledger(&call()).unwrap(), engine.schema().ledger(&call()).unwrap());
    assert_eq!(other.schema().log(&call(), 1).unwrap(), [line]);
    assert_eq!(other.schema().lock_holder(&call()).unwrap(), None);

    let refused = psql(&scripted.url(), &script).unwrap_err();
    assert!(refused.contains("this script is for a database at other versions"), "{refused}");
    let versions: Vec<_> = source.scripts.iter().map(|script| &script.version).collect();
    let first = entries[0].version.clone();
    let script = engine.schema().script(&[ScriptPart::Guard(versions), ScriptPart::Forget(&first)]).unwrap();
    psql(&scripted.url(), &script).unwrap();
    assert!(!other.schema().ledger(&call()).unwrap().diesel.unwrap().contains(first.as_str()));
}

#[test]
fn ledgers_of_other_tools_are_named() {
    let database = server::shared().create_database();
    let engine = open(&database.url());
    database
        .sql(
            "CREATE TABLE alembic_version (version_num varchar(32)); INSERT INTO alembic_version VALUES ('3f1a');
             CREATE TABLE _prisma_migrations (migration_name text, finished_at timestamptz, rolled_back_at timestamptz);
             INSERT INTO _prisma_migrations VALUES ('2026_a', now(), NULL), ('2026_b', NULL, NULL), ('2026_c', now(), now());
             CREATE TABLE _sqlx_migrations (version bigint, success boolean);
             INSERT INTO _sqlx_migrations VALUES (9, true), (10, true);
             CREATE TABLE refinery_schema_history (version int, applied_on text);
             INSERT INTO refinery_schema_history VALUES (3, '');
             CREATE TABLE flyway_schema_history (version text, installed_rank int, success boolean);
             INSERT INTO flyway_schema_history VALUES ('9', 1, true), ('10', 2, true), ('11', 3, false), (NULL, 4, true);
             CREATE TABLE goose_db_version (id int, version_id bigint, is_applied boolean);
             INSERT INTO goose_db_version VALUES (1, 0, true), (2, 20260101, true);
             CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id int, hash text, created_at bigint);
             CREATE TABLE __diesel_schema_migrations (version varchar(50), run_on timestamp);
             CREATE SCHEMA rails; CREATE TABLE rails.schema_migrations (version varchar);
             CREATE TABLE rails.ar_internal_metadata (key text);
             INSERT INTO rails.schema_migrations VALUES ('20260101000000');
             CREATE SCHEMA go; CREATE TABLE go.schema_migrations (version bigint, dirty boolean);
             CREATE SCHEMA mine; CREATE TABLE mine.\"Schema_Version\" (version int);
             INSERT INTO mine.\"Schema_Version\" VALUES (7);
             CREATE TABLE mine.orders (version int); CREATE TABLE mine.bird_migrations (id int, name text);
             CREATE TABLE mine.knex_migrations (id int, name text, batch int)",
        )
        .unwrap();
    session(&*engine).prepare(&call()).unwrap();
    let found = engine.schema().foreign_ledgers(&call()).unwrap();
    let shown: Vec<String> = found
        .iter()
        .map(|one| format!("{} {} {}", one.tool, one.table, one.version.as_deref().unwrap_or("none")))
        .collect();
    assert_eq!(
        shown,
        [
            "drizzle drizzle.__drizzle_migrations none",
            "golang-migrate go.schema_migrations none",
            "unknown mine.\"Schema_Version\" 7",
            "unknown mine.knex_migrations none",
            "diesel public.__diesel_schema_migrations none",
            "prisma public._prisma_migrations 2026_a",
            "sqlx public._sqlx_migrations 10",
            "alembic public.alembic_version 3f1a",
            "flyway public.flyway_schema_history 10",
            "goose public.goose_db_version 20260101",
            "refinery public.refinery_schema_history 3",
            "rails rails.schema_migrations 20260101000000",
        ]
    );
}

#[test]
fn what_the_schema_promises_is_tried_and_rolled_back() {
    let database = server::shared().create_database();
    let engine = open(&database.url());
    assert_eq!(engine.schema().probe(&call()).unwrap(), []);
    migrate(&*engine, &mut *session(&*engine));
    let probes = engine.schema().probe(&call()).unwrap();
    assert_eq!(probes.len(), 8, "{probes:?}");
    assert!(probes.iter().all(|probe| probe.holds), "{probes:?}");
    assert_eq!(session(&*engine).row_counts(&call()).unwrap().values().sum::<u64>(), 0, "nothing is left");
    database
        .sql(
            "ALTER TABLE polymnia.memories DROP CONSTRAINT memories_importance_range;
             ALTER TABLE polymnia.memories ADD CONSTRAINT memories_importance_range CHECK (true);
             CREATE TABLE parent (a int PRIMARY KEY); CREATE TABLE child (a int CONSTRAINT k REFERENCES parent);
             ALTER TABLE child DISABLE TRIGGER ALL",
        )
        .unwrap();
    let probes = engine.schema().probe(&call()).unwrap();
    let broken: Vec<&str> = probes.iter().filter(|probe| !probe.holds).map(|probe| probe.name.as_str()).collect();
    assert_eq!(broken, ["foreign key public.child k is enforced", "check memories_importance_range refuses"]);
}

#[test]
fn health_names_what_is_worth_a_look() {
    use diesel::connection::SimpleConnection as _;

    let database = server::shared().create_database();
    let engine = open(&database.url());
    let mut migrating = session(&*engine);
    migrate(&*engine, &mut *migrating);
    database.sql("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)").unwrap();
    migrating.execute(&call(), "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)").unwrap_err();
    let mut holder = database.connect().unwrap();
    holder.batch_execute("SET application_name = 'the holder'; BEGIN; LOCK TABLE t").unwrap();
    let mut waiter = database.connect().unwrap();
    let waiting = std::thread::spawn(move || waiter.batch_execute("SELECT * FROM t"));
    let health = loop {
        let health = engine.schema().health(&call()).unwrap();
        if !health.locks.is_empty() {
            break health;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    holder.batch_execute("COMMIT").unwrap();
    waiting.join().unwrap().unwrap();
    let lock = &health.locks[0];
    assert_eq!((lock.object.as_str(), lock.mode.as_str(), lock.waiting), ("public.t", "AccessShareLock", 1));
    assert!(lock.holder.starts_with("the holder") && lock.millis.is_some(), "{lock:?}");
    assert!(health.advice.iter().any(|line| line.starts_with("index public.i is INVALID")), "{:?}", health.advice);
    assert!(health.tables.iter().any(|table| table.name == "polymnia.memories"));
    let index = health.indexes.iter().find(|index| index.name == "polymnia.memories_created").unwrap();
    assert_eq!((index.table.as_str(), index.valid, index.scans), ("polymnia.memories", true, Some(0)));
}

/// Returns what was done, or nothing where no `pg_dump` fits the server, which must be said so: servers from the Python wheel
/// come without.
fn unless_without_programs<T>(done: polymnia::Result<T>) -> Option<T> {
    let error = match done {
        Ok(done) => return Some(done),
        Err(error) => error,
    };
    let expected = format!("no pg_dump of PostgreSQL {} or later was found", server::shared().version());
    assert_eq!(
        (SchemaFault::of(&error), error.message()),
        (Some(SchemaFault::NoBackup), expected.as_str()),
        "{error:?}"
    );
    assert!(std::env::var_os(server::SOURCE_VARIABLE).is_some(), "an installed server comes with its programs");
    None
}

#[test]
fn a_backup_puts_everything_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.dump");
    let database = server::shared().create_database();
    let engine = open(&database.url());
    migrate(&*engine, &mut *session(&*engine));
    database
        .sql(
            "INSERT INTO polymnia.memories (namespace, id, tier, content, metadata, importance, revision, created_at, updated_at)
             SELECT 'a', gen_random_uuid(), 'x', 'it''s \\ a' || chr(10) || 'b', '{}', 0.5, 1, now(), now()
             FROM generate_series(1, 50);
             CREATE TABLE public.theirs (a int); INSERT INTO public.theirs VALUES (1);
             CREATE TABLE public.notes (a text); INSERT INTO public.notes VALUES ('SET lock_timeout = 0;'), ('\\.'),
             ('SET client_min_messages = warning;'), ('COPY polymnia.memories (a) FROM stdin;');
             CREATE FUNCTION public.f(a int) RETURNS int LANGUAGE sql AS 'SELECT a'",
        )
        .unwrap();
    let before = engine.schema().snapshot(&call()).unwrap();
    let ledger = engine.schema().ledger(&call()).unwrap();

    let mut migrating = session(&*engine);
    migrating.begin(&call(), Begin::Plain).unwrap();
    let Some(info) = unless_without_programs(engine.schema().backup(&call(), &options(), &file)) else { return };
    drop(migrating);
    assert_eq!((info.dialect.as_str(), info.memories), ("postgres", Some(50)));
    assert_eq!(info.version, Some(engine.schema().source().scripts.last().unwrap().version.to_string()));
    assert_eq!(info.bytes, file.metadata().unwrap().len());
    assert_eq!(engine.schema().verify_backup(&call(), &file).unwrap(), info);
    let error = engine.schema().backup(&call(), &options(), &file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(engine.schema().verify_backup(&call(), &file).unwrap(), info, "the file that was there is as it was");

    // What came after goes, what was there comes back.
    database
        .sql(
            "DELETE FROM polymnia.memories; DROP TABLE public.theirs; ALTER TABLE polymnia.memories DROP COLUMN tier CASCADE;
             ALTER TABLE public.notes ADD later int DEFAULT public.f(1);
             CREATE TABLE polymnia.later (a int); CREATE VIEW public.after AS SELECT * FROM polymnia.memories;
             CREATE TYPE public.mood AS ENUM ('a'); CREATE SCHEMA \"other one\"; CREATE TABLE \"other one\".t (m public.mood);
             CREATE FUNCTION public.f(a text) RETURNS text LANGUAGE sql AS 'SELECT a';
             DELETE FROM polymnia.__diesel_schema_migrations",
        )
        .unwrap();
    engine.schema().restore(&call(), &options(), &file).unwrap();
    assert_eq!(engine.schema().snapshot(&call()).unwrap().to_string(), before.to_string());
    assert_eq!(engine.schema().ledger(&call()).unwrap(), ledger);
    let counts = session(&*engine).row_counts(&call()).unwrap();
    assert_eq!((counts["polymnia.memories"], counts["public.theirs"], counts["public.notes"]), (50, 1, 4));

    let other = server::shared().create_database();
    other.sql("CREATE TABLE t (a int)").unwrap();
    let theirs = folder.path().join("theirs.dump");
    open(&other.url()).schema().backup(&call(), &options(), &theirs).unwrap();
    assert_eq!(
        engine.schema().restore(&call(), &options(), &theirs).unwrap_err().kind(),
        ErrorKind::Corrupt,
        "no backup of ours"
    );
    std::fs::write(folder.path().join("theirs.dump.json"), "{}").unwrap();
    open(&other.url()).schema().restore(&call(), &options(), &theirs).unwrap();

    let held = session(&*engine);
    let error = engine.schema().restore(&call(), &options(), &file).unwrap_err();
    assert_eq!(SchemaFault::of(&error), Some(SchemaFault::Locked));
    drop(held);

    let bytes = std::fs::read(&file).unwrap();
    let damaged = folder.path().join("damaged.dump");
    for broken in [&bytes[..bytes.len() / 2], &bytes[..20], b"nothing of ours"] {
        std::fs::write(&damaged, broken).unwrap();
        let error = engine.schema().verify_backup(&call(), &damaged).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        assert_eq!(engine.schema().restore(&call(), &options(), &damaged).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    assert_eq!(
        engine.schema().verify_backup(&call(), &folder.path().join("none")).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(engine.schema().snapshot(&call()).unwrap(), before);

    // Who gives up finds no file.
    let mut other = database.connect().unwrap();
    diesel::connection::SimpleConnection::batch_execute(&mut other, "BEGIN; LOCK TABLE public.theirs").unwrap();
    let began = Instant::now();
    let error = engine.schema().restore(&call(), &options(), &file).unwrap_err();
    assert_eq!(SchemaFault::of(&error), Some(SchemaFault::Locked), "{error:?}");
    let two = folder.path().join("two.dump");
    let error = engine.schema().backup(&call(), &options(), &two).unwrap_err();
    assert_eq!(SchemaFault::of(&error), Some(SchemaFault::Locked), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(5), "both wait as they are told");
    let token = CancelToken::new();
    let cancelled = Call { cancel: Some(token.clone()), ..call() };
    std::thread::scope(|scope| {
        let backup = scope.spawn(|| engine.schema().backup(&cancelled, &SessionOptions::default(), &two));
        std::thread::sleep(Duration::from_millis(300));
        token.cancel();
        assert_eq!(backup.join().unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
    });
    assert!(!two.exists());
    drop(other);

    let pooled = open(&format!("{}?prepared_statements=off", database.url()));
    let error = pooled.schema().backup(&call(), &options(), &folder.path().join("two.dump")).unwrap_err();
    assert_eq!(SchemaFault::of(&error), Some(SchemaFault::NoBackup));
}

#[test]
fn a_scratch_database_ends_with_its_engine() {
    let database = server::shared().create_database();
    let engine = open(&database.url());
    migrate(&*engine, &mut *session(&*engine));
    database.sql("CREATE TABLE theirs (a int); INSERT INTO theirs VALUES (1)").unwrap();
    let databases = || -> i64 {
        use diesel::RunQueryDsl as _;
        let count = "(SELECT count(*) FROM pg_database \
                     WHERE datname LIKE 'polymnia\\_scratch\\_%' AND datname <> 'polymnia_scratch_left')";
        diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(count))
            .get_result(&mut database.connect().unwrap())
            .unwrap()
    };
    let empty = engine.schema().scratch(&call(), false).unwrap();
    assert_eq!(empty.schema().ledger(&call()).unwrap(), Ledger::default());
    migrate(&*empty, &mut *session(&*empty));
    let Some(copy) = unless_without_programs(engine.schema().scratch(&call(), true)) else { return };
    assert_eq!(copy.schema().snapshot(&call()).unwrap(), engine.schema().snapshot(&call()).unwrap());
    assert_eq!(copy.schema().ledger(&call()).unwrap(), engine.schema().ledger(&call()).unwrap());
    assert_eq!(session(&*copy).row_counts(&call()).unwrap()["public.theirs"], 1);
    assert_eq!(databases(), 2);
    drop((empty, copy));
    assert_eq!(databases(), 0);
    database.sql("CREATE DATABASE polymnia_scratch_left").unwrap();
    let advice = engine.schema().health(&call()).unwrap().advice;
    database.sql("DROP DATABASE polymnia_scratch_left").unwrap();
    assert!(advice.iter().any(|line| line.starts_with("database polymnia_scratch_left was left over")), "{advice:?}");
}

/// Makes a role that may log in, and returns the URL it opens the database by. It ends with the value.
struct Role(String, &'static TestDatabase);

#[test]
fn who_may_not_write_is_refused_before_anything_is_written() {
    let database: &'static TestDatabase = Box::leak(Box::new(server::shared().create_database()));
    let engine = open(&database.url());
    migrate(&*engine, &mut *session(&*engine));
    let name = format!("reader_{}", std::process::id());
    database
        .sql(&format!(
            "CREATE ROLE {name} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA polymnia TO {name};
             GRANT SELECT ON ALL TABLES IN SCHEMA polymnia TO {name}"
        ))
        .unwrap();
    let _role = Role(name.clone(), database);
    let server = server::shared();
    let url = format!("postgres://{name}:x@{}:{}/{}", server.host(), server.port(), database.name());
    let reader = open(&url);
    let refuse =
        |engine: &dyn Engine| engine.schema().session(&call(), &options(), &mut |_: &Event<'_>| {}).unwrap_err();
    let error = refuse(&*reader);
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    assert_eq!(reader.schema().ledger(&call()).unwrap(), engine.schema().ledger(&call()).unwrap());
    assert_eq!(reader.schema().snapshot(&call()).unwrap(), engine.schema().snapshot(&call()).unwrap());
    reader.schema().probe(&call()).unwrap();
    reader.schema().health(&call()).unwrap();
    let held = session(&*engine);
    let holder = reader.schema().lock_holder(&call()).unwrap().unwrap();
    assert!(holder.description.starts_with("polymnia migrate "), "{holder:?}");
    let error = reader.schema().end_lock_holder(&call(), &holder).unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::PermissionDenied, "the role may not end that process"));
    drop(held);
    assert_eq!(reader.schema().scratch(&call(), false).unwrap_err().kind(), ErrorKind::PermissionDenied);
    let empty = server::shared().create_database();
    let url = format!("postgres://{name}:x@{}:{}/{}", server.host(), server.port(), empty.name());
    empty.sql(&format!("REVOKE CREATE ON DATABASE {} FROM PUBLIC", empty.name())).unwrap();
    let error = refuse(&*open(&url));
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.hint().unwrap().contains("GRANT CREATE ON DATABASE"), "{error:?}");
    database.sql(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name())).unwrap();
    for url in [
        format!("{}?options=-c%20default_transaction_read_only%3Don", database.url()),
        format!("{}?prepared_statements=off", database.url()),
    ] {
        let engine = open(&url);
        assert_eq!(refuse(&*engine).kind(), ErrorKind::ReadOnly, "{url}");
        assert_eq!(engine.schema().probe(&call()).unwrap(), []);
        assert_eq!(engine.schema().lock_holder(&call()).unwrap(), None);
    }
    drop(reader);
}

impl Drop for Role {
    fn drop(&mut self) {
        let Self(name, database) = self;
        let sql = format!("SET transaction_read_only = off; DROP OWNED BY {name}; DROP ROLE {name}");
        if let Err(error) = database.sql(&sql) {
            eprintln!("{error}");
        }
    }
}

#[test]
fn nothing_of_ours_is_left_after_the_end() {
    let database = server::shared().create_database();
    let engine = open(&database.url());
    let mut session = session(&*engine);
    migrate(&*engine, &mut *session);
    session.dismantle(&call()).unwrap();
    assert_eq!(session.ledger(&call()).unwrap(), Ledger::default());
    assert!(!session.snapshot(&call()).unwrap().0.is_empty(), "the tables are others' to drop");
    database.sql("DROP TABLE polymnia.memories, polymnia.changes, polymnia.settings, polymnia.indexes").unwrap();
    assert!(session.prepare(&call()).unwrap());
    session.dismantle(&call()).unwrap();
    database.sql("CREATE SCHEMA polymnia").unwrap();
}

/// A role that may not choose the language gets the server's: a lock that was not free is told from other failures all the same.
#[test]
fn a_lock_timeout_is_understood_in_other_languages() {
    if std::env::var_os(server::SOURCE_VARIABLE).is_some() || std::env::var_os(server::URL_VARIABLE).is_some() {
        // The wheel's server speaks English only, and another's is as it is.
        eprintln!("no server of another language to be had");
        return;
    }
    let server = Server::start(&ServerOptions::default().with_lc_messages("de_DE.UTF-8")).unwrap();
    let database = server.create_database();
    let sql = format!("CREATE ROLE ann LOGIN PASSWORD 'p4ss'; GRANT ALL ON DATABASE {} TO ann", database.name());
    database.sql(&sql).unwrap();
    database.sql("CREATE TABLE t (a int); GRANT ALL ON t TO ann; INSERT INTO t VALUES (1)").unwrap();
    let engine = open(&format!("postgres://ann:p4ss@{}:{}/{}", server.host(), server.port(), database.name()));
    let mut session = session(&*engine);
    let mut other = database.connect().unwrap();
    diesel::connection::SimpleConnection::batch_execute(&mut other, "BEGIN; LOCK TABLE t").unwrap();
    let failed = begin_and(&mut *session, "UPDATE t SET a = 2").unwrap_err();
    assert!(failed.lock_timeout, "{:?}", failed.error);
    drop(other);
    let failed = begin_and(&mut *session, "SELECT 'geheim'::int").unwrap_err();
    assert_eq!(failed.error.message(), "ungültige Eingabesyntax für Typ integer: ...");
    assert_eq!(failed.offset, Some(7));
}
