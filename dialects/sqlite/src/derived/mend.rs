//! Removes what is derived from no row any more, and adds what is missing.

use polymnia::Result;

use super::audit::{AuditedRow, Auditor, Derived, audit, expected};
use super::declared;
use super::hasher::{self, Hasher};
use super::postings;
use super::shapes::Shapes;
use crate::connection::Connection;
use crate::row::Integers;
use crate::statement::{Value, fixed, statements};

statements! {
    Exists = "SELECT EXISTS (SELECT 1 FROM polymnia_memories WHERE rid = ?)";
    /// The shapes up to a path that no posting has.
    UnusedShapes =
        "DELETE FROM polymnia_shapes WHERE path >= ? AND path <= ? AND NOT EXISTS (SELECT 1 FROM polymnia_postings ",
        "WHERE term = ((shape & 4294967295) + 2147483648) % 4294967296 - 2147483648)";
    PathAfterMany = "SELECT path FROM polymnia_shapes WHERE path >= ? ORDER BY path LIMIT 1 OFFSET 100000";
}

/// Mends all that an audit finds, and returns how much was removed. Each change is made under the write lock, where it is looked
/// at again, in transactions of bounded size.
pub(super) fn mend(connection: &mut Connection) -> Result<u64> {
    let Some(hasher) = hasher::read(connection)?.cloned() else { return Ok(0) };
    let mut mender = Mender { hasher: &hasher, removed: 0 };
    audit(connection, &hasher, &mut mender)?;
    let removed = mender.removed;
    Ok(removed + remove_unused_shapes(connection)?)
}

struct Mender<'a> {
    hasher: &'a Hasher,
    removed: u64,
}

impl Mender<'_> {
    /// Does something under the write lock, if the terms are still the same.
    fn write(
        &mut self,
        connection: &mut Connection,
        work: impl FnOnce(&mut Self, &mut Connection) -> Result<()>,
    ) -> Result<()> {
        connection.write(
            |connection| {
                if hasher::read(connection)? == Some(self.hasher) { work(self, connection) } else { Ok(()) }
            },
        )
    }

    fn remove(&mut self, connection: &mut Connection, derived: &Derived) -> Result<()> {
        self.removed += postings::remove(connection, derived.postings.iter().copied())?;
        self.removed += declared::remove(connection, &derived.entries)?;
        Ok(())
    }
}

impl Auditor for Mender<'_> {
    fn row(&mut self, _row: &AuditedRow<'_>) {}

    fn shape(&mut self, connection: &mut Connection, shape: i64, paths: &[i32]) -> Result<()> {
        self.write(connection, |_, connection| Shapes::mend(connection, shape, paths))
    }

    fn orphans(&mut self, connection: &mut Connection, mut found: Derived) -> Result<()> {
        self.write(connection, |this, connection| {
            let declared = declared::list(connection)?;
            let mut exists = |rid| -> Result<bool> {
                let exists: Option<Integers<1>> = connection.one(fixed::<Exists, 1>([Value::Integer(rid)]))?;
                Ok(exists.is_some_and(|exists| exists.0 == [1]))
            };
            // In the order of rows, so that each is asked for once.
            found.postings.sort_unstable_by_key(|posting| posting.rid);
            let mut last = None;
            let mut gone = Derived::default();
            for posting in found.postings {
                let exists = match last {
                    Some((rid, exists)) if rid == posting.rid => exists,
                    _ => exists(posting.rid)?,
                };
                last = Some((posting.rid, exists));
                if !exists {
                    gone.postings.push(posting);
                }
            }
            for entry in found.entries {
                if !declared.iter().any(|index| index.number == entry.number) || !exists(entry.rid)? {
                    gone.entries.push(entry);
                }
            }
            gone.postings.sort_unstable();
            this.remove(connection, &gone)
        })
    }

    fn odd(&mut self, connection: &mut Connection, rid: i64, mut found: Derived) -> Result<()> {
        self.write(connection, |this, connection| {
            let declared = declared::list(connection)?;
            // What is not level is left: whatever makes it level adds what is missing.
            let Some((_, _, mut expected)) = expected(connection, this.hasher, &declared, rid)? else { return Ok(()) };
            found.postings.retain(|posting| !expected.postings.contains(posting));
            found.entries.retain(|entry| !expected.entries.contains(entry));
            this.remove(connection, &found)?;
            postings::add(connection, expected.postings)?;
            declared::add(connection, &mut expected.entries)
        })
    }

    fn looked_at(&mut self, _count: u64) {}
}

/// Removes shapes that no row has. From the first path on, as [`Shapes`] relies on.
fn remove_unused_shapes(connection: &mut Connection) -> Result<u64> {
    let (mut first, mut removed) = (i64::MIN, 0);
    loop {
        let found: Option<Integers<1>> = connection.one(fixed::<PathAfterMany, 1>([Value::Integer(first)]))?;
        let last = found.map_or(i64::MAX, |found| found.0[0]);
        let bounds = [Value::Integer(first), Value::Integer(last)];
        removed += connection.write(|connection| connection.execute(fixed::<UnusedShapes, 2>(bounds)))? as u64;
        if last == i64::MAX {
            return Ok(removed);
        }
        first = last + 1;
    }
}
