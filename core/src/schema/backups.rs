//! Backups on request.

use std::fs;
use std::path::Path;

use crate::schema::history::History;
use crate::schema::run::{backup_place, make_backup, manifest_of};
use crate::schema::{Backup, BackupInfo, RunOptions, Source, Version};
use crate::spi::SchemaEngine;
use crate::{Call, Error, ErrorKind, Result};

/// How often another place is looked for when another process took the one that was found.
const ATTEMPTS: u32 = 10;

/// Makes a backup in the folder of the options.
pub(super) fn create(
    engine: &dyn SchemaEngine,
    call: &Call,
    options: &RunOptions,
    dialect: &str,
    sources: &[Source],
) -> Result<Backup> {
    let version = History::new(sources, &engine.ledger(call)?).newest();
    for _ in 1..ATTEMPTS {
        let place = backup_place(&options.backup_folder, dialect, version.as_ref().map(Version::as_str), call)?;
        match make_backup(engine, call, &options.session, &place) {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            done => return done,
        }
    }
    let place = backup_place(&options.backup_folder, dialect, version.as_ref().map(Version::as_str), call)?;
    make_backup(engine, call, &options.session, &place)
}

/// Checks that a backup can be read whole, and is what its manifest says, if it has one.
pub(super) fn verify(engine: &dyn SchemaEngine, call: &Call, path: &Path) -> Result<BackupInfo> {
    let info = engine.verify_backup(call, path)?;
    let manifest = manifest_of(path);
    let wrong = |message: String| Error::new(ErrorKind::Corrupt, message).with_context("path", path.display());
    let text = match fs::read_to_string(&manifest) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(info),
        Err(error) => return Err(wrong(format!("the manifest of the backup can't be read: {error}"))),
    };
    let stated: Backup = serde_json::from_str(&text)
        .map_err(|error| wrong("the manifest of the backup is damaged".to_owned()).with_source(error))
        .map_err(|error| error.with_hint(format!("to go by the backup alone, move {} away", manifest.display())))?;
    if stated.info.sha256 != info.sha256 || stated.info.bytes != info.bytes {
        return Err(wrong("the backup is not the file that was made: its checksum differs".to_owned()));
    }
    Ok(BackupInfo { version: info.version.or(stated.info.version), ..info })
}
