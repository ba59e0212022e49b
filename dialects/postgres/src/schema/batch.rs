//! Statements that go through a table by ranges of its primary key, a transaction a range.
//!
//! The key of a row travels as a JSON array, in which every type's text is exact and the same whatever the session's settings.

use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, BigInt, Double, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use polymnia::schema::{BatchCondition, BatchRequest};
use polymnia::{Error, ErrorKind};

use crate::error::Fault;
use crate::quote;
use crate::read::unsigned;
use crate::session::Session;
use crate::sql::Statement;

/// Is the next range of a table's rows.
#[derive(Debug)]
pub(super) struct Page {
    table: Table,
    /// The key of its last row; none if there are no more rows.
    pub(super) last: Option<String>,
    /// How many rows are in it.
    pub(super) rows: u64,
}

#[derive(Debug)]
struct Table {
    schema: String,
    name: String,
    /// The columns of the primary key, and their types as the server writes them.
    key: Vec<String>,
    types: Vec<String>,
    /// Rows, as the statistics say.
    rows: f64,
}

/// Is a statement cut to a range.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) text: String,
    /// Where in it what goes before the condition stands, and how long it is.
    before: (usize, usize),
    /// The same, of what goes after the condition.
    after: (usize, usize),
}

#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// Finds the next range.
pub(super) fn page(session: &mut Session, request: &BatchRequest<'_>) -> Result<Page, Fault> {
    let table = table(session, request.table)?;
    let text = quote::last_of_page([&table.schema, &table.name], &table.key, &table.types, request.after.is_some());
    let rows = i64::from(request.rows);
    let query = sql_query(text).bind::<BigInt, _>(rows).bind::<Nullable<Text>, _>(request.after);
    let last: Vec<Last> = query.load(&mut session.connection)?;
    Ok(match last.into_iter().next() {
        Some(Last { key, rows }) => Page { table, last: Some(key), rows: unsigned(rows) },
        None => Page { table, last: None, rows: 0 },
    })
}

/// Returns about how many rows the table has.
pub(super) fn total(session: &mut Session, page: &Page) -> Result<u64, Fault> {
    let Table { schema, name, rows, .. } = &page.table;
    if *rows >= 0.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count as the server estimates it"
        )]
        return Ok(*rows as u64);
    }
    // The server knows nothing of it yet.
    let count: Count = sql_query(quote::count(schema, name)).get_result(&mut session.connection)?;
    Ok(unsigned(count.rows))
}

/// Cuts the statement to the range. Its parameters are the key before the range, if any, and the last one in it.
pub(super) fn cut(request: &BatchRequest<'_>, page: &Page) -> Cut {
    let key = quote::key_range(request.alias, &page.table.key, &page.table.types, request.after.is_some());
    let statement = request.statement;
    let (mut text, start, end) = match &request.condition {
        BatchCondition::Within(range) => (statement[..range.start].to_owned(), range.start, range.end),
        BatchCondition::At(at) => (statement[..*at].to_owned(), *at, *at),
    };
    let within = matches!(request.condition, BatchCondition::Within(_));
    let opening = if within { "(" } else { " WHERE " };
    let before = (text.len(), opening.len());
    text.push_str(opening);
    text.push_str(&statement[start..end]);
    let at = text.len();
    // On a line of its own: the condition may end with a comment.
    let closing = if within { format!("\n) AND ({key})") } else { format!("({key})") };
    text.push_str(&closing);
    let after = (at, text.len() - at);
    text.push_str(&statement[end..]);
    Cut { text, before, after }
}

impl Cut {
    /// Runs it and returns how many rows it changed.
    pub(super) fn run(&self, session: &mut Session, after: Option<&str>, last: &str) -> Result<u64, DieselError> {
        let query = sql_query(&self.text);
        let rows = match after {
            Some(after) => query.bind::<Text, _>(last).bind::<Text, _>(after).execute(&mut session.connection),
            None => query.bind::<Text, _>(last).execute(&mut session.connection),
        }?;
        Ok(u64::try_from(rows).unwrap_or(u64::MAX))
    }

    /// Returns where a place in it stands in the statement as it was; none for a place in what was added.
    pub(super) fn original_offset(&self, offset: usize) -> Option<usize> {
        let mut shift = 0;
        for (at, length) in [self.before, self.after] {
            if offset < at {
                break;
            }
            if offset < at + length {
                return None;
            }
            shift += length;
        }
        Some(offset - shift)
    }
}

/// Is a table as the catalog describes it: schema, name, the columns of its key, their types, rows.
type Row = (String, String, Vec<String>, Vec<String>, f64);

/// Looks up a table by the name that a script gives it.
fn table(session: &mut Session, name: &str) -> Result<Table, Fault> {
    let mut statement = Statement::<(Text, Text, Array<Text>, Array<Text>, Double)>::new(
        "SELECT schema.nspname::text, one.relname::text, \
         ARRAY(SELECT attname::text FROM unnest(unique_key.conkey) WITH ORDINALITY AS key (number, place) \
         JOIN pg_catalog.pg_attribute ON attrelid = one.oid AND attnum = number ORDER BY place), \
         ARRAY(SELECT format_type(atttypid, atttypmod) FROM unnest(unique_key.conkey) WITH ORDINALITY AS key (number, place) \
         JOIN pg_catalog.pg_attribute ON attrelid = one.oid AND attnum = number ORDER BY place), \
         one.reltuples::double precision FROM pg_catalog.pg_class AS one \
         JOIN pg_catalog.pg_namespace AS schema ON schema.oid = one.relnamespace \
         LEFT JOIN pg_catalog.pg_constraint AS unique_key ON unique_key.conrelid = one.oid AND unique_key.contype = 'p' \
         WHERE one.oid = to_regclass(",
    );
    statement.bind(name).text(")").plan_each_time();
    let rows: Vec<Row> = session.load(statement)?;
    let Some((schema, found, key, types, rows)) = rows.into_iter().next() else {
        return Err(
            Error::new(ErrorKind::Migration, format!("there is no table {name} to go through in batches")).into()
        );
    };
    if key.is_empty() {
        let message = format!("table {name} has no primary key: a statement in batches goes by it");
        return Err(Error::new(ErrorKind::Migration, message)
            .with_hint("add one, or take the line `-- polymnia:batch` out: the statement then runs at once")
            .into());
    }
    Ok(Table { schema, name: found, key, types, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        let table = Table {
            schema: "polymnia".to_owned(),
            name: "t".to_owned(),
            key: vec!["n".to_owned(), "id".to_owned()],
            types: vec!["text".to_owned(), "uuid".to_owned()],
            rows: 0.0,
        };
        Page { table, last: Some("[]".to_owned()), rows: 1 }
    }

    fn request(statement: &str, condition: BatchCondition, after: Option<&'static str>) -> String {
        let request = BatchRequest { statement, table: "t", alias: "x", condition, after, rows: 10 };
        cut(&request, &page()).text
    }

    #[test]
    fn the_condition_on_the_key_is_added() {
        let statement = "UPDATE t AS x SET a = 1 WHERE b OR c -- why;\n;";
        let range = statement.find("b OR").unwrap()..statement.find(";\n").unwrap();
        assert_eq!(
            request(statement, BatchCondition::Within(range), Some("[]")),
            "UPDATE t AS x SET a = 1 WHERE (b OR c -- why\n) AND ((x.\"n\", x.\"id\") <= ((($1)::jsonb ->> 0)::text, \
             (($1)::jsonb ->> 1)::uuid) AND (x.\"n\", x.\"id\") > ((($2)::jsonb ->> 0)::text, (($2)::jsonb ->> 1)::uuid));\n;"
        );
        let statement = "DELETE FROM t AS x;";
        assert_eq!(
            request(statement, BatchCondition::At(statement.len() - 1), None),
            "DELETE FROM t AS x WHERE ((x.\"n\", x.\"id\") <= ((($1)::jsonb ->> 0)::text, (($1)::jsonb ->> 1)::uuid));"
        );
    }

    #[test]
    fn places_are_those_of_the_script() {
        let statement = "UPDATE t SET a = 1 WHERE b = 2 RETURNING q";
        let range = 25..30;
        assert_eq!(&statement[range.clone()], "b = 2");
        let request = BatchRequest {
            statement,
            table: "t",
            alias: "t",
            condition: BatchCondition::Within(range),
            after: None,
            rows: 1,
        };
        let cut = cut(&request, &page());
        for word in ["SET", "b = 2", "RETURNING"] {
            let offset = cut.text.find(word).unwrap();
            assert_eq!(cut.original_offset(offset), statement.find(word), "{word}");
        }
        assert_eq!(cut.original_offset(cut.text.find("jsonb").unwrap()), None);
    }
}
