//! The right to migrate: an advisory lock, and who holds it.

use diesel::pg::data_types::PgTimestamp;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};
use polymnia::schema::{LockHolder, SchemaFault};
use polymnia::{Error, Result};

use crate::error::Fault;
use crate::session::Session;
use crate::sql::{Statement, time};

/// The advisory lock that a migrating process holds: "polymnia" in ASCII.
pub(super) const LOCK: i64 = 0x706f_6c79_6d6e_6961;
/// The same, as `pg_locks` shows it: the upper and the lower 32 bits.
const SHOWN: [i64; 2] = [LOCK >> 32, LOCK & 0xffff_ffff];

/// How long a process waits at most for a lock holder that it ended, in milliseconds.
const PATIENCE: i64 = 2_000;

/// Tries to take the lock for as long as the connection lives.
pub(super) fn try_for_session(session: &mut Session) -> Result<bool, Fault> {
    attempt(session, "SELECT pg_try_advisory_lock(")
}

/// Tries to take the lock for as long as the transaction lasts.
pub(super) fn try_for_transaction(session: &mut Session) -> Result<bool, Fault> {
    attempt(session, "SELECT pg_try_advisory_xact_lock(")
}

/// Gives back the lock that was taken for the connection.
pub(super) fn release(session: &mut Session) -> Result<bool, Fault> {
    attempt(session, "SELECT pg_advisory_unlock(")
}

fn attempt(session: &mut Session, function: &'static str) -> Result<bool, Fault> {
    let mut statement = Statement::<Bool>::new(function);
    statement.bind(LOCK).text(")").plan_each_time();
    session.load_one(statement)
}

/// Is a holder as the server describes it: process, program, role, address, since when.
type Row = (i64, Option<String>, Option<String>, Option<String>, Option<PgTimestamp>);

/// Returns who holds the lock.
pub(super) fn holder(session: &mut Session) -> Result<Option<LockHolder>, Fault> {
    let mut statement =
        Statement::<(BigInt, Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Timestamptz>)>::new(
            "SELECT held.pid::bigint, who.application_name, who.usename::text, host(who.client_addr), \
         coalesce(CASE WHEN who.application_name LIKE 'polymnia migrate%' THEN who.backend_start END, who.xact_start) \
         FROM pg_catalog.pg_locks AS held LEFT JOIN pg_catalog.pg_stat_activity AS who ON who.pid = held.pid WHERE ",
        );
    of_lock(&mut statement);
    statement.text(" LIMIT 1").plan_each_time();
    let rows: Vec<Row> = session.load(statement)?;
    Ok(rows.into_iter().next().map(|(process, program, role, address, since)| LockHolder {
        process,
        description: describe(program.as_deref(), role.as_deref(), address.as_deref()),
        since: since.and_then(time),
    }))
}

/// Ends the server's process that holds the lock, if it is that one still, and returns whether it did.
pub(super) fn end(session: &mut Session, process: i64) -> Result<bool, Fault> {
    let mut statement = Statement::<Bool>::new("SELECT pg_terminate_backend(held.pid, ");
    statement.bind(PATIENCE).text(") FROM pg_catalog.pg_locks AS held WHERE ");
    of_lock(&mut statement);
    statement.text(" AND held.pid = ").bind(process).plan_each_time();
    let ended: Vec<bool> = session.load(statement)?;
    Ok(ended.contains(&true))
}

/// Returns the error for a lock that was not to be had.
pub(super) fn locked(holder: Option<&LockHolder>) -> Error {
    let error = SchemaFault::Locked.error("another process is migrating this database");
    let error = match holder {
        None => error,
        Some(holder) => {
            let error = error.with_context("process", holder.process).with_context("holder", &holder.description);
            match holder.since {
                None => error,
                Some(since) => error.with_context("since", since),
            }
        }
    };
    error.with_hint("wait for it, or longer with --lock-wait; if it hangs, run `polymnia migrate unlock`")
}

fn of_lock<Columns>(statement: &mut Statement<'_, Columns>) {
    statement
        .text(
            "held.locktype = 'advisory' AND held.granted AND held.objsubid = 1 AND held.database = \
             (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) AND held.classid = ",
        )
        .bind(SHOWN[0])
        .text("::oid AND held.objid = ")
        .bind(SHOWN[1])
        .text("::oid");
}

fn describe(program: Option<&str>, role: Option<&str>, address: Option<&str>) -> String {
    let program = program.filter(|name| !name.is_empty()).unwrap_or("an unnamed program");
    let role = role.map_or(String::new(), |role| format!(", role {role}"));
    let address = address.map_or(String::new(), |address| format!(", from {address}"));
    format!("{program}{role}{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_shown_in_two_halves() {
        assert_eq!(SHOWN, [0x706f_6c79, 0x6d6e_6961]);
        assert_eq!((SHOWN[0] << 32) | SHOWN[1], LOCK);
    }

    #[test]
    fn a_holder_is_described_by_what_is_known() {
        assert_eq!(
            describe(Some("polymnia migrate ann@desk"), Some("app"), Some("10.0.0.5")),
            "polymnia migrate ann@desk, role app, from 10.0.0.5"
        );
        assert_eq!(describe(Some(""), None, None), "an unnamed program");
    }
}
