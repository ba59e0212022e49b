//! What SQLite's catalog lists.

use std::collections::BTreeMap;

use polymnia::Result;
use polymnia::schema::Orphans;
use polymnia::schema::text::{Syntax, Token, TokenKind, tokens};

use super::{ledger, normal, quote, sql};
use crate::connection::Connection;
use crate::statement::Value;

/// Is a table, or what looks like one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) without_rowid: bool,
    pub(super) strict: bool,
}

/// Says what a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Table,
    View,
    /// A table of a module, such as FTS5. The tables in which the module keeps it are not listed.
    Virtual,
}

/// Lists the tables, without those that SQLite keeps for itself, those of modules, and the ledgers.
pub(super) fn tables(connection: &mut Connection) -> Result<Vec<Table>> {
    let query = "SELECT name, type, wr, strict FROM pragma_table_list \
        WHERE schema = 'main' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name";
    let tables = sql::rows(connection, query, &[], |row| {
        let kind = match row.text(1) {
            "table" => Kind::Table,
            "view" => Kind::View,
            "virtual" => Kind::Virtual,
            _ => return None,
        };
        let name = row.text(0).to_owned();
        Some(Table { name, kind, without_rowid: row.integer(2) == 1, strict: row.integer(3) == 1 })
    })?;
    Ok(tables.into_iter().flatten().filter(|table| !is_ledger(&table.name)).collect())
}

/// Returns whether a table is one of those that migrations are recorded in.
pub(super) fn is_ledger(table: &str) -> bool {
    ledger::ALL.iter().any(|ledger| ledger.eq_ignore_ascii_case(table))
}

/// Returns the columns of the primary key, in its order; none if there is none, or the rowid is it.
pub(super) fn key_columns(connection: &mut Connection, table: &str) -> Result<Vec<String>> {
    let query = "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk";
    sql::texts(connection, query, &[Value::Text(table)])
}

/// Returns whether there is an index of a name that is written as a script writes it.
pub(super) fn has_index(connection: &mut Connection, written: &str) -> Result<bool> {
    let Some(name) = read_name(written) else { return Ok(false) };
    let query = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ? COLLATE NOCASE)";
    Ok(sql::integer(connection, query, &[Value::Text(&name)])? == 1)
}

/// Returns the table of a name that is written as a script writes it; none if there is none.
pub(super) fn find_table(connection: &mut Connection, written: &str) -> Result<Option<Table>> {
    let Some(name) = read_name(written) else { return Ok(None) };
    Ok(tables(connection)?.into_iter().find(|table| table.name.eq_ignore_ascii_case(&name)))
}

/// Counts the rows of each table but those of modules, by the names that snapshots have for them.
pub(super) fn row_counts(connection: &mut Connection) -> Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    for table in tables(connection)?.into_iter().filter(|table| table.kind == Kind::Table) {
        let count = format!("SELECT count(*) FROM main.{}", quote::name(&table.name));
        let rows = sql::integer(connection, &count, &[])?.unsigned_abs();
        counts.insert(normal::name(&table.name), rows);
    }
    Ok(counts)
}

/// Lists rows whose foreign keys lead nowhere, by table.
pub(super) fn orphans(connection: &mut Connection) -> Result<Vec<Orphans>> {
    let query = "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2";
    sql::rows(connection, query, &[], |row| Orphans {
        table: row.text(0).to_owned(),
        parent: row.text(1).to_owned(),
        rows: row.integer(2).unsigned_abs(),
    })
}

/// Reads a name as it is written, with or without quotes and a schema before it.
pub(super) fn read_name(written: &str) -> Option<String> {
    tokens(written, Syntax::Sqlite).filter(Token::is_name).last().map(|token| unquoted(&token))
}

/// Returns what a name means, without its quotes.
pub(super) fn unquoted(token: &Token<'_>) -> String {
    let text = token.text;
    if token.kind == TokenKind::Word {
        return text.to_owned();
    }
    let inner = |quote: char| text.strip_prefix(quote).map(|rest| rest.strip_suffix(quote).unwrap_or(rest));
    let doubled = |quote: char| inner(quote).map(|inner| inner.replace(&format!("{quote}{quote}"), &quote.to_string()));
    doubled('"')
        .or_else(|| doubled('`'))
        .or_else(|| doubled('\''))
        .or_else(|| text.strip_prefix('[').map(|rest| rest.strip_suffix(']').unwrap_or(rest).to_owned()))
        .unwrap_or_else(|| text.to_owned())
}
