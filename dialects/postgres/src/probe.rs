//! Asks the server for the state behind an error whose message nobody recognised: it may be in any language.

use diesel::sql_types::Bool;
use polymnia::Error;

use crate::config::Config;
use crate::error::{self, Fault};
use crate::session::Session;
use crate::sql::Statement;

/// Returns what the database's state explains, if anything.
pub(crate) fn explain(session: &mut Session) -> Option<Error> {
    let (missing, read_only, denied) = state(session).ok()?;
    if missing {
        Some(error::not_initialised())
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

/// Returns the error for a connect that failed with this message, scrubbed.
pub(crate) fn explain_connect(_config: &Config, message: &str) -> Error {
    error::unrecognised(message)
}
