//! The messages of servers and of libpq, and what they mean.

use polymnia::{Error, ErrorKind, Retry};

use super::INIT;

/// Returns the first rule that fits.
pub(super) fn find(rules: &'static [Rule], message: &str) -> Option<&'static Rule> {
    rules.iter().find(|rule| rule.texts.iter().all(|text| message.contains(text)))
}

/// Is the meaning of a message that holds all of `texts`.
pub(super) struct Rule {
    texts: &'static [&'static str],
    kind: ErrorKind,
    pub(super) retry: Retry,
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

    /// Returns the error it means.
    pub(super) fn error(&self) -> Error {
        let error = Error::new(self.kind, self.message).with_retry(self.retry);
        if self.hint.is_empty() { error } else { error.with_hint(self.hint) }
    }
}

/// A connection that is gone, whatever kind of error diesel makes of it.
pub(super) const LOST: &[&str] = &[
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
pub(super) const DEADLOCK: &[&str] = &[
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

const POOLER: &str = "if a connection pooler such as pgbouncer stands before the server, add prepared_statements=off to the \
                      database URL";
const TLS_FILES: &str = "name the certificate authority with sslrootcert=<file>, or use sslrootcert=system";

const END_PROCESS: &str = "do it as the role that owns the process, or as one with the rights of pg_signal_backend";

const STARTING: &str = "the server is starting up or shutting down";
const CROWDED: &str = "the server has no connection left";

/// What statements meet. The first rule that fits holds.
pub(super) const STATEMENT: &[Rule] = &[
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
        &["permission denied to terminate process"],
        ErrorKind::PermissionDenied,
        "the role may not end that process",
        END_PROCESS,
    ),
    Rule::never(
        &["must be a member of the role whose process"],
        ErrorKind::PermissionDenied,
        "the role may not end that process",
        END_PROCESS,
    ),
    Rule::never(
        &["must be a superuser to terminate"],
        ErrorKind::PermissionDenied,
        "the role may not end that process",
        END_PROCESS,
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
pub(super) const CONNECT: &[Rule] = &[
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
    Rule::safe(&["SSL SYSCALL error"], "the server closed the connection"),
    Rule::safe(&["SSL error: unexpected eof"], "the server closed the connection"),
    Rule::never(&["SSL error"], ErrorKind::Config, "no encrypted connection could be agreed on", ""),
    Rule::never(&["GSS"], ErrorKind::Config, "no GSSAPI connection could be made", ""),
    Rule::never(&["channel binding"], ErrorKind::Config, "channel binding is asked for and can't be had", ""),
    Rule::safe(&["could not translate host name"], "the host is unknown"),
    Rule::never(&["could not look up local user"], ErrorKind::Config, "the local user is unknown: name a user", ""),
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
