//! Names and values written into SQL: the one place where that happens.
//!
//! Statements bind what they can. Names can't be bound, and a script for the `sqlite3` shell has nothing to bind to.

use std::fmt::Write as _;

/// Writes a name: a table, a column, an index.
///
/// In double quotes, which SQLite takes for a name where there is one of that name: all names written here stand in the
/// catalog.
pub(super) fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Writes a text as an expression of SQL that has it for its value.
///
/// Only printable ASCII stands in a literal: everything else is written in hexadecimal digits, as a shell may take a byte
/// for a command, an end of the line for the end of a statement, or a byte for a character of another encoding.
pub(super) fn text(text: &str) -> String {
    let printable = |c: char| c == ' ' || c.is_ascii_graphic();
    if text.chars().all(printable) {
        return literal(text);
    }
    format!("CAST(x'{}' AS TEXT)", hex(text.as_bytes()))
}

/// Writes a text, or NULL.
pub(super) fn optional_text(value: Option<&str>) -> String {
    value.map_or_else(|| "NULL".to_owned(), text)
}

/// Writes an integer.
pub(super) fn integer(number: i64) -> String {
    match number {
        // The digits of this one without the sign are no integer.
        i64::MIN => "(-9223372036854775807 - 1)".to_owned(),
        _ => number.to_string(),
    }
}

/// Writes bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("a String takes it");
        digits
    })
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests;
