//! Statements that can be cut by the key of their table.

use crate::schema::BatchCondition;
use crate::schema::text::classify::Words;
use crate::schema::text::{Statement, Syntax};

/// Says how to cut a statement by the key of its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<'a> {
    /// The table, as it is written.
    pub table: &'a str,
    /// How the statement calls the table: its alias, or its name without a schema, as written.
    pub alias: &'a str,
    /// Where the condition on the key goes, in bytes of the statement.
    pub condition: BatchCondition,
}

impl<'a> Statement<'a> {
    /// Reads the statement as one that can be cut: `UPDATE t [AS a] SET … [FROM …] [WHERE …]` or
    /// `DELETE FROM t [AS a] [USING …] [WHERE …]`.
    ///
    /// # Errors
    ///
    /// Why it can't be cut.
    pub fn batch(&self, syntax: Syntax) -> Result<Batch<'a>, String> {
        let words = Words::new(self.text, syntax);
        let start = if words.begins(&["UPDATE"]) {
            1
        } else if words.begins(&["DELETE", "FROM"]) {
            2
        } else {
            return Err("only UPDATE and DELETE FROM can be done in batches".to_owned());
        };
        if words.is(start, "ONLY") || words.is(start, "OR") {
            let word = words.tokens[start].text;
            return Err(format!("{word} can't be done in batches: expected the name of the table"));
        }
        let (table, after) = words.name(start).ok_or("expected the name of the table")?;
        // The last part of the name: Words::name ends with a name.
        let name = words.tokens[after - 1].text;
        let (alias, after) = alias(&words, after, syntax).unwrap_or((name, after));
        for word in ["RETURNING", "ORDER", "LIMIT", "UNION", "INTERSECT", "EXCEPT"] {
            if words.top_level(word).is_some() {
                return Err(format!("a statement with {word} can't be done in batches"));
            }
        }
        let follows: &[&str] = if start == 1 { &["SET"] } else { &["USING", "WHERE"] };
        if after < words.tokens.len() && !follows.iter().any(|word| words.is(after, word))
            || (start == 1 && after >= words.tokens.len())
        {
            return Err(format!("expected {} behind the table", follows.join(" or ")));
        }
        let end = words.tokens.last().map_or(0, crate::schema::text::Token::end);
        let condition = match words.top_level("WHERE") {
            None => BatchCondition::At(end),
            Some(at) if words.has(at + 1, &["CURRENT", "OF"]) => {
                return Err("WHERE CURRENT OF can't be done in batches".to_owned());
            }
            Some(at) => match words.tokens.get(at + 1) {
                Some(first) => BatchCondition::Within(first.offset..end),
                None => return Err("expected a condition behind WHERE".to_owned()),
            },
        };
        Ok(Batch { table, alias, condition })
    }
}

/// Returns the alias at a place, and the place behind it. Without AS it is PostgreSQL's alone.
fn alias<'a>(words: &Words<'a>, at: usize, syntax: Syntax) -> Option<(&'a str, usize)> {
    let named = words.is(at, "AS");
    let at = if named { at + 1 } else { at };
    let bare = syntax == Syntax::Postgres && !["SET", "USING", "WHERE"].iter().any(|word| words.is(at, word));
    let token = words.tokens.get(at).filter(|token| token.is_name() && (named || bare))?;
    Some((token.text, at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::text::statements;

    fn batch(text: &str, syntax: Syntax) -> Result<(&str, &str, String), String> {
        let statement = statements(text, syntax).remove(0);
        statement.batch(syntax).map(|batch| {
            let cut = match batch.condition {
                BatchCondition::Within(range) => {
                    format!("{}({}) AND k{}", &text[..range.start], &text[range.clone()], &text[range.end..])
                }
                BatchCondition::At(at) => format!("{} WHERE k{}", &text[..at], &text[at..]),
            };
            (batch.table, batch.alias, cut)
        })
    }

    #[test]
    fn conditions_go_where_they_belong() {
        let cases = [
            ("UPDATE t SET a = 1;", "t", "t", "UPDATE t SET a = 1 WHERE k;"),
            ("UPDATE s.t AS x SET a = 1 WHERE b OR c;", "s.t", "x", "UPDATE s.t AS x SET a = 1 WHERE (b OR c) AND k;"),
            (
                "UPDATE t SET a = (SELECT b FROM c WHERE d) FROM e -- all\n;",
                "t",
                "t",
                "UPDATE t SET a = (SELECT b FROM c WHERE d) FROM e WHERE k -- all\n;",
            ),
            ("DELETE FROM s.\"T\"", "s.\"T\"", "\"T\"", "DELETE FROM s.\"T\" WHERE k"),
            ("DELETE FROM t WHERE a -- b\n;", "t", "t", "DELETE FROM t WHERE (a) AND k -- b\n;"),
        ];
        for (text, table, alias, cut) in cases {
            for syntax in [Syntax::Sqlite, Syntax::Postgres] {
                assert_eq!(batch(text, syntax), Ok((table, alias, cut.to_owned())), "{text}");
            }
        }
        let cut = "DELETE FROM t x USING y WHERE (x.a = y.a) AND k;";
        assert_eq!(batch("DELETE FROM t x USING y WHERE x.a = y.a;", Syntax::Postgres), Ok(("t", "x", cut.to_owned())));
    }

    #[test]
    fn what_cannot_be_cut_is_told() {
        let cases = [
            ("INSERT INTO t VALUES (1);", "only UPDATE and DELETE"),
            ("WITH a AS (SELECT 1) DELETE FROM t;", "only UPDATE and DELETE"),
            ("UPDATE OR IGNORE t SET a = 1;", "OR can't"),
            ("DELETE FROM ONLY t;", "ONLY can't"),
            ("UPDATE t SET a = 1 RETURNING b;", "RETURNING"),
            ("DELETE FROM t ORDER BY a LIMIT 5;", "ORDER"),
            ("DELETE FROM t a WHERE b;", "expected USING or WHERE"),
            ("DELETE FROM t WHERE b ORDER BY a LIMIT 5;", "ORDER"),
            ("DELETE FROM t WHERE CURRENT OF c;", "CURRENT OF"),
            ("DELETE FROM t WHERE;", "expected a condition"),
            ("UPDATE t INDEXED BY i SET a = 1;", "expected SET"),
            ("UPDATE t", "expected SET"),
            ("UPDATE 'a';", "name of the table"),
        ];
        for (text, expected) in cases {
            let told = batch(text, Syntax::Sqlite).unwrap_err();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
