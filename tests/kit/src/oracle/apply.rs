//! Batches, one mutation after the other on a copy of everything.

use polymnia::spi::refusal;
use polymnia::{
    ApplyReport, Change, ChangeOperation, Effect, Expect, Memory, MemoryId, Mutation, Namespace, NewMemory, OnConflict,
    Outcome, Patch, Result, Revision, Timestamp,
};

use super::State;

/// Returns the state after the batch.
pub(super) fn apply(
    before: &State,
    now: Timestamp,
    namespace: &Namespace,
    batch: &[Mutation],
) -> Result<(State, ApplyReport)> {
    let mut state = before.clone();
    let mut report = ApplyReport::default();
    let mut changes = Vec::new();
    for (index, mutation) in batch.iter().enumerate() {
        let row = state.memories.contains_key(&(namespace.clone(), mutation.id()));
        let outcome = one(&mut state, now, namespace, mutation)
            .map_err(|error| if batch.len() > 1 { error.with_context("mutation", index) } else { error })?;
        match outcome.effect {
            Effect::Created | Effect::Updated => changes.push((outcome.id, ChangeOperation::Write)),
            Effect::Deleted => changes.push((outcome.id, ChangeOperation::Delete)),
            // It had expired, and those who follow carry expired rows, too.
            Effect::Missing if row => changes.push((outcome.id, ChangeOperation::Delete)),
            _ => {}
        }
        report.outcomes.push(outcome);
    }
    state.record(changes.into_iter().map(|(id, operation)| (namespace.clone(), id, operation)));
    Ok((state, report))
}

fn one(state: &mut State, now: Timestamp, namespace: &Namespace, mutation: &Mutation) -> Result<Outcome> {
    let id = mutation.id();
    let found = state.live(namespace, id, now).cloned();
    let written = |memory: &Memory| {
        let effect = if found.is_some() { Effect::Updated } else { Effect::Created };
        Outcome { id, effect, revision: Some(memory.revision) }
    };
    let unwritten = |effect| Outcome { id, effect, revision: None };
    let (memory, outcome) = match mutation {
        Mutation::Put { memory, expect, .. } => {
            check(id, *expect, found.as_ref())?;
            let memory = put(memory, found.as_ref(), id, now)?;
            let outcome = written(&memory);
            (Some(memory), outcome)
        }
        Mutation::Update { patch, expect, .. } => {
            let found = found.as_ref().ok_or_else(|| refusal::missing(id))?;
            check(id, *expect, Some(found))?;
            let memory = update(patch, found, now)?;
            let outcome = written(&memory);
            (Some(memory), outcome)
        }
        Mutation::Delete { expect, .. } => {
            check(id, *expect, found.as_ref())?;
            (None, unwritten(if found.is_some() { Effect::Deleted } else { Effect::Missing }))
        }
        Mutation::Restore { memory, on_conflict } => match (&found, on_conflict) {
            (Some(_), OnConflict::Fail) => return Err(refusal::exists(id)),
            (Some(_), OnConflict::Skip) => return Ok(unwritten(Effect::Skipped)),
            _ => (Some(memory.clone()), written(memory)),
        },
        _ => unreachable!("the oracle knows every mutation"),
    };
    let key = (namespace.clone(), id);
    match memory {
        Some(memory) => state.memories.insert(key, memory),
        None => state.memories.remove(&key),
    };
    Ok(outcome)
}

fn check(id: MemoryId, expect: Expect, found: Option<&Memory>) -> Result<()> {
    match (expect, found) {
        (Expect::Any, _) | (Expect::Absent, None) => Ok(()),
        (Expect::Absent, Some(_)) => Err(refusal::exists(id)),
        (Expect::Revision(revision), None) => Err(refusal::missing_at(id, revision)),
        (Expect::Revision(revision), Some(found)) if found.revision == revision => Ok(()),
        (Expect::Revision(revision), Some(found)) => Err(refusal::other_revision(id, found.revision, revision)),
        _ => unreachable!("the oracle knows every expectation"),
    }
}

fn put(new: &NewMemory, found: Option<&Memory>, id: MemoryId, now: Timestamp) -> Result<Memory> {
    let NewMemory {
        user_id,
        agent_id,
        thread_id,
        tier,
        content,
        metadata,
        importance,
        related_threads,
        created_at,
        expires_at,
    } = new.clone();
    let (revision, created_at, updated_at) = match found {
        None => (Revision::FIRST, created_at.unwrap_or(now), now),
        Some(found) => {
            if let Some(given) = created_at.filter(|given| *given != found.created_at) {
                return Err(refusal::other_created_at(id, found.created_at, given));
            }
            (next(found)?, found.created_at, found.updated_at.max(now))
        }
    };
    Ok(Memory {
        id,
        user_id,
        agent_id,
        thread_id,
        tier,
        content,
        metadata,
        importance,
        related_threads,
        revision,
        created_at,
        updated_at,
        expires_at,
    })
}

fn update(patch: &Patch, found: &Memory, now: Timestamp) -> Result<Memory> {
    let Patch { user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, expires_at } =
        patch.clone();
    let revision = next(found)?;
    let found = found.clone();
    Ok(Memory {
        id: found.id,
        user_id: changed(user_id, found.user_id),
        agent_id: changed(agent_id, found.agent_id),
        thread_id: changed(thread_id, found.thread_id),
        tier: tier.unwrap_or(found.tier),
        content: content.unwrap_or(found.content),
        metadata: metadata.unwrap_or(found.metadata),
        importance: importance.unwrap_or(found.importance),
        related_threads: related_threads.unwrap_or(found.related_threads),
        revision,
        created_at: found.created_at,
        updated_at: found.updated_at.max(now),
        expires_at: changed(expires_at, found.expires_at),
    })
}

fn changed<T>(change: Change<T>, old: Option<T>) -> Option<T> {
    match change {
        Change::Keep => old,
        Change::Set(new) => Some(new),
        Change::Clear => None,
    }
}

fn next(found: &Memory) -> Result<Revision> {
    let next = found.revision.as_i64().checked_add(1).ok_or_else(|| refusal::last_revision(found.id))?;
    Revision::new(next)
}
