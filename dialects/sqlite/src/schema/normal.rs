//! One way to write what can be written in many: expressions without comments, spare white space, quotes and case.

use polymnia::schema::text::{Syntax, Token, TokenKind, tokens};

use super::catalog::unquoted;

/// Returns the tokens of a text, without comments.
pub(super) fn words(sql: &str) -> Vec<Token<'_>> {
    tokens(sql, Syntax::Sqlite).filter(|token| !token.is_comment()).collect()
}

/// Writes an expression, without parentheses around the whole.
pub(super) fn expression(tokens: &[Token<'_>]) -> String {
    text(unwrapped(tokens))
}

/// Writes a row of tokens.
pub(super) fn text(tokens: &[Token<'_>]) -> String {
    let mut written = String::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        if before.is_some_and(|before| is_apart(at.checked_sub(2).map(|at| &tokens[at]), before, token)) {
            written.push(' ');
        }
        written.push_str(&word(token));
    }
    written
}

/// Writes a name as it stands in a list of columns, or before what belongs to it: in quotes unless it is a plain word.
pub(super) fn name(name: &str) -> String {
    let mut characters = name.chars();
    let begins = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    if begins && characters.all(|next| next.is_ascii_alphanumeric() || matches!(next, '_' | '$')) {
        name.to_owned()
    } else {
        super::quote::name(name)
    }
}

/// Returns the tokens without the parentheses around the whole of them.
pub(super) fn unwrapped<'a, 's>(mut tokens: &'a [Token<'s>]) -> &'a [Token<'s>] {
    while let [first, inner @ .., last] = tokens
        && first.is_symbol("(")
        && last.is_symbol(")")
        && group(tokens) == tokens.len()
    {
        tokens = inner;
    }
    tokens
}

/// Returns how many tokens a group in parentheses has that these begin with, its parentheses included: all of them if it is
/// never closed.
pub(super) fn group(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at + 1;
            }
        }
    }
    tokens.len()
}

/// Words after which a parenthesis begins something else than arguments.
const KEYWORDS: [&str; 38] = [
    "all",
    "and",
    "as",
    "between",
    "by",
    "case",
    "check",
    "collate",
    "default",
    "delete",
    "distinct",
    "else",
    "except",
    "exists",
    "filter",
    "from",
    "glob",
    "having",
    "in",
    "intersect",
    "into",
    "is",
    "join",
    "like",
    "limit",
    "not",
    "on",
    "or",
    "over",
    "returning",
    "select",
    "set",
    "then",
    "union",
    "using",
    "values",
    "when",
    "where",
];

/// Returns whether a space stands between two tokens. `earlier` is the one before them.
fn is_apart(earlier: Option<&Token<'_>>, before: &Token<'_>, token: &Token<'_>) -> bool {
    let symbol = |token: &Token<'_>, of: &[&str]| of.iter().any(|symbol| token.is_symbol(symbol));
    if symbol(before, &["(", "."]) || symbol(token, &[")", ",", ".", ";"]) {
        return false;
    }
    // A sign belongs to what follows it, unless it stands between two operands.
    if symbol(before, &["-", "+", "~"]) && earlier.is_none_or(|earlier| !ends_operand(earlier)) {
        return false;
    }
    if token.is_symbol("(") {
        return !before.is_name() || is_keyword(before);
    }
    true
}

fn ends_operand(token: &Token<'_>) -> bool {
    match token.kind {
        TokenKind::Word => !is_keyword(token),
        TokenKind::Symbol => token.is_symbol(")"),
        _ => true,
    }
}

fn is_keyword(token: &Token<'_>) -> bool {
    KEYWORDS.iter().any(|keyword| token.is(keyword))
}

fn word(token: &Token<'_>) -> String {
    match token.kind {
        TokenKind::Name => name(&unquoted(token).to_ascii_lowercase()),
        TokenKind::Word | TokenKind::Number => token.text.to_ascii_lowercase(),
        // The two ways to write an operator.
        TokenKind::Symbol if token.text == "==" => "=".to_owned(),
        TokenKind::Symbol if token.text == "!=" => "<>".to_owned(),
        _ => match token.text.strip_prefix('X') {
            Some(rest) if token.kind == TokenKind::Text => format!("x{rest}"),
            _ => token.text.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use polymnia::schema::text::split_at_commas;

    use super::*;

    fn normal(sql: &str) -> String {
        expression(&words(sql))
    }

    #[test]
    fn ways_to_write_one_expression_are_one() {
        for (one, other, written) in [
            ("LENGTH( id )=16", "((\"length\"(`ID`) == /* bytes */ 16))", "length(id) = 16"),
            ("op IN('w','d')", "op in ( 'w' , 'd' ) -- known", "op in ('w', 'd')"),
            ("a.b>-1", "[a] . \"b\" > -1", "a.b > -1"),
            ("a-1", "a - 1", "a - 1"),
            ("X'0a'", "x'0a'", "x'0a'"),
            ("(a)=(b)", "( a ) = ( b )", "(a) = (b)"),
            ("\"my col\"", "[my col]", "\"my col\""),
        ] {
            assert_eq!((normal(one).as_str(), normal(other).as_str()), (written, written));
        }
    }

    #[test]
    fn what_means_something_else_is_written_otherwise() {
        for (one, other) in
            [("'a'", "'A'"), ("a + b", "a - b"), ("'a  b'", "'a b'"), ("(a or b) and c", "a or b and c")]
        {
            assert_ne!(normal(one), normal(other));
        }
    }

    #[test]
    fn what_is_never_closed_stays() {
        for text in ["(", "(a"] {
            assert_eq!(normal(text), text);
        }
        assert_eq!((normal("()"), normal("((a))")), (String::new(), "a".to_owned()));
    }

    #[test]
    fn lists_are_cut_at_their_own_commas() {
        let tokens = words("a, f(b, c) desc, (d)");
        let items: Vec<String> = split_at_commas(&tokens).into_iter().map(text).collect();
        assert_eq!(items, ["a", "f(b, c) desc", "(d)"]);
    }
}
