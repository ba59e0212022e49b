//! Rules on SQLite.

use crate::schema::lint::tests::Case;

/// A rebuild as the guide has it.
pub(super) const REBUILD: &str = "-- rebuild known
PRAGMA foreign_keys = OFF;
CREATE TABLE new_orders (id INTEGER PRIMARY KEY) STRICT;
INSERT INTO new_orders SELECT id FROM orders;
DROP TABLE orders;
ALTER TABLE new_orders RENAME TO orders;
CREATE INDEX orders_note ON orders (note, id);
CREATE TRIGGER orders_seen AFTER UPDATE ON orders BEGIN SELECT 1; END;
PRAGMA foreign_keys = ON;";

pub(super) const CASES: &[Case] = &[
    (
        "rebuild_without_flag",
        &["CREATE TABLE b (c TEXT);\nINSERT INTO b SELECT c FROM a;\nDROP TABLE a;\nALTER TABLE b RENAME TO a;"],
        &[REBUILD, "CREATE TABLE b (c TEXT);\nALTER TABLE b RENAME TO a;"],
    ),
    (
        "rebuild_pragmas",
        &[
            "-- rebuild\nDROP TABLE a;\nPRAGMA foreign_keys = ON;",
            "-- rebuild\nPRAGMA foreign_keys = OFF;\nDROP TABLE a;",
            "-- rebuild\nPRAGMA foreign_keys = ON;\nDROP TABLE a;\nPRAGMA foreign_keys = ON;",
        ],
        &[REBUILD, "DROP TABLE a;"],
    ),
    (
        "rebuild_renames_old",
        &[
            "ALTER TABLE a RENAME TO old_a;\nCREATE TABLE a (b TEXT);\nINSERT INTO a SELECT b FROM old_a;\nDROP TABLE old_a;",
        ],
        &[REBUILD, "ALTER TABLE a RENAME TO b;"],
    ),
    (
        "rebuild_loses",
        &[
            "-- rebuild known\nPRAGMA foreign_keys = OFF;\nCREATE TABLE b (c TEXT);\nDROP TABLE orders;\nALTER TABLE b RENAME TO orders;\n\
             PRAGMA foreign_keys = ON;",
            "-- rebuild known\nPRAGMA foreign_keys = OFF;\nCREATE TABLE b (c TEXT);\nDROP TABLE orders;\nALTER TABLE b RENAME TO orders;\n\
             CREATE INDEX orders_note ON orders (note);\nPRAGMA foreign_keys = ON;",
        ],
        &[REBUILD],
    ),
    (
        "drop_table_deletes_children",
        &["DROP TABLE a;", "-- known\nDROP TABLE customers;", "-- known down\nDROP TABLE customers;"],
        &[
            "-- down\nDROP TABLE a;",
            "-- known\nDROP TABLE orders;",
            "-- known\nDROP TABLE orders;\nDROP TABLE customers;",
            "CREATE TABLE a (b TEXT);\nDROP TABLE a;",
            REBUILD,
        ],
    ),
    (
        "add_column_refused",
        &[
            "ALTER TABLE a ADD COLUMN b INTEGER DEFAULT 1 REFERENCES c (d);",
            "ALTER TABLE a ADD COLUMN b INTEGER UNIQUE;",
            "ALTER TABLE a ADD COLUMN b INTEGER PRIMARY KEY;",
            "ALTER TABLE a ADD COLUMN b TEXT DEFAULT CURRENT_TIMESTAMP;",
            "ALTER TABLE a ADD COLUMN b INTEGER DEFAULT (1 + 1);",
            "ALTER TABLE a ADD COLUMN b INTEGER AS (c + 1) STORED;",
        ],
        &[
            "ALTER TABLE a ADD COLUMN b INTEGER REFERENCES c (d);",
            "ALTER TABLE a ADD COLUMN b INTEGER DEFAULT NULL REFERENCES c (d);",
            "ALTER TABLE a ADD COLUMN b INTEGER NOT NULL DEFAULT -1;",
            "ALTER TABLE a ADD COLUMN b INTEGER AS (c + 1) VIRTUAL;",
            "ALTER TABLE a ADD COLUMN b TEXT CHECK (length(b) > 1);",
        ],
    ),
    (
        "function_not_stock",
        &[
            "CREATE TABLE a (b TEXT CHECK (polymnia_valid(b)));",
            "CREATE TABLE a (b TEXT, CHECK (sqrt(b) > 1));",
            "CREATE TABLE a (b TEXT COLLATE unicode);",
            "CREATE INDEX a ON b (fold(c));",
            "CREATE INDEX a ON b (c COLLATE unicode);",
            "CREATE INDEX a ON b (c) WHERE fold(c) = 'd';",
            "CREATE VIEW a AS SELECT fold(b) FROM c;",
            "CREATE TRIGGER a AFTER INSERT ON b BEGIN UPDATE b SET c = fold(new.c); END;",
            "CREATE VIRTUAL TABLE a USING fts5(b, tokenize = 'icu');",
            "CREATE VIRTUAL TABLE a USING vec0(b);",
            "ALTER TABLE a ADD COLUMN b TEXT CHECK (fold(b) = b);",
        ],
        &[
            "CREATE TABLE a (b TEXT NOT NULL DEFAULT (lower(hex(randomblob(16)))) CHECK (length(b) = 32 AND b IN ('x', 'y')));",
            "CREATE TABLE a (b VARCHAR(20) COLLATE NOCASE, FOREIGN KEY (b) REFERENCES c (d));",
            "CREATE INDEX a ON b (lower(c), json_extract(d, '$.e') DESC) WHERE c IS NOT NULL;",
            "CREATE TRIGGER a AFTER INSERT ON b BEGIN INSERT INTO c (d) VALUES (new.d); SELECT RAISE(ABORT, 'no'); END;",
            "CREATE VIRTUAL TABLE a USING fts5(b, tokenize = 'porter unicode61', content = '');",
            "SELECT fold(a) FROM b;",
        ],
    ),
    (
        "pragma_in_transaction",
        &[
            "PRAGMA foreign_keys = OFF;",
            "PRAGMA journal_mode = WAL;",
            "-- rebuild\nPRAGMA foreign_keys = OFF;\nPRAGMA synchronous = OFF;\nDROP TABLE a;\nPRAGMA foreign_keys = ON;",
        ],
        &[
            "-- bare\nPRAGMA journal_mode = WAL;",
            "PRAGMA user_version = 3;",
            "PRAGMA main.defer_foreign_keys = ON;",
            REBUILD,
        ],
    ),
    ("writable_schema", &["PRAGMA writable_schema = ON;"], &["PRAGMA user_version = 1;"]),
    (
        "drop_used_column",
        &["-- known down\nALTER TABLE orders DROP COLUMN note;"],
        &["-- known down\nALTER TABLE orders DROP COLUMN unused;"],
    ),
    ("rename_table", &["ALTER TABLE a RENAME TO b;\nCREATE TABLE a (c TEXT);"], &[REBUILD]),
    (
        "if_not_exists",
        &["CREATE INDEX IF NOT EXISTS a ON b (c);", "CREATE TABLE IF NOT EXISTS a (b TEXT);"],
        &["CREATE INDEX a ON b (c);"],
    ),
    ("create_table_as", &["CREATE TABLE a AS SELECT * FROM b;"], &[REBUILD]),
    ("drop_table", &["DROP TABLE [a b];"], &["CREATE TABLE `A` (b TEXT);\nDROP TABLE [a];", REBUILD]),
];
