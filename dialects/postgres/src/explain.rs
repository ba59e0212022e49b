//! How a page was found, as the server tells it.

use std::time::Duration;

use polymnia::{Access, Error, ErrorKind, Explanation};
use serde_json::Value;

use crate::error::Fault;
use crate::page::{PageOf, PageStatement};
use crate::quote;
use crate::route::Route;
use crate::session::Session;

/// Runs a page's statement and tells how it was found.
pub(crate) fn explain(session: &mut Session, page: PageOf<'_>) -> Result<Explanation, Fault> {
    let (route, expected) = page.route();
    let mut explanation = Explanation {
        dialect: "postgres".to_owned(),
        access: Access::Nothing,
        index: None,
        streamed: true,
        estimated_candidates: expected,
        candidates: 0,
        rechecks: 0,
        rows: 0,
        elapsed: Duration::ZERO,
        emulated: Vec::new(),
        statements: Vec::new(),
        details: Vec::new(),
    };
    add(session, page, route, &mut explanation)?;
    if explanation.rows <= u64::from(page.query.limit()) && route.leaves_out() {
        page.misjudged();
        let looked_at = std::mem::take(&mut explanation.candidates);
        explanation.details.push(("looked at before".to_owned(), looked_at.to_string()));
        explanation.rechecks = 0;
        add(session, page, Route::Index, &mut explanation)?;
    }
    explanation.rows = explanation.rows.min(u64::from(page.query.limit()));
    Ok(explanation)
}

/// Runs the statement of a route and adds what it did.
fn add(session: &mut Session, page: PageOf<'_>, route: Route, explanation: &mut Explanation) -> Result<(), Fault> {
    let statement = page.statement(route)?;
    explanation.statements.push(format!("{statement:?}"));
    let told: String = match statement {
        PageStatement::Plain(statement) => session.load_one(statement.explain())?,
        PageStatement::Measured(statement) => session.load_one(statement.explain())?,
    };
    let told: Value = serde_json::from_str(&told)
        .map_err(|error| Error::new(ErrorKind::Unexpected, "the server's plan can't be read").with_source(error))?;
    let told = &told[0];
    let plan = Plan::read(&told["Plan"]);
    explanation.rows = rows(&told["Plan"]);
    explanation.candidates += plan.candidates;
    if !page.query.selection.filter.is_all() {
        explanation.rechecks += plan.candidates;
    }
    explanation.access = plan.access();
    explanation.index = plan.indexes.first().map(|(name, _)| name.clone());
    explanation.streamed = !plan.sorts;
    // Of a walk that ends at the limit, the server's number is of where it would end without.
    if explanation.access != Access::OrderWalk {
        explanation.estimated_candidates = explanation.estimated_candidates.or(plan.expected);
    }
    for (name, field) in [("planning", "Planning Time"), ("execution", "Execution Time")] {
        let millis = told[field].as_f64().unwrap_or_default();
        explanation.elapsed += Duration::from_secs_f64(millis.max(0.0) / 1_000.0);
        explanation.details.push((name.to_owned(), format!("{millis:.3} ms")));
    }
    explanation.details.push(("route".to_owned(), route.describe().to_owned()));
    if plan.indexes.len() > 1 {
        let names: Vec<&str> = plan.indexes.iter().map(|(name, _)| name.as_str()).collect();
        explanation.details.push(("indexes".to_owned(), names.join(", ")));
    }
    Ok(())
}

/// Is what a plan says of how memories were found.
#[derive(Debug, Default, PartialEq)]
struct Plan {
    /// The indexes and what each was, the one that matters most first.
    indexes: Vec<(String, Access)>,
    /// Whether memories were read at all.
    scans: bool,
    sorts: bool,
    candidates: u64,
    expected: Option<u64>,
}

impl Plan {
    fn read(node: &Value) -> Self {
        let mut plan = Self::default();
        let mut indexes = Vec::new();
        plan.add(node, &mut indexes);
        let sorts = plan.sorts;
        plan.indexes.extend(indexes.into_iter().map(|(index, condition)| {
            let access = access_by(&index, &condition, sorts);
            (index, access)
        }));
        // What tells most comes first, should several indexes have been put together.
        plan.indexes.sort_by_key(|(_, access)| match access {
            Access::MetadataIndex => 0,
            Access::DeclaredIndex => 1,
            Access::FieldIndex => 2,
            _ => 3,
        });
        plan.indexes.dedup();
        plan
    }

    /// Adds a node and those below it, and to `indexes` their indexes and what these were asked for.
    fn add(&mut self, node: &Value, indexes: &mut Vec<(String, String)>) {
        let kind = node["Node Type"].as_str().unwrap_or_default();
        self.sorts |= kind.contains("Sort");
        if let Some(index) = node["Index Name"].as_str() {
            let condition = node["Index Cond"].as_str().unwrap_or_default();
            indexes.push((index.to_owned(), condition.to_owned()));
        }
        // A shard's table has a number behind its name.
        if node["Relation Name"].as_str().is_some_and(|name| name.starts_with("memories")) {
            self.scans = true;
            let loops = count(&node["Actual Loops"]).max(1);
            let removed = count(&node["Rows Removed by Filter"]) + count(&node["Rows Removed by Index Recheck"]);
            self.candidates += (count(&node["Actual Rows"]) + removed) * loops;
            self.expected = Some(self.expected.unwrap_or_default() + count(&node["Plan Rows"]));
        }
        for inner in node["Plans"].as_array().into_iter().flatten() {
            self.add(inner, indexes);
        }
    }

    fn access(&self) -> Access {
        match self.indexes.first() {
            None if self.scans => Access::Scan,
            None => Access::Nothing,
            Some((_, access)) => *access,
        }
    }
}

/// Returns what reading by an index is: of one whose condition is the namespace only, no more than that.
fn access_by(index: &str, condition: &str, sorts: bool) -> Access {
    const FIELDS: [&str; 7] =
        ["user_id", "thread_id", "tier", "created_at", "updated_at", "expires_at", "related_threads"];
    if index == "memories_metadata" {
        Access::MetadataIndex
    } else if index.starts_with(quote::PREFIX) && condition.contains("jsonb_typeof") {
        Access::DeclaredIndex
    } else if matches!(index, "memories_created" | "memories_updated") && !sorts {
        // From where the cursor says, perhaps.
        Access::OrderWalk
    } else if FIELDS.iter().any(|field| condition.contains(field)) {
        Access::FieldIndex
    } else {
        Access::Scan
    }
}

fn rows(node: &Value) -> u64 {
    count(&node["Actual Rows"])
}

/// Returns a number of rows. Since version 18 they come with decimals, as means of several loops.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
fn count(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_f64().map(|rows| rows.round() as u64)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Plan {
        Plan::read(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn rows_of_a_bitmap_are_candidates() {
        let found = plan(
            r#"{"Node Type": "Limit", "Actual Rows": 11, "Plans": [{"Node Type": "Sort", "Plans": [
                {"Node Type": "Bitmap Heap Scan", "Relation Name": "memories", "Plan Rows": 7, "Actual Rows": 20,
                 "Actual Loops": 1, "Rows Removed by Index Recheck": 3, "Rows Removed by Filter": 2,
                 "Plans": [{"Node Type": "BitmapAnd", "Plans": [
                    {"Node Type": "Bitmap Index Scan", "Index Name": "memories_created", "Actual Rows": 100},
                    {"Node Type": "Bitmap Index Scan", "Index Name": "memories_metadata", "Actual Rows": 25}]}]}]}]}"#,
        );
        assert_eq!(found.access(), Access::MetadataIndex);
        assert_eq!((found.candidates, found.expected, found.sorts), (25, Some(7), true));
        let names: Vec<&str> = found.indexes.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["memories_metadata", "memories_created"]);
    }

    #[test]
    fn a_walk_in_order_has_no_sort() {
        let walk = |kind: &str| {
            plan(&format!(
                r#"{{"Node Type": "{kind}", "Plans": [{{"Node Type": "Index Scan", "Index Name": "memories_created",
                    "Relation Name": "memories", "Actual Rows": 10.00, "Actual Loops": 1}}]}}"#
            ))
        };
        assert_eq!(walk("Limit").access(), Access::OrderWalk);
        assert_eq!(walk("Limit").candidates, 10);
        assert_eq!(walk("Incremental Sort").access(), Access::Scan);
    }

    #[test]
    fn an_index_is_what_it_was_asked_for() {
        let declared = "memories_declared_score_number";
        let namespace = "(namespace = 'a'::text)";
        assert_eq!(access_by(declared, namespace, false), Access::Scan);
        assert_eq!(
            access_by(declared, "((namespace = 'a'::text) AND (CASE WHEN (jsonb_typeof(x)))))", true),
            Access::DeclaredIndex
        );
        let user = "((namespace = 'a') AND (user_id = 'b'))";
        assert_eq!(access_by("memories_user_created", namespace, false), Access::Scan);
        assert_eq!(access_by("memories_user_created", user, false), Access::FieldIndex);
        let cursor = "(ROW(created_at, id) < ROW('x', 'y'))";
        assert_eq!(access_by("memories_created", cursor, false), Access::OrderWalk);
        assert_eq!(access_by("memories_created", cursor, true), Access::FieldIndex);
    }

    #[test]
    fn nothing_read_is_nothing() {
        assert_eq!(plan(r#"{"Node Type": "Result", "One-Time Filter": "false"}"#).access(), Access::Nothing);
        let scan = plan(r#"{"Node Type": "Seq Scan", "Relation Name": "memories", "Actual Rows": 0}"#);
        assert_eq!(scan.access(), Access::Scan);
    }
}
