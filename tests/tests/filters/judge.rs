//! What a live PostgreSQL says of filters, in SQL that shares nothing with the dialect's: paths by strict `jsonpath`, strings as
//! `bytea`, every value a literal.

use std::fmt::Write as _;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Array, Integer, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use polymnia::filter::{Bound, Relation, SizeTest, Step, Test};
use polymnia::{Filter, Json, Path};
use polymnia_tests::server::{self, TestDatabase};

/// Is a database that holds documents and judges filters.
pub(crate) struct Judge {
    connection: PgConnection,
    // After the connection, which must close first.
    _database: TestDatabase,
}

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = Integer)]
    place: i32,
}

impl Judge {
    pub(crate) fn new() -> Self {
        let database = server::shared().create_database();
        database.sql("CREATE TABLE documents (place integer PRIMARY KEY, document jsonb NOT NULL)").unwrap();
        Self { connection: database.connect().unwrap(), _database: database }
    }

    /// Replaces all documents, as they are spelt.
    pub(crate) fn fill(&mut self, texts: &[String]) {
        self.connection.batch_execute("TRUNCATE documents").unwrap();
        diesel::sql_query(
            "INSERT INTO documents
             SELECT place - 1, document::jsonb FROM unnest($1) WITH ORDINALITY AS given (document, place)",
        )
        .bind::<Array<Text>, _>(texts)
        .execute(&mut self.connection)
        .unwrap();
    }

    /// Returns the places of the documents that the filter selects.
    pub(crate) fn ask(&mut self, filter: &Filter) -> Vec<u32> {
        let sql = format!("SELECT place FROM documents WHERE {} ORDER BY place", condition(filter));
        let places: Vec<Place> =
            diesel::sql_query(&sql).load(&mut self.connection).unwrap_or_else(|error| panic!("{error}: {sql}"));
        places.into_iter().map(|Place { place }| u32::try_from(place).unwrap()).collect()
    }
}

/// Returns an expression that is true or false.
fn condition(filter: &Filter) -> String {
    match filter {
        Filter::All => "true".to_owned(),
        Filter::Contains(needle) => format!("(document @> {})", jsonb(needle)),
        Filter::Metadata { path, test } => {
            format!("coalesce((SELECT {} FROM (SELECT {} AS v) AS at), false)", holds(test), at(path))
        }
        Filter::And(all) => joined(all.iter().map(condition), "AND", "true"),
        Filter::Or(any) => joined(any.iter().map(condition), "OR", "false"),
        Filter::Not(inner) => format!("(NOT {})", condition(inner)),
        other => panic!("{other:?} is not about metadata"),
    }
}

/// Returns an expression over `v`, the value or null, that is true where the test holds, and else false or null.
fn holds(test: &Test) -> String {
    match test {
        Test::Exists => "v IS NOT NULL".to_owned(),
        Test::Eq(value) => format!("v = {}", jsonb(value)),
        Test::In(values) => joined(values.iter().map(|value| format!("(v = {})", jsonb(value))), "OR", "false"),
        Test::Compare(relation, bound) => compare(*relation, bound),
        Test::Prefix(prefix) => {
            let length = prefix.as_str().len();
            let bytes = bytes(prefix.as_str());
            format!("CASE jsonb_typeof(v) WHEN 'string' THEN substr({TEXT_BYTES}, 1, {length}) = {bytes} END")
        }
        Test::Any(values) => {
            let some = joined(values.iter().map(element), "OR", "false");
            format!("CASE jsonb_typeof(v) WHEN 'array' THEN {some} END")
        }
        Test::All(values) => {
            let every = joined(values.iter().map(element), "AND", "true");
            format!("CASE jsonb_typeof(v) WHEN 'array' THEN {every} END")
        }
        Test::Size(size) => {
            let (relation, number) = match size {
                SizeTest::Is(number) => ("=", number),
                SizeTest::Compare(relation, number) => (operator(*relation), number),
            };
            format!("CASE jsonb_typeof(v) WHEN 'array' THEN jsonb_array_length(v) {relation} {number}::bigint END")
        }
        other => panic!("{other:?} is a test nobody knows"),
    }
}

const TEXT_BYTES: &str = "convert_to(v #>> '{}', 'UTF8')";

fn compare(relation: Relation, bound: &Bound) -> String {
    let relation = operator(relation);
    if let Some(text) = bound.as_string() {
        return format!("CASE jsonb_typeof(v) WHEN 'string' THEN {TEXT_BYTES} {relation} {} END", bytes(&text));
    }
    let number = literal(bound.as_json().as_str());
    format!("CASE jsonb_typeof(v) WHEN 'number' THEN (v #>> '{{}}')::numeric {relation} {number}::numeric END")
}

fn element(value: &Json) -> String {
    format!("EXISTS (SELECT FROM jsonb_array_elements(v) AS e (e) WHERE e = {})", jsonb(value))
}

/// Returns the value at the path. In strict mode a key is never an index, nor a scalar an array.
fn at(path: &Path) -> String {
    let mut steps = "strict $".to_owned();
    for step in path.steps() {
        match step {
            Step::Key(key) => {
                steps.push_str(".\"");
                for unit in key.encode_utf16() {
                    write!(steps, "\\u{unit:04x}").unwrap();
                }
                steps.push('"');
            }
            Step::Index(index) => write!(steps, "[{index}]").unwrap(),
        }
    }
    format!("jsonb_path_query_first(document, {}::jsonpath, '{{}}', true)", literal(&steps))
}

fn joined(parts: impl Iterator<Item = String>, by: &str, none: &str) -> String {
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { none.to_owned() } else { format!("({})", parts.join(&format!(" {by} "))) }
}

fn operator(relation: Relation) -> &'static str {
    match relation {
        Relation::Less => "<",
        Relation::LessOrEqual => "<=",
        Relation::Greater => ">",
        Relation::GreaterOrEqual => ">=",
    }
}

fn jsonb(value: &Json) -> String {
    format!("{}::jsonb", literal(value.as_str()))
}

fn bytes(text: &str) -> String {
    let mut literal = "'\\x".to_owned();
    for byte in text.bytes() {
        write!(literal, "{byte:02x}").unwrap();
    }
    literal + "'::bytea"
}

/// Returns a literal, with `standard_conforming_strings` on.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
