//! Deletes.
//!
//! An expired memory is not there, but whoever deletes it may rely on nothing being left of it.

use std::collections::{HashMap, HashSet};

use diesel::sql_types::{Bool, Uuid};
use polymnia::{ChangeOperation, Effect, Expect, MemoryId, Mutation, Result};

use super::source::{column, push_capture, push_rows};
use super::{ChangeCapture, Done, Target};
use crate::error::Fault;
use crate::session::Session;
use crate::sql::Statement;

/// Removes memories where they are there.
pub(super) fn delete(
    session: &mut Session,
    target: Target<'_>,
    mutations: &[&Mutation],
    capture: ChangeCapture,
) -> Result<Vec<Option<Done>>, Fault> {
    let mut statement = of_ids::<(Uuid, Bool)>(target, mutations, "DELETE FROM polymnia.memories WHERE namespace = ");
    push_capture(&mut statement, " AND", capture);
    statement.text(" RETURNING id, expires_at IS NOT NULL AND expires_at <= ").bind(target.now);
    let rows: Vec<(uuid::Uuid, bool)> = session.load(statement)?;
    let removed: HashMap<MemoryId, bool> = rows.into_iter().map(|(id, expired)| (id.into(), expired)).collect();
    let one = |mutation: &&Mutation| {
        let id = mutation.id();
        match (removed.get(&id), capture) {
            (Some(false), _) => Some(Done::new(id, Effect::Deleted, None)),
            (Some(true), _) => Some(swept(id)),
            (None, ChangeCapture::Handled) => Some(Done::new(id, Effect::Missing, None)),
            (None, ChangeCapture::MustBeOff) => None,
        }
    };
    Ok(mutations.iter().map(one).collect())
}

/// Removes memories of a revision.
pub(super) fn delete_revision(
    session: &mut Session,
    target: Target<'_>,
    mutations: &[&Mutation],
    capture: ChangeCapture,
) -> Result<Vec<Option<Done>>, Fault> {
    let Target { namespace, now } = target;
    let revision = |mutation: &&Mutation| match mutation {
        Mutation::Delete { expect: Expect::Revision(revision), .. } => revision.as_i64(),
        _ => 0,
    };
    let mut statement = Statement::<Uuid>::new("DELETE FROM polymnia.memories AS m USING ");
    let columns = [column(mutations, |mutation| uuid::Uuid::from(mutation.id())), column(mutations, revision)];
    push_rows(&mut statement, mutations.len(), columns);
    statement.text("(id, revision) WHERE m.namespace = ").bind(namespace.as_str());
    statement.text(" AND m.id = n.id AND m.revision = n.revision AND (m.expires_at IS NULL OR m.expires_at > ");
    statement.bind(now).text(")");
    push_capture(&mut statement, " AND", capture);
    statement.text(" RETURNING m.id");
    let removed = ids(session, statement)?;
    let one = |mutation: &&Mutation| {
        let id = mutation.id();
        removed.contains(&id).then(|| Done::new(id, Effect::Deleted, None))
    };
    Ok(mutations.iter().map(one).collect())
}

/// Makes sure that memories are not there.
pub(super) fn delete_absent(
    session: &mut Session,
    target: Target<'_>,
    mutations: &[&Mutation],
) -> Result<Vec<Option<Done>>, Fault> {
    let found = live(session, target, mutations)?;
    let mut statement = of_ids::<Uuid>(target, mutations, "DELETE FROM polymnia.memories WHERE namespace = ");
    statement.text(" AND expires_at <= ").bind(target.now).text(" RETURNING id");
    let expired = ids(session, statement)?;
    let one = |mutation: &&Mutation| {
        let id = mutation.id();
        if expired.contains(&id) {
            Some(swept(id))
        } else {
            (!found.contains(&id)).then(|| Done::new(id, Effect::Missing, None))
        }
    };
    Ok(mutations.iter().map(one).collect())
}

/// Returns what became of a delete that found an expired row.
fn swept(id: MemoryId) -> Done {
    Done { change: Some(ChangeOperation::Delete), ..Done::new(id, Effect::Missing, None) }
}

/// Returns the ids that are there, and locks them.
pub(super) fn live(
    session: &mut Session,
    target: Target<'_>,
    mutations: &[&Mutation],
) -> Result<HashSet<MemoryId>, Fault> {
    let mut statement = of_ids::<Uuid>(target, mutations, "SELECT id FROM polymnia.memories WHERE namespace = ");
    statement.text(" AND (expires_at IS NULL OR expires_at > ").bind(target.now).text(") ORDER BY id FOR UPDATE");
    ids(session, statement)
}

fn of_ids<'a, Columns>(target: Target<'a>, mutations: &[&Mutation], head: &'static str) -> Statement<'a, Columns> {
    let wanted: Vec<uuid::Uuid> = mutations.iter().map(|mutation| mutation.id().into()).collect();
    let mut statement = Statement::new(head);
    statement.bind(target.namespace.as_str()).text(" AND id = ANY (").bind(wanted).text(")");
    statement
}

fn ids(session: &mut Session, statement: Statement<'_, Uuid>) -> Result<HashSet<MemoryId>, Fault> {
    let ids: Vec<uuid::Uuid> = session.load(statement)?;
    Ok(ids.into_iter().map(MemoryId::from).collect())
}
