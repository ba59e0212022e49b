//! `doctor`

use polymnia::schema::{Health, HistoryEntry, IndexHealth, LockHealth, LockHolder, LogEntry, TableHealth, Version};
use serde::Serialize;

use crate::args::{DoctorArgs, Format};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Outcome};
use crate::output::{Column, Out, Table, block, bytes, grouped, spent, time};
use crate::schema::Place;

/// So many lines of the log are looked at for failures.
const LOG_LINES: u32 = 1_000;

#[derive(Serialize)]
struct Examined {
    #[serde(flatten)]
    health: Health,
    /// Migrations with the milliseconds they took.
    migrations: Vec<Took>,
    /// Migrations that failed, newest first.
    failures: Vec<LogEntry>,
    /// Who is migrating now.
    lock_holder: Option<LockHolder>,
}

#[derive(Serialize)]
struct Took {
    version: Version,
    name: String,
    millis: u64,
}

/// Tells how the database is.
pub(crate) fn run(context: &mut Context, args: &DoctorArgs) -> Outcome {
    let schema = Place::open(context, &args.place, Missing::Refuse)?.schema;
    let failures = schema.log(LOG_LINES)?.into_iter().filter(|line| line.event == "failed").collect();
    let migrations = schema.history()?.into_iter().filter_map(took).collect();
    let examined = Examined { health: schema.health()?, migrations, failures, lock_holder: schema.lock_holder()? };
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(&examined)?,
        Format::Table => print(&mut context.out, &examined)?,
    }
    Ok(Exit::Ok)
}

fn took(entry: HistoryEntry) -> Option<Took> {
    let HistoryEntry { version, name, entry, .. } = entry;
    Some(Took { version, name, millis: entry?.millis? })
}

fn print(out: &mut Out, examined: &Examined) -> std::io::Result<()> {
    let Examined { health: Health { tables, indexes, locks, advice }, migrations, failures, lock_holder } = examined;
    tables_of(out, tables)?;
    indexes_of(out, indexes)?;
    migrations_of(out, migrations)?;
    failures_of(out, failures)?;
    locks_of(out, locks)?;
    if let Some(LockHolder { process, description, .. }) = lock_holder {
        out.line(format!("migrating now: process {process} ({})", block(description)))?;
    }
    if advice.is_empty() && failures.is_empty() {
        return out.line("nothing to worry about");
    }
    for advice in advice {
        out.line(format!("{} {}", out.paint().command("advice:"), block(advice)))?;
    }
    Ok(())
}

fn tables_of(out: &mut Out, tables: &[TableHealth]) -> std::io::Result<()> {
    if tables.is_empty() {
        return out.line("there are no tables: run `polymnia init`");
    }
    let mut table = Table::new([Column::Text("table", 60), Column::Number("rows"), Column::Number("size")]);
    for TableHealth { name, rows, bytes } in tables {
        table.row([name.clone(), number(*rows), size(*bytes)]);
    }
    table.print(out)?;
    out.line("")
}

fn indexes_of(out: &mut Out, indexes: &[IndexHealth]) -> std::io::Result<()> {
    if indexes.is_empty() {
        return Ok(());
    }
    let mut table = Table::new([
        Column::Text("index", 60),
        Column::Text("of table", 60),
        Column::Number("size"),
        Column::Number("used"),
        Column::Text("state", 12),
    ]);
    for IndexHealth { name, table: of, bytes, scans, valid } in indexes {
        let state = if *valid { "valid" } else { "INVALID" };
        table.row([name.clone(), of.clone(), size(*bytes), number(*scans), state.to_owned()]);
    }
    table.print(out)?;
    out.line("")
}

fn migrations_of(out: &mut Out, migrations: &[Took]) -> std::io::Result<()> {
    if migrations.is_empty() {
        return Ok(());
    }
    let mut table =
        Table::new([Column::Text("migration", Version::MAX_BYTES), Column::Text("name", 40), Column::Text("took", 20)]);
    for Took { version, name, millis } in migrations {
        table.row([version.to_string(), name.clone(), spent(*millis)]);
    }
    table.print(out)?;
    out.line("")
}

fn failures_of(out: &mut Out, failures: &[LogEntry]) -> std::io::Result<()> {
    if failures.is_empty() {
        return Ok(());
    }
    let mut table = Table::new([
        Column::Text("failed", 16),
        Column::Text("migration", Version::MAX_BYTES),
        Column::Text("by", 40),
        Column::Rest("why"),
    ]);
    for LogEntry { at, version, detail, by, .. } in failures {
        let version = version.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        table.row([time(*at), version, by.clone(), detail.clone()]);
    }
    table.with_lines(3).print(out)?;
    out.line("")
}

fn locks_of(out: &mut Out, locks: &[LockHealth]) -> std::io::Result<()> {
    if locks.is_empty() {
        return Ok(());
    }
    let mut table = Table::new([
        Column::Text("lock on", 60),
        Column::Text("mode", 30),
        Column::Number("waiting"),
        Column::Text("for", 20),
        Column::Rest("held by"),
    ]);
    for LockHealth { object, mode, holder, millis, waiting } in locks {
        let since = millis.map_or_else(|| "-".to_owned(), spent);
        table.row([object.clone(), mode.clone(), waiting.to_string(), since, holder.clone()]);
    }
    table.print(out)?;
    out.line("")
}

fn number(number: Option<u64>) -> String {
    number.map_or_else(|| "-".to_owned(), grouped)
}

fn size(size: Option<u64>) -> String {
    size.map_or_else(|| "-".to_owned(), bytes)
}
