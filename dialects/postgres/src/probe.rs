//! Asks the server for the state behind an error whose message nobody recognised: it may be in any language.

use diesel::RunQueryDsl as _;
use diesel::connection::Connection as _;
use diesel::pg::PgConnection;
use diesel::sql_types::Bool;
use polymnia::spi::refusal;
use polymnia::{Error, ErrorKind, Retry};

use crate::config::Config;
use crate::error::{self, Fault};
use crate::session::Session;
use crate::sql::Statement;
use crate::startup;

/// Returns what the database's state explains, if anything.
pub(crate) fn explain(session: &mut Session) -> Option<Error> {
    let (missing, read_only, denied) = state(session).ok()?;
    if missing {
        Some(refusal::no_schema())
    } else if read_only {
        Some(error::read_only())
    } else {
        denied.then(error::denied)
    }
}

fn state(session: &mut Session) -> Result<(bool, bool, bool), Fault> {
    // Tables are looked up by oid: the functions that take a name fail for one that is missing or can't be seen.
    let mut statement = Statement::<(Bool, Bool, Bool)>::new(
        "SELECT memories.oid IS NULL, \
         pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on', \
         memories.oid IS NOT NULL AND NOT ( \
         has_schema_privilege(memories.relnamespace, 'USAGE') \
         AND has_table_privilege(memories.oid, 'SELECT') \
         AND has_table_privilege(memories.oid, 'INSERT') \
         AND has_table_privilege(memories.oid, 'UPDATE') \
         AND has_table_privilege(memories.oid, 'DELETE')) \
         FROM (VALUES (1)) AS one (row) \
         LEFT JOIN pg_catalog.pg_class AS memories ON memories.relname = 'memories' \
         AND memories.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'polymnia')",
    );
    statement.plan_each_time();
    session.load_one(statement)
}

/// Returns the error for a connect that failed with a message that nobody recognised.
///
/// A server greets in its own language, and the code of an error can't be had from libpq. So the server is asked again in
/// ways whose outcome tells.
pub(crate) fn explain_connect(config: &Config, message: &str) -> Error {
    let shown = config.scrub(&error::one_line(message));
    if !is_of_server(message) {
        return error::unrecognised(&shown);
    }
    let error = match startup::code(config).as_deref() {
        // The classes of an operator's intervention, and of lacking resources.
        Some(code) if code.starts_with("57P") || code.starts_with("53") => {
            Error::new(ErrorKind::Unavailable, "the server takes no connections at the moment").with_retry(Retry::Safe)
        }
        Some(_) => refused(),
        None => match database_exists(config) {
            Some(false) => Error::new(ErrorKind::NotFound, "there is no such database")
                .with_hint("create it (createdb), or name another"),
            Some(true) => Error::new(ErrorKind::PermissionDenied, "the role may not connect to the database"),
            None => refused(),
        },
    };
    error.with_context("server", shown)
}

fn refused() -> Error {
    Error::new(ErrorKind::PermissionDenied, "the server doesn't let this role in with this password")
        .with_hint("check the user name and the password of the database URL")
}

/// Returns whether the server wrote the message: it puts a severity, a colon and two spaces before it. libpq's own are
/// English, and recognised where they are known.
fn is_of_server(message: &str) -> bool {
    message.lines().any(|line| line.rsplit_once(" failed: ").is_some_and(|(_, rest)| rest.contains(":  ")))
}

/// Asks another database of the server, if one lets us in, whether ours is there.
fn database_exists(config: &Config) -> Option<bool> {
    let name = config.value("dbname").or_else(|| config.value("user"))?;
    let connect = |other: &&str| PgConnection::establish(&config.conninfo_with("dbname", other)).ok();
    let mut connection = ["postgres", "template1"].iter().filter(|other| **other != name).find_map(connect)?;
    let mut statement = Statement::<Bool>::new("SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = ");
    statement.bind(name).text(")").plan_each_time();
    statement.get_result(&mut connection).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_s_words_are_told_from_libpq_s() {
        for line in ["FATAL:  das Datenbanksystem startet", "VERHÄNGNISVOLL:  x"] {
            assert!(
                is_of_server(&format!("connection to server at \"h\" (::1), port 5432 failed: {line}\n")),
                "{line}"
            );
        }
        assert!(!is_of_server("connection to server at \"h\", port 5432 failed: something else\n"));
    }
}
