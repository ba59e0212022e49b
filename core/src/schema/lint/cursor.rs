//! Walks over the tokens of a statement.

use crate::schema::lint::name::{Name, name_of};
use crate::schema::text::{Syntax, Token, split_at_commas};

/// Is what is left of a statement's tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'t, 'a> {
    pub(super) left: &'t [Token<'a>],
    pub(super) syntax: Syntax,
}

impl<'t, 'a> Cursor<'t, 'a> {
    pub(super) fn new(tokens: &'t [Token<'a>], syntax: Syntax) -> Self {
        Self { left: tokens, syntax }
    }

    /// Returns whether a keyword comes next.
    pub(super) fn at(&self, word: &str) -> bool {
        self.left.first().is_some_and(|token| token.is(word))
    }

    /// Returns whether one of some keywords comes next.
    pub(super) fn at_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.at(word))
    }

    pub(super) fn at_symbol(&self, symbol: &str) -> bool {
        self.left.first().is_some_and(|token| token.is_symbol(symbol))
    }

    pub(super) fn next(&mut self) -> Option<&'t Token<'a>> {
        let (first, left) = self.left.split_first()?;
        self.left = left;
        Some(first)
    }

    /// Takes some keywords if all of them come next, and returns whether it did.
    pub(super) fn eat(&mut self, words: &str) -> bool {
        let mut ahead = *self;
        for word in words.split(' ') {
            if !ahead.next().is_some_and(|token| token.is(word)) {
                return false;
            }
        }
        *self = ahead;
        true
    }

    /// Takes one of some keywords, and returns which.
    pub(super) fn eat_any(&mut self, words: &[&'static str]) -> Option<&'static str> {
        let word = words.iter().copied().find(|word| self.at(word))?;
        self.next();
        Some(word)
    }

    pub(super) fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = self.at_symbol(symbol);
        if found {
            self.next();
        }
        found
    }

    /// Takes one word or quoted name.
    pub(super) fn word(&mut self) -> Option<String> {
        let token = self.left.first().filter(|token| token.is_name())?;
        self.next();
        Some(name_of(token, self.syntax))
    }

    /// Takes a name, of which the last two parts count.
    pub(super) fn name(&mut self) -> Option<Name> {
        let mut qualifier = None;
        let mut last = self.word()?;
        while self.at_symbol(".") && self.left.get(1).is_some_and(Token::is_name) {
            self.next();
            qualifier = Some(std::mem::replace(&mut last, self.word()?));
        }
        Some(Name::new(qualifier, last))
    }

    /// Takes names separated by commas.
    pub(super) fn names(&mut self) -> Vec<Name> {
        let mut names = Vec::new();
        while let Some(name) = self.name() {
            names.push(name);
            if !self.eat_symbol(",") {
                break;
            }
        }
        names
    }

    /// Takes what stands in the parentheses that come next, and returns it without them.
    pub(super) fn group(&mut self) -> Option<&'t [Token<'a>]> {
        if !self.at_symbol("(") {
            return None;
        }
        let end = closing(self.left);
        let inner = &self.left[1..end];
        self.left = self.left.get(end + 1..).unwrap_or_default();
        Some(inner)
    }

    /// Takes the columns in the parentheses that come next: the first name of each part.
    pub(super) fn columns(&mut self) -> Vec<String> {
        let syntax = self.syntax;
        let parts = self.group().map(split_at_commas).unwrap_or_default();
        parts.into_iter().filter_map(|part| Cursor::new(part, syntax).word()).collect()
    }

    /// Takes tokens, one at least, until one of some keywords comes next outside of parentheses.
    pub(super) fn until(&mut self, words: &[&str]) -> &'t [Token<'a>] {
        let start = self.left;
        let mut first = true;
        while !self.left.is_empty() && (first || !self.at_any(words)) {
            first = false;
            if self.group().is_none() {
                self.next();
            }
        }
        &start[..start.len() - self.left.len()]
    }

    /// Returns whether some keywords stand in a row outside of parentheses in what is left.
    pub(super) fn has(&self, words: &str) -> bool {
        let mut ahead = *self;
        while !ahead.left.is_empty() {
            if ahead.clone().eat(words) {
                return true;
            }
            if ahead.group().is_none() {
                ahead.next();
            }
        }
        false
    }
}

/// Returns where the parenthesis closes that tokens begin with, or their end.
fn closing(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth -= 1;
            if depth == 0 {
                return at;
            }
        }
    }
    tokens.len()
}

/// Returns the names of the functions that tokens call: what stands before a `(`, other than keywords that may.
pub(super) fn calls<'t, 'a>(tokens: &'t [Token<'a>]) -> impl Iterator<Item = &'t Token<'a>> {
    const NOT_CALLS: [&str; 33] = [
        "AND", "ANY", "ALL", "ARRAY", "AS", "BETWEEN", "BY", "CASE", "CHECK", "CONFLICT", "DEFAULT", "DISTINCT",
        "ELSE", "EXISTS", "FILTER", "FROM", "IN", "INTO", "IS", "JOIN", "KEY", "LIKE", "NOT", "ON", "OR", "OVER",
        "SELECT", "SOME", "THEN", "UNIQUE", "USING", "VALUES", "WHEN",
    ];
    tokens.windows(2).filter(|pair| pair[1].is_symbol("(") && pair[0].is_name()).map(|pair| &pair[0]).filter(|name| {
        !NOT_CALLS
            .iter()
            .chain(&["WHERE", "ROW", "SET", "TABLE", "LIMIT", "HAVING", "RETURNING"])
            .any(|word| name.is(word))
    })
}
