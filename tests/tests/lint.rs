//! What the linter says of statements, held against what databases do with them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl as _};
use polymnia::schema::lint::lint_script;
use polymnia::schema::text::{Syntax, statements};
use polymnia::schema::{Compatibility, Metadata, Script, Snapshot, Version};
use polymnia::{Call, OpenOptions, spi::Dialect as _};
use polymnia_conformance::TestClock;
use polymnia_tests::server;
use rusqlite::Connection;

/// Returns the names of the rules that find something in a script of an application.
fn rules(script: &str, syntax: Syntax, in_transaction: bool, before: Option<&Snapshot>) -> Vec<&'static str> {
    let script = Script {
        version: Version::new("shop20261121000100").unwrap(),
        name: "case".to_owned(),
        up: script.to_owned(),
        down: String::new(),
        metadata: Metadata {
            run_in_transaction: in_transaction,
            parents: Vec::new(),
            compatibility: Compatibility::Full,
            rebuild: false,
            apart: [].into(),
        },
        delta: None,
        folder: "case".to_owned(),
    };
    lint_script(&script, syntax, before).iter().map(|finding| finding.rule).collect()
}

fn sqlite() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(
            "PRAGMA foreign_keys = ON;
             CREATE TABLE parent (id INTEGER PRIMARY KEY, kept TEXT, used TEXT, checked TEXT CHECK (length(checked) > 0));
             CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent (id) ON DELETE CASCADE);
             CREATE INDEX parent_used ON parent (used);
             INSERT INTO parent (id) VALUES (1);
             INSERT INTO child (parent) VALUES (1);",
        )
        .unwrap();
    connection
}

#[test]
fn sqlite_refuses_columns_that_the_linter_names() {
    let columns = [
        "a INTEGER",
        "a INTEGER NOT NULL",
        "a INTEGER NOT NULL DEFAULT 0",
        "a INTEGER NOT NULL DEFAULT NULL",
        "a INTEGER DEFAULT -1",
        "a INTEGER DEFAULT (1 + 1)",
        "a TEXT DEFAULT 'x'",
        "a TEXT DEFAULT CURRENT_TIMESTAMP",
        "a BLOB DEFAULT x'00'",
        "a INTEGER UNIQUE",
        "a INTEGER PRIMARY KEY",
        "a INTEGER REFERENCES parent (id)",
        "a INTEGER DEFAULT NULL REFERENCES parent (id)",
        "a INTEGER DEFAULT 1 REFERENCES parent (id)",
        "a INTEGER AS (id + 1)",
        "a INTEGER GENERATED ALWAYS AS (id + 1) VIRTUAL",
        "a INTEGER GENERATED ALWAYS AS (id + 1) STORED",
        "a TEXT CHECK (length(a) > 1)",
        "a TEXT COLLATE NOCASE",
        "a TEXT COLLATE others",
        "a TEXT CHECK (others(a) > 1)",
    ];
    for column in columns {
        let statement = format!("ALTER TABLE parent ADD COLUMN {column};");
        let refused = sqlite().execute_batch(&statement).is_err();
        let found = rules(&statement, Syntax::Sqlite, true, None);
        // A collation that isn't there is only missed by who compares.
        let later = column.contains("COLLATE others");
        assert_eq!(!found.is_empty(), refused || later, "{column}: {found:?}");
    }
}

#[test]
fn sqlite_drops_what_the_linter_names() {
    let dropped = sqlite();
    dropped.execute_batch("BEGIN; DROP TABLE parent; COMMIT;").unwrap();
    let children: i64 = dropped.query_row("SELECT count(*) FROM child", [], |row| row.get(0)).unwrap();
    assert_eq!(children, 0, "the rows of another table went with it");
    assert!(rules("DROP TABLE parent;", Syntax::Sqlite, true, None).contains(&"drop_table_deletes_children"));

    let pragma = sqlite();
    pragma.execute_batch("BEGIN; PRAGMA foreign_keys = OFF; COMMIT;").unwrap();
    let enforced: i64 = pragma.query_row("PRAGMA foreign_keys", [], |row| row.get(0)).unwrap();
    assert_eq!(enforced, 1, "in a transaction the pragma did nothing");
    assert_eq!(rules("PRAGMA foreign_keys = OFF;", Syntax::Sqlite, true, None), ["pragma_in_transaction"]);

    let renamed = sqlite();
    let rebuild = "ALTER TABLE parent RENAME TO parent_old; CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT;
                   DROP TABLE parent_old;";
    renamed.execute_batch(&format!("PRAGMA foreign_keys = OFF; BEGIN; {rebuild} COMMIT;")).unwrap();
    let child: String =
        renamed.query_row("SELECT sql FROM sqlite_schema WHERE name = 'child'", [], |row| row.get(0)).unwrap();
    assert!(child.contains("\"parent_old\""), "the foreign key followed the new name: {child}");
    assert!(rules(rebuild, Syntax::Sqlite, true, None).contains(&"rebuild_renames_old"));
}

#[test]
fn sqlite_refuses_to_drop_a_used_column() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/used.db", folder.path().display());
    let connection = Connection::open(folder.path().join("used.db")).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, free TEXT, indexed TEXT, checked TEXT, part TEXT, seen TEXT, shown TEXT,
                 doubled TEXT AS (part || part), CONSTRAINT c CHECK (length(checked) > 0));
             CREATE INDEX i ON t (lower(indexed));
             CREATE TRIGGER r AFTER UPDATE OF seen ON t BEGIN SELECT 1; END;
             CREATE VIEW v AS SELECT shown FROM t;",
        )
        .unwrap();
    let engine = polymnia_sqlite::Sqlite.open(&OpenOptions::new(url)).unwrap();
    let before = engine.schema().snapshot(&Call::at(TestClock::default().now())).unwrap();
    for column in ["free", "indexed", "checked", "part", "seen", "shown", "id"] {
        let statement = format!("ALTER TABLE t DROP COLUMN {column};");
        let refused = connection.execute_batch(&format!("BEGIN; {statement}")).is_err();
        connection.execute_batch("ROLLBACK").unwrap();
        let found = rules(&statement, Syntax::Sqlite, true, Some(&before));
        // The trigger stays, and never runs again.
        let silently = column == "seen";
        assert_eq!(found.contains(&"drop_used_column"), refused || silently, "{column}: {found:?}");
    }
}

#[derive(QueryableByName)]
struct Node {
    #[diesel(sql_type = BigInt)]
    node: i64,
}

fn postgres() -> (server::TestDatabase, PgConnection, Snapshot) {
    let database = server::shared().create_database();
    let mut connection = PgConnection::establish(&database.url()).unwrap();
    connection
        .batch_execute(
            "CREATE TABLE t (id bigint PRIMARY KEY, small integer, short varchar(20), long text, money numeric(10, 2),
                 done boolean, at timestamptz, CONSTRAINT t_long CHECK (long IS NOT NULL));
             CREATE TYPE state AS ENUM ('old');
             CREATE MATERIALIZED VIEW v AS SELECT id FROM t;
             CREATE UNIQUE INDEX v_id ON v (id);
             INSERT INTO t (id, long) VALUES (1, 'x');",
        )
        .unwrap();
    let engine = polymnia_postgres::Postgres.open(&OpenOptions::new(database.url())).unwrap();
    let before = engine.schema().snapshot(&Call::at(TestClock::default().now())).unwrap();
    (database, connection, before)
}

#[test]
fn postgres_rewrites_what_the_linter_names() {
    let (_database, mut connection, before) = postgres();
    let file = |connection: &mut PgConnection| {
        let query = diesel::sql_query("SELECT relfilenode::bigint AS node FROM pg_class WHERE relname = 't'");
        query.get_result::<Node>(connection).unwrap().node
    };
    let statements = [
        "ALTER TABLE t ADD COLUMN a bigint;",
        "ALTER TABLE t ADD COLUMN a bigint NOT NULL DEFAULT 7;",
        "ALTER TABLE t ADD COLUMN a timestamptz NOT NULL DEFAULT now();",
        "ALTER TABLE t ADD COLUMN a timestamptz DEFAULT clock_timestamp();",
        "ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid();",
        "ALTER TABLE t ADD COLUMN a double precision DEFAULT random();",
        "ALTER TABLE t ADD COLUMN a text DEFAULT lower('X');",
        "ALTER TABLE t ADD COLUMN a varchar(20) DEFAULT 'random()';",
        "ALTER TABLE t ADD COLUMN a bigserial;",
        "ALTER TABLE t ADD COLUMN a bigint GENERATED ALWAYS AS IDENTITY;",
        "ALTER TABLE t ADD COLUMN a bigint GENERATED ALWAYS AS (id * 2) STORED;",
        "ALTER TABLE t ALTER COLUMN small TYPE bigint;",
        "ALTER TABLE t ALTER COLUMN short TYPE varchar(30);",
        "ALTER TABLE t ALTER COLUMN short TYPE varchar;",
        "ALTER TABLE t ALTER COLUMN short TYPE text;",
        "ALTER TABLE t ALTER COLUMN short TYPE varchar(10);",
        "ALTER TABLE t ALTER COLUMN long TYPE varchar;",
        "ALTER TABLE t ALTER COLUMN long TYPE varchar(10);",
        "ALTER TABLE t ALTER COLUMN money TYPE numeric(12, 2);",
        "ALTER TABLE t ALTER COLUMN money TYPE numeric;",
        "ALTER TABLE t ALTER COLUMN money TYPE numeric(12, 3);",
        "ALTER TABLE t ALTER COLUMN at TYPE timestamptz(3);",
        "ALTER TABLE t ALTER COLUMN long SET DEFAULT 'x';",
        "ALTER TABLE t SET UNLOGGED;",
        "ALTER TABLE t SET (fillfactor = 90);",
        "CLUSTER t USING t_pkey;",
        "TRUNCATE t;",
    ];
    for statement in statements {
        connection.batch_execute("BEGIN").unwrap();
        let old = file(&mut connection);
        connection.batch_execute(statement).unwrap();
        let rewritten = file(&mut connection) != old;
        connection.batch_execute("ROLLBACK").unwrap();
        let found = rules(statement, Syntax::Postgres, true, Some(&before));
        let named = ["add_column_rewrites", "alter_column_type", "rewrites_table", "truncate"];
        assert_eq!(found.iter().any(|rule| named.contains(rule)), rewritten, "{statement} {found:?}");
    }
    let checked = rules("ALTER TABLE t ALTER COLUMN long SET NOT NULL;", Syntax::Postgres, true, Some(&before));
    assert_eq!(checked, Vec::<&str>::new(), "the check of the live schema says it");
}

#[test]
fn postgres_refuses_in_a_transaction_what_the_linter_names() {
    let (_database, mut connection, _) = postgres();
    let scripts = [
        "CREATE INDEX CONCURRENTLY i ON t (long);",
        "CREATE INDEX i ON t (long);",
        "DROP INDEX CONCURRENTLY t_nothing;",
        "REINDEX TABLE CONCURRENTLY t;",
        "REINDEX (CONCURRENTLY) TABLE t;",
        "REINDEX TABLE t;",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v;",
        "VACUUM t;",
        "VACUUM (FULL) t;",
        "ANALYZE t;",
        "CLUSTER t USING t_pkey;",
        "ALTER SYSTEM SET work_mem = '4MB';",
        "CREATE DATABASE d;",
        "DROP DATABASE IF EXISTS d;",
        "ALTER TYPE state ADD VALUE 'new';",
        "ALTER TYPE state ADD VALUE 'new'; SELECT 'new'::state;",
        "ALTER TYPE state ADD VALUE 'new'; SELECT 'old'::state;",
        "CREATE TYPE state2 AS ENUM ('new'); SELECT 'new'::state2;",
    ];
    for script in scripts {
        connection.batch_execute("BEGIN").unwrap();
        let refused = statements(script, Syntax::Postgres)
            .iter()
            .any(|statement| connection.batch_execute(statement.text).is_err());
        connection.batch_execute("ROLLBACK").unwrap();
        let found = rules(script, Syntax::Postgres, true, None);
        let named = ["needs_no_transaction", "new_enum_value_used"];
        assert_eq!(found.iter().any(|rule| named.contains(rule)), refused, "{script} {found:?}");
    }
}

#[derive(QueryableByName)]
struct Lock {
    #[diesel(sql_type = Text)]
    mode: String,
}

#[test]
fn postgres_makes_others_wait_where_the_linter_says() {
    let (_database, mut connection, before) = postgres();
    // Of these locks each holds up writers or readers for as long as the statement works on the rows.
    let works = [
        ("CREATE INDEX i ON t (long);", "ShareLock", true),
        ("DROP INDEX v_id;", "AccessExclusiveLock", true),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0);", "AccessExclusiveLock", true),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0) NOT VALID;", "AccessExclusiveLock", false),
        ("ALTER TABLE t ADD CONSTRAINT c UNIQUE (long);", "AccessExclusiveLock", true),
        ("ALTER TABLE t ALTER COLUMN at SET NOT NULL;", "AccessExclusiveLock", true),
        ("LOCK TABLE t IN SHARE MODE;", "ShareLock", true),
    ];
    for (statement, lock, fires) in works {
        connection.batch_execute("BEGIN; UPDATE t SET at = '2026-01-01'").unwrap();
        connection.batch_execute("COMMIT; BEGIN").unwrap();
        connection.batch_execute(statement).unwrap();
        let held: Vec<Lock> = diesel::sql_query(
            "SELECT mode::text AS mode FROM pg_locks WHERE locktype = 'relation' AND pid = pg_backend_pid()",
        )
        .load(&mut connection)
        .unwrap();
        connection.batch_execute("ROLLBACK").unwrap();
        assert!(held.iter().any(|one| one.mode == lock), "{statement} takes {lock}");
        let found = rules(statement, Syntax::Postgres, true, Some(&before));
        assert_eq!(!found.is_empty(), fires, "{statement} {found:?}");
    }
}
