//! The operations across tenants, and on the schema.

use std::fmt::Debug;

use crate::{Call, ChangeRecord, DatabaseInfo, MigrateReport, Migration, Namespace, NamespaceSummary, Result};

/// Does what concerns the database as a whole, or several namespaces.
pub trait AdminEngine: Send + Sync + Debug + 'static {
    /// Asks the database for the simplest of answers.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn ping(&self, call: &Call) -> Result<()>;

    /// Describes the database. Changes nothing, and works without a schema.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn info(&self, call: &Call) -> Result<DatabaseInfo>;

    /// Lists namespaces that hold a memory, expired ones included, in the order of their bytes, after `after`, at most
    /// `limit`.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn namespaces(&self, call: &Call, after: Option<&Namespace>, limit: u32) -> Result<Vec<NamespaceSummary>>;

    /// Moves everything of `from` to `to`, which must hold nothing, in one transaction, and returns the number of
    /// memories. Revisions and times stay.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if `from` holds nothing,
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if `to` holds a memory, expired or not, or is `from`.
    fn rename_namespace(&self, call: &Call, from: &Namespace, to: &Namespace) -> Result<u64>;

    /// Removes everything of a namespace, in one transaction, and returns the number of memories, expired ones included.
    ///
    /// # Errors
    ///
    /// None of its own: a namespace that holds nothing gives 0.
    fn delete_namespace(&self, call: &Call, namespace: &Namespace) -> Result<u64>;

    /// Removes up to `limit` expired memories of any namespace and returns how many there were.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn sweep(&self, call: &Call, limit: u32) -> Result<u64>;

    /// Refreshes the statistics that the database plans by.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn analyze(&self, call: &Call) -> Result<()>;

    /// Switches the recording of changes, those of the operations here included: a rename removes what it writes under the
    /// new name. It holds for every transaction that begins after the call returned, of any
    /// process.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn set_change_capture(&self, call: &Call, on: bool) -> Result<()>;

    /// Reads recorded changes after a sequence number, in order, at most `limit`.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn changes(&self, call: &Call, after: i64, limit: u32) -> Result<Vec<ChangeRecord>>;
}

/// Does what concerns the schema.
pub trait SchemaEngine: Send + Sync + Debug + 'static {
    /// Lists the migrations that this build knows and those that the database has, in order. Changes nothing.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn migrations(&self, call: &Call) -> Result<Vec<Migration>>;

    /// Brings the schema to the newest version this build knows. Of several processes at once, one does the work and all
    /// succeed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Migration`](crate::ErrorKind::Migration) naming the version that failed; what came before it stays.
    fn migrate(&self, call: &Call) -> Result<MigrateReport>;
}
