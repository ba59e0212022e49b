//! Room for work on large parts of a database.

use polymnia::Result;

use crate::connection::Connection;
use crate::row::Integers;
use crate::statement::{fixed, statements};

statements! {
    CacheSize = "PRAGMA cache_size";
    AutoCheckpoint = "PRAGMA wal_autocheckpoint";
    MmapSize = "PRAGMA mmap_size";
}

/// Is what a connection has, or had before it was given more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    cache: i64,
    checkpoint: i64,
    mmap: i64,
}

/// The page cache, in KiB: large indexes take writes in all places.
const CACHE_KIB: i64 = 32 << 10;
/// The pages of log after which it is written to the file: 128 MB. A page that is written often is written to the file once.
const CHECKPOINT_PAGES: i64 = 32 << 10;

/// Gives a connection room, unless it has it, until [`give_back`] is called: the work of several calls may be one whole.
pub(crate) fn take(connection: &mut Connection) -> Result<()> {
    if connection.before_room.is_some() {
        return Ok(());
    }
    let cache: Option<Integers<1>> = connection.one(fixed::<CacheSize, 0>([]))?;
    let checkpoint: Option<Integers<1>> = connection.one(fixed::<AutoCheckpoint, 0>([]))?;
    let mmap: Option<Integers<1>> = connection.one(fixed::<MmapSize, 0>([]))?;
    let (Some(cache), Some(checkpoint)) = (cache, checkpoint) else { return Ok(()) };
    // A database in memory has none.
    let mmap = mmap.map_or(0, |mmap| mmap.0[0]);
    // Mapped pages count as the process's memory, and a load goes over all of them.
    set(connection, Before { cache: -CACHE_KIB, checkpoint: CHECKPOINT_PAGES, mmap: 0 })?;
    connection.before_room = Some(Before { cache: cache.0[0], checkpoint: checkpoint.0[0], mmap });
    Ok(())
}

/// Takes back what [`take`] gave.
pub(crate) fn give_back(connection: &mut Connection) -> Result<()> {
    let Some(before) = connection.before_room else { return Ok(()) };
    set(connection, before)?;
    connection.before_room = None;
    Ok(())
}

fn set(connection: &mut Connection, Before { cache, checkpoint, mmap }: Before) -> Result<()> {
    // Pragmas take no bound values; these are numbers of our own or of SQLite's.
    connection.batch(&format!(
        "PRAGMA cache_size = {cache}; PRAGMA wal_autocheckpoint = {checkpoint}; PRAGMA mmap_size = {mmap}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::memory;

    #[test]
    fn what_is_given_is_given_back() {
        let connection = &mut memory();
        let settings = |connection: &mut Connection| {
            let cache: Option<Integers<1>> = connection.one(fixed::<CacheSize, 0>([])).unwrap();
            let checkpoint: Option<Integers<1>> = connection.one(fixed::<AutoCheckpoint, 0>([])).unwrap();
            [cache.unwrap().0[0], checkpoint.unwrap().0[0]]
        };
        let before = settings(connection);
        take(connection).unwrap();
        take(connection).unwrap();
        assert_eq!(settings(connection), [-CACHE_KIB, CHECKPOINT_PAGES]);
        give_back(connection).unwrap();
        give_back(connection).unwrap();
        assert_eq!(settings(connection), before);
    }
}
