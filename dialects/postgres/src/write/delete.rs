//! Deletes.
//!
//! An expired memory is not there, so it is left to the sweep.

use std::collections::HashSet;

use diesel::sql_types::Uuid;
use polymnia::{Effect, Expect, MemoryId, Mutation, Outcome, Result};

use super::source::{column, push_capture, push_rows};
use super::{ChangeCapture, Target, outcome};
use crate::error::Fault;
use crate::session::Session;
use crate::sql::Statement;

/// Removes memories where they are there.
pub(super) fn delete(
    session: &mut Session,
    target: Target<'_>,
    mutations: &[&Mutation],
    capture: ChangeCapture,
) -> Result<Vec<Option<Outcome>>, Fault> {
    let mut statement = on_live(target, mutations, "DELETE FROM polymnia.memories WHERE namespace = ");
    push_capture(&mut statement, " AND", capture);
    statement.text(" RETURNING id");
    let removed = ids(session, statement)?;
    let one = |mutation: &&Mutation| {
        let id = mutation.id();
        match capture {
            _ if removed.contains(&id) => Some(outcome(id, Effect::Deleted, None)),
            ChangeCapture::Handled => Some(outcome(id, Effect::Missing, None)),
            ChangeCapture::MustBeOff => None,
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
) -> Result<Vec<Option<Outcome>>, Fault> {
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
        removed.contains(&id).then(|| outcome(id, Effect::Deleted, None))
    };
    Ok(mutations.iter().map(one).collect())
}

/// Makes sure that memories are not there.
pub(super) fn delete_absent(
    session: &mut Session,
    target: Target<'_>,
    mutations: &[&Mutation],
) -> Result<Vec<Option<Outcome>>, Fault> {
    let found = live(session, target, mutations)?;
    let one = |mutation: &&Mutation| {
        let id = mutation.id();
        (!found.contains(&id)).then(|| outcome(id, Effect::Missing, None))
    };
    Ok(mutations.iter().map(one).collect())
}

/// Returns the ids that are there, and locks them.
pub(super) fn live(
    session: &mut Session,
    target: Target<'_>,
    mutations: &[&Mutation],
) -> Result<HashSet<MemoryId>, Fault> {
    let mut statement = on_live(target, mutations, "SELECT id FROM polymnia.memories WHERE namespace = ");
    statement.text(" ORDER BY id FOR UPDATE");
    ids(session, statement)
}

fn on_live<'a>(target: Target<'a>, mutations: &[&Mutation], head: &'static str) -> Statement<'a, Uuid> {
    let wanted: Vec<uuid::Uuid> = mutations.iter().map(|mutation| mutation.id().into()).collect();
    let mut statement = Statement::new(head);
    statement.bind(target.namespace.as_str()).text(" AND id = ANY (").bind(wanted);
    statement.text(") AND (expires_at IS NULL OR expires_at > ").bind(target.now).text(")");
    statement
}

fn ids(session: &mut Session, statement: Statement<'_, Uuid>) -> Result<HashSet<MemoryId>, Fault> {
    let ids: Vec<uuid::Uuid> = session.load(statement)?;
    Ok(ids.into_iter().map(MemoryId::from).collect())
}
