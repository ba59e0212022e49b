//! From SQLite's result codes to errors.

use std::ffi::c_int;
use std::io;
use std::path::Path;

use libsqlite3_sys as ffi;
use polymnia::{Error, ErrorKind, Interruption, Retry};

use crate::config::Mode;
use crate::guard::End;
use crate::raw::OpenFailure;

/// Is a failure as SQLite reported it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure<'a> {
    /// The extended result code.
    pub(crate) code: c_int,
    /// The operating system's error number; 0 if it had none.
    pub(crate) errno: c_int,
    /// SQLite's message. It names tables, columns and files, never values.
    pub(crate) message: &'a str,
    /// Why the guard ended the work, if it did.
    pub(crate) end: Option<End>,
    /// What was being done.
    pub(crate) step: Step,
}

/// Is what was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A connection was prepared, a statement ran, or a transaction began.
    Statement,
    /// A transaction that wrote was being committed.
    Commit,
}

/// Every result code whose text SQLite gives as the message of a failure, where it has nothing better to say.
const GENERIC: [c_int; 20] = [
    ffi::SQLITE_BUSY,
    ffi::SQLITE_INTERRUPT,
    ffi::SQLITE_READONLY,
    ffi::SQLITE_FULL,
    ffi::SQLITE_IOERR,
    ffi::SQLITE_CORRUPT,
    ffi::SQLITE_NOTADB,
    ffi::SQLITE_CANTOPEN,
    ffi::SQLITE_LOCKED,
    ffi::SQLITE_NOMEM,
    ffi::SQLITE_PERM,
    ffi::SQLITE_AUTH,
    ffi::SQLITE_PROTOCOL,
    ffi::SQLITE_SCHEMA,
    ffi::SQLITE_TOOBIG,
    ffi::SQLITE_CONSTRAINT,
    ffi::SQLITE_MISMATCH,
    ffi::SQLITE_MISUSE,
    ffi::SQLITE_RANGE,
    ffi::SQLITE_ABORT,
];

/// Judges a failure.
pub(crate) fn classify(failure: Failure<'_>) -> Error {
    let Failure { code, errno, message, end, step } = failure;
    let error = match code & 0xff {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => return locked(end),
        ffi::SQLITE_INTERRUPT => return interrupted(end),
        ffi::SQLITE_PROTOCOL | ffi::SQLITE_SCHEMA => {
            Error::new(ErrorKind::Unavailable, format!("the database changes under the connection: {message}"))
                .with_retry(Retry::Safe)
        }
        ffi::SQLITE_FULL => Error::new(ErrorKind::StorageFull, "the disk is full, or a limit on its use is reached"),
        ffi::SQLITE_READONLY => read_only(code),
        ffi::SQLITE_CORRUPT | ffi::SQLITE_FORMAT => {
            Error::new(ErrorKind::Corrupt, format!("the database file is damaged: {message}"))
                .with_hint("run `PRAGMA integrity_check` in the sqlite3 shell, and restore a backup")
        }
        ffi::SQLITE_NOTADB => Error::new(ErrorKind::Corrupt, "the file is not a SQLite database"),
        ffi::SQLITE_PERM | ffi::SQLITE_AUTH => Error::new(ErrorKind::PermissionDenied, message),
        ffi::SQLITE_CANTOPEN => cannot_open(errno),
        ffi::SQLITE_IOERR => input_output(code, step),
        ffi::SQLITE_NOMEM => Error::new(ErrorKind::Unavailable, "SQLite is out of memory"),
        ffi::SQLITE_TOOBIG => Error::invalid_input(format!("a value is too large for SQLite: {message}")),
        _ => Error::new(ErrorKind::Unexpected, format!("SQLite failed: {message}")),
    };
    let error = error.with_context("sqlite_code", code);
    if errno == 0 { error } else { error.with_context("system", io::Error::from_raw_os_error(errno)) }
}

/// Judges why a file can't be opened. `given` is its name as the user gave it.
pub(crate) fn classify_open(failure: &OpenFailure, mode: Mode, path: &Path, given: &str) -> Error {
    let OpenFailure { code, errno, message } = failure;
    let context = |error: Error| error.with_context("sqlite_code", code);
    if code & 0xff != ffi::SQLITE_CANTOPEN {
        return classify(Failure { code: *code, errno: *errno, message, end: None, step: Step::Statement });
    }
    if *errno == 0 {
        return context(Error::new(ErrorKind::Unavailable, format!("SQLite can't open {given:?}: {message}")));
    }
    let system = io::Error::from_raw_os_error(*errno);
    let error = match system.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem if path.exists() => {
            Error::new(ErrorKind::PermissionDenied, format!("the system denies access to database file {given:?}"))
        }
        io::ErrorKind::NotFound if mode != Mode::Create => {
            Error::new(ErrorKind::NotFound, format!("database file {given:?} does not exist"))
        }
        // Where SQLite may not create the file, it looks whether it could read it, and fails on that.
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Error::new(ErrorKind::PermissionDenied, format!("database file {given:?} can't be created in its folder"))
                .with_hint("give the process write access to the folder, or name a file elsewhere")
        }
        _ => cannot_open(*errno),
    };
    context(error.with_context("system", system))
}

/// Returns the generic result code whose text this is; 1 (`SQLITE_ERROR`) if there is none.
///
/// The texts come from the very library that wrote the message, which speaks one language only.
pub(crate) fn code_of_message(message: &str) -> c_int {
    GENERIC.into_iter().find(|code| ffi::code_to_str(*code) == message).unwrap_or(ffi::SQLITE_ERROR)
}

/// Says that a stored row can't be read.
pub(crate) fn damaged_row(column: &'static str, error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, format!("a stored row is damaged: {error}")).with_context("column", column)
}

fn locked(end: Option<End>) -> Error {
    match end {
        Some(End::Interrupted(Interruption::Cancelled)) => interrupted(end),
        Some(End::Interrupted(Interruption::TimedOut)) => {
            Error::new(ErrorKind::Timeout, "the deadline passed while another connection held the database's lock")
        }
        // It was tried again and again until now: another round would take as long.
        Some(End::Locked(waited)) => Error::new(
            ErrorKind::Unavailable,
            "the database is locked: another connection does not end its transaction",
        )
        .with_retry(Retry::Exhausted)
        .with_context("waited", format!("{waited:.1?}")),
        None => {
            Error::new(ErrorKind::Unavailable, "the database is locked by another connection").with_retry(Retry::Safe)
        }
    }
}

fn interrupted(end: Option<End>) -> Error {
    match end {
        Some(End::Interrupted(Interruption::Cancelled)) => Error::new(ErrorKind::Cancelled, "cancelled by the caller"),
        _ => Error::new(ErrorKind::Timeout, "the deadline passed"),
    }
}

fn read_only(code: c_int) -> Error {
    match code {
        ffi::SQLITE_READONLY_DBMOVED => {
            Error::new(ErrorKind::Unavailable, "the database file was moved or removed since it was opened")
        }
        ffi::SQLITE_READONLY_DIRECTORY => Error::new(
            ErrorKind::PermissionDenied,
            "the folder of the database can't be written, which SQLite needs for its journal",
        )
        .with_hint("give the process write access to the folder, or open with mode=ro"),
        ffi::SQLITE_READONLY_CANTINIT | ffi::SQLITE_READONLY_RECOVERY => Error::new(
            ErrorKind::PermissionDenied,
            "the database has a write-ahead log that can't be read without write access to its folder",
        ),
        _ => Error::new(ErrorKind::ReadOnly, "the database can't be written"),
    }
}

fn cannot_open(errno: c_int) -> Error {
    match io::Error::from_raw_os_error(errno).kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Error::new(
            ErrorKind::PermissionDenied,
            "the system denies SQLite access to the database or to a file beside it",
        )
        .with_hint("give the process write access to the folder, or open with mode=ro"),
        io::ErrorKind::NotFound if errno != 0 => {
            Error::new(ErrorKind::NotFound, "the database file or its folder is gone")
        }
        // Too many open files, for one: that may pass.
        _ => Error::new(ErrorKind::Unavailable, "SQLite can't open the database or a file beside it")
            .with_retry(Retry::Safe),
    }
}

fn input_output(code: c_int, step: Step) -> Error {
    match code {
        ffi::SQLITE_IOERR_CORRUPTFS | ffi::SQLITE_IOERR_DATA => {
            Error::new(ErrorKind::Corrupt, "the file system returns damaged data for the database file")
        }
        ffi::SQLITE_IOERR_NOMEM => Error::new(ErrorKind::Unavailable, "SQLite is out of memory"),
        // The commit may have reached the log, from where a later recovery applies it.
        _ if step == Step::Commit => {
            Error::new(ErrorKind::Unavailable, "reading or writing the database file failed during COMMIT")
                .with_retry(Retry::Ambiguous)
        }
        _ => Error::new(ErrorKind::Unavailable, "reading or writing the database file failed"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn judged(code: c_int, end: Option<End>, step: Step) -> (ErrorKind, Retry) {
        let error = classify(Failure { code, errno: 0, message: "as SQLite says", end, step });
        (error.kind(), error.retry())
    }

    #[test]
    fn codes_have_their_kinds() {
        use ErrorKind::{
            Corrupt, InvalidInput, PermissionDenied, ReadOnly, StorageFull, Timeout, Unavailable, Unexpected,
        };
        for (code, kind, retry) in [
            (ffi::SQLITE_BUSY, Unavailable, Retry::Safe),
            (ffi::SQLITE_BUSY_SNAPSHOT, Unavailable, Retry::Safe),
            (ffi::SQLITE_BUSY_RECOVERY, Unavailable, Retry::Safe),
            (ffi::SQLITE_LOCKED, Unavailable, Retry::Safe),
            (ffi::SQLITE_LOCKED_SHAREDCACHE, Unavailable, Retry::Safe),
            (ffi::SQLITE_PROTOCOL, Unavailable, Retry::Safe),
            (ffi::SQLITE_SCHEMA, Unavailable, Retry::Safe),
            (ffi::SQLITE_INTERRUPT, Timeout, Retry::Never),
            (ffi::SQLITE_FULL, StorageFull, Retry::Never),
            (ffi::SQLITE_READONLY, ReadOnly, Retry::Never),
            (ffi::SQLITE_READONLY_DIRECTORY, PermissionDenied, Retry::Never),
            (ffi::SQLITE_READONLY_CANTINIT, PermissionDenied, Retry::Never),
            (ffi::SQLITE_READONLY_DBMOVED, Unavailable, Retry::Never),
            (ffi::SQLITE_CORRUPT, Corrupt, Retry::Never),
            (ffi::SQLITE_CORRUPT_INDEX, Corrupt, Retry::Never),
            (ffi::SQLITE_NOTADB, Corrupt, Retry::Never),
            (ffi::SQLITE_PERM, PermissionDenied, Retry::Never),
            (ffi::SQLITE_AUTH, PermissionDenied, Retry::Never),
            (ffi::SQLITE_IOERR, Unavailable, Retry::Never),
            (ffi::SQLITE_IOERR_WRITE, Unavailable, Retry::Never),
            (ffi::SQLITE_IOERR_CORRUPTFS, Corrupt, Retry::Never),
            (ffi::SQLITE_NOMEM, Unavailable, Retry::Never),
            (ffi::SQLITE_TOOBIG, InvalidInput, Retry::Never),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, Unexpected, Retry::Never),
            (ffi::SQLITE_ERROR, Unexpected, Retry::Never),
            (ffi::SQLITE_MISUSE, Unexpected, Retry::Never),
        ] {
            assert_eq!(judged(code, None, Step::Statement), (kind, retry), "{}", ffi::code_to_str(code));
        }
    }

    #[test]
    fn a_commit_that_may_have_arrived_is_ambiguous() {
        assert_eq!(judged(ffi::SQLITE_IOERR_FSYNC, None, Step::Commit), (ErrorKind::Unavailable, Retry::Ambiguous));
        assert_eq!(judged(ffi::SQLITE_BUSY, None, Step::Commit), (ErrorKind::Unavailable, Retry::Safe));
        assert_eq!(judged(ffi::SQLITE_FULL, None, Step::Commit), (ErrorKind::StorageFull, Retry::Never));
    }

    #[test]
    fn the_guard_says_why_work_ended() {
        let cancelled = Some(End::Interrupted(Interruption::Cancelled));
        let late = Some(End::Interrupted(Interruption::TimedOut));
        let waited = Some(End::Locked(Duration::from_secs(30)));
        for (code, end, kind, retry) in [
            (ffi::SQLITE_INTERRUPT, cancelled, ErrorKind::Cancelled, Retry::Never),
            (ffi::SQLITE_INTERRUPT, late, ErrorKind::Timeout, Retry::Never),
            (ffi::SQLITE_BUSY, cancelled, ErrorKind::Cancelled, Retry::Never),
            (ffi::SQLITE_BUSY, late, ErrorKind::Timeout, Retry::Never),
            (ffi::SQLITE_BUSY, waited, ErrorKind::Unavailable, Retry::Exhausted),
        ] {
            assert_eq!(judged(code, end, Step::Statement), (kind, retry), "{end:?}");
        }
    }

    #[test]
    fn the_systems_reason_decides_what_cannot_be_opened() {
        let judge = |errno| {
            let message = "unable to open database file";
            let failure = Failure { code: ffi::SQLITE_CANTOPEN, errno, message, end: None, step: Step::Statement };
            let error = classify(failure);
            (error.kind(), error.retry())
        };
        // ENOENT, EACCES, EMFILE, EROFS and none on Linux and macOS.
        assert_eq!(judge(2), (ErrorKind::NotFound, Retry::Never));
        assert_eq!(judge(13), (ErrorKind::PermissionDenied, Retry::Never));
        assert_eq!(judge(24), (ErrorKind::Unavailable, Retry::Safe));
        assert_eq!(judge(30), (ErrorKind::PermissionDenied, Retry::Never));
        assert_eq!(judge(0), (ErrorKind::Unavailable, Retry::Safe));
    }

    #[test]
    fn generic_messages_give_their_code() {
        for code in GENERIC {
            assert_eq!(code_of_message(ffi::code_to_str(code)), code);
        }
        assert_eq!(code_of_message("no such table: t"), ffi::SQLITE_ERROR);
    }
}
