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
}

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

    /// Returns whether nothing was added.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Adds everything to a statement.
    pub(super) fn push_to<'b>(&'b self, sql: &mut Sql<'b>) {
        for part in &self.parts {
            match part {
                Part::Text(text) => sql.push(text),
                Part::Value(value) => sql.bind(*value),
                Part::Json(json) => sql.bind(Value::Text(json)),
            };
        }
    }
}
