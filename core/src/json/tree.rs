//! JSON as a tree, decimals as digit strings, and the rules of PostgreSQL word by word: the oracle of every fast way.
//!
//! It shares no code with what it judges and is as slow as it likes.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

use super::Json;

/// A JSON value as its text spells it, duplicate keys included.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    /// Code points, since `\u0000` and halves of surrogate pairs are grammatical.
    String(Vec<u32>),
    Array(Vec<Value>),
    Object(Vec<(Vec<u32>, Value)>),
}

/// A number in its parts.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub(super) negative: bool,
    pub(super) integer: String,
    pub(super) fraction: String,
    pub(super) exponent: i128,
}

/// Reads a text by the grammar of RFC 8259, with no limit but [`Json::MAX_DEPTH`].
pub(crate) fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { chars: text.chars().peekable(), depth: 0 };
    let value = reader.value()?;
    reader.space();
    reader.chars.next().is_none().then_some(value)
}

impl Value {
    /// Answers `self @> needle` for two roots.
    pub(crate) fn contains(&self, needle: &Self) -> bool {
        match (self, needle) {
            (Self::Array(elements), scalar) if scalar.is_scalar() => {
                elements.iter().any(|element| element.equals(scalar))
            }
            _ => self.contains_nested(needle),
        }
    }

    fn contains_nested(&self, needle: &Self) -> bool {
        match (self, needle) {
            (Self::Object(members), Self::Object(wanted)) => {
                let (members, wanted) = (last_of_each(members), last_of_each(wanted));
                wanted.iter().all(|(key, wanted)| members.get(key).is_some_and(|value| value.contains_nested(wanted)))
            }
            (Self::Array(elements), Self::Array(wanted)) => {
                wanted.iter().all(|wanted| elements.iter().any(|element| element.contains_nested(wanted)))
            }
            _ => self.is_scalar() && self.equals(needle),
        }
    }

    /// Answers `self = other`.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a.compare(b).is_eq(),
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b)),
            (Self::Object(a), Self::Object(b)) => {
                let (a, b) = (last_of_each(a), last_of_each(b));
                a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| a.equals(b)))
            }
            _ => false,
        }
    }

    /// Orders two numbers by value and two strings by code points, which is the order of their bytes in UTF-8; nothing else
    /// has an order.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Some(a.compare(b)),
            (Self::String(a), Self::String(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// Returns the value of a key of an object, the last if there are several.
    pub(crate) fn member(&self, key: &[u32]) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        last_of_each(members).get(key).copied()
    }

    fn is_scalar(&self) -> bool {
        !matches!(self, Self::Array(_) | Self::Object(_))
    }
}

impl Number {
    fn compare(&self, other: &Self) -> Ordering {
        let ((sign, magnitude), (other_sign, other_magnitude)) = (self.reduced(), other.reduced());
        let by_magnitude = if sign < 0 { other_magnitude.cmp(&magnitude) } else { magnitude.cmp(&other_magnitude) };
        sign.cmp(&other_sign).then(by_magnitude)
    }

    /// Returns the sign (-1, 0 or 1), and the power of ten and the digits behind the point of `0.digits`, without superfluous
    /// zeros: of two numbers of one sign, the greater power decides, then the greater digits.
    fn reduced(&self) -> (i8, (i128, String)) {
        let digits = format!("{}{}", self.integer, self.fraction);
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() {
            return (0, (0, String::new()));
        }
        let zeros = digits.len() - significant.len();
        let power = self.exponent + self.integer.len() as i128 - zeros as i128;
        (if self.negative { -1 } else { 1 }, (power, significant.trim_end_matches('0').into()))
    }
}

/// Returns the members, of those with equal keys the last.
fn last_of_each(members: &[(Vec<u32>, Value)]) -> BTreeMap<&[u32], &Value> {
    members.iter().map(|(key, value)| (key.as_slice(), value)).collect()
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    depth: usize,
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
        if self.depth == Json::MAX_DEPTH {
            return None;
        }
        self.space();
        if self.chars.next_if_eq(&close).is_some() {
            return Some(items);
        }
        self.depth += 1;
        loop {
            items.push(item(self)?);
            self.space();
            match self.chars.next()? {
                ',' => {}
                c if c == close => {
                    self.depth -= 1;
                    return Some(items);
                }
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
