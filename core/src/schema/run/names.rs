//! Names of objects, as the catalog and as scripts write them.

use crate::schema::text::{Statement, Syntax, statements, tokens};

/// Returns the name of the index that a statement makes, with the schema of its table where that is said: an index is where
/// its table is.
pub(super) fn index_made(statement: &Statement<'_>) -> Option<String> {
    let name = statement.creates_index()?;
    let schema = statement.creates_index_on().and_then(schema_of).filter(|_| schema_of(name).is_none());
    Some(schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}")))
}

/// Returns the first of some indexes, qualified, that a script makes.
pub(crate) fn made_by<'i>(script: &str, syntax: Syntax, indexes: &'i [String]) -> Option<&'i String> {
    let made: Vec<String> = statements(script, syntax).iter().filter_map(index_made).collect();
    indexes.iter().find(|index| made.iter().any(|name| names_same(index, name)))
}

/// Returns what stands before the last dot of a name outside quotes.
fn schema_of(name: &str) -> Option<&str> {
    let mut quoted = false;
    let dots = name.char_indices().filter(|(_, c)| {
        quoted ^= *c == '"';
        *c == '.' && !quoted
    });
    dots.last().map(|(at, _)| name[..at].trim())
}

/// Returns whether a qualified name and one as a script writes it may be the same: the last parts are, and so are the
/// schemas where both say one.
pub(super) fn names_same(qualified: &str, written: &str) -> bool {
    let (one, other) = (name_parts(qualified), name_parts(written));
    let pairs = one.iter().rev().zip(other.iter().rev());
    !other.is_empty() && pairs.into_iter().all(|(one, other)| one == other)
}

/// Returns whether the last part of a name as it is written is this one as it is.
pub(super) fn is_called(name: &str, written: &str) -> bool {
    name_parts(written).last().is_some_and(|last| last == name)
}

/// Returns whether two names are of one schema, or one of them says none.
pub(super) fn same_schema(one: &str, other: &str) -> bool {
    let schema = |name: &str| name_parts(name).into_iter().rev().nth(1);
    match (schema(one), schema(other)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

/// Returns the columns that an `UPDATE` sets, as the database reads their names.
pub(super) fn columns_set(statement: &str, syntax: Syntax) -> Vec<String> {
    let (mut columns, mut depth, mut expected) = (Vec::new(), 0_u32, false);
    let mut tokens = tokens(statement, syntax).filter(|token| !token.is_comment()).peekable();
    while tokens.next_if(|token| !token.is("SET")).is_some() {}
    for token in tokens {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && (token.is("FROM") || token.is("WHERE")) {
            break;
        } else if token.is("SET") && columns.is_empty() || token.is_symbol(",") && (depth == 0 || expected) {
            expected = true;
        } else if token.is_symbol("=") {
            expected = false;
        } else if expected && token.is_name() {
            columns.extend(name_parts(token.text).pop());
        }
    }
    columns
}

/// Returns the parts of a name, without quotes; those that have none in lower case.
fn name_parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let part = parts.last_mut().expect("there is one from the start");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                part.push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            c if quoted => part.push(c),
            c if c.is_whitespace() => {}
            c => part.extend(c.to_lowercase()),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_an_update_sets_are_read() {
        for (statement, expected) in [
            ("UPDATE t SET a = 1;", &["a"][..]),
            (
                "UPDATE s.t AS x SET A = f(b, c), \"D e\" = (SELECT 1, 2 FROM g WHERE h = i) FROM j WHERE k = l",
                &["a", "D e"],
            ),
            ("UPDATE t SET (a, b) = (SELECT c, d FROM e), f = g", &["a", "b", "f"]),
            ("UPDATE t SET a = b = c, d = 'e, f = g'", &["a", "d"]),
            ("DELETE FROM t WHERE a = 1", &[]),
        ] {
            assert_eq!(columns_set(statement, Syntax::Postgres), expected, "{statement}");
        }
    }

    #[test]
    fn schemas_are_compared_where_both_are_said() {
        assert!(same_schema("a.b", "\"a\".c") && same_schema("a.b", "c") && !same_schema("a.b", "c.b"));
        assert!(is_called("b", "a.B") && !is_called("b", "a.\"B\""));
    }

    #[test]
    fn an_index_is_where_its_table_is() {
        for (statement, expected) in [
            ("CREATE INDEX CONCURRENTLY i ON t (a);", Some("i")),
            ("CREATE INDEX CONCURRENTLY i ON s.t (a);", Some("s.i")),
            ("CREATE INDEX i ON \"a.b\".\"c.d\" (a);", Some("\"a.b\".i")),
            ("CREATE INDEX i ON \"a.b\" (a);", Some("i")),
            ("CREATE INDEX main.i ON t (a);", Some("main.i")),
            ("CREATE INDEX CONCURRENTLY ON s.t (a);", None),
        ] {
            let statement = statements(statement, Syntax::Postgres).remove(0);
            assert_eq!(index_made(&statement).as_deref(), expected, "{}", statement.text);
        }
    }

    #[test]
    fn names_are_compared_as_the_database_reads_them() {
        for (qualified, written) in [
            ("polymnia.memories_x", "memories_x"),
            ("polymnia.memories_x", "Memories_X"),
            ("polymnia.memories_x", "\"memories_x\""),
            ("polymnia.memories_x", "polymnia . memories_x"),
            ("\"a.b\".\"c\"\"d\"", "\"c\"\"d\""),
        ] {
            assert!(names_same(qualified, written), "{qualified} {written}");
        }
        for (qualified, written) in [
            ("polymnia.memories_x", "x"),
            ("polymnia.memories_x", "\"Memories_X\""),
            ("polymnia.memories_x", "other.memories_x"),
            ("\"a.b\"", "b"),
        ] {
            assert!(!names_same(qualified, written), "{qualified} {written}");
        }
    }
}
