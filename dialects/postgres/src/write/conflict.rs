//! Why a mutation was not done.

use diesel::pg::data_types::PgTimestamp;
use diesel::sql_types::{BigInt, Timestamptz};
use polymnia::{Error, ErrorKind, Expect, MemoryId, Mutation, Result, Timestamp};

use super::Target;
use crate::error::Fault;
use crate::read::stored_time;
use crate::session::Session;
use crate::sql::Statement;

/// Returns the error for a mutation that did nothing, after a look at what is stored.
pub(super) fn explain(session: &mut Session, target: Target<'_>, mutation: &Mutation) -> Result<Error, Fault> {
    let id = mutation.id();
    let stored = read(session, target, id)?;
    let is_update = matches!(mutation, Mutation::Update { .. });
    let (kind, message) = match (stored, mutation) {
        (None, _) if is_update => (ErrorKind::NotFound, format!("memory {id} is not there")),
        (
            Some((revision, _)),
            Mutation::Put { expect: Expect::Revision(expected), .. }
            | Mutation::Update { expect: Expect::Revision(expected), .. }
            | Mutation::Delete { expect: Expect::Revision(expected), .. },
        ) if revision != expected.as_i64() => {
            (ErrorKind::Conflict, format!("memory {id} is at revision {revision}: expected {expected}"))
        }
        (
            None,
            Mutation::Put { expect: Expect::Revision(expected), .. }
            | Mutation::Delete { expect: Expect::Revision(expected), .. },
        ) => (ErrorKind::Conflict, format!("memory {id} is not there: expected revision {expected}")),
        (Some((_, created_at)), Mutation::Put { expect, memory, .. })
            if *expect != Expect::Absent && memory.created_at.is_some_and(|given| given != created_at) =>
        {
            let given = memory.created_at.unwrap_or(created_at);
            (ErrorKind::Conflict, format!("memory {id} was created at {created_at}: the put says {given}"))
        }
        (Some(_), _) => (ErrorKind::Conflict, format!("memory {id} is there already: expected none")),
        // Another transaction was faster.
        (None, _) => (ErrorKind::Conflict, format!("memory {id} was changed meanwhile")),
    };
    Ok(Error::new(kind, message))
}

/// Returns revision and `created_at` of the memory, if it is there.
fn read(session: &mut Session, target: Target<'_>, id: MemoryId) -> Result<Option<(i64, Timestamp)>, Fault> {
    let mut statement = Statement::<(BigInt, Timestamptz)>::new(
        "SELECT revision, created_at FROM polymnia.memories WHERE namespace = ",
    );
    statement.bind(target.namespace.as_str()).text(" AND id = ").bind(uuid::Uuid::from(id));
    statement.text(" AND (expires_at IS NULL OR expires_at > ").bind(target.now).text(")");
    let rows: Vec<(i64, PgTimestamp)> = session.load(statement)?;
    match rows.into_iter().next() {
        None => Ok(None),
        Some((revision, created_at)) => Ok(Some((revision, stored_time(created_at)?))),
    }
}
