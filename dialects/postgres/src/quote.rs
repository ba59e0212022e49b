//! What takes no bound values: the one place where a name, a path or a value becomes part of a statement's text.
//!
//! Definitions of declared indexes; names that the catalog gave; and the ledgers' values in a script for `psql`.

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

/// Returns the statement that drops an index, whose names come from the catalog.
pub(crate) fn drop_any_index(schema: &str, name: &str, concurrently: bool) -> String {
    let how = if concurrently { " CONCURRENTLY" } else { "" };
    format!("DROP INDEX{how} IF EXISTS {}", table([schema, name]))
}

/// Returns the statement that makes an empty database, of the locale that another has, if it is the C library's.
pub(crate) fn create_database(name: &str, locale: Option<[&str; 2]>) -> String {
    let locale = locale.map_or(String::new(), |[collate, ctype]| {
        format!(" LOCALE_PROVIDER libc LC_COLLATE {} LC_CTYPE {}", literal(collate), literal(ctype))
    });
    format!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'{locale}", identifier(name))
}

/// Returns the statement that removes a database, whoever is connected to it.
pub(crate) fn drop_database(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", identifier(name))
}

/// Returns the statement that drops an object of a kind, with what depends on it. The names, and the types of a function's
/// arguments, come from the catalog.
pub(crate) fn drop_object(kind: &'static str, schema: Option<&str>, name: &str, arguments: Option<&str>) -> String {
    let name = schema.map_or_else(|| identifier(name), |schema| table([schema, name]));
    let arguments = arguments.map_or(String::new(), |arguments| format!("({arguments})"));
    format!("DROP {kind} IF EXISTS {name}{arguments} CASCADE")
}

/// Returns the query that counts a table's rows as `rows`.
pub(crate) fn count(schema: &str, name: &str) -> String {
    format!("SELECT count(*) AS rows FROM {}", table([schema, name]))
}

/// Returns the query that counts, as `rows`, the rows of a table whose foreign key leads nowhere. A key of which a column is null
/// leads nowhere by right.
pub(crate) fn count_orphans(child: [&str; 2], parent: [&str; 2], from: &[String], to: &[String]) -> String {
    let set: Vec<String> = from.iter().map(|column| format!("child.{} IS NOT NULL", identifier(column))).collect();
    let same: Vec<String> = from
        .iter()
        .zip(to)
        .map(|(from, to)| format!("parent.{} = child.{}", identifier(to), identifier(from)))
        .collect();
    format!(
        "SELECT count(*) AS rows FROM {} AS child WHERE {} AND NOT EXISTS (SELECT FROM {} AS parent WHERE {})",
        table(child),
        set.join(" AND "),
        table(parent),
        same.join(" AND ")
    )
}

/// Returns the query for the key of the last of the next `$1` rows of a table, as a JSON array, and how many they are; after
/// the key in `$2`, or from the start. The columns of the key and their types come from the catalog.
pub(crate) fn last_of_page(of: [&str; 2], key: &[String], types: &[String], after: bool) -> String {
    let columns: Vec<String> = key.iter().map(|column| format!("one.{}", identifier(column))).collect();
    let names: Vec<String> = key.iter().map(|column| identifier(column)).collect();
    let condition =
        if after { format!(" WHERE ({}) > {}", columns.join(", "), bounds("$2", types)) } else { String::new() };
    let backwards: Vec<String> = names.iter().map(|name| format!("{name} DESC")).collect();
    format!(
        "WITH page AS (SELECT {columns} FROM {of} AS one{condition} ORDER BY {columns} LIMIT $1) \
         SELECT jsonb_build_array({names})::text AS key, (SELECT count(*) FROM page) AS rows FROM page ORDER BY {} LIMIT 1",
        backwards.join(", "),
        columns = columns.join(", "),
        names = names.join(", "),
        of = table(of),
    )
}

/// Returns the condition that a row's key is at most that in `$1` and, if there is one before, greater than that in `$2`.
/// `alias` is as the script writes it.
pub(crate) fn key_range(alias: &str, key: &[String], types: &[String], after: bool) -> String {
    let columns: Vec<String> = key.iter().map(|column| format!("{alias}.{}", identifier(column))).collect();
    let columns = columns.join(", ");
    let to = format!("({columns}) <= {}", bounds("$1", types));
    if after { format!("{to} AND ({columns}) > {}", bounds("$2", types)) } else { to }
}

/// Returns the values of a key that is bound as a JSON array.
fn bounds(parameter: &str, types: &[String]) -> String {
    let values: Vec<String> =
        types.iter().enumerate().map(|(place, kind)| format!("(({parameter})::jsonb ->> {place})::{kind}")).collect();
    format!("({})", values.join(", "))
}

/// Returns the query for the newest version, as `version`, in the ledger of another tool. The condition stands in this crate.
pub(crate) fn newest(of: [&str; 2], column: &str, counts: Option<&'static str>, order: &str) -> String {
    let condition = counts.map_or(String::new(), |counts| format!(" WHERE {counts}"));
    let (column, order) = (identifier(column), identifier(order));
    // By the column, and not by what it is called here: numbers are not to be sorted as text.
    let of = table(of);
    format!(
        "SELECT ledger.{column}::text AS version FROM {of} AS ledger{condition} ORDER BY ledger.{order} DESC NULLS LAST LIMIT 1"
    )
}

/// Returns the name of a table, or of what stands in a schema beside tables.
fn table([schema, name]: [&str; 2]) -> String {
    format!("{}.{}", identifier(schema), identifier(name))
}

/// Returns a text as a string constant. Of the form that means the same whatever `standard_conforming_strings` is.
pub(crate) fn literal(text: &str) -> String {
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
pub(crate) fn identifier(name: &str) -> String {
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
    fn no_name_gets_out_of_its_quotes() {
        let parts = ["\"", "'", "\\", ".", "$1", "\n", "--", "/*", ";", "é", "a", " ", ""];
        for one in parts {
            for two in parts {
                for three in parts {
                    let name = format!("{one}{two}{three}");
                    let quoted = identifier(&name);
                    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
                    assert_eq!(inner.replace("\"\"", ""), name.replace('"', ""), "every quote within is doubled");
                    assert_eq!(inner.matches('"').count(), 2 * name.matches('"').count());
                }
            }
        }
    }

    #[test]
    fn names_of_the_catalog_are_quoted_everywhere() {
        let key = ["a\"b".to_owned(), "c".to_owned()];
        let types = ["text".to_owned(), "uuid".to_owned()];
        assert_eq!(count("s", "t\"u"), "SELECT count(*) AS rows FROM \"s\".\"t\"\"u\"");
        assert_eq!(
            last_of_page(["s", "t"], &key, &types, true),
            "WITH page AS (SELECT one.\"a\"\"b\", one.\"c\" FROM \"s\".\"t\" AS one WHERE (one.\"a\"\"b\", one.\"c\") > \
             ((($2)::jsonb ->> 0)::text, (($2)::jsonb ->> 1)::uuid) ORDER BY one.\"a\"\"b\", one.\"c\" LIMIT $1) \
             SELECT jsonb_build_array(\"a\"\"b\", \"c\")::text AS key, (SELECT count(*) FROM page) AS rows FROM page \
             ORDER BY \"a\"\"b\" DESC, \"c\" DESC LIMIT 1"
        );
        assert_eq!(
            count_orphans(["s", "child"], ["s", "parent"], &key[1..], &key[..1]),
            "SELECT count(*) AS rows FROM \"s\".\"child\" AS child WHERE child.\"c\" IS NOT NULL AND NOT EXISTS \
             (SELECT FROM \"s\".\"parent\" AS parent WHERE parent.\"a\"\"b\" = child.\"c\")"
        );
        assert_eq!(drop_any_index("s", "i", true), "DROP INDEX CONCURRENTLY IF EXISTS \"s\".\"i\"");
        assert_eq!(drop_database("a\"b"), "DROP DATABASE IF EXISTS \"a\"\"b\" WITH (FORCE)");
        assert_eq!(
            create_database("d", Some(["de_DE.UTF-8", "it's"])),
            "CREATE DATABASE \"d\" TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LC_COLLATE E'de_DE.UTF-8' \
             LC_CTYPE E'it\\'s'"
        );
    }

    #[test]
    fn identifiers_are_doubled_and_enclosed() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert!(index_name(&IndexName::new("a".repeat(IndexName::MAX_BYTES)).unwrap()).len() <= 63);
    }
}
