//! Index definitions, which take no bound values: the one place where a name or a path becomes part of a statement's text.

use std::fmt::Write as _;

use polymnia::filter::{Path, Step};
use polymnia::{IndexDeclaration, IndexKind, IndexName};

/// What stands before the name of a declared index, in the name of the index that the server has.
pub(crate) const PREFIX: &str = "memories_declared_";

/// Returns the statement that makes the index of a declaration, without keeping writers waiting.
///
/// Its expression is what [`condition`](crate::filter_sql) writes with bound values, or the server would not see that they are
/// the same. It never fails, whatever the value: numbers are rounded to a range and a precision that `double precision` has,
/// and texts cut to 64 characters, which never puts a smaller value after a greater one.
pub(crate) fn create_index(declaration: &IndexDeclaration) -> String {
    let expression = expression(&declaration.path, declaration.kind);
    format!(
        "CREATE INDEX CONCURRENTLY {} ON polymnia.memories (namespace, ({expression})) WHERE ({expression}) IS NOT NULL",
        identifier(&index_name(&declaration.name))
    )
}

/// Returns the statement that removes the index of this name.
pub(crate) fn drop_index(name: &IndexName) -> String {
    format!("DROP INDEX CONCURRENTLY IF EXISTS polymnia.{}", identifier(&index_name(name)))
}

/// Returns the name of the index that the server has.
pub(crate) fn index_name(name: &IndexName) -> String {
    format!("{PREFIX}{name}")
}

fn expression(path: &Path, kind: IndexKind) -> String {
    let value = value(path);
    match kind {
        IndexKind::Number => format!(
            "CASE WHEN jsonb_typeof({value}) = 'number' \
             THEN round(greatest(least(({value})::numeric, 1e300), -1e300), 100)::double precision END"
        ),
        _ => format!("CASE WHEN jsonb_typeof({value}) = 'string' THEN left({value} #>> '{{}}', 64) END COLLATE \"C\""),
    }
}

fn value(path: &Path) -> String {
    let Some(keys) = keys(path) else {
        return format!("jsonb_path_query_first(metadata, {}::jsonpath, '{{}}', true)", literal(&json_path(path)));
    };
    let mut text = String::from("(metadata");
    for key in keys {
        write!(text, " -> {}::text", literal(key)).expect("a String takes it");
    }
    text.push(')');
    text
}

/// Returns the keys of a path, if it has no index: those are followed by a chain of `->`, where a key never indexes an array.
pub(crate) fn keys(path: &Path) -> Option<Vec<&str>> {
    let keys = path.steps().iter().map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) => None,
    });
    keys.collect()
}

/// Returns a path as the server's `jsonpath` has it, strict: no index finds a value that is not in an array.
///
/// `->` would: `'"a"'::jsonb -> 0` is `"a"`.
pub(crate) fn json_path(path: &Path) -> String {
    let mut text = String::from("strict $");
    for step in path.steps() {
        match step {
            Step::Key(key) => write!(text, ".{}", serde_json::Value::from(key.as_str())),
            Step::Index(index) => write!(text, "[{index}]"),
        }
        .expect("a String takes it");
    }
    text
}

/// Returns a text as a string constant. Of the form that means the same whatever `standard_conforming_strings` is.
fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 3);
    quoted.push_str("E'");
    for c in text.chars() {
        if matches!(c, '\'' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('\'');
    quoted
}

/// Returns a name as an identifier.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_whole() {
        let declaration = IndexDeclaration::new("customer.score".parse().unwrap(), IndexKind::Number).unwrap();
        assert_eq!(
            create_index(&declaration),
            "CREATE INDEX CONCURRENTLY \"memories_declared_customer_score_number\" ON polymnia.memories (namespace, (CASE \
             WHEN jsonb_typeof((metadata -> E'customer'::text -> E'score'::text)) = 'number' THEN \
             round(greatest(least(((metadata -> E'customer'::text -> E'score'::text))::numeric, 1e300), -1e300), \
             100)::double precision END)) WHERE (CASE WHEN jsonb_typeof((metadata -> E'customer'::text -> \
             E'score'::text)) = 'number' THEN round(greatest(least(((metadata -> E'customer'::text -> \
             E'score'::text))::numeric, 1e300), -1e300), 100)::double precision END) IS NOT NULL"
        );
    }

    #[test]
    fn an_index_looks_into_arrays_only() {
        let path: Path = r#"["it's", 0, "a\"b\\"]"#.parse().unwrap();
        assert_eq!(json_path(&path), r#"strict $."it's"[0]."a\"b\\""#);
        assert_eq!(
            value(&path),
            r#"jsonb_path_query_first(metadata, E'strict $."it\'s"[0]."a\\"b\\\\"'::jsonpath, '{}', true)"#
        );
        assert_eq!(keys(&path), None);
    }

    /// Reads a constant back as the server does.
    fn read(quoted: &str) -> Option<(String, &str)> {
        let mut chars = quoted.strip_prefix("E'")?.char_indices();
        let mut text = String::new();
        while let Some((place, c)) = chars.next() {
            match c {
                '\'' => return Some((text, &quoted["E'".len() + place + 1..])),
                '\\' => match chars.next()?.1 {
                    c @ ('\'' | '\\') => text.push(c),
                    _ => return None,
                },
                c => text.push(c),
            }
        }
        None
    }

    #[test]
    fn no_key_gets_out_of_its_quotes() {
        let parts = ["'", "\\", "\"", "$", "$$", "$1", "\n", "\r", "--", "/*", ";", "%", "é", "\u{10ffff}", "a", " ", "E'", ""];
        for one in parts {
            for two in parts {
                for three in parts {
                    let key = format!("{one}{two}{three}");
                    assert_eq!(read(&literal(&key)), Some((key.clone(), "")), "{key:?}");
                }
            }
        }
    }

    #[test]
    fn identifiers_are_doubled_and_enclosed() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert!(index_name(&IndexName::new("a".repeat(IndexName::MAX_BYTES)).unwrap()).len() <= 63);
    }
}
