//! Values as a declared index holds them: in order, and short.

use super::{Bound, Path, Step};
use crate::json::number::Number;
use crate::json::scan::{Kind, Scan, Scanner};
use crate::json::string::RawString;

/// Is what a declared index holds of a number or a string.
///
/// The order is that of the values, but for values that become equal: of two numbers or two strings, the lesser never becomes
/// the greater. So a search by a bound that became an `IndexValue` too finds all it should, if it takes in the bound itself,
/// and what it finds must be looked at again.
#[derive(Clone, Debug, PartialEq)]
pub enum IndexValue {
    /// The nearest float, never infinite, -0 as 0.
    Number(f64),
    /// The first [`MAX_CHARS`](Self::MAX_CHARS) characters.
    Text(String),
}

impl IndexValue {
    /// How many characters of a string are kept. A limit in bytes would not keep the order, since characters differ in length:
    /// of `"y"` and `"é"` behind equal beginnings one byte below such a limit, `"é"` is the greater and would be cut off.
    pub const MAX_CHARS: usize = 64;

    /// Returns what an index holds of a value equal to a bound.
    pub fn of(bound: &Bound) -> Option<Self> {
        let text = bound.as_json().as_str().as_bytes();
        Self::read(&mut Scanner::new(text), 0).ok().flatten()
    }

    /// Returns what an index holds of a string.
    pub fn cut(text: &str) -> &str {
        text.char_indices().nth(Self::MAX_CHARS).map_or(text, |(end, _)| &text[..end])
    }

    /// Steps over the value at the cursor.
    fn read(scan: &mut Scanner<'_>, depth: usize) -> Scan<Option<Self>> {
        Ok(match scan.kind()? {
            Kind::Number => Some(Self::of_number(&scan.number()?)),
            Kind::String => Some(Self::of_string(&scan.string()?)),
            Kind::Null | Kind::Bool | Kind::Array | Kind::Object => {
                scan.skip_value(depth)?;
                None
            }
        })
    }

    fn of_number(number: &Number<'_>) -> Self {
        // Rust reads each number of JSON, rounds to the nearest, and makes infinity of what is too great.
        let float = number.as_str().parse().unwrap_or(0.0_f64);
        Self::Number(float.clamp(f64::MIN, f64::MAX) + 0.0)
    }

    fn of_string(string: &RawString<'_>) -> Self {
        let mut text = String::new();
        for code in string.code_points().take(Self::MAX_CHARS) {
            // Half of a surrogate pair, which only other programs write, is no character: the next one above all such halves
            // keeps the order, as long as nothing follows it.
            text.push(char::from_u32(code).unwrap_or('\u{e000}'));
            if char::from_u32(code).is_none() {
                break;
            }
        }
        Self::Text(text)
    }
}

/// Reads the values at one path, for a declared index.
#[derive(Clone, Debug)]
pub struct PathReader {
    path: Path,
}

impl PathReader {
    /// Compiles a path.
    pub fn new(path: &Path) -> Self {
        Self { path: path.clone() }
    }

    /// Returns the value in a document, a JSON text in UTF-8: none if it is missing or neither a number nor a string, and of a
    /// text that is no JSON object.
    pub fn read(&self, document: &[u8]) -> Option<IndexValue> {
        std::str::from_utf8(document).ok()?;
        let mut scan = Scanner::new(document);
        scan.skip_space();
        if scan.kind().ok()? != Kind::Object {
            return None;
        }
        let value = value_at(&mut scan, self.path.steps(), 0).ok()?;
        scan.end().ok()?;
        value
    }
}

/// Steps over the value at the cursor, and returns what stands in it at this path.
fn value_at(scan: &mut Scanner<'_>, steps: &[Step], depth: usize) -> Scan<Option<IndexValue>> {
    let Some((step, rest)) = steps.split_first() else { return IndexValue::read(scan, depth) };
    let kind = scan.kind()?;
    let mut value = None;
    match (step, kind) {
        (Step::Key(wanted), Kind::Object) => {
            scan.open(depth)?;
            let mut more = !scan.close(kind);
            while more {
                if scan.key()?.equals(wanted.as_bytes()) {
                    // Of duplicate keys the last counts.
                    value = value_at(scan, rest, depth + 1)?;
                } else {
                    scan.skip_value(depth + 1)?;
                }
                more = scan.comma_or_close(kind)?;
            }
        }
        (Step::Index(wanted), Kind::Array) => {
            scan.open(depth)?;
            let mut more = !scan.close(kind);
            let mut index = 0;
            while more {
                if index == *wanted {
                    value = value_at(scan, rest, depth + 1)?;
                } else {
                    scan.skip_value(depth + 1)?;
                }
                index += 1;
                more = scan.comma_or_close(kind)?;
            }
        }
        _ => scan.skip_value(depth)?,
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Json;

    fn read(path: &str, document: &str) -> Option<IndexValue> {
        PathReader::new(&path.parse().unwrap()).read(document.as_bytes())
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "exact")]
    fn numbers_are_the_nearest_finite_floats() {
        let huge = "9".repeat(400);
        let tiny = format!("0.{}1", "0".repeat(400));
        for (number, float) in [
            ("1.50", 1.5),
            ("-0", 0.0),
            ("-0.0e7", 0.0),
            ("9007199254740993", 9_007_199_254_740_992.0),
            ("9007199254740993.000001", 9_007_199_254_740_994.0),
            ("1e400", f64::MAX),
            ("-1e400", f64::MIN),
            (&huge, f64::MAX),
            (&tiny, 0.0),
            ("-1e-400", 0.0),
            ("1e999999999999999999999999", f64::MAX),
            ("-1e-999999999999999999999999", 0.0),
            ("0e999999999999999999999999", 0.0),
            ("5e-324", 5e-324),
        ] {
            let Some(IndexValue::Number(found)) = read("a", &format!("{{\"a\": {number}}}")) else {
                panic!("{number}")
            };
            assert_eq!(found, float, "{number}");
            assert!(found != 0.0 || found.is_sign_positive(), "{number}");
        }
    }

    #[test]
    fn texts_are_cut_to_a_number_of_characters() {
        for character in ["x", "é", "漢", "😀"] {
            let full = character.repeat(IndexValue::MAX_CHARS);
            for text in [full.clone(), full.clone() + character] {
                let json = Json::from_serialize(&text).unwrap();
                let expected = Some(IndexValue::Text(full.clone()));
                assert_eq!(read("a", &format!("{{\"a\": {json}}}")), expected);
                assert_eq!(IndexValue::of(&Bound::new(json).unwrap()), expected);
                assert_eq!(IndexValue::cut(&text), full);
            }
        }
        assert_eq!(IndexValue::cut(""), "");
        assert_eq!(read("a", r#"{"a": "x\ud800y"}"#), Some(IndexValue::Text("x\u{e000}".into())));
    }

    #[test]
    fn paths_are_typed_and_of_duplicate_keys_the_last_counts() {
        let one = Some(IndexValue::Number(1.0));
        for (path, document, expected) in [
            ("a.b", r#"{"a": {"b": 1}}"#, &one),
            ("a.b", r#"{"a": {"b": 1}, "a": 1}"#, &None),
            ("a.b", r#"{"a": 1, "\u0061": {"b": 2, "b": 1}}"#, &one),
            ("a.b", r#"{"a": [{"b": 1}]}"#, &None),
            (r#"["a", 1]"#, r#"{"a": [0, 1]}"#, &one),
            (r#"["a", 1]"#, r#"{"a": {"1": 1}}"#, &None),
            (r#"["a", "1"]"#, r#"{"a": {"1": 1}}"#, &one),
            (r#"["a", "1"]"#, r#"{"a": [0, 1]}"#, &None),
            (r#"["a", 1]"#, r#"{"a": [1]}"#, &None),
            ("a", r#"{"a": null}"#, &None),
            ("a", r#"{"a": true}"#, &None),
            ("a", r#"{"a": [1]}"#, &None),
            ("a", "{}", &None),
            ("a", r#"{"a": 1"#, &None),
            ("a", r#"{"a": 1} 2"#, &None),
            ("[0]", "[1]", &None),
        ] {
            assert_eq!(&read(path, document), expected, "{path} of {document}");
        }
    }
}
