//! The live schema, from the catalogs.
//!
//! Every name and expression is read with an empty search path, so that what is not the server's own is qualified, and put into
//! words of ours where the server's differ by its version. Left out are the ledgers, declared indexes, the schemas `polymnia`
//! and `public` themselves, what an extension brought, and NOT NULL constraints, which are the column's `nullable` (servers
//! from 18 on list them).

mod queries;

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{Bool, Text};
use polymnia::schema::{Object, ObjectKind, ObjectName, Snapshot};
use polymnia::{Error, ErrorKind};

use crate::error::Fault;
use crate::session::Session;
use crate::sql::Statement;

/// Reads the live schema, in the transaction that is open.
pub(super) fn read(session: &mut Session) -> Result<Snapshot, Fault> {
    let path = set_search_path(session, "")?;
    // Compiling the queries would take ten times as long as they do.
    session.connection.batch_execute("SET LOCAL jit = off")?;
    let mut snapshot = Snapshot::default();
    for (kind, query) in queries::ALL {
        // Planned once a connection: a run looks at the schema twice a step, and planning takes longer than looking.
        let statement = Statement::<(Text, Text, Bool, Text)>::new(query);
        let rows: Vec<(String, String, bool, String)> = session.load(statement)?;
        for (table, name, ours, attributes) in rows {
            let attributes = attributes_of(kind, &attributes)?;
            let name = ObjectName { table, kind, name };
            snapshot.0.insert(name, Object { ours, attributes });
        }
    }
    set_search_path(session, &path)?;
    Ok(snapshot)
}

/// Sets the search path for the rest of the transaction and returns the one before.
pub(super) fn set_search_path(session: &mut Session, path: &str) -> Result<String, Fault> {
    // The old one in a subquery that is not moved: it must be read before the new one is set.
    let mut statement = Statement::<(Text, Text)>::new(
        "WITH before AS MATERIALIZED (SELECT current_setting('search_path') AS path) \
         SELECT before.path, set_config('search_path', ",
    );
    statement.bind(path.to_owned()).text(", true) FROM before").plan_each_time();
    let (before, _): (String, String) = session.load_one(statement)?;
    Ok(before)
}

/// Reads attributes that the server wrote as JSON. White space within them is one space, but for the body of a function: the
/// server breaks lines as it likes.
fn attributes_of(kind: ObjectKind, text: &str) -> polymnia::Result<BTreeMap<String, String>> {
    let read: BTreeMap<String, Option<String>> = serde_json::from_str(text).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "the server's description of an object can't be read").with_source(error)
    })?;
    let mut attributes: BTreeMap<String, String> = read
        .into_iter()
        .filter_map(|(name, value)| {
            let value = value?;
            let value = match name.as_str() {
                "definition" if kind == ObjectKind::Function => value,
                "definition" => squeezed(&value).trim_end_matches(';').to_owned(),
                "columns" if kind == ObjectKind::Index => index_columns(&value),
                "default" | "expression" | "generated" | "when" | "where" => bare(&squeezed(&value)).to_owned(),
                _ => squeezed(&value),
            };
            Some((name, value))
        })
        .collect();
    if let Some(how) = attributes.remove("generated how")
        && let Some(generated) = attributes.get_mut("generated")
    {
        generated.push(' ');
        generated.push_str(&how);
    }
    Ok(attributes)
}

/// Joins the columns of an index: each is a column, or an expression in parentheses, and then what is not the default.
fn index_columns(text: &str) -> String {
    let column = |column: &str| match column.strip_prefix('\u{1e}').map(|rest| rest.split_once('\u{1e}')) {
        Some(Some((expression, rest))) => format!("({}){rest}", bare(&squeezed(expression))),
        _ => column.replace('\u{1e}', ""),
    };
    text.split('\u{1f}').map(column).collect::<Vec<_>>().join(", ")
}

/// Makes each run of white space outside quotes one space.
fn squeezed(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    let mut quotes = Quotes::default();
    for c in text.trim().chars() {
        if quotes.hide(c) || !c.is_whitespace() {
            squeezed.push(c);
        } else if !squeezed.ends_with(' ') {
            squeezed.push(' ');
        }
    }
    squeezed
}

/// Takes away parentheses around the whole.
fn bare(text: &str) -> &str {
    let mut bare = text.trim();
    while encloses(bare) {
        bare = bare[1..bare.len() - 1].trim();
    }
    bare
}

/// Returns whether the first character is a parenthesis that the last one closes.
fn encloses(text: &str) -> bool {
    if !text.starts_with('(') {
        return false;
    }
    let (mut depth, mut quotes) = (0_usize, Quotes::default());
    for (at, c) in text.char_indices() {
        if quotes.hide(c) {
            continue;
        }
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1 == text.len();
        }
    }
    false
}

/// Follows texts and names in quotes. A doubled quote reads as the end of one and the start of the next.
#[derive(Debug, Default)]
struct Quotes(Option<char>);

impl Quotes {
    /// Takes the next character, and returns whether it is part of something in quotes.
    fn hide(&mut self, c: char) -> bool {
        if let Some(open) = self.0 {
            if c == open {
                self.0 = None;
            }
            return true;
        }
        if matches!(c, '\'' | '"') {
            self.0 = Some(c);
        }
        self.0.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_counts_in_quotes_only() {
        assert_eq!(
            squeezed(" CASE\n   WHEN a = 'x\n y'  THEN \"c  d\" END "),
            "CASE WHEN a = 'x\n y' THEN \"c  d\" END"
        );
    }

    #[test]
    fn parentheses_go_if_they_enclose_all() {
        for (text, expected) in [
            ("((a > 1) AND (b > 2))", "(a > 1) AND (b > 2)"),
            ("((a))", "a"),
            ("(a) = (b)", "(a) = (b)"),
            ("(a = ')')", "a = ')'"),
            ("now()", "now()"),
        ] {
            assert_eq!(bare(text), expected);
        }
    }

    #[test]
    fn attributes_are_in_our_words() {
        let text = r#"{"columns": "a\u001e desc\u001f\u001e((b + 1))\u001e\u001f\u001elower(c)\u001e text_ops"}"#;
        let read = attributes_of(ObjectKind::Index, text).unwrap();
        assert_eq!(read["columns"], "a desc, (b + 1), (lower(c)) text_ops");
        let text = r#"{"type": "text", "generated": "(lower(a))", "generated how": "stored", "default": null}"#;
        let read = attributes_of(ObjectKind::Column, text).unwrap();
        let expected = [("generated", "lower(a) stored"), ("type", "text")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }
}
