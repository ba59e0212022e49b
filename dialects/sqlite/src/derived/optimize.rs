//! Upkeep of what is derived.

use polymnia::{OptimizeReport, Result, Upkeep};

use super::drain::drain;
use super::hasher;
use super::mend::mend;
use crate::LOG;
use crate::connection::Connection;
use crate::row::Integers;
use crate::statement::{Sql, fixed, statements};

statements! {


    AnyNotLevel =
        "SELECT EXISTS (SELECT 1 FROM polymnia_memories INDEXED BY polymnia_memories_unlevel ",
        "WHERE indexed_revision <> revision)";
}

/// Ours only: the file may hold tables of the application. Of the larger indexes a sample is enough.
const ANALYZE: &str = "PRAGMA analysis_limit = 1000; ANALYZE polymnia_memories; ANALYZE polymnia_changes; \
                       ANALYZE polymnia_postings; ANALYZE polymnia_shapes; ANALYZE polymnia_index_entries; \
                       PRAGMA analysis_limit = 0";

/// The page cache during upkeep, in KiB, and the pages of log after which it is written to the file.
const CACHE_KIB: i64 = 32 << 10;
const CHECKPOINT_PAGES: i64 = 32 << 10;

/// Does upkeep. It may be interrupted anywhere and begun again.
pub(crate) fn optimize(connection: &mut Connection, upkeep: Upkeep) -> Result<OptimizeReport> {
    let mut report = OptimizeReport::default();
    if hasher::read(connection)?.is_none() {
        connection.write(super::rebuild::begin)?;
    }
    if any_not_level(connection)? {
        report.indexed += with_room(connection, drain)?;
    }
    if upkeep == Upkeep::Full {
        report.removed += with_room(connection, mend)?;
        connection.batch(ANALYZE)?;
        checkpoint(connection);
    }
    Ok(report)
}

/// Writes the log to the file, as far as nobody is reading it.
fn checkpoint(connection: &mut Connection) {
    if let Err(error) = connection.batch("PRAGMA wal_checkpoint(TRUNCATE)") {
        log::debug!(target: LOG, "the log was not written to the file: {error}");
    }
}

fn any_not_level(connection: &mut Connection) -> Result<bool> {
    let any: Option<Integers<1>> = connection.one(fixed::<AnyNotLevel, 0>([]))?;
    Ok(any.is_some_and(|any| any.0 == [1]))
}

/// Does work on large parts of the database with more room than a connection has as a rule.
fn with_room<T>(connection: &mut Connection, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
    let mut setting = |sql| -> Result<i64> {
        let value: Option<Integers<1>> = connection.one(Sql::new(sql))?;
        Ok(value.map_or(0, |value| value.0[0]))
    };
    let (cache, checkpoint) = (setting("PRAGMA cache_size")?, setting("PRAGMA wal_autocheckpoint")?);
    set_room(connection, -CACHE_KIB, CHECKPOINT_PAGES)?;
    let result = work(connection);
    let restored = set_room(connection, cache, checkpoint);
    let result = result?;
    restored?;
    Ok(result)
}

fn set_room(connection: &mut Connection, cache: i64, checkpoint: i64) -> Result<()> {
    connection.batch(&format!("PRAGMA cache_size = {cache}; PRAGMA wal_autocheckpoint = {checkpoint}"))
}
