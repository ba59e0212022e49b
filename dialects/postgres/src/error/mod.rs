//! What the server's and libpq's errors mean.
//!
//! diesel tells a few SQLSTATEs apart and leaves the rest to be recognised by message. Messages follow the server's
//! `lc_messages`, which a connection sets to C where its role may; what stays unrecognised is asked for by
//! [`probe`](crate::probe).

mod messages;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use polymnia::{Error, ErrorKind, Retry};

use self::messages::{CONNECT, DEADLOCK, LOST, Rule, STATEMENT, find};

/// Is why an operation failed, before anybody says what it means.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A statement failed.
    Database {
        /// What diesel says.
        error: DieselError,
        /// What the statement may have done.
        stage: Stage,
    },
    /// The engine found it, and says so itself.
    Own(Error),
}

/// Says whether a statement whose answer is missing may have taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing was committed.
    Open,
    /// It was a COMMIT, or a write that commits by itself.
    Committing,
}

impl Fault {
    /// Says that a missing answer may mean success.
    pub(crate) fn committing(self) -> Self {
        match self {
            Self::Database { error, .. } => Self::Database { error, stage: Stage::Committing },
            Self::Own(error) => Self::Own(error),
        }
    }
}

impl From<DieselError> for Fault {
    fn from(error: DieselError) -> Self {
        Self::Database { error, stage: Stage::Open }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Own(error)
    }
}

/// Is the hint for a database without our schema.
pub(crate) const INIT: &str = "run `polymnia init`";

/// Returns what an error of a statement means, if it is recognised. Its message, a line of the server's, is scrubbed of
/// secrets by `scrub`.
pub(crate) fn classify(error: &DieselError, stage: Stage, scrub: impl Fn(&str) -> String) -> Option<Error> {
    let DieselError::DatabaseError(kind, information) = error else {
        return match error {
            DieselError::RollbackErrorOnCommit { commit_error, .. } => classify(commit_error, stage, scrub),
            DieselError::BrokenTransactionManager => Some(lost(stage)),
            DieselError::DeserializationError(_) => {
                Some(Error::new(ErrorKind::Corrupt, "a stored value can't be read").with_context("cause", error))
            }
            _ => None,
        };
    };
    let message = information.message();
    let server = |error: Error| error.with_context("server", scrub(first_line(message)));
    let of_kind = match kind {
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => Some(lost(stage)),
        DatabaseErrorKind::SerializationFailure => Some(
            Error::new(ErrorKind::Unavailable, "another transaction changed the same memories").with_retry(Retry::Safe),
        ),
        DatabaseErrorKind::ReadOnlyTransaction => Some(read_only()),
        _ => None,
    };
    if let Some(error) = of_kind {
        return Some(server(error));
    }
    if LOST.iter().any(|text| message.contains(text)) {
        return Some(server(lost(stage)));
    }
    if is_deadlock(message) {
        let error = Error::new(ErrorKind::Unavailable, "two transactions waited for each other");
        return Some(server(error.with_retry(Retry::Safe)));
    }
    find(STATEMENT, message).map(Rule::error).map(|error| match error.kind() {
        // Told in the same words on every dialect, and whole as it is.
        ErrorKind::Migration => error,
        _ => server(error),
    })
}

/// Returns whether a message says that the server ended one of two transactions that waited for each other.
pub(crate) fn is_deadlock(message: &str) -> bool {
    DEADLOCK.iter().any(|text| message.contains(text))
}

/// Returns what a failure to connect means, if it is recognised. The message may be several lines: one a host, or address.
pub(crate) fn classify_connect(message: &str, scrub: impl Fn(&str) -> String) -> Option<Error> {
    // What won't change by waiting wins over what may: `localhost` is two addresses, of which one is often refused.
    let rules: Vec<&Rule> = message.lines().filter_map(|line| find(CONNECT, line)).collect();
    let rule = rules.iter().find(|rule| rule.retry == Retry::Never).or_else(|| rules.first())?;
    Some(rule.error().with_context("server", scrub(&one_line(message))))
}

/// Returns the error for what nobody recognised. The text is scrubbed.
pub(crate) fn unrecognised(server: &str) -> Error {
    Error::new(ErrorKind::Unexpected, "the server reported an error that is not known here")
        .with_context("server", server)
}

/// Returns the error for a database that can't be written.
pub(crate) fn read_only() -> Error {
    Error::new(ErrorKind::ReadOnly, "the server takes no writes: it is a standby, or set read-only")
        .with_hint("name the primary, or several hosts with target_session_attrs=read-write")
}

/// Returns the error for a role without the rights it takes.
pub(crate) fn denied() -> Error {
    Error::new(ErrorKind::PermissionDenied, "the role lacks a privilege")
        .with_hint("grant the role USAGE on the schema polymnia and SELECT, INSERT, UPDATE, DELETE on its tables")
}

/// Returns the message's first line: there may be more, which may quote a statement.
pub(crate) fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default().trim_end()
}

/// Joins lines, each once: libpq tries an address with and without encryption.
pub(crate) fn one_line(message: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in message.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.join("; ")
}

fn lost(stage: Stage) -> Error {
    match stage {
        Stage::Open => {
            Error::new(ErrorKind::Unavailable, "the connection to the server was lost").with_retry(Retry::Safe)
        }
        Stage::Committing => Error::new(
            ErrorKind::Unavailable,
            "the connection to the server was lost during the commit: it may be done",
        )
        .with_retry(Retry::Ambiguous)
        .with_hint("read the memories to see whether they were written"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(kind: DatabaseErrorKind, message: &str, stage: Stage) -> Option<Error> {
        let error = DieselError::DatabaseError(kind, Box::new(message.to_owned()));
        classify(&error, stage, |text| text.replace("hunter2", "***"))
    }

    #[test]
    fn statements() {
        use ErrorKind::{Cancelled, Corrupt, Migration, PermissionDenied, ReadOnly, StorageFull, Timeout, Unavailable};
        use Retry::{Never, Safe};
        for (message, kind, retry) in [
            ("canceling statement due to statement timeout", Timeout, Never),
            ("canceling statement due to user request", Cancelled, Never),
            ("canceling statement due to lock timeout", Unavailable, Safe),
            ("canceling statement due to conflict with recovery", Unavailable, Safe),
            ("deadlock detected", Unavailable, Safe),
            ("Verklemmung (Deadlock) entdeckt", Unavailable, Safe),
            ("обнаружена взаимоблокировка", Unavailable, Safe),
            ("could not serialize access due to concurrent update", Unavailable, Safe),
            ("the database system is starting up", Unavailable, Safe),
            ("the database system is shutting down", Unavailable, Safe),
            ("the database system is in recovery mode", Unavailable, Safe),
            ("terminating connection due to administrator command", Unavailable, Safe),
            ("sorry, too many clients already", Unavailable, Safe),
            ("remaining connection slots are reserved for non-replication superuser connections", Unavailable, Safe),
            ("relation \"polymnia.memories\" does not exist", Migration, Never),
            ("relation \"polymnia.settings\" does not exist", Migration, Never),
            ("permission denied for table memories", PermissionDenied, Never),
            ("permission denied for schema polymnia", PermissionDenied, Never),
            ("permission denied for database app", PermissionDenied, Never),
            ("cannot execute INSERT in a read-only transaction", ReadOnly, Never),
            ("cannot execute CREATE SCHEMA during recovery", ReadOnly, Never),
            ("could not extend file \"base/5/1\": No space left on device", StorageFull, Never),
            ("invalid page in block 3 of relation base/5/1", Corrupt, Never),
        ] {
            let error = statement(DatabaseErrorKind::Unknown, message, Stage::Open).expect(message);
            assert_eq!((error.kind(), error.retry()), (kind, retry), "{message}");
        }
        assert!(statement(DatabaseErrorKind::Unknown, "division by zero", Stage::Open).is_none());
    }

    #[test]
    fn a_lost_connection_is_ambiguous_only_while_committing() {
        for kind in [DatabaseErrorKind::ClosedConnection, DatabaseErrorKind::UnableToSendCommand] {
            assert_eq!(statement(kind, "x", Stage::Open).unwrap().retry(), Retry::Safe);
            assert_eq!(statement(kind, "x", Stage::Committing).unwrap().retry(), Retry::Ambiguous);
        }
        let message =
            "server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally";
        let error = statement(DatabaseErrorKind::Unknown, message, Stage::Committing).unwrap();
        assert_eq!(error.retry(), Retry::Ambiguous);
        assert_eq!(error.context_value("server"), Some("server closed the connection unexpectedly"));
    }

    #[test]
    fn connecting() {
        use ErrorKind::{Config, NotFound, PermissionDenied, Unavailable};
        use Retry::{Never, Safe};
        let at = "connection to server at \"127.0.0.1\", port 5432 failed: ";
        for (message, kind, retry) in [
            ("FATAL:  password authentication failed for user \"ann\"", PermissionDenied, Never),
            ("FATAL:  role \"ann\" does not exist", PermissionDenied, Never),
            ("FATAL:  Peer authentication failed for user \"ann\"", PermissionDenied, Never),
            ("fe_sendauth: no password supplied", PermissionDenied, Never),
            (
                "FATAL:  no pg_hba.conf entry for host \"1.2.3.4\", user \"u\", database \"d\", no encryption",
                PermissionDenied,
                Never,
            ),
            ("FATAL:  database \"app\" does not exist", NotFound, Never),
            ("FATAL:  the database system is starting up", Unavailable, Safe),
            ("FATAL:  sorry, too many clients already", Unavailable, Safe),
            (
                "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?",
                Unavailable,
                Safe,
            ),
            ("could not translate host name \"nohost\" to address: Name or service not known", Unavailable, Safe),
            ("timeout expired", Unavailable, Safe),
            (
                "No such file or directory\n\tIs the server running locally and accepting connections on that socket?",
                Unavailable,
                Safe,
            ),
            ("server does not support SSL, but SSL was required", Config, Never),
            ("SSL error: certificate verify failed", Config, Never),
            ("FATAL:  unsupported startup parameter: options", Config, Never),
            ("invalid sslmode value: \"maybe\"", Config, Never),
            ("received invalid response to SSL negotiation: H", Config, Never),
        ] {
            let error = classify_connect(&format!("{at}{message}\n"), str::to_owned).expect(message);
            assert_eq!((error.kind(), error.retry()), (kind, retry), "{message}");
        }
        assert!(classify_connect("something else", str::to_owned).is_none());
    }

    #[test]
    fn of_several_addresses_the_one_that_won_t_change_counts() {
        let message = "connection to server at \"localhost\" (::1), port 5432 failed: Connection refused\n\
                       connection to server at \"localhost\" (127.0.0.1), port 5432 failed: FATAL:  password \
                       authentication failed for user \"ann\"\n";
        let error = classify_connect(message, |text| text.replace("ann", "***")).unwrap();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::PermissionDenied, Retry::Never));
        assert!(!error.to_string().contains("ann"), "{error}");
    }

    #[test]
    fn no_secret_gets_through() {
        let error = statement(DatabaseErrorKind::Unknown, "permission denied for hunter2", Stage::Open).unwrap();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
