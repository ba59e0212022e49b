//! What is refused before anything is written.

use crate::schema::text::{Syntax, Token, checksums, statements, tokens};
use crate::schema::{Entry, Ledger, ObjectKind, ObjectName, Plan, RunOptions, SchemaFault, Source, State, Step, Way};
use crate::spi::SchemaSession;
use crate::{Call, Error, Result};

use super::job::{Job, refuse_in_one_transaction};
use super::names::names_same;
use super::syntax_of;

/// Refuses, where everything is to be one transaction, what can't be part of one.
pub(super) fn mixed(jobs: &[Job<'_>], together: bool, pooled: bool) -> Result<()> {
    if together { refuse_in_one_transaction(jobs, pooled) } else { Ok(()) }
}

/// Refuses to go on with a script whose statements so far are not those that were done.
pub(super) fn changed(jobs: &[Job<'_>], ledger: &Ledger, syntax: Syntax) -> Result<()> {
    for job in jobs {
        let Some((entry, begun)) = unfinished(job, ledger.entries.as_deref().unwrap_or_default()) else { continue };
        let then = statements(begun, syntax);
        let sum = |text: &str| checksums(text, syntax).normalized;
        // Of a statement in batches that has begun some rows are done.
        let done =
            usize::try_from(entry.done).unwrap_or(usize::MAX).saturating_add(usize::from(entry.batch_key.is_some()));
        for (index, then) in then.iter().enumerate().take(done) {
            let now = job.parts.get(index).map(|part| part.statement.text);
            if now.is_some_and(|now| sum(now) == sum(then.text)) {
                continue;
            }
            let message = format!(
                "{} stopped {} statement {done}, and statement {} is not what it was then",
                job.title(),
                if entry.batch_key.is_some() { "within" } else { "after" },
                index + 1
            );
            let error = SchemaFault::ScriptChanged.error(message).with_context("version", &entry.version);
            let offset = job.parts.get(index).map(|part| part.statement.offset);
            return Err(error.with_context("place", job.place(offset)).with_hint(format!(
                "put the statements that are done back as they were, or complete it by hand and run `polymnia migrate \
                 resolve {} --applied`",
                entry.version
            )));
        }
    }
    Ok(())
}

/// Refuses what goes on where an earlier run stopped, for those who can't see how far that is.
pub(super) fn half_done(jobs: &[Job<'_>]) -> Result<()> {
    let Some(job) = jobs.iter().find(|job| job.step.resumes) else { return Ok(()) };
    let message = format!("{} stopped half-way: only a run can go on with it", job.title());
    let command = match job.step.direction {
        Way::Up => "polymnia migrate upgrade",
        Way::Down => "polymnia migrate downgrade",
    };
    Err(SchemaFault::Unfinished
        .error(message)
        .with_context("version", &job.step.version)
        .with_hint(format!("run `{command}` first, without `--sql`")))
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
    sources: &[Source],
) -> Result<bool> {
    let destroying: Vec<&Step> = plan.steps.iter().filter(|step| !step.destroys.is_empty()).collect();
    if destroying.is_empty() {
        return Ok(false);
    }
    let rows = session.row_counts(call)?;
    let schema = session.snapshot(call)?;
    let only_ours = destroying.iter().all(|step| step.version.prefix().is_empty());
    let seeds = seeds(sources);
    let worth = |table: &str, rows: u64| match schema.0.get(&ObjectName::of(ObjectKind::Table, table)) {
        // Rows that our migrations put into tables of ours are no memories.
        Some(object) if object.ours => {
            rows > seeds.iter().filter(|(seed, _)| names_same(table, seed)).map(|(_, rows)| rows).sum()
        }
        // Our migrations destroy nothing else; an application's may destroy anything.
        Some(_) => rows > 0 && !only_ours,
        None => rows > 0,
    };
    if !rows.iter().any(|(table, rows)| worth(table, *rows)) {
        return Ok(false);
    }
    if options.allow_destructive {
        return Ok(true);
    }
    Err(destructive(&destroying, &super::command(plan, options, super::On::Database)))
}

/// Returns the tables that our migrations insert into, as they are written, each with how many rows a statement writes down.
fn seeds(sources: &[Source]) -> Vec<(String, u64)> {
    let syntax = syntax_of(sources);
    let scripts = sources.iter().filter(|source| source.prefix.is_empty()).flat_map(|source| &source.scripts);
    scripts.flat_map(|script| statements(&script.up, syntax)).filter_map(|one| seed(one.text, syntax)).collect()
}

/// Returns the table that a statement inserts into, as it is written, and how many rows stand in it. What is not written down
/// row by row is taken for one.
fn seed(statement: &str, syntax: Syntax) -> Option<(String, u64)> {
    let mut tokens = tokens(statement, syntax).filter(|token| !token.is_comment());
    tokens.next().filter(|token| token.is("INSERT"))?;
    let mut tokens = tokens.skip_while(|token| !token.is("INTO")).skip(1).peekable();
    let mut name = tokens.next().filter(Token::is_name)?.text.to_owned();
    while tokens.next_if(|token| token.is_symbol(".")).is_some() {
        name = format!("{name}.{}", tokens.next().filter(Token::is_name)?.text);
    }
    let (mut depth, mut rows) = (0, 0);
    for token in tokens.skip_while(|token| !token.is("VALUES")) {
        if token.is_symbol("(") {
            rows += u64::from(depth == 0);
            depth += 1;
        } else if token.is_symbol(")") {
            depth -= 1;
        } else if depth == 0 && token.is("ON") {
            break;
        }
    }
    Some((name, rows.max(1)))
}

fn destructive(steps: &[&Step], command: &str) -> Error {
    let step = steps[0];
    let how = match step.direction {
        Way::Up => "migration",
        Way::Down => "taking back migration",
    };
    let what = step.destroys.join(", ");
    let mut error = SchemaFault::Destructive
        .error(format!("{how} {}_{} destroys data: it {what}", step.version, step.name))
        .with_context("version", &step.version);
    for step in &steps[1..] {
        error = error.with_context("also", format_args!("{} {}", step.version, step.destroys.join(", ")));
    }
    error
        .with_context("state", "nothing was changed")
        .with_hint(format!("if that is what you want, run `{command} --allow-destructive`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_a_migration_writes_down_are_counted() {
        let cases = [
            ("INSERT INTO t VALUES (1);", Some(("t", 1))),
            (
                "INSERT INTO t (a, b) VALUES ('x', lower(hex(y(16)))), ('(', (1)) ON CONFLICT (a) DO NOTHING;",
                Some(("t", 2)),
            ),
            ("insert or ignore into s.\"T\" (a) SELECT 1", Some(("s.\"T\"", 1))),
            ("INSERT INTO t", Some(("t", 1))),
            ("INSERT", None),
            ("DELETE FROM t", None),
        ];
        for (statement, expected) in cases {
            let expected = expected.map(|(table, rows)| (table.to_owned(), rows));
            assert_eq!(seed(statement, Syntax::Sqlite), expected, "{statement}");
        }
    }
}
