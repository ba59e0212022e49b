//! What a build may do with a database that is newer than it.

use std::collections::BTreeSet;

use crate::schema::history::History;
use crate::schema::{Compatibility, SchemaFault};
use crate::{Call, Error, ErrorKind, MemoryStore, Result};

/// Returns what this build may do with the database; none if it has no schema yet.
pub(crate) fn schema_access(store: &MemoryStore, call: &Call) -> Result<Option<Compatibility>> {
    let engine = store.engine().schema();
    let ledger = match engine.ledger(call) {
        // A dialect that keeps no ledger has nothing to be newer by.
        Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(Some(Compatibility::Full)),
        // A role with rights on the memories alone works with what its administrator has set up.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            log::warn!("can't read the ledger of migrations, and so not whether the schema is newer: {error}");
            return Ok(Some(Compatibility::Full));
        }
        ledger => ledger?,
    };
    if ledger.diesel.as_ref().is_none_or(BTreeSet::is_empty) {
        return Ok(None);
    }
    let schema = store.schema();
    let access = History::new(schema.sources(), &ledger).access();
    if access != Compatibility::Full {
        log::warn!("the schema is newer than this build, which may do with it: {}", access.code());
    }
    Ok(Some(access))
}

/// Returns the error for what this build may not do with a newer database.
#[cold]
pub(crate) fn newer(access: Compatibility) -> Error {
    let message = match access {
        Compatibility::None => "the schema is newer than this build, which may not use it",
        Compatibility::ReadOnly | Compatibility::Full => "the schema is newer than this build, which may only read it",
    };
    SchemaFault::Newer
        .error(message)
        .with_hint("use a newer build; `polymnia migrate status` tells which versions it has")
}
