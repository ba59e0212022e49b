//! The errors that the contracts name, in the same words on every dialect.
//!
//! An application that moves from one database to another reads the same message for the same mistake. A dialect adds
//! context, never words of its own, where one of these fits.

use crate::{Error, ErrorKind, IndexDeclaration, IndexName, MemoryId, Namespace, Revision, Timestamp};

/// Returns the error for an update of a memory that isn't there.
#[cold]
pub fn missing(id: MemoryId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no memory {id}"))
}

/// Returns the error for [`Expect::Revision`](crate::Expect::Revision) where there is no memory.
#[cold]
pub fn missing_at(id: MemoryId, expected: Revision) -> Error {
    Error::new(ErrorKind::Conflict, format!("there is no memory {id}: expected revision {expected}"))
}

/// Returns the error for [`Expect::Revision`](crate::Expect::Revision) where the memory has another one.
#[cold]
pub fn other_revision(id: MemoryId, stored: Revision, expected: Revision) -> Error {
    Error::new(ErrorKind::Conflict, format!("memory {id} is at revision {stored}: expected {expected}"))
}

/// Returns the error for [`Expect::Absent`](crate::Expect::Absent), or for a restore that is to fail, where there is a
/// memory.
#[cold]
pub fn exists(id: MemoryId) -> Error {
    Error::new(ErrorKind::Conflict, format!("memory {id} exists: expected none"))
}

/// Returns the error for a put whose `created_at` is not that of the stored memory.
#[cold]
pub fn other_created_at(id: MemoryId, stored: Timestamp, given: Timestamp) -> Error {
    let message = format!("memory {id} was created at {stored}: expected the same time or none, not {given}");
    Error::new(ErrorKind::Conflict, message)
}

/// Returns the error for a write over a memory whose revision can't be counted up.
#[cold]
pub fn last_revision(id: MemoryId) -> Error {
    let message = format!("memory {id} is at revision {}, the last there is: it can't be written any more", i64::MAX);
    Error::new(ErrorKind::Conflict, message)
}

/// Returns the error for renaming a namespace that holds nothing.
#[cold]
pub fn namespace_missing(from: &Namespace) -> Error {
    Error::new(ErrorKind::NotFound, format!("namespace {from:?} holds no memory"))
}

/// Returns the error for renaming onto a namespace that holds something.
#[cold]
pub fn namespace_exists(to: &Namespace) -> Error {
    let message = format!("namespace {to:?} holds memories: expected a name that holds nothing");
    Error::new(ErrorKind::Conflict, message)
}

/// Returns the error for renaming a namespace to its own name.
#[cold]
pub fn namespace_same(name: &Namespace) -> Error {
    Error::new(ErrorKind::Conflict, format!("namespace {name:?} has that name already: expected another"))
}

/// Returns the error for declaring an index under the name of another.
#[cold]
pub fn index_name_taken(name: &IndexName) -> Error {
    let message = format!("index {name} is declared on another path or type: expected another name");
    Error::new(ErrorKind::Conflict, message)
}

/// Returns the error for declaring an index twice, under two names.
#[cold]
pub fn index_exists(name: &IndexName) -> Error {
    let message = format!("index {name} is declared on this path and type already: expected that name");
    Error::new(ErrorKind::Conflict, message)
}

/// Returns the error for one declared index too many.
#[cold]
pub fn too_many_indexes() -> Error {
    Error::invalid_input(format!("{} indexes are declared already, the most there may be", IndexDeclaration::MAX))
}

/// Returns the error for a kind of filter, order or mutation that a dialect doesn't know.
#[cold]
pub fn unknown(dialect: &str, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the dialect {dialect} doesn't know this kind of {what}"))
}

/// Returns the error for what a dialect does not have at all, as its [`Capability`](crate::Capability) says: `"change
/// capture"`.
#[cold]
pub fn unsupported(dialect: &str, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the dialect {dialect} has no {what}"))
}

/// Returns the error for a database without our schema.
#[cold]
pub fn no_schema() -> Error {
    Error::new(ErrorKind::Migration, "the schema is not initialised").with_hint(INIT)
}

/// Returns the error for a database whose schema lacks what this build needs.
#[cold]
pub fn schema_behind() -> Error {
    Error::new(ErrorKind::Migration, "the schema is behind this build").with_hint(INIT)
}

const INIT: &str = "run `polymnia init`";
