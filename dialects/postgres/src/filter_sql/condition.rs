//! Filters to conditions.
//!
//! A condition is true of exactly the memories that the filter selects; of others it is false or null. Nulls never reach a
//! `NOT`: it is written `IS NOT TRUE`.

use polymnia::filter::{
    Bound, FieldTest, IndexValue, Is, Path, Prefix, Real, Relation, SizeTest, Step, Test, TextField, TimeField,
};
use polymnia::{Filter, IndexKind, Json, Result, Timestamp};

use super::needle::{self, Needles};
use crate::quote;
use crate::sql::{Bind, JsonText, OwnedJson, Statement};

/// Says what stands beside the exact condition, for indexes to be found by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hints<'d> {
    /// Nothing.
    None,
    /// Whatever an index serves: needles, and the expressions of these declared indexes.
    All(&'d [(Path, IndexKind)]),
}

/// Adds the condition of a filter, in parentheses where it takes them.
pub(super) fn push<'a, Columns>(
    statement: &mut Statement<'a, Columns>,
    filter: &'a Filter,
    hints: Hints<'_>,
) -> Result<()> {
    match filter {
        Filter::All => {
            statement.text("true");
        }
        // Every object contains the empty one, and asking a GIN index for it reads all of it.
        Filter::Contains(needle) if needle.as_str() == "{}" => {
            statement.text("true");
        }
        Filter::Contains(needle) => {
            statement.text("metadata @> ").bind(JsonText(needle.as_str()));
        }
        Filter::Metadata { path, test } => push_metadata(statement, path, test, hints)?,
        Filter::Field(test) => push_field(statement, test)?,
        Filter::And(all) if all.is_empty() => {
            statement.text("true");
        }
        Filter::Or(any) if any.is_empty() => {
            statement.text("false");
        }
        Filter::And(all) => push_all(statement, all, [" AND ", ")"], hints)?,
        Filter::Or(any) => push_all(statement, any, [" OR ", ")"], hints)?,
        Filter::Not(inner) => {
            statement.text("(");
            push(statement, inner, Hints::None)?;
            statement.text(") IS NOT TRUE");
        }
        _ => return Err(super::unknown("filter")),
    }
    Ok(())
}

fn push_all<'a, Columns>(
    statement: &mut Statement<'a, Columns>,
    filters: &'a [Filter],
    [between, end]: [&'static str; 2],
    hints: Hints<'_>,
) -> Result<()> {
    for (place, filter) in filters.iter().enumerate() {
        statement.text(if place == 0 { "(" } else { between });
        push(statement, filter, hints)?;
    }
    statement.text(end);
    Ok(())
}

fn push_metadata<'a, Columns>(
    statement: &mut Statement<'a, Columns>,
    path: &'a Path,
    test: &'a Test,
    hints: Hints<'_>,
) -> Result<()> {
    let needles = Needles::of(path, test);
    if let Some(Needles { any, exact: true }) = needles {
        push_needles(statement, any);
        return Ok(());
    }
    statement.text("(");
    if let Hints::All(declared) = hints {
        if let Some(Needles { any, .. }) = needles {
            push_needles(statement, any);
            statement.text(" AND ");
        }
        for (_, kind) in declared.iter().filter(|(declared, _)| declared == path) {
            push_declared(statement, path, *kind, test);
        }
    }
    push_test(statement, path, test)?;
    statement.text(")");
    Ok(())
}

fn push_needles<Columns>(statement: &mut Statement<'_, Columns>, needles: Vec<String>) {
    let one = needles.len() == 1;
    for (place, needle) in needles.into_iter().enumerate() {
        statement.text(match (place, one) {
            (0, true) => "metadata @> ",
            (0, false) => "(metadata @> ",
            _ => " OR metadata @> ",
        });
        statement.bind(OwnedJson(needle));
    }
    if !one {
        statement.text(")");
    }
}

/// Adds the exact condition.
fn push_test<'a, Columns>(statement: &mut Statement<'a, Columns>, path: &'a Path, test: &'a Test) -> Result<()> {
    match test {
        Test::Exists => {
            push_value(statement, path);
            statement.text(" IS NOT NULL");
        }
        Test::Eq(value) => {
            push_value(statement, path);
            statement.text(" = ").bind(JsonText(value.as_str()));
        }
        Test::In(values) => {
            push_value(statement, path);
            statement.text(" = ANY (").bind(jsons(values)).text(")");
        }
        Test::Compare(relation, bound) => push_compare(statement, path, *relation, bound),
        Test::Prefix(prefix) => {
            push_case(statement, path, "string");
            statement.text("starts_with((");
            push_value(statement, path);
            statement.text(" #>> '{}') COLLATE \"C\", ").bind(prefix.as_str()).text(") END");
        }
        Test::Any(values) => {
            push_case(statement, path, "array");
            if values.iter().all(needle::is_scalar) {
                push_value(statement, path);
                statement.text(" @> ANY (").bind(jsons(values)).text(") END");
            } else {
                statement.text("EXISTS (SELECT FROM jsonb_array_elements(");
                push_array(statement, path);
                statement.text(") AS element (value) WHERE element.value = ANY (").bind(jsons(values)).text(")) END");
            }
        }
        Test::All(values) => {
            push_case(statement, path, "array");
            if values.iter().all(needle::is_scalar) {
                push_value(statement, path);
                let all: Vec<&str> = values.iter().map(Json::as_str).collect();
                statement.text(" @> ").bind(OwnedJson(format!("[{}]", all.join(",")))).text(" END");
            } else {
                statement.text("NOT EXISTS (SELECT FROM unnest(").bind(jsons(values));
                statement.text(") AS wanted (value) WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(");
                push_array(statement, path);
                statement.text(") AS element (value) WHERE element.value = wanted.value)) END");
            }
        }
        Test::Size(size) => {
            let (relation, count) = match size {
                SizeTest::Is(count) => (" = ", *count),
                SizeTest::Compare(relation, count) => (operator(*relation), *count),
            };
            push_case(statement, path, "array");
            statement.text("jsonb_array_length(");
            push_array(statement, path);
            statement.text(")").text(relation).bind(i64::from(count)).text(" END");
        }
        _ => return Err(super::unknown("filter")),
    }
    Ok(())
}

fn push_compare<'a, Columns>(
    statement: &mut Statement<'a, Columns>,
    path: &'a Path,
    relation: Relation,
    bound: &'a Bound,
) {
    if bound.is_number() {
        push_case(statement, path, "number");
        push_value(statement, path);
        statement.text(operator(relation)).bind(JsonText(bound.as_json().as_str())).text(" END");
    } else {
        push_case(statement, path, "string");
        statement.text("(");
        push_value(statement, path);
        // jsonb compares strings by the database's collation.
        statement.text(" #>> '{}') COLLATE \"C\"").text(operator(relation));
        statement.bind(bound.as_string().unwrap_or_default()).text(" END");
    }
}

/// Returns whether a declared index of this kind finds the values that pass the test.
pub(super) fn serves(kind: IndexKind, test: &Test) -> bool {
    match (kind, test) {
        (IndexKind::Number, Test::Compare(_, bound)) => bound.is_number(),
        (IndexKind::Text, Test::Compare(_, bound)) => !bound.is_number(),
        (IndexKind::Text, Test::Prefix(_)) => true,
        _ => false,
    }
}

/// Adds what follows from a test for the expression of a declared index, and ` AND `, if the index serves it.
fn push_declared<'a, Columns>(statement: &mut Statement<'a, Columns>, path: &'a Path, kind: IndexKind, test: &'a Test) {
    match (kind, test) {
        (IndexKind::Number, Test::Compare(relation, bound)) if bound.is_number() => {
            push_number(statement, path);
            push_number_bound(statement.text(inclusive(*relation)), bound.as_json());
        }
        (IndexKind::Text, Test::Compare(relation, bound)) if !bound.is_number() => {
            push_text(statement, path);
            let bound = bound.as_string().unwrap_or_default();
            statement.text(inclusive(*relation)).bind(IndexValue::cut(&bound).to_owned());
        }
        (IndexKind::Text, Test::Prefix(prefix)) => {
            statement.text("starts_with(");
            push_text(statement, path);
            statement.text(", ").bind(IndexValue::cut(prefix.as_str())).text(")");
        }
        _ => return,
    }
    statement.text(" AND ");
}

/// Adds the expression of a declared index of numbers: see [`quote::expression`](crate::quote).
fn push_number<'a, Columns>(statement: &mut Statement<'a, Columns>, path: &'a Path) {
    push_case(statement, path, "number");
    statement.text("round(greatest(least((");
    push_value(statement, path);
    statement.text(")::numeric, 1e300), -1e300), 100)::double precision END");
}

fn push_number_bound<'a, Columns>(statement: &mut Statement<'a, Columns>, bound: &'a Json) {
    statement.text("round(greatest(least(").bind(JsonText(bound.as_str()));
    statement.text("::numeric, 1e300), -1e300), 100)::double precision");
}

fn push_text<'a, Columns>(statement: &mut Statement<'a, Columns>, path: &'a Path) {
    push_case(statement, path, "string");
    statement.text("left(");
    push_value(statement, path);
    statement.text(" #>> '{}', 64) END COLLATE \"C\"");
}

/// Adds the beginning of a `CASE` for values of one type. What follows is not evaluated for others.
fn push_case<'a, Columns>(statement: &mut Statement<'a, Columns>, path: &'a Path, kind: &'static str) {
    statement.text("CASE WHEN jsonb_typeof(");
    push_value(statement, path);
    statement.text(match kind {
        "number" => ") = 'number' THEN ",
        "string" => ") = 'string' THEN ",
        _ => ") = 'array' THEN ",
    });
}

/// Adds the array at the path. A `CASE` of its own, for the server may evaluate a subquery's source at any time.
fn push_array<'a, Columns>(statement: &mut Statement<'a, Columns>, path: &'a Path) {
    push_case(statement, path, "array");
    push_value(statement, path);
    statement.text(" END");
}

/// Adds the value at the path, null if there is none.
fn push_value<'a, Columns>(statement: &mut Statement<'a, Columns>, path: &'a Path) {
    // From the outermost call to the innermost.
    for step in path.steps().iter().rev() {
        statement.text(match step {
            Step::Key(_) => "(",
            Step::Index(_) => quote::ELEMENT,
        });
    }
    statement.text("metadata");
    for step in path.steps() {
        match step {
            // A key never indexes an array.
            Step::Key(key) => statement.text(" -> ").bind(key.as_str()).text(")"),
            Step::Index(index) => {
                statement.text(quote::OF_INDEX).bind(OwnedJson(quote::index_variable(*index))).text(quote::ELEMENT_END)
            }
        };
    }
}

fn jsons(values: &[Json]) -> Vec<JsonText<'_>> {
    values.iter().map(|value| JsonText(value.as_str())).collect()
}

fn push_field<'a, Columns>(statement: &mut Statement<'a, Columns>, test: &'a FieldTest) -> Result<()> {
    match test {
        FieldTest::Text(field, is) => {
            push_is(
                statement,
                text_column(*field),
                is,
                |text| Bind::from(text.as_str()),
                |texts| texts.iter().map(String::as_str).collect::<Vec<&str>>().into(),
            );
        }
        FieldTest::Prefix(field, prefix) => push_field_prefix(statement, text_column(*field), prefix),
        FieldTest::Importance(is) => {
            push_is(
                statement,
                "importance",
                is,
                |number: &Real| number.as_f64().into(),
                |numbers| numbers.iter().map(|number| number.as_f64()).collect::<Vec<f64>>().into(),
            );
        }
        FieldTest::Time(field, is) => {
            push_is(
                statement,
                time_column(*field),
                is,
                |time: &Timestamp| (*time).into(),
                |times| times.iter().map(|time| crate::sql::pg_time(*time)).collect::<Vec<_>>().into(),
            );
        }
        _ => return Err(super::unknown("filter")),
    }
    Ok(())
}

fn push_is<'a, T, Columns>(
    statement: &mut Statement<'a, Columns>,
    column: &'static str,
    is: &'a Is<T>,
    one: impl Fn(&'a T) -> Bind<'a>,
    several: impl Fn(&'a [T]) -> Bind<'a>,
) {
    statement.text(column);
    match is {
        Is::Present => statement.text(" IS NOT NULL"),
        Is::Eq(value) => statement.text(" = ").bind(one(value)),
        Is::In(values) => statement.text(" = ANY (").bind(several(values)).text(")"),
        Is::Compare(relation, bound) => statement.text(operator(*relation)).bind(one(bound)),
    };
}

fn push_field_prefix<'a, Columns>(statement: &mut Statement<'a, Columns>, column: &'static str, prefix: &'a Prefix) {
    statement.text("starts_with(").text(column).text(", ").bind(prefix.as_str()).text(")");
}

fn text_column(field: TextField) -> &'static str {
    match field {
        TextField::User => "user_id",
        TextField::Agent => "agent_id",
        TextField::Thread => "thread_id",
        TextField::Tier => "tier",
    }
}

fn time_column(field: TimeField) -> &'static str {
    match field {
        TimeField::Created => "created_at",
        TimeField::Updated => "updated_at",
        TimeField::Expires => "expires_at",
    }
}

fn operator(relation: Relation) -> &'static str {
    match relation {
        Relation::Less => " < ",
        Relation::LessOrEqual => " <= ",
        Relation::Greater => " > ",
        Relation::GreaterOrEqual => " >= ",
    }
}

/// Returns the operator for keys that several values share.
fn inclusive(relation: Relation) -> &'static str {
    match relation {
        Relation::Less | Relation::LessOrEqual => " <= ",
        Relation::Greater | Relation::GreaterOrEqual => " >= ",
    }
}

#[cfg(test)]
mod tests;
