//! `migrate show`

use polymnia::schema::{HistoryEntry, Script};
use serde::Serialize;

use super::history;
use crate::args::{Format, PlaceArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Outcome};
use crate::output::block;
use crate::schema::Place;

#[derive(Serialize)]
struct Shown<'a> {
    migration: &'a HistoryEntry,
    /// Where its files stand; none if this build doesn't know it.
    folder: Option<&'a str>,
    up: Option<&'a str>,
    down: Option<&'a str>,
}

/// Shows one migration: what is recorded of it, and its scripts.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, version: &str) -> Outcome {
    let (migration, script) = Place::open(context, place, Missing::Refuse)?.schema.show(version)?;
    // What a database that this build doesn't know keeps of the scripts is shown as well.
    let entry = migration.entry.as_ref();
    let up = script.as_ref().map(|script| script.up.as_str()).or(entry.and_then(|entry| entry.up.as_deref()));
    let down = script.as_ref().map(|script| script.down.as_str()).or(entry.and_then(|entry| entry.down.as_deref()));
    let folder = script.as_ref().map(|script: &Script| script.folder.as_str());
    if context.format != Format::Table {
        context.out.document(Shown { migration: &migration, folder, up, down })?;
        return Ok(Exit::Ok);
    }
    let mut fields = history::fields(&migration);
    fields.extend(folder.map(|folder| ("files", block(folder))));
    context.out.fields(&fields)?;
    for (name, text) in [("up", up), ("down", down)] {
        let Some(text) = text else { continue };
        let name = context.out.paint().bold(name);
        context.out.line(format!("\n{name}"))?;
        context.out.line(block(text.trim_end()))?;
    }
    Ok(Exit::Ok)
}
