//! `backup restore`

use std::path::{Path, PathBuf};

use polymnia::schema::Schema;
use polymnia::{Error, ErrorKind, OpenOptions, Result};
use serde::Serialize;

use super::verify::unsound;
use crate::args::{BackupArgs, BackupName, Format, LockArgs, PlaceArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Outcome, file_error};
use crate::output::{block, shell_line};
use crate::progress::Waiting;
use crate::schema::{Place, interruptible};

#[derive(Serialize)]
struct Done<'a> {
    restored: &'a Path,
    database_url: String,
    /// The backup of what was there before; none if there was nothing, or none was wanted.
    before: Option<&'a Path>,
}

/// Puts everything back as a backup has it. What is there now is backed up before, so that nothing is lost.
pub(super) fn run(
    context: &mut Context,
    place: &PlaceArgs,
    path: &Path,
    backup: &BackupArgs,
    lock: &LockArgs,
) -> Outcome {
    std::fs::metadata(path).map_err(|error| file_error("backup", path, &error))?;
    let is_there = is_there(context, place)?;
    let place = Place::open_to_run(context, place, Missing::Create, backup.onto(lock.options()?)).map_err(damaged)?;
    let waiting = Waiting::begin(context.quiet, "restoring");
    let before = interruptible("polymnia backup restore", || {
        place.schema.verify_backup(path)?;
        let before = if is_there { keep(&place.schema, backup.backup)? } else { None };
        place.schema.restore(path)?;
        Ok(before)
    });
    drop(waiting);
    let before = before.map_err(unsound)?;
    let shown = block(&path.display().to_string());
    match context.format {
        Format::Json | Format::Ndjson => {
            let database_url = place.url.to_string();
            context.out.document(Done { restored: path, database_url, before: before.as_deref() })?;
        }
        Format::Table => {
            context.out.line(format!("restored {} from {shown}", place.url))?;
            if let Some(before) = &before {
                context.out.line(format!("what was there before: {}", block(&before.display().to_string())))?;
            }
        }
    }
    Ok(Exit::Ok)
}

/// A file that can't even be opened must go before another can take its place. That is not done behind anybody's back.
fn damaged(error: Error) -> Error {
    let file = error.context_value("file").map(str::to_owned);
    match file.filter(|_| error.kind() == ErrorKind::Corrupt) {
        Some(file) => {
            let command = shell_line(["mv", &file, &format!("{file}.damaged")]);
            error.with_hint(format!(
                "end what uses it and move it away, and what stands beside it with -wal and -shm, by `{command}`; then the \
                 same command restores it"
            ))
        }
        None => error,
    }
}

/// Backs up what is there, unless there is nothing to lose.
fn keep(schema: &Schema, when: BackupName) -> Result<Option<PathBuf>> {
    let wanted = match when {
        BackupName::Never => false,
        BackupName::Always => true,
        // What can't even be read is worth a try.
        BackupName::Auto => schema.dump().map_or(true, |snapshot| !snapshot.0.is_empty()),
    };
    if !wanted {
        return Ok(None);
    }
    let kept = schema.backup().map_err(|error| match error.kind() {
        ErrorKind::Cancelled => error,
        _ => error.with_hint("what is there now can't be backed up; --backup never restores without it"),
    })?;
    Ok(Some(kept.path))
}

/// Returns whether there is a database to be replaced.
fn is_there(context: &Context, place: &PlaceArgs) -> Result<bool> {
    let url = context.settings.schema_url(place.migrate_url.as_deref()).value;
    let files = context.dialect_for(&url)?.claims(&OpenOptions::new(url.clone()))?;
    Ok(files.first().is_none_or(|file| file.try_exists().unwrap_or(true)))
}
