//! The naive engine: maps and loops, nothing that could be clever.
//!
//! It keeps every rule of the contracts in the plainest words there are for it, and so it is what answers of a database are
//! compared with. It shares no code with a dialect.

mod admin;
mod apply;
mod derived;
mod schema;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use polymnia::spi::{AdminEngine, Engine, Rows, SchemaEngine, refusal};
use polymnia::{
    ApplyReport, Call, Capability, ChangeOperation, ChangeRecord, Explanation, Group, IndexDeclaration, Memory,
    MemoryId, Mutation, Namespace, NamespaceStats, OpenOptions, PositionKey, Query, Result, Selection, Support,
    Timestamp,
};

use crate::fixture::Fixture;
use crate::suite::Need;

/// Is an engine that keeps memories in a map. Clones share the map.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    state: Arc<Mutex<State>>,
    statement_timeout: Option<Duration>,
    lacks: Vec<Need>,
}

#[derive(Clone, Debug, Default)]
struct State {
    schema: schema::Records,
    /// Whether a session of migrating is open.
    migrating: bool,
    memories: BTreeMap<(Namespace, MemoryId), Memory>,
    capture: bool,
    changes: Vec<ChangeRecord>,
    sequence: i64,
    indexes: Vec<IndexDeclaration>,
}

impl Oracle {
    /// Returns an oracle that claims not to have that, and refuses it.
    #[must_use]
    pub fn without(mut self, need: Need) -> Self {
        self.lacks.push(need);
        self
    }

    /// Returns every memory of the namespace, expired ones included, in the order of their ids.
    pub fn memories(&self, namespace: &Namespace) -> Vec<Memory> {
        self.lock().of(namespace).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the call with the statement timeout as its deadline, unless it has an earlier one.
    fn limited(&self, call: &Call) -> Call {
        if self.has(Need::Interruption).is_err() {
            return Call::at(call.now);
        }
        let timeout = self.statement_timeout.map(|timeout| Instant::now() + timeout);
        Call { deadline: call.deadline.into_iter().chain(timeout).min(), ..call.clone() }
    }

    /// Refuses what it claims not to have.
    fn has(&self, need: Need) -> Result<()> {
        if self.lacks.contains(&need) { Err(refusal::unsupported("oracle", need.as_str())) } else { Ok(()) }
    }

    /// Returns the state for an operation that selects and needs a schema.
    fn ready_to_select(&self, call: &Call, selection: &Selection) -> Result<MutexGuard<'_, State>> {
        Need::of(selection).into_iter().try_for_each(|need| self.has(need))?;
        self.ready(call)
    }

    /// Returns the state for an operation that needs a schema.
    fn ready(&self, call: &Call) -> Result<MutexGuard<'_, State>> {
        call.check()?;
        let state = self.lock();
        if state.is_migrated() {
            return Ok(state);
        }
        Err(refusal::no_schema())
    }
}

impl State {
    fn is_migrated(&self) -> bool {
        self.schema.ledger.diesel.as_ref().is_some_and(|rows| rows.contains(schema::VERSION))
    }

    fn of(&self, namespace: &Namespace) -> impl Iterator<Item = &Memory> {
        self.memories.iter().filter(move |((of, _), _)| of == namespace).map(|(_, memory)| memory)
    }

    /// Returns the memory, unless it has expired.
    fn live(&self, namespace: &Namespace, id: MemoryId, now: Timestamp) -> Option<&Memory> {
        self.memories.get(&(namespace.clone(), id)).filter(|memory| is_live(memory, now))
    }

    fn selected(&self, call: &Call, namespace: &Namespace, selection: &Selection) -> Result<Vec<Memory>> {
        let mut selected = Vec::new();
        for memory in self.of(namespace) {
            call.check()?;
            if selection.matches(memory, call.now) {
                selected.push(memory.clone());
            }
        }
        Ok(selected)
    }

    /// Records the changes of one transaction.
    fn record(&mut self, changes: impl IntoIterator<Item = (Namespace, MemoryId, ChangeOperation)>) {
        if !self.capture {
            return;
        }
        let transaction = self.sequence + 1;
        for (namespace, id, operation) in changes {
            self.sequence += 1;
            let sequence = self.sequence;
            self.changes.push(ChangeRecord { sequence, transaction, namespace, id, operation });
        }
    }
}

impl Engine for Oracle {
    fn capability(&self) -> Capability {
        let unless_lacked = |need, support| if self.lacks.contains(&need) { Support::None } else { support };
        let mut capability = Capability::none();
        capability.containment = unless_lacked(Need::Containment, Support::Native);
        capability.filters = unless_lacked(Need::Filters, Support::Native);
        // Nothing to gain by either, but they are there.
        capability.declared_indexes = unless_lacked(Need::DeclaredIndexes, Support::Emulated);
        capability.bulk_load = unless_lacked(Need::BulkLoad, Support::Emulated);
        capability.related_threads = unless_lacked(Need::RelatedThreads, Support::Native);
        capability.change_capture = unless_lacked(Need::ChangeCapture, Support::Native);
        capability.interruption = unless_lacked(Need::Interruption, Support::Native);
        capability
    }

    fn get(&self, call: &Call, namespace: &Namespace, ids: &[MemoryId]) -> Result<Vec<Option<Memory>>> {
        let state = self.ready(call)?;
        Ok(ids.iter().map(|id| state.live(namespace, *id, call.now).cloned()).collect())
    }

    fn query(&self, call: &Call, namespace: &Namespace, query: &Query) -> Result<Rows> {
        let selection = &query.selection;
        let mut selected =
            self.ready_to_select(call, selection)?.selected(&self.limited(call), namespace, selection)?;
        selected.sort_by(|left, right| query.order.compare(left, right));
        if let Some(cursor) = &query.cursor {
            let position = cursor.position(query.order)?;
            selected.retain(|memory| query.order.compare(&at(memory, position.key, position.id), memory).is_lt());
        }
        let mut page: Vec<Memory> = Vec::new();
        let mut bytes = 0;
        for memory in &selected {
            if page.len() >= query.limit() as usize || bytes > Rows::MAX_BYTES {
                return Ok(Rows { memories: page, more: true });
            }
            bytes += memory.content.as_str().len() + memory.metadata.as_str().len();
            page.push(memory.clone());
        }
        Ok(Rows { memories: page, more: false })
    }

    fn count(&self, call: &Call, namespace: &Namespace, selection: &Selection) -> Result<u64> {
        let state = self.ready_to_select(call, selection)?;
        Ok(state.selected(&self.limited(call), namespace, selection)?.len() as u64)
    }

    fn apply(&self, call: &Call, namespace: &Namespace, batch: &[Mutation]) -> Result<ApplyReport> {
        let mut state = self.ready(call)?;
        let (after, report) = apply::apply(&state, call.now, namespace, batch)?;
        *state = after;
        Ok(report)
    }

    fn load(&self, call: &Call, namespace: &Namespace, batch: &[Mutation]) -> Result<ApplyReport> {
        self.has(Need::BulkLoad)?;
        self.apply(call, namespace, batch)
    }

    fn explain(&self, call: &Call, namespace: &Namespace, query: &Query) -> Result<Explanation> {
        let started = Instant::now();
        let candidates = self.ready(call)?.of(namespace).count() as u64;
        let rows = self.query(call, namespace, query)?.memories.len() as u64;
        Ok(derived::explanation(candidates, rows, started.elapsed()))
    }

    fn delete_matching(&self, call: &Call, namespace: &Namespace, selection: &Selection) -> Result<u64> {
        let mut state = self.ready_to_select(call, selection)?;
        let selected = state.selected(&self.limited(call), namespace, selection)?;
        for memory in &selected {
            state.memories.remove(&(namespace.clone(), memory.id));
        }
        state.record(selected.iter().map(|memory| (namespace.clone(), memory.id, ChangeOperation::Delete)));
        Ok(selected.len() as u64)
    }

    fn stats(&self, call: &Call, namespace: &Namespace) -> Result<NamespaceStats> {
        let memories = self.ready(call)?.selected(call, namespace, &Selection::default())?;
        let distinct = |values: Vec<Option<&str>>| values.into_iter().flatten().collect::<BTreeSet<_>>().len() as u64;
        Ok(NamespaceStats {
            memories: memories.len() as u64,
            content_bytes: memories.iter().map(|memory| memory.content.as_str().len() as u64).sum(),
            metadata_bytes: memories.iter().map(|memory| memory.metadata.as_str().len() as u64).sum(),
            oldest: memories.iter().map(|memory| memory.created_at).min(),
            newest: memories.iter().map(|memory| memory.created_at).max(),
            users: distinct(memories.iter().map(|memory| memory.user_id.as_ref().map(AsRef::as_ref)).collect()),
            threads: distinct(memories.iter().map(|memory| memory.thread_id.as_ref().map(AsRef::as_ref)).collect()),
            by_tier: groups(memories.iter().map(|memory| memory.tier.clone()), usize::MAX, None),
            by_user: groups(memories.iter().map(|memory| memory.user_id.clone()), MAX_GROUPS, Some(&None)),
            by_thread: groups(memories.iter().map(|memory| memory.thread_id.clone()), MAX_GROUPS, Some(&None)),
        })
    }

    fn admin(&self) -> &dyn AdminEngine {
        self
    }

    fn schema(&self) -> &dyn SchemaEngine {
        self
    }
}

impl Fixture for Oracle {
    fn fresh() -> Self {
        Self::default()
    }

    fn options(&self) -> OpenOptions {
        OpenOptions::new("oracle:")
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        Ok(Arc::new(Self { statement_timeout: options.statement_timeout, ..self.clone() }))
    }
}

const MAX_GROUPS: usize = NamespaceStats::MAX_GROUPS as usize;

fn is_live(memory: &Memory, now: Timestamp) -> bool {
    memory.expires_at.is_none_or(|at| at > now)
}

/// Returns a memory that stands where the cursor does.
fn at(memory: &Memory, key: PositionKey, id: MemoryId) -> Memory {
    let mut place = Memory { id, ..memory.clone() };
    match key {
        PositionKey::Time(time) => {
            place.created_at = time;
            place.updated_at = time;
        }
        PositionKey::Importance(importance) => place.importance = importance,
        _ => unreachable!("the oracle knows every key"),
    }
    place
}

/// Counts equal values: most first, then in their order, the `last` of them after the others of its number.
fn groups<T: Ord>(values: impl Iterator<Item = T>, limit: usize, last: Option<&T>) -> Vec<Group<T>> {
    let mut counts: BTreeMap<T, u64> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut groups: Vec<_> = counts.into_iter().map(|(value, memories)| Group { value, memories }).collect();
    groups.sort_by_key(|group| (Reverse(group.memories), Some(&group.value) == last));
    groups.truncate(limit);
    groups
}
