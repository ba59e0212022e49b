//! The lexer: SQL as a row of tokens.

use crate::schema::text::Syntax;

/// Is one token of a script. White space stands between tokens and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// What kind of token it is.
    pub kind: TokenKind,
    /// The token as it is written, quotes and all.
    pub text: &'a str,
    /// Where it begins in the script, in bytes.
    pub offset: usize,
}

/// Says what kind of token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A keyword or a name without quotes.
    Word,
    /// A name in quotes.
    Name,
    /// A text or a blob in quotes, its prefix included.
    Text,
    /// A number.
    Number,
    /// An operator, a bracket, a comma, a semicolon, or what belongs to nothing else.
    Symbol,
    /// A comment to the end of its line, the line end left out.
    LineComment,
    /// A comment between `/*` and `*/`.
    BlockComment,
}

impl Token<'_> {
    /// Returns whether it is this keyword, in any case and without quotes.
    pub fn is(&self, keyword: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Returns whether it is this symbol.
    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == TokenKind::Symbol && self.text == symbol
    }

    /// Returns whether it is a comment.
    pub fn is_comment(&self) -> bool {
        matches!(self.kind, TokenKind::LineComment | TokenKind::BlockComment)
    }

    /// Returns whether it may name something: a word or a quoted name.
    pub fn is_name(&self) -> bool {
        matches!(self.kind, TokenKind::Word | TokenKind::Name)
    }

    /// Returns where it ends in the script, in bytes.
    pub fn end(&self) -> usize {
        self.offset + self.text.len()
    }
}

/// Returns the tokens of a script, comments included.
///
/// Takes any text: what is never closed goes on to the end.
///
/// # Examples
///
/// ```
/// use polymnia::schema::text::{Syntax, tokens};
///
/// let script = "SELECT ';' -- one; two";
/// let texts: Vec<&str> = tokens(script, Syntax::Sqlite).map(|token| token.text).collect();
/// assert_eq!(texts, ["SELECT", "';'", "-- one; two"]);
/// ```
pub fn tokens(script: &str, syntax: Syntax) -> impl Iterator<Item = Token<'_>> + Clone {
    Lexer { script, syntax, at: 0 }
}

#[derive(Clone)]
struct Lexer<'a> {
    script: &'a str,
    syntax: Syntax,
    at: usize,
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let bytes = self.script.as_bytes();
        self.at += bytes[self.at..].iter().take_while(|byte| is_space(**byte)).count();
        let rest = &self.script[self.at..];
        let first = *rest.as_bytes().first()?;
        let (kind, length) = scan(rest, first, self.syntax);
        let token = Token { kind, text: &rest[..length], offset: self.at };
        self.at += length;
        Some(token)
    }
}

/// Returns the kind and the length of the token at the beginning of a text. The length always ends at a character.
fn scan(rest: &str, first: u8, syntax: Syntax) -> (TokenKind, usize) {
    let postgres = syntax == Syntax::Postgres;
    match first {
        b'-' if rest.starts_with("--") => (TokenKind::LineComment, line_comment(rest, syntax)),
        b'/' if rest.starts_with("/*") => (TokenKind::BlockComment, block_comment(rest, postgres)),
        b'\'' => (TokenKind::Text, quoted(rest, 0, b'\'', false)),
        b'"' => (TokenKind::Name, quoted(rest, 0, b'"', false)),
        b'`' if !postgres => (TokenKind::Name, quoted(rest, 0, b'`', false)),
        b'[' if !postgres => (TokenKind::Name, rest.find(']').map_or(rest.len(), |end| end + 1)),
        b'$' if postgres => dollar(rest),
        byte if is_word_start(byte) => word(rest, postgres),
        byte if byte.is_ascii_digit() || (byte == b'.' && digit_at(rest, 1)) => (TokenKind::Number, number(rest)),
        b':' if rest.starts_with("::") || rest.starts_with(":=") => (TokenKind::Symbol, 2),
        byte if postgres && is_operator(byte) => (TokenKind::Symbol, postgres_operator(rest)),
        _ => (TokenKind::Symbol, sqlite_operator(rest)),
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_word(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn digit_at(text: &str, at: usize) -> bool {
    text.as_bytes().get(at).is_some_and(u8::is_ascii_digit)
}

/// To PostgreSQL a carriage return alone ends a line, to SQLite it does not.
fn line_comment(rest: &str, syntax: Syntax) -> usize {
    let end = match syntax {
        Syntax::Postgres => rest.find(['\n', '\r']),
        Syntax::Sqlite => rest.find('\n'),
    };
    end.unwrap_or(rest.len())
}

fn block_comment(rest: &str, nested: bool) -> usize {
    let bytes = rest.as_bytes();
    let mut depth = 0;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") && (nested || depth == 0) {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// Returns where a quoted text ends whose quote stands at `start`. A doubled quote stands for itself.
fn quoted(rest: &str, start: usize, quote: u8, backslash: bool) -> usize {
    let bytes = rest.as_bytes();
    let mut at = start + 1;
    while at < bytes.len() {
        if bytes[at] == quote {
            if bytes.get(at + 1) != Some(&quote) {
                return at + 1;
            }
            at += 2;
        } else if backslash && bytes[at] == b'\\' {
            at += 2;
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// A word, or a text whose prefix it is: `x'00'` everywhere, `e'\n'`, `b'1'`, `n'a'` and `u&'a'` on PostgreSQL.
fn word(rest: &str, postgres: bool) -> (TokenKind, usize) {
    let bytes = rest.as_bytes();
    let length = bytes.iter().take_while(|byte| is_word(**byte)).count();
    let quote = |at: usize| bytes.get(at) == Some(&b'\'');
    if length == 1 {
        match bytes[0] | 0x20 {
            b'x' if quote(1) => return (TokenKind::Text, quoted(rest, 1, b'\'', false)),
            b'b' | b'n' if postgres && quote(1) => return (TokenKind::Text, quoted(rest, 1, b'\'', false)),
            b'e' if postgres && quote(1) => return (TokenKind::Text, quoted(rest, 1, b'\'', true)),
            b'u' if postgres && bytes.get(1) == Some(&b'&') && quote(2) => {
                return (TokenKind::Text, quoted(rest, 2, b'\'', false));
            }
            b'u' if postgres && bytes.get(1) == Some(&b'&') && bytes.get(2) == Some(&b'"') => {
                return (TokenKind::Name, quoted(rest, 2, b'"', false));
            }
            _ => {}
        }
    }
    (TokenKind::Word, length)
}

fn number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let hexadecimal = bytes.len() > 1 && bytes[0] == b'0' && bytes[1] | 0x20 == b'x';
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let sign = matches!(byte, b'+' | b'-')
            && !hexadecimal
            && at > 0
            && bytes[at - 1] | 0x20 == b'e'
            && digit_at(rest, at + 1);
        let point = *byte == b'.' && bytes.get(at + 1) != Some(&b'.');
        if !(sign || point || byte.is_ascii_alphanumeric() || *byte == b'_') {
            break;
        }
        at += 1;
    }
    at.max(1)
}

/// A dollar-quoted text, or a parameter, or a `$` alone.
fn dollar(rest: &str) -> (TokenKind, usize) {
    let bytes = rest.as_bytes();
    let digits = bytes[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 0 {
        return (TokenKind::Symbol, 1 + digits);
    }
    let name = bytes[1..].iter().take_while(|byte| is_word(**byte) && **byte != b'$').count();
    if bytes.get(1 + name) != Some(&b'$') {
        return (TokenKind::Symbol, 1);
    }
    let (tag, body) = rest.split_at(name + 2);
    (TokenKind::Text, body.find(tag).map_or(rest.len(), |found| tag.len() + found + tag.len()))
}

fn is_operator(byte: u8) -> bool {
    b"+-*/<>=~!@#%^&|`?".contains(&byte)
}

/// As PostgreSQL has it: the longest run that no comment begins in, and that doesn't end with a sign unless one of some
/// characters stands in it: `a=-1` is `=` and `-`, `a@-1` is `@-`.
fn postgres_operator(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut length = 0;
    while length < bytes.len() && is_operator(bytes[length]) {
        if bytes[length..].starts_with(b"--") || bytes[length..].starts_with(b"/*") {
            break;
        }
        length += 1;
    }
    let free = bytes[..length].iter().any(|byte| b"~!@#%^&|`?".contains(byte));
    while !free && length > 1 && matches!(bytes[length - 1], b'+' | b'-') {
        length -= 1;
    }
    length.max(1)
}

fn sqlite_operator(rest: &str) -> usize {
    const LONG: [&str; 10] = ["->>", "->", "||", "<<", ">>", "<=", ">=", "<>", "==", "!="];
    LONG.iter()
        .find(|operator| rest.starts_with(**operator))
        .map_or_else(|| rest.chars().next().map_or(1, char::len_utf8), |operator| operator.len())
}
