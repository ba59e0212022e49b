//! Tells how a query was answered.

use std::ffi::CStr;
use std::time::Instant;

use diesel::row::Row;
use diesel::sqlite::Sqlite;
use polymnia::{Access, Explanation, Namespace, Query, Result, Timestamp};

use crate::connection::{Connection, Recorded};
use crate::drive::{Origin, Source, TALLIES};
use crate::filter_sql::{Conditions, Window};
use crate::plan::{Choice, unstreamed};
use crate::read::{Answer, answer};
use crate::row::{self, FromRow, OneText};
use crate::statement::{Sql, Value, fixed, statements};

/// The name of the function that counts the rows proposed.
pub(crate) const TALLY: &CStr = c"polymnia_tally";

statements! {
    IndexName = "SELECT name FROM polymnia_indexes WHERE number = ?";
}

pub(crate) fn explain(
    connection: &mut Connection,
    now: Timestamp,
    namespace: &Namespace,
    query: &Query,
) -> Result<Explanation> {
    let conditions = Conditions::new(namespace, now, &query.selection)?;
    let began = Instant::now();
    connection.record();
    let answered = answer(connection, &conditions, query, true);
    let elapsed = began.elapsed();
    let Recorded { texts, candidates, rechecks } = connection.recorded();
    let Answer { rows, plan, streamed } = answered?;
    let mut explanation = Explanation {
        dialect: "sqlite".to_owned(),
        access: Access::Scan,
        index: None,
        streamed,
        estimated_candidates: plan.estimated,
        candidates,
        rechecks,
        rows: rows.memories.len() as u64,
        elapsed,
        emulated: Vec::new(),
        statements: statements(&texts),
        details: Vec::new(),
    };
    if !conditions.rechecks().is_empty() {
        explanation.emulated.push("containment and filters by a function of ours".to_owned());
    }
    match &plan.choice {
        Choice::Nothing => explanation.access = Access::Nothing,
        Choice::Table => {
            let steps = steps(connection, &conditions, query, streamed)?;
            explanation.streamed = !steps.iter().any(|step| step.contains("TEMP B-TREE"));
            explanation.index = steps.iter().find_map(|step| index_of(step));
            let is_whole = explanation.index.as_ref().is_none_or(|index| is_by_namespace_alone(&steps, index));
            explanation.access = match explanation.index {
                Some(_) if explanation.streamed && (is_whole || conditions.is_order_alone()) => Access::OrderWalk,
                Some(_) if !is_whole => Access::FieldIndex,
                _ => Access::Scan,
            };
        }
        Choice::Unlevel => postings(&mut explanation, 0),
        Choice::Index(Origin::Entries(entries)) => {
            explanation.access = Access::DeclaredIndex;
            explanation.emulated.push("declared index by entries of ours".to_owned());
            let name: Option<OneText> = connection.one(fixed::<IndexName, 1>([Value::Integer(entries.number)]))?;
            explanation.index = name.map(|name| name.0);
        }
        Choice::Index(Origin::Terms(terms)) => postings(&mut explanation, terms.len()),
        Choice::Index(_) => postings(&mut explanation, 1),
    }
    Ok(explanation)
}

fn postings(explanation: &mut Explanation, terms: usize) {
    explanation.access = Access::MetadataIndex;
    explanation.index = Some("polymnia_postings".to_owned());
    explanation.emulated.push("metadata index by postings of ours".to_owned());
    explanation.details.push(("terms".to_owned(), terms.to_string()));
}

/// Returns the texts without what counts rows, each once: those that read memories first, then those that asked how many
/// there are. What begins and ends a moment, and what a connection asks once, is left out.
fn statements(texts: &[String]) -> Vec<String> {
    let (mut main, mut probes) = (Vec::new(), Vec::new());
    for text in texts {
        let is_main = text.contains("polymnia_decode");
        if !is_main && !text.starts_with("SELECT") || text.contains("polymnia_settings") {
            continue;
        }
        let text = TALLIES.iter().fold(text.clone(), |text, tally| text.replace(tally, ""));
        let list = if is_main { &mut main } else { &mut probes };
        if !list.contains(&text) {
            list.push(text);
        }
    }
    main.append(&mut probes);
    main
}

/// Returns what SQLite does to read a page from the table, step by step.
fn steps(
    connection: &mut Connection,
    conditions: &Conditions<'_>,
    query: &Query,
    streamed: bool,
) -> Result<Vec<String>> {
    let window = Window::new(query)?;
    let mut sql = Sql::new("EXPLAIN QUERY PLAN ");
    let source = if streamed {
        window.stream(conditions, false)
    } else {
        Source::new(unstreamed(connection, conditions, &window)?, false)
    };
    sql.append(if streamed { window.streamed(&source, conditions) } else { window.sorted(&source, conditions) });
    Ok(connection.all(sql)?.into_iter().map(|Detail(detail)| detail).collect())
}

/// Is one step of a plan of SQLite's.
pub(crate) struct Detail(pub(crate) String);

impl FromRow for Detail {
    fn from_row<'a>(row: &impl Row<'a, Sqlite>) -> Result<Self> {
        Ok(Self(row::text(row, 3, "detail")?))
    }
}

/// Returns the name of the index that a step uses: `SEARCH m USING COVERING INDEX name (namespace=?)`.
fn index_of(step: &str) -> Option<String> {
    let (_, name) = step.split_once("INDEX ")?;
    let name = name.split(' ').next()?;
    Some(name.to_owned())
}

/// Returns whether an index finds no less than the whole namespace.
fn is_by_namespace_alone(steps: &[String], index: &str) -> bool {
    steps.iter().any(|step| step.contains(index) && (step.ends_with("(namespace=?)") || step.starts_with("SCAN")))
}

#[cfg(test)]
mod tests;
