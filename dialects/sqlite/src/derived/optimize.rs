//! Upkeep of what is derived.

use polymnia::{OptimizeReport, Result, Upkeep};

use super::drain::drain;
use super::hasher;
use super::mend::mend;
use super::{rebuild, room};
use crate::LOG;
use crate::connection::Connection;
use crate::row::Integers;
use crate::statement::{fixed, statements};

statements! {


    AnyNotLevel =
        "SELECT EXISTS (SELECT 1 FROM polymnia_memories INDEXED BY polymnia_memories_unlevel ",
        "WHERE indexed_revision <> revision)";
}

/// Ours only: the file may hold tables of the application. Of the larger indexes a sample is enough.
const ANALYZE: &str = "PRAGMA analysis_limit = 1000; ANALYZE polymnia_memories; ANALYZE polymnia_changes; \
                       ANALYZE polymnia_postings; ANALYZE polymnia_shapes; ANALYZE polymnia_index_entries; \
                       PRAGMA analysis_limit = 0";

/// Does upkeep. It may be interrupted anywhere and begun again.
pub(crate) fn optimize(connection: &mut Connection, upkeep: Upkeep) -> Result<OptimizeReport> {
    let report = room::take(connection).and_then(|()| with_room(connection, upkeep));
    let given_back = room::give_back(connection);
    let report = report?;
    given_back.map(|()| report)
}

fn with_room(connection: &mut Connection, upkeep: Upkeep) -> Result<OptimizeReport> {
    let mut report = OptimizeReport::default();
    if hasher::read(connection)?.is_none() {
        connection.write(rebuild::begin)?;
    }
    if any_not_level(connection)? {
        report.indexed += drain(connection)?;
    }
    if upkeep == Upkeep::Full {
        report.removed += mend(connection)?;
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
