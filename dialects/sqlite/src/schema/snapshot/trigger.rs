//! Triggers, and views.

use std::collections::BTreeMap;

use polymnia::schema::text::Token;

use super::some;
use crate::schema::normal::{expression, text, words};

/// Reads a `CREATE TRIGGER`.
pub(super) fn attributes(statement: &str) -> BTreeMap<String, String> {
    let tokens = words(statement);
    let find = |from: usize, word: &str| tokens[from..].iter().position(|token| token.is(word)).map(|at| from + at);
    let events = ["insert", "update", "delete"];
    // Past the trigger's name, which may be any of the words that follow.
    let head = name_end(&tokens, "trigger");
    let event = tokens[head..].iter().position(|token| events.iter().any(|event| token.is(event)));
    let event = event.map_or(tokens.len(), |at| head + at);
    let on = find(event, "on").unwrap_or(tokens.len());
    let body = find(on, "begin").unwrap_or(tokens.len());
    let timing = match &tokens[head..event] {
        [word] => word.text.to_ascii_lowercase(),
        [one, other] => format!("{} {}", one.text.to_ascii_lowercase(), other.text.to_ascii_lowercase()),
        _ => "before".to_owned(),
    };
    let condition = find(on, "when").filter(|at| *at < body).map(|at| expression(&tokens[at + 1..body]));
    let end = tokens.len().saturating_sub(1).max((body + 1).min(tokens.len()));
    some([
        ("timing", Some(timing)),
        ("events", Some(text(&tokens[event..on]))),
        ("when", condition),
        ("definition", tokens.get(body + 1..end).map(text)),
    ])
}

/// Returns the query of a `CREATE VIEW`, with the names of its columns if it says them.
pub(super) fn view(statement: &str) -> String {
    let tokens = words(statement);
    let head = name_end(&tokens, "view");
    match tokens.get(head) {
        Some(token) if token.is("as") => text(&tokens[head + 1..]),
        _ => text(&tokens[head.min(tokens.len())..]),
    }
}

/// Returns where the name ends that follows a word: `CREATE TRIGGER [IF NOT EXISTS] [schema.]name`.
pub(super) fn name_end(tokens: &[Token<'_>], word: &str) -> usize {
    let mut at = tokens.iter().position(|token| token.is(word)).map_or(tokens.len(), |at| at + 1);
    if tokens.get(at).is_some_and(|token| token.is("if")) && tokens.get(at + 1).is_some_and(|token| token.is("not")) {
        at += 3;
    }
    if tokens.get(at + 1).is_some_and(|token| token.is_symbol(".")) {
        at += 2;
    }
    (at + 1).min(tokens.len())
}
