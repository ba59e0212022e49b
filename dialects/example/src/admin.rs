//! What goes across tenants.

use std::ops::Bound;

use polymnia::spi::{AdminEngine, refusal};
use polymnia::{
    Call, ChangeRecord, DatabaseInfo, IndexDeclaration, IndexName, IndexStatus, Memory, Namespace, NamespaceSummary,
    OptimizeReport, PoolStatus, Result, Upkeep, VerifyReport,
};

use crate::NAME;
use crate::database::Memories;
use crate::engine::MemoryEngine;
use crate::read::is_live;
use crate::schema::VERSION;

impl AdminEngine for MemoryEngine {
    fn ping(&self, call: &Call) -> Result<()> {
        call.check()
    }

    fn info(&self, call: &Call) -> Result<DatabaseInfo> {
        call.check()?;
        let is_migrated = self.database.read().is_migrated();
        Ok(DatabaseInfo {
            dialect: NAME.to_owned(),
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
            schema_version: is_migrated.then(|| VERSION.to_owned()),
            schema_pending: usize::from(!is_migrated),
            read_only: false,
            bytes: None,
            extensions: Vec::new(),
            unused_indexes: None,
            pool: PoolStatus { connections: 1, idle: 1, max_size: 1 },
            details: Vec::new(),
        })
    }

    fn namespaces(&self, call: &Call, after: Option<&Namespace>, limit: u32) -> Result<Vec<NamespaceSummary>> {
        let state = self.reading(call)?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let later = state.namespaces.range::<Namespace, _>((from, Bound::Unbounded));
        Ok(later.take(limit as usize).filter_map(|(namespace, memories)| summary(namespace, memories)).collect())
    }

    fn rename_namespace(&self, call: &Call, from: &Namespace, to: &Namespace) -> Result<u64> {
        let mut state = self.writing(call)?;
        if from == to {
            return Err(refusal::namespace_same(from));
        }
        if state.of(from).is_empty() {
            return Err(refusal::namespace_missing(from));
        }
        if !state.of(to).is_empty() {
            return Err(refusal::namespace_exists(to));
        }
        let memories = state.namespaces.remove(from).unwrap_or_default();
        let count = memories.len() as u64;
        state.namespaces.insert(to.clone(), memories);
        Ok(count)
    }

    fn delete_namespace(&self, call: &Call, namespace: &Namespace) -> Result<u64> {
        let removed = self.writing(call)?.namespaces.remove(namespace);
        Ok(removed.map_or(0, |memories| memories.len() as u64))
    }

    fn sweep(&self, call: &Call, limit: u32) -> Result<u64> {
        let mut state = self.writing(call)?;
        let mut swept = 0;
        for memories in state.namespaces.values_mut() {
            memories.retain(|_, memory| {
                let keep = is_live(memory, call.now) || swept >= u64::from(limit);
                swept += u64::from(!keep);
                keep
            });
        }
        state.namespaces.retain(|_, memories| !memories.is_empty());
        Ok(swept)
    }

    fn analyze(&self, call: &Call) -> Result<()> {
        self.reading(call).map(drop)
    }

    fn optimize(&self, call: &Call, _upkeep: Upkeep) -> Result<OptimizeReport> {
        self.reading(call).map(|_| OptimizeReport::default())
    }

    fn verify(&self, call: &Call) -> Result<VerifyReport> {
        let memories = self.reading(call)?.namespaces.values().map(|memories| memories.len() as u64).sum();
        Ok(VerifyReport { memories, ..VerifyReport::default() })
    }

    fn indexes(&self, call: &Call) -> Result<Vec<IndexStatus>> {
        self.reading(call).map(|_| Vec::new())
    }

    fn create_index(&self, call: &Call, _declaration: &IndexDeclaration) -> Result<()> {
        call.check()?;
        Err(refusal::unsupported(NAME, "declared indexes"))
    }

    fn drop_index(&self, call: &Call, _name: &IndexName) -> Result<bool> {
        self.reading(call).map(|_| false)
    }

    fn set_change_capture(&self, call: &Call, _on: bool) -> Result<()> {
        call.check()?;
        Err(refusal::unsupported(NAME, "change capture"))
    }

    fn changes(&self, call: &Call, _after: i64, _limit: u32) -> Result<Vec<ChangeRecord>> {
        call.check()?;
        Err(refusal::unsupported(NAME, "change capture"))
    }
}

fn summary(namespace: &Namespace, memories: &Memories) -> Option<NamespaceSummary> {
    let times = || memories.values().map(|memory: &Memory| memory.created_at);
    Some(NamespaceSummary {
        namespace: namespace.clone(),
        memories: memories.len() as u64,
        oldest: times().min()?,
        newest: times().max()?,
    })
}
