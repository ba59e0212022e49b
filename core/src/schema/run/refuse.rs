//! What is refused before anything is written.

use crate::schema::text::{Syntax, checksums, statements};
use crate::schema::{Entry, Ledger, ObjectKind, ObjectName, Plan, RunOptions, SchemaFault, State, Way};
use crate::spi::SchemaSession;
use crate::{Call, Error, Result};

use super::job::{Job, refuse_in_one_transaction};

/// Refuses, where everything is to be one transaction, what can't be part of one.
pub(super) fn mixed(jobs: &[Job<'_>], together: bool, pooled: bool) -> Result<()> {
    if together { refuse_in_one_transaction(jobs, pooled) } else { Ok(()) }
}

/// Refuses to go on with a script whose statements so far are not those that were done.
pub(super) fn changed(jobs: &[Job<'_>], ledger: &Ledger, syntax: Syntax) -> Result<()> {
    for job in jobs {
        let Some((entry, begun)) = unfinished(job, ledger.entries.as_deref().unwrap_or_default()) else { continue };
        let then = statements(begun, syntax);
        for index in 0..usize::try_from(entry.done).unwrap_or(usize::MAX).min(then.len()) {
            let sum = |text: &str| checksums(text, syntax).normalized;
            let now = job.parts.get(index).map(|part| part.statement.text);
            if now.is_some_and(|now| sum(now) == sum(then[index].text)) {
                continue;
            }
            let message = format!(
                "{} stopped after statement {}, and statement {} is not what it was then",
                job.title(),
                entry.done,
                index + 1
            );
            let error = SchemaFault::ScriptChanged.error(message).with_context("version", &entry.version);
            let offset = job.parts.get(index).map(|part| part.statement.offset);
            return Err(error.with_context("place", job.place(offset)).with_hint(
                "put the statements that are done back as they were, or complete it by hand and run \
                 `polymnia migrate resolve VERSION --applied`",
            ));
        }
    }
    Ok(())
}

/// Returns the entry that a job goes on with, and the script that it began with.
fn unfinished<'e>(job: &Job<'_>, entries: &'e [Entry]) -> Option<(&'e Entry, &'e str)> {
    let entry = entries.iter().find(|entry| entry.version == job.step.version)?;
    let begun = match (job.step.direction, entry.state) {
        (Way::Up, State::Running | State::Failed) => &entry.up,
        (Way::Down, State::Reverting) => &entry.down,
        _ => return None,
    };
    begun.as_deref().map(|begun| (entry, begun))
}

/// Returns whether the plan destroys something that there is.
///
/// # Errors
///
/// The fault [`Destructive`](SchemaFault::Destructive) if it does and may not.
pub(super) fn destruction(
    plan: &Plan,
    session: &mut dyn SchemaSession,
    call: &Call,
    options: &RunOptions,
) -> Result<bool> {
    let Some(first) = plan.steps.iter().find(|step| !step.destroys.is_empty()) else {
        return Ok(false);
    };
    let rows = session.row_counts(call)?;
    let schema = session.snapshot(call)?;
    let only_ours = plan.steps.iter().all(|step| step.destroys.is_empty() || step.version.prefix().is_empty());
    let concerned = |table: &str| {
        let object = schema.0.get(&ObjectName::of(ObjectKind::Table, table));
        // An application's migrations may destroy anything; so may ours what nobody knows.
        !only_ours || object.is_none_or(|object| object.ours)
    };
    if !rows.iter().any(|(table, rows)| *rows > 0 && concerned(table)) {
        return Ok(false);
    }
    if options.allow_destructive {
        return Ok(true);
    }
    Err(destructive(first, &super::command(plan)))
}

fn destructive(step: &crate::schema::Step, command: &str) -> Error {
    let what = step.destroys.join(", ");
    let how = match step.direction {
        Way::Up => "migration",
        Way::Down => "taking back migration",
    };
    SchemaFault::Destructive
        .error(format!("{how} {}_{} destroys data: it {what}", step.version, step.name))
        .with_context("version", &step.version)
        .with_context("state", "nothing was changed")
        .with_hint(format!("if that is what you want, run `{command} --allow-destructive`"))
}
