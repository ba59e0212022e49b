//! The meaning of filters, in the plainest words there are for it.

use super::{Filter, Path, Step, Test};
use crate::json::tree::{self, Value};
use crate::{Json, Memory};

pub(super) fn matches(filter: &Filter, memory: &Memory) -> bool {
    object(memory.metadata.as_json()).is_some_and(|metadata| selects(filter, memory, &metadata))
}

fn selects(filter: &Filter, memory: &Memory, metadata: &Value) -> bool {
    match filter {
        Filter::All => true,
        Filter::Contains(needle) => object(needle).is_some_and(|needle| metadata.contains(&needle)),
        Filter::Metadata { path, test } => at(metadata, path).is_some_and(|value| passes(value, test)),
        Filter::Field(test) => test.matches(memory),
        Filter::And(all) => all.iter().all(|filter| selects(filter, memory, metadata)),
        Filter::Or(any) => any.iter().any(|filter| selects(filter, memory, metadata)),
        Filter::Not(inner) => !selects(inner, memory, metadata),
    }
}

fn at<'a>(metadata: &'a Value, path: &Path) -> Option<&'a Value> {
    path.steps().iter().try_fold(metadata, |value, step| match (step, value) {
        (Step::Key(key), _) => value.member(&code_points(key)),
        (Step::Index(index), Value::Array(elements)) => elements.get(*index as usize),
        (Step::Index(_), _) => None,
    })
}

fn passes(value: &Value, test: &Test) -> bool {
    match test {
        Test::Exists => true,
        Test::Eq(wanted) => equals(value, wanted),
        Test::In(wanted) => wanted.iter().any(|wanted| equals(value, wanted)),
        Test::Compare(relation, bound) => {
            let ordering = read(bound.as_json()).and_then(|bound| value.compare(&bound));
            ordering.is_some_and(|ordering| relation.holds(ordering))
        }
        Test::Prefix(prefix) => {
            matches!(value, Value::String(string) if string.starts_with(&code_points(prefix.as_str())))
        }
        Test::Any(wanted) => elements(value)
            .is_some_and(|elements| elements.iter().any(|element| wanted.iter().any(|wanted| equals(element, wanted)))),
        Test::All(wanted) => elements(value)
            .is_some_and(|elements| wanted.iter().all(|wanted| elements.iter().any(|element| equals(element, wanted)))),
        Test::Size(size) => elements(value).is_some_and(|elements| size.holds(elements.len())),
    }
}

fn elements(value: &Value) -> Option<&[Value]> {
    if let Value::Array(elements) = value { Some(elements) } else { None }
}

fn equals(value: &Value, wanted: &Json) -> bool {
    read(wanted).is_some_and(|wanted| value.equals(&wanted))
}

fn object(json: &Json) -> Option<Value> {
    read(json).filter(|value| matches!(value, Value::Object(_)))
}

fn read(json: &Json) -> Option<Value> {
    tree::parse(json.as_str())
}

fn code_points(text: &str) -> Vec<u32> {
    text.chars().map(u32::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        tree::parse(text).unwrap()
    }

    #[test]
    fn equality_is_that_of_jsonb() {
        for (a, b, equal) in [
            ("1", "1.0", true),
            ("-0", "0", true),
            ("1", "true", false),
            ("1", "\"1\"", false),
            ("null", "null", true),
            ("null", "false", false),
            ("9007199254740993", "9007199254740992", false),
            ("1e400", "10e399", true),
            ("[1, 2]", "[1.0, 2]", true),
            ("[1, 2]", "[2, 1]", false),
            ("[1]", "[1, 1]", false),
            ("[1]", "1", false),
            ("[]", "{}", false),
            (r#"{"a": 1, "b": [2]}"#, r#"{"b": [2.0], "a": 1}"#, true),
            (r#"{"a": 1}"#, r#"{"a": 1, "b": 2}"#, false),
            (r#"{"a": 1}"#, r#"{"a": 2, "a": 1}"#, true),
            (r#"{"a": null}"#, "{}", false),
            ("\"é\"", "\"\\u00e9\"", true),
            ("\"é\"", "\"e\u{301}\"", false),
        ] {
            assert_eq!(value(a).equals(&value(b)), equal, "{a} = {b}");
            assert_eq!(value(b).equals(&value(a)), equal, "{b} = {a}");
        }
    }

    #[test]
    fn depth_and_duplicates_cost_no_more_than_their_length() {
        let nested = |inner: &str| format!("{}{inner}{}", r#"{"a": 1, "a": "#.repeat(128), "}".repeat(128));
        let (one, other) = (value(&nested("1.0")), value(&nested("1")));
        assert!(one.equals(&other) && one.contains(&other));
        assert!(!one.equals(&value(&nested("2"))) && !one.contains(&value(&nested("2"))));
    }

    #[test]
    fn numbers_are_ordered_by_value_and_strings_by_bytes() {
        let numbers =
            ["-1e400", "-10", "-9.99", "-0.02", "-0.01", "0", "1e-400", "0.05", "0.1", "1", "1.01", "9", "10", "1e400"];
        let strings =
            [r#""""#, r#""A""#, r#""B""#, r#""a""#, r#""aa""#, r#""b""#, r#""é""#, r#""漢""#, r#""\uffff""#, r#""😀""#];
        for ordered in [&numbers[..], &strings] {
            for (number, a) in ordered.iter().enumerate() {
                for (other, b) in ordered.iter().enumerate() {
                    assert_eq!(value(a).compare(&value(b)), Some(number.cmp(&other)), "{a} and {b}");
                }
            }
        }
        for (a, b) in [("1", "\"1\""), ("true", "false"), ("null", "null"), ("[1]", "[1]"), ("{}", "{}")] {
            assert_eq!(value(a).compare(&value(b)), None, "{a} and {b}");
        }
    }
}
