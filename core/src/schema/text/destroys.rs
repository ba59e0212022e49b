//! Which statements destroy data.

use crate::schema::text::classify::{Words, unquoted};
use crate::schema::text::{Directive, Statement, Syntax, TokenKind, statements};

impl Statement<'_> {
    /// Returns what it destroys, if it destroys data: `drops table a`, `drops column a.b`, `empties table a`,
    /// `deletes rows of a`, `overwrites rows of a`.
    ///
    /// An update in batches is a data migration, which is taken to know what it does. What the body of a `DO` destroys is told as
    /// well; what a function does that is called, nobody knows.
    pub fn destroys(&self, syntax: Syntax) -> Option<String> {
        let words = Words::new(self.text, syntax);
        if words.begins(&["DO"]) {
            let body = words.tokens.iter().find(|token| token.kind == TokenKind::Text)?;
            return in_body(body.text, syntax);
        }
        let batched = self.directives.iter().any(|directive| matches!(directive, Directive::Batch { .. }));
        if words.begins(&["WITH"]) {
            // UPDATE is a word of other clauses too: FOR UPDATE, DO UPDATE.
            let begins = |at: &usize| words.is_symbol(at - 1, "(") || words.is_symbol(at - 1, ")");
            return (1..words.tokens.len()).filter(begins).find_map(|at| rows(&words, at, batched));
        }
        definition(&words, 0).or_else(|| rows(&words, 0, batched))
    }
}

/// Returns what a script destroys, statement by statement.
///
/// A table that the script made itself, and one in whose place it puts another, as a rebuild does (`DROP TABLE a; ALTER TABLE b
/// RENAME TO a;`), are not destroyed.
pub fn destructions(script: &str, syntax: Syntax) -> Vec<String> {
    let statements = statements(script, syntax);
    let words: Vec<Words<'_>> = statements.iter().map(|statement| Words::new(statement.text, syntax)).collect();
    let spared = |index: usize, table: &str| {
        words[..index].iter().filter_map(makes_table).any(|made| made == plain(table))
            || words[index..].iter().filter_map(renames_to).any(|name| name == plain(table))
    };
    let destroyed = |(index, statement): (usize, &Statement<'_>)| {
        let dropped = dropped_tables(&words[index]);
        if !dropped.is_empty() && dropped.iter().all(|table| spared(index, table)) {
            return None;
        }
        statement.destroys(syntax)
    };
    statements.iter().enumerate().filter_map(destroyed).collect()
}

/// Says what a statement that changes definitions destroys. It begins at a place, and ends with a semicolon or the text.
fn definition(words: &Words<'_>, at: usize) -> Option<String> {
    const KINDS: [&[&str]; 7] =
        [&["TABLE"], &["FOREIGN", "TABLE"], &["SCHEMA"], &["TYPE"], &["DOMAIN"], &["EXTENSION"], &["DATABASE"]];
    if words.is(at, "TRUNCATE") {
        return Some(format!("empties table {}", names(words, words.skip(at + 1, &["TABLE", "ONLY"])).join(", ")));
    }
    if words.is(at, "DROP") {
        if words.is(at + 1, "OWNED") {
            return Some("drops all that a role owns".to_owned());
        }
        let kind = KINDS.into_iter().find(|kind| words.has(at + 1, kind))?;
        let names = names(words, words.skip(at + 1 + kind.len(), &["IF", "EXISTS"])).join(", ");
        return Some(format!("drops {} {names}", kind.join(" ").to_ascii_lowercase()));
    }
    let (thing, part) = match () {
        () if words.has(at, &["ALTER", "TABLE"]) => (at + 2, "column"),
        () if words.has(at, &["ALTER", "FOREIGN", "TABLE"]) => (at + 3, "column"),
        () if words.has(at, &["ALTER", "TYPE"]) => (at + 2, "attribute"),
        () => return None,
    };
    let (name, after) = words.name(words.skip(thing, &["IF", "EXISTS", "ONLY"]))?;
    let dropped = actions(words, after).filter_map(|action| dropped_part(words, action));
    let dropped: Vec<String> = dropped.map(|part| format!("{name}.{part}")).collect();
    (!dropped.is_empty()).then(|| format!("drops {part} {}", dropped.join(", ")))
}

/// Says what a statement that changes rows destroys. It begins at a place.
fn rows(words: &Words<'_>, at: usize, batched: bool) -> Option<String> {
    if words.has(at, &["DELETE", "FROM"]) {
        let (table, _) = words.name(words.skip(at + 2, &["ONLY"]))?;
        return Some(format!("deletes rows of {table}"));
    }
    if words.is(at, "UPDATE") && !batched {
        let start = if words.is(at + 1, "OR") { at + 3 } else { words.skip(at + 1, &["ONLY"]) };
        let (table, _) = words.name(start)?;
        return Some(format!("overwrites rows of {table}"));
    }
    let into = if words.has(at, &["REPLACE", "INTO"]) {
        at + 2
    } else if words.has(at, &["INSERT", "OR", "REPLACE", "INTO"]) {
        at + 4
    } else {
        return None;
    };
    words.name(into).map(|(table, _)| format!("overwrites rows of {table}"))
}

/// Looks at each place of a body where a statement can begin.
fn in_body(quoted: &str, syntax: Syntax) -> Option<String> {
    let body = match quoted.strip_prefix('$').and_then(|rest| rest.find('$')) {
        Some(tag) => quoted.get(tag + 2..quoted.len().saturating_sub(tag + 2)).unwrap_or_default(),
        None => unquoted(quoted),
    };
    let words = Words::new(body, syntax);
    let begins = |at: &usize| {
        *at == 0
            || words.is_symbol(at - 1, ";")
            || ["BEGIN", "THEN", "ELSE", "LOOP"].iter().any(|word| words.is(at - 1, word))
    };
    (0..words.tokens.len()).filter(begins).find_map(|at| definition(&words, at).or_else(|| rows(&words, at, false)))
}

/// Returns where the actions of an `ALTER` begin.
fn actions<'a>(words: &'a Words<'_>, first: usize) -> impl Iterator<Item = usize> + 'a {
    let end = (first..words.tokens.len()).find(|at| words.is_symbol(*at, ";")).unwrap_or(words.tokens.len());
    let further = words.outside_brackets().filter(move |at| (first..end).contains(at) && words.is_symbol(*at, ","));
    std::iter::once(first).chain(further.map(|comma| comma + 1))
}

/// Returns the column that an action drops.
fn dropped_part<'a>(words: &Words<'a>, action: usize) -> Option<&'a str> {
    if !words.is(action, "DROP") || words.is(action + 1, "CONSTRAINT") {
        return None;
    }
    words.name(words.skip(action + 1, &["COLUMN", "ATTRIBUTE", "IF", "EXISTS"])).map(|(name, _)| name)
}

fn dropped_tables<'a>(words: &Words<'a>) -> Vec<&'a str> {
    if !words.begins(&["DROP", "TABLE"]) {
        return Vec::new();
    }
    names(words, words.skip(2, &["IF", "EXISTS"]))
}

fn makes_table(words: &Words<'_>) -> Option<String> {
    let at = words.skip(1, &["TEMP", "TEMPORARY", "UNLOGGED"]);
    if !words.begins(&["CREATE"]) || !words.is(at, "TABLE") || words.is(at + 1, "IF") {
        return None;
    }
    words.name(at + 1).map(|(name, _)| plain(name))
}

fn renames_to(words: &Words<'_>) -> Option<String> {
    if !words.begins(&["ALTER", "TABLE"]) {
        return None;
    }
    let (_, after) = words.name(words.skip(2, &["IF", "EXISTS", "ONLY"]))?;
    if !words.has(after, &["RENAME", "TO"]) {
        return None;
    }
    words.name(after + 2).map(|(name, _)| plain(name))
}

/// Returns names that commas part.
fn names<'a>(words: &Words<'a>, mut at: usize) -> Vec<&'a str> {
    let mut found = Vec::new();
    while let Some((name, after)) = words.name(at) {
        found.push(name);
        if !words.is_symbol(after, ",") {
            break;
        }
        at = words.skip(after + 1, &["ONLY"]);
    }
    found
}

/// Returns the last part of a name, to compare: without quotes, in lower case.
fn plain(name: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or(name).trim();
    unquoted(last).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destroys(text: &str, syntax: Syntax) -> Option<String> {
        statements(text, syntax).remove(0).destroys(syntax)
    }

    #[test]
    fn what_destroys_is_named() {
        let cases = [
            ("DROP TABLE IF EXISTS s.a, \"b\" CASCADE;", "drops table s.a, \"b\""),
            ("DROP SCHEMA a;", "drops schema a"),
            ("DROP FOREIGN TABLE a;", "drops foreign table a"),
            (
                "ALTER TABLE IF EXISTS ONLY s.a ADD b int DEFAULT f(1, 2), DROP c, DROP COLUMN IF EXISTS d;",
                "drops column s.a.c, s.a.d",
            ),
            ("ALTER TYPE a DROP ATTRIBUTE b;", "drops attribute a.b"),
            ("TRUNCATE TABLE ONLY a, b;", "empties table a, b"),
            ("DELETE FROM a WHERE b;", "deletes rows of a"),
            ("-- polymnia:batch 10\nDELETE FROM a WHERE b;", "deletes rows of a"),
            ("UPDATE a SET b = 1;", "overwrites rows of a"),
            ("WITH x AS (DELETE FROM a RETURNING *) SELECT * FROM x;", "deletes rows of a"),
            ("WITH x AS (SELECT 1) UPDATE a SET b = 1;", "overwrites rows of a"),
            ("DO $x$ BEGIN IF a THEN DROP TABLE b; END IF; END $x$;", "drops table b"),
            ("DO 'BEGIN DELETE FROM a; END';", "deletes rows of a"),
        ];
        for (text, expected) in cases {
            assert_eq!(destroys(text, Syntax::Postgres).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(destroys("ALTER TABLE [a b] DROP c", Syntax::Sqlite).as_deref(), Some("drops column [a b].c"));
        assert_eq!(
            destroys("INSERT OR REPLACE INTO a VALUES (1)", Syntax::Sqlite).as_deref(),
            Some("overwrites rows of a")
        );
    }

    #[test]
    fn what_destroys_nothing_is_let_be() {
        let cases = [
            "CREATE TABLE a (b text DEFAULT 'DROP TABLE a');",
            "DROP INDEX a;",
            "DROP VIEW a;",
            "ALTER TABLE a DROP CONSTRAINT b;",
            "ALTER TABLE a ALTER COLUMN b DROP NOT NULL, ALTER c DROP DEFAULT;",
            "-- polymnia:batch 10\nUPDATE a SET b = 1;",
            "WITH x AS (SELECT 1 FROM a FOR UPDATE) INSERT INTO b SELECT 1 ON CONFLICT DO UPDATE SET c = 1;",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC DELETE FROM a; END;",
            "DO $$ BEGIN RAISE NOTICE 'drop table a;'; END $$;",
            "DO $",
            "DO $$",
            "INSERT INTO a VALUES (1);",
        ];
        for text in cases {
            assert_eq!(destroys(text, Syntax::Postgres), None, "{text}");
        }
        let trigger = "CREATE TRIGGER t AFTER UPDATE ON a BEGIN DELETE FROM b; END;";
        assert_eq!(destroys(trigger, Syntax::Sqlite), None);
    }

    #[test]
    fn a_rebuild_destroys_nothing() {
        let rebuild = "CREATE TABLE new_a (b); INSERT INTO new_a SELECT b FROM a; DROP TABLE \"A\"; ALTER TABLE new_a RENAME TO a;";
        assert_eq!(destructions(rebuild, Syntax::Sqlite), Vec::<String>::new());
        assert_eq!(destructions("CREATE TEMP TABLE a (b); DROP TABLE a;", Syntax::Sqlite), Vec::<String>::new());
        let other = "DROP TABLE a; ALTER TABLE c RENAME TO b; DROP TABLE d;";
        assert_eq!(destructions(other, Syntax::Sqlite), ["drops table a", "drops table d"]);
    }
}
