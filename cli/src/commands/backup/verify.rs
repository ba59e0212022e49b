//! `backup verify`

use std::path::Path;

use polymnia::schema::BackupInfo;
use polymnia::{Error, ErrorKind, Result};

use super::manifest;
use crate::args::{Format, PlaceArgs};
use crate::context::{Context, Missing};
use crate::dialects;
use crate::failure::{Exit, Failure, Outcome, file_error};
use crate::output::{block, bytes, plural};
use crate::progress::Waiting;
use crate::schema::Place;

/// Checks that a backup can be read whole and has not changed since it was made.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, path: &Path) -> Outcome {
    std::fs::metadata(path).map_err(|error| file_error("backup", path, &error))?;
    let waiting = Waiting::begin(context.quiet, "verifying");
    let info = Place::open(context, &able(context, place, path)?, Missing::Refuse)?.schema.verify_backup(path);
    drop(waiting);
    let info = info.map_err(unsound)?;
    if context.format != Format::Table {
        context.out.document(&info)?;
        return Ok(Exit::Ok);
    }
    let BackupInfo { dialect, version, memories, bytes: size, .. } = &info;
    let version = version.as_deref().unwrap_or("none");
    let memories = memories.map(|memories| format!(", {}", plural(memories, "memory", "memories"))).unwrap_or_default();
    let path = block(&path.display().to_string());
    context.out.line(format!("{path} is sound: {dialect}, schema version {version}{memories}, {}", bytes(*size)))?;
    Ok(Exit::Ok)
}

/// Returns the failure for a backup that is not what was made.
pub(super) fn unsound(error: Error) -> Failure {
    match error.kind() {
        ErrorKind::Corrupt => Failure::new(Exit::Unsound, error),
        _ => error.into(),
    }
}

/// A backup of a file can be verified when its database is gone.
fn able(context: &Context, place: &PlaceArgs, path: &Path) -> Result<PlaceArgs> {
    let registry = context.registry()?;
    let empty = match manifest::of(path) {
        Some(backup) => dialects::empty_url(registry, Some(&backup.info.dialect)),
        None if path.extension().is_some_and(|extension| extension == "db") => dialects::empty_url(registry, None),
        None => None,
    };
    Ok(match empty {
        Some(url) => PlaceArgs { migrate_url: Some(url.expose().to_owned()), migrations: None },
        None => place.clone(),
    })
}
