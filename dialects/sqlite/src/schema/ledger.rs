//! What is recorded of migrations: diesel's ledger, ours beside it, and the log.

use std::collections::BTreeSet;

use diesel::migration::MigrationConnection as _;
use polymnia::schema::{Compatibility, Delta, Entry, Ledger, LogEntry, Origin, SchemaFault, State, Version};
use polymnia::{Error, Result, Timestamp};

use super::sql;
use crate::connection::Connection;
use crate::error::{Step, damaged_row};
use crate::raw::BulkRow;
use crate::statement::Value;

/// diesel's ledger.
pub(super) const DIESEL: &str = "__diesel_schema_migrations";
/// Ours.
pub(super) const OURS: &str = "polymnia_migrations";
/// The log.
pub(super) const LOG_TABLE: &str = "polymnia_migration_log";
/// The three of them.
pub(super) const ALL: [&str; 3] = [DIESEL, OURS, LOG_TABLE];

/// Makes our ledger, as diesel makes its own: unless it is there.
pub(super) const CREATE_OURS: &str = "\
CREATE TABLE IF NOT EXISTS polymnia_migrations (
    version TEXT NOT NULL,
    name TEXT NOT NULL,
    -- in which place it was applied, from 1
    position INTEGER NOT NULL,
    -- running, applied, failed, reverting
    state TEXT NOT NULL,
    origin TEXT NOT NULL,
    -- a JSON list of versions
    parents TEXT NOT NULL,
    checksum_raw TEXT NOT NULL,
    checksum TEXT NOT NULL,
    up TEXT,
    down TEXT,
    run_in_transaction INTEGER NOT NULL,
    rebuild INTEGER NOT NULL,
    compatibility TEXT NOT NULL,
    statements INTEGER NOT NULL,
    done INTEGER NOT NULL,
    batch_key TEXT,
    -- microseconds since 1970-01-01T00:00:00Z
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    millis INTEGER,
    error TEXT,
    run_by TEXT NOT NULL,
    tool TEXT NOT NULL,
    -- JSON: what it did to the schema
    delta TEXT,
    CONSTRAINT migrations_key PRIMARY KEY (version),
    CONSTRAINT migrations_position_range CHECK (position >= 1),
    CONSTRAINT migrations_done_range CHECK (done BETWEEN 0 AND statements)
) STRICT";

/// Makes the log.
pub(super) const CREATE_LOG: &str = "\
CREATE TABLE IF NOT EXISTS polymnia_migration_log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    -- microseconds since 1970-01-01T00:00:00Z
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    version TEXT,
    detail TEXT NOT NULL,
    run_by TEXT NOT NULL,
    tool TEXT NOT NULL
) STRICT";

/// The columns of our ledger, as [`values`] gives them and [`entry`] reads them.
pub(super) const COLUMNS: &str = "version, name, position, state, origin, parents, checksum_raw, checksum, up, down, \
    run_in_transaction, rebuild, compatibility, statements, done, batch_key, started_at, finished_at, millis, error, \
    run_by, tool, delta";

/// The columns of the log, but for the number that SQLite gives.
pub(super) const LOG_COLUMNS: &str = "at, event, version, detail, run_by, tool";

/// Makes the ledgers and the log in the transaction that is open, and returns whether there was no ledger.
pub(super) fn prepare(connection: &mut Connection) -> Result<bool> {
    let nothing = !exists(connection, DIESEL)? && !exists(connection, OURS)?;
    let set_up = connection.handle().diesel.setup();
    set_up.map_err(|error| connection.last_failure(error, Step::Statement))?;
    for statement in [CREATE_OURS, CREATE_LOG] {
        sql::run(connection, statement, &[]).map_err(|failure| failure.error)?;
    }
    Ok(nothing)
}

/// Returns whether everything is there that migrations are recorded in.
pub(super) fn is_prepared(connection: &mut Connection) -> Result<bool> {
    for table in ALL {
        if !exists(connection, table)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads what is recorded.
pub(crate) fn read(connection: &mut Connection) -> Result<Ledger> {
    let mut ledger = Ledger::default();
    if exists(connection, DIESEL)? {
        let versions = sql::texts(connection, "SELECT version FROM __diesel_schema_migrations", &[])?;
        ledger.diesel = Some(versions.into_iter().collect::<BTreeSet<_>>());
    }
    if exists(connection, OURS)? {
        let query = format!("SELECT {COLUMNS} FROM polymnia_migrations ORDER BY position, version");
        let entries = sql::rows(connection, &query, &[], entry)?;
        ledger.entries = Some(entries.into_iter().collect::<Result<_>>()?);
    }
    Ok(ledger)
}

/// Returns the version that was applied last.
pub(crate) fn newest(ledger: &Ledger) -> Option<String> {
    let applied = ledger.diesel.as_ref()?;
    let entries = ledger.entries.iter().flatten();
    let last = entries.filter(|entry| applied.contains(entry.version.as_str())).max_by_key(|entry| entry.position);
    // Those of another tool have no entry.
    last.map(|entry| entry.version.to_string()).or_else(|| applied.last().cloned())
}

/// Records an entry in place of the one of its version, and brings diesel's ledger into line.
pub(super) fn record(connection: &mut Connection, entry: &Entry) -> Result<()> {
    let parents = parents_json(&entry.parents);
    let delta = entry.delta.as_ref().map(delta_json);
    let values = values(entry, &parents, delta.as_deref())?;
    let places = vec!["?"; values.len()].join(", ");
    let insert = format!("INSERT OR REPLACE INTO polymnia_migrations ({COLUMNS}) VALUES ({places})");
    sql::run(connection, &insert, &values).map_err(|failure| failure.error)?;
    let version = [Value::Text(entry.version.as_str())];
    let statement = if stands_in_diesels(entry) {
        "INSERT INTO __diesel_schema_migrations (version) VALUES (?) ON CONFLICT DO NOTHING"
    } else {
        "DELETE FROM __diesel_schema_migrations WHERE version = ?"
    };
    sql::run(connection, statement, &version).map_err(|failure| failure.error)?;
    Ok(())
}

/// Returns whether diesel's ledger has the version of an entry.
pub(super) fn stands_in_diesels(entry: &Entry) -> bool {
    match entry.state {
        State::Applied | State::Reverting => true,
        State::Running | State::Failed => false,
    }
}

/// Removes a version from both ledgers.
pub(super) fn forget(connection: &mut Connection, version: &Version) -> Result<()> {
    for statement in [
        "DELETE FROM polymnia_migrations WHERE version = ?",
        "DELETE FROM __diesel_schema_migrations WHERE version = ?",
    ] {
        sql::run(connection, statement, &[Value::Text(version.as_str())]).map_err(|failure| failure.error)?;
    }
    Ok(())
}

/// Adds a line to the log.
pub(super) fn add_line(connection: &mut Connection, line: &LogEntry) -> Result<()> {
    let insert = format!("INSERT INTO polymnia_migration_log ({LOG_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)");
    sql::run(connection, &insert, &log_values(line)).map_err(|failure| failure.error)?;
    Ok(())
}

/// Reads the newest lines of the log, newest first.
pub(super) fn lines(connection: &mut Connection, limit: u32) -> Result<Vec<LogEntry>> {
    if !exists(connection, LOG_TABLE)? {
        return Ok(Vec::new());
    }
    let query = format!("SELECT {LOG_COLUMNS} FROM polymnia_migration_log ORDER BY seq DESC LIMIT ?");
    let lines = sql::rows(connection, &query, &[Value::Integer(limit.into())], |row| {
        Ok(LogEntry {
            at: time(row.integer(0), "at")?,
            event: row.text(1).to_owned(),
            version: sql::optional_text(row, 2).map(version).transpose()?,
            detail: row.text(3).to_owned(),
            by: row.text(4).to_owned(),
            tool: row.text(5).to_owned(),
        })
    })?;
    lines.into_iter().collect()
}

/// Removes our ledger and the log, and diesel's if it holds nothing more: an application may use diesel in the same file.
pub(super) fn dismantle(connection: &mut Connection) -> Result<()> {
    let mut statements =
        vec!["DROP TABLE IF EXISTS polymnia_migrations", "DROP TABLE IF EXISTS polymnia_migration_log"];
    if exists(connection, DIESEL)?
        && sql::integer(connection, "SELECT NOT EXISTS (SELECT 1 FROM __diesel_schema_migrations)", &[])? == 1
    {
        statements.push("DROP TABLE __diesel_schema_migrations");
    }
    for statement in statements {
        sql::run(connection, statement, &[]).map_err(|failure| failure.error)?;
    }
    Ok(())
}

/// Returns whether there is a table.
pub(super) fn exists(connection: &mut Connection, table: &str) -> Result<bool> {
    let query = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?)";
    Ok(sql::integer(connection, query, &[Value::Text(table)])? == 1)
}

/// Returns the values of an entry, in the order of [`COLUMNS`].
pub(super) fn values<'a>(entry: &'a Entry, parents: &'a str, delta: Option<&'a str>) -> Result<Vec<Value<'a>>> {
    let Entry {
        version,
        name,
        position,
        state,
        origin,
        parents: _,
        checksum_raw,
        checksum,
        up,
        down,
        run_in_transaction,
        rebuild,
        compatibility,
        statements,
        done,
        batch_key,
        started_at,
        finished_at,
        millis,
        error,
        by,
        tool,
        delta: _,
    } = entry;
    Ok(vec![
        version.as_str().into(),
        name.as_str().into(),
        Value::Integer(number(*position)?),
        state.code().into(),
        origin.code().into(),
        parents.into(),
        checksum_raw.as_str().into(),
        checksum.as_str().into(),
        up.as_ref().into(),
        down.as_ref().into(),
        Value::Integer((*run_in_transaction).into()),
        Value::Integer((*rebuild).into()),
        compatibility.code().into(),
        Value::Integer((*statements).into()),
        Value::Integer((*done).into()),
        batch_key.as_ref().into(),
        Value::Integer(started_at.as_micros()),
        finished_at.map(Timestamp::as_micros).into(),
        millis.map(number).transpose()?.into(),
        error.as_ref().into(),
        by.as_str().into(),
        tool.as_str().into(),
        delta.into(),
    ])
}

/// Returns the values of a line of the log, in the order of [`LOG_COLUMNS`].
pub(super) fn log_values(line: &LogEntry) -> [Value<'_>; 6] {
    let LogEntry { at, event, version, detail, by, tool } = line;
    [
        Value::Integer(at.as_micros()),
        event.as_str().into(),
        version.as_ref().map(Version::as_str).into(),
        detail.as_str().into(),
        by.as_str().into(),
        tool.as_str().into(),
    ]
}

/// Writes parents as they are stored.
pub(super) fn parents_json(parents: &[Version]) -> String {
    serde_json::to_string(parents).expect("a list of texts can be written as JSON")
}

/// Writes what a migration did as it is stored.
pub(super) fn delta_json(delta: &Delta) -> String {
    serde_json::to_string(delta).expect("names and texts can be written as JSON")
}

/// Reads an entry. Of words that a newer build may have written, a level of compatibility that isn't known allows nothing; the
/// others say that the database is newer.
fn entry(row: &BulkRow<'_>) -> Result<Entry> {
    let text = |at| row.text(at).to_owned();
    let newer = |name: &str, at| {
        let message =
            format!("version {} has the {name} {:?}, which this build doesn't know", row.text(0), row.text(at));
        SchemaFault::Newer.error(message).with_hint("use the build that wrote it, or a newer one")
    };
    let state = State::from_code(row.text(3)).ok_or_else(|| newer("state", 3))?;
    let origin = Origin::from_code(row.text(4)).ok_or_else(|| newer("origin", 4))?;
    let compatibility = Compatibility::from_code(row.text(12)).unwrap_or(Compatibility::None);
    let parents = serde_json::from_str(row.text(5)).map_err(|error| damaged_row("parents", error))?;
    let delta = sql::optional_text(row, 22).map(|text| serde_json::from_str::<Delta>(&text));
    Ok(Entry {
        version: version(text(0))?,
        name: text(1),
        position: row.integer(2).unsigned_abs(),
        state,
        origin,
        parents,
        checksum_raw: text(6),
        checksum: text(7),
        up: sql::optional_text(row, 8),
        down: sql::optional_text(row, 9),
        run_in_transaction: row.integer(10) != 0,
        rebuild: row.integer(11) != 0,
        compatibility,
        statements: small(row.integer(13), "statements")?,
        done: small(row.integer(14), "done")?,
        batch_key: sql::optional_text(row, 15),
        started_at: time(row.integer(16), "started_at")?,
        finished_at: sql::optional_integer(row, 17).map(|micros| time(micros, "finished_at")).transpose()?,
        millis: sql::optional_integer(row, 18).map(i64::unsigned_abs),
        error: sql::optional_text(row, 19),
        by: text(20),
        tool: text(21),
        delta: delta.transpose().map_err(|error| damaged_row("delta", error))?,
    })
}

fn version(text: String) -> Result<Version> {
    Version::new(text).map_err(|error| damaged_row("version", error))
}

fn time(micros: i64, column: &'static str) -> Result<Timestamp> {
    crate::row::time(micros, column)
}

fn small(number: i64, column: &'static str) -> Result<u32> {
    u32::try_from(number).map_err(|error| damaged_row(column, error))
}

fn number(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| Error::invalid_input("a number of the ledger is beyond 63 bits"))
}
