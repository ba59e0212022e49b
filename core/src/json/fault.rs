//! What can be wrong with a JSON text, and the error a caller gets for it.

use super::Json;
use crate::error::Error;

/// Names the byte where reading a text stopped, and why.
///
/// Two words, so that the `Result`s of the scanner stay cheap: the error with its message, its line and its column is
/// made once, from the whole text, by [`into_error`](Self::into_error).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) reason: Reason,
}

/// Says why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    ExpectedValue,
    ExpectedKey,
    ExpectedColon,
    ExpectedCommaOrBrace,
    ExpectedCommaOrBracket,
    ExpectedEnd,
    ExpectedDigit,
    ExpectedHex,
    LeadingZero,
    ByteOrderMark,
    UnknownWord,
    UnknownEscape,
    ControlInString,
    UnclosedString,
    NulEscape,
    LoneSurrogate,
    NumberTooLarge,
    NumberTooFine,
    ExponentTooLarge,
    TooDeep,
    InputTooLong,
    CanonicalTooLong,
    ExpansionTooLong,
    InvalidUtf8,
    /// Nothing is wrong with the text: the walk was to end.
    Interrupted,
}

impl Fault {
    /// Returns the error for this fault in `text`, with the line and the column as context.
    ///
    /// The message names at most the one character at fault: strings, numbers and keys are payload.
    #[cold]
    pub(crate) fn into_error(self, text: &str) -> Error {
        at_place(Error::invalid_input(self.message(text)), text, self.at)
    }

    fn message(self, text: &str) -> String {
        let found = || describe(text.get(self.at..).and_then(|rest| rest.chars().next()));
        match self.reason {
            Reason::ExpectedValue => format!("unexpected {} in JSON: expected a value", found()),
            Reason::ExpectedKey => format!("unexpected {} in JSON: expected a key in double quotes", found()),
            Reason::ExpectedColon => format!("unexpected {} in JSON: expected `:` after the key", found()),
            Reason::ExpectedCommaOrBrace => format!("unexpected {} in JSON: expected `,` or `}}`", found()),
            Reason::ExpectedCommaOrBracket => format!("unexpected {} in JSON: expected `,` or `]`", found()),
            Reason::ExpectedEnd => format!("unexpected {} after the JSON value: expected the end of the text", found()),
            Reason::ExpectedDigit => format!("unexpected {} in a JSON number: expected a digit", found()),
            Reason::ExpectedHex => {
                format!("unexpected {} in a JSON escape: expected four hexadecimal digits after `\\u`", found())
            }
            Reason::LeadingZero => {
                "JSON number begins with a superfluous zero: expected `0` or a digit from 1 to 9".into()
            }
            Reason::ByteOrderMark => "JSON begins with a byte order mark: expected UTF-8 text without one".into(),
            Reason::UnknownWord => "unknown word in JSON: expected `null`, `true`, `false` or a value".into(),
            Reason::UnknownEscape => format!(
                "unexpected {} after a backslash in a JSON string: expected one of `\"`, `\\`, `/`, `b`, `f`, `n`, \
                 `r`, `t`, `u`",
                found()
            ),
            Reason::ControlInString => {
                format!("unescaped {} in a JSON string: expected an escape such as `\\n` or `\\u0001`", found())
            }
            Reason::UnclosedString => "JSON string does not end: expected `\"`".into(),
            Reason::NulEscape => "`\\u0000` in a JSON string: expected text without NUL".into(),
            Reason::LoneSurrogate => {
                "half of a surrogate pair in a JSON string: expected `\\ud800` to `\\udbff` followed by `\\udc00` to \
                 `\\udfff`"
                    .into()
            }
            Reason::NumberTooLarge => {
                "JSON number is too large: expected at most 131072 digits before the decimal point".into()
            }
            Reason::NumberTooFine => {
                "JSON number is too fine: expected at most 16383 digits after the decimal point".into()
            }
            Reason::ExponentTooLarge => {
                "exponent of a JSON number is out of range: expected -1073741822 to 1073741822".into()
            }
            Reason::TooDeep => {
                format!("JSON is nested too deep: expected at most {} containers in one another", Json::MAX_DEPTH)
            }
            Reason::InputTooLong => {
                format!("JSON takes {} bytes as given: expected at most {}", text.len(), Json::MAX_INPUT_BYTES)
            }
            Reason::CanonicalTooLong => {
                format!("JSON takes more than {0} bytes as canonical text: expected at most {0}", Json::MAX_BYTES)
            }
            Reason::ExpansionTooLong => format!(
                "JSON takes more than {} bytes with its exponents spelt out: expected at most {} as canonical text",
                Json::MAX_INPUT_BYTES,
                Json::MAX_BYTES
            ),
            Reason::InvalidUtf8 => "JSON is not valid UTF-8 at this byte: expected UTF-8 text".into(),
            Reason::Interrupted => "reading the JSON was ended".into(),
        }
    }
}

/// Adds the line and the column of the byte `at` to an error, both from 1, the column in characters.
#[cold]
pub(super) fn at_place(error: Error, text: &str, at: usize) -> Error {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    error
        .with_context("line", before.bytes().filter(|&byte| byte == b'\n').count() + 1)
        .with_context("column", before[line_start..].chars().count() + 1)
}

/// Names a character so that it can't disturb a terminal or a log: only printable ASCII stands for itself.
fn describe(found: Option<char>) -> String {
    match found {
        None => "end of text".into(),
        Some('`') => "backquote".into(),
        Some(c) if c.is_ascii_graphic() => format!("`{c}`"),
        Some(c) if c.is_control() => format!("control character U+{:04X}", u32::from(c)),
        Some(c) => format!("character U+{:04X}", u32::from(c)),
    }
}
