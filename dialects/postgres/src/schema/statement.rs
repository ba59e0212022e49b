//! One statement of a migration: running it, and what it failed with.

use std::time::Duration;

use diesel::connection::Connection as _;
use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};
use diesel::sql_query;
use polymnia::schema::StatementError;
use polymnia::{Error, ErrorKind, Retry};

use crate::config::Config;
use crate::error::{self, Stage};
use crate::session::Session;

/// Runs a statement as it stands, and returns how many rows it changed.
pub(super) fn run(session: &mut Session, statement: &str) -> Result<u64, DieselError> {
    // Not by the simple protocol: what is one statement to us is one to the server, or an error.
    let rows = session.connection.execute_returning_count(&sql_query(statement))?;
    Ok(u64::try_from(rows).unwrap_or(u64::MAX))
}

/// Refuses a statement that would have the client send or take rows: the server would wait for ever, and there is nobody to.
pub(super) fn check(statement: &str) -> Result<(), Error> {
    let mut words = words(statement);
    let is_copy = words.next().is_some_and(|word| word.eq_ignore_ascii_case("COPY"));
    let of_client = |word: &str| ["STDIN", "STDOUT"].iter().any(|other| word.eq_ignore_ascii_case(other));
    if is_copy && words.any(of_client) {
        let message =
            "COPY from or to the client can't stand in a migration: it has no rows to give and nowhere to put any";
        return Err(Error::new(ErrorKind::Unsupported, message).with_hint("write the rows as INSERT"));
    }
    Ok(())
}

fn words(statement: &str) -> impl Iterator<Item = &str> {
    statement.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Returns whether a statement's waits for locks keep no reader or writer waiting, so that it may wait for long.
///
/// What is done CONCURRENTLY, and VACUUM, lock a table in a mode that only other such work and DDL want; then the former
/// wait for transactions that are older, in whose way they don't stand. With a short `lock_timeout` a build of an index would
/// never end while there is any long transaction, and leave an INVALID index each time. Without any, it would wait for
/// ever behind a session that was forgotten: so it waits as long as the whole run may.
pub(super) fn is_patient(statement: &str) -> bool {
    let mut words = words(statement);
    let Some(first) = words.next() else { return false };
    let is = |word: &str, other: &str| word.eq_ignore_ascii_case(other);
    if is(first, "VACUUM") {
        return true;
    }
    // REFRESH MATERIALIZED VIEW CONCURRENTLY is not among them: it keeps writers waiting.
    ["CREATE", "DROP", "REINDEX"].iter().any(|other| is(first, other))
        && words.take(6).any(|word| is(word, "CONCURRENTLY"))
}

/// Returns what a statement failed with, in the server's own words, without the values of rows.
pub(super) fn explain(config: &Config, statement: &str, error: &DieselError, waited: Duration) -> StatementError {
    let scrub = |text: &str| config.scrub(text);
    let DieselError::DatabaseError(_, information) = error else {
        let known = error::classify(error, Stage::Open, scrub);
        return known.unwrap_or_else(|| error::unrecognised(&scrub(error::first_line(&error.to_string())))).into();
    };
    let message = scrub(&without_values(error::first_line(information.message())));
    let offset = information.statement_position().and_then(|place| byte_offset(statement, place));
    if is_lock_trouble(information.message()) {
        let error = Error::new(ErrorKind::Unavailable, "a lock was not free in time")
            .with_retry(Retry::Safe)
            .with_context("server", message)
            .with_context("waited", format!("{} ms", waited.as_millis()));
        return StatementError { error, offset, lock_timeout: true };
    }
    let error = match error::classify(error, Stage::Open, |text| scrub(&without_values(text))) {
        // What the tables lack, a migration is there to make: the server's words tell more.
        Some(known) if known.kind() != ErrorKind::Migration => known,
        _ => described(message, error, &**information),
    };
    StatementError { error, offset, lock_timeout: false }
}

/// Adds what the server names apart from its message. Not the detail, which shows the values of a row.
fn described(message: String, error: &DieselError, information: &dyn DatabaseErrorInformation) -> Error {
    let mut described = Error::new(ErrorKind::Migration, message);
    let table = information.table_name();
    let constraint = information.constraint_name();
    for (name, value) in [("table", table), ("constraint", constraint)] {
        if let Some(value) = value {
            described = described.with_context(name, value);
        }
    }
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => described.with_hint(
            "look for rows with the same key: SELECT <key>, count(*) FROM <table> GROUP BY <key> HAVING count(*) > 1",
        ),
        _ => described,
    }
}

/// Returns the byte offset of a place that the server counts in characters, from 1.
pub(super) fn byte_offset(statement: &str, place: i32) -> Option<usize> {
    let before = usize::try_from(place).ok()?.checked_sub(1)?;
    statement.char_indices().map(|(at, _)| at).chain([statement.len()]).nth(before)
}

/// Leaves out what the server quotes of a value: `invalid input syntax for type integer: "x"`, `value "x" is out of range`.
///
/// Names of objects stand in quotes too, but neither after a colon nor after the word value.
pub(super) fn without_values(message: &str) -> String {
    if let Some(at) =
        [": \"", ": »", ": «", ": „", ": “", ": 「", ":\"", " : «"].iter().filter_map(|mark| message.find(mark)).min()
    {
        return format!("{}: ...", &message[..at]);
    }
    for before in ["value \"", "Wert »", "valeur « ", "valor «"] {
        if let Some(at) = message.find(before) {
            let start = at + before.len();
            let end = message[start..].rfind(['"', '«', '»']).map_or(message.len(), |end| start + end);
            return format!("{}...{}", &message[..start], &message[end..]);
        }
    }
    message.to_owned()
}

/// Returns whether a message says that a lock was not to be had: not in time, or not without a deadlock. diesel keeps no state that would tell, so the languages
/// that the server speaks stand here, for roles that may not choose one.
pub(super) fn is_lock_trouble(message: &str) -> bool {
    LOCK_TIMEOUT.iter().any(|text| message.contains(text)) || error::is_deadlock(message)
}

const LOCK_TIMEOUT: &[&str] = &[
    "canceling statement due to lock timeout",
    "could not obtain lock on",
    "wegen Zeitüberschreitung einer Sperre",
    "tiempo de espera de candados",
    "délai écoulé pour l'obtention des verrous",
    "a causa di timeout di lock",
    "ロックのタイムアウトのため",
    "ბლოკის მოლოდინის ვადის ამოწურვის გამო",
    "잠금 대기 시간 초과로",
    "из-за тайм-аута блокировки",
    "på grund av lås-timeout",
    "через тайм-аут блокування",
    "由于锁超时",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters() {
        assert_eq!(byte_offset("SELECT é, x", 1), Some(0));
        assert_eq!(byte_offset("SELECT é, x", 9), Some(9));
        assert_eq!(byte_offset("ab", 3), Some(2), "the end");
        assert_eq!(byte_offset("ab", 4), None);
        assert_eq!(byte_offset("ab", 0), None);
    }

    #[test]
    fn values_are_left_out_and_names_kept() {
        for (message, expected) in [
            ("invalid input syntax for type integer: \"secret: \"x\"\"", "invalid input syntax for type integer: ..."),
            ("ungültige Eingabesyntax für Typ integer: »geheim«", "ungültige Eingabesyntax für Typ integer: ..."),
            (
                "value \"123456789012\" is out of range for type integer",
                "value \"...\" is out of range for type integer",
            ),
            ("relation \"polymnia.x\" already exists", "relation \"polymnia.x\" already exists"),
            ("could not create unique index \"x_key\"", "could not create unique index \"x_key\""),
            (
                "null value in column \"a\" of relation \"b\" violates not-null constraint",
                "null value in column \"a\" of relation \"b\" violates not-null constraint",
            ),
        ] {
            assert_eq!(without_values(message), expected);
        }
    }

    #[test]
    fn rows_of_the_client_are_refused() {
        assert!(check("copy polymnia.t (a) from stdin;").is_err());
        assert!(check("COPY t FROM '/srv/rows'").is_ok());
        assert!(check("CREATE TABLE stdin (copy int)").is_ok());
    }

    #[test]
    fn only_what_keeps_nobody_waiting_waits_long() {
        for (statement, expected) in [
            ("CREATE UNIQUE INDEX CONCURRENTLY a ON b (c)", true),
            ("create index\n concurrently if not exists a on b (c)", true),
            ("DROP INDEX CONCURRENTLY a", true),
            ("REINDEX (VERBOSE) INDEX CONCURRENTLY a", true),
            ("VACUUM a", true),
            ("REFRESH MATERIALIZED VIEW CONCURRENTLY a", false),
            ("CREATE INDEX a ON b (c)", false),
            ("ALTER TABLE a ADD b text DEFAULT 'VACUUM CONCURRENTLY'", false),
            ("", false),
        ] {
            assert_eq!(is_patient(statement), expected, "{statement}");
        }
    }
}
