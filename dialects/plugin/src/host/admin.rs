//! A plugin's operations across tenants.

use polymnia::spi::AdminEngine;
use polymnia::{
    Call, ChangeRecord, DatabaseInfo, IndexDeclaration, IndexName, IndexStatus, Namespace, NamespaceSummary,
    OptimizeReport, Result, Upkeep, VerifyReport,
};

use super::engine::PluginEngine;
use crate::operation::{self, Operation};

impl AdminEngine for PluginEngine {
    fn ping(&self, call: &Call) -> Result<()> {
        self.handle.call::<operation::Ping>(call, &())
    }

    fn info(&self, call: &Call) -> Result<DatabaseInfo> {
        self.handle.call::<operation::Info>(call, &())
    }

    fn namespaces(&self, call: &Call, after: Option<&Namespace>, limit: u32) -> Result<Vec<NamespaceSummary>> {
        let found = self.handle.call::<operation::Namespaces>(call, &(after, limit))?;
        // Whoever reads on after the last one must come to an end.
        let ascend = found.is_sorted_by(|left, right| left.namespace < right.namespace);
        let begins = found.first().zip(after).is_none_or(|(first, after)| first.namespace > *after);
        self.check_list::<operation::Namespaces>(found.len(), limit, ascend && begins)?;
        Ok(found)
    }

    fn rename_namespace(&self, call: &Call, from: &Namespace, to: &Namespace) -> Result<u64> {
        self.handle.call::<operation::RenameNamespace>(call, &(from, to))
    }

    fn delete_namespace(&self, call: &Call, namespace: &Namespace) -> Result<u64> {
        self.handle.call::<operation::DeleteNamespace>(call, &(namespace,))
    }

    fn sweep(&self, call: &Call, limit: u32) -> Result<u64> {
        self.handle.call::<operation::Sweep>(call, &(limit,))
    }

    fn analyze(&self, call: &Call) -> Result<()> {
        self.handle.call::<operation::Analyze>(call, &())
    }

    fn optimize(&self, call: &Call, upkeep: Upkeep) -> Result<OptimizeReport> {
        self.handle.call::<operation::Optimize>(call, &(upkeep,))
    }

    fn verify(&self, call: &Call) -> Result<VerifyReport> {
        self.handle.call::<operation::Verify>(call, &())
    }

    fn indexes(&self, call: &Call) -> Result<Vec<IndexStatus>> {
        self.handle.call::<operation::Indexes>(call, &())
    }

    fn create_index(&self, call: &Call, declaration: &IndexDeclaration) -> Result<()> {
        self.handle.call::<operation::CreateIndex>(call, &(declaration,))
    }

    fn drop_index(&self, call: &Call, name: &IndexName) -> Result<bool> {
        self.handle.call::<operation::DropIndex>(call, &(name,))
    }

    fn set_change_capture(&self, call: &Call, on: bool) -> Result<()> {
        self.handle.call::<operation::SetChangeCapture>(call, &(on,))
    }

    fn changes(&self, call: &Call, after: i64, limit: u32) -> Result<Vec<ChangeRecord>> {
        let found = self.handle.call::<operation::Changes>(call, &(after, limit))?;
        let ascend = found.is_sorted_by(|left, right| left.sequence < right.sequence);
        let begins = found.first().is_none_or(|first| first.sequence > after);
        self.check_list::<operation::Changes>(found.len(), limit, ascend && begins)?;
        Ok(found)
    }
}

impl PluginEngine {
    /// Checks a list that was asked for after a place and up to a limit.
    pub(super) fn check_list<O: Operation>(&self, len: usize, limit: u32, in_order: bool) -> Result<()> {
        if u64::try_from(len).is_ok_and(|len| len > u64::from(limit)) {
            return Err(self.handle.nonsense::<O>(format_args!("{len} entries: expected {limit} at most")));
        }
        if in_order { Ok(()) } else { Err(self.handle.nonsense::<O>("entries that are not in order")) }
    }
}
