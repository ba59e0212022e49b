//! Rules of our own migrations.

use crate::schema::lint::tests::Case;

pub(super) const OWN_POSTGRES: &[Case] = &[
    (
        "own_name",
        &["CREATE TABLE a (b bigint, CONSTRAINT c PRIMARY KEY (b));", "CREATE VIEW public.a AS SELECT 1;"],
        &["CREATE TABLE polymnia.a (b bigint, CONSTRAINT c PRIMARY KEY (b));", "CREATE INDEX a ON polymnia.b (c);"],
    ),
    (
        "own_collation",
        &["CREATE TABLE polymnia.a (b text NOT NULL);", "ALTER TABLE polymnia.a ADD COLUMN b text[];"],
        &["CREATE TABLE polymnia.a (b text COLLATE \"C\" NOT NULL, c bigint, d tsvector);"],
    ),
    (
        "own_constraint_name",
        &[
            "CREATE TABLE polymnia.a (b bigint PRIMARY KEY);",
            "CREATE TABLE polymnia.a (b bigint, CHECK (b > 0));",
            "CREATE TABLE polymnia.a (CONSTRAINT a23456789_123456789_123456789_123456789_123456789_1 CHECK (b > 0));",
            "CREATE INDEX a23456789_123456789_123456789_123456789_123456789_1 ON polymnia.a (b);",
        ],
        &[
            "CREATE TABLE polymnia.a (b bigint NOT NULL DEFAULT 1, CONSTRAINT a_key PRIMARY KEY (b));",
            "CREATE TABLE polymnia.a (CONSTRAINT a23456789_123456789_123456789_123456789_123456789_ CHECK (b > 0));",
            "CREATE TABLE polymnia.a (b bigint CONSTRAINT a_key PRIMARY KEY);",
        ],
    ),
    (
        "own_rename_constraint",
        &["ALTER TABLE polymnia.a RENAME CONSTRAINT b TO c;"],
        &["ALTER TABLE polymnia.a DROP CONSTRAINT b;"],
    ),
    (
        "own_trigger",
        &[
            "CREATE TRIGGER polymnia.a AFTER INSERT ON polymnia.b EXECUTE FUNCTION c();",
            "CREATE RULE a AS ON INSERT TO polymnia.b DO NOTHING;",
            "CREATE TABLE polymnia.a (CONSTRAINT b EXCLUDE USING gist (c WITH &&));",
        ],
        &["CREATE TABLE polymnia.triggers (b bigint, CONSTRAINT c PRIMARY KEY (b));"],
    ),
    (
        "own_function",
        &[
            "CREATE OR REPLACE FUNCTION polymnia.a() RETURNS bigint LANGUAGE sql AS $$ SELECT 1 $$;",
            "DO $$ BEGIN END $$;",
        ],
        &["CREATE INDEX a ON polymnia.b (lower(c));"],
    ),
    (
        "own_serial",
        &[
            "CREATE TABLE polymnia.a (b bigserial);",
            "ALTER TABLE polymnia.a ADD COLUMN b bigint GENERATED ALWAYS AS IDENTITY;",
        ],
        &["CREATE TABLE polymnia.a (b bigint GENERATED ALWAYS AS IDENTITY, CONSTRAINT c PRIMARY KEY (b));"],
    ),
    (
        "own_key",
        &[
            "CREATE TABLE polymnia.a (b bigint);",
            "CREATE TABLE polymnia.a (namespace text NOT NULL, b bigint, CONSTRAINT c PRIMARY KEY (b, namespace));",
            "CREATE TABLE polymnia.a (namespace text, b bigint, CONSTRAINT c PRIMARY KEY (namespace, b));",
            "CREATE TABLE polymnia.a (namespace text NOT NULL, b bigint, CONSTRAINT c PRIMARY KEY (namespace), CONSTRAINT d UNIQUE (b));",
            "CREATE TABLE polymnia.a (namespace text NOT NULL, CONSTRAINT c PRIMARY KEY (namespace));\n\
             CREATE UNIQUE INDEX d ON polymnia.a (b);",
        ],
        &[
            "CREATE TABLE polymnia.a (namespace text NOT NULL, b bigint, CONSTRAINT c PRIMARY KEY (namespace, b), CONSTRAINT d UNIQUE \
             (b, namespace));",
            "CREATE TABLE polymnia.a (b bigint, CONSTRAINT c PRIMARY KEY (b), CONSTRAINT d UNIQUE (b));",
            "CREATE TABLE polymnia.a (namespace text NOT NULL, CONSTRAINT c PRIMARY KEY (namespace));\n\
             CREATE UNIQUE INDEX d ON polymnia.a USING btree (namespace, b);",
        ],
    ),
    (
        "own_foreign_key",
        &[
            "ALTER TABLE polymnia.a ADD CONSTRAINT b FOREIGN KEY (c) REFERENCES polymnia.d (c) NOT VALID;",
            "ALTER TABLE polymnia.a ADD CONSTRAINT b FOREIGN KEY (namespace, c) REFERENCES polymnia.d (namespace, c) ON DELETE SET NULL \
             NOT VALID;",
        ],
        &[
            "ALTER TABLE polymnia.a ADD CONSTRAINT b FOREIGN KEY (namespace, c) REFERENCES polymnia.d (namespace, c) ON DELETE CASCADE \
             NOT VALID;",
        ],
    ),
    (
        "own_one_change",
        &[
            "ALTER TABLE polymnia.a ADD COLUMN b bigint, ADD COLUMN c bigint;",
            "ALTER TABLE polymnia.a ADD COLUMN b bigint CONSTRAINT c CHECK (b > 0);",
        ],
        &[
            "ALTER TABLE polymnia.a ADD COLUMN b bigint NOT NULL DEFAULT 0;",
            "ALTER TABLE polymnia.a ADD CONSTRAINT b UNIQUE (c, d);",
        ],
    ),
    (
        "own_volatile",
        &[
            "UPDATE polymnia.a SET b = now() WHERE c;",
            "INSERT INTO polymnia.a (b) VALUES (current_timestamp);",
            "MERGE INTO polymnia.a USING b ON true WHEN MATCHED THEN DELETE;",
            "DELETE FROM polymnia.a WHERE ctid = '(0,1)';",
        ],
        &["UPDATE polymnia.a SET b = 'now()' WHERE c;", "INSERT INTO polymnia.a (b) VALUES (1);"],
    ),
];

pub(super) const OWN_SQLITE: &[Case] = &[
    (
        "own_strict",
        &["CREATE TABLE polymnia_a (b TEXT);", "CREATE TABLE polymnia_a (b TEXT) WITHOUT ROWID;"],
        &[
            "CREATE TABLE polymnia_a (b TEXT) STRICT;",
            "CREATE TABLE polymnia_a (b TEXT, CONSTRAINT c PRIMARY KEY (b)) STRICT, WITHOUT ROWID;",
            "CREATE VIRTUAL TABLE polymnia_a USING fts5(b);",
        ],
    ),
    (
        "own_name",
        &["CREATE TABLE a (b TEXT) STRICT;", "CREATE INDEX a ON polymnia_b (c);"],
        &["CREATE TABLE polymnia_a (b TEXT) STRICT;", "CREATE TABLE main.polymnia_a (b TEXT) STRICT;"],
    ),
    (
        "own_constraint_name",
        &[
            "CREATE TABLE polymnia_a (b TEXT CHECK (length(b) = 1)) STRICT;",
            "CREATE TABLE polymnia_a (b TEXT UNIQUE) STRICT;",
        ],
        &["CREATE TABLE polymnia_a (b INTEGER PRIMARY KEY AUTOINCREMENT) STRICT;"],
    ),
    (
        "own_trigger",
        &["CREATE TABLE polymnia_a (CONSTRAINT b EXCLUDE USING gist (c WITH &&));"],
        &["CREATE TRIGGER polymnia_a AFTER INSERT ON polymnia_b BEGIN SELECT 1; END;"],
    ),
];
