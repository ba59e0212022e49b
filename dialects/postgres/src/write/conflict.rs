//! Why a mutation was not done.

use diesel::pg::data_types::PgTimestamp;
use diesel::sql_types::{BigInt, Timestamptz};
use polymnia::spi::refusal;
use polymnia::{Error, ErrorKind, Expect, MemoryId, Mutation, Result, Retry, Revision, Timestamp};

use super::Target;
use crate::error::Fault;
use crate::read::stored_time;
use crate::session::Session;
use crate::sql::Statement;

/// Returns the error for a mutation that did nothing, after a look at what is stored.
pub(super) fn explain(session: &mut Session, target: Target<'_>, mutation: &Mutation) -> Result<Error, Fault> {
    let stored = read(session, target, mutation.id())?;
    Ok(refusal(mutation, stored).unwrap_or_else(|| {
        let message = format!("another transaction changed memory {} meanwhile", mutation.id());
        Error::new(ErrorKind::Unavailable, message).with_retry(Retry::Safe)
    }))
}

/// Returns why the mutation can't be done over what is stored, if so: what is expected comes first.
fn refusal(mutation: &Mutation, stored: Option<Stored>) -> Option<Error> {
    let id = mutation.id();
    match mutation {
        Mutation::Put { memory, expect, .. } => {
            unmet(id, *expect, stored).or_else(|| match (memory.created_at, stored?) {
                (Some(given), stored) if given != stored.created_at => {
                    Some(refusal::other_created_at(id, stored.created_at, given))
                }
                (_, stored) => exhausted(id, stored),
            })
        }
        Mutation::Update { expect, .. } => match stored {
            None => Some(refusal::missing(id)),
            Some(stored) => unmet(id, *expect, Some(stored)).or_else(|| exhausted(id, stored)),
        },
        Mutation::Delete { expect, .. } => unmet(id, *expect, stored),
        _ => stored.map(|_| refusal::exists(id)),
    }
}

fn unmet(id: MemoryId, expect: Expect, stored: Option<Stored>) -> Option<Error> {
    match (expect, stored) {
        (Expect::Absent, Some(_)) => Some(refusal::exists(id)),
        (Expect::Revision(expected), None) => Some(refusal::missing_at(id, expected)),
        (Expect::Revision(expected), Some(stored)) if stored.revision != expected => {
            Some(refusal::other_revision(id, stored.revision, expected))
        }
        _ => None,
    }
}

fn exhausted(id: MemoryId, stored: Stored) -> Option<Error> {
    (stored.revision.as_i64() == i64::MAX).then(|| refusal::last_revision(id))
}

#[derive(Clone, Copy, Debug)]
struct Stored {
    revision: Revision,
    created_at: Timestamp,
}

/// Returns the memory, if it is there.
fn read(session: &mut Session, target: Target<'_>, id: MemoryId) -> Result<Option<Stored>, Fault> {
    let mut statement = Statement::<(BigInt, Timestamptz)>::new(
        "SELECT revision, created_at FROM polymnia.memories WHERE namespace = ",
    );
    statement.bind(target.namespace.as_str()).text(" AND id = ").bind(uuid::Uuid::from(id));
    statement.text(" AND (expires_at IS NULL OR expires_at > ").bind(target.now).text(")");
    let rows: Vec<(i64, PgTimestamp)> = session.load(statement)?;
    let stored = |(revision, created_at)| -> Result<Stored> {
        Ok(Stored { revision: Revision::new(revision)?, created_at: stored_time(created_at)? })
    };
    Ok(rows.into_iter().next().map(stored).transpose()?)
}
