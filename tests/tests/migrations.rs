//! The scripts of each dialect, by diesel's own harness: up, down, and up again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use diesel::backend::Backend;
use diesel::connection::{Connection, SimpleConnection};
use diesel::migration::MigrationSource;
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection};
use diesel_migrations::MigrationHarness;
use polymnia_migrations::Scripts;
use polymnia_tests::server;

#[test]
fn sqlite_up_and_down() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fresh.db");
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    up_and_down(&mut connection, polymnia_migrations::sqlite(), |connection| {
        list(
            connection,
            "SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS line FROM sqlite_schema
             WHERE tbl_name <> '__diesel_schema_migrations' AND name <> 'sqlite_sequence'
             UNION ALL
             SELECT 'sequence ' || name || ' ' || seq FROM sqlite_sequence
             ORDER BY 1",
        )
    });
}

#[test]
fn sqlite_with_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("filled.db");
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection.run_pending_migrations(polymnia_migrations::sqlite()).unwrap();
    connection
        .batch_execute(
            "INSERT INTO polymnia_memories
                 (namespace, id, tier, content, metadata, importance, revision, created_at, updated_at)
             VALUES ('a', zeroblob(16), 'own', 'c', '{}', 0.5, 1, 0, 0);
             INSERT INTO polymnia_changes (txid, namespace, id, op) VALUES (1, 'a', zeroblob(16), 'w');
             INSERT INTO polymnia_settings (name, value) VALUES ('change_capture', 'on');",
        )
        .unwrap();
    connection.revert_all_migrations(polymnia_migrations::sqlite()).unwrap();
    let left = list(
        &mut connection,
        "SELECT name AS line FROM sqlite_schema WHERE name LIKE 'polymnia%' UNION ALL SELECT name FROM sqlite_sequence",
    );
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn postgres_up_and_down() {
    let database = server::shared().create_database();
    let mut connection = database.connect().unwrap();
    // As `init` does: the ledger of diesel stands beside the tables.
    connection.batch_execute("CREATE SCHEMA polymnia; SET search_path TO polymnia").unwrap();
    up_and_down(&mut connection, polymnia_migrations::postgres(), |connection| {
        list(
            connection,
            "SELECT concat_ws(' ', c.relkind, c.relname, pg_get_indexdef(c.oid), a.attname,
                    format_type(a.atttypid, a.atttypmod), a.attnotnull, l.collname, a.attidentity,
                    pg_get_expr(d.adbin, d.adrelid)) AS line
             FROM pg_class c
             LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'r'
             LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
             LEFT JOIN pg_collation l ON l.oid = a.attcollation
             WHERE c.relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^(pg_|information_schema)')
               AND c.relname NOT LIKE '\\_\\_diesel%'
             UNION ALL
             SELECT concat_ws(' ', 'constraint', conname, pg_get_constraintdef(oid)) FROM pg_constraint
             WHERE connamespace = 'polymnia'::regnamespace AND conname NOT LIKE '\\_\\_diesel%'
             UNION ALL
             SELECT concat_ws(' ', 'function', proname) FROM pg_proc WHERE pronamespace = 'polymnia'::regnamespace
             UNION ALL
             SELECT concat_ws(' ', 'type', typname) FROM pg_type
             WHERE typnamespace = 'polymnia'::regnamespace AND typrelid = 0 AND typelem = 0
             ORDER BY 1",
        )
    });
    let elsewhere =
        list(&mut connection, "SELECT relname::text AS line FROM pg_class WHERE relnamespace = 'public'::regnamespace");
    assert_eq!(elsewhere, Vec::<String>::new(), "nothing stands outside the schema");
}

/// Goes up version by version, and down again, and sees that each version looks the same both ways.
fn up_and_down<C, D>(connection: &mut C, scripts: Scripts, mut describe: impl FnMut(&mut C) -> Vec<String>)
where
    C: MigrationHarness<D>,
    D: Backend,
    Scripts: MigrationSource<D>,
{
    let versions = scripts.iter().len();
    // The ledger first, so that the first description can leave it out.
    assert_eq!(connection.pending_migrations(scripts).unwrap().len(), versions);
    let mut seen = Vec::new();
    connection.run_next_migration(scripts).unwrap();
    connection.revert_last_migration(scripts).unwrap();
    seen.push(describe(connection));
    assert_eq!(seen[0], Vec::<String>::new(), "the first version leaves nothing behind");
    for _ in 0..versions {
        connection.run_next_migration(scripts).unwrap();
        seen.push(describe(connection));
    }
    assert!(connection.run_next_migration(scripts).is_err(), "there is no further version");
    assert!(!connection.has_pending_migration(scripts).unwrap());
    for (version, expected) in seen[..versions].iter().enumerate().rev() {
        assert_ne!(&seen[version + 1], expected, "version {version} changes something");
        connection.revert_last_migration(scripts).unwrap();
        assert_eq!(&describe(connection), expected, "down to version {version}");
    }
    connection.run_pending_migrations(scripts).unwrap();
    assert_eq!(describe(connection), seen[versions], "up again");
    connection.revert_all_migrations(scripts).unwrap();
    assert_eq!(describe(connection), Vec::<String>::new());
    assert_eq!(connection.applied_migrations().unwrap(), []);
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// Runs a query whose rows are lines.
fn list<C>(connection: &mut C, sql: &str) -> Vec<String>
where
    C: Connection,
    for<'a> diesel::query_builder::SqlQuery: diesel::query_dsl::methods::LoadQuery<'a, C, Line>,
{
    diesel::sql_query(sql).load(connection).unwrap().into_iter().map(|Line { line }| line).collect()
}
