//! Opens connections and prepares them for the pool.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use polymnia::{Call, Error, ErrorKind, Result, Timestamp};

use crate::LOG;
use crate::claims::beside;
use crate::config::{Config, Location, Mode, Synchronous, file_uri};
use crate::connection::{Connection, Session};
use crate::error::{Failure, Step, classify, classify_open};
use crate::estimate::Estimates;
use crate::guard::Guard;
use crate::raw::{self, Handle};
use crate::row::{Integers, OneText};
use crate::schema::Seat;
use crate::statement::{fixed, statements};

/// Makes the connections of one database.
pub(crate) struct Connector {
    config: Config,
    target: Target,
    estimates: Arc<Estimates>,
    /// Where those who want to migrate the database meet.
    seat: Seat,
    /// The connection of the session of migrating, while there is one.
    migrating: Mutex<Weak<Mutex<Connection>>>,
}

enum Target {
    File,
    Memory {
        uri: String,
        /// A database in memory lives as long as a connection to it: this one, so that the pool may close all of its own.
        _anchor: Mutex<Handle>,
    },
}

statements! {
    Probe = "SELECT count(*) FROM sqlite_schema";
    Encoding = "PRAGMA encoding";
    JournalMode = "PRAGMA journal_mode";
    UseWal = "PRAGMA journal_mode = WAL";
}

impl Connector {
    /// Returns what makes connections; of a database in memory, it opens the first.
    pub(crate) fn new(config: Config) -> Result<Self> {
        static DATABASES: AtomicU64 = AtomicU64::new(0);
        let target = match config.location {
            Location::File { .. } => Target::File,
            Location::Memory => {
                let number = DATABASES.fetch_add(1, Ordering::Relaxed);
                // Never cache=shared, whose locks on tables don't wait. Names with a slash are shared in the process.
                let uri = format!("file:/polymnia-{}-{number}?vfs=memdb", std::process::id());
                let anchor = raw::open(&uri)
                    .map_err(|failure| classify_open(&failure, Mode::Create, Path::new(""), ":memory:"))?;
                Target::Memory { uri, _anchor: Mutex::new(anchor) }
            }
        };
        let seat = Seat::of(&config.location);
        Ok(Self { config, target, estimates: Arc::default(), seat, migrating: Mutex::default() })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Returns where those who want to migrate the database meet.
    pub(crate) fn seat(&self) -> &Seat {
        &self.seat
    }

    /// Remembers the connection of a session of migrating, for as long as that lives.
    pub(crate) fn set_migrating(&self, connection: &Arc<Mutex<Connection>>) {
        *self.migrating.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(connection);
    }

    /// Returns the connection of the session of migrating, if there is one.
    pub(crate) fn migrating(&self) -> Option<Arc<Mutex<Connection>>> {
        self.migrating.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    /// Returns what is known of the numbers of rows, for all connections.
    pub(crate) fn estimates(&self) -> &Estimates {
        &self.estimates
    }

    fn open(&self) -> Result<Connection> {
        match (&self.target, &self.config.location) {
            (Target::Memory { uri, .. }, _) => {
                let handle = raw::open(uri)
                    .map_err(|failure| classify_open(&failure, Mode::Create, Path::new(""), ":memory:"))?;
                let mut connection = self.watched(handle, Immutable::No)?;
                self.set_pragmas(&mut connection)?;
                Ok(connection)
            }
            (Target::File, Location::File { path, given }) => self.open_file(path, given),
            (Target::File, Location::Memory) => unreachable!("a target is made from its location"),
        }
    }

    /// Opens the file, for reading only where it or its folder can't be written, unless the URL says that it must be.
    fn open_file(&self, path: &Path, given: &str) -> Result<Connection> {
        let mode = self.config.mode;
        self.open_file_as(path, given, mode).or_else(|error| {
            if mode != Mode::Create || error.kind() != ErrorKind::PermissionDenied || !path.exists() {
                return Err(error);
            }
            // What is wrong with writing is told rather than what is then wrong with reading.
            let connection = self.open_file_as(path, given, Mode::ReadOnly).map_err(|_| error)?;
            log::warn!(target: LOG, "opened {given:?} for reading only: it or its folder can't be written");
            Ok(connection)
        })
    }

    fn open_file_as(&self, path: &Path, given: &str, mode: Mode) -> Result<Connection> {
        check_path(path, given, mode)?;
        let parameters = match mode {
            Mode::ReadOnly => "mode=ro",
            Mode::ReadWrite => "mode=rw",
            Mode::Create => "mode=rwc",
        };
        let open = |parameters| {
            raw::open(&file_uri(path, parameters)?).map_err(|failure| classify_open(&failure, mode, path, given))
        };
        let mut connection = self.watched(open(parameters)?, Immutable::No)?;
        // Nothing is read before now: a file that isn't ours shows here.
        let probed = connection.one::<Integers<1>, _>(fixed::<Probe, 0>([]));
        if let Err(error) = probed {
            if mode != Mode::ReadOnly || !lacks_folder(&error, path) {
                return Err(error.with_context("file", given));
            }
            // A database in WAL mode whose folder SQLite may not make its files in. Any other failure, a lock above all, is
            // no reason to take the file for one that nobody changes.
            drop(connection);
            check_log(path, given)?;
            connection = self.watched(open("mode=ro&immutable=1")?, Immutable::Yes)?;
            connection
                .one::<Integers<1>, _>(fixed::<Probe, 0>([]))
                .map_err(|error| error.with_context("file", given))?;
            log::debug!(target: LOG, "opened {given:?} as immutable: its folder can't be written");
        }
        // SQLite opens a file that it may only read without a word.
        if mode != Mode::ReadOnly && connection.is_read_only() {
            let message = format!("database file {given:?} can't be written");
            return Err(Error::new(ErrorKind::PermissionDenied, message)
                .with_hint("give the process write access to the file, or open with mode=ro"));
        }
        self.set_pragmas(&mut connection).map_err(|error| error.with_context("file", given))?;
        Ok(connection)
    }

    /// Installs what bounds the connection, before anything is run on it.
    fn watched(&self, handle: Handle, immutable: Immutable) -> Result<Connection> {
        let session = Arc::new(Session::new(Guard::new(self.config.busy_timeout)));
        for code in [handle.prepare(&session), handle.keep_plans_stable()] {
            if code != libsqlite3_sys::SQLITE_OK {
                let message = "a connection can't be prepared";
                return Err(classify(Failure { code, errno: 0, message, end: None, step: Step::Statement }));
            }
        }
        // Waiting for a lock counts as connecting.
        session.guard.begin(&Call::at(Timestamp::MIN), Some(self.config.settings.connect_timeout));
        let connection = Connection::new(handle, session, Arc::clone(&self.estimates), immutable == Immutable::Yes);
        Ok(connection.with_claim(self.config.claim.clone()))
    }

    /// Sets what holds for a connection. The busy handler must stand by now, for switching to WAL takes locks.
    fn set_pragmas(&self, connection: &mut Connection) -> Result<()> {
        // A schema that someone else wrote must not call functions with side effects.
        connection.batch("PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON")?;
        let encoding: Option<OneText> = connection.one(fixed::<Encoding, 0>([]))?;
        if let Some(OneText(encoding)) = encoding
            && encoding != "UTF-8"
        {
            let message =
                format!("the database is encoded in {encoding}: expected UTF-8, by whose bytes texts are ordered");
            return Err(Error::new(ErrorKind::Config, message));
        }
        if matches!(self.target, Target::File) && !connection.is_read_only() {
            Self::use_wal(connection)?;
        }
        // Else each page beyond the cache is copied by the system: half of the time of a filter with many candidates.
        connection.batch(&format!("PRAGMA mmap_size = {}", self.config.mmap_size))?;
        // A cache in KiB is a negative number.
        connection.batch(&format!(
            "PRAGMA cache_size = -{}; PRAGMA wal_autocheckpoint = {}",
            self.config.cache_size >> 10,
            self.config.wal_autocheckpoint
        ))?;
        // After the journal's mode: in WAL mode, it says when the log is synchronised.
        connection.batch(match self.config.synchronous {
            Synchronous::Full => "PRAGMA synchronous = FULL",
            Synchronous::Normal => "PRAGMA synchronous = NORMAL",
        })
    }

    fn use_wal(connection: &mut Connection) -> Result<()> {
        // The mode is kept in the file. Asking first spares the lock that setting it takes.
        let now: Option<OneText> = connection.one(fixed::<JournalMode, 0>([]))?;
        if now.is_some_and(|mode| mode.0 == "wal") {
            return Ok(());
        }
        let now: Option<OneText> = connection.one(fixed::<UseWal, 0>([]))?;
        match now {
            Some(OneText(mode)) if mode != "wal" => {
                // A file system without shared memory, for one. Slower, and not wrong.
                log::warn!(target: LOG, "the journal stays in mode {mode}: readers and writers wait for each other");
            }
            _ => {}
        }
        Ok(())
    }
}

impl polymnia_pool::Connector for Connector {
    type Connection = Connection;

    fn connect(&self) -> Result<Connection> {
        let mut connection = self.open().map_err(|error| error.with_operation("connect"))?;
        connection.finish();
        Ok(connection)
    }

    fn check(&self, connection: &mut Connection) -> Result<()> {
        connection.one::<Integers<1>, _>(fixed::<Probe, 0>([])).map(|_| ())
    }

    fn is_broken(&self, connection: &mut Connection) -> bool {
        connection.is_broken()
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("location", &self.config.location).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Immutable {
    Yes,
    No,
}

/// Tells what is wrong with a path, by `stat` alone: opening and closing the file would drop SQLite's locks on it.
fn check_path(path: &Path, given: &str, mode: Mode) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            let message = format!("{given:?} is a folder: expected a database file");
            Err(Error::new(ErrorKind::Config, message))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let message = format!("the system denies access to the folder of database file {given:?}");
            Err(Error::new(ErrorKind::PermissionDenied, message))
        }
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Err(Error::new(ErrorKind::Unavailable, format!("database file {given:?} can't be looked at: {error}")))
        }
        Err(_) => {
            let folder = path.parent().unwrap_or(path);
            if !folder.is_dir() {
                let message = format!("folder {:?} of the database does not exist", folder.display().to_string());
                return Err(Error::new(ErrorKind::NotFound, message).with_hint("create the folder first"));
            }
            if mode == Mode::Create {
                return Ok(());
            }
            let message = format!("database file {given:?} does not exist");
            Err(Error::new(ErrorKind::NotFound, message).with_hint("leave out the parameter mode to create it"))
        }
    }
}

/// Returns whether a reader failed because SQLite may not make its files beside the database. Where it may not, it looks
/// whether it could read them, and may fail on their not being there.
fn lacks_folder(error: &Error, path: &Path) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::NotFound) && path.exists()
}

/// Refuses a database whose log still holds commits: an immutable connection would not see them.
fn check_log(path: &Path, given: &str) -> Result<()> {
    match std::fs::metadata(beside(path, "-wal")) {
        Ok(log) if log.len() > 0 => {
            let message = format!("the write-ahead log of {given:?} holds commits, and its folder can't be written");
            Err(Error::new(ErrorKind::PermissionDenied, message)
                .with_hint("open the database once where its folder can be written, and close it"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
