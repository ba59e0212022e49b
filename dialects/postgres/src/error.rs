//! What the server's and libpq's errors mean.
//!
//! diesel tells a few SQLSTATEs apart and leaves the rest to be recognised by message. Messages follow the server's
//! `lc_messages`, which a connection sets to C where its role may; what stays unrecognised is asked for by
//! [`probe`](crate::probe).

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use polymnia::{Error, ErrorKind, Retry};

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

const POOLER: &str = "if a connection pooler such as pgbouncer stands before the server, add prepared_statements=off to the \
                      database URL";
const TLS_FILES: &str = "name the certificate authority with sslrootcert=<file>, or use sslrootcert=system";

/// Returns what an error of a statement means, if it is recognised. Its message, a line of the server's, is scrubbed of
/// secrets by `scrub`.
pub(crate) fn classify(error: &DieselError, stage: Stage, scrub: impl Fn(&str) -> String) -> Option<Error> {
    let DieselError::DatabaseError(kind, information) = error else {
        return match error {
            DieselError::RollbackErrorOnCommit { commit_error, .. } => classify(commit_error, stage, scrub),
            DieselError::BrokenTransactionManager => Some(lost(stage)),
            DieselError::DeserializationError(_) => {
                Some(Error::new(ErrorKind::Corrupt, "a stored value can't be read").with_context("value", error))
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
    if DEADLOCK.iter().any(|text| message.contains(text)) {
        let error = Error::new(ErrorKind::Unavailable, "two transactions waited for each other");
        return Some(server(error.with_retry(Retry::Safe)));
    }
    find(STATEMENT, message).map(|rule| server(rule.error()))
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

/// Returns the error for a database without our tables.
pub(crate) fn not_initialised() -> Error {
    Error::new(ErrorKind::Migration, "the schema is not initialised").with_hint(INIT)
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

fn find(rules: &'static [Rule], message: &str) -> Option<&'static Rule> {
    rules.iter().find(|rule| rule.texts.iter().all(|text| message.contains(text)))
}

/// Is the meaning of a message that holds all of `texts`.
struct Rule {
    texts: &'static [&'static str],
    kind: ErrorKind,
    retry: Retry,
    message: &'static str,
    hint: &'static str,
}

impl Rule {
    const fn never(texts: &'static [&'static str], kind: ErrorKind, message: &'static str, hint: &'static str) -> Self {
        Self { texts, kind, retry: Retry::Never, message, hint }
    }

    const fn safe(texts: &'static [&'static str], message: &'static str) -> Self {
        Self { texts, kind: ErrorKind::Unavailable, retry: Retry::Safe, message, hint: "" }
    }

    fn error(&self) -> Error {
        let error = Error::new(self.kind, self.message).with_retry(self.retry);
        if self.hint.is_empty() { error } else { error.with_hint(self.hint) }
    }
}

const LOST: &[&str] = &[
    "terminating connection",
    "server closed the connection unexpectedly",
    "no connection to the server",
    "connection to server was lost",
    "connection not open",
    "could not receive data from server",
    "could not send data to server",
    "SSL connection has been closed unexpectedly",
    "SSL SYSCALL error",
];

/// A deadlock in the languages the server speaks: no state is left by which it could be told.
const DEADLOCK: &[&str] = &[
    "deadlock",
    "Deadlock",
    "взаимоблокировка",
    "взаємне блокування",
    "ურთიერთბლოკირება",
    "デッドロック",
    "死锁",
    "死鎖",
    "impasse",
    "kilitlenme",
    "zakleszczenie",
];

const STARTING: &str = "the server is starting up or shutting down";
const CROWDED: &str = "the server has no connection left";

/// What statements meet. The first rule that fits holds.
const STATEMENT: &[Rule] = &[
    Rule::never(
        &["canceling statement due to statement timeout"],
        ErrorKind::Timeout,
        "a statement took longer than the statement timeout",
        "allow more with statement_timeout in the database URL, or a timeout of the operation's own",
    ),
    Rule::never(
        &["canceling statement due to user request"],
        ErrorKind::Cancelled,
        "somebody cancelled the statement on the server",
        "",
    ),
    Rule::safe(&["canceling statement due to lock timeout"], "a lock was not free in time"),
    Rule::safe(&["canceling statement due to conflict with recovery"], "the standby had to go on"),
    Rule::safe(&["could not serialize access"], "another transaction changed the same memories"),
    Rule::safe(&["could not obtain lock"], "a lock was not free"),
    Rule::safe(&["the database system is"], STARTING),
    Rule::safe(&["too many clients already"], CROWDED),
    Rule::safe(&["too many connections for"], CROWDED),
    Rule::safe(&["remaining connection slots are reserved"], CROWDED),
    Rule::never(
        &["prepared statement \"__diesel_stmt_"],
        ErrorKind::Config,
        "the server lost or mixed up a prepared statement",
        POOLER,
    ),
    Rule::never(
        &["relation \"polymnia.memories\" does not exist"],
        ErrorKind::Migration,
        "the schema is not initialised",
        INIT,
    ),
    Rule::never(&["schema \"polymnia\" does not exist"], ErrorKind::Migration, "the schema is not initialised", INIT),
    Rule::never(
        &["relation \"polymnia.", "does not exist"],
        ErrorKind::Migration,
        "the schema is behind this build",
        INIT,
    ),
    Rule::never(&["column ", "does not exist"], ErrorKind::Migration, "the schema is behind this build", INIT),
    Rule::never(
        &["permission denied for database"],
        ErrorKind::PermissionDenied,
        "the role may not do this in the database",
        "to initialise, the role needs CREATE on the database: GRANT CREATE ON DATABASE <database> TO <role>",
    ),
    Rule::never(
        &["permission denied"],
        ErrorKind::PermissionDenied,
        "the role lacks a privilege",
        "grant the role USAGE on the schema polymnia and SELECT, INSERT, UPDATE, DELETE on its tables",
    ),
    Rule::never(
        &["must be owner of"],
        ErrorKind::PermissionDenied,
        "the role does not own what it is to change",
        "migrate as the role that owns the schema polymnia",
    ),
    Rule::never(
        &["read-only transaction"],
        ErrorKind::ReadOnly,
        "the server takes no writes: it is a standby, or set read-only",
        "name the primary, or several hosts with target_session_attrs=read-write",
    ),
    Rule::never(
        &["during recovery"],
        ErrorKind::ReadOnly,
        "the server takes no writes: it is a standby, or set read-only",
        "name the primary, or several hosts with target_session_attrs=read-write",
    ),
    Rule::never(
        &["could not extend file"],
        ErrorKind::StorageFull,
        "the server's disk is full",
        "free some space on it",
    ),
    Rule::never(
        &["No space left on device"],
        ErrorKind::StorageFull,
        "the server's disk is full",
        "free some space on it",
    ),
    Rule::never(&["disk full"], ErrorKind::StorageFull, "the server's disk is full", "free some space on it"),
    Rule::never(&["uota exceeded"], ErrorKind::StorageFull, "the server's quota is used up", "free some space on it"),
    Rule::never(&["invalid page in block"], ErrorKind::Corrupt, "the server found a damaged page", ""),
    Rule::never(&["could not read block"], ErrorKind::Corrupt, "the server can't read a page", ""),
    Rule::never(&["missing chunk number"], ErrorKind::Corrupt, "the server found a damaged value", ""),
    Rule::safe(&["out of shared memory"], "the server has no room for another lock"),
];

/// What connecting meets, line by line. The first rule that fits holds.
const CONNECT: &[Rule] = &[
    Rule::never(
        &["password authentication failed"],
        ErrorKind::PermissionDenied,
        "the server refused the password, or doesn't know the role",
        "check the user name and the password of the database URL",
    ),
    Rule::never(
        &["no password supplied"],
        ErrorKind::PermissionDenied,
        "the server wants a password, and none was given",
        "put it into the database URL, ~/.pgpass or PGPASSWORD",
    ),
    Rule::never(
        &["authentication failed for user"],
        ErrorKind::PermissionDenied,
        "the server doesn't let this role in",
        "check the user name of the database URL, and pg_hba.conf on the server",
    ),
    Rule::never(
        &["no pg_hba.conf entry"],
        ErrorKind::PermissionDenied,
        "the server's pg_hba.conf lets nobody in from here with this role, database and encryption",
        "",
    ),
    Rule::never(
        &["pg_hba.conf rejects connection"],
        ErrorKind::PermissionDenied,
        "the server's pg_hba.conf refuses this connection",
        "",
    ),
    Rule::never(&["role ", "does not exist"], ErrorKind::PermissionDenied, "the server doesn't know the role", ""),
    Rule::never(&["is not permitted to log in"], ErrorKind::PermissionDenied, "the role may not log in", ""),
    Rule::never(
        &["authentication method"],
        ErrorKind::PermissionDenied,
        "the server asks for another authentication",
        "",
    ),
    Rule::never(
        &["database ", "does not exist"],
        ErrorKind::NotFound,
        "there is no such database",
        "create it (createdb), or name another",
    ),
    Rule::never(
        &["permission denied for database"],
        ErrorKind::PermissionDenied,
        "the role may not connect to the database",
        "",
    ),
    Rule::never(
        &["is not currently accepting connections"],
        ErrorKind::PermissionDenied,
        "the database takes no connections",
        "",
    ),
    Rule::never(&["User does not have CONNECT privilege"], ErrorKind::PermissionDenied, "the role may not connect", ""),
    Rule::never(&["permission denied to set parameter"], ErrorKind::Config, "the role may not set a parameter", ""),
    Rule::safe(&["the database system is"], STARTING),
    Rule::safe(&["too many clients already"], CROWDED),
    Rule::safe(&["too many connections for"], CROWDED),
    Rule::safe(&["remaining connection slots are reserved"], CROWDED),
    Rule::never(
        &["unsupported startup parameter"],
        ErrorKind::Config,
        "the server refuses the options it was sent",
        POOLER,
    ),
    Rule::never(&["unrecognized configuration parameter"], ErrorKind::Config, "the server doesn't know an option", ""),
    Rule::never(&["invalid value for parameter"], ErrorKind::Config, "the server refuses the value of an option", ""),
    Rule::never(&["invalid command-line argument"], ErrorKind::Config, "the server refuses an option", ""),
    Rule::never(&["when SSL support is not compiled in"], ErrorKind::Config, "this build has no TLS", crate::tls::HINT),
    Rule::never(
        &["server does not support SSL"],
        ErrorKind::Config,
        "the server offers no encrypted connections",
        "switch on ssl in postgresql.conf, or use sslmode=prefer where the way to the server is safe",
    ),
    Rule::never(
        &["certificate verify failed"],
        ErrorKind::Config,
        "the server's certificate is not signed by a known authority",
        TLS_FILES,
    ),
    Rule::never(
        &["root certificate file"],
        ErrorKind::Config,
        "the certificates of authorities can't be read",
        TLS_FILES,
    ),
    Rule::never(
        &["does not match host name"],
        ErrorKind::Config,
        "the server's certificate is for another host",
        "name the host as the certificate does (hostaddr may carry its address), or use sslmode=verify-ca",
    ),
    Rule::never(&["certificate present, but not private key"], ErrorKind::Config, "the key of sslcert is missing", ""),
    Rule::never(&["private key file"], ErrorKind::Config, "the key of sslcert can't be read", ""),
    Rule::never(&["certificate file"], ErrorKind::Config, "a certificate can't be read", ""),
    Rule::never(&["SSL error"], ErrorKind::Config, "no encrypted connection could be agreed on", ""),
    Rule::never(&["GSS"], ErrorKind::Config, "no GSSAPI connection could be made", ""),
    Rule::never(&["channel binding"], ErrorKind::Config, "channel binding is asked for and can't be had", ""),
    Rule::safe(&["could not translate host name"], "the host is unknown"),
    Rule::safe(&["could not look up local user"], "the local user is unknown"),
    Rule::safe(&["session is read-only"], "no host takes writes"),
    Rule::safe(&["session is not read-only"], "no host is read-only"),
    Rule::safe(&["server is in hot standby mode"], "no host is a primary"),
    Rule::safe(&["server is not in hot standby mode"], "no host is a standby"),
    Rule::safe(&["Connection refused"], "the server can't be reached"),
    Rule::safe(&["No such file or directory"], "the server can't be reached: there is no such socket"),
    Rule::safe(&["timeout expired"], "the server did not answer in time"),
    Rule::safe(&["timed out"], "the server did not answer in time"),
    Rule::safe(&["Network is unreachable"], "the server can't be reached"),
    Rule::safe(&["No route to host"], "the server can't be reached"),
    Rule::safe(&["Connection reset by peer"], "the server closed the connection"),
    Rule::safe(&["Broken pipe"], "the server closed the connection"),
    Rule::safe(&["server closed the connection unexpectedly"], "the server closed the connection"),
    Rule::safe(&["terminating connection"], "the server closed the connection"),
    Rule::safe(&["could not receive data from server"], "the server closed the connection"),
    Rule::safe(&["could not send"], "the server closed the connection"),
    Rule::never(&["Permission denied"], ErrorKind::PermissionDenied, "the server's socket may not be opened", ""),
    Rule::never(
        &["expected authentication request from server"],
        ErrorKind::Config,
        "what answers there is no PostgreSQL server",
        "check the host and the port of the database URL",
    ),
    Rule::never(
        &["received invalid response"],
        ErrorKind::Config,
        "what answers there is no PostgreSQL server",
        "check the host and the port of the database URL",
    ),
    Rule::never(
        &["Unix-domain socket path", "is too long"],
        ErrorKind::Config,
        "the path of the socket is too long",
        "",
    ),
    Rule::never(
        &["could not match"],
        ErrorKind::Config,
        "the lists of hosts, addresses and ports differ in length",
        "",
    ),
    Rule::never(&["definition of service"], ErrorKind::Config, "the service is not defined", ""),
    Rule::never(&["service file"], ErrorKind::Config, "the service file can't be read", ""),
    Rule::never(&["invalid"], ErrorKind::Config, "a parameter of the database URL has a value that can't be used", ""),
    Rule::never(&["not compiled in"], ErrorKind::Config, "this build lacks what a parameter asks for", ""),
    Rule::never(&["not supported by this build"], ErrorKind::Config, "this build lacks what a parameter asks for", ""),
];

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
