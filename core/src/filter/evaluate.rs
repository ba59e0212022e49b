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
