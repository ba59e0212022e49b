//! The lock of migrating: one process at a time, told who by what it leaves beside the database.
//!
//! The operating system's lock on a file of its own, never on the database file: opening and closing that one would drop
//! SQLite's locks on it. It ends with the process, however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use polymnia::schema::{Event, LockHolder, Observer, SchemaFault};
use polymnia::{Call, Error, ErrorKind, Result, Timestamp};

use crate::LOG;
use crate::claims;
use crate::config::Location;

/// Is where those who want to migrate one database meet.
#[derive(Clone, Debug)]
pub(crate) enum Seat {
    /// A file beside the database.
    File(PathBuf),
    /// The memory of this process, for a database there.
    Memory(Arc<Mutex<Option<LockHolder>>>),
}

/// Is the lock, held until this is dropped.
#[derive(Debug)]
pub(super) enum Held {
    File { file: File, path: PathBuf },
    Memory(Arc<Mutex<Option<LockHolder>>>),
}

/// What follows the name of the database file in the name of the lock's.
const SUFFIX: &str = "-polymnia-migrate";
/// The longest pause between two tries.
const PAUSE: Duration = Duration::from_millis(50);
/// How often it tries anew to lock a file that others remove at that moment, before it counts as held.
const ROUNDS: u32 = 16;
/// Who looks whether the lock is held, holds it that long at most.
const GLANCE: Duration = Duration::from_millis(5);

impl Seat {
    /// Returns the seat of a database.
    pub(crate) fn of(location: &Location) -> Self {
        match claims::files(location).first() {
            Some(main) => Self::File(claims::beside(main, SUFFIX)),
            None => Self::Memory(Arc::default()),
        }
    }

    /// Takes the lock, and tells the observer while it waits.
    ///
    /// # Errors
    ///
    /// The fault [`Locked`](SchemaFault::Locked) after `wait`; what the system says where the folder can't be written.
    pub(super) fn take(&self, call: &Call, wait: Duration, observer: &mut dyn Observer) -> Result<Held> {
        let me = LockHolder { process: i64::from(std::process::id()), description: describe(), since: Some(call.now) };
        let began = Instant::now();
        let mut told = None;
        loop {
            if let Some(held) = self.try_take(&me)? {
                return Ok(held);
            }
            call.check()?;
            let waited = began.elapsed();
            let holder = self.holder();
            if waited >= wait.max(GLANCE) {
                return Err(locked(holder.as_ref(), waited));
            }
            if waited >= GLANCE && told != Some(waited.as_secs()) {
                told = Some(waited.as_secs());
                let millis = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
                observer.event(&Event::Waiting { holder: holder.as_ref(), millis });
            }
            let pause = if waited < GLANCE { GLANCE / 5 } else { PAUSE.mul_f64(fastrand::f64().max(0.1)) };
            std::thread::sleep(pause.min(wait.max(GLANCE).saturating_sub(waited)).max(Duration::from_millis(1)));
        }
    }

    /// Tells who holds the lock.
    pub(super) fn holder(&self) -> Option<LockHolder> {
        match self {
            Self::File(path) => {
                let mut file = OpenOptions::new().read(true).open(plain(path).ok()?).ok()?;
                match file.try_lock_shared() {
                    Err(TryLockError::WouldBlock) => {}
                    // Somebody was killed and left the file, or this system has no such locks.
                    Ok(()) | Err(TryLockError::Error(_)) => return None,
                }
                let mut text = String::new();
                let read = file.read_to_string(&mut text);
                // The holder may be about to write it.
                let unknown = || LockHolder { process: 0, description: "unknown".to_owned(), since: None };
                Some(read.ok().and_then(|_| parse(&text)).unwrap_or_else(unknown))
            }
            Self::Memory(seat) => seat.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    fn try_take(&self, me: &LockHolder) -> Result<Option<Held>> {
        match self {
            Self::File(path) => match try_file(path, me) {
                Ok(file) => Ok(file.map(|file| Held::File { file, path: path.clone() })),
                Err(error) => Err(refused(path, error)),
            },
            Self::Memory(seat) => {
                let mut holder = seat.lock().unwrap_or_else(PoisonError::into_inner);
                if holder.is_some() {
                    return Ok(None);
                }
                *holder = Some(me.clone());
                Ok(Some(Held::Memory(Arc::clone(seat))))
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        match self {
            // While it is locked, so that nobody who locked it meanwhile loses it. Closing it unlocks.
            Self::File { file, path } => {
                if is_at(file, path)
                    && let Err(error) = std::fs::remove_file(&path)
                {
                    log::debug!(target: LOG, "the file of the migrations' lock stays: {error}");
                }
            }
            Self::Memory(seat) => *seat.lock().unwrap_or_else(PoisonError::into_inner) = None,
        }
    }
}

/// Tries to take the lock by a file, which others make and remove meanwhile. Whose folder it is may put anything there: what
/// is no file of its own is neither opened nor written to.
fn try_file(path: &Path, me: &LockHolder) -> io::Result<Option<File>> {
    for _ in 0..ROUNDS {
        let Some((mut file, writable)) = open(path)? else { continue };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Its holder removes it, so this may be a lock on a file that nobody else finds. Or it was put there since `plain` looked.
        if !is_at(&file, path) || names(&file.metadata()?) > 1 {
            continue;
        }
        if !writable {
            std::fs::remove_file(path)?;
            continue;
        }
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(write(me).as_bytes())?;
        return Ok(Some(file));
    }
    // Whoever waits for it tries again.
    Ok(None)
}

/// Opens the file, and says whether it can be written to. One that isn't there is made, by a call that follows no link. None
/// means that it came or went meanwhile.
fn open(path: &Path) -> io::Result<Option<(File, bool)>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    let is_there = match plain(path) {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    match options.create_new(!is_there).open(path) {
        Ok(file) => Ok(Some((file, true))),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound if is_there => Ok(None),
            io::ErrorKind::AlreadyExists => Ok(None),
            // Another user was killed and left it.
            io::ErrorKind::PermissionDenied if is_there => Ok(Some((File::open(path).map_err(|_| error)?, false))),
            _ => Err(error),
        },
    }
}

/// Returns the path if an ordinary file of that one name is there: opening anything else may wait, or reach what isn't ours.
fn plain(path: &Path) -> io::Result<&Path> {
    let found = std::fs::symlink_metadata(path)?;
    if found.is_file() && names(&found) <= 1 {
        return Ok(path);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "a link, or what is no file, is there"))
}

/// Returns how many names a file has, as far as the system tells.
#[cfg(unix)]
fn names(found: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(found)
}

/// Returns how many names a file has, as far as the system tells.
#[cfg(not(unix))]
fn names(_found: &std::fs::Metadata) -> u64 {
    1
}

/// Returns whether the path leads to the file that is open.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(open), Ok(found)) => (open.dev(), open.ino()) == (found.dev(), found.ino()),
        _ => false,
    }
}

/// Returns whether the path leads to the file that is open. A file that is open keeps its name until it is closed.
#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

fn refused(path: &Path, error: io::Error) -> Error {
    let shown = path.display().to_string();
    let kind = match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => ErrorKind::ReadOnly,
        io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput => ErrorKind::PermissionDenied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::StorageFull,
        _ => ErrorKind::Unavailable,
    };
    let hint = match error.kind() {
        io::ErrorKind::InvalidInput => "remove it: the lock takes an ordinary file by that name, which it makes itself",
        _ => "give the process write access to the folder of the database",
    };
    Error::new(kind, format!("the lock of migrating can't be taken by file {shown:?}: {error}"))
        .with_hint(hint)
        .with_source(error)
}

fn locked(holder: Option<&LockHolder>, waited: Duration) -> Error {
    let who = holder.map_or_else(
        || "another process".to_owned(),
        |holder| format!("process {} ({})", holder.process, holder.description),
    );
    SchemaFault::Locked
        .error(format!("{who} is migrating the database"))
        .with_context("waited", format!("{waited:.1?}"))
        .with_hint("wait for it to end, or give a longer --lock-wait")
}

fn write(holder: &LockHolder) -> String {
    let since = holder.since.map(Timestamp::as_micros);
    let LockHolder { process, description, since: _ } = holder;
    format!("{}\n", serde_json::json!({ "process": process, "description": description, "since": since }))
}

fn parse(text: &str) -> Option<LockHolder> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(LockHolder {
        process: value.get("process")?.as_i64()?,
        description: value.get("description")?.as_str()?.to_owned(),
        since: value.get("since")?.as_i64().and_then(|micros| Timestamp::from_micros(micros).ok()),
    })
}

/// Returns the user, the host and the program, as far as the system tells.
fn describe() -> String {
    let variable = |names: &[&str]| names.iter().find_map(|name| std::env::var(name).ok()).filter(|v| !v.is_empty());
    let user = variable(&["USER", "LOGNAME", "USERNAME"]).unwrap_or_else(|| "unknown".to_owned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    let host = host.or_else(|| variable(&["HOSTNAME", "COMPUTERNAME"])).unwrap_or_else(|| "localhost".to_owned());
    let program = std::env::current_exe().ok();
    let program = program
        .as_deref()
        .and_then(Path::file_name)
        .map_or_else(String::new, |name| format!(" by {}", name.to_string_lossy()));
    format!("{user}@{host}{program}")
}

#[cfg(test)]
mod tests;
