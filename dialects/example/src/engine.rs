//! What one tenant asks for.

use std::sync::{Arc, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use polymnia::spi::{AdminEngine, Engine, Rows, SchemaEngine, refusal};
use polymnia::{
    Access, ApplyReport, Call, Capability, Explanation, Memory, MemoryId, Mutation, Namespace, NamespaceStats, Query,
    Result, Selection, Support,
};

use crate::NAME;
use crate::database::{Database, State};
use crate::read::{is_live, page, select};
use crate::stats::stats;
use crate::write::apply;

/// Works on one database.
#[derive(Clone, Debug)]
pub(crate) struct MemoryEngine {
    pub(crate) database: Arc<Database>,
    statement_timeout: Duration,
}

impl MemoryEngine {
    pub(crate) fn new(database: Arc<Database>, statement_timeout: Duration) -> Self {
        Self { database, statement_timeout }
    }

    /// Returns an engine like this on another database.
    pub(crate) fn on(&self, database: Arc<Database>) -> Self {
        Self { database, statement_timeout: self.statement_timeout }
    }

    /// Returns the state for an operation that reads memories.
    pub(crate) fn reading(&self, call: &Call) -> Result<RwLockReadGuard<'_, State>> {
        call.check()?;
        let state = self.database.read();
        state.check()?;
        Ok(state)
    }

    /// Returns the state for an operation that writes memories.
    pub(crate) fn writing(&self, call: &Call) -> Result<RwLockWriteGuard<'_, State>> {
        call.check()?;
        let state = self.database.write();
        state.check()?;
        Ok(state)
    }

    /// Returns the call with the statement timeout for its deadline, unless it has an earlier one.
    fn limited(&self, call: &Call) -> Call {
        let timeout = Instant::now().checked_add(self.statement_timeout);
        Call { deadline: call.deadline.into_iter().chain(timeout).min(), ..call.clone() }
    }
}

impl Engine for MemoryEngine {
    fn capability(&self) -> Capability {
        let mut capability = Capability::none();
        // By code of the library, for every memory of the namespace: emulated, and no index behind it.
        capability.containment = Support::Emulated;
        capability.filters = Support::Emulated;
        capability.related_threads = Support::Emulated;
        // Between two memories.
        capability.interruption = Support::Emulated;
        capability
    }

    fn get(&self, call: &Call, namespace: &Namespace, ids: &[MemoryId]) -> Result<Vec<Option<Memory>>> {
        let state = self.reading(call)?;
        let find = |id| state.of(namespace).get(id).filter(|memory| is_live(memory, call.now));
        Ok(ids.iter().map(|id| find(id).cloned()).collect())
    }

    fn query(&self, call: &Call, namespace: &Namespace, query: &Query) -> Result<Rows> {
        let state = self.reading(call)?;
        page(select(&self.limited(call), state.of(namespace), &query.selection)?, query)
    }

    fn count(&self, call: &Call, namespace: &Namespace, selection: &Selection) -> Result<u64> {
        let state = self.reading(call)?;
        Ok(select(&self.limited(call), state.of(namespace), selection)?.len() as u64)
    }

    fn apply(&self, call: &Call, namespace: &Namespace, batch: &[Mutation]) -> Result<ApplyReport> {
        self.writing(call)?.change(namespace, |memories| apply(memories, call.now, batch))
    }

    fn load(&self, call: &Call, _namespace: &Namespace, _batch: &[Mutation]) -> Result<ApplyReport> {
        call.check()?;
        Err(refusal::unsupported(NAME, "bulk load"))
    }

    fn explain(&self, call: &Call, namespace: &Namespace, query: &Query) -> Result<Explanation> {
        let started = Instant::now();
        let state = self.reading(call)?;
        let candidates = state.of(namespace).len() as u64;
        let rows = page(select(&self.limited(call), state.of(namespace), &query.selection)?, query)?;
        Ok(Explanation {
            dialect: NAME.to_owned(),
            access: Access::Scan,
            index: None,
            streamed: false,
            estimated_candidates: None,
            candidates,
            rechecks: candidates,
            rows: rows.memories.len() as u64,
            elapsed: started.elapsed(),
            emulated: vec!["every condition by the library".to_owned()],
            statements: Vec::new(),
            details: Vec::new(),
        })
    }

    fn delete_matching(&self, call: &Call, namespace: &Namespace, selection: &Selection) -> Result<u64> {
        let mut state = self.writing(call)?;
        let selected = select(&self.limited(call), state.of(namespace), selection)?;
        let ids: Vec<MemoryId> = selected.into_iter().map(|memory| memory.id).collect();
        state.change(namespace, |memories| ids.iter().for_each(|id| drop(memories.remove(id))));
        Ok(ids.len() as u64)
    }

    fn stats(&self, call: &Call, namespace: &Namespace) -> Result<NamespaceStats> {
        let state = self.reading(call)?;
        Ok(stats(&select(&self.limited(call), state.of(namespace), &Selection::default())?))
    }

    fn admin(&self) -> &dyn AdminEngine {
        self
    }

    fn schema(&self) -> &dyn SchemaEngine {
        self
    }
}
