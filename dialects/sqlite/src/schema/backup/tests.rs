//! Backups: made, verified, put back, and refused.

use polymnia::schema::{Begin, SessionOptions};
use polymnia::spi::{Engine as _, SchemaEngine as _};
use polymnia::{Expect, Filter, Mutation, Namespace, NewMemory, Selection};

use super::*;
use crate::engine::Limit;
use crate::schema;
use crate::schema::session::tests::session;
use crate::schema::tests::{call, file, open as open_url, run};

fn tenant() -> Namespace {
    Namespace::new("a").unwrap()
}

fn put(engine: &SqliteEngine, numbers: std::ops::Range<u8>) {
    for number in numbers {
        let mut memory = NewMemory::new("content").unwrap();
        memory.metadata = r#"{"kind": "x"}"#.parse().unwrap();
        let id = polymnia::MemoryId::from_bytes([number; 16]);
        engine.apply(&call(), &tenant(), &[Mutation::Put { id, memory, expect: Expect::Any }]).unwrap();
    }
}

/// Counts by the postings, whose seed stands in the database.
fn found(engine: &SqliteEngine) -> u64 {
    let filter: Filter = Filter::parse(r#"{"kind": "x"}"#).unwrap();
    engine.count(&call(), &tenant(), &Selection { filter, ..Selection::default() }).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Waits for nobody for long.
fn options() -> SessionOptions {
    SessionOptions { lock_wait: Duration::from_millis(300), lock_timeout: Duration::from_millis(50) }
}

#[test]
fn a_backup_holds_everything_and_is_put_back() {
    let (folder, file_url) = file();
    for (at, url) in [file_url.as_str(), ":memory:"].into_iter().enumerate() {
        let engine = open_url(url);
        engine.migrate(&call()).unwrap();
        put(&engine, 0..20);
        let backups = folder.path().join(format!("backups-{at}"));
        fs::create_dir(&backups).unwrap();
        let path = backups.join("b.db");
        let info = engine.backup(&call(), &options(), &path).unwrap();
        assert_eq!((info.memories, info.bytes), (Some(20), fs::metadata(&path).unwrap().len()));
        assert_eq!(info.version.as_deref(), Some("20261121000400"));
        assert_eq!(info.fingerprint, Some(engine.snapshot(&call()).unwrap().fingerprint()));
        assert_eq!(engine.verify_backup(&call(), &path).unwrap(), info);
        assert_eq!(names(&backups), ["b.db"]);
        assert_eq!(engine.backup(&call(), &options(), &path).unwrap_err().kind(), ErrorKind::Conflict);

        // Made anew meanwhile, the database has another seed: what connections know is of the old one.
        assert_eq!(found(&engine), 20);
        for table in ["memories", "settings", "changes", "postings", "shapes", "indexes", "index_entries"] {
            run(&engine, &format!("DROP TABLE polymnia_{table}"));
        }
        run(&engine, "DELETE FROM __diesel_schema_migrations");
        engine.migrate(&call()).unwrap();
        put(&engine, 20..25);
        for _ in 0..3 {
            assert_eq!(found(&engine), 5);
        }
        let reader = engine.pool().acquire(&call()).unwrap();
        engine.restore(&call(), &options(), &path).unwrap();
        drop(reader);
        assert_eq!(found(&engine), 20);
        put(&engine, 0..30);
        assert_eq!(found(&engine), 30);
        let check =
            engine.with(&call(), Limit::Unlimited, |connection| sql::texts(connection, "PRAGMA integrity_check", &[]));
        assert_eq!(check.unwrap(), ["ok"]);
    }
}

#[test]
fn a_backup_is_made_while_a_session_has_a_transaction_open() {
    let (folder, file_url) = file();
    for (at, url) in [file_url.as_str(), ":memory:"].into_iter().enumerate() {
        let engine = open_url(url);
        run(&engine, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
        let mut session = session(&engine);
        session.begin(&call(), Begin::Plain).unwrap();
        let path = folder.path().join(format!("b{at}.db"));
        let info = engine.backup(&call(), &options(), &path).unwrap();
        assert_eq!((info.version, info.memories), (None, None));
        session.execute(&call(), "DROP TABLE t").unwrap();
        session.commit(&call()).unwrap();
        drop(session);
        let refusal = engine.restore(&call(), &options(), &path).unwrap_err();
        assert_eq!(refusal.kind(), ErrorKind::Corrupt, "it was made before anything of ours was there");
        fs::write(claims::beside(&path, MANIFEST), "{}").unwrap();
        engine.restore(&call(), &options(), &path).unwrap();
        assert_eq!(engine.snapshot(&call()).unwrap().0.len(), 2);
    }
}

#[test]
fn what_is_no_backup_is_refused() {
    let (folder, url) = file();
    let engine = open_url(&url);
    engine.migrate(&call()).unwrap();
    let path = folder.path().join("b.db");
    engine.backup(&call(), &options(), &path).unwrap();

    let refused = |path: &Path| {
        let error = engine.verify_backup(&call(), path).unwrap_err();
        assert_eq!(engine.restore(&call(), &options(), path).unwrap_err().kind(), error.kind());
        error.kind()
    };
    assert_eq!(refused(&folder.path().join("missing.db")), ErrorKind::NotFound);
    assert_eq!(refused(folder.path()), ErrorKind::InvalidInput);
    assert_eq!(refused(&folder.path().join("a.db")), ErrorKind::InvalidInput, "the database itself");
    let text = folder.path().join("text");
    fs::write(&text, "no database ".repeat(100)).unwrap();
    assert_eq!(refused(&text), ErrorKind::Corrupt);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xa5);
    let damaged = folder.path().join("damaged.db");
    fs::write(&damaged, &bytes).unwrap();
    assert_eq!(refused(&damaged), ErrorKind::Corrupt);
    fs::write(&damaged, &bytes[..middle]).unwrap();
    assert_eq!(refused(&damaged), ErrorKind::Corrupt);
    assert_eq!(
        schema::newest(&engine.ledger(&call()).unwrap()).as_deref(),
        Some("20261121000400"),
        "the database is as it was"
    );
}

#[test]
fn what_is_anothers_is_not_put_back() {
    let (folder, url) = file();
    let engine = open_url(&url);
    engine.migrate(&call()).unwrap();
    put(&engine, 0..3);
    let scripts = [
        ("empty.db", ""),
        ("theirs.db", "CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)"),
        // diesel's ledger is any application's that uses diesel.
        (
            "diesels.db",
            "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP);
             INSERT INTO __diesel_schema_migrations VALUES ('20200101000000', NULL)",
        ),
    ];
    for (name, script) in scripts {
        let path = folder.path().join(name);
        if script.is_empty() {
            fs::write(&path, "").unwrap();
        } else {
            let other = open_url(":memory:");
            run(&other, script);
            other.backup(&call(), &options(), &path).unwrap();
        }
        let error = engine.restore(&call(), &options(), &path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error}");
        assert!(error.message().ends_with("holds no ledger of ours, and no manifest stands beside it"), "{error}");
        assert_eq!(found(&engine), 3, "{name}");
        fs::write(claims::beside(&path, MANIFEST), "{}").unwrap();
    }
    engine.restore(&call(), &options(), &folder.path().join("theirs.db")).unwrap();
    assert_eq!(engine.snapshot(&call()).unwrap().0.len(), 2, "a manifest says that it is a backup of ours");
}

#[test]
fn a_backup_of_before_our_ledger_is_put_back() {
    let (folder, url) = file();
    let engine = open_url(&url);
    engine.migrate(&call()).unwrap();
    put(&engine, 0..3);
    run(&engine, "DROP TABLE polymnia_migrations; DROP TABLE polymnia_migration_log");
    let path = folder.path().join("b.db");
    engine.backup(&call(), &options(), &path).unwrap();
    put(&engine, 0..5);
    engine.restore(&call(), &options(), &path).unwrap();
    assert_eq!(found(&engine), 3);
}

#[test]
fn nothing_stays_of_a_backup_that_fails() {
    let (folder, url) = file();
    let engine = open_url(&url);
    engine.migrate(&call()).unwrap();
    let error = engine.backup(&call(), &options(), &folder.path().join("no/folder/b.db")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let backups = folder.path().join("backups");
    fs::create_dir(&backups).unwrap();
    let late = Call { deadline: Some(std::time::Instant::now()), ..call() };
    assert!(engine.backup(&late, &options(), &backups.join("b.db")).is_err());
    assert_eq!(names(&backups), Vec::<String>::new());
}

#[test]
fn what_a_killed_process_left_goes_with_the_next_backup() {
    let (folder, url) = file();
    let engine = open_url(&url);
    let backups = folder.path().join("backups");
    fs::create_dir(&backups).unwrap();
    for (name, hours) in [(".polymnia-old.partial", 25), (".polymnia-new.partial", 1), ("mine.partial", 99)] {
        let file = File::create(backups.join(name)).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_hours(hours)).unwrap();
    }
    engine.backup(&call(), &options(), &backups.join("b.db")).unwrap();
    assert_eq!(names(&backups), [".polymnia-new.partial", "b.db", "mine.partial"]);
}

#[test]
fn a_writer_is_in_the_way_of_putting_back() {
    let (folder, url) = file();
    // What it waits is what it is told, not what connections wait as ever.
    let engine = open_url(&format!("{url}?busy_timeout=30s"));
    engine.migrate(&call()).unwrap();
    let path = folder.path().join("b.db");
    engine.backup(&call(), &options(), &path).unwrap();
    put(&engine, 0..3);
    let is_locked = || {
        let began = Instant::now();
        let error = engine.restore(&call(), &options(), &path).unwrap_err();
        assert_eq!(SchemaFault::of(&error), Some(SchemaFault::Locked));
        let waited = began.elapsed();
        assert!((Duration::from_millis(290)..Duration::from_secs(5)).contains(&waited), "{waited:?}");
    };
    let mut writer = engine.pool().acquire(&call()).unwrap();
    writer.batch("BEGIN IMMEDIATE").unwrap();
    is_locked();
    writer.batch("ROLLBACK").unwrap();
    drop(writer);
    let migrating = engine.session(&call(), &options(), &mut |_: &Event<'_>| {}).unwrap();
    is_locked();
    drop(migrating);
    assert_eq!(found(&engine), 3);
    engine.restore(&call(), &options(), &path).unwrap();
    assert_eq!(found(&engine), 0);
}

#[test]
fn scratch_databases_are_apart_and_go_away() {
    let (_folder, file_url) = file();
    for url in [file_url.as_str(), ":memory:"] {
        let engine = open_url(url);
        engine.migrate(&call()).unwrap();
        put(&engine, 0..5);
        let empty = engine.scratch(&call(), false).unwrap();
        assert!(empty.schema().snapshot(&call()).unwrap().0.is_empty());
        let copy = engine.scratch(&call(), true).unwrap();
        let count =
            |engine: &dyn polymnia::spi::Engine| engine.count(&call(), &tenant(), &Selection::default()).unwrap();
        assert_eq!(count(&*copy), 5);
        assert_eq!(copy.schema().snapshot(&call()).unwrap(), engine.snapshot(&call()).unwrap());
        copy.delete_matching(&call(), &tenant(), &Selection::default()).unwrap();
        assert_eq!((count(&*copy), count(&engine)), (0, 5));
        drop(copy);
        assert_eq!(found(&engine), 5);
    }
}

#[test]
fn a_copy_leaves_no_folder() {
    let (_folder, url) = file();
    let engine = open_url(&url);
    let copy = scratch_folder(&engine);
    assert!(!copy.exists(), "{}", copy.display());
}

fn scratch_folder(engine: &SqliteEngine) -> PathBuf {
    let copy = engine.scratch(&call(), true).unwrap();
    let text = format!("{copy:?}");
    let start = text.find("path: \"").map(|at| at + 7).unwrap();
    let path = PathBuf::from(text[start..].split('"').next().unwrap());
    assert!(path.exists());
    path.parent().unwrap().to_owned()
}
