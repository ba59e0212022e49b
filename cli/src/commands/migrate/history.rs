//! `migrate history`

use polymnia::schema::{Compatibility, Entry, HistoryEntry, LogEntry, State, Version};
use serde::Serialize;

use crate::args::{Format, PlaceArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Outcome};
use crate::output::{Column, Out, Table, block, spent, time};
use crate::schema::{Place, optional_time, versions};

/// So many lines of the log are shown.
const LOG_LINES: u32 = 50;

#[derive(Serialize)]
struct History<'a> {
    history: &'a [HistoryEntry],
    /// The newest lines of the log, newest first.
    log: &'a [LogEntry],
}

/// Lists every migration that the build or the database knows.
pub(super) fn run(context: &mut Context, place: &PlaceArgs) -> Outcome {
    let schema = Place::open(context, place, Missing::Refuse)?.schema;
    let history = schema.history()?;
    let log = schema.log(LOG_LINES)?;
    match context.format {
        Format::Json => context.out.document(History { history: &history, log: &log })?,
        Format::Ndjson => {
            for entry in &history {
                context.out.json_line(entry)?;
            }
        }
        Format::Table if history.is_empty() => context.out.line("there are no migrations")?,
        Format::Table if context.verbose => {
            for entry in &history {
                context.out.fields(&fields(entry))?;
                context.out.line("")?;
            }
            print_log(&mut context.out, &log)?;
        }
        Format::Table => print(&mut context.out, &history)?,
    }
    Ok(Exit::Ok)
}

fn print(out: &mut Out, history: &[HistoryEntry]) -> std::io::Result<()> {
    let mut table = Table::new([
        Column::Text("version", Version::MAX_BYTES),
        Column::Text("name", 40),
        Column::Text("state", 30),
        Column::Text("finished", 16),
        Column::Text("took", 20),
        Column::Rest("by"),
    ]);
    for entry in history {
        let recorded = entry.entry.as_ref();
        table.row([
            entry.version.to_string(),
            if entry.name.is_empty() { "-".to_owned() } else { entry.name.clone() },
            state(entry),
            optional_time(recorded.and_then(|entry| entry.finished_at)),
            took(recorded),
            recorded.map_or_else(|| "-".to_owned(), |entry| entry.by.clone()),
        ]);
    }
    table.print(out)
}

fn took(entry: Option<&Entry>) -> String {
    let millis = entry.and_then(|entry| entry.millis);
    millis.map_or_else(|| "-".to_owned(), spent)
}

/// Returns how far a migration is, and whether this build knows it.
pub(super) fn state(entry: &HistoryEntry) -> String {
    let state = match (entry.state, entry.applied) {
        (None | Some(State::Applied), true) => "applied",
        (None | Some(State::Applied), false) => "pending",
        (Some(State::Running), _) => "stopped half-way",
        (Some(State::Failed), _) => "failed half-way",
        (Some(State::Reverting), _) => "taken back half-way",
    };
    let unknown = if entry.known { "" } else { ", unknown to this build" };
    format!("{state}{unknown}")
}

/// Returns all that is known of a migration.
pub(super) fn fields(entry: &HistoryEntry) -> Vec<(&'static str, String)> {
    let HistoryEntry { version, name, parents, origin, compatibility, entry: recorded, .. } = entry;
    let mut fields = vec![
        ("version", version.to_string()),
        ("name", block(name)),
        ("parents", versions(parents)),
        ("state", state(entry)),
        ("older builds may", may(*compatibility).to_owned()),
    ];
    fields.extend(origin.map(|origin| ("recorded", origin.code().to_owned())));
    let Some(recorded) = recorded else { return fields };
    fields.extend([
        ("position", recorded.position.to_string()),
        ("statements", format!("{} of {} done", recorded.done, recorded.statements)),
        ("started", recorded.started_at.to_string()),
    ]);
    fields.extend(recorded.finished_at.map(|at| ("finished", at.to_string())));
    fields.push(("took", took(Some(recorded))));
    fields.extend([
        ("by", block(&recorded.by)),
        ("tool", block(&recorded.tool)),
        ("checksum", recorded.checksum.clone()),
        ("down script", if recorded.down.is_some() { "kept" } else { "not kept" }.to_owned()),
    ]);
    fields.extend(recorded.error.as_ref().map(|error| ("error", block(error))));
    fields
}

/// Says what a build that doesn't know a migration may do.
fn may(compatibility: Compatibility) -> &'static str {
    match compatibility {
        Compatibility::None => "do nothing",
        Compatibility::ReadOnly => "only read",
        Compatibility::Full => "read and write",
    }
}

fn print_log(out: &mut Out, log: &[LogEntry]) -> std::io::Result<()> {
    if log.is_empty() {
        return Ok(());
    }
    let mut table = Table::new([
        Column::Text("logged", 16),
        Column::Text("event", 12),
        Column::Text("version", Version::MAX_BYTES),
        Column::Text("by", 40),
        Column::Rest("detail"),
    ]);
    for LogEntry { at, event, version, detail, by, tool: _ } in log {
        let version = version.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        table.row([time(*at), event.clone(), version, by.clone(), detail.clone()]);
    }
    table.print(out)
}
