//! Which statements destroy data.

use crate::schema::text::classify::{Words, unquoted};
use crate::schema::text::{Directive, Statement, Syntax, TokenKind};

impl Statement<'_> {
    /// Returns what it destroys, if it destroys data: `drops table a`, `drops column a.b`, `empties table a`,
    /// `deletes rows of a`, `overwrites rows of a`, `converts column a.b`.
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
        if words.begins(&["EXPLAIN"]) {
            // Only with ANALYZE is it run; where that stands among other options, nobody is to guess.
            let executed = (1..words.tokens.len()).any(|at| words.is(at, "ANALYZE") || words.is(at, "ANALYSE"));
            return executed.then(|| (1..words.tokens.len()).find_map(|at| rows(&words, at, false))).flatten();
        }
        definition(&words, 0).or_else(|| rows(&words, 0, batched))
    }
}

/// Says what a statement that changes definitions destroys. It begins at a place, and ends with a semicolon or the text.
fn definition(words: &Words<'_>, at: usize) -> Option<String> {
    const KINDS: [&[&str]; 7] =
        [&["TABLE"], &["FOREIGN", "TABLE"], &["SCHEMA"], &["TYPE"], &["DOMAIN"], &["EXTENSION"], &["DATABASE"]];
    if words.is(at, "TRUNCATE") {
        let names = names(words, words.skip(at + 1, &["TABLE", "ONLY"])).join(", ");
        return Some(format!("empties table {names}").trim_end().to_owned());
    }
    if words.is(at, "DROP") {
        if words.is(at + 1, "OWNED") {
            return Some("drops all that a role owns".to_owned());
        }
        let kind = KINDS.into_iter().find(|kind| words.has(at + 1, kind))?;
        let names = names(words, words.skip(at + 1 + kind.len(), &["IF", "EXISTS"])).join(", ");
        return Some(format!("drops {} {names}", kind.join(" ").to_ascii_lowercase()).trim_end().to_owned());
    }
    let (thing, part) = match () {
        () if words.has(at, &["ALTER", "TABLE"]) => (at + 2, "column"),
        () if words.has(at, &["ALTER", "FOREIGN", "TABLE"]) => (at + 3, "column"),
        () if words.has(at, &["ALTER", "TYPE"]) => (at + 2, "attribute"),
        () => return None,
    };
    let (name, after) = words.name(words.skip(thing, &["IF", "EXISTS", "ONLY"]))?;
    if let Some(column) = actions(words, after).find_map(|action| converted_column(words, action)) {
        return Some(format!("converts column {name}.{column}"));
    }
    let dropped = actions(words, after).filter_map(|action| dropped_part(words, action));
    let dropped: Vec<String> = dropped.map(|part| format!("{name}.{part}")).collect();
    (!dropped.is_empty()).then(|| format!("drops {part} {}", dropped.join(", ")))
}

/// Says what a statement that changes rows destroys. It begins at a place.
fn rows(words: &Words<'_>, at: usize, batched: bool) -> Option<String> {
    match changed_rows(words, at)? {
        (RowChange::Update, _) if batched => None,
        (RowChange::Delete, table) => Some(format!("deletes rows of {table}")),
        (RowChange::Update | RowChange::Replace, table) => Some(format!("overwrites rows of {table}")),
    }
}

/// Is what a statement does to rows that are there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RowChange {
    Update,
    Delete,
    Replace,
}

/// Returns what a statement that begins at a place does to the rows of which table.
pub(super) fn changed_rows<'a>(words: &Words<'a>, at: usize) -> Option<(RowChange, &'a str)> {
    let merges = |action: &str| (at..words.tokens.len()).any(|place| words.has(place, &["THEN", action]));
    let updates = || (at..words.tokens.len()).any(|place| words.has(place, &["DO", "UPDATE"]));
    let (change, table) = match () {
        () if words.has(at, &["DELETE", "FROM"]) => (RowChange::Delete, at + 2),
        () if words.has(at, &["UPDATE", "OR"]) => (RowChange::Update, at + 3),
        () if words.is(at, "UPDATE") => (RowChange::Update, at + 1),
        () if words.has(at, &["REPLACE", "INTO"]) => (RowChange::Replace, at + 2),
        () if words.has(at, &["INSERT", "OR", "REPLACE", "INTO"]) => (RowChange::Replace, at + 4),
        () if words.has(at, &["INSERT", "INTO"]) && updates() => (RowChange::Replace, at + 2),
        () if words.has(at, &["MERGE", "INTO"]) && merges("DELETE") => (RowChange::Delete, at + 2),
        () if words.has(at, &["MERGE", "INTO"]) && merges("UPDATE") => (RowChange::Replace, at + 2),
        () => return None,
    };
    words.name(words.skip(table, &["ONLY"])).map(|(name, _)| (change, name))
}

/// Looks at each place of a body where a statement can begin.
fn in_body(quoted: &str, syntax: Syntax) -> Option<String> {
    let body = match quoted.strip_prefix('$').and_then(|rest| rest.find('$')) {
        Some(tag) => quoted.get(tag + 2..quoted.len().saturating_sub(tag + 2)).unwrap_or_default(),
        None => unquoted(quoted),
    };
    let words = Words::new(body, syntax);
    // EXECUTE 'DROP TABLE a', EXECUTE format('DROP TABLE %I', a)
    let mut executed = (1..words.tokens.len()).filter(|at| {
        words.tokens[*at].kind == TokenKind::Text
            && (words.is(at - 1, "EXECUTE") || (words.is_symbol(at - 1, "(") && *at > 1 && words.is(at - 2, "FORMAT")))
    });
    if let Some(found) = executed.find_map(|at| in_body(words.tokens[at].text, syntax)) {
        return Some(found);
    }
    let begins = |at: &usize| {
        *at == 0
            || words.is_symbol(at - 1, ";")
            || ["BEGIN", "THEN", "ELSE", "LOOP"].iter().any(|word| words.is(at - 1, word))
    };
    (0..words.tokens.len()).filter(begins).find_map(|at| definition(&words, at).or_else(|| rows(&words, at, false)))
}

/// Returns where the actions of an `ALTER` begin.
pub(super) fn actions<'a>(words: &'a Words<'_>, first: usize) -> impl Iterator<Item = usize> + 'a {
    let end = (first..words.tokens.len()).find(|at| words.is_symbol(*at, ";")).unwrap_or(words.tokens.len());
    let further = words.outside_brackets().filter(move |at| (first..end).contains(at) && words.is_symbol(*at, ","));
    std::iter::once(first).chain(further.map(|comma| comma + 1))
}

/// Returns the column whose values an action makes anew by an expression: what comes out may hold less.
fn converted_column<'a>(words: &Words<'a>, action: usize) -> Option<&'a str> {
    if !words.is(action, "ALTER") {
        return None;
    }
    let (column, after) = words.name(words.skip(action + 1, &["COLUMN"]))?;
    let after = words.skip(after, &["SET", "DATA"]);
    let mut outside = words.outside_brackets().filter(|at| *at > after);
    let end = outside.find(|at| words.is(*at, "USING") || words.is_symbol(*at, ",") || words.is_symbol(*at, ";"))?;
    (words.is(after, "TYPE") && words.is(end, "USING")).then_some(column)
}

/// Returns the column that an action drops.
fn dropped_part<'a>(words: &Words<'a>, action: usize) -> Option<&'a str> {
    if !words.is(action, "DROP") || words.is(action + 1, "CONSTRAINT") {
        return None;
    }
    words.name(words.skip(action + 1, &["COLUMN", "ATTRIBUTE", "IF", "EXISTS"])).map(|(name, _)| name)
}

/// Returns names that commas part.
pub(super) fn names<'a>(words: &Words<'a>, mut at: usize) -> Vec<&'a str> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::text::statements;

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
            ("DO $x$ BEGIN EXECUTE format('TRUNCATE %I', b); END $x$;", "empties table"),
            ("DO $x$ BEGIN EXECUTE $y$DROP TABLE b$y$; END $x$;", "drops table b"),
            ("WITH x AS (SELECT 1) INSERT INTO b SELECT 1 ON CONFLICT DO UPDATE SET c = 1;", "overwrites rows of b"),
            ("INSERT INTO a VALUES (1) ON CONFLICT (b) DO UPDATE SET c = 1;", "overwrites rows of a"),
            ("ALTER TABLE a ADD c int, ALTER COLUMN b SET DATA TYPE int USING (0);", "converts column a.b"),
            ("ALTER TABLE s.a ALTER b TYPE numeric(3, 1) USING 0;", "converts column s.a.b"),
            ("EXPLAIN (ANALYZE, BUFFERS) DELETE FROM a;", "deletes rows of a"),
            ("EXPLAIN ANALYZE UPDATE a SET b = 1;", "overwrites rows of a"),
            ("MERGE INTO a USING b ON c WHEN MATCHED THEN DELETE;", "deletes rows of a"),
            ("MERGE INTO a USING b ON c WHEN MATCHED THEN UPDATE SET d = 1;", "overwrites rows of a"),
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
            "WITH x AS (SELECT 1 FROM a FOR UPDATE) INSERT INTO b SELECT 1 ON CONFLICT DO NOTHING;",
            "ALTER TABLE a ALTER b TYPE bigint, ALTER c SET DEFAULT 1;",
            "EXPLAIN DELETE FROM a;",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC DELETE FROM a; END;",
            "DO $$ BEGIN RAISE NOTICE 'drop table a;'; END $$;",
            "DO $",
            "DO $$",
            "INSERT INTO a VALUES (1);",
            "MERGE INTO a USING b ON c WHEN NOT MATCHED THEN INSERT VALUES (1);",
        ];
        for text in cases {
            assert_eq!(destroys(text, Syntax::Postgres), None, "{text}");
        }
        let trigger = "CREATE TRIGGER t AFTER UPDATE ON a BEGIN DELETE FROM b; END;";
        assert_eq!(destroys(trigger, Syntax::Sqlite), None);
    }
}
