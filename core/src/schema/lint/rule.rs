//! The rules: their names, why they are, and what to do instead.

use serde::Serialize;

/// Says how bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a second look.
    Warning,
    /// It blocks users, loses data, or fails where there are rows.
    Error,
}

/// Says what a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Migrations of every dialect.
    Every,
    /// Migrations of PostgreSQL, and of dialects that nothing else is known of.
    Postgres,
    /// Migrations of SQLite.
    Sqlite,
    /// Our own migrations, which keep to what every dialect and a distributed engine can do.
    Own,
}

/// Is what the linter looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its name, which never changes and which `-- polymnia:allow` takes.
    pub name: &'static str,
    /// What it looks at.
    pub group: Group,
    /// How bad what it finds is.
    pub severity: Severity,
    /// Why it is bad.
    pub why: &'static str,
    /// What to do instead.
    pub instead: &'static str,
}

/// Declares the rules as constants, and the list of them.
macro_rules! rules {
    ($($constant:ident = $name:literal $group:ident $severity:ident $why:literal $instead:literal)*) => {
        $(pub(super) const $constant: Rule = Rule {
            name: $name,
            group: Group::$group,
            severity: Severity::$severity,
            why: $why,
            instead: $instead,
        };)*

        /// Every rule.
        pub const RULES: &[Rule] = &[$($constant),*];
    };
}

rules! {
    DIRECTIVE = "directive" Every Error
        "a comment that speaks to the engine and isn't understood does nothing"
        "write `-- polymnia:allow RULE REASON` or `-- polymnia:batch ROWS` on a line of its own before the statement"
    ALLOW_UNKNOWN = "allow_unknown" Every Error
        "an ignore of a rule that there isn't ignores nothing"
        "name a rule of `polymnia migrate lint --rules`"
    ALLOW_UNUSED = "allow_unused" Every Warning
        "an ignore that nothing needs hides what somebody writes there later"
        "remove the comment"
    TRANSACTION_CONTROL = "transaction_control" Every Error
        "the engine begins and ends the transaction, together with the record of the migration"
        "leave it out, or set run_in_transaction = false and let each statement stand alone"
    NEEDS_NO_TRANSACTION = "needs_no_transaction" Every Error
        "the database refuses it in a transaction"
        "put it into a migration of its own with run_in_transaction = false"
    ADD_COLUMN_NOT_NULL = "add_column_not_null" Every Error
        "it fails as soon as the table has a row"
        "give a constant default, or add the column nullable, fill it in batches, and set NOT NULL in a later migration"
    DROP_TABLE = "drop_table" Every Error
        "the rows are lost, and builds that still run fail at once"
        "stop using it in one release, drop it in a later one, and then say so by `-- polymnia:allow drop_table REASON`"
    DROP_SCHEMA = "drop_schema" Every Error
        "all that stands in it is lost"
        "drop its tables by name"
    DROP_COLUMN = "drop_column" Every Error
        "the values are lost, and builds that still run fail at once; SQLite writes the whole table anew for it"
        "stop using it in one release, drop it in a later one, and then say so by `-- polymnia:allow drop_column REASON`"
    DROP_USED_COLUMN = "drop_used_column" Every Error
        "what uses the column goes with it or stops working without a word, or forbids to drop it"
        "drop or change by name, before the column, what uses it"
    DROP_CASCADE = "drop_cascade" Every Error
        "it drops whatever depends on it, in every database something else"
        "drop by name what depends on it, and leave CASCADE out"
    RENAME_TABLE = "rename_table" Every Error
        "builds that still run fail at once"
        "make the new name a view, or the old one, until no build uses the old name"
    RENAME_COLUMN = "rename_column" Every Error
        "builds that still run fail at once"
        "add a column, fill it in batches, write both for one release, and drop the old one in a later one"
    DELETE_ALL_ROWS = "delete_all_rows" Every Error
        "all rows are lost, in one transaction that holds a lock on each"
        "say which rows by WHERE, and how many at a time by `-- polymnia:batch 1000`"
    UPDATE_ALL_ROWS = "update_all_rows" Every Error
        "it holds a lock on every row until the end, and every row is written twice over"
        "set run_in_transaction = false and write `-- polymnia:batch 1000` before it"
    UNBATCHED_CHANGE = "unbatched_change" Every Warning
        "it holds a lock on every row it changes until the end"
        "set run_in_transaction = false and write `-- polymnia:batch 1000` before it, or say why there are few rows"
    CREATE_TABLE_AS = "create_table_as" Every Warning
        "a table that a query makes has no keys, no checks and no defaults"
        "write the columns down, then INSERT … SELECT"
    IF_NOT_EXISTS = "if_not_exists" Every Warning
        "over something else of that name it reports success"
        "leave IF NOT EXISTS out: each migration runs once"
    SELECT_WITH_EFFECTS = "select_with_effects" Every Warning
        "what it does is not undone when the migration fails, and happens again when it is run again"
        "say why it may be, or do it outside of the migration"

    CREATE_INDEX_BLOCKS_WRITES = "create_index_blocks_writes" Postgres Error
        "writers wait until the whole table is indexed"
        "CREATE INDEX CONCURRENTLY, in a migration with run_in_transaction = false"
    DROP_INDEX_BLOCKS = "drop_index_blocks" Postgres Error
        "it waits for every query of the table, and all that come later wait behind it"
        "DROP INDEX CONCURRENTLY, in a migration with run_in_transaction = false"
    REINDEX_BLOCKS = "reindex_blocks" Postgres Error
        "writers, and readers that use the index, wait until it is built"
        "REINDEX CONCURRENTLY, in a migration with run_in_transaction = false"
    INDEX_IF_NOT_EXISTS = "index_if_not_exists" Postgres Error
        "over an INVALID index that an earlier try left behind it reports success"
        "leave IF NOT EXISTS out: the engine finds an INVALID index, drops it and builds it again"
    ADD_COLUMN_REWRITES = "add_column_rewrites" Postgres Error
        "every row is written anew while nobody can read or write the table"
        "add the column without it, set the default afterwards, and fill old rows in batches"
    ALTER_COLUMN_TYPE = "alter_column_type" Postgres Error
        "every row and index is written anew while nobody can read or write the table"
        "add a column of the new type, fill it in batches, write both for one release, and drop the old one in a later one"
    SET_NOT_NULL_SCANS = "set_not_null_scans" Postgres Error
        "the whole table is read while nobody can read or write it"
        "ADD CONSTRAINT … CHECK (column IS NOT NULL) NOT VALID, VALIDATE CONSTRAINT in a later migration, then SET NOT NULL"
    CONSTRAINT_SCANS = "constraint_scans" Postgres Error
        "all rows are checked while writers wait"
        "ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT in a later migration"
    VALIDATE_IN_SAME_TRANSACTION = "validate_in_same_transaction" Postgres Error
        "the lock of ADD CONSTRAINT is held while all rows are checked"
        "VALIDATE CONSTRAINT in a migration of its own"
    KEY_BUILDS_INDEX = "key_builds_index" Postgres Error
        "nobody can read or write the table until its index is built"
        "CREATE UNIQUE INDEX CONCURRENTLY in a migration before, then ADD CONSTRAINT … USING INDEX"
    REWRITES_TABLE = "rewrites_table" Postgres Error
        "every row is written anew while nobody can read or write the table"
        "leave it to autovacuum, or to pg_repack outside of migrations"
    REFRESH_BLOCKS = "refresh_blocks" Postgres Error
        "readers wait until the whole view is made"
        "REFRESH MATERIALIZED VIEW CONCURRENTLY, which takes a unique index on the view"
    ATTACH_PARTITION_SCANS = "attach_partition_scans" Postgres Warning
        "all rows are checked while nobody can read or write the partition"
        "add a CHECK of the same range before, NOT VALID and then validated"
    DETACH_PARTITION_BLOCKS = "detach_partition_blocks" Postgres Error
        "it waits for every query of the table, and all that come later wait behind it"
        "DETACH PARTITION … CONCURRENTLY, in a migration with run_in_transaction = false"
    LOCK_TABLE = "lock_table" Postgres Error
        "it holds up whoever uses the table until the migration ends"
        "leave it out: each statement takes the lock it needs"
    TRUNCATE = "truncate" Postgres Error
        "all rows are lost, and nobody can read or write the table until the migration ends"
        "DELETE with WHERE, in batches"
    NEW_ENUM_VALUE_USED = "new_enum_value_used" Postgres Error
        "a value that was added to an enum can't be used before the transaction that added it has ended"
        "use it in a later migration"
    SESSION_SETTING = "session_setting" Postgres Warning
        "it goes on for later migrations on the same connection, and reaches no shard"
        "SET LOCAL, or name the schema of every object"
    OPAQUE_BLOCK = "opaque_block" Postgres Warning
        "nothing looks into what a DO block does, and a failure in it has no place"
        "write the statements down"
    DISABLE_TRIGGER = "disable_trigger" Postgres Error
        "writes of others meanwhile are not checked by it, foreign keys included"
        "change the trigger so that it lets the migration through"

    REBUILD_WITHOUT_FLAG = "rebuild_without_flag" Sqlite Error
        "dropping the old table first deletes its rows, and with them the rows of other tables that point at them"
        "set rebuild = true and run_in_transaction = false in metadata.toml, and see the guide on rebuilds"
    REBUILD_PRAGMAS = "rebuild_pragmas" Sqlite Error
        "other tools run the script with foreign keys on, and it deletes rows of other tables"
        "begin with `PRAGMA foreign_keys = OFF;`, end with `PRAGMA foreign_keys = ON;`, and set run_in_transaction = false"
    REBUILD_RENAMES_OLD = "rebuild_renames_old" Sqlite Error
        "what points at the old table follows its new name, and goes on to point at it"
        "make the new table under another name, copy, drop the old one, and rename the new one"
    REBUILD_LOSES = "rebuild_loses" Sqlite Error
        "what belonged to the old table went with it"
        "make it again after the new table has its name"
    DROP_TABLE_DELETES_CHILDREN = "drop_table_deletes_children" Sqlite Error
        "it first deletes every row, and rows of other tables that point at them are deleted, changed or forbid it"
        "drop the foreign keys that lead to it first, or the tables that have them"
    ADD_COLUMN_REFUSED = "add_column_refused" Sqlite Error
        "SQLite refuses it, some of it only once the table has rows"
        "add the column without it, or make the table anew: see the guide on rebuilds"
    FUNCTION_NOT_STOCK = "function_not_stock" Sqlite Error
        "sqlite3, VACUUM and backups of others fail on a schema that needs it"
        "use what every build of SQLite has; functions of the application belong into queries"
    PRAGMA_IN_TRANSACTION = "pragma_in_transaction" Sqlite Error
        "in a transaction it does nothing, without an error"
        "put it into a migration with run_in_transaction = false"
    WRITABLE_SCHEMA = "writable_schema" Sqlite Error
        "a slip makes the file unreadable"
        "make the table anew: see the guide on rebuilds"

    OWN_NAME = "own_name" Own Error
        "applications share the database, so ours stands apart: schema polymnia, prefix polymnia_"
        "qualify or prefix the name"
    OWN_STRICT = "own_strict" Own Error
        "a table that isn't STRICT takes texts for numbers"
        "STRICT"
    OWN_COLLATION = "own_collation" Own Error
        "texts compare by bytes on every dialect, whatever the database's collation"
        "COLLATE \"C\""
    OWN_CONSTRAINT_NAME = "own_constraint_name" Own Error
        "names are the same on every server and on a distributed engine only if given, in 50 bytes at most"
        "CONSTRAINT name, of 50 bytes at most"
    OWN_RENAME_CONSTRAINT = "own_rename_constraint" Own Error
        "a distributed engine refuses it"
        "add one under the new name, then drop the old one"
    OWN_TRIGGER = "own_trigger" Own Error
        "a distributed engine refuses triggers, rules and exclusion constraints"
        "write it in the engine, or as a STORED generated column"
    OWN_FUNCTION = "own_function" Own Error
        "the schema is stock SQL only: backups and other tools work on it without us"
        "write it in the engine"
    OWN_SERIAL = "own_serial" Own Error
        "a serial column, or an identity added later, can't be distributed"
        "a UUID that the engine makes"
    OWN_KEY = "own_key" Own Error
        "a table of memories is distributed by namespace, which must be in its primary key, first, and in every unique constraint"
        "add namespace text NOT NULL and put it first into the key"
    OWN_FOREIGN_KEY = "own_foreign_key" Own Error
        "a foreign key leads from namespace to namespace, and a distributed engine knows CASCADE and NO ACTION only"
        "put namespace into the foreign key, with ON DELETE CASCADE or NO ACTION"
    OWN_ONE_CHANGE = "own_one_change" Own Error
        "a distributed engine takes one change a statement"
        "one ALTER TABLE for each column and each constraint, the constraint apart from its column"
    OWN_VOLATILE = "own_volatile" Own Error
        "a distributed engine refuses what is volatile in a write"
        "bind it, or write a constant"
}

impl Rule {
    /// Returns the rule of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_tell_rules_apart() {
        for rule in RULES {
            assert!(rule.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", rule.name);
            assert_eq!(Rule::named(rule.name), Some(rule), "{} is there twice", rule.name);
            assert_eq!(rule.name.starts_with("own_"), rule.group == Group::Own);
        }
    }
}
