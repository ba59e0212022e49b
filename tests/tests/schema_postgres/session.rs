//! Sessions: the lock, transactions, what statements tell and leave.

use super::*;

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
