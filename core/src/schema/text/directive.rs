//! What the comments of a script say to the engine.

use crate::schema::text::{Statement, Syntax, Token, TokenKind, statements, tokens};

/// Is a line comment that speaks to the engine: `-- polymnia:batch 1000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directive<'a> {
    /// `batch 1000`: the `UPDATE` or `DELETE` that follows is done so many rows at a time.
    Batch {
        /// How many rows of the table at a time, from 1.
        rows: u32,
    },
    /// `allow rule reason`: what the linter says of the statement that follows is known.
    Allow {
        /// The rule of the linter.
        rule: &'a str,
        /// Why it may be.
        reason: &'a str,
    },
    /// `noop reason`: there is nothing to do in this dialect.
    Noop {
        /// Why there isn't.
        reason: &'a str,
    },
}

/// Is what is wrong with a directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectiveFault {
    /// Where it begins in the script, in bytes.
    pub offset: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

/// What a comment begins with that speaks to the engine.
const MARK: &str = "polymnia:";

/// Returns the directive that a comment is; none if it is a comment like any other.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn parse_comment<'a>(token: &Token<'a>) -> Option<Result<Directive<'a>, String>> {
    if token.kind != TokenKind::LineComment {
        return None;
    }
    let text = token.text.strip_prefix("--")?.trim().strip_prefix(MARK)?;
    Some(parse(text))
}

fn parse(text: &str) -> Result<Directive<'_>, String> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    match word {
        "batch" => match rest.parse() {
            Ok(rows @ 1..) => Ok(Directive::Batch { rows }),
            _ => Err(format!("the directive batch has {rest:?}: expected a number of rows, `-- polymnia:batch 1000`")),
        },
        "allow" => match rest.split_once(char::is_whitespace) {
            Some((rule, reason)) => Ok(Directive::Allow { rule, reason: reason.trim() }),
            None => Err("the directive allow lacks a reason: expected `-- polymnia:allow RULE REASON`".to_owned()),
        },
        "noop" if rest.is_empty() => {
            Err("the directive noop lacks a reason: expected `-- polymnia:noop REASON`".to_owned())
        }
        "noop" => Ok(Directive::Noop { reason: rest }),
        _ => Err(format!("{word:?} is no directive: expected batch, allow or noop")),
    }
}

/// Returns why a script does nothing: the reason of its `noop` directive, if it has one and no statement but `SELECT 1;`.
///
/// To PostgreSQL a script of comments is an empty query, which diesel and other tools take for a failure: a statement that does
/// nothing lets them pass.
pub fn noop_reason(script: &str) -> Option<&str> {
    // So little reads the same in every syntax, but for comments in comments.
    let mut reason = None;
    for token in tokens(script, Syntax::Sqlite) {
        if let Some(Ok(Directive::Noop { reason: found })) = parse_comment(&token) {
            reason = reason.or(Some(found));
        }
    }
    reason.filter(|_| statements(script, Syntax::Sqlite).iter().all(does_nothing))
}

fn does_nothing(statement: &Statement<'_>) -> bool {
    let words = tokens(statement.text, Syntax::Sqlite).filter(|token| !token.is_comment());
    words.map(|token| token.text.to_ascii_uppercase()).collect::<Vec<_>>().join(" ").trim_end_matches(" ;")
        == "SELECT 1"
}

/// Returns what is wrong with the directives of a script: malformed, unknown, or where they say nothing.
pub fn directive_faults(script: &str, syntax: Syntax) -> Vec<DirectiveFault> {
    let statements = statements(script, syntax);
    let last = statements.last().map_or(0, |statement| statement.offset);
    let mut faults = Vec::new();
    for token in tokens(script, syntax).filter(Token::is_comment) {
        let Some(parsed) = parse_comment(&token) else { continue };
        let line_start = script[..token.offset].rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let within = statements
            .iter()
            .any(|statement| (statement.offset..statement.offset + statement.text.len()).contains(&token.offset));
        let message = match parsed {
            Err(message) => message,
            Ok(_) if !script[line_start..token.offset].trim().is_empty() => {
                "a directive stands behind something: expected a line of its own".to_owned()
            }
            Ok(_) if within => "a directive stands within a statement: expected it before the statement".to_owned(),
            Ok(Directive::Noop { .. }) if !statements.iter().all(does_nothing) => {
                "the directive noop stands in a script with statements: expected none but `SELECT 1;`".to_owned()
            }
            Ok(Directive::Batch { .. } | Directive::Allow { .. }) if statements.is_empty() || token.offset > last => {
                "a directive stands before no statement".to_owned()
            }
            Ok(_) => continue,
        };
        faults.push(DirectiveFault { offset: token.offset, message });
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directives(script: &str) -> Vec<Directive<'_>> {
        statements(script, Syntax::Sqlite).into_iter().flat_map(|statement| statement.directives).collect()
    }

    fn faults(script: &str) -> Vec<String> {
        directive_faults(script, Syntax::Sqlite).into_iter().map(|fault| fault.message).collect()
    }

    #[test]
    fn directives_belong_to_the_statement_that_follows() {
        let script = "-- about\n-- polymnia:batch 1000\r\n-- polymnia:allow full_update  it is small \nUPDATE t SET a = 1;\n\
                      DROP TABLE b;";
        let found = statements(script, Syntax::Sqlite);
        assert_eq!(
            found[0].directives,
            [Directive::Batch { rows: 1000 }, Directive::Allow { rule: "full_update", reason: "it is small" }]
        );
        assert_eq!(found[1].directives, []);
        assert_eq!(faults(script), Vec::<String>::new());
    }

    #[test]
    fn only_line_comments_are_directives() {
        assert_eq!(directives("/* polymnia:batch 5 */ SELECT '-- polymnia:batch 6';"), []);
    }

    #[test]
    fn a_noop_says_why() {
        assert_eq!(
            noop_reason("-- not needed\n-- polymnia:noop jsonb has it built in\n"),
            Some("jsonb has it built in")
        );
        assert_eq!(noop_reason("-- polymnia:noop\n"), None);
        assert_eq!(noop_reason("-- polymnia:noop why\nSELECT 1;"), Some("why"));
        assert_eq!(noop_reason("select /* 2 */ 1\n-- polymnia:noop why"), Some("why"));
        assert_eq!(noop_reason("-- polymnia:noop why\nSELECT 2;"), None);
        assert_eq!(noop_reason("SELECT 1;"), None);
        assert_eq!(noop_reason("-- nothing"), None);
    }

    #[test]
    fn what_is_wrong_with_directives_is_told() {
        let cases = [
            ("-- polymnia:batch\nDELETE FROM a;", "expected a number of rows"),
            ("-- polymnia:batch 0\nDELETE FROM a;", "expected a number of rows"),
            ("-- polymnia:allow rule\nDELETE FROM a;", "lacks a reason"),
            ("-- polymnia:noop", "lacks a reason"),
            ("-- polymnia:bach 10\nDELETE FROM a;", "is no directive"),
            ("DROP TABLE b; -- polymnia:batch 10\nDELETE FROM a;", "a line of its own"),
            ("DELETE FROM a\n-- polymnia:batch 10\nWHERE b;", "within a statement"),
            ("DELETE FROM a;\n-- polymnia:batch 10\n", "before no statement"),
            ("-- polymnia:noop why\nDELETE FROM a;", "with statements"),
            ("-- polymnia:noop why\nSELECT 1;\nDELETE FROM a;", "with statements"),
        ];
        for (script, expected) in cases {
            let found = faults(script);
            assert!(found.len() == 1 && found[0].contains(expected), "{script}: {found:?}");
        }
    }
}
