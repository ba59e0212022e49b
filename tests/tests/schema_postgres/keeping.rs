//! Backups, scratch databases, and the end.

use super::*;

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
