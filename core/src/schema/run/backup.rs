//! Backups: before a change that destroys, and on request.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::schema::{Backup, SchemaFault, SessionOptions};
use crate::spi::SchemaEngine;
use crate::{Call, Error, ErrorKind, Result};

/// How many backups of one version may begin in one second.
const MOST_PER_SECOND: u32 = 100;

/// Returns the file that a backup made now goes to: `<folder>/sqlite-20261121T101500Z-20261121000400.db`.
///
/// # Errors
///
/// As [`Error`] of the file system: the folder can't be made.
pub(crate) fn place(folder: &Path, dialect: &str, version: Option<&str>, call: &Call) -> Result<PathBuf> {
    let wrong = |error: &io::Error| failed(error, "the folder for backups can't be made", folder);
    make_folder(folder).map_err(|error| wrong(&error))?;
    let folder = std::path::absolute(folder).map_err(|error| wrong(&error))?;
    let time: String = call.now.to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let time = time.split(['.', 'Z']).next().unwrap_or_default();
    let version = version.unwrap_or("empty");
    let extension = if dialect == "sqlite" { "db" } else { "dump" };
    for nth in 1..=MOST_PER_SECOND {
        let nth = if nth == 1 { String::new() } else { format!("-{nth}") };
        let path = folder.join(format!("{dialect}-{time}Z-{version}{nth}.{extension}"));
        if !path.exists() && !partial(&path).exists() {
            return Ok(path);
        }
    }
    let message = format!("{MOST_PER_SECOND} backups of this second are in the folder for backups");
    Err(Error::new(ErrorKind::Conflict, message).with_context("folder", folder.display()))
}

/// Makes a backup at a place that [`place`] has found, and beside it the manifest.
///
/// The file has its name only once it is verified: a backup that was killed half-way leaves `<name>.partial`.
///
/// # Errors
///
/// As [`SchemaEngine::backup`].
pub(crate) fn make(engine: &dyn SchemaEngine, call: &Call, options: &SessionOptions, path: &Path) -> Result<Backup> {
    let unfinished = partial(path);
    let info = engine.backup(call, options, &unfinished).map_err(with_way_out)?;
    let backup = Backup { path: path.to_owned(), created_at: call.now, info };
    let manifest = serde_json::to_vec_pretty(&backup).expect("a manifest is plain JSON");
    let written = fs::rename(&unfinished, path)
        .and_then(|()| fs::write(manifest_of(path), manifest))
        .and_then(|()| fs::File::open(manifest_of(path))?.sync_all());
    if let Err(error) = written {
        for left in [&unfinished, path, &manifest_of(path)] {
            // One of them is there; that the others aren't is no failure.
            let _ = fs::remove_file(left);
        }
        return Err(failed(&error, "the backup can't be written", path));
    }
    Ok(backup)
}

/// Returns where the manifest of a backup stands.
pub(crate) fn manifest_of(path: &Path) -> PathBuf {
    with_suffix(path, ".json")
}

fn partial(path: &Path) -> PathBuf {
    with_suffix(path, ".partial")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes the folder for its owner alone: what is in it is everybody's memories.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn with_way_out(error: Error) -> Error {
    match SchemaFault::of(&error) {
        Some(SchemaFault::NoBackup) if error.hint().is_none() => {
            error.with_hint("make a backup by other means and run it with `--backup never`")
        }
        _ => error,
    }
}

fn failed(error: &io::Error, what: &str, path: &Path) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        io::ErrorKind::ReadOnlyFilesystem => ErrorKind::ReadOnly,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::StorageFull,
        _ => ErrorKind::Config,
    };
    Error::new(kind, format!("{what}: {error}"))
        .with_context("path", path.display())
        .with_hint("give another folder by `--backup-dir DIR`")
}
