//! What is recorded of migrations: diesel's ledger, ours beside it, and the log.

use std::collections::BTreeSet;

use diesel::migration::MigrationConnection as _;
use diesel::pg::data_types::PgTimestamp;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz};
use polymnia::schema::{Compatibility, Entry, Ledger, LogEntry, Origin, SchemaFault, State, Version};
use polymnia::{Error, ErrorKind, Result};
use serde_json::Value;

use super::snapshot::set_search_path;
use crate::error::Fault;
use crate::session::Session;
use crate::sql::{OwnedJson, Statement, time};

/// The tables that migrations are recorded in, in the schema `polymnia`: diesel's, ours, and the log.
pub(super) const TABLES: [&str; 3] = [DIESEL, ENTRIES, LOG];
const DIESEL: &str = "__diesel_schema_migrations";
const ENTRIES: &str = "migrations";
const LOG: &str = "migration_log";

/// Makes our ledger. Its columns are the fields of an [`Entry`].
pub(super) const CREATE_ENTRIES: &str = r#"CREATE TABLE polymnia.migrations (
    version text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    state text COLLATE "C" NOT NULL,
    origin text COLLATE "C" NOT NULL,
    parents jsonb NOT NULL,
    checksum_raw text COLLATE "C" NOT NULL,
    checksum text COLLATE "C" NOT NULL,
    up text COLLATE "C",
    down text COLLATE "C",
    run_in_transaction boolean NOT NULL,
    rebuild boolean NOT NULL,
    compatibility text COLLATE "C" NOT NULL,
    statements bigint NOT NULL,
    done bigint NOT NULL,
    batch_key text COLLATE "C",
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    millis bigint,
    error text COLLATE "C",
    run_by text COLLATE "C" NOT NULL,
    tool text COLLATE "C" NOT NULL,
    delta jsonb,
    CONSTRAINT migrations_key PRIMARY KEY (version),
    CONSTRAINT migrations_state_known CHECK (state IN ('running', 'applied', 'failed', 'reverting'))
)"#;

/// Makes the log.
pub(super) const CREATE_LOG: &str = r#"CREATE TABLE polymnia.migration_log (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    event text COLLATE "C" NOT NULL,
    version text COLLATE "C",
    detail text COLLATE "C" NOT NULL,
    run_by text COLLATE "C" NOT NULL,
    tool text COLLATE "C" NOT NULL,
    CONSTRAINT migration_log_key PRIMARY KEY (seq)
)"#;

/// Makes the schema.
pub(super) const CREATE_SCHEMA: &str = "CREATE SCHEMA polymnia";

/// Records an entry that is given as JSON between the two.
pub(super) const RECORD: [&str; 2] = [
    "WITH entry AS (INSERT INTO polymnia.migrations (version, name, position, state, origin, parents, checksum_raw, \
     checksum, up, down, run_in_transaction, rebuild, compatibility, statements, done, batch_key, started_at, finished_at, \
     millis, error, run_by, tool, delta) \
     SELECT version, name, position, state, origin, parents, checksum_raw, checksum, up, down, run_in_transaction, rebuild, \
     compatibility, statements, done, batch_key, started_at, finished_at, millis, error, run_by, tool, delta \
     FROM (SELECT ",
    "::jsonb AS entry) AS given CROSS JOIN LATERAL \
     jsonb_populate_record(NULL::polymnia.migrations, entry || jsonb_build_object('run_by', entry -> 'by')) AS one \
     ON CONFLICT (version) DO UPDATE SET name = excluded.name, position = excluded.position, state = excluded.state, \
     origin = excluded.origin, parents = excluded.parents, checksum_raw = excluded.checksum_raw, \
     checksum = excluded.checksum, up = excluded.up, down = excluded.down, \
     run_in_transaction = excluded.run_in_transaction, rebuild = excluded.rebuild, \
     compatibility = excluded.compatibility, statements = excluded.statements, done = excluded.done, \
     batch_key = excluded.batch_key, started_at = excluded.started_at, finished_at = excluded.finished_at, \
     millis = excluded.millis, error = excluded.error, run_by = excluded.run_by, tool = excluded.tool, delta = excluded.delta \
     RETURNING version) ",
];
/// Ends [`RECORD`] where diesel's ledger is to have the version.
pub(super) const WITH_DIESEL: &str = "INSERT INTO polymnia.__diesel_schema_migrations (version) SELECT version FROM entry \
                                      ON CONFLICT (version) DO NOTHING";
/// Ends [`RECORD`] where it is not.
pub(super) const WITHOUT_DIESEL: &str =
    "DELETE FROM polymnia.__diesel_schema_migrations WHERE version COLLATE \"C\" IN (SELECT version FROM entry)";
/// Removes a version, which is given between the two and at the end, from both ledgers.
pub(super) const FORGET: [&str; 2] = [
    "WITH entry AS (DELETE FROM polymnia.migrations WHERE version = ",
    ") DELETE FROM polymnia.__diesel_schema_migrations WHERE version = ",
];
/// Adds a line, which is given as JSON between the two, to the log.
pub(super) const ADD_LINE: [&str; 2] = [
    "INSERT INTO polymnia.migration_log (at, event, version, detail, run_by, tool) \
     SELECT at, event, version, detail, run_by, tool FROM (SELECT ",
    "::jsonb AS line) AS given CROSS JOIN LATERAL \
     jsonb_populate_record(NULL::polymnia.migration_log, line || jsonb_build_object('run_by', line -> 'by')) AS one",
];

/// Reads what is recorded. Tables that are not there are told as such.
pub(super) fn read(session: &mut Session) -> Result<Ledger, Fault> {
    let tables = tables(session)?;
    let has = |name: &str| tables.iter().any(|table| table == name);
    let mut ledger = Ledger::default();
    if has(DIESEL) {
        ledger.diesel = Some(applied(session)?);
    }
    if has(ENTRIES) {
        let mut statement = Statement::<Text>::new(
            "SELECT (to_jsonb(entry) || jsonb_build_object('by', entry.run_by))::text FROM polymnia.migrations AS entry \
             ORDER BY entry.position, entry.version",
        );
        statement.plan_each_time();
        let rows: Vec<String> = session.load(statement)?;
        ledger.entries = Some(rows.iter().map(|row| entry(row)).collect::<Result<_>>()?);
    }
    Ok(ledger)
}

/// Returns the versions in diesel's ledger; none if there is no such table.
pub(super) fn diesel(session: &mut Session) -> Result<Option<BTreeSet<String>>, Fault> {
    if !tables(session)?.iter().any(|table| table == DIESEL) {
        return Ok(None);
    }
    applied(session).map(Some)
}

fn applied(session: &mut Session) -> Result<BTreeSet<String>, Fault> {
    let mut statement = Statement::<Text>::new("SELECT version::text FROM polymnia.__diesel_schema_migrations");
    statement.plan_each_time();
    let versions: Vec<String> = session.load(statement)?;
    Ok(versions.into_iter().collect())
}

/// Returns the newest of ours among versions; if there is none of ours, the newest of any.
pub(crate) fn newest(versions: &BTreeSet<String>) -> Option<String> {
    let ours = versions.iter().rfind(|version| version.starts_with(|c: char| c.is_ascii_digit()));
    ours.or_else(|| versions.last()).cloned()
}

/// Reads the newest lines of the log, newest first.
pub(super) fn log(session: &mut Session, limit: u32) -> Result<Vec<LogEntry>, Fault> {
    if !tables(session)?.iter().any(|table| table == LOG) {
        return Ok(Vec::new());
    }
    let mut statement = Statement::<(Timestamptz, Text, Nullable<Text>, Text, Text, Text)>::new(
        "SELECT at, event, version, detail, run_by, tool FROM polymnia.migration_log ORDER BY seq DESC LIMIT ",
    );
    statement.bind(i64::from(limit)).plan_each_time();
    let rows: Vec<(PgTimestamp, String, Option<String>, String, String, String)> = session.load(statement)?;
    let line =
        |(at, event, version, detail, by, tool): (PgTimestamp, String, Option<String>, String, String, String)| {
            let at = time(at).ok_or_else(|| corrupt("the log of migrations"))?;
            let version = version
                .map(Version::new)
                .transpose()
                .map_err(|error| corrupt("the log of migrations").with_source(error))?;
            Ok(LogEntry { at, event, version, detail, by, tool })
        };
    Ok(rows.into_iter().map(line).collect::<Result<_>>()?)
}

/// Makes the schema, the ledgers and the log where they are not there, and returns whether diesel's was not.
pub(super) fn prepare(session: &mut Session) -> Result<bool, Fault> {
    if !has_schema(session)? {
        check_may_create(session)?;
        run(session, CREATE_SCHEMA)?;
    }
    let tables = tables(session)?;
    let has = |name: &str| tables.iter().any(|table| table == name);
    if !has(DIESEL) {
        // diesel's own words, so that it is exactly diesel's. It goes where the search path says.
        let path = set_search_path(session, "polymnia")?;
        session.connection.setup()?;
        set_search_path(session, &path)?;
    }
    for (name, create) in [(ENTRIES, CREATE_ENTRIES), (LOG, CREATE_LOG)] {
        if !has(name) {
            run(session, create)?;
        }
    }
    Ok(!has(DIESEL))
}

/// Returns whether there is a schema `polymnia`.
pub(super) fn has_schema(session: &mut Session) -> Result<bool, Fault> {
    let mut there =
        Statement::<Bool>::new("SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'polymnia')");
    there.plan_each_time();
    session.load_one(there)
}

/// Checks that the role may do what migrations take, before anything is tried.
pub(super) fn check_may_migrate(session: &mut Session) -> Result<(), Fault> {
    if !has_schema(session)? {
        return check_may_create(session);
    }
    // By oid, and looked up: the functions that take a name fail for what can't be seen.
    let mut may = Statement::<Bool>::new(
        "SELECT has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE') \
         FROM pg_catalog.pg_namespace WHERE nspname = 'polymnia'",
    );
    may.plan_each_time();
    if session.load_one(may)? {
        return Ok(());
    }
    let message = "the role may not create anything in the schema polymnia";
    Err(Error::new(ErrorKind::PermissionDenied, message)
        .with_hint(
            "migrate as the role that owns it, or as its owner: GRANT USAGE, CREATE ON SCHEMA polymnia TO <role>",
        )
        .into())
}

fn check_may_create(session: &mut Session) -> Result<(), Fault> {
    let mut may = Statement::<Bool>::new("SELECT has_database_privilege(current_database(), 'CREATE')");
    may.plan_each_time();
    if session.load_one(may)? {
        return Ok(());
    }
    let message = "the role may not create the schema polymnia in the database";
    Err(Error::new(ErrorKind::PermissionDenied, message)
        .with_hint("as its owner: GRANT CREATE ON DATABASE <database> TO <role>; or CREATE SCHEMA polymnia AUTHORIZATION <role>")
        .into())
}

/// Records an entry, and brings diesel's ledger into line: one statement, so all or nothing outside a transaction too.
pub(super) fn record(session: &mut Session, entry: &Entry) -> Result<(), Fault> {
    let [before, after] = RECORD;
    let mut statement: Statement<'_> = Statement::new(before);
    let end = if is_applied(entry) { WITH_DIESEL } else { WITHOUT_DIESEL };
    statement.bind(OwnedJson(to_json(entry)?)).text(after).text(end).plan_each_time();
    session.execute(&statement)?;
    Ok(())
}

/// Removes a version from both ledgers.
pub(super) fn forget(session: &mut Session, version: &Version) -> Result<(), Fault> {
    let [before, between] = FORGET;
    let mut statement: Statement<'_> = Statement::new(before);
    statement.bind(version.as_str()).text(between).bind(version.as_str()).plan_each_time();
    session.execute(&statement)?;
    Ok(())
}

/// Adds a line to the log.
pub(super) fn add_line(session: &mut Session, line: &LogEntry) -> Result<(), Fault> {
    let [before, after] = ADD_LINE;
    let mut statement: Statement<'_> = Statement::new(before);
    statement.bind(OwnedJson(to_json(line)?)).text(after).plan_each_time();
    session.execute(&statement)?;
    Ok(())
}

/// Removes the ledgers and the log, and the schema if it is empty then and the role's.
pub(super) fn dismantle(session: &mut Session) -> Result<(), Fault> {
    for statement in [
        "DROP TABLE IF EXISTS polymnia.migration_log",
        "DROP TABLE IF EXISTS polymnia.migrations",
        "DROP TABLE IF EXISTS polymnia.__diesel_schema_migrations",
    ] {
        run(session, statement)?;
    }
    let mut statement = Statement::<Bool>::new(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace AS one WHERE one.nspname = 'polymnia' \
         AND pg_has_role(one.nspowner, 'USAGE') AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS inside \
         WHERE inside.refclassid = 'pg_catalog.pg_namespace'::regclass AND inside.refobjid = one.oid))",
    );
    statement.plan_each_time();
    if session.load_one(statement)? {
        run(session, "DROP SCHEMA polymnia")?;
    }
    Ok(())
}

/// Returns whether diesel's ledger is to have the version of an entry.
pub(super) fn is_applied(entry: &Entry) -> bool {
    match entry.state {
        State::Applied | State::Reverting => true,
        State::Running | State::Failed => false,
    }
}

/// Returns an entry or a line as the JSON that the statements take.
pub(super) fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "a record of a migration can't be written").with_source(error)
    })
}

/// Returns which of the tables are there.
fn tables(session: &mut Session) -> Result<Vec<String>, Fault> {
    let mut statement = Statement::<Text>::new(
        "SELECT one.relname::text FROM pg_catalog.pg_class AS one \
         JOIN pg_catalog.pg_namespace AS schema ON schema.oid = one.relnamespace AND schema.nspname = 'polymnia' \
         WHERE one.relkind IN ('r', 'p') AND one.relname = ANY (",
    );
    statement.bind(TABLES.to_vec()).text(")").plan_each_time();
    session.load(statement)
}

fn run(session: &mut Session, statement: &'static str) -> Result<(), Fault> {
    let mut statement: Statement<'_> = Statement::new(statement);
    statement.plan_each_time();
    session.execute(&statement)?;
    Ok(())
}

/// Reads an entry. Of words that a newer build may have written, a level of compatibility that isn't known allows nothing; the
/// others say that the database is newer.
fn entry(row: &str) -> Result<Entry> {
    let corrupt = |error| corrupt("the ledger of migrations").with_source(error);
    let mut entry: Value = serde_json::from_str(row).map_err(corrupt)?;
    let word = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    for (name, known) in [
        ("state", State::from_code(&word("state")).is_some()),
        ("origin", Origin::from_code(&word("origin")).is_some()),
    ] {
        if !known {
            let message =
                format!("version {} has the {name} {:?}, which this build doesn't know", word("version"), word(name));
            return Err(SchemaFault::Newer.error(message).with_hint("use the build that wrote it, or a newer one"));
        }
    }
    if Compatibility::from_code(&word("compatibility")).is_none() {
        entry["compatibility"] = Compatibility::None.code().into();
    }
    serde_json::from_value(entry).map_err(corrupt)
}

fn corrupt(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{what} holds what this build can't read"))
        .with_hint("a newer build wrote it, or something else did: use the newest build")
}
