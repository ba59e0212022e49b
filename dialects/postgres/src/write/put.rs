//! Puts.

use diesel::sql_types::{BigInt, Uuid};
use polymnia::{Effect, Expect, MemoryId, Mutation, NewMemory, Result, Revision};

use super::source::{array_text, column, maybe_time, push_capture, push_rows};
use super::{ChangeCapture, Done, Target, done};
use crate::error::Fault;
use crate::session::Session;
use crate::sql::{Bind, JsonText, Statement};

/// Is what a put may go over. An expired memory counts as nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Over {
    /// Any memory, whose `created_at` stays.
    Anything,
    /// A memory of the `created_at` that the put gives.
    SameTime,
    /// No memory.
    Nothing,
}

/// Puts memories, new or over existing ones.
pub(super) fn put(
    session: &mut Session,
    target: Target<'_>,
    over: Over,
    mutations: &[&Mutation],
    capture: ChangeCapture,
) -> Result<Vec<Option<Done>>, Fault> {
    let returned = session.load(statement(target, over, &rows(mutations), capture))?;
    // Over an existing memory it is 2 at least.
    let effect = |revision| if revision == Revision::FIRST { Effect::Created } else { Effect::Updated };
    Ok(done(mutations, returned, effect)?)
}

/// Puts memories over existing ones of a revision.
pub(super) fn put_revision(
    session: &mut Session,
    target: Target<'_>,
    mutations: &[&Mutation],
    capture: ChangeCapture,
) -> Result<Vec<Option<Done>>, Fault> {
    let returned = session.load(revision_statement(target, &rows(mutations), capture))?;
    Ok(done(mutations, returned, |_| Effect::Updated)?)
}

type Row<'a> = (MemoryId, &'a NewMemory, Option<i64>);

fn rows<'a>(mutations: &[&'a Mutation]) -> Vec<Row<'a>> {
    mutations
        .iter()
        .filter_map(|mutation| match mutation {
            Mutation::Put { id, memory, expect } => {
                let revision = if let Expect::Revision(revision) = expect { Some(revision.as_i64()) } else { None };
                Some((*id, memory, revision))
            }
            _ => None,
        })
        .collect()
}

fn columns<'a>(rows: &[Row<'a>]) -> [Bind<'a>; 11] {
    [
        column(rows, |(id, ..)| uuid::Uuid::from(*id)),
        column(rows, |(_, memory, _)| memory.user_id.as_ref().map(AsRef::as_ref)),
        column(rows, |(_, memory, _)| memory.agent_id.as_ref().map(AsRef::as_ref)),
        column(rows, |(_, memory, _)| memory.thread_id.as_ref().map(AsRef::as_ref)),
        column(rows, |(_, memory, _)| memory.tier.as_str()),
        column(rows, |(_, memory, _)| memory.content.as_str()),
        column(rows, |(_, memory, _)| JsonText(memory.metadata.as_str())),
        column(rows, |(_, memory, _)| memory.importance.as_f64()),
        column(rows, |(_, memory, _)| Some(array_text(&memory.related_threads))),
        column(rows, |(_, memory, _)| maybe_time(memory.created_at)),
        column(rows, |(_, memory, _)| maybe_time(memory.expires_at)),
    ]
}

const NAMES: &str = "(id, user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, created_at, \
                     expires_at)";

fn statement<'a>(
    target: Target<'a>,
    over: Over,
    rows: &[Row<'a>],
    capture: ChangeCapture,
) -> Statement<'a, (Uuid, BigInt)> {
    let Target { namespace, now } = target;
    let mut statement = Statement::new(
        "INSERT INTO polymnia.memories AS m (namespace, id, user_id, agent_id, thread_id, tier, content, metadata, \
         importance, related_threads, revision, created_at, updated_at, expires_at) SELECT ",
    );
    statement.bind(namespace.as_str()).text(
        ", n.id, n.user_id, n.agent_id, n.thread_id, n.tier, n.content, n.metadata, n.importance, \
         n.related_threads::text[], 1, coalesce(n.created_at, ",
    );
    statement.bind(now).text("), ").bind(now).text(", n.expires_at FROM ");
    push_rows(&mut statement, rows.len(), columns(rows));
    statement.text(NAMES);
    push_capture(&mut statement, " WHERE", capture);
    statement.text(
        " ON CONFLICT (namespace, id) DO UPDATE SET user_id = excluded.user_id, agent_id = excluded.agent_id, \
         thread_id = excluded.thread_id, tier = excluded.tier, content = excluded.content, \
         metadata = excluded.metadata, importance = excluded.importance, \
         related_threads = excluded.related_threads, expires_at = excluded.expires_at, ",
    );
    if over == Over::Nothing {
        // What is there has expired.
        statement.text(
            "revision = excluded.revision, created_at = excluded.created_at, updated_at = excluded.updated_at \
             WHERE m.expires_at <= ",
        );
        statement.bind(now);
    } else {
        statement.text("revision = CASE WHEN m.expires_at <= ").bind(now).text(" THEN 1 ELSE m.revision + 1 END, ");
        statement.text("created_at = CASE WHEN m.expires_at <= ").bind(now);
        statement.text(" THEN excluded.created_at ELSE m.created_at END, ");
        statement.text("updated_at = CASE WHEN m.expires_at <= ").bind(now);
        statement.text(" THEN excluded.updated_at ELSE greatest(excluded.updated_at, m.updated_at) END");
        statement.text(" WHERE m.expires_at <= ").bind(now).text(" OR m.revision < 9223372036854775807");
        if over == Over::SameTime {
            statement.text(" AND m.created_at = excluded.created_at");
        }
    }
    statement.text(" RETURNING m.id, m.revision");
    statement
}

fn revision_statement<'a>(
    target: Target<'a>,
    rows: &[Row<'a>],
    capture: ChangeCapture,
) -> Statement<'a, (Uuid, BigInt)> {
    let Target { namespace, now } = target;
    let mut statement = Statement::new(
        "UPDATE polymnia.memories AS m SET user_id = n.user_id, agent_id = n.agent_id, thread_id = n.thread_id, \
         tier = n.tier, content = n.content, metadata = n.metadata, importance = n.importance, \
         related_threads = n.related_threads::text[], expires_at = n.expires_at, revision = m.revision + 1, \
         updated_at = greatest(m.updated_at, ",
    );
    statement.bind(now).text(") FROM ");
    let revisions = column(rows, |(_, _, revision)| *revision);
    push_rows(&mut statement, rows.len(), columns(rows).into_iter().chain([revisions]));
    statement.text(
        "(id, user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, created_at, \
         expires_at, revision) WHERE m.namespace = ",
    );
    statement.bind(namespace.as_str()).text(
        " AND m.id = n.id AND m.revision = n.revision AND m.revision < 9223372036854775807 AND (n.created_at IS NULL OR m.created_at = n.created_at) \
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

    fn sql(over: Over, capture: ChangeCapture) -> String {
        let namespace = Namespace::new("secret").unwrap();
        let target = Target { namespace: &namespace, now: Timestamp::from_micros(0).unwrap() };
        let memory = NewMemory::new("secret").unwrap();
        let rows = [(MemoryId::from_bytes([1; 16]), &memory, None)];
        format!("{:?}", statement(target, over, &rows, capture))
    }

    #[test]
    fn a_put_is_one_statement() {
        assert_eq!(
            sql(Over::SameTime, ChangeCapture::MustBeOff),
            "INSERT INTO polymnia.memories AS m (namespace, id, user_id, agent_id, thread_id, tier, content, metadata, \
             importance, related_threads, revision, created_at, updated_at, expires_at) SELECT $1, n.id, n.user_id, \
             n.agent_id, n.thread_id, n.tier, n.content, n.metadata, n.importance, n.related_threads::text[], 1, \
             coalesce(n.created_at, $2), $3, n.expires_at FROM (VALUES ($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
             $14)) AS n (id, user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, \
             created_at, expires_at) WHERE NOT EXISTS (SELECT FROM polymnia.settings WHERE name = 'change_capture' AND \
             value = 'on') ON CONFLICT (namespace, id) DO UPDATE SET user_id = excluded.user_id, agent_id = \
             excluded.agent_id, thread_id = excluded.thread_id, tier = excluded.tier, content = excluded.content, \
             metadata = excluded.metadata, importance = excluded.importance, related_threads = \
             excluded.related_threads, expires_at = excluded.expires_at, revision = CASE WHEN m.expires_at <= $15 THEN \
             1 ELSE m.revision + 1 END, created_at = CASE WHEN m.expires_at <= $16 THEN excluded.created_at ELSE \
             m.created_at END, updated_at = CASE WHEN m.expires_at <= $17 THEN excluded.updated_at ELSE \
             greatest(excluded.updated_at, m.updated_at) END WHERE m.expires_at <= $18 OR m.revision < \
             9223372036854775807 AND m.created_at = excluded.created_at RETURNING m.id, m.revision"
        );
    }

    #[test]
    fn nothing_volatile_is_evaluated_by_the_server() {
        for over in [Over::Anything, Over::SameTime, Over::Nothing] {
            let sql = sql(over, ChangeCapture::Handled);
            for word in ["now()", "current_", "random", "ctid", "MERGE", "secret"] {
                assert!(!sql.contains(word), "{word} in {sql}");
            }
        }
    }
}
