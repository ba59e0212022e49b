//! Indexes.

use std::collections::BTreeMap;

use polymnia::schema::text::{Token, split_at_commas};

use super::some;
use crate::schema::normal::{expression, group, text, words};

/// Reads a `CREATE INDEX`.
pub(super) fn attributes(statement: &str) -> BTreeMap<String, String> {
    let tokens = words(statement);
    let unique = tokens.get(1).is_some_and(|token| token.is("unique"));
    let start = tokens.iter().position(|token| token.is_symbol("(")).unwrap_or(tokens.len());
    let end = start + group(&tokens[start..]);
    let columns = tokens.get(start + 1..end.saturating_sub(1)).unwrap_or_default();
    let columns: Vec<String> = split_at_commas(columns).into_iter().map(column).collect();
    let condition = tokens.get(end).filter(|token| token.is("where")).map(|_| expression(&tokens[end + 1..]));
    some([
        ("columns", Some(columns.join(", "))),
        ("method", Some("btree".to_owned())),
        ("unique", unique.then(|| "true".to_owned())),
        ("where", condition),
    ])
}

/// Writes one column of a key: a name or an expression in parentheses, then its collation and order if they are said.
pub(super) fn column(tokens: &[Token<'_>]) -> String {
    let mut key = tokens;
    let mut descending = false;
    if let Some((last, rest)) = key.split_last()
        && (last.is("asc") || last.is("desc"))
    {
        descending = last.is("desc");
        key = rest;
    }
    let mut collation = String::new();
    if let [rest @ .., word, name] = key
        && word.is("collate")
    {
        collation = format!(" collate {}", text(std::slice::from_ref(name)));
        key = rest;
    }
    let key = match key {
        [name] if name.is_name() => text(key),
        _ => format!("({})", expression(key)),
    };
    format!("{key}{collation}{}", if descending { " desc" } else { "" })
}
