//! The operations across tenants.

use std::fmt::Debug;

use crate::{
    Call, ChangeRecord, DatabaseInfo, IndexDeclaration, IndexName, IndexStatus, Namespace, NamespaceSummary,
    OptimizeReport, Result, Upkeep, VerifyReport,
};

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

    /// Does upkeep of what is derived from memories. It works in transactions of its own, so that writers get their turn,
    /// and may be interrupted at any point and begun again.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn optimize(&self, call: &Call, upkeep: Upkeep) -> Result<OptimizeReport>;

    /// Compares everything that is derived with the memories it is derived from. Changes nothing.
    ///
    /// # Errors
    ///
    /// None of its own: what is wrong is the answer.
    fn verify(&self, call: &Call) -> Result<VerifyReport>;

    /// Lists the declared indexes by name.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn indexes(&self, call: &Call) -> Result<Vec<IndexStatus>>;

    /// Declares an index and fills it. Nothing happens if the same one is there and ready; one that was not finished is made
    /// anew. Writers are not kept waiting meanwhile, where the database can do that.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if the name belongs to another declaration, or another name to the
    /// same path and type; [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) beyond [`IndexDeclaration::MAX`];
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where there are no declared indexes.
    fn create_index(&self, call: &Call, declaration: &IndexDeclaration) -> Result<()>;

    /// Removes a declared index and returns whether it was there.
    ///
    /// # Errors
    ///
    /// None of its own.
    fn drop_index(&self, call: &Call, name: &IndexName) -> Result<bool>;

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
