//! How a run ends: exit codes, and what is printed when it does not end well.

use std::fmt;
use std::io;

use polymnia::schema::SchemaFault;
use polymnia::{Error, ErrorKind, Result};

/// Is what the shell is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Ok = 0,
    /// It failed.
    Failed = 1,
    /// The command line, or the configuration, is wrong.
    Usage = 2,
    /// There are migrations to apply.
    Pending = 3,
    /// What is stored does not agree with itself, or the schema or a script not with what was applied.
    Unsound = 4,
    /// The history of migrations is not in order.
    History = 5,
    /// The database is locked or busy: trying again may help.
    Busy = 6,
    /// A migration failed, and the database is as it was before it.
    RolledBack = 7,
    /// A migration failed, and part of it stays.
    PartlyApplied = 8,
    /// The database can't be reached or can't be written, or a plugin can't be loaded.
    NoConnection = 9,
    /// It would have destroyed something, or run a plugin that others can write to, and the flag that allows it was not given.
    Refused = 10,
    /// Ctrl-C.
    Interrupted = 130,
}

/// What the exit codes mean, for the help text.
macro_rules! exit_codes {
    () => {
        "Exit codes: 0 ok, 1 failed, 2 usage, 3 migrations pending, 4 found not to be as it should (check --deep,
schema, changed scripts, plugin verify), 5 history of migrations out of order, 6 locked or busy, 7 migration failed and
rolled back, 8 migration failed and partly applied, 9 can't connect, read-only or plugin can't be loaded,
10 refused without a flag, 130 interrupted"
    };
}
pub(crate) use exit_codes;

impl Exit {
    /// Returns the exit code for an error of the library: that of its fault, if it is one of the schema, else that of its
    /// kind.
    ///
    /// | kind | while connecting | later |
    /// |---|---|---|
    /// | invalid input, config | 2 | 2 |
    /// | locked, and trying again may help | 6 | 6 |
    /// | unavailable, timeout | 9 | 6 |
    /// | not found, permission denied, corrupt, storage full | 9 | 1 |
    /// | read-only | 9 | 9 |
    /// | cancelled | 130 | 130 |
    /// | plugin | 9 | 1 |
    /// | the rest | 1 | 1 |
    ///
    /// A plugin that can't be loaded is 9, and 10 if a flag allows it.
    pub(crate) fn of(error: &Error) -> Self {
        if let Some(fault) = SchemaFault::of(error).filter(|_| error.kind() != ErrorKind::Cancelled) {
            return Self::of_fault(fault);
        }
        let connecting = matches!(error.operation(), Some("connect" | "load"));
        let flag_allows = error.hint().is_some_and(|hint| hint.contains("--allow-insecure-plugin"));
        match error.kind() {
            ErrorKind::PermissionDenied if flag_allows => Self::Refused,
            ErrorKind::InvalidInput | ErrorKind::Config => Self::Usage,
            ErrorKind::Cancelled => Self::Interrupted,
            ErrorKind::ReadOnly => Self::NoConnection,
            ErrorKind::Unavailable if error.message().contains("locked") => Self::Busy,
            ErrorKind::Unavailable | ErrorKind::Timeout if !connecting => Self::Busy,
            ErrorKind::Unavailable
            | ErrorKind::Timeout
            | ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::Corrupt
            | ErrorKind::StorageFull
            | ErrorKind::Plugin
                if connecting =>
            {
                Self::NoConnection
            }
            _ => Self::Failed,
        }
    }

    /// Returns the exit code for a fault of the schema.
    pub(crate) fn of_fault(fault: SchemaFault) -> Self {
        let known = [
            Self::Pending,
            Self::Unsound,
            Self::History,
            Self::Busy,
            Self::RolledBack,
            Self::PartlyApplied,
            Self::Refused,
        ];
        known.into_iter().find(|exit| *exit as u8 == fault.exit_code()).unwrap_or(Self::Failed)
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Is a run that did not end well: what to print, if anything, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    error: Option<Error>,
}

/// A `Result` of the command line.
pub(crate) type Outcome<T = Exit> = std::result::Result<T, Failure>;

impl Failure {
    /// Returns a failure with the exit code given, whatever the kind of the error.
    pub(crate) fn new(exit: Exit, error: Error) -> Self {
        Self { exit, error: Some(error) }
    }

    /// Returns a failure that the data caused, not the command line: exit code 1 where it would be 2.
    pub(crate) fn of_data(error: Error) -> Self {
        let exit = match Exit::of(&error) {
            Exit::Usage => Exit::Failed,
            other => other,
        };
        Self::new(exit, error)
    }

    /// Returns the refusal of something that destroys, with the hint how to allow it.
    pub(crate) fn refused(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Exit::Refused, Error::invalid_input(message).with_hint(hint))
    }

    /// Returns the failure with another exit code.
    pub(crate) fn with_exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// Returns a failure whose reasons have been printed already.
    pub(crate) fn silent(exit: Exit) -> Self {
        Self { exit, error: None }
    }

    /// Returns the error, if there is one to print.
    pub(crate) fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(Exit::of(&error), error)
    }
}

impl From<io::Error> for Failure {
    /// Takes an error of standard output. A reader that went away is no failure.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::silent(Exit::Ok),
            io::ErrorKind::StorageFull => Self::new(
                Exit::Failed,
                Error::new(ErrorKind::StorageFull, "standard output can't be written: the disk is full"),
            ),
            _ => {
                let message = format!("standard output can't be written: {}", reason(&error));
                Self::new(Exit::Failed, Error::new(ErrorKind::Unexpected, message))
            }
        }
    }
}

/// Returns an error about a file, with what the operating system says of it.
pub(crate) fn file_error(what: &str, path: &std::path::Path, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::StorageFull,
        io::ErrorKind::ReadOnlyFilesystem => ErrorKind::ReadOnly,
        _ => ErrorKind::Unexpected,
    };
    Error::new(kind, format!("{what} {} {}", path.display(), reason(error)))
}

/// Says what the operating system found wrong, in words that go on a sentence's end.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "isn't there".to_owned(),
        io::ErrorKind::PermissionDenied => "can't be accessed: permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a folder: expected a file".to_owned(),
        _ => {
            let text = error.to_string();
            // "No such device (os error 6)" without its number.
            let text = text.split(" (os error").next().unwrap_or(&text);
            format!("fails: {}", lower_first(text))
        }
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// Names the option that a value came from, in the error that refuses it.
pub(crate) trait OfOption<T> {
    /// Adds the option's name to the error.
    fn of_option(self, name: &'static str) -> Result<T>;
}

impl<T> OfOption<T> for Result<T> {
    fn of_option(self, name: &'static str) -> Result<T> {
        self.map_err(|error| error.with_context("option", name))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            Some(error) => fmt::Display::fmt(error, f),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_exit_codes() {
        for (kind, connecting, later) in [
            (ErrorKind::InvalidInput, Exit::Usage, Exit::Usage),
            (ErrorKind::Unsupported, Exit::Failed, Exit::Failed),
            (ErrorKind::Config, Exit::Usage, Exit::Usage),
            (ErrorKind::NotFound, Exit::NoConnection, Exit::Failed),
            (ErrorKind::Conflict, Exit::Failed, Exit::Failed),
            (ErrorKind::Unavailable, Exit::NoConnection, Exit::Busy),
            (ErrorKind::PermissionDenied, Exit::NoConnection, Exit::Failed),
            (ErrorKind::Corrupt, Exit::NoConnection, Exit::Failed),
            (ErrorKind::Migration, Exit::Failed, Exit::Failed),
            (ErrorKind::Plugin, Exit::NoConnection, Exit::Failed),
            (ErrorKind::Timeout, Exit::NoConnection, Exit::Busy),
            (ErrorKind::Cancelled, Exit::Interrupted, Exit::Interrupted),
            (ErrorKind::ReadOnly, Exit::NoConnection, Exit::NoConnection),
            (ErrorKind::StorageFull, Exit::NoConnection, Exit::Failed),
            (ErrorKind::Unexpected, Exit::Failed, Exit::Failed),
        ] {
            let error = |operation: &'static str| Error::new(kind, "m").with_operation(operation);
            assert_eq!(Exit::of(&error("connect")), connecting, "{kind:?} while connecting");
            assert_eq!(Exit::of(&error("apply")), later, "{kind:?} later");
        }
        for fault in SchemaFault::ALL {
            assert_eq!(Exit::of(&fault.error("m")) as u8, fault.exit_code(), "{fault:?}");
        }
        let cancelled = Error::new(ErrorKind::Cancelled, "m").with_context("code", "rolled_back");
        assert_eq!(Exit::of(&cancelled), Exit::Interrupted);
        let insecure = Error::new(ErrorKind::PermissionDenied, "m").with_operation("connect");
        assert_eq!(Exit::of(&insecure.with_hint("allow it by --allow-insecure-plugin")), Exit::Refused);
        let locked = Error::new(ErrorKind::Unavailable, "the database is locked").with_operation("connect");
        assert_eq!(Exit::of(&locked), Exit::Busy);
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(failure.exit, Exit::Ok);
        assert!(failure.error().is_none());
    }

    #[test]
    fn data_at_fault_is_no_wrong_usage() {
        assert_eq!(Failure::of_data(Error::invalid_input("m")).exit, Exit::Failed);
        assert_eq!(Failure::of_data(Error::new(ErrorKind::ReadOnly, "m")).exit, Exit::NoConnection);
    }
}
