//! What `upgrade` and `downgrade` print.

use polymnia::schema::{Plan, RunReport, Schema, Version};
use serde::Serialize;

use crate::args::Format;
use crate::context::Context;
use crate::failure::{Exit, Outcome};
use crate::output::{Column, Table, block, plural, spent};
use crate::schema;

#[derive(Serialize)]
struct Planned<'a> {
    plan: &'a Plan,
}

#[derive(Serialize)]
struct Scripted<'a> {
    plan: &'a Plan,
    sql: String,
}

/// Prints what a run did.
pub(super) fn done(context: &mut Context, report: &RunReport, what: &str) -> Outcome {
    if context.format != Format::Table {
        context.out.document(report)?;
        return Ok(Exit::Ok);
    }
    let version = report.to.as_ref().map_or("none", Version::as_str);
    let line = if report.steps.is_empty() {
        format!("nothing to do: schema version {version}")
    } else {
        let steps = plural(report.steps.len() as u64, "migration", "migrations");
        let spent = spent(report.millis);
        format!("schema version {version}: {steps} {what} in {spent}")
    };
    context.out.line(line)?;
    if let Some(backup) = &report.backup {
        context.out.line(format!("backup: {}", block(&backup.path.display().to_string())))?;
    }
    Ok(Exit::Ok)
}

/// Prints how long each step of a rehearsal took.
pub(super) fn rehearsed(context: &mut Context, report: &RunReport) -> Outcome {
    if context.format != Format::Table {
        context.out.document(report)?;
        return Ok(Exit::Ok);
    }
    let mut table =
        Table::new([Column::Text("version", Version::MAX_BYTES), Column::Rest("name"), Column::Text("took", 20)]);
    for step in &report.steps {
        let spent = spent(step.millis);
        table.row([step.version.to_string(), step.name.clone(), spent]);
    }
    if !report.steps.is_empty() {
        table.print(&mut context.out)?;
    }
    let steps = plural(report.steps.len() as u64, "migration", "migrations");
    let spent = spent(report.millis);
    context.out.line(format!("rehearsed {steps} on a copy in {spent}; the database is as it was"))?;
    Ok(Exit::Ok)
}

/// Prints what a run would do.
pub(super) fn planned(context: &mut Context, plan: &Plan) -> Outcome {
    if context.format != Format::Table {
        context.out.document(Planned { plan })?;
        return Ok(Exit::Ok);
    }
    let [from, to] = [&plan.from, &plan.to].map(|version| version.as_ref().map_or("none", Version::as_str));
    if plan.steps.is_empty() {
        context.out.line(format!("nothing to do: schema version {from}"))?;
        return Ok(Exit::Ok);
    }
    context.out.line(format!("schema version {from} -> {to}"))?;
    schema::plan(&mut context.out, plan)?;
    if plan.backup {
        context.out.line("a backup comes first")?;
    }
    Ok(Exit::Ok)
}

/// Prints a plan as a script; what is to be said about it goes to standard error.
pub(super) fn scripted(context: &mut Context, schema: &Schema, plan: &Plan) -> Outcome {
    let sql = schema.script(plan)?;
    if context.format != Format::Table {
        context.out.document(Scripted { plan, sql })?;
        return Ok(Exit::Ok);
    }
    context.out.text(&sql)?;
    if !sql.is_empty() && !sql.ends_with('\n') {
        context.out.line("")?;
    }
    context.out.flush()?;
    let from = plan.from.as_ref().map_or("none", Version::as_str);
    let steps = plural(plan.steps.len() as u64, "migration", "migrations");
    context.note(format!("{steps}; it refuses to run on a database that is not at schema version {from}"));
    if plan.backup {
        context.note("it can destroy data, and makes no backup: `polymnia backup create` does");
    }
    Ok(Exit::Ok)
}
