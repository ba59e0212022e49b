//! A plugin's engine as an engine.

use std::sync::Arc;

use polymnia::schema::Source;
use polymnia::spi::{AdminEngine, Claim, Engine, Rows, SchemaEngine};
use polymnia::{
    ApplyReport, Call, Capability, Explanation, Memory, MemoryId, Mutation, Namespace, NamespaceStats, Query, Result,
    Selection,
};

use super::call::Caller;
use super::handle::Handle;
use super::stream;
use crate::message::Opened;
use crate::operation::{self, Operation};

/// Is a database that a plugin has open.
#[derive(Debug)]
pub(crate) struct PluginEngine {
    pub(super) handle: Handle,
    capability: Capability,
    pub(super) source: Source,
}

impl PluginEngine {
    /// Opens a database.
    pub(crate) fn open(caller: Caller, options: &polymnia::OpenOptions, claim: &Arc<Claim>) -> Result<Self> {
        let (number, opened) = caller.open(options)?;
        Ok(Self::new(Handle::new(caller, number, Arc::clone(claim)), opened))
    }

    pub(super) fn new(handle: Handle, opened: Opened) -> Self {
        let Opened { capability, source } = opened;
        Self { handle, capability, source }
    }

    /// Passes a batch on and checks that the report is one of it.
    fn write<O>(&self, call: &Call, arguments: &O::Arguments<'_>, batch: &[Mutation]) -> Result<ApplyReport>
    where
        O: Operation<Reply = ApplyReport>,
    {
        let report = self.handle.call::<O>(call, arguments)?;
        let ApplyReport { outcomes } = &report;
        if outcomes.len() != batch.len() {
            let what = format_args!("{} outcomes of {} mutations", outcomes.len(), batch.len());
            return Err(self.handle.nonsense::<O>(what));
        }
        if outcomes.iter().zip(batch).any(|(outcome, mutation)| outcome.id != mutation.id()) {
            return Err(self.handle.nonsense::<O>("the outcome of another id than the one that was written"));
        }
        Ok(report)
    }
}

impl Engine for PluginEngine {
    fn capability(&self) -> Capability {
        self.capability.clone()
    }

    fn get(&self, call: &Call, namespace: &Namespace, ids: &[MemoryId]) -> Result<Vec<Option<Memory>>> {
        stream::get(&self.handle, call, namespace, ids)
    }

    fn query(&self, call: &Call, namespace: &Namespace, query: &Query) -> Result<Rows> {
        stream::query(&self.handle, call, namespace, query)
    }

    fn count(&self, call: &Call, namespace: &Namespace, selection: &Selection) -> Result<u64> {
        self.handle.call::<operation::Count>(call, &(namespace, selection))
    }

    fn apply(&self, call: &Call, namespace: &Namespace, batch: &[Mutation]) -> Result<ApplyReport> {
        self.write::<operation::Apply>(call, &(namespace, batch), batch)
    }

    fn load(&self, call: &Call, namespace: &Namespace, batch: &[Mutation]) -> Result<ApplyReport> {
        self.write::<operation::Load>(call, &(namespace, batch), batch)
    }

    fn explain(&self, call: &Call, namespace: &Namespace, query: &Query) -> Result<Explanation> {
        self.handle.call::<operation::Explain>(call, &(namespace, query))
    }

    fn delete_matching(&self, call: &Call, namespace: &Namespace, selection: &Selection) -> Result<u64> {
        self.handle.call::<operation::DeleteMatching>(call, &(namespace, selection))
    }

    fn stats(&self, call: &Call, namespace: &Namespace) -> Result<NamespaceStats> {
        self.handle.call::<operation::Stats>(call, &(namespace,))
    }

    fn admin(&self) -> &dyn AdminEngine {
        self
    }

    fn schema(&self) -> &dyn SchemaEngine {
        self
    }
}
