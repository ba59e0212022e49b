//! Begins anew with all that is derived.

use polymnia::Result;
use polymnia::filter::TermHasher;

use crate::connection::Connection;
use crate::statement::{Value, fixed, statements};

statements! {
    NoPostings = "DELETE FROM polymnia_postings";
    NoShapes = "DELETE FROM polymnia_shapes";
    NoEntries = "DELETE FROM polymnia_index_entries";
    NotLevel = "UPDATE polymnia_memories SET indexed_revision = 0 WHERE indexed_revision = revision";
    /// A seed that is well formed stays: nothing is gained by another.
    Seed =
        "INSERT INTO polymnia_settings (name, value) VALUES ('term_seed', lower(hex(randomblob(16)))) ",
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value ",
        "WHERE length(value) <> 32 OR value GLOB '*[^0-9a-fA-F]*'";
    Version =
        "INSERT INTO polymnia_settings (name, value) VALUES ('term_version', ?) ",
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value";
}

/// Removes all that is derived, which is of terms that this build does not make, and readies the settings for its own. No row
/// is level afterwards. Requires the write lock.
pub(super) fn begin(connection: &mut Connection) -> Result<()> {
    if super::hasher::read(connection)?.is_some() {
        // Someone else did it meanwhile.
        return Ok(());
    }
    connection.execute(fixed::<NoPostings, 0>([]))?;
    connection.execute(fixed::<NoShapes, 0>([]))?;
    connection.execute(fixed::<NoEntries, 0>([]))?;
    connection.execute(fixed::<NotLevel, 0>([]))?;
    connection.execute(fixed::<Seed, 0>([]))?;
    let version = TermHasher::VERSION.to_string();
    connection.execute(fixed::<Version, 1>([Value::Text(&version)]))?;
    Ok(())
}
