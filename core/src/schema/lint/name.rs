//! Names as scripts write them.

use std::fmt;

use crate::schema::text::{Syntax, Token, TokenKind};

/// Is a name, qualified or not, in the form it has in a snapshot: without quotes where it is a plain word, and in lower case
/// where case doesn't matter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name {
    qualifier: Option<String>,
    last: String,
}

impl Name {
    pub(super) fn new(qualifier: Option<String>, last: String) -> Self {
        // SQLite's database of a file has no name worth telling.
        Self { qualifier: qualifier.filter(|name| name != "main"), last }
    }

    /// Reads a name from its text form in a snapshot.
    pub(super) fn read(text: &str) -> Self {
        let mut quoted = false;
        let dot = text.find(|c| {
            quoted ^= c == '"';
            c == '.' && !quoted
        });
        match dot {
            Some(dot) => Self::new(Some(plain(&text[..dot])), plain(&text[dot + 1..])),
            None => Self::new(None, plain(text)),
        }
    }

    /// Returns the name without what it is qualified by.
    pub(super) fn last(&self) -> &str {
        &self.last
    }

    /// Returns what it is qualified by.
    pub(super) fn qualifier(&self) -> Option<&str> {
        self.qualifier.as_deref()
    }

    /// Returns whether both may mean the same thing: a name that isn't qualified may stand in any schema.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let qualifiers = (&self.qualifier, &other.qualifier);
        self.last == other.last && !matches!(qualifiers, (Some(one), Some(other)) if one != other)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(qualifier) = &self.qualifier {
            write!(f, "{}.", quoted(qualifier))?;
        }
        f.write_str(&quoted(&self.last))
    }
}

/// Returns the name that a token is, without its quotes.
pub(super) fn name_of(token: &Token<'_>, syntax: Syntax) -> String {
    let name = match token.kind {
        TokenKind::Name => plain(token.text),
        _ => token.text.to_lowercase(),
    };
    // To SQLite no name's case matters.
    if syntax == Syntax::Sqlite { name.to_lowercase() } else { name }
}

/// Takes the quotes off a name, if it has any.
fn plain(text: &str) -> String {
    let mut inner = text.chars();
    match (inner.next(), inner.next_back()) {
        (Some('"'), Some('"')) => inner.as_str().replace("\"\"", "\""),
        (Some('`'), Some('`')) => inner.as_str().replace("``", "`"),
        (Some('['), Some(']')) => inner.as_str().to_owned(),
        _ => text.to_owned(),
    }
}

fn quoted(name: &str) -> String {
    let mut bytes = name.bytes();
    let starts = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if starts && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$') {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_and_written() {
        for text in ["a", "a.b", "\"a b\".c", "\"a.b\".\"c\"\"d\""] {
            assert_eq!(Name::read(text).to_string(), text);
        }
        assert_eq!(Name::read("main.a").to_string(), "a");
    }

    #[test]
    fn names_meet_where_they_may_mean_the_same() {
        for (one, other, meet) in
            [("a", "s.a", true), ("s.a", "s.a", true), ("s.a", "t.a", false), ("a", "b", false), ("s.a", "a.s", false)]
        {
            assert_eq!(Name::read(one).meets(&Name::read(other)), meet, "{one} {other}");
        }
    }
}
