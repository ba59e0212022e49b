//! From a filter to its JSON form.

use std::borrow::Cow;

use super::super::{FieldTest, Filter, Is, Path, Real, SizeTest, Step, Test};
use super::words::{AND, CONTAINS, Field, NOT, OR, Operator, PATH, comparison};
use crate::{Json, Timestamp};

/// Returns the text, in canonical form.
pub(super) fn print(filter: &Filter) -> String {
    // A list of what is left to write instead of recursion: nothing bounds how deep a filter is nested.
    let mut left = vec![Part::Filter(filter)];
    let mut out = String::new();
    while let Some(part) = left.pop() {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Filter(filter) => match filter {
                Filter::All => out.push_str("{}"),
                Filter::Contains(needle) => member(&mut out, CONTAINS, needle.as_str()),
                Filter::Metadata { path, test } => metadata(&mut out, path, test, false),
                Filter::Field(test) => field(&mut out, test, false),
                Filter::And(filters) if filters.is_empty() => out.push_str("{}"),
                Filter::Or(filters) if filters.is_empty() => member(&mut out, NOT, "{}"),
                Filter::And(filters) => list(&mut out, AND, filters, &mut left),
                Filter::Or(filters) => list(&mut out, OR, filters, &mut left),
                Filter::Not(inner) => match &**inner {
                    Filter::Metadata { path, test: test @ (Test::Exists | Test::Eq(_) | Test::In(_)) } => {
                        metadata(&mut out, path, test, true);
                    }
                    Filter::Field(
                        test @ (FieldTest::Text(_, Is::Present | Is::Eq(_) | Is::In(_))
                        | FieldTest::Importance(Is::Present | Is::Eq(_) | Is::In(_))
                        | FieldTest::Time(_, Is::Present | Is::Eq(_) | Is::In(_))),
                    ) => field(&mut out, test, true),
                    inner => {
                        out.push_str("{\"$not\": ");
                        left.extend([Part::Text("}"), Part::Filter(inner)]);
                    }
                },
            },
        }
    }
    out
}

/// Is something left to write.
enum Part<'a> {
    Text(&'static str),
    Filter(&'a Filter),
}

fn list<'a>(out: &mut String, word: &'static str, filters: &'a [Filter], left: &mut Vec<Part<'a>>) {
    out.push_str("{\"");
    out.push_str(word);
    out.push_str("\": [");
    left.push(Part::Text("]}"));
    for (number, filter) in filters.iter().enumerate().rev() {
        left.push(Part::Filter(filter));
        if number > 0 {
            left.push(Part::Text(", "));
        }
    }
}

/// Writes a condition on metadata, or its opposite, for which there are words with three tests.
fn metadata(out: &mut String, path: &Path, test: &Test, not: bool) {
    let (operator, value) = match test {
        Test::Exists => (Operator::Exists, Cow::from(if not { "false" } else { "true" })),
        Test::Eq(value) => (if not { Operator::Ne } else { Operator::Eq }, Cow::from(value.as_str())),
        Test::In(values) => (if not { Operator::Nin } else { Operator::In }, values_text(values)),
        Test::Compare(relation, bound) => (Operator::Compare(*relation), Cow::from(bound.as_json().as_str())),
        Test::Prefix(prefix) => (Operator::Prefix, Cow::from(string(prefix.as_str()))),
        Test::Any(values) => (Operator::Any, values_text(values)),
        Test::All(values) => (Operator::All, values_text(values)),
        Test::Size(SizeTest::Is(size)) => (Operator::Size, Cow::from(size.to_string())),
        Test::Size(SizeTest::Compare(relation, size)) => {
            let mut value = String::new();
            member(&mut value, comparison(*relation), &size.to_string());
            (Operator::Size, Cow::from(value))
        }
    };
    let keys: Option<Vec<&str>> = path
        .steps()
        .iter()
        .map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        })
        .collect();
    let Some(keys) = keys else {
        let mut members = [(operator.word(), value), (PATH, Cow::from(path_text(path)))];
        members.sort_by_key(|(word, _)| (word.len(), *word));
        let [(first, first_value), (second, second_value)] = members;
        for part in ["{\"", first, "\": ", &first_value, ", \"", second, "\": ", &second_value, "}"] {
            out.push_str(part);
        }
        return;
    };
    for key in &keys {
        out.push('{');
        let escape = if key.starts_with('$') { "$" } else { "" };
        out.push_str(&string(&format!("{escape}{key}")));
        out.push_str(": ");
    }
    operation(out, operator, &value);
    out.extend(keys.iter().map(|_| '}'));
}

/// Writes a condition on a field, or its opposite, for which there are words with three tests.
fn field(out: &mut String, test: &FieldTest, not: bool) {
    let (field, (operator, value)) = match test {
        FieldTest::Text(field, is) => (Field::Text(*field), is_text(is, not, |text| string(text))),
        FieldTest::Prefix(field, prefix) => (Field::Text(*field), (Operator::Prefix, string(prefix.as_str()))),
        FieldTest::Importance(is) => (Field::Importance, is_text(is, not, |number| real(*number))),
        FieldTest::Time(field, is) => (Field::Time(*field), is_text(is, not, |time: &Timestamp| format!("\"{time}\""))),
    };
    let mut condition = String::new();
    operation(&mut condition, operator, &value);
    member(out, field.word(), &condition);
}

fn is_text<T>(is: &Is<T>, not: bool, text: impl Fn(&T) -> String) -> (Operator, String) {
    match is {
        Is::Present => (Operator::Exists, if not { "false" } else { "true" }.to_owned()),
        Is::Eq(value) => (if not { Operator::Ne } else { Operator::Eq }, text(value)),
        Is::In(values) => {
            let values: Vec<String> = values.iter().map(text).collect();
            (if not { Operator::Nin } else { Operator::In }, format!("[{}]", values.join(", ")))
        }
        Is::Compare(relation, bound) => (Operator::Compare(*relation), text(bound)),
    }
}

/// Writes what is asked of a value; being equal needs no operator unless the value is an object.
fn operation(out: &mut String, operator: Operator, value: &str) {
    if operator == Operator::Eq && !value.starts_with('{') {
        out.push_str(value);
    } else {
        member(out, operator.word(), value);
    }
}

/// Writes an object of one member.
fn member(out: &mut String, word: &str, value: &str) {
    for part in ["{\"", word, "\": ", value, "}"] {
        out.push_str(part);
    }
}

fn values_text(values: &[Json]) -> Cow<'static, str> {
    let texts: Vec<&str> = values.iter().map(Json::as_str).collect();
    Cow::from(format!("[{}]", texts.join(", ")))
}

fn path_text(path: &Path) -> String {
    let steps: Vec<String> = path
        .steps()
        .iter()
        .map(|step| match step {
            Step::Key(key) => string(key),
            Step::Index(index) => index.to_string(),
        })
        .collect();
    format!("[{}]", steps.join(", "))
}

/// Writes a string with the escapes that PostgreSQL prints: those of `serde_json`.
fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Writes a float so that it reads back the same. JSON has no infinity, but numbers past the range of floats.
fn real(number: Real) -> String {
    let number = number.as_f64();
    if number.is_finite() {
        return number.to_string();
    }
    let sign = if number < 0.0 { "-" } else { "" };
    format!("{sign}1{}", "0".repeat(309))
}
