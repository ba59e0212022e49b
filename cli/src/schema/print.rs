//! Plans, problems and differences, for people.

use std::io;

use polymnia::Timestamp;
use polymnia::schema::{Drift, Plan, Problem, Version, Way};

use crate::output::{Column, Out, Table, block, time};

/// Returns versions, with commas between them; `none` if there is none.
pub(crate) fn versions(versions: &[Version]) -> String {
    if versions.is_empty() {
        return "none".to_owned();
    }
    let versions: Vec<&str> = versions.iter().map(Version::as_str).collect();
    versions.join(", ")
}

/// Returns a time, or a dash.
pub(crate) fn optional_time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), time)
}

/// Writes the steps of a plan, a line each, and what they destroy below.
pub(crate) fn plan(out: &mut Out, plan: &Plan) -> io::Result<()> {
    let mut table = Table::new([
        Column::Text("step", 6),
        Column::Text("version", Version::MAX_BYTES),
        Column::Text("name", 40),
        Column::Number("statements"),
        Column::Rest("transaction"),
    ]);
    for step in &plan.steps {
        let way = match step.direction {
            Way::Up => "up",
            Way::Down => "down",
        };
        let transaction = match (step.transactional, step.resumes) {
            (true, _) => "one",
            (false, false) => "one a statement",
            (false, true) => "one a statement; goes on where it stopped",
        };
        table.row([
            way.to_owned(),
            step.version.to_string(),
            step.name.clone(),
            step.statements.to_string(),
            transaction.to_owned(),
        ]);
    }
    table.print(out)?;
    for step in &plan.steps {
        for what in &step.destroys {
            out.line(format!("{} {}: {}", out.paint().error("destroys"), step.version, block(what)))?;
        }
    }
    Ok(())
}

/// Writes what is wrong with a history.
pub(crate) fn problems(out: &mut Out, problems: &[Problem]) -> io::Result<()> {
    for Problem { code, message, hint } in problems {
        out.line(format!("{} {}", out.paint().error(&format!("{code}:")), block(message)))?;
        if let Some(hint) = hint {
            out.line(format!("  {} {}", out.paint().command("hint:"), block(hint)))?;
        }
    }
    Ok(())
}

/// Writes differences of schemas, object by object.
pub(crate) fn drifts(out: &mut Out, drifts: &[Drift], [expected, found]: [&str; 2]) -> io::Result<()> {
    for Drift { object, what, expected: wanted, found: is } in drifts {
        out.line(format!("{object}: {what}"))?;
        for (name, value) in [(expected, wanted), (found, is)] {
            if let Some(value) = value {
                out.line(format!("  {}  {}", out.paint().dim(name), block(value).replace('\n', "\n    ")))?;
            }
        }
    }
    Ok(())
}
