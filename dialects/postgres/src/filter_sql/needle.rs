//! Needles: what metadata must contain for a condition on a path to hold, as the GIN index looks for it.

use polymnia::filter::{Path, Step, Test};
use polymnia::{Filter, Json};

/// Up to so many needles stand beside one another, one lookup in the index each.
const MAX_NEEDLES: usize = 64;

/// Is what is known of metadata for which a condition on a path holds: that it contains one of some needles.
#[derive(Debug)]
pub(super) struct Needles {
    /// JSON texts, at least one.
    pub(super) any: Vec<String>,
    /// Whether that is all there is to the condition.
    pub(super) exact: bool,
}

impl Needles {
    /// Returns the needles of a condition, unless there are too many, or none that an index could find.
    pub(super) fn of(path: &Path, test: &Test) -> Option<Self> {
        // An index on the way says nothing of where in its array the value stands.
        let keys_only = path.steps().iter().all(|step| matches!(step, Step::Key(_)));
        let (values, exact): (Vec<String>, bool) = match test {
            Test::Eq(value) => (vec![value.as_str().to_owned()], is_scalar(value)),
            Test::In(values) => (texts(values), values.iter().all(is_scalar)),
            Test::Any(values) => {
                (values.iter().map(|value| format!("[{}]", value.as_str())).collect(), values.iter().all(is_scalar))
            }
            Test::All(values) => (vec![format!("[{}]", texts(values).join(","))], values.iter().all(is_scalar)),
            _ => return None,
        };
        if values.is_empty() || values.len() > MAX_NEEDLES || !values.iter().all(|value| has_leaf(value)) {
            return None;
        }
        let any = values.into_iter().map(|value| nest(path, value)).collect();
        Some(Self { any, exact: exact && keys_only })
    }
}

/// Returns whether the GIN index finds what a filter selects: whether it looks for a scalar, whatever is selected.
pub(crate) fn is_indexable(filter: &Filter) -> bool {
    match filter {
        Filter::Contains(needle) => has_leaf(needle.as_str()),
        Filter::Metadata { path, test } => Needles::of(path, test).is_some(),
        Filter::And(all) => all.iter().any(is_indexable),
        Filter::Or(any) => !any.is_empty() && any.iter().all(is_indexable),
        _ => false,
    }
}

/// Returns whether the filter is one needle, so that there is one text for all of its kind.
pub(crate) fn is_one_needle(filter: &Filter) -> bool {
    match filter {
        Filter::Contains(needle) => has_leaf(needle.as_str()),
        Filter::Metadata { path, test } => {
            Needles::of(path, test).is_some_and(|needles| needles.exact && needles.any.len() == 1)
        }
        _ => false,
    }
}

fn texts(values: &[Json]) -> Vec<String> {
    values.iter().map(|value| value.as_str().to_owned()).collect()
}

/// Returns whether the value is no container.
pub(super) fn is_scalar(value: &Json) -> bool {
    !value.as_str().starts_with(['{', '['])
}

/// Returns whether a scalar stands anywhere in the JSON text. For a needle without one the index reads all it has.
fn has_leaf(json: &str) -> bool {
    let mut rest = json.as_bytes();
    while let [first, after @ ..] = rest {
        match first {
            b'"' => {
                let end = end_of_string(after);
                rest = &after[end..];
                let next = rest.iter().find(|byte| !byte.is_ascii_whitespace());
                if next != Some(&b':') {
                    return true;
                }
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' => rest = after,
            byte if byte.is_ascii_whitespace() => rest = after,
            _ => return true,
        }
    }
    false
}

/// Returns where a string ends, after its closing quotation mark.
fn end_of_string(text: &[u8]) -> usize {
    let mut place = 0;
    while place < text.len() {
        match text[place] {
            b'"' => return place + 1,
            b'\\' => place += 2,
            _ => place += 1,
        }
    }
    text.len()
}

/// Returns the document that holds this value at this path and nothing else.
fn nest(path: &Path, value: String) -> String {
    path.steps().iter().rev().fold(value, |inner, step| match step {
        Step::Key(key) => format!("{{{}:{inner}}}", serde_json::Value::from(key.as_str())),
        Step::Index(_) => format!("[{inner}]"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text).unwrap()
    }

    fn needles(path: &str, test: &Test) -> Option<(Vec<String>, bool)> {
        Needles::of(&path.parse().unwrap(), test).map(|Needles { any, exact }| (any, exact))
    }

    #[test]
    fn a_scalar_behind_keys_is_exact() {
        let exact = Some((vec![r#"{"a":{"b \"":1}}"#.to_owned()], true));
        assert_eq!(needles(r#"["a", "b \""]"#, &Test::Eq(json("1"))), exact);
        let inexact = Some((vec![r#"{"a":[{"b":1}]}"#.to_owned()], false));
        assert_eq!(needles(r#"["a", 3, "b"]"#, &Test::Eq(json("1"))), inexact);
        let container = Some((vec![r#"{"a":[1, 2]}"#.to_owned()], false));
        assert_eq!(needles("a", &Test::Eq(json("[1,2]"))), container);
    }

    #[test]
    fn elements_stand_in_an_array() {
        let any = Test::Any(vec![json("1"), json(r#""x""#)]);
        assert_eq!(needles("a", &any), Some((vec![r#"{"a":[1]}"#.to_owned(), r#"{"a":["x"]}"#.to_owned()], true)));
        let all = Test::All(vec![json("1"), json("[2]")]);
        assert_eq!(needles("a", &all), Some((vec![r#"{"a":[1,[2]]}"#.to_owned()], false)));
    }

    #[test]
    fn what_no_index_finds_has_none() {
        assert!(needles("a", &Test::Exists).is_none());
        assert!(needles("a", &Test::Eq(json("{}"))).is_none());
        assert!(needles("a", &Test::Eq(json(r#"{"x":[{}]}"#))).is_none());
        assert!(needles("a", &Test::In(vec![json("1"), json("[]")])).is_none());
        assert!(needles("a", &Test::In(Vec::new())).is_none());
        assert!(needles("a", &Test::All(Vec::new())).is_none());
        assert!(needles("a", &Test::In(vec![json("1"); MAX_NEEDLES + 1])).is_none());
    }

    #[test]
    fn leaves_are_told_from_keys() {
        for (text, expected) in [
            (r#"{"a": {"b": []}}"#, false),
            (r#"{"a \" , 1": [[], {}]}"#, false),
            (r#"{"a": [[""]]}"#, true),
            (r#"{"a": {}, "b": null}"#, true),
            ("-1", true),
            (r#""x""#, true),
            ("[]", false),
        ] {
            assert_eq!(has_leaf(text), expected, "{text}");
        }
    }

    #[test]
    fn an_alternative_without_a_needle_spoils_all() {
        let leaf = Filter::Contains(json(r#"{"a": 1}"#));
        let none = Filter::Contains(json(r#"{"a": {}}"#));
        assert!(is_indexable(&leaf.clone().and(none.clone())));
        assert!(!is_indexable(&leaf.clone().or(none.clone())));
        assert!(is_indexable(&leaf.clone().or(leaf.clone())));
        assert!(!is_indexable(&leaf.clone().not()));
        assert!(!is_indexable(&Filter::Or(Vec::new())));
        assert!(is_one_needle(&leaf) && !is_one_needle(&none) && !is_one_needle(&leaf.clone().and(none)));
    }
}
