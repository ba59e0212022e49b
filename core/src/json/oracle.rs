//! The naive oracle: a tree, decimals as digit strings, and the rules of PostgreSQL word by word.
//!
//! It shares no code with what it judges and is as slow as it likes.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::str::Chars;

/// A JSON value as its text spells it, duplicate keys included.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    /// Code points, since `\u0000` and halves of surrogate pairs are grammatical.
    String(Vec<u32>),
    Array(Vec<Value>),
    Object(Vec<(Vec<u32>, Value)>),
}

/// A number in its parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Number {
    negative: bool,
    integer: String,
    fraction: String,
    exponent: i128,
}

/// Reads a text by the grammar of RFC 8259, without limits.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { chars: text.chars().peekable() };
    let value = reader.value()?;
    reader.space();
    reader.chars.next().is_none().then_some(value)
}

impl Value {
    /// Returns the depth of nested containers.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Array(elements) => 1 + elements.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(members) => 1 + members.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// Returns what PostgreSQL prints, or `None` if it refuses the value.
    pub(super) fn canonical(&self) -> Option<String> {
        Some(match self {
            Self::Null => "null".into(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.canonical()?,
            Self::String(string) => canonical_string(string)?,
            Self::Array(elements) => {
                let elements: Option<Vec<_>> = elements.iter().map(Self::canonical).collect();
                format!("[{}]", elements?.join(", "))
            }
            Self::Object(members) => {
                let mut kept: Vec<(String, String, String)> = Vec::new();
                for (key, value) in members {
                    let (key, key_text, value) = (utf8(key)?, canonical_string(key)?, value.canonical()?);
                    kept.retain(|(other, ..)| *other != key);
                    kept.push((key, key_text, value));
                }
                kept.sort_by_key(|(key, ..)| (key.len(), key.clone().into_bytes()));
                let members: Vec<_> = kept.iter().map(|(_, key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}", members.join(", "))
            }
        })
    }

    /// Answers `self @> needle` for two roots.
    pub(super) fn contains(&self, needle: &Self) -> bool {
        match (self, needle) {
            (Self::Array(elements), scalar) if scalar.is_scalar() => {
                elements.iter().any(|element| element.equals(scalar))
            }
            _ => self.contains_nested(needle),
        }
    }

    fn contains_nested(&self, needle: &Self) -> bool {
        match (self, needle) {
            (Self::Object(members), Self::Object(wanted)) => wanted.iter().all(|(key, _)| {
                let last =
                    |members: &[(Vec<u32>, Self)]| members.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.clone());
                let wanted = last(wanted).expect("the key is one of the needle");
                last(members).is_some_and(|value| value.contains_nested(&wanted))
            }),
            (Self::Array(elements), Self::Array(wanted)) => {
                wanted.iter().all(|wanted| elements.iter().any(|element| element.contains_nested(wanted)))
            }
            _ => self.equals(needle),
        }
    }

    fn is_scalar(&self) -> bool {
        !matches!(self, Self::Array(_) | Self::Object(_))
    }

    /// Tells whether two scalars are equal; containers never are.
    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.reduced() == b.reduced(),
            _ => self.is_scalar() && self == other,
        }
    }
}

impl Number {
    /// Returns sign, digits and power of ten, without superfluous zeros.
    fn reduced(&self) -> (bool, String, i128) {
        let digits = format!("{}{}", self.integer, self.fraction);
        let digits = digits.trim_start_matches('0');
        let trimmed = digits.trim_end_matches('0');
        if trimmed.is_empty() {
            return (false, String::new(), 0);
        }
        let zeros = (digits.len() - trimmed.len()) as i128;
        (self.negative, trimmed.into(), self.exponent - self.fraction.len() as i128 + zeros)
    }

    fn canonical(&self) -> Option<String> {
        let mut integer: VecDeque<char> = self.integer.chars().collect();
        let mut fraction: VecDeque<char> = self.fraction.chars().collect();
        let is_zero = integer.iter().chain(&fraction).all(|&digit| digit == '0');
        if self.exponent.abs() >= 1_073_741_823 {
            return None;
        }
        // Move the decimal point digit by digit, but not by more than it takes to be past PostgreSQL's limits.
        for _ in 0..self.exponent.clamp(0, 400_000) {
            let digit = fraction.pop_front().unwrap_or('0');
            integer.push_back(digit);
        }
        for _ in self.exponent.clamp(-400_000, 0)..0 {
            let digit = integer.pop_back().unwrap_or('0');
            fraction.push_front(digit);
        }
        while integer.front() == Some(&'0') {
            integer.pop_front();
        }
        if integer.len() > 131_072 || fraction.len() > 16_383 {
            return None;
        }
        let integer: String = integer.into_iter().collect();
        let fraction: String = fraction.into_iter().collect();
        let sign = if self.negative && !is_zero { "-" } else { "" };
        let integer = if integer.is_empty() { "0" } else { &integer };
        let point = if fraction.is_empty() { "" } else { "." };
        Some(format!("{sign}{integer}{point}{fraction}"))
    }
}

fn utf8(string: &[u32]) -> Option<String> {
    string.iter().map(|&code| char::from_u32(code).filter(|&c| c != '\0')).collect()
}

fn canonical_string(string: &[u32]) -> Option<String> {
    let mut text = String::from("\"");
    for c in utf8(string)?.chars() {
        match c {
            '\u{8}' => text += "\\b",
            '\u{c}' => text += "\\f",
            '\n' => text += "\\n",
            '\r' => text += "\\r",
            '\t' => text += "\\t",
            '"' => text += "\\\"",
            '\\' => text += "\\\\",
            c if c < ' ' => text.extend(format!("\\u{:04x}", u32::from(c)).chars()),
            c => text.push(c),
        }
    }
    Some(text + "\"")
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn space(&mut self) {
        while self.chars.next_if(|c| [' ', '\t', '\n', '\r'].contains(c)).is_some() {}
    }

    fn word(&mut self, word: &str, value: Value) -> Option<Value> {
        word.chars().all(|c| self.chars.next() == Some(c)).then_some(value)
    }

    fn value(&mut self) -> Option<Value> {
        self.space();
        match self.chars.peek()? {
            'n' => self.word("null", Value::Null),
            't' => self.word("true", Value::Bool(true)),
            'f' => self.word("false", Value::Bool(false)),
            '"' => self.string().map(Value::String),
            '[' => self.list(']', Self::value).map(Value::Array),
            '{' => self.list('}', Self::member).map(Value::Object),
            _ => self.number().map(Value::Number),
        }
    }

    fn member(&mut self) -> Option<(Vec<u32>, Value)> {
        self.space();
        let key = self.string()?;
        self.space();
        self.chars.next_if_eq(&':')?;
        Some((key, self.value()?))
    }

    fn list<T>(&mut self, close: char, item: fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut items = Vec::new();
        self.chars.next()?;
        self.space();
        if self.chars.next_if_eq(&close).is_some() {
            return Some(items);
        }
        loop {
            items.push(item(self)?);
            self.space();
            match self.chars.next()? {
                ',' => {}
                c if c == close => return Some(items),
                _ => return None,
            }
        }
    }

    fn digits(&mut self) -> Option<String> {
        let mut digits = String::new();
        while let Some(digit) = self.chars.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        (!digits.is_empty()).then_some(digits)
    }

    fn number(&mut self) -> Option<Number> {
        let negative = self.chars.next_if_eq(&'-').is_some();
        let integer = self.digits()?;
        if integer.len() > 1 && integer.starts_with('0') {
            return None;
        }
        let fraction = if self.chars.next_if_eq(&'.').is_some() { self.digits()? } else { String::new() };
        let mut exponent = 0;
        if self.chars.next_if(|c| ['e', 'E'].contains(c)).is_some() {
            let sign = self.chars.next_if(|c| ['+', '-'].contains(c));
            // Far above what any text can make up for with digits.
            let magnitude = self.digits()?.parse().unwrap_or(i128::MAX / 4).min(i128::MAX / 4);
            exponent = if sign == Some('-') { -magnitude } else { magnitude };
        }
        Some(Number { negative, integer, fraction, exponent })
    }

    fn string(&mut self) -> Option<Vec<u32>> {
        let mut units: Vec<u32> = Vec::new();
        self.chars.next_if_eq(&'"')?;
        loop {
            let code = match self.chars.next()? {
                '"' => return Some(units),
                '\\' => self.escape()?,
                c if c < ' ' => return None,
                c => {
                    units.push(c.into());
                    continue;
                }
            };
            // Only an escape can be half of a pair, so joining the last two of them is safe.
            match (units.last(), code) {
                (Some(&high @ 0xD800..=0xDBFF), 0xDC00..=0xDFFF) => {
                    units.pop();
                    units.push(0x1_0000 + (high - 0xD800) * 0x400 + (code - 0xDC00));
                }
                _ => units.push(code),
            }
        }
    }

    fn escape(&mut self) -> Option<u32> {
        Some(match self.chars.next()? {
            c @ ('"' | '\\' | '/') => c.into(),
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'u' => {
                let digits: Option<Vec<u32>> = (0..4).map(|_| self.chars.next()?.to_digit(16)).collect();
                digits?.into_iter().fold(0, |code, digit| code * 16 + digit)
            }
            _ => return None,
        })
    }
}
