//! Renaming a namespace, with what is derived from its memories.

use std::ops::ControlFlow;

use polymnia::spi::refusal;
use polymnia::{Namespace, Result};

use crate::capture::Capture;
use crate::connection::Connection;
use crate::derived::deriver::{Deriver, NewRows, Row};
use crate::row::Integers;
use crate::statement::{Value, fixed, statements};

statements! {
    Holds = "SELECT EXISTS (SELECT 1 FROM polymnia_memories WHERE namespace = ?)";
    Part =
        "SELECT id, rid, created_at FROM polymnia_memories ",
        "WHERE namespace = ? AND id > ? AND indexed_revision = revision ORDER BY id LIMIT 1000";
    /// The change of `indexed_revision` tells the trigger that this is no foreign write. Rows that were level get their
    /// revision, negative; the others any number that it is not.
    Rename =
        "UPDATE polymnia_memories SET namespace = ?, indexed_revision = CASE WHEN indexed_revision = revision ",
        "THEN -revision WHEN indexed_revision = 0 THEN ? ELSE 0 END WHERE namespace = ?";
    Level =
        "UPDATE polymnia_memories SET indexed_revision = revision ",
        "WHERE namespace = ? AND indexed_revision <> revision AND indexed_revision = -revision";
}

/// Moves everything of `from` to `to`, in one transaction.
pub(crate) fn rename(connection: &mut Connection, from: &Namespace, to: &Namespace) -> Result<u64> {
    connection.write(|connection| {
        let mut holds = |namespace: &Namespace| -> Result<bool> {
            let holds: Option<Integers<1>> = connection.one(fixed::<Holds, 1>([Value::Text(namespace.as_str())]))?;
            Ok(holds.is_some_and(|holds| holds.0[0] == 1))
        };
        if from == to {
            return Err(refusal::namespace_same(from));
        }
        if !holds(from)? {
            return Err(refusal::namespace_missing(from));
        }
        if holds(to)? {
            return Err(refusal::namespace_exists(to));
        }
        rename_rows(connection, from, to)
    })
}

fn rename_rows(connection: &mut Connection, from: &Namespace, to: &Namespace) -> Result<u64> {
    let (old, new) = (Value::Text(from.as_str()), Value::Text(to.as_str()));
    let mut capture = Capture::begin(connection)?;
    capture.record_all(connection, |sql| {
        sql.push("namespace, id, 'd' FROM polymnia_memories WHERE namespace = ").bind(old);
    })?;
    let can_derive = derive(connection, from, to)?;
    let renamed = connection.execute(fixed::<Rename, 3>([new, Value::Integer(i64::MIN), old]))?;
    if can_derive {
        connection.execute(fixed::<Level, 1>([new]))?;
    }
    capture.record_all(connection, |sql| {
        sql.push("namespace, id, 'w' FROM polymnia_memories WHERE namespace = ").bind(new);
    })?;
    Ok(renamed as u64)
}

/// Derives from all level rows of `from` as those of `to`. Returns whether that is possible.
fn derive(connection: &mut Connection, from: &Namespace, to: &Namespace) -> Result<bool> {
    let mut deriver = Deriver::begin(connection, NewRows::Leave)?;
    deriver.enter(from);
    let Some(renamed) = deriver.renamed(to) else { return Ok(false) };
    let (mut after, mut rows) = (Vec::new(), Vec::new());
    loop {
        connection.visit::<Part>(&[Value::Text(from.as_str()), Value::Blob(&after.clone())], |row| {
            after.clear();
            after.extend_from_slice(row.bytes(0));
            rows.push(Row { rid: row.integer(1), created_at: row.integer(2), is_level: true });
            ControlFlow::Continue(())
        })?;
        if rows.is_empty() {
            deriver.flush(connection)?;
            return Ok(true);
        }
        for row in rows.drain(..) {
            deriver.rename(connection, row, &renamed)?;
        }
    }
}
