//! Conditions on a memory's own fields as SQL that is true or false, never NULL, so that it can be negated.
//!
//! Columns stand behind a `+`: these conditions look at rows that something else finds, and must not tempt SQLite to find
//! them by another index than the order needs. What should find rows is lifted into the selection first.

use polymnia::filter::{FieldTest, Is, Prefix, Real, Relation, TextField, TimeField};
use polymnia::{Result, Timestamp};

use super::filter::{constant, unknown};
use super::parts::Parts;
use crate::statement::Value;

/// Adds a test.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`](polymnia::ErrorKind::Unsupported) for a test that this version doesn't know.
pub(super) fn push<'a>(parts: &mut Parts<'a>, test: &'a FieldTest) -> Result<()> {
    match test {
        FieldTest::Text(field, is) => push_text(parts, text_column(*field), is),
        FieldTest::Prefix(field, prefix) => push_prefix(parts, text_column(*field), prefix),
        FieldTest::Importance(is) => push_importance(parts, is),
        FieldTest::Time(field, is) => push_time(parts, time_column(*field), is),
        _ => return Err(unknown()),
    }
    Ok(())
}

fn push_text<'a>(parts: &mut Parts<'a>, column: &'static str, is: &'a Is<String>) {
    match is {
        Is::Present => push_present(parts, column),
        Is::Eq(wanted) => {
            parts.push(column).push(" IS ").bind(Value::Text(wanted));
        }
        Is::In(wanted) => {
            push_in(parts, column, serde_json::to_string(wanted).expect("texts can be written as JSON"));
        }
        Is::Compare(relation, bound) => push_compare(parts, column, *relation, Value::Text(bound)),
    }
}

fn push_prefix<'a>(parts: &mut Parts<'a>, column: &'static str, prefix: &'a Prefix) {
    let bytes = prefix.as_str().as_bytes();
    let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    // An empty blob would be bound as NULL.
    if bytes.is_empty() {
        return push_present(parts, column);
    }
    parts.push("ifnull(substr(CAST(").push(column).push(" AS BLOB), 1, ").bind(Value::Integer(length));
    parts.push(") = ").bind(Value::Blob(bytes)).push(", 0)");
}

fn push_importance<'a>(parts: &mut Parts<'a>, is: &'a Is<Real>) {
    let column = "+importance";
    match is {
        Is::Present => push_present(parts, column),
        Is::Eq(wanted) => {
            parts.push(column).push(" IS ").bind(Value::Real(wanted.as_f64()));
        }
        // Each bound by itself: a float in JSON may not be read as the very same float. The last is repeated up to a power
        // of two, so that there are few texts.
        Is::In(wanted) => match wanted.as_slice() {
            [] => {
                parts.bind(constant(false));
            }
            [first, rest @ ..] => {
                parts.push("+importance IN (").bind(Value::Real(first.as_f64()));
                let last = rest.last().unwrap_or(first);
                let padding = wanted.len().next_power_of_two() - wanted.len();
                for real in rest.iter().chain(std::iter::repeat_n(last, padding)) {
                    parts.push(", ").bind(Value::Real(real.as_f64()));
                }
                parts.push(")");
            }
        },
        Is::Compare(relation, bound) => push_compare(parts, column, *relation, Value::Real(bound.as_f64())),
    }
}

fn push_time<'a>(parts: &mut Parts<'a>, column: &'static str, is: &'a Is<Timestamp>) {
    match is {
        Is::Present => push_present(parts, column),
        Is::Eq(wanted) => {
            parts.push(column).push(" IS ").bind(Value::Integer(wanted.as_micros()));
        }
        Is::In(wanted) => {
            let micros: Vec<i64> = wanted.iter().map(|time| time.as_micros()).collect();
            push_in(parts, column, serde_json::to_string(&micros).expect("integers can be written as JSON"));
        }
        Is::Compare(relation, bound) => {
            push_compare(parts, column, *relation, Value::Integer(bound.as_micros()));
        }
    }
}

fn push_present(parts: &mut Parts<'_>, column: &'static str) {
    parts.push(column).push(" IS NOT NULL");
}

fn push_in(parts: &mut Parts<'_>, column: &'static str, json: String) {
    parts.push("(").push(column).push(" IS NOT NULL AND ").push(column);
    parts.push(" IN (SELECT value FROM json_each(").bind_json(json).push(")))");
}

fn push_compare<'a>(parts: &mut Parts<'a>, column: &'static str, relation: Relation, bound: Value<'a>) {
    let operator = match relation {
        Relation::Less => " < ",
        Relation::LessOrEqual => " <= ",
        Relation::Greater => " > ",
        Relation::GreaterOrEqual => " >= ",
    };
    parts.push("(").push(column).push(" IS NOT NULL AND ").push(column).push(operator).bind(bound).push(")");
}

fn text_column(field: TextField) -> &'static str {
    match field {
        TextField::User => "+user_id",
        TextField::Agent => "+agent_id",
        TextField::Thread => "+thread_id",
        TextField::Tier => "+tier",
    }
}

fn time_column(field: TimeField) -> &'static str {
    match field {
        TimeField::Created => "+created_at",
        TimeField::Updated => "+updated_at",
        TimeField::Expires => "+expires_at",
    }
}
