//! The operations of one tenant.

use std::fmt::Debug;

use super::{AdminEngine, SchemaEngine};
use crate::{
    ApplyReport, Call, Capability, Explanation, Memory, MemoryId, Mutation, Namespace, NamespaceStats, Query, Result,
    Selection,
};

/// Does whole operations on one database, for one namespace at a time.
pub trait Engine: Send + Sync + Debug + 'static {
    /// Returns what the engine can do.
    fn capability(&self) -> Capability;

    /// Reads memories by id.
    ///
    /// Returns one entry for each of `ids`, in their order, `None` where there is no such memory. The same id may be asked
    /// for twice. All entries are of one moment.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn get(&self, call: &Call, namespace: &Namespace, ids: &[MemoryId]) -> Result<Vec<Option<Memory>>>;

    /// Reads a part of the selected memories, in the query's order, beginning after its cursor.
    ///
    /// Returns as many as the query's limit allows and there are, except that it ends early, but with one memory at least,
    /// once the page holds more than [`Rows::MAX_BYTES`] of content and metadata. `more` says whether there are further
    /// ones.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) naming the filter it can't honour.
    fn query(&self, call: &Call, namespace: &Namespace, query: &Query) -> Result<Rows>;

    /// Counts the selected memories.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    fn count(&self, call: &Call, namespace: &Namespace, selection: &Selection) -> Result<u64>;

    /// Applies the batch as if one mutation after the other, the same id twice included; all of it or nothing.
    ///
    /// Requires at most 10,000 mutations and 64 MiB. The revision of a new memory is 1, and each write over an existing
    /// one adds 1; `updated_at` becomes the later of `call.now` and what it was. A put without `created_at` takes
    /// `call.now`, and keeps that of an existing memory. A restore takes times and revision as they are, and over an
    /// expired row counts as new. A delete removes an expired row, too, records that, and reports the memory missing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if an expectation is not met, a put gives another `created_at`
    /// than the existing memory has, or a restore with [`OnConflict::Fail`](crate::OnConflict::Fail) meets a memory;
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if an update finds no memory. Each names the id, and in a batch
    /// of several its place (context `mutation`, from 0); among several faults the first in the batch is reported.
    fn apply(&self, call: &Call, namespace: &Namespace, batch: &[Mutation]) -> Result<ApplyReport>;

    /// Applies a batch as [`apply`](Self::apply) does, but may leave what is derived from its memories to
    /// [`AdminEngine::optimize`]. Until then they are found all the same, more slowly. For bulk loads.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    fn load(&self, call: &Call, namespace: &Namespace, batch: &[Mutation]) -> Result<ApplyReport>;

    /// Runs a query as [`query`](Self::query) does and tells how it was answered.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    fn explain(&self, call: &Call, namespace: &Namespace, query: &Query) -> Result<Explanation>;

    /// Removes the selected memories, in one transaction, and returns how many there were.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    fn delete_matching(&self, call: &Call, namespace: &Namespace, selection: &Selection) -> Result<u64>;

    /// Counts what the namespace holds.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn stats(&self, call: &Call, namespace: &Namespace) -> Result<NamespaceStats>;

    /// Returns the operations across namespaces.
    fn admin(&self) -> &dyn AdminEngine;

    /// Returns the operations on the schema.
    fn schema(&self) -> &dyn SchemaEngine;
}

/// Is the answer to a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// The memories, in the query's order.
    pub memories: Vec<Memory>,
    /// Whether there are further ones.
    pub more: bool,
}

impl Rows {
    /// A page ends once its content and metadata exceed this: 16 MiB.
    pub const MAX_BYTES: usize = 16 << 20;
}
