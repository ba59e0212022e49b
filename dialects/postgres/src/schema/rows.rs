//! Rows: how many there are, and which lead nowhere.

use std::collections::BTreeMap;

use diesel::sql_types::{Array, BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use polymnia::Call;
use polymnia::schema::Orphans;

use super::ledger;
use crate::error::Fault;
use crate::quote;
use crate::read::unsigned;
use crate::session::Session;
use crate::sql::Statement;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// Counts the rows of each table that the role may read, but for the ledgers, by its qualified name.
pub(super) fn counts(session: &mut Session, call: &Call) -> Result<BTreeMap<String, u64>, Fault> {
    let mut statement = Statement::<(Text, Text, Text)>::new(
        "SELECT format('%I.%I', schema.nspname, one.relname), schema.nspname::text, one.relname::text \
         FROM pg_catalog.pg_class AS one \
         JOIN pg_catalog.pg_namespace AS schema ON schema.oid = one.relnamespace \
         WHERE one.relkind IN ('r', 'p') AND NOT one.relispartition AND schema.nspname !~ '^pg_' \
         AND schema.nspname <> 'information_schema' AND has_table_privilege(one.oid, 'SELECT') \
         AND has_schema_privilege(schema.oid, 'USAGE') \
         AND NOT (schema.nspname = 'polymnia' AND one.relname = ANY (",
    );
    statement.bind(ledger::TABLES.to_vec()).text(")) ORDER BY 1, 2").plan_each_time();
    let tables: Vec<(String, String, String)> = session.load(statement)?;
    let mut counts = BTreeMap::new();
    for (shown, schema, name) in tables {
        call.check()?;
        let count: Count = sql_query(quote::count(&schema, &name)).get_result(&mut session.connection)?;
        counts.insert(shown, unsigned(count.rows));
    }
    Ok(counts)
}

/// Is a foreign key as the catalog describes it: the table and its parent as they are shown, the schemas and names of both, the
/// columns of both.
type Row = (String, String, String, String, String, String, Vec<String>, Vec<String>);

/// Lists rows whose foreign keys lead nowhere. The server keeps the keys that it has validated, so only those that are NOT
/// VALID are looked at.
pub(super) fn orphans(session: &mut Session, call: &Call) -> Result<Vec<Orphans>, Fault> {
    let mut statement = Statement::<(Text, Text, Text, Text, Text, Text, Array<Text>, Array<Text>)>::new(
        "SELECT format('%I.%I', here.nspname, child.relname), format('%I.%I', there.nspname, parent.relname), \
         here.nspname::text, child.relname::text, there.nspname::text, parent.relname::text, \
         ARRAY(SELECT attname::text FROM unnest(one.conkey) WITH ORDINALITY AS key (number, place) \
         JOIN pg_catalog.pg_attribute ON attrelid = one.conrelid AND attnum = number ORDER BY place), \
         ARRAY(SELECT attname::text FROM unnest(one.confkey) WITH ORDINALITY AS key (number, place) \
         JOIN pg_catalog.pg_attribute ON attrelid = one.confrelid AND attnum = number ORDER BY place) \
         FROM pg_catalog.pg_constraint AS one \
         JOIN pg_catalog.pg_class AS child ON child.oid = one.conrelid \
         JOIN pg_catalog.pg_namespace AS here ON here.oid = child.relnamespace \
         JOIN pg_catalog.pg_class AS parent ON parent.oid = one.confrelid \
         JOIN pg_catalog.pg_namespace AS there ON there.oid = parent.relnamespace \
         WHERE one.contype = 'f' AND NOT one.convalidated ORDER BY 1, one.conname",
    );
    statement.plan_each_time();
    let keys: Vec<Row> = session.load(statement)?;
    let mut orphans = Vec::new();
    for (table, parent, child_schema, child, parent_schema, parent_name, from, to) in keys {
        call.check()?;
        let text = quote::count_orphans([&child_schema, &child], [&parent_schema, &parent_name], &from, &to);
        let count: Count = sql_query(text).get_result(&mut session.connection)?;
        if count.rows > 0 {
            orphans.push(Orphans { table, parent, rows: unsigned(count.rows) });
        }
    }
    Ok(orphans)
}
