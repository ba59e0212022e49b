//! Backups: consistent copies in a file, verified, and put back.
//!
//! Everything goes through SQLite. A file is read by the system only where no connection has it open.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use polymnia::schema::{BackupInfo, Event, SchemaFault, SessionOptions};
use polymnia::{Call, Error, ErrorKind, Result};
use polymnia_pool::Connector as _;
use sha2::{Digest as _, Sha256};
use tempfile::TempPath;

use super::{ledger, quote, snapshot, sql};
use crate::claims;
use crate::config::{Config, Location, Mode, file_uri};
use crate::connection::Connection;
use crate::connector::Connector;
use crate::engine::SqliteEngine;
use crate::error::{Step, classify_open};
use crate::raw::{self, Handle};
use crate::statement::Value;

/// What the name of a backup that is being written begins and ends with.
const PARTIAL: (&str, &str) = (".polymnia-", ".partial");
/// What follows the name of a backup in the name of its manifest.
const MANIFEST: &str = ".json";
/// After how long a file of that name that nobody writes is what a killed process left.
const LEFT: Duration = Duration::from_hours(24);

/// Writes a copy to a file that is not there, and verifies it.
pub(super) fn make(engine: &SqliteEngine, call: &Call, options: &SessionOptions, to: &Path) -> Result<BackupInfo> {
    let connector = engine.pool().connector();
    let folder = folder_of(to);
    if fs::symlink_metadata(to).is_ok() {
        return Err(taken(to));
    }
    sweep(folder);
    // Beside the place it is meant for, under a name of its own: a file by the name of a backup is a whole one.
    let partial = tempfile::Builder::new().prefix(PARTIAL.0).suffix(PARTIAL.1).tempfile_in(folder);
    let partial = partial.map_err(|error| system(error, folder, "can't be written"))?.into_temp_path();
    copy_to_file(connector, call, options.lock_wait, &partial)?;
    let info = describe(call, &partial)?;
    sync(&partial).map_err(|error| system(error, to, "can't be written"))?;
    place(partial, to)?;
    Ok(info)
}

/// Checks a backup and describes it.
pub(super) fn verify(engine: &SqliteEngine, call: &Call, from: &Path) -> Result<BackupInfo> {
    check_file(engine.pool().connector().config(), from)?;
    describe(call, from)
}

/// Puts everything back as a backup has it.
pub(super) fn restore(engine: &SqliteEngine, call: &Call, options: &SessionOptions, from: &Path) -> Result<()> {
    let connector = engine.pool().connector();
    check_file(connector.config(), from)?;
    check_ours(&contents(call, from)?, from)?;
    let mut live = connector.connect()?;
    if live.is_read_only() {
        return Err(super::session::read_only(connector));
    }
    let began = Instant::now();
    let _lock = connector.seat().take(call, options.lock_wait, &mut |_: &Event<'_>| {})?;
    let mut copy = open(from)?;
    // Bounded from here on: the copy waits for those who write, as long as there is left to wait.
    live.guard().begin_waiting(call, options.lock_wait.saturating_sub(began.elapsed()));
    let live_size = sql::integer(&mut live, "PRAGMA page_size", &[])?;
    let mut size = live_size;
    let read = copy.run("PRAGMA page_size", &[], |row| {
        size = row.integer(0);
        std::ops::ControlFlow::Continue(())
    });
    read.map_err(|failure| damaged(from, &failure.message))?;
    if size != live_size && sql::texts(&mut live, "PRAGMA journal_mode", &[])?.iter().any(|mode| mode == "wal") {
        let message = format!(
            "the pages of the backup are of {size} bytes, those of the database of {live_size}: in WAL mode they must be alike"
        );
        return Err(Error::new(ErrorKind::Unsupported, message)
            .with_hint("stop what uses the database and put the backup in its place by hand"));
    }
    let copied = copy_over(&mut copy, &mut live, call);
    connector.estimates().forget();
    copied
}

/// Copies the database into a file, which is empty or not there, and waits so long for others.
pub(super) fn copy_to_file(connector: &Connector, call: &Call, wait: Duration, to: &Path) -> Result<()> {
    if connector.config().location == Location::Memory {
        let bytes = from_memory(connector, call, wait, |connection| {
            connection.handle().serialize().map_err(|failure| sql::judge(connection, &failure, Step::Statement).error)
        })?;
        return fs::write(to, bytes).map_err(|error| system(error, to, "can't be written"));
    }
    let mut connection = connector.connect()?;
    connection.guard().begin_waiting(call, wait);
    let Some(path) = to.to_str() else {
        return Err(Error::new(ErrorKind::Config, format!("path {} is not UTF-8", to.display())));
    };
    let copied = sql::run(&mut connection, "VACUUM INTO ?", &[Value::Text(path)]);
    copied.map(|_| ()).map_err(|failure| if failure.lock_timeout { in_the_way(failure.error) } else { failure.error })
}

/// Does something with a connection to a database in memory: that of the session of migrating if there is one. Nobody else can
/// read there while it has a transaction open.
pub(super) fn from_memory<T>(
    connector: &Connector,
    call: &Call,
    wait: Duration,
    body: impl FnOnce(&mut Connection) -> Result<T>,
) -> Result<T> {
    let migrating = connector.migrating();
    let mut own = None;
    let mut shared = migrating.as_deref().map(super::session::lock);
    let connection = match &mut shared {
        Some(connection) if connection.is_in_transaction() => &mut **connection,
        _ => own.insert(connector.connect()?),
    };
    connection.guard().begin_waiting(call, wait);
    body(connection)
}

/// Copies the database of a connection over that of a handle which nobody else uses.
pub(super) fn copy_out(from: &mut Connection, to: &mut Handle, call: &Call) -> Result<()> {
    let copied = from.handle().copy_over(to, || call.interruption().is_none());
    copied.map_err(|failure| sql::judge(from, &failure, Step::Statement).error)
}

fn copy_over(from: &mut Handle, to: &mut Connection, call: &Call) -> Result<()> {
    let copied = from.copy_over(to.handle(), || call.interruption().is_none());
    copied.map_err(|failure| {
        let failure = sql::judge(to, &failure, Step::Commit);
        if failure.lock_timeout { in_the_way(failure.error) } else { failure.error }
    })
}

fn in_the_way(error: Error) -> Error {
    SchemaFault::Locked
        .error("another connection writes to the database and does not end its transaction")
        .with_hint("end it, and try again")
        .with_source(error)
}

/// Is what a copy holds.
struct Contents {
    /// The version applied last.
    version: Option<String>,
    fingerprint: String,
    /// How many memories there are; none if there is no table of them.
    memories: Option<u64>,
    /// Whether there is our ledger. diesel's alone may be anybody's.
    has_ledger: bool,
}

/// Reads a copy whole, and describes it.
fn describe(call: &Call, path: &Path) -> Result<BackupInfo> {
    let Contents { version, fingerprint, memories, has_ledger: _ } = contents(call, path)?;
    call.check()?;
    let (bytes, sha256) = digest(path).map_err(|error| system(error, path, "can't be read"))?;
    let dialect = "sqlite".to_owned();
    Ok(BackupInfo { dialect, version, fingerprint: Some(fingerprint), memories, bytes, sha256 })
}

/// Reads a copy whole, on a connection that is closed again.
fn contents(call: &Call, path: &Path) -> Result<Contents> {
    let mut connection = Connection::alone(open(path)?)?;
    connection.guard().begin_waiting(call, Duration::ZERO);
    // It may be anybody's file.
    connection.batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")?;
    read_whole(&mut connection, path)
}

fn read_whole(connection: &mut Connection, path: &Path) -> Result<Contents> {
    let found = sql::texts(connection, "PRAGMA integrity_check(1)", &[]).map_err(|error| match error.kind() {
        ErrorKind::Timeout | ErrorKind::Cancelled => error,
        _ => damaged(path, error.message()).with_source(error),
    })?;
    if found != ["ok"] {
        return Err(damaged(path, found.first().map_or("nothing was found", String::as_str)));
    }
    let recorded = ledger::read(connection)?;
    let fingerprint = snapshot::read(connection)?.fingerprint();
    let memories = if ledger::exists(connection, "polymnia_memories")? {
        Some(sql::integer(connection, "SELECT count(*) FROM polymnia_memories", &[])?.unsigned_abs())
    } else {
        None
    };
    Ok(Contents { version: ledger::newest(&recorded), fingerprint, memories, has_ledger: recorded.entries.is_some() })
}

/// Refuses to put back what is a copy of something else, or of nothing: all that is there now would go.
fn check_ours(found: &Contents, from: &Path) -> Result<()> {
    // Memories without our ledger are those of a build that had none.
    if found.has_ledger || found.memories.is_some() || claims::beside(from, MANIFEST).is_file() {
        return Ok(());
    }
    let message = format!("{:?} holds no ledger of ours, and no manifest stands beside it", shown(from));
    Err(Error::new(ErrorKind::Corrupt, message)
        .with_hint("name a backup of ours; any other is put in its place by hand"))
}

/// Refuses what is no file, and databases in use.
fn check_file(config: &Config, from: &Path) -> Result<()> {
    match fs::metadata(from) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(Error::invalid_input(format!("{:?} is no file: expected a backup", shown(from)))),
        Err(error) => return Err(system(error, from, "can't be read")),
    }
    let given = Location::File { path: absolute(from)?, given: shown(from) };
    let files = claims::files(&given);
    let log = fs::metadata(claims::beside(&files[0], "-wal")).is_ok_and(|log| log.len() > 0);
    if log || claims::files(&config.location).first() == files.first() {
        let message = format!("{:?} is a database in use: expected a backup", shown(from));
        return Err(Error::invalid_input(message).with_hint("make a backup of it by `polymnia backup create`"));
    }
    Ok(())
}

/// Opens a backup, which nobody changes.
fn open(path: &Path) -> Result<Handle> {
    let uri = file_uri(&absolute(path)?, "mode=ro&immutable=1")?;
    raw::open(&uri).map_err(|failure| classify_open(&failure, Mode::ReadOnly, path, &shown(path)))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| system(error, path, "can't be made absolute"))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Gives a whole copy its name, unless that is taken by now.
fn place(partial: TempPath, to: &Path) -> Result<()> {
    partial.persist_noclobber(to).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => taken(to),
        _ => system(error.error, to, "can't be written"),
    })?;
    // So that the name survives a power failure, where the system can do that.
    if let Ok(folder) = File::open(folder_of(to)) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Removes what killed processes left of backups.
fn sweep(folder: &Path) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files {
        let name = file.file_name();
        let is_partial = name.to_str().is_some_and(|name| name.starts_with(PARTIAL.0) && name.ends_with(PARTIAL.1));
        let written = file.metadata().and_then(|found| found.modified());
        if is_partial && written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age >= LEFT)) {
            // Whatever is in the way of it, the backup is not.
            let _ = fs::remove_file(file.path());
        }
    }
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn digest(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        bytes += read as u64;
    }
    Ok((bytes, quote::hex(&hasher.finalize())))
}

fn taken(to: &Path) -> Error {
    Error::new(ErrorKind::Conflict, format!("file {:?} is there already: a backup overwrites nothing", shown(to)))
}

fn damaged(path: &Path, what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("backup {:?} is damaged: {what}", shown(path)))
}

fn system(error: io::Error, path: &Path, what: &str) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        io::ErrorKind::ReadOnlyFilesystem => ErrorKind::ReadOnly,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::StorageFull,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("{:?} {what}: {error}", shown(path))).with_source(error)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;
