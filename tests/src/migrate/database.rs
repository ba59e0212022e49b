//! Databases that the program migrates and the test looks into, by connections of its own.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};
use tempfile::TempDir;

use super::program::{self, Output, Running};
use crate::server::{self, Server, TestDatabase};

/// Says which dialect a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A SQLite file.
    Sqlite,
    /// A PostgreSQL database.
    Postgres,
}

impl Kind {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// Returns the dialect's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// Is a database that the program migrates and the test looks into. It goes when this is dropped.
pub struct Database {
    place: Place,
    /// Where the program is started, so that what it writes by default goes away too.
    folder: TempDir,
}

enum Place {
    Sqlite(PathBuf),
    Postgres(TestDatabase),
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("kind", &self.kind()).field("folder", &self.folder).finish_non_exhaustive()
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

impl Database {
    /// Returns a database that holds nothing.
    ///
    /// # Panics
    ///
    /// If there can be none.
    pub fn fresh(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => {
                let folder = folder();
                Self { place: Place::Sqlite(folder.path().join("fresh.db")), folder }
            }
            Kind::Postgres => Self::on(server::shared()),
        }
    }

    /// Returns a SQLite database that holds nothing, whose file is in that folder.
    ///
    /// # Panics
    ///
    /// If there can be none.
    pub fn sqlite_in(place: &Path) -> Self {
        Self { place: Place::Sqlite(place.join("fresh.db")), folder: folder() }
    }

    /// Returns a database that holds nothing, on a server of PostgreSQL.
    ///
    /// # Panics
    ///
    /// If there can be none.
    pub fn on(server: &Server) -> Self {
        Self { place: Place::Postgres(server.create_database()), folder: folder() }
    }

    /// Returns which dialect it speaks.
    pub fn kind(&self) -> Kind {
        match self.place {
            Place::Sqlite(_) => Kind::Sqlite,
            Place::Postgres(_) => Kind::Postgres,
        }
    }

    /// Returns the URL, password included.
    pub fn url(&self) -> String {
        match &self.place {
            Place::Sqlite(path) => format!("sqlite://{}", path.display()),
            Place::Postgres(database) => database.url(),
        }
    }

    /// Returns the folder that the program is started in; a SQLite file stands in it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the SQLite file.
    ///
    /// # Panics
    ///
    /// If it is a PostgreSQL database.
    pub fn file(&self) -> &Path {
        match &self.place {
            Place::Sqlite(path) => path,
            Place::Postgres(_) => panic!("a PostgreSQL database is no file"),
        }
    }

    /// Returns the PostgreSQL database's name on its server.
    ///
    /// # Panics
    ///
    /// If it is a SQLite file.
    pub fn name(&self) -> &str {
        match &self.place {
            Place::Sqlite(_) => panic!("a SQLite file has no name on a server"),
            Place::Postgres(database) => database.name(),
        }
    }

    /// Returns a command that runs the program on it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        program::command(&self.url(), arguments, self.folder())
    }

    /// Runs the program on it, to its end.
    ///
    /// # Panics
    ///
    /// If it can't be run.
    pub fn run(&self, arguments: &[&str]) -> Output {
        Output::of(self.command(arguments))
    }

    /// Starts the program on it.
    ///
    /// # Panics
    ///
    /// If it can't be run.
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::start(&mut self.command(arguments))
    }

    /// Opens a connection of the test's own.
    ///
    /// # Panics
    ///
    /// If it can't, or if it is a PostgreSQL database.
    pub fn sqlite(&self) -> SqliteConnection {
        let path = self.file().to_str().expect("the folder for temporary files has an UTF-8 name");
        let mut connection = SqliteConnection::establish(path).expect("the file can be opened");
        connection.batch_execute("PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON").expect("it takes pragmas");
        connection
    }

    /// Opens a connection of the test's own.
    ///
    /// # Panics
    ///
    /// If it can't, or if it is a SQLite file.
    pub fn postgres(&self) -> PgConnection {
        match &self.place {
            Place::Sqlite(_) => panic!("a SQLite file takes no PostgreSQL connection"),
            Place::Postgres(database) => database.connect().expect("the server takes a connection"),
        }
    }

    /// Runs statements on a connection of their own.
    ///
    /// # Panics
    ///
    /// If one fails.
    #[track_caller]
    pub fn execute(&self, sql: &str) {
        let result = match self.kind() {
            Kind::Sqlite => self.sqlite().batch_execute(sql),
            Kind::Postgres => self.postgres().batch_execute(sql),
        };
        result.unwrap_or_else(|error| panic!("{error} in {sql}"));
    }

    /// Runs a query with one text column called `line`, and returns its rows.
    ///
    /// # Panics
    ///
    /// If it fails.
    #[track_caller]
    pub fn lines(&self, sql: &str) -> Vec<String> {
        let query = diesel::sql_query(sql);
        let result = match self.kind() {
            Kind::Sqlite => query.load::<Line>(&mut self.sqlite()),
            Kind::Postgres => query.load::<Line>(&mut self.postgres()),
        };
        let lines = result.unwrap_or_else(|error| panic!("{error} in {sql}"));
        lines.into_iter().map(|Line { line }| line).collect()
    }

    /// Runs a query with one row of one number.
    ///
    /// # Panics
    ///
    /// If it fails or has none.
    #[track_caller]
    pub fn number(&self, expression: &str) -> i64 {
        let lines = self.lines(&format!("SELECT CAST(({expression}) AS text) AS line"));
        lines[0].parse().unwrap_or_else(|_| panic!("{expression} is {lines:?}"))
    }

    /// Returns the versions in diesel's ledger, in order.
    ///
    /// # Panics
    ///
    /// If it can't be read.
    #[track_caller]
    pub fn applied(&self) -> Vec<String> {
        match self.kind() {
            Kind::Sqlite if self.has("__diesel_schema_migrations") => {
                self.lines("SELECT version AS line FROM __diesel_schema_migrations ORDER BY 1")
            }
            Kind::Postgres if self.has("polymnia.__diesel_schema_migrations") => self.lines(
                "SELECT version::text AS line FROM polymnia.__diesel_schema_migrations ORDER BY version COLLATE \"C\"",
            ),
            _ => Vec::new(),
        }
    }

    /// Returns whether there is a table of that name.
    ///
    /// # Panics
    ///
    /// If that can't be read.
    #[track_caller]
    pub fn has(&self, table: &str) -> bool {
        self.number(&match self.kind() {
            Kind::Sqlite => format!("SELECT count(*) FROM sqlite_schema WHERE name = '{table}'"),
            Kind::Postgres => format!("SELECT count(*) WHERE to_regclass('{table}') IS NOT NULL"),
        }) == 1
    }

    /// Returns every object of the schema, ledgers left out, as the database itself describes it: for comparisons that
    /// don't trust the library's own fingerprint.
    ///
    /// # Panics
    ///
    /// If it can't be read.
    #[track_caller]
    pub fn schema(&self) -> Vec<String> {
        self.lines(match self.kind() {
            Kind::Sqlite => SQLITE_SCHEMA,
            Kind::Postgres => POSTGRES_SCHEMA,
        })
    }

    /// Returns the schema, every ledger's and the log's rows and the number of rows of each table: equal before and after
    /// what changes nothing.
    ///
    /// # Panics
    ///
    /// If it can't be read.
    #[track_caller]
    pub fn everything(&self) -> Vec<String> {
        let mut all = self.schema();
        let tables = match self.kind() {
            Kind::Sqlite => {
                "SELECT name AS line FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY 1"
            }
            Kind::Postgres => {
                "SELECT c.oid::regclass::text AS line FROM pg_class c
                 WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)' ORDER BY 1"
            }
        };
        for table in self.lines(tables) {
            all.push(format!("{table}: {} rows", self.number(&format!("SELECT count(*) FROM {table}"))));
            if table.contains("migration") {
                let row = match self.kind() {
                    Kind::Sqlite => self.columns(&table),
                    Kind::Postgres => "t::text".to_owned(),
                };
                all.extend(self.lines(&format!("SELECT {row} AS line FROM {table} t ORDER BY 1")));
            }
        }
        all
    }

    /// Returns an expression with all columns of a SQLite table.
    fn columns(&self, table: &str) -> String {
        let names =
            self.lines(&format!("SELECT 'quote(\"' || name || '\")' AS line FROM pragma_table_info('{table}')"));
        names.join(" || ' ' || ")
    }
}

/// What stands in SQLite's own table, the ledgers left out.
const SQLITE_SCHEMA: &str = "\
    SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS line FROM sqlite_schema
    WHERE tbl_name NOT IN ('__diesel_schema_migrations', 'polymnia_migrations', 'polymnia_migration_log', 'brake')
        AND name NOT LIKE 'sqlite_stat%'
    ORDER BY 1";

/// Tables, columns, constraints, indexes, functions, triggers and types that are not the server's own, the ledgers left out.
const POSTGRES_SCHEMA: &str = "\
    WITH named AS (
        SELECT * FROM pg_class
        WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
            AND relname !~ '^(__diesel_schema_migrations|migrations|migration_log|brake)'
    )
    SELECT concat_ws(' ', c.relkind, c.relnamespace::regnamespace, c.relname, pg_get_indexdef(c.oid), x.indisvalid, a.attname,
        format_type(a.atttypid, a.atttypmod), a.attnotnull, l.collname, a.attidentity, a.attgenerated,
        pg_get_expr(d.adbin, d.adrelid)) AS line
    FROM named c
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'r'
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    LEFT JOIN pg_index x ON x.indexrelid = c.oid
    UNION ALL
    SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(o.oid), convalidated)
    FROM pg_constraint o JOIN named c ON c.oid = o.conrelid
    UNION ALL
    SELECT concat_ws(' ', 'trigger', tgrelid::regclass, pg_get_triggerdef(t.oid))
    FROM pg_trigger t JOIN named c ON c.oid = t.tgrelid WHERE NOT tgisinternal
    UNION ALL
    SELECT concat_ws(' ', 'function', oid::regprocedure, md5(prosrc)) FROM pg_proc
    WHERE pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
    UNION ALL
    SELECT concat_ws(' ', 'type', t.oid::regtype, (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum
        WHERE enumtypid = t.oid))
    FROM pg_type t
    WHERE typnamespace::regnamespace::text !~ '^(pg_|information_schema)' AND typrelid = 0 AND typelem = 0
    ORDER BY 1";

fn folder() -> TempDir {
    tempfile::tempdir().expect("the system has a folder for temporary files")
}
