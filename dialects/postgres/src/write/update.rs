//! Updates.

use diesel::sql_types::{BigInt, Uuid};
use polymnia::{Change, Effect, Expect, MemoryId, Mutation, Patch, Result};

use super::source::{array_text, column, maybe_time, push_capture, push_rows};
use super::{ChangeCapture, Done, Target, done};
use crate::error::Fault;
use crate::session::Session;
use crate::sql::{Bind, JsonText, Statement};

/// Changes fields of existing memories.
pub(super) fn update(
    session: &mut Session,
    target: Target<'_>,
    mutations: &[&Mutation],
    capture: ChangeCapture,
) -> Result<Vec<Option<Done>>, Fault> {
    let rows: Vec<Row<'_>> = mutations
        .iter()
        .filter_map(|mutation| match mutation {
            Mutation::Update { id, patch, expect } => Some((*id, patch, revision(*expect))),
            _ => None,
        })
        .collect();
    let returned = session.load(statement(target, &rows, capture))?;
    Ok(done(mutations, returned, |_| Effect::Updated)?)
}

type Row<'a> = (MemoryId, &'a Patch, Option<i64>);

/// Returns the revision to be found; none for any.
fn revision(expect: Expect) -> Option<i64> {
    match expect {
        Expect::Any => None,
        Expect::Revision(revision) => Some(revision.as_i64()),
        // An update wants a memory, so it can't be met.
        _ => Some(0),
    }
}

fn columns<'a>(rows: &[Row<'a>]) -> [Bind<'a>; 15] {
    [
        column(rows, |(id, ..)| uuid::Uuid::from(*id)),
        column(rows, |(_, patch, _)| !patch.user_id.is_keep()),
        column(rows, |(_, patch, _)| text(&patch.user_id)),
        column(rows, |(_, patch, _)| !patch.agent_id.is_keep()),
        column(rows, |(_, patch, _)| text(&patch.agent_id)),
        column(rows, |(_, patch, _)| !patch.thread_id.is_keep()),
        column(rows, |(_, patch, _)| text(&patch.thread_id)),
        column(rows, |(_, patch, _)| patch.tier.as_ref().map(AsRef::as_ref)),
        column(rows, |(_, patch, _)| patch.content.as_ref().map(AsRef::as_ref)),
        column(rows, |(_, patch, _)| patch.metadata.as_ref().map(|metadata| JsonText(metadata.as_str()))),
        column(rows, |(_, patch, _)| patch.importance.map(polymnia::Importance::as_f64)),
        column(rows, |(_, patch, _)| patch.related_threads.as_ref().map(array_text)),
        column(rows, |(_, patch, _)| !patch.expires_at.is_keep()),
        column(rows, |(_, patch, _)| maybe_time(patch.expires_at.value().copied())),
        column(rows, |(_, _, revision)| *revision),
    ]
}

fn text<T: AsRef<str>>(change: &Change<T>) -> Option<&str> {
    change.value().map(AsRef::as_ref)
}

/// One statement for every patch: what isn't to change is set to what it is.
fn statement<'a>(target: Target<'a>, rows: &[Row<'a>], capture: ChangeCapture) -> Statement<'a, (Uuid, BigInt)> {
    let Target { namespace, now } = target;
    let Patch {
        user_id: _,
        agent_id: _,
        thread_id: _,
        tier: _,
        content: _,
        metadata: _,
        importance: _,
        related_threads: _,
        expires_at: _,
    } = Patch::default();
    let mut statement = Statement::new(
        "UPDATE polymnia.memories AS m SET \
         user_id = CASE WHEN n.set_user_id THEN n.user_id ELSE m.user_id END, \
         agent_id = CASE WHEN n.set_agent_id THEN n.agent_id ELSE m.agent_id END, \
         thread_id = CASE WHEN n.set_thread_id THEN n.thread_id ELSE m.thread_id END, \
         tier = coalesce(n.tier, m.tier), content = coalesce(n.content, m.content), \
         metadata = coalesce(n.metadata, m.metadata), importance = coalesce(n.importance, m.importance), \
         related_threads = coalesce(n.related_threads::text[], m.related_threads), \
         expires_at = CASE WHEN n.set_expires_at THEN n.expires_at ELSE m.expires_at END, \
         revision = m.revision + 1, updated_at = greatest(m.updated_at, ",
    );
    statement.bind(now).text(") FROM ");
    push_rows(&mut statement, rows.len(), columns(rows));
    statement.text(
        "(id, set_user_id, user_id, set_agent_id, agent_id, set_thread_id, thread_id, tier, content, metadata, importance, \
         related_threads, set_expires_at, expires_at, revision) WHERE m.namespace = ",
    );
    statement.bind(namespace.as_str()).text(
        " AND m.id = n.id AND m.revision < 9223372036854775807 AND (n.revision IS NULL OR m.revision = n.revision) \
         AND (m.expires_at IS NULL OR m.expires_at > ",
    );
    statement.bind(now).text(")");
    push_capture(&mut statement, " AND", capture);
    statement.text(" RETURNING m.id, m.revision");
    statement
}

#[cfg(test)]
mod tests {
    use polymnia::{Namespace, Timestamp};

    use super::*;

    #[test]
    fn one_text_serves_every_patch() {
        let namespace = Namespace::new("secret").unwrap();
        let target = Target { namespace: &namespace, now: Timestamp::from_micros(0).unwrap() };
        let patches = [Patch::default(), Patch { user_id: Change::Clear, ..Patch::default() }];
        let text = |patch| {
            let rows = [(MemoryId::from_bytes([1; 16]), patch, None)];
            format!("{:?}", statement(target, &rows, ChangeCapture::Handled))
        };
        let texts = patches.each_ref().map(text);
        assert_eq!(texts[0], texts[1]);
        assert!(texts[0].contains(" WHERE m.namespace = $17 AND m.id = n.id AND "), "{}", texts[0]);
    }

    #[test]
    fn an_update_that_expects_nothing_is_never_met() {
        assert_eq!(revision(Expect::Any), None);
        assert_eq!(revision(Expect::Absent), Some(0));
    }
}
