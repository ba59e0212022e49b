//! What is told of a database: other tools' ledgers, promises, health, rights.

use super::*;

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
