//! How a connection is set up that migrates, and whether it may.

use diesel::sql_types::{Bool, Text};
use polymnia::schema::SessionOptions;

use crate::config::millis;
use crate::error::{self, Fault};
use crate::schema::ledger;
use crate::session::Session;
use crate::sql::Statement;

/// What the server calls a connection that migrates, before who it is.
const PROGRAM: &str = "polymnia migrate";
/// The most bytes that the server keeps of it.
const PROGRAM_BYTES: usize = 63;

/// What a session of migrating needs, set for as long as the connection lives (`false`) or the transaction lasts (`true`).
///
/// - It ends no statement and no transaction for taking long: a backup may be made while one is open.
/// - A server whose client is gone without a word (a network that was cut) notices within half a minute. A process that was
///   killed closes its socket, for which there is `client_connection_check_interval`.
/// - Scripts mean what they say, whatever the role's settings. Its search path is left as it is: what an application's migrations
///   make without naming a schema is not to end up in ours.
/// - What reads the catalogs is many small queries, whose compilation takes longer than they do.
const SETTINGS: [&str; 2] = [
    "SELECT set_config(one.name, wanted.value, ",
    ") FROM pg_catalog.pg_settings AS one JOIN (VALUES ('statement_timeout', '0'), \
     ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0'), ('transaction_timeout', '0'), \
     ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3'), \
     ('standard_conforming_strings', 'on'), \
     ('jit', 'off'), ('lock_timeout', ",
];
const SETTINGS_END: &str = ")) AS wanted (name, value) ON wanted.name = one.name";
/// Has the server look, while a statement runs, whether its client is still there. Not every server can.
pub(super) const CHECK_CLIENT: &str = "SET client_connection_check_interval = '500ms'";

/// Sets it up, for as long as the connection lives, or the transaction lasts.
pub(super) fn settle(session: &mut Session, options: &SessionOptions, local: bool) -> Result<(), Fault> {
    let [set, values] = SETTINGS;
    let mut statement = Statement::<Text>::new(set);
    let lock_timeout = millis(Some(options.lock_timeout)).to_string();
    statement.bind(local).text(values).bind(lock_timeout).text(SETTINGS_END).plan_each_time();
    let _set: Vec<String> = session.load(statement)?;
    Ok(())
}

/// Returns every setting that a statement can change, as JSON, to be put back after a step.
pub(super) fn keep(session: &mut Session) -> Result<String, Fault> {
    let mut statement = Statement::<Text>::new(
        "SELECT (jsonb_object_agg(name, setting) || jsonb_build_object('role', current_setting('role'), \
         'session_authorization', current_setting('session_authorization')))::text FROM pg_catalog.pg_settings \
         WHERE context IN ('user', 'superuser') \
         AND name NOT IN ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable')",
    );
    statement.plan_each_time();
    session.load_one(statement)
}

/// Puts back what a step set for the rest of the session: the next one is to run as it would alone.
pub(super) fn put_back(session: &mut Session, kept: &str) -> Result<(), Fault> {
    // Whom the session acts as comes first: as another, it may not set the rest.
    for changed in [
        "::jsonb) AS kept WHERE kept.key = 'session_authorization' AND current_setting(kept.key) <> kept.value",
        "::jsonb) AS kept WHERE kept.key = 'role' AND current_setting(kept.key) <> kept.value",
        "::jsonb) AS kept JOIN pg_catalog.pg_settings AS one ON one.name = kept.key AND one.setting <> kept.value",
    ] {
        let mut statement =
            Statement::<Text>::new("SELECT set_config(kept.key, kept.value, false) FROM jsonb_each_text(");
        statement.bind(kept.to_owned()).text(changed).plan_each_time();
        let _set: Vec<String> = session.load(statement)?;
    }
    Ok(())
}

/// Checks that the server takes writes and the role may write, before anything is tried.
pub(super) fn check_writable(session: &mut Session) -> Result<(), Fault> {
    let mut statement =
        Statement::<Bool>::new("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'");
    statement.plan_each_time();
    if session.load_one(statement)? {
        return Err(error::read_only().into());
    }
    ledger::check_may_migrate(session)
}

/// Returns what the server calls the connection: who migrates, from where.
pub(super) fn program() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    let (user, host) = (user.unwrap_or_default(), host.unwrap_or_default());
    program_of(&user, host.trim(), std::process::id())
}

fn program_of(user: &str, host: &str, process: u32) -> String {
    let user = if user.is_empty() { "somebody" } else { user };
    let host = if host.is_empty() { "somewhere" } else { host };
    // The server replaces what is not ASCII by itself, and cuts.
    let mut text = format!("{PROGRAM} {user}@{host} pid {process}");
    if text.len() > PROGRAM_BYTES {
        let end = (0..=PROGRAM_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_tells_who_it_is() {
        assert_eq!(program_of("ann", "desk", 7), "polymnia migrate ann@desk pid 7");
        assert_eq!(program_of("", "", 7), "polymnia migrate somebody@somewhere pid 7");
        assert!(program_of(&"é".repeat(40), "desk", 7).len() <= PROGRAM_BYTES);
    }
}
