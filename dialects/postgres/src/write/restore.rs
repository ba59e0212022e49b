//! Restores: whole rows with their times and revisions.

use diesel::sql_types::{BigInt, Uuid};
use polymnia::{Effect, Memory, Mutation, Result};

use super::source::{array_text, column, maybe_time, push_capture, push_rows};
use super::{ChangeCapture, Done, Target, delete, done};
use crate::error::Fault;
use crate::session::Session;
use crate::sql::{Bind, JsonText, Statement, pg_time};

/// Writes rows where no memory is; no outcome for those that stand in the way of one.
pub(super) fn restore_new(
    session: &mut Session,
    target: Target<'_>,
    mutations: &[&Mutation],
    capture: ChangeCapture,
) -> Result<Vec<Option<Done>>, Fault> {
    let mut statement = statement(target, &rows(mutations), capture);
    statement.text(" WHERE m.expires_at <= ").bind(target.now).text(" RETURNING m.id, m.revision");
    let returned = session.load(statement)?;
    Ok(done(mutations, returned, |_| Effect::Created)?)
}

/// Writes rows over whatever is there.
pub(super) fn restore_over(
    session: &mut Session,
    target: Target<'_>,
    mutations: &[&Mutation],
) -> Result<Vec<Option<Done>>, Fault> {
    // The statement can't tell what was there before.
    let there = delete::live(session, target, mutations)?;
    let mut statement = statement(target, &rows(mutations), ChangeCapture::Handled);
    statement.text(" RETURNING m.id, m.revision");
    let returned = session.load(statement)?;
    let mut all = done(mutations, returned, |_| Effect::Created)?;
    for Done { outcome, .. } in all.iter_mut().flatten() {
        if there.contains(&outcome.id) {
            outcome.effect = Effect::Updated;
        }
    }
    Ok(all)
}

fn rows<'a>(mutations: &[&'a Mutation]) -> Vec<&'a Memory> {
    mutations
        .iter()
        .filter_map(|mutation| match mutation {
            Mutation::Restore { memory, .. } => Some(memory),
            _ => None,
        })
        .collect()
}

fn columns<'a>(rows: &[&'a Memory]) -> [Bind<'a>; 13] {
    [
        column(rows, |memory| uuid::Uuid::from(memory.id)),
        column(rows, |memory| memory.user_id.as_ref().map(AsRef::as_ref)),
        column(rows, |memory| memory.agent_id.as_ref().map(AsRef::as_ref)),
        column(rows, |memory| memory.thread_id.as_ref().map(AsRef::as_ref)),
        column(rows, |memory| memory.tier.as_str()),
        column(rows, |memory| memory.content.as_str()),
        column(rows, |memory| JsonText(memory.metadata.as_str())),
        column(rows, |memory| memory.importance.as_f64()),
        column(rows, |memory| Some(array_text(&memory.related_threads))),
        column(rows, |memory| memory.revision.as_i64()),
        column(rows, |memory| pg_time(memory.created_at)),
        column(rows, |memory| pg_time(memory.updated_at)),
        column(rows, |memory| maybe_time(memory.expires_at)),
    ]
}

fn statement<'a>(target: Target<'a>, rows: &[&'a Memory], capture: ChangeCapture) -> Statement<'a, (Uuid, BigInt)> {
    let mut statement = Statement::new(
        "INSERT INTO polymnia.memories AS m (namespace, id, user_id, agent_id, thread_id, tier, content, metadata, \
         importance, related_threads, revision, created_at, updated_at, expires_at) SELECT ",
    );
    statement.bind(target.namespace.as_str()).text(
        ", n.id, n.user_id, n.agent_id, n.thread_id, n.tier, n.content, n.metadata, n.importance, \
         n.related_threads::text[], n.revision, n.created_at, n.updated_at, n.expires_at FROM ",
    );
    push_rows(&mut statement, rows.len(), columns(rows));
    statement.text(
        "(id, user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, revision, created_at, \
         updated_at, expires_at)",
    );
    push_capture(&mut statement, " WHERE", capture);
    statement.text(
        " ON CONFLICT (namespace, id) DO UPDATE SET user_id = excluded.user_id, agent_id = excluded.agent_id, \
         thread_id = excluded.thread_id, tier = excluded.tier, content = excluded.content, \
         metadata = excluded.metadata, importance = excluded.importance, \
         related_threads = excluded.related_threads, revision = excluded.revision, created_at = excluded.created_at, \
         updated_at = excluded.updated_at, expires_at = excluded.expires_at",
    );
    statement
}
