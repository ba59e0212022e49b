//! Index definitions, which take no bound values: the one place where a name or a path becomes part of a statement's text.

use polymnia::filter::{Path, Step};
use polymnia::{IndexDeclaration, IndexKind, IndexName};

/// What stands before the name of a declared index, in the name of the index that the server has.
pub(crate) const PREFIX: &str = "memories_declared_";

/// Returns the statement that makes the index of a declaration, without keeping writers waiting.
///
/// Its expression is what [`condition`](crate::filter_sql) writes with bound values, or the server would not see that they are
/// the same. It never fails, whatever the value: numbers are rounded to a range and a precision that `double precision` has,
/// and texts cut to 64 characters, which never puts a smaller value after a greater one. Not partial: of a partial index's
/// expression the server uses no statistics.
pub(crate) fn create_index(declaration: &IndexDeclaration) -> String {
    let expression = expression(&declaration.path, declaration.kind);
    let name = identifier(&index_name(&declaration.name));
    format!("CREATE INDEX CONCURRENTLY {name} ON polymnia.memories (namespace, ({expression}))")
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

/// What stands before an array to get at an element. Not `->`, for which a scalar is an array of one: `'"a"'::jsonb -> 0` is
/// `"a"`. In strict mode an index finds nothing but elements, and being silent, null where there is none.
pub(crate) const ELEMENT: &str = "jsonb_path_query_first(";
/// What follows the array, and [`index_variable`] this.
pub(crate) const OF_INDEX: &str = ", 'strict $[$i]', ";
/// What follows the variable.
pub(crate) const ELEMENT_END: &str = "::jsonb, true)";

/// Returns the variable that holds an index, as JSON.
pub(crate) fn index_variable(index: u32) -> String {
    format!("{{\"i\": {index}}}")
}

fn value(path: &Path) -> String {
    path.steps().iter().fold(String::from("metadata"), |inner, step| match step {
        Step::Key(key) => format!("({inner} -> {}::text)", literal(key)),
        Step::Index(index) => format!("{ELEMENT}{inner}{OF_INDEX}{}{ELEMENT_END}", literal(&index_variable(*index))),
    })
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
        let value = "((metadata -> E'customer'::text) -> E'score'::text)";
        assert_eq!(
            create_index(&declaration),
            format!(
                "CREATE INDEX CONCURRENTLY \"memories_declared_customer_score_number\" ON polymnia.memories (namespace, (CASE \
                 WHEN jsonb_typeof({value}) = 'number' THEN round(greatest(least(({value})::numeric, 1e300), -1e300), \
                 100)::double precision END))"
            )
        );
    }

    #[test]
    fn an_index_looks_into_arrays_only() {
        let path: Path = r#"["it's", 0, "a\"b\\"]"#.parse().unwrap();
        assert_eq!(
            value(&path),
            r#"(jsonb_path_query_first((metadata -> E'it\'s'::text), 'strict $[$i]', E'{"i": 0}'::jsonb, true) -> E'a"b\\'::text)"#
        );
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
        let parts =
            ["'", "\\", "\"", "$", "$$", "$1", "\n", "\r", "--", "/*", ";", "%", "é", "\u{10ffff}", "a", " ", "E'", ""];
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
