//! The operations across namespaces.

use std::collections::BTreeMap;

use polymnia::spi::{AdminEngine, refusal};
use polymnia::{
    Call, ChangeOperation, ChangeRecord, DatabaseInfo, IndexDeclaration, IndexName, IndexStatus, Memory, Namespace,
    NamespaceSummary, OptimizeReport, PoolStatus, Result, Upkeep, VerifyReport,
};

use super::{Oracle, derived, is_live, schema};
use crate::suite::Need;

impl AdminEngine for Oracle {
    fn ping(&self, call: &Call) -> Result<()> {
        call.check()
    }

    fn info(&self, call: &Call) -> Result<DatabaseInfo> {
        call.check()?;
        let state = self.lock();
        Ok(DatabaseInfo {
            dialect: "oracle".to_owned(),
            server_version: "1".to_owned(),
            schema_version: state.is_migrated().then(|| schema::VERSION.to_owned()),
            schema_pending: usize::from(!state.is_migrated()),
            read_only: false,
            bytes: None,
            extensions: Vec::new(),
            unused_indexes: None,
            pool: PoolStatus { connections: 1, idle: 1, max_size: 1 },
            details: Vec::new(),
        })
    }

    fn namespaces(&self, call: &Call, after: Option<&Namespace>, limit: u32) -> Result<Vec<NamespaceSummary>> {
        let state = self.ready(call)?;
        let mut summaries: BTreeMap<&Namespace, NamespaceSummary> = BTreeMap::new();
        for ((namespace, _), memory) in &state.memories {
            let summary = summaries.entry(namespace).or_insert_with(|| NamespaceSummary {
                namespace: namespace.clone(),
                memories: 0,
                oldest: memory.created_at,
                newest: memory.created_at,
            });
            summary.memories += 1;
            summary.oldest = summary.oldest.min(memory.created_at);
            summary.newest = summary.newest.max(memory.created_at);
        }
        let later = summaries.into_values().filter(|summary| after.is_none_or(|after| summary.namespace > *after));
        Ok(later.take(limit as usize).collect())
    }

    fn rename_namespace(&self, call: &Call, from: &Namespace, to: &Namespace) -> Result<u64> {
        let mut state = self.ready(call)?;
        if from == to {
            return Err(refusal::namespace_same(from));
        }
        if state.of(from).next().is_none() {
            return Err(refusal::namespace_missing(from));
        }
        if state.of(to).next().is_some() {
            return Err(refusal::namespace_exists(to));
        }
        let moved: Vec<Memory> = state.of(from).cloned().collect();
        let ids: Vec<_> = moved.iter().map(|memory| memory.id).collect();
        for memory in moved {
            state.memories.remove(&(from.clone(), memory.id));
            state.memories.insert((to.clone(), memory.id), memory);
        }
        let gone = ids.iter().map(|id| (from.clone(), *id, ChangeOperation::Delete));
        state.record(gone.chain(ids.iter().map(|id| (to.clone(), *id, ChangeOperation::Write))));
        Ok(ids.len() as u64)
    }

    fn delete_namespace(&self, call: &Call, namespace: &Namespace) -> Result<u64> {
        let mut state = self.ready(call)?;
        let ids: Vec<_> = state.of(namespace).map(|memory| memory.id).collect();
        for id in &ids {
            state.memories.remove(&(namespace.clone(), *id));
        }
        state.record(ids.iter().map(|id| (namespace.clone(), *id, ChangeOperation::Delete)));
        Ok(ids.len() as u64)
    }

    fn sweep(&self, call: &Call, limit: u32) -> Result<u64> {
        let mut state = self.ready(call)?;
        let expired = state.memories.iter().filter(|(_, memory)| !is_live(memory, call.now));
        let expired: Vec<_> = expired.map(|(key, _)| key.clone()).take(limit as usize).collect();
        for key in &expired {
            state.memories.remove(key);
        }
        let count = expired.len() as u64;
        state.record(expired.into_iter().map(|(namespace, id)| (namespace, id, ChangeOperation::Delete)));
        Ok(count)
    }

    fn analyze(&self, call: &Call) -> Result<()> {
        self.ready(call).map(|_| ())
    }

    fn optimize(&self, call: &Call, _upkeep: Upkeep) -> Result<OptimizeReport> {
        self.ready(call).map(|_| OptimizeReport::default())
    }

    fn verify(&self, call: &Call) -> Result<VerifyReport> {
        let memories = self.ready(call)?.memories.len() as u64;
        Ok(VerifyReport { memories, ..VerifyReport::default() })
    }

    fn indexes(&self, call: &Call) -> Result<Vec<IndexStatus>> {
        Ok(derived::listed(&self.ready(call)?.indexes))
    }

    fn create_index(&self, call: &Call, declaration: &IndexDeclaration) -> Result<()> {
        self.has(Need::DeclaredIndexes)?;
        derived::declare(&mut self.ready(call)?.indexes, declaration)
    }

    fn drop_index(&self, call: &Call, name: &IndexName) -> Result<bool> {
        let indexes = &mut self.ready(call)?.indexes;
        let before = indexes.len();
        indexes.retain(|index| index.name != *name);
        Ok(indexes.len() < before)
    }

    fn set_change_capture(&self, call: &Call, on: bool) -> Result<()> {
        self.has(Need::ChangeCapture)?;
        self.ready(call)?.capture = on;
        Ok(())
    }

    fn changes(&self, call: &Call, after: i64, limit: u32) -> Result<Vec<ChangeRecord>> {
        self.has(Need::ChangeCapture)?;
        let state = self.ready(call)?;
        let later = state.changes.iter().filter(|change| change.sequence > after);
        Ok(later.take(limit as usize).cloned().collect())
    }
}
