//! What PostgreSQL prints, word by word: the oracle of the canonical form.
//!
//! It shares no code with what it judges and is as slow as it likes.

use std::collections::VecDeque;

use super::tree::Number;
pub(super) use super::tree::{Value, parse};

impl Value {
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
}

impl Number {
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
