//! Statements that go over a table in batches of its key.

use std::ffi::c_int;
use std::fmt::Write as _;

use libsqlite3_sys as ffi;
use polymnia::schema::{BatchCondition, BatchDone, BatchRequest, StatementError};
use polymnia::{Error, ErrorKind, Result};
use serde_json::{Value as Json, json};

use super::catalog::{self, Kind, Table};
use super::{quote, sql};
use crate::connection::Connection;
use crate::raw::BulkRow;
use crate::statement::Value;

/// Is one value of a key.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// Runs the next batch, in the transaction that is open. `first` says whether to count the table's rows.
pub(super) fn run(
    connection: &mut Connection,
    request: &BatchRequest<'_>,
    first: bool,
) -> Result<BatchDone, StatementError> {
    let table = find(connection, request)?;
    let key = key(connection, &table)?;
    let after = request.after.map(|text| read_key(text, key.len())).transpose()?;
    let total = if first { Some(count(connection, &table)?) } else { None };
    let rows = following(connection, &table, &key, after.as_deref(), request.rows)?;
    let looked_at = rows.len() as u64;
    let Some(last) = rows.into_iter().next_back() else {
        return Ok(BatchDone { key: None, looked_at: 0, changed: 0, total });
    };
    let statement = statement(request, &condition(request.alias, &key, after.is_some()));
    let values: Vec<Value<'_>> = after.iter().flatten().chain(&last).map(Part::value).collect();
    let changed = sql::run(connection, &statement, &values)?;
    Ok(BatchDone { key: Some(write_key(&last)), looked_at, changed, total })
}

fn find(connection: &mut Connection, request: &BatchRequest<'_>) -> Result<Table> {
    match catalog::find_table(connection, request.table)? {
        Some(table) if table.kind == Kind::Table => Ok(table),
        Some(_) => Err(refused(request, "is no table that is stored by a key")),
        None => Err(refused(request, "does not exist")),
    }
}

fn refused(request: &BatchRequest<'_>, what: &str) -> Error {
    Error::new(
        ErrorKind::Migration,
        format!("{} {what}: a statement in batches goes over the key of its table", request.table),
    )
}

/// Returns the columns of the key, as SQL: the rowid, or the primary key where there is none.
fn key(connection: &mut Connection, table: &Table) -> Result<Vec<String>> {
    if table.without_rowid {
        let columns = catalog::key_columns(connection, &table.name)?;
        return Ok(columns.iter().map(|column| quote::name(column)).collect());
    }
    // A column of the table's own may hide a name of the rowid.
    let query = "SELECT lower(name) FROM pragma_table_xinfo(?)";
    let columns = sql::texts(connection, query, &[Value::Text(&table.name)])?;
    let free = ["rowid", "_rowid_", "oid"].into_iter().find(|name| !columns.iter().any(|column| column == name));
    let Some(free) = free else {
        let message = format!("table {:?} hides its rowid behind columns of every name it has", table.name);
        return Err(Error::new(ErrorKind::Migration, message));
    };
    Ok(vec![free.to_owned()])
}

fn count(connection: &mut Connection, table: &Table) -> Result<u64> {
    let query = format!("SELECT count(*) FROM main.{}", quote::name(&table.name));
    Ok(sql::integer(connection, &query, &[])?.unsigned_abs())
}

/// Returns the keys of the rows that follow a key.
fn following(
    connection: &mut Connection,
    table: &Table,
    key: &[String],
    after: Option<&[Part]>,
    limit: u32,
) -> Result<Vec<Vec<Part>>> {
    let columns = key.join(", ");
    let mut query = format!("SELECT {columns} FROM main.{}", quote::name(&table.name));
    if after.is_some() {
        let places = vec!["?"; key.len()].join(", ");
        write!(query, " WHERE ({columns}) > ({places})").expect("a String takes it");
    }
    write!(query, " ORDER BY {columns} LIMIT ?").expect("a String takes it");
    let mut values: Vec<Value<'_>> = after.into_iter().flatten().map(Part::value).collect();
    values.push(Value::Integer(limit.into()));
    let rows = sql::rows(connection, &query, &values, |row| {
        (0..).take(key.len()).map(|at| Part::read(row, at)).collect::<Result<Vec<_>>>()
    })?;
    rows.into_iter().collect()
}

/// Returns the condition on the key: after one, unless it is the first batch, and up to another.
fn condition(alias: &str, key: &[String], after: bool) -> String {
    let columns: Vec<String> = key.iter().map(|column| format!("{alias}.{column}")).collect();
    let columns = columns.join(", ");
    let places = |from: usize| (from..).take(key.len()).map(|at| format!("?{at}")).collect::<Vec<_>>().join(", ");
    if after {
        format!("({columns}) > ({}) AND ({columns}) <= ({})", places(1), places(1 + key.len()))
    } else {
        format!("({columns}) <= ({})", places(1))
    }
}

fn statement(request: &BatchRequest<'_>, condition: &str) -> String {
    let statement = request.statement;
    match &request.condition {
        BatchCondition::Within(range) => {
            let (before, own, after) = (&statement[..range.start], &statement[range.clone()], &statement[range.end..]);
            // A comment at the end of the condition must not hide the parenthesis.
            format!("{before}({own}\n) AND {condition}{after}")
        }
        BatchCondition::At(offset) => format!("{} WHERE {condition}{}", &statement[..*offset], &statement[*offset..]),
    }
}

impl Part {
    fn read(row: &BulkRow<'_>, at: c_int) -> Result<Self> {
        match row.kind(at) {
            ffi::SQLITE_INTEGER => Ok(Self::Integer(row.integer(at))),
            ffi::SQLITE_FLOAT => Ok(Self::Real(row.real(at))),
            ffi::SQLITE_TEXT => Ok(Self::Text(row.text(at).to_owned())),
            ffi::SQLITE_BLOB => Ok(Self::Blob(row.bytes(at).to_vec())),
            _ => Err(Error::new(ErrorKind::Corrupt, "a primary key holds NULL")),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Integer(number) => Value::Integer(*number),
            Self::Real(number) => Value::Real(*number),
            Self::Text(text) => Value::Text(text),
            Self::Blob(bytes) => Value::Blob(bytes),
        }
    }
}

/// Writes a key as a JSON list: numbers and texts as they are, blobs as `{"blob": "00ff"}`, the numbers that JSON has no word
/// for as `{"real": "inf"}`.
fn write_key(key: &[Part]) -> String {
    let parts = key.iter().map(|part| match part {
        Part::Integer(number) => json!(number),
        Part::Real(number) => json!({ "real": number.to_string() }),
        Part::Text(text) => json!(text),
        Part::Blob(bytes) => json!({ "blob": quote::hex(bytes) }),
    });
    Json::Array(parts.collect()).to_string()
}

fn read_key(text: &str, length: usize) -> Result<Vec<Part>> {
    let damaged = || {
        Error::new(ErrorKind::Corrupt, "the key of the last row done can't be read").with_context("column", "batch_key")
    };
    let parts: Vec<Json> = serde_json::from_str(text).map_err(|error| damaged().with_source(error))?;
    if parts.len() != length {
        return Err(damaged());
    }
    parts.iter().map(|part| read_part(part).ok_or_else(damaged)).collect()
}

fn read_part(part: &Json) -> Option<Part> {
    match part {
        Json::Number(number) => number.as_i64().map(Part::Integer),
        Json::String(text) => Some(Part::Text(text.clone())),
        Json::Object(fields) => match (fields.get("blob"), fields.get("real")) {
            (Some(Json::String(digits)), None) => {
                let bytes = (0..digits.len())
                    .step_by(2)
                    .map(|at| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()));
                bytes.collect::<Option<Vec<u8>>>().map(Part::Blob)
            }
            (None, Some(Json::String(digits))) => digits.parse().ok().map(Part::Real),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests;
