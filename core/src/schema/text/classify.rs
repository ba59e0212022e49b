//! What kind of statement it is, as far as running it goes.

use crate::schema::text::{Statement, Syntax, Token, tokens};

impl<'a> Statement<'a> {
    /// Returns whether the database refuses it in a transaction, or does something else there.
    pub fn stands_alone(&self, syntax: Syntax) -> bool {
        let words = Words::new(self.text, syntax);
        match syntax {
            Syntax::Sqlite => ["VACUUM", "PRAGMA", "ATTACH", "DETACH"].iter().any(|word| words.begins(&[word])),
            Syntax::Postgres => stands_alone_on_postgres(&words),
        }
    }

    /// Returns the name of the index that it makes, as it is written; none if it makes none or leaves the name to the database.
    pub fn creates_index(&self) -> Option<&'a str> {
        let (words, at) = self.index_heading()?;
        // CREATE INDEX ON t: PostgreSQL finds a name.
        if words.is(at, "ON") { None } else { words.name(at).map(|(name, _)| name) }
    }

    /// Returns the table whose index it makes, as it is written.
    pub fn creates_index_on(&self) -> Option<&'a str> {
        let (words, at) = self.index_heading()?;
        let at = if words.is(at, "ON") { at } else { words.name(at)?.1 };
        if !words.is(at, "ON") {
            return None;
        }
        words.name(words.skip(at + 1, &["ONLY"])).map(|(name, _)| name)
    }

    /// Returns the name of the index that it removes, the first if it removes several, as it is written.
    pub fn drops_index(&self) -> Option<&'a str> {
        let words = Words::new(self.text, Syntax::Sqlite);
        if !words.begins(&["DROP", "INDEX"]) {
            return None;
        }
        words.name(words.skip(2, &["CONCURRENTLY", "IF", "EXISTS"])).map(|(name, _)| name)
    }

    /// Returns what it sets SQLite's foreign keys to, if that is what it does.
    pub fn foreign_keys_pragma(&self) -> Option<bool> {
        let words = Words::new(self.text, Syntax::Sqlite);
        if !words.begins(&["PRAGMA"]) {
            return None;
        }
        let (name, at) = words.name(1)?;
        let name = name.rsplit('.').next().unwrap_or(name).trim();
        if !unquoted(name).eq_ignore_ascii_case("foreign_keys") {
            return None;
        }
        if !(words.is_symbol(at, "=") || words.is_symbol(at, "(")) {
            return None;
        }
        let value = unquoted(words.tokens.get(at + 1)?.text).to_ascii_lowercase();
        // Anything else SQLite takes for off.
        Some(matches!(value.as_str(), "on" | "true" | "yes") || value.parse::<i64>().is_ok_and(|number| number != 0))
    }

    /// Returns the word with which it begins, ends or marks a transaction, as it is written, if it does.
    pub fn transaction_word(&self) -> Option<&'a str> {
        const ALONE: [&str; 7] = ["BEGIN", "COMMIT", "ROLLBACK", "END", "ABORT", "SAVEPOINT", "RELEASE"];
        let words = Words::new(self.text, Syntax::Sqlite);
        let found = ALONE.iter().any(|word| words.begins(&[word]))
            || words.begins(&["START", "TRANSACTION"])
            || words.begins(&["PREPARE", "TRANSACTION"]);
        found.then(|| words.tokens[0].text)
    }

    /// Returns where the name of the index stands that a `CREATE INDEX` makes.
    fn index_heading(&self) -> Option<(Words<'a>, usize)> {
        // What matters of it reads the same in both syntaxes.
        let words = Words::new(self.text, Syntax::Sqlite);
        let at = words.skip(1, &["UNIQUE"]);
        if !words.begins(&["CREATE"]) || !words.is(at, "INDEX") {
            return None;
        }
        let at = words.skip(at + 1, &["CONCURRENTLY", "IF", "NOT", "EXISTS"]);
        Some((words, at))
    }
}

/// The documentation of each of these commands says that it can't be run in a transaction block.
fn stands_alone_on_postgres(words: &Words<'_>) -> bool {
    const ALWAYS: [&[&str]; 11] = [
        &["VACUUM"],
        &["ALTER", "SYSTEM"],
        &["CREATE", "DATABASE"],
        &["DROP", "DATABASE"],
        &["CREATE", "TABLESPACE"],
        &["DROP", "TABLESPACE"],
        &["CREATE", "SUBSCRIPTION"],
        &["DROP", "SUBSCRIPTION"],
        &["REINDEX", "DATABASE"],
        &["REINDEX", "SYSTEM"],
        &["REINDEX", "SCHEMA"],
    ];
    if ALWAYS.iter().any(|beginning| words.begins(beginning)) || words.begins(&["DISCARD", "ALL"]) {
        return true;
    }
    let concurrently = words.top_level("CONCURRENTLY").is_some();
    if words.begins(&["REINDEX"]) {
        // REINDEX (CONCURRENTLY) INDEX a has it in brackets.
        return words.tokens.iter().any(|token| token.is("CONCURRENTLY"));
    }
    let index = words.begins(&["CREATE", "INDEX"])
        || words.begins(&["CREATE", "UNIQUE", "INDEX"])
        || words.begins(&["DROP", "INDEX"]);
    let detach = words.begins(&["ALTER", "TABLE"]) && words.top_level("DETACH").is_some();
    let tablespace = words.begins(&["ALTER", "DATABASE"]) && words.top_level("TABLESPACE").is_some();
    let cluster_all = words.begins(&["CLUSTER"]) && words.tokens.len() == 1;
    (concurrently && (index || detach)) || tablespace || cluster_all
}

/// Returns a name or a text without its quotes.
pub(super) fn unquoted(text: &str) -> &str {
    let quoted = text.len() > 1
        && matches!(
            (text.as_bytes()[0], text.as_bytes()[text.len() - 1]),
            (b'\'', b'\'') | (b'"', b'"') | (b'`', b'`') | (b'[', b']')
        );
    if quoted { &text[1..text.len() - 1] } else { text }
}

/// Is the tokens of a statement, without comments and without the `;` at its end.
#[derive(Clone, Debug)]
pub(super) struct Words<'a> {
    text: &'a str,
    pub(super) tokens: Vec<Token<'a>>,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str, syntax: Syntax) -> Self {
        let mut tokens: Vec<Token<'a>> = tokens(text, syntax).filter(|token| !token.is_comment()).collect();
        while tokens.last().is_some_and(|token| token.is_symbol(";")) {
            tokens.pop();
        }
        Self { text, tokens }
    }

    /// Returns whether the tokens from one place on are these keywords.
    pub(super) fn has(&self, at: usize, keywords: &[&str]) -> bool {
        keywords.iter().enumerate().all(|(index, keyword)| self.is(at + index, keyword))
    }

    pub(super) fn begins(&self, keywords: &[&str]) -> bool {
        self.has(0, keywords)
    }

    pub(super) fn is(&self, at: usize, keyword: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(keyword))
    }

    pub(super) fn is_symbol(&self, at: usize, symbol: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_symbol(symbol))
    }

    /// Returns the first place that is none of these keywords.
    pub(super) fn skip(&self, mut at: usize, keywords: &[&str]) -> usize {
        while keywords.iter().any(|keyword| self.is(at, keyword)) {
            at += 1;
        }
        at
    }

    /// Returns the name at a place, its schema included, and the place behind it.
    pub(super) fn name(&self, at: usize) -> Option<(&'a str, usize)> {
        let first = self.tokens.get(at).filter(|token| token.is_name())?;
        let mut last = at;
        while self.is_symbol(last + 1, ".") && self.tokens.get(last + 2).is_some_and(Token::is_name) {
            last += 2;
        }
        Some((&self.text[first.offset..self.tokens[last].end()], last + 1))
    }

    /// Returns the places outside brackets, in order.
    pub(super) fn outside_brackets(&self) -> impl Iterator<Item = usize> {
        let mut depth = 0_usize;
        self.tokens.iter().enumerate().filter_map(move |(at, token)| {
            if token.is_symbol("(") {
                depth += 1;
            } else if token.is_symbol(")") {
                depth = depth.saturating_sub(1);
                return None;
            }
            (depth == 0).then_some(at)
        })
    }

    /// Returns the first place outside brackets that is a keyword.
    pub(super) fn top_level(&self, keyword: &str) -> Option<usize> {
        self.outside_brackets().find(|at| self.is(*at, keyword))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::text::statements;

    fn one(text: &str, syntax: Syntax) -> Statement<'_> {
        let mut found = statements(text, syntax);
        assert_eq!(found.len(), 1, "{text}");
        found.remove(0)
    }

    #[test]
    fn what_no_transaction_takes_stands_alone() {
        let postgres = [
            ("create unique index concurrently a on b (c);", true),
            ("CREATE INDEX IF NOT EXISTS a ON b (c);", false),
            ("CREATE INDEX a ON b (concurrently);", false),
            ("DROP INDEX CONCURRENTLY IF EXISTS a;", true),
            ("REINDEX (VERBOSE, CONCURRENTLY) TABLE a;", true),
            ("REINDEX TABLE CONCURRENTLY a;", true),
            ("REINDEX TABLE a;", false),
            ("VACUUM (ANALYZE) a;", true),
            ("ALTER SYSTEM SET a = 1;", true),
            ("CREATE DATABASE a;", true),
            ("ALTER TABLE a DETACH PARTITION b CONCURRENTLY;", true),
            ("ALTER TABLE a DETACH PARTITION b;", false),
            ("REFRESH MATERIALIZED VIEW CONCURRENTLY a;", false),
            ("PRAGMA foreign_keys = ON;", false),
        ];
        for (text, expected) in postgres {
            assert_eq!(one(text, Syntax::Postgres).stands_alone(Syntax::Postgres), expected, "{text}");
        }
        for (text, expected) in
            [("VACUUM", true), ("PRAGMA a = 1;", true), ("ATTACH 'a' AS b;", true), ("DROP TABLE a;", false)]
        {
            assert_eq!(one(text, Syntax::Sqlite).stands_alone(Syntax::Sqlite), expected, "{text}");
        }
    }

    #[test]
    fn indexes_are_named_as_written() {
        let cases = [
            ("CREATE INDEX a ON b (c);", Some("a"), Some("b")),
            (
                "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"a b\" ON s.\"t\" (c);",
                Some("\"a b\""),
                Some("s.\"t\""),
            ),
            ("CREATE INDEX main.a ON b (c);", Some("main.a"), Some("b")),
            ("CREATE INDEX CONCURRENTLY ON ONLY b (c);", None, Some("b")),
            ("CREATE /* unique */ INDEX -- x\n a ON b (c);", Some("a"), Some("b")),
            ("CREATE TABLE a (b);", None, None),
        ];
        for (text, index, table) in cases {
            let statement = one(text, Syntax::Sqlite);
            assert_eq!((statement.creates_index(), statement.creates_index_on()), (index, table), "{text}");
        }
        assert_eq!(one("DROP INDEX CONCURRENTLY IF EXISTS s.a, b;", Syntax::Postgres).drops_index(), Some("s.a"));
        assert_eq!(one("DROP TABLE a;", Syntax::Postgres).drops_index(), None);
    }

    #[test]
    fn the_pragma_of_foreign_keys_is_known() {
        let cases = [
            ("PRAGMA foreign_keys = OFF;", Some(false)),
            ("pragma foreign_keys=on", Some(true)),
            ("PRAGMA main.foreign_keys(1);", Some(true)),
            ("PRAGMA foreign_keys = 'yes';", Some(true)),
            ("PRAGMA foreign_keys = 0;", Some(false)),
            ("PRAGMA foreign_keys;", None),
            ("PRAGMA foreign_key_check;", None),
        ];
        for (text, expected) in cases {
            assert_eq!(one(text, Syntax::Sqlite).foreign_keys_pragma(), expected, "{text}");
        }
    }

    #[test]
    fn words_of_transactions_are_known() {
        let cases = [
            ("BEGIN IMMEDIATE;", Some("BEGIN")),
            ("commit;", Some("commit")),
            ("START TRANSACTION;", Some("START")),
            ("PREPARE TRANSACTION 'a';", Some("PREPARE")),
            ("RELEASE a;", Some("RELEASE")),
            ("PREPARE a AS SELECT 1;", None),
            ("CREATE TABLE \"BEGIN\" (a);", None),
        ];
        for (text, expected) in cases {
            assert_eq!(one(text, Syntax::Postgres).transaction_word(), expected, "{text}");
        }
    }
}
