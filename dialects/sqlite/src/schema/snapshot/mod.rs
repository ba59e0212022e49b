//! The live schema, from SQLite's catalog and the statements that it keeps.

mod create;
mod index;
mod table;
mod trigger;

use std::collections::BTreeMap;

use polymnia::Result;
use polymnia::schema::{Object, ObjectKind, ObjectName, Snapshot};

use super::catalog::{self, Kind, is_ledger};
use super::{normal, sql};
use crate::connection::Connection;

/// What our tables, indexes and triggers begin with.
const PREFIX: &str = "polymnia_";

/// Reads the schema, in the transaction that is open.
pub(super) fn read(connection: &mut Connection) -> Result<Snapshot> {
    let mut snapshot = Snapshot::default();
    let kept = statements(connection)?;
    let text = |kind: &str, name: &str| {
        let found = kept.iter().find(|statement| statement.kind == kind && statement.name == name);
        found.map_or("", |statement| statement.text.as_str())
    };
    for table in catalog::tables(connection)? {
        match table.kind {
            Kind::Table => table::read(connection, &table, text("table", &table.name), &mut snapshot)?,
            Kind::Virtual => table::read_virtual(connection, &table, text("table", &table.name), &mut snapshot)?,
            Kind::View => {
                let definition = trigger::view(text("view", &table.name));
                let name = ObjectName::of(ObjectKind::View, normal::name(&table.name));
                snapshot.0.insert(name, object(&table.name, [("definition", Some(definition))]));
            }
        }
    }
    for Statement { kind, name, table, text } in kept.iter().filter(|statement| !is_ledger(&statement.table)) {
        let (kind, attributes) = match kind.as_str() {
            "index" => (ObjectKind::Index, index::attributes(text)),
            "trigger" => (ObjectKind::Trigger, trigger::attributes(text)),
            _ => continue,
        };
        let ours = is_ours(name);
        snapshot.0.insert(ObjectName::within(normal::name(table), kind, name), Object { ours, attributes });
    }
    Ok(snapshot)
}

/// Is a statement that SQLite keeps: what made an object, brought up to date.
struct Statement {
    kind: String,
    name: String,
    table: String,
    text: String,
}

fn statements(connection: &mut Connection) -> Result<Vec<Statement>> {
    let query = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    sql::rows(connection, query, &[], |row| Statement {
        kind: row.text(0).to_owned(),
        name: row.text(1).to_owned(),
        table: row.text(2).to_owned(),
        text: row.text(3).to_owned(),
    })
}

/// Returns whether a name is one of ours.
pub(super) fn is_ours(name: &str) -> bool {
    name.len() >= PREFIX.len() && name.as_bytes()[..PREFIX.len()].eq_ignore_ascii_case(PREFIX.as_bytes())
}

/// Returns an object of what is named, with the attributes that it has.
fn object<const N: usize>(owner: &str, attributes: [(&str, Option<String>); N]) -> Object {
    Object { ours: is_ours(owner), attributes: some(attributes) }
}

fn some<const N: usize>(attributes: [(&str, Option<String>); N]) -> BTreeMap<String, String> {
    attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

#[cfg(test)]
mod tests;
