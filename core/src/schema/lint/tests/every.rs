//! Rules of every dialect.

use crate::schema::lint::tests::Case;

pub(super) const CASES: &[Case] = &[
    (
        "directive",
        &["-- polymnia:allow drop_table\nDROP TABLE a;", "-- polymnia:ignore x y\nDROP TABLE a;"],
        &["-- polymnia:allow drop_table why\nDROP TABLE a;", "-- polymnia is a muse\nDROP TABLE a;"],
    ),
    (
        "allow_unknown",
        &["-- polymnia:allow drop_tables why\nDROP TABLE a;"],
        &["-- polymnia:allow drop_table why\nDROP TABLE a;"],
    ),
    (
        "allow_unused",
        &["-- polymnia:allow drop_table why\nCREATE TABLE a (b text);"],
        &["-- polymnia:allow drop_table why\nDROP TABLE a;"],
    ),
    (
        "transaction_control",
        &["BEGIN;\nDROP TABLE a;", "COMMIT;", "ROLLBACK;", "SAVEPOINT a;"],
        &["SELECT 'BEGIN';", "CREATE TABLE a (begin_at bigint);"],
    ),
    ("needs_no_transaction", &["VACUUM;"], &["-- bare\nVACUUM;", "CREATE TABLE vacuum_log (a text);"]),
    (
        "add_column_not_null",
        &[
            "ALTER TABLE a ADD COLUMN b integer NOT NULL;",
            "ALTER TABLE a ADD b integer CONSTRAINT c NOT NULL;",
            "ALTER TABLE a ADD COLUMN b integer DEFAULT NULL NOT NULL;",
            "-- down\nALTER TABLE a ADD COLUMN b integer NOT NULL;",
        ],
        &[
            "ALTER TABLE a ADD COLUMN b integer;",
            "ALTER TABLE a ADD COLUMN b integer NOT NULL DEFAULT 0;",
            "ALTER TABLE a ADD COLUMN b integer DEFAULT 0 NOT NULL;",
            "ALTER TABLE a ADD COLUMN b integer NOT NULL GENERATED ALWAYS AS (c + 1) STORED;",
            "CREATE TABLE a (c integer);\nALTER TABLE a ADD COLUMN b integer NOT NULL;",
        ],
    ),
    (
        "drop_table",
        &["DROP TABLE a;", "DROP TABLE IF EXISTS s.a;", "CREATE TABLE b (c text);\nDROP TABLE a;"],
        &[
            "-- down\nDROP TABLE a;",
            "CREATE TABLE a (b text);\nDROP TABLE a;",
            "DROP INDEX a;",
            "SELECT 'DROP TABLE a';",
        ],
    ),
    ("drop_schema", &["DROP SCHEMA a;", "DROP DATABASE a;"], &["DROP TABLE schema_log;", "-- down\nDROP SCHEMA a;"]),
    (
        "drop_column",
        &["ALTER TABLE a DROP COLUMN b;", "ALTER TABLE a DROP b;"],
        &[
            "-- down\nALTER TABLE a DROP COLUMN b;",
            "ALTER TABLE a DROP CONSTRAINT b;",
            "ALTER TABLE a ALTER COLUMN b DROP NOT NULL;",
            "CREATE TABLE a (b text, c text);\nALTER TABLE a DROP COLUMN b;",
        ],
    ),
    (
        "drop_used_column",
        &["-- known\nALTER TABLE shop.orders DROP COLUMN note;", "-- known\nALTER TABLE orders DROP COLUMN Note;"],
        &[
            "ALTER TABLE shop.orders DROP COLUMN note;",
            "-- known\nALTER TABLE shop.orders DROP COLUMN unused;",
            "-- known\nALTER TABLE shop.other DROP COLUMN note;",
            "-- known\nDROP INDEX shop.orders_note;\nALTER TABLE shop.orders DROP COLUMN note;",
        ],
    ),
    (
        "drop_cascade",
        &[
            "DROP TABLE a CASCADE;",
            "DROP VIEW a CASCADE;",
            "DROP INDEX a CASCADE;",
            "-- down\nDROP TABLE a CASCADE;",
            "ALTER TABLE a DROP COLUMN b CASCADE;",
            "ALTER TABLE a DROP CONSTRAINT b CASCADE;",
        ],
        &["DROP TABLE a;", "DROP TABLE a RESTRICT;", "CREATE TABLE a (b bigint REFERENCES c ON DELETE CASCADE);"],
    ),
    (
        "rename_table",
        &["ALTER TABLE a RENAME TO b;", "ALTER TABLE a SET SCHEMA b;", "ALTER VIEW a RENAME TO b;"],
        &[
            "-- down\nALTER TABLE a RENAME TO b;",
            "CREATE TABLE a (b text);\nALTER TABLE a RENAME TO c;",
            "ALTER INDEX a RENAME TO b;",
        ],
    ),
    (
        "rename_column",
        &["ALTER TABLE a RENAME COLUMN b TO c;", "ALTER TABLE a RENAME b TO c;"],
        &["ALTER TABLE a RENAME CONSTRAINT b TO c;", "ALTER TABLE a RENAME TO b;"],
    ),
    (
        "delete_all_rows",
        &[
            "DELETE FROM a;",
            "-- bare\n-- polymnia:batch 10\nDELETE FROM a;",
            "WITH b AS (SELECT 1 WHERE true) DELETE FROM a;",
        ],
        &[
            "DELETE FROM a WHERE b;",
            "CREATE TABLE a (b text);\nDELETE FROM a;",
            "CREATE TABLE a (b bigint REFERENCES c ON DELETE CASCADE);",
        ],
    ),
    (
        "update_all_rows",
        &["UPDATE a SET b = 1;", "UPDATE s.a SET b = (SELECT c FROM d WHERE e);"],
        &[
            "UPDATE a SET b = 1 WHERE c;",
            "-- bare\n-- polymnia:batch 10\nUPDATE a SET b = 1;",
            "CREATE TABLE a (b bigint);\nUPDATE a SET b = 1;",
        ],
    ),
    (
        "unbatched_change",
        &["UPDATE a SET b = 1 WHERE c;", "DELETE FROM a WHERE c;"],
        &[
            "-- bare\n-- polymnia:batch 10\nUPDATE a SET b = 1 WHERE c;",
            "CREATE TABLE a (b bigint);\nDELETE FROM a WHERE b;",
            "INSERT INTO a SELECT * FROM b WHERE c;",
        ],
    ),
    (
        "create_table_as",
        &["CREATE TABLE a AS SELECT 1 AS b;", "CREATE TEMP TABLE a AS SELECT 1 AS b;"],
        &["CREATE TABLE a (b text);", "CREATE VIEW a AS SELECT 1 AS b;"],
    ),
    (
        "if_not_exists",
        &["CREATE TABLE IF NOT EXISTS a (b text);"],
        &["CREATE TABLE a (b text);", "DROP TABLE IF EXISTS a;"],
    ),
    (
        "select_with_effects",
        &["SELECT setval('a', 1);", "SELECT load_extension('a');"],
        &["SELECT max(a) FROM b;", "SELECT 'setval(1)';"],
    ),
];
