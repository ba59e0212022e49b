//! Removing many rows, with what is derived from them.

use std::ops::ControlFlow;

use polymnia::{ChangeOperation, MemoryId, Namespace, Result, Timestamp};

use crate::capture::Capture;
use crate::connection::Connection;
use crate::derived::deriver::{Deriver, NewRows, Row};
use crate::error::damaged_row;
use crate::statement::{Fixed, Value, statements};

statements! {
    Find = "SELECT namespace, id, created_at, indexed_revision = revision FROM polymnia_memories WHERE rid = ?";
    Remove = "DELETE FROM polymnia_memories WHERE rid = ?";
    OfNamespace = "SELECT rid FROM polymnia_memories WHERE namespace = ? LIMIT ?";
    Expired =
        "SELECT rid FROM polymnia_memories WHERE expires_at IS NOT NULL AND expires_at <= ? ",
        "ORDER BY expires_at, rid LIMIT ?";
}

/// Removes rows of any namespace in one transaction, in as many parts as the caller likes.
pub(crate) struct Removal {
    capture: Capture,
    deriver: Deriver,
    namespace: Option<Namespace>,
}

impl Removal {
    /// How many rows make a good part.
    pub(crate) const PART: u16 = 10_000;

    /// Begins. Requires the write lock.
    pub(crate) fn begin(connection: &mut Connection) -> Result<Self> {
        let capture = Capture::begin(connection)?;
        Ok(Self { capture, deriver: Deriver::begin(connection, NewRows::Leave)?, namespace: None })
    }

    /// Removes rows.
    pub(crate) fn remove(&mut self, connection: &mut Connection, rids: &mut [i64]) -> Result<()> {
        // In the order of the table.
        rids.sort_unstable();
        for rid in &*rids {
            self.forget(connection, *rid)?;
        }
        connection.run_each::<Remove, 1>(rids.iter().map(|rid| [Value::Integer(*rid)]))?;
        Ok(())
    }

    /// Ends, before the transaction does.
    pub(crate) fn finish(mut self, connection: &mut Connection) -> Result<()> {
        self.deriver.flush(connection)
    }

    /// Takes away what is derived from a row, and records its end.
    fn forget(&mut self, connection: &mut Connection, rid: i64) -> Result<()> {
        let namespace = &mut self.namespace;
        let mut found = None;
        connection.visit::<Find>(&[Value::Integer(rid)], |row| {
            let name = row.text(0);
            if namespace.as_ref().is_none_or(|namespace| namespace.as_str() != name) {
                *namespace = Some(Namespace::from_stored(name.to_owned()));
            }
            let id = <[u8; 16]>::try_from(row.bytes(1)).ok();
            found = Some((id, Row { rid, created_at: row.integer(2), is_level: row.integer(3) == 1 }));
            ControlFlow::Break(())
        })?;
        let (Some((id, row)), Some(namespace)) = (found, &self.namespace) else { return Ok(()) };
        self.deriver.enter(namespace);
        self.deriver.remove(connection, row)?;
        if self.capture.is_on() {
            let id = id.ok_or_else(|| damaged_row("id", "expected 16 bytes"))?;
            self.capture.record(connection, namespace, MemoryId::from_bytes(id), ChangeOperation::Delete)?;
        }
        Ok(())
    }
}

/// Removes everything of a namespace in one transaction, and returns how many memories there were.
pub(crate) fn delete_namespace(connection: &mut Connection, namespace: &Namespace) -> Result<u64> {
    remove_first::<OfNamespace>(connection, Value::Text(namespace.as_str()), i64::MAX)
}

/// Removes up to `limit` memories that have expired, the first to expire first, and returns how many there were.
pub(crate) fn sweep(connection: &mut Connection, now: Timestamp, limit: u32) -> Result<u64> {
    remove_first::<Expired>(connection, Value::Integer(now.as_micros()), limit.into())
}

/// Removes up to `limit` rows that a query finds. What is removed must be found no more.
fn remove_first<K: Fixed>(connection: &mut Connection, of: Value<'_>, limit: i64) -> Result<u64> {
    connection.write(|connection| {
        let mut removal = Removal::begin(connection)?;
        let mut removed = 0;
        let mut rids = Vec::new();
        while removed < limit {
            let part = i64::from(Removal::PART).min(limit - removed);
            rids.clear();
            connection.visit::<K>(&[of, Value::Integer(part)], |row| {
                rids.push(row.integer(0));
                ControlFlow::Continue(())
            })?;
            removal.remove(connection, &mut rids)?;
            let found = i64::try_from(rids.len()).expect("no more are found than asked for");
            removed += found;
            if found < part {
                break;
            }
        }
        removal.finish(connection)?;
        Ok(removed.unsigned_abs())
    })
}
