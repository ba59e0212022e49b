//! Indexes that a build without locks made, or left half-made.

use diesel::sql_types::{Bool, Text};

use crate::error::Fault;
use crate::quote;
use crate::session::Session;
use crate::sql::Statement;

/// Lists the indexes that are INVALID and that nobody is building, qualified.
pub(super) fn invalid(session: &mut Session) -> Result<Vec<String>, Fault> {
    let mut statement = Statement::<Text>::new("SELECT format('%I.%I', schema.nspname, one.relname) ");
    statement.text(HALF_MADE).text(" ORDER BY 1").plan_each_time();
    session.load(statement)
}

/// Returns the statement that drops an index that is INVALID, or none if there is no such index.
pub(super) fn drop_invalid(session: &mut Session, name: &str, concurrently: bool) -> Result<Option<String>, Fault> {
    let mut statement = Statement::<(Text, Text)>::new("SELECT schema.nspname::text, one.relname::text ");
    statement.text(HALF_MADE).text(" AND one.oid IN (");
    named(&mut statement, name);
    statement.text(")").plan_each_time();
    let rows: Vec<(String, String)> = session.load(statement)?;
    Ok(rows.first().map(|(schema, name)| quote::drop_any_index(schema, name, concurrently)))
}

/// Returns whether there is a valid index of a name, which is written as a script writes it.
pub(super) fn is_there(session: &mut Session, name: &str) -> Result<bool, Fault> {
    let mut statement = Statement::<Bool>::new(
        "SELECT coalesce(bool_or(state.indisvalid), false) FROM pg_catalog.pg_index AS state WHERE state.indexrelid IN (",
    );
    named(&mut statement, name);
    statement.text(")").plan_each_time();
    session.load_one(statement)
}

/// What is INVALID, but for what a session is building right now, and for indexes of partitioned tables, which are INVALID
/// until each partition has one.
const HALF_MADE: &str = "FROM pg_catalog.pg_class AS one \
     JOIN pg_catalog.pg_namespace AS schema ON schema.oid = one.relnamespace AND schema.nspname !~ '^pg_' \
     JOIN pg_catalog.pg_index AS state ON state.indexrelid = one.oid AND NOT state.indisvalid \
     WHERE one.relkind = 'i' AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS building \
     WHERE building.index_relid = one.oid AND building.datname = current_database())";

/// Adds the oids of the indexes of a name: the one that the search path leads to, else those of that name anywhere, because an
/// index stands in its table's schema, whatever the path.
fn named<'a, Columns>(statement: &mut Statement<'a, Columns>, name: &'a str) {
    statement
        .text("WITH parts AS (SELECT parse_ident(")
        .bind(name)
        .text(
            ") AS parts), found AS (SELECT one.oid, schema.nspname = ANY (current_schemas(false)) AS near \
             FROM parts, pg_catalog.pg_class AS one JOIN pg_catalog.pg_namespace AS schema ON schema.oid = one.relnamespace \
             WHERE one.relkind IN ('i', 'I') AND one.relname = (parts.parts[cardinality(parts.parts)])::name \
             AND (cardinality(parts.parts) = 1 OR schema.nspname = (parts.parts[cardinality(parts.parts) - 1])::name)) \
             SELECT oid FROM found WHERE near OR NOT EXISTS (SELECT FROM found WHERE near)",
        );
}
