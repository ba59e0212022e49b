//! `backup create`

use polymnia::schema::{Backup, RunOptions};

use crate::args::{FolderArgs, Format, PlaceArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Outcome};
use crate::output::{block, bytes, plural};
use crate::progress::Waiting;
use crate::schema::{Place, interruptible};

/// Makes a backup of the whole database.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, args: &FolderArgs) -> Outcome {
    let options = args.onto(RunOptions::default());
    let place = Place::open_to_run(context, place, Missing::Refuse, options)?;
    let waiting = Waiting::begin(context.quiet, "backing up");
    let backup = interruptible("polymnia backup create", || place.schema.backup());
    drop(waiting);
    let backup = backup?;
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(&backup)?,
        Format::Table => context.out.line(told(&backup))?,
    }
    Ok(Exit::Ok)
}

fn told(Backup { path, info, .. }: &Backup) -> String {
    let memories = info.memories.map(|memories| format!(", {}", plural(memories, "memory", "memories")));
    let version = info.version.as_deref().unwrap_or("none");
    let path = block(&path.display().to_string());
    format!("backed up to {path}: schema version {version}{}, {}", memories.unwrap_or_default(), bytes(info.bytes))
}
