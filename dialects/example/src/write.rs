//! Batches: one mutation after the other, all of it or nothing.

use std::collections::BTreeMap;

use polymnia::spi::refusal;
use polymnia::{
    ApplyReport, Change, Effect, Expect, Memory, MemoryId, Mutation, NewMemory, OnConflict, Outcome, Patch, Result,
    Revision, Timestamp,
};

use crate::NAME;
use crate::database::Memories;
use crate::read::is_live;

/// Is what a batch makes of the memories of a namespace: what is written, and what is removed.
type Changes = BTreeMap<MemoryId, Option<Memory>>;

/// Applies a batch.
///
/// Nothing is changed before every mutation went through, so that one that fails has nothing to take back.
pub(crate) fn apply(memories: &mut Memories, now: Timestamp, batch: &[Mutation]) -> Result<ApplyReport> {
    let mut applying = Applying { before: memories, now, changes: Changes::new() };
    let mut report = ApplyReport::default();
    for (place, mutation) in batch.iter().enumerate() {
        let outcome = applying.one(mutation);
        let outcome =
            if batch.len() > 1 { outcome.map_err(|error| error.with_context("mutation", place)) } else { outcome };
        report.outcomes.push(outcome?);
    }
    for (id, memory) in applying.changes {
        match memory {
            Some(memory) => memories.insert(id, memory),
            None => memories.remove(&id),
        };
    }
    Ok(report)
}

/// Is a batch that is being applied.
struct Applying<'a> {
    before: &'a Memories,
    now: Timestamp,
    changes: Changes,
}

impl Applying<'_> {
    /// Returns the memory as the batch has left it so far, unless it has expired.
    fn find(&self, id: MemoryId) -> Option<&Memory> {
        let memory = match self.changes.get(&id) {
            Some(changed) => changed.as_ref(),
            None => self.before.get(&id),
        };
        memory.filter(|memory| is_live(memory, self.now))
    }

    fn one(&mut self, mutation: &Mutation) -> Result<Outcome> {
        let id = mutation.id();
        let found = self.find(id);
        let written = match mutation {
            Mutation::Put { memory, expect, .. } => {
                check(id, *expect, found)?;
                put(memory, found, id, self.now)?
            }
            Mutation::Update { patch, expect, .. } => {
                let found = found.ok_or_else(|| refusal::missing(id))?;
                check(id, *expect, Some(found))?;
                update(patch, found, self.now)?
            }
            Mutation::Delete { expect, .. } => {
                check(id, *expect, found)?;
                let effect = if found.is_some() { Effect::Deleted } else { Effect::Missing };
                // An expired row is missing, and goes all the same.
                self.changes.insert(id, None);
                return Ok(Outcome { id, effect, revision: None });
            }
            Mutation::Restore { memory, on_conflict } => match (found, on_conflict) {
                (None, _) | (_, OnConflict::Replace) => memory.clone(),
                (Some(_), OnConflict::Fail) => return Err(refusal::exists(id)),
                (Some(_), OnConflict::Skip) => return Ok(Outcome { id, effect: Effect::Skipped, revision: None }),
                _ => return Err(refusal::unknown(NAME, "restore")),
            },
            _ => return Err(refusal::unknown(NAME, "mutation")),
        };
        let effect = if found.is_some() { Effect::Updated } else { Effect::Created };
        let outcome = Outcome { id, effect, revision: Some(written.revision) };
        self.changes.insert(id, Some(written));
        Ok(outcome)
    }
}

/// Refuses a mutation that expects something else than there is.
fn check(id: MemoryId, expect: Expect, found: Option<&Memory>) -> Result<()> {
    match (expect, found) {
        (Expect::Any, _) | (Expect::Absent, None) => Ok(()),
        (Expect::Absent, Some(_)) => Err(refusal::exists(id)),
        (Expect::Revision(revision), None) => Err(refusal::missing_at(id, revision)),
        (Expect::Revision(revision), Some(found)) if found.revision == revision => Ok(()),
        (Expect::Revision(revision), Some(found)) => Err(refusal::other_revision(id, found.revision, revision)),
        _ => Err(refusal::unknown(NAME, "expectation")),
    }
}

/// Returns the memory that a put makes, over another or new.
fn put(new: &NewMemory, found: Option<&Memory>, id: MemoryId, now: Timestamp) -> Result<Memory> {
    let (revision, created_at, updated_at) = match (found, new.created_at) {
        (None, created_at) => (Revision::FIRST, created_at.unwrap_or(now), now),
        (Some(found), Some(given)) if given != found.created_at => {
            return Err(refusal::other_created_at(id, found.created_at, given));
        }
        (Some(found), _) => (next(found)?, found.created_at, found.updated_at.max(now)),
    };
    let new = new.clone();
    Ok(Memory {
        id,
        user_id: new.user_id,
        agent_id: new.agent_id,
        thread_id: new.thread_id,
        tier: new.tier,
        content: new.content,
        metadata: new.metadata,
        importance: new.importance,
        related_threads: new.related_threads,
        revision,
        created_at,
        updated_at,
        expires_at: new.expires_at,
    })
}

/// Returns the memory that an update makes.
fn update(patch: &Patch, found: &Memory, now: Timestamp) -> Result<Memory> {
    let (patch, old) = (patch.clone(), found.clone());
    Ok(Memory {
        id: old.id,
        user_id: changed(patch.user_id, old.user_id),
        agent_id: changed(patch.agent_id, old.agent_id),
        thread_id: changed(patch.thread_id, old.thread_id),
        tier: patch.tier.unwrap_or(old.tier),
        content: patch.content.unwrap_or(old.content),
        metadata: patch.metadata.unwrap_or(old.metadata),
        importance: patch.importance.unwrap_or(old.importance),
        related_threads: patch.related_threads.unwrap_or(old.related_threads),
        revision: next(found)?,
        created_at: old.created_at,
        updated_at: old.updated_at.max(now),
        expires_at: changed(patch.expires_at, old.expires_at),
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
