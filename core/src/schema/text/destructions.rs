//! What a script as a whole destroys.

use crate::schema::text::classify::{Words, unquoted};
use crate::schema::text::destroys::{RowChange, actions, changed_rows, names};
use crate::schema::text::{Statement, Syntax, statements};

/// Returns what a script destroys, statement by statement.
///
/// Nothing is destroyed of what the script made itself: a table (its rows too), or a column, which may be filled. Nor is a
/// table that another takes the place of after its rows were copied there, as a rebuild does: `INSERT INTO b SELECT … FROM a;
/// DROP TABLE a; ALTER TABLE b RENAME TO a;`. Names are the same if they are written so, schema included: `a` and `s.a` may
/// be two tables.
pub fn destructions(script: &str, syntax: Syntax) -> Vec<String> {
    let statements = statements(script, syntax);
    let words: Vec<Words<'_>> = statements.iter().map(|statement| Words::new(statement.text, syntax)).collect();
    let mut own = Own::default();
    let mut destroyed = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        let dropped = dropped_tables(&words[index]);
        let replaced = |table: &&str| {
            let renamed = words[index..].iter().filter_map(renamed).filter(|(_, to)| *to == plain(table));
            renamed.into_iter().any(|(from, _)| words[..index].iter().any(|words| copies(words, table, from)))
        };
        let spared = if dropped.is_empty() {
            own.has_changed(&words[index])
        } else {
            dropped.iter().all(|table| own.has_table(table) || replaced(table))
        };
        if !spared {
            destroyed.extend(Statement::destroys(statement, syntax));
        }
        own.learn(&words[index]);
    }
    destroyed
}

/// Is what a script made so far, by names as they are written.
#[derive(Default)]
struct Own {
    tables: Vec<String>,
    /// Table and column.
    columns: Vec<(String, String)>,
}

impl Own {
    fn learn(&mut self, words: &Words<'_>) {
        self.tables.extend(makes_table(words));
        let Some((table, after)) = altered_table(words) else { return };
        for action in actions(words, after).filter(|action| words.is(*action, "ADD")) {
            let at = words.skip(action + 1, &["COLUMN", "IF", "NOT", "EXISTS"]);
            if let Some((column, _)) = words.name(at) {
                self.columns.push((written(table), plain(column)));
            }
        }
    }

    fn has_table(&self, table: &str) -> bool {
        self.tables.contains(&written(table))
    }

    /// Returns whether a statement changes rows, and only such as nobody else can have written.
    fn has_changed(&self, words: &Words<'_>) -> bool {
        if words.is(0, "TRUNCATE") {
            let emptied = names(words, words.skip(1, &["TABLE", "ONLY"]));
            return !emptied.is_empty() && emptied.iter().all(|table| self.has_table(table));
        }
        match changed_rows(words, 0) {
            Some((_, table)) if self.has_table(table) => true,
            Some((RowChange::Update, table)) => {
                let set = set_columns(words);
                let added = |column: &String| self.columns.contains(&(written(table), column.clone()));
                !set.is_empty() && set.iter().all(added)
            }
            _ => false,
        }
    }
}

/// Returns the columns that an `UPDATE` sets; none if it sets some in another form than `a = …`.
fn set_columns(words: &Words<'_>) -> Vec<String> {
    let outside: Vec<usize> = words.outside_brackets().collect();
    let Some(set) = outside.iter().position(|at| words.is(*at, "SET")) else { return Vec::new() };
    let ends = |at: &&usize| !["FROM", "WHERE", "RETURNING"].iter().any(|word| words.is(**at, word));
    let assignments =
        outside[set..].iter().take_while(ends).filter(|at| words.is(**at, "SET") || words.is_symbol(**at, ","));
    let columns: Option<Vec<String>> = assignments
        .map(|at| match words.name(at + 1) {
            Some((column, after)) if words.is_symbol(after, "=") => Some(plain(column)),
            _ => None,
        })
        .collect();
    columns.unwrap_or_default()
}

fn dropped_tables<'a>(words: &Words<'a>) -> Vec<&'a str> {
    if !words.begins(&["DROP", "TABLE"]) {
        return Vec::new();
    }
    names(words, words.skip(2, &["IF", "EXISTS"]))
}

/// A table that may have been there before is not made.
fn makes_table(words: &Words<'_>) -> Option<String> {
    let at = words.skip(1, &["TEMP", "TEMPORARY", "UNLOGGED"]);
    if !words.begins(&["CREATE"]) || !words.is(at, "TABLE") || words.is(at + 1, "IF") {
        return None;
    }
    words.name(at + 1).map(|(name, _)| written(name))
}

/// Returns which table gets another name, and the plain name it gets.
fn renamed<'a>(words: &Words<'a>) -> Option<(&'a str, String)> {
    let (table, after) = altered_table(words)?;
    if !words.has(after, &["RENAME", "TO"]) {
        return None;
    }
    words.name(after + 2).map(|(name, _)| (table, plain(name)))
}

/// Returns whether a statement writes rows of one table to another.
fn copies(words: &Words<'_>, from: &str, to: &str) -> bool {
    let table = match () {
        () if words.begins(&["INSERT", "INTO"]) => 2,
        () if words.begins(&["CREATE", "TABLE"]) => 2,
        () => return false,
    };
    let names = |at: usize, table: &str| words.name(at).is_some_and(|(name, _)| written(name) == written(table));
    let reads = |at: &usize| (words.is(*at, "FROM") || words.is(*at, "JOIN")) && names(at + 1, from);
    names(table, to) && (table..words.tokens.len()).any(|at| reads(&at))
}

fn altered_table<'a>(words: &Words<'a>) -> Option<(&'a str, usize)> {
    if !words.begins(&["ALTER", "TABLE"]) {
        return None;
    }
    words.name(words.skip(2, &["IF", "EXISTS", "ONLY"]))
}

/// Returns a name to compare, its schema included: each part without quotes, in lower case.
fn written(name: &str) -> String {
    let last = plain(name);
    let before = name.trim_end().len() - last_part(name).len();
    match name[..before].trim_end().strip_suffix('.') {
        Some(schema) => format!("{}.{last}", plain(schema.trim_end())),
        None => last,
    }
}

/// Returns the last part of a name, to compare: without quotes, in lower case.
fn plain(name: &str) -> String {
    unquoted(last_part(name).trim()).to_ascii_lowercase()
}

/// Returns the last part of a name, as it is written.
fn last_part(name: &str) -> &str {
    let name = name.trim_end();
    match name.as_bytes().last() {
        Some(quote @ (b'"' | b'`' | b']')) => {
            let opening = if *quote == b']' { '[' } else { char::from(*quote) };
            name[..name.len() - 1].rfind(opening).map_or(name, |at| &name[at..])
        }
        _ => name.rsplit('.').next().unwrap_or(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rebuild_destroys_nothing() {
        let rebuild = "CREATE TABLE new_a (b); INSERT INTO new_a SELECT b FROM a; DROP TABLE \"A\"; ALTER TABLE new_a RENAME TO a;";
        assert_eq!(destructions(rebuild, Syntax::Sqlite), Vec::<String>::new());
        let other = "DROP TABLE a; ALTER TABLE c RENAME TO b; DROP TABLE d;";
        assert_eq!(destructions(other, Syntax::Sqlite), ["drops table a", "drops table d"]);
    }

    #[test]
    fn what_a_script_made_is_its_own() {
        let own = [
            "CREATE TEMP TABLE a (b); UPDATE a SET b = 1; DELETE FROM a; DROP TABLE a;",
            "CREATE TABLE s.a (b int); TRUNCATE S.\"a\";",
            "ALTER TABLE a ADD COLUMN b int, ADD c int DEFAULT f(1, 2); UPDATE a SET b = d, \"c\" = e WHERE f;",
            "CREATE TABLE \"x.y\" (b int); DROP TABLE \"x.y\";",
        ];
        for script in own {
            assert_eq!(destructions(script, Syntax::Postgres), Vec::<String>::new(), "{script}");
        }
        let others = [
            ("ALTER TABLE a ADD b int; UPDATE a SET b = 1, c = 2;", "overwrites rows of a"),
            ("ALTER TABLE a ADD b int; UPDATE a SET (b, c) = (1, 2);", "overwrites rows of a"),
            ("ALTER TABLE a ADD b int; UPDATE d SET b = 1;", "overwrites rows of d"),
            ("UPDATE a SET b = 1; ALTER TABLE a ADD b int;", "overwrites rows of a"),
            ("ALTER TABLE a ADD b int; DELETE FROM a;", "deletes rows of a"),
            ("CREATE TABLE IF NOT EXISTS a (b); DELETE FROM a;", "deletes rows of a"),
            ("CREATE TABLE a (b); TRUNCATE a, c;", "empties table a, c"),
            ("CREATE TEMP TABLE a (b int); DROP TABLE s.a;", "drops table s.a"),
            ("CREATE TABLE public.a (b int); DELETE FROM s.a;", "deletes rows of s.a"),
            ("CREATE TABLE a (b int); DROP TABLE s.c; ALTER TABLE a RENAME TO c;", "drops table s.c"),
            ("INSERT INTO d SELECT b FROM c; DROP TABLE c; ALTER TABLE a RENAME TO c;", "drops table c"),
            ("INSERT INTO a SELECT b FROM d; DROP TABLE c; ALTER TABLE a RENAME TO c;", "drops table c"),
            ("CREATE TABLE a (b); DROP TABLE a, c;", "drops table a, c"),
        ];
        for (script, expected) in others {
            assert_eq!(destructions(script, Syntax::Postgres), [expected], "{script}");
        }
    }
}
