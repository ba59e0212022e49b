//! Pieces of SQL with values of their own.

use crate::statement::{Sql, Value};

/// Is a condition as pieces of text and values. Statements borrow from it.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    parts: Vec<Part<'a>>,
}

#[derive(Debug)]
enum Part<'a> {
    Text(&'static str),
    Value(Value<'a>),
    /// A JSON array, bound as one value, so that the text of a statement doesn't depend on how many there are.
    Json(String),
    /// That metadata passes the filter of this slot.
    Matches(i64),
}

/// Asks, once for a run of a statement, whether all metadata of a namespace is known to be canonical: each row is level, and none
/// of them was not. Another program may write text of any spelling.
const ALL_CANONICAL: [&str; 3] = [
    concat!(
        ", (SELECT NOT EXISTS (SELECT 1 FROM polymnia_memories INDEXED BY polymnia_memories_unlevel ",
        "WHERE namespace = "
    ),
    concat!(" AND indexed_revision <> revision) ", "AND NOT EXISTS (SELECT 1 FROM polymnia_postings WHERE term = "),
    "))",
];

impl<'a> Parts<'a> {
    /// Adds text.
    pub(super) fn push(&mut self, text: &'static str) -> &mut Self {
        self.parts.push(Part::Text(text));
        self
    }

    /// Adds a value.
    pub(super) fn bind(&mut self, value: Value<'a>) -> &mut Self {
        self.parts.push(Part::Value(value));
        self
    }

    /// Adds a JSON text as a value.
    pub(super) fn bind_json(&mut self, json: String) -> &mut Self {
        self.parts.push(Part::Json(json));
        self
    }

    /// Adds that metadata passes the filter of a slot.
    pub(super) fn matches(&mut self, slot: i64) -> &mut Self {
        self.parts.push(Part::Matches(slot));
        self
    }

    /// Returns whether nothing was added.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Adds everything to a statement about rows of a namespace; `uncanonical` is the term of those whose metadata is not
    /// canonical, where it is worth asking whether there are any.
    pub(super) fn push_to<'b>(&'b self, sql: &mut Sql<'b>, namespace: Value<'b>, uncanonical: Option<i32>) {
        for part in &self.parts {
            match part {
                Part::Text(text) => sql.push(text),
                Part::Value(value) => sql.bind(*value),
                Part::Json(json) => sql.bind(Value::Text(json)),
                Part::Matches(slot) => {
                    sql.push("polymnia_matches(metadata, ").bind(Value::Integer(*slot));
                    if let Some(term) = uncanonical {
                        sql.push(ALL_CANONICAL[0]).bind(namespace).push(ALL_CANONICAL[1]);
                        sql.bind(Value::Integer(term.into())).push(ALL_CANONICAL[2]);
                    }
                    sql.push(") = 1")
                }
            };
        }
    }
}
