//! Rules on PostgreSQL.

use crate::schema::lint::tests::Case;

pub(super) const CASES: &[Case] = &[
    (
        "create_index_blocks_writes",
        &[
            "CREATE INDEX a ON b (c);",
            "CREATE UNIQUE INDEX IF NOT EXISTS a ON ONLY s.b USING gin (c) WHERE d;",
            "CREATE INDEX ON b (c);",
            "-- down\nCREATE INDEX a ON b (c);",
        ],
        &[
            "-- bare\nCREATE INDEX CONCURRENTLY a ON b (c);",
            "CREATE TABLE s.b (c text);\nCREATE INDEX a ON s.b (c);",
            "CREATE MATERIALIZED VIEW b AS SELECT 1 AS c;\nCREATE INDEX a ON b (c);",
        ],
    ),
    (
        "drop_index_blocks",
        &["DROP INDEX s.a;", "-- down\nDROP INDEX a;"],
        &[
            "-- bare\nDROP INDEX CONCURRENTLY a;",
            "CREATE TABLE s.b (c text);\nCREATE INDEX a ON s.b (c);\nDROP INDEX s.a;",
        ],
    ),
    (
        "reindex_blocks",
        &["REINDEX TABLE a;", "REINDEX INDEX a;"],
        &["-- bare\nREINDEX TABLE CONCURRENTLY a;", "-- bare\nREINDEX (CONCURRENTLY) INDEX a;"],
    ),
    (
        "needs_no_transaction",
        &["CREATE INDEX CONCURRENTLY a ON b (c);", "DROP INDEX CONCURRENTLY a;", "ALTER SYSTEM SET a = 1;"],
        &["-- bare\nCREATE INDEX CONCURRENTLY a ON b (c);", "REFRESH MATERIALIZED VIEW CONCURRENTLY a;"],
    ),
    (
        "index_if_not_exists",
        &["CREATE INDEX IF NOT EXISTS a ON b (c);", "-- bare\nCREATE INDEX CONCURRENTLY IF NOT EXISTS a ON b (c);"],
        &["CREATE INDEX a ON b (c);"],
    ),
    (
        "add_column_rewrites",
        &[
            "ALTER TABLE a ADD COLUMN b uuid DEFAULT gen_random_uuid();",
            "ALTER TABLE a ADD b timestamptz NOT NULL DEFAULT clock_timestamp();",
            "ALTER TABLE a ADD COLUMN b bigint GENERATED ALWAYS AS IDENTITY;",
            "ALTER TABLE a ADD COLUMN b bigserial;",
            "ALTER TABLE a ADD COLUMN b bigint GENERATED ALWAYS AS (c * 2) STORED;",
        ],
        &[
            "ALTER TABLE a ADD COLUMN b timestamptz NOT NULL DEFAULT now();",
            "ALTER TABLE a ADD COLUMN b varchar(20) DEFAULT 'random()';",
            "ALTER TABLE a ADD COLUMN b numeric(4, 2) DEFAULT 1.0::numeric(4, 2);",
            "CREATE TABLE a (c text);\nALTER TABLE a ADD COLUMN b bigserial;",
            "ALTER TABLE a ALTER COLUMN b SET DEFAULT gen_random_uuid();",
        ],
    ),
    (
        "add_column_not_null",
        &["ALTER TABLE a ADD COLUMN b text, ADD COLUMN c text NOT NULL;"],
        &["ALTER TABLE a ADD COLUMN b bigserial NOT NULL;"],
    ),
    (
        "alter_column_type",
        &[
            "ALTER TABLE a ALTER COLUMN b TYPE bigint;",
            "ALTER TABLE a ALTER b SET DATA TYPE bigint USING b::bigint;",
            "-- known\nALTER TABLE shop.orders ALTER COLUMN note TYPE varchar(10);",
            "-- known\nALTER TABLE shop.orders ALTER COLUMN note TYPE text USING lower(note);",
        ],
        &[
            "-- known\nALTER TABLE shop.orders ALTER COLUMN note TYPE text;",
            "-- known\nALTER TABLE shop.orders ALTER COLUMN note TYPE character varying(30);",
            "CREATE TABLE a (b integer);\nALTER TABLE a ALTER COLUMN b TYPE bigint;",
        ],
    ),
    (
        "set_not_null_scans",
        &["ALTER TABLE a ALTER COLUMN b SET NOT NULL;", "-- known\nALTER TABLE shop.orders ALTER note SET NOT NULL;"],
        &[
            "-- known\nALTER TABLE shop.orders ALTER COLUMN checked SET NOT NULL;",
            "-- bare\nALTER TABLE a ADD CONSTRAINT c CHECK (b IS NOT NULL) NOT VALID;\nALTER TABLE a VALIDATE CONSTRAINT c;\n\
             ALTER TABLE a ALTER COLUMN b SET NOT NULL;",
            "ALTER TABLE a ALTER COLUMN b DROP NOT NULL;",
        ],
    ),
    (
        "constraint_scans",
        &[
            "ALTER TABLE a ADD CONSTRAINT b CHECK (c > 0);",
            "ALTER TABLE a ADD CONSTRAINT b FOREIGN KEY (c) REFERENCES d (e) ON DELETE CASCADE;",
            "ALTER TABLE a ADD FOREIGN KEY (c) REFERENCES d;",
            "ALTER TABLE a ADD COLUMN c bigint REFERENCES d;",
        ],
        &[
            "ALTER TABLE a ADD CONSTRAINT b CHECK (c > 0) NOT VALID;",
            "ALTER TABLE a ADD CONSTRAINT b FOREIGN KEY (c) REFERENCES d (e) ON DELETE SET NULL ON UPDATE CASCADE NOT VALID;",
            "ALTER TABLE a ADD CONSTRAINT b FOREIGN KEY (c) REFERENCES d DEFERRABLE INITIALLY DEFERRED NOT VALID;",
            "CREATE TABLE a (c bigint);\nALTER TABLE a ADD CONSTRAINT b CHECK (c > 0);",
        ],
    ),
    (
        "validate_in_same_transaction",
        &["ALTER TABLE a ADD CONSTRAINT b CHECK (c > 0) NOT VALID;\nALTER TABLE a VALIDATE CONSTRAINT b;"],
        &[
            "-- bare\nALTER TABLE a ADD CONSTRAINT b CHECK (c > 0) NOT VALID;\nALTER TABLE a VALIDATE CONSTRAINT b;",
            "ALTER TABLE a VALIDATE CONSTRAINT b;",
        ],
    ),
    (
        "key_builds_index",
        &[
            "ALTER TABLE a ADD CONSTRAINT b UNIQUE (c);",
            "ALTER TABLE a ADD PRIMARY KEY (c);",
            "ALTER TABLE a ADD COLUMN c bigint UNIQUE;",
            "ALTER TABLE a ADD CONSTRAINT b EXCLUDE USING gist (c WITH &&);",
        ],
        &[
            "ALTER TABLE a ADD CONSTRAINT b UNIQUE USING INDEX c;",
            "ALTER TABLE a ADD CONSTRAINT b PRIMARY KEY USING INDEX c;",
            "CREATE TABLE a (c bigint);\nALTER TABLE a ADD PRIMARY KEY (c);",
        ],
    ),
    (
        "rewrites_table",
        &[
            "-- bare\nVACUUM FULL a;",
            "-- bare\nVACUUM (FULL, ANALYZE) a;",
            "CLUSTER a USING b;",
            "ALTER TABLE a SET TABLESPACE b;",
            "ALTER TABLE a SET UNLOGGED;",
        ],
        &["-- bare\nVACUUM (ANALYZE) a;", "ALTER TABLE a SET (fillfactor = 90);"],
    ),
    ("refresh_blocks", &["REFRESH MATERIALIZED VIEW a;"], &["REFRESH MATERIALIZED VIEW CONCURRENTLY a;"]),
    (
        "attach_partition_scans",
        &["ALTER TABLE a ATTACH PARTITION b FOR VALUES IN (1);"],
        &["CREATE TABLE b PARTITION OF a FOR VALUES IN (1);"],
    ),
    (
        "detach_partition_blocks",
        &["ALTER TABLE a DETACH PARTITION b;"],
        &["-- bare\nALTER TABLE a DETACH PARTITION b CONCURRENTLY;"],
    ),
    (
        "lock_table",
        &["LOCK TABLE a IN SHARE MODE;", "LOCK a;"],
        &["CREATE TABLE a (b text);\nLOCK TABLE a;", "SELECT 'LOCK TABLE a';"],
    ),
    (
        "truncate",
        &["TRUNCATE a;", "TRUNCATE TABLE ONLY s.a, s.b;"],
        &["CREATE TABLE a (b text);\nTRUNCATE a;", "SELECT trunc(1.5);"],
    ),
    (
        "new_enum_value_used",
        &["ALTER TYPE a ADD VALUE 'new';\nALTER TABLE b ALTER COLUMN c SET DEFAULT 'new';"],
        &[
            "-- bare\nALTER TYPE a ADD VALUE 'new';\nALTER TABLE b ALTER COLUMN c SET DEFAULT 'new';",
            "ALTER TYPE a ADD VALUE IF NOT EXISTS 'new' AFTER 'old';\nALTER TABLE b ALTER COLUMN c SET DEFAULT 'old';",
        ],
    ),
    (
        "session_setting",
        &["SET search_path TO a;", "SET SESSION lock_timeout = '1s';"],
        &["SET LOCAL lock_timeout = '1s';", "ALTER TABLE a SET (fillfactor = 90);"],
    ),
    (
        "opaque_block",
        &["DO $$ BEGIN DROP TABLE a; END $$;"],
        &["CREATE FUNCTION a() RETURNS bigint LANGUAGE sql AS $$ SELECT 1 $$;"],
    ),
    (
        "disable_trigger",
        &["ALTER TABLE a DISABLE TRIGGER ALL;", "SET session_replication_role = replica;"],
        &["ALTER TABLE a ENABLE TRIGGER ALL;", "ALTER TABLE a DISABLE ROW LEVEL SECURITY;"],
    ),
    (
        "select_with_effects",
        &["SELECT pg_catalog.setval('a', 1);", "SELECT nextval('a');", "SELECT lo_unlink(1);"],
        &["SELECT lower('a');"],
    ),
    (
        "drop_used_column",
        &["-- known\nALTER TABLE shop.orders DROP COLUMN state;"],
        &[
            "-- known down\nALTER TABLE shop.orders DROP COLUMN state;",
            "-- known\nDROP VIEW shop.open_orders;\nALTER TABLE shop.orders DROP COLUMN state;",
            "-- known\nALTER TABLE shop.orders DROP CONSTRAINT orders_customer;\nALTER TABLE shop.orders DROP COLUMN customer;",
            "-- known\nALTER TABLE shop.orders DROP COLUMN customer, DROP CONSTRAINT orders_customer;",
            "-- known\nALTER TABLE shop.orders DROP COLUMN twice, DROP COLUMN price;",
        ],
    ),
    ("drop_table", &["DROP TABLE \"A b\", c;"], &["CREATE TABLE \"A b\" (c text);\nDROP TABLE \"A b\";"]),
];
