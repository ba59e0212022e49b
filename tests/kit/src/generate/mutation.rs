//! Batches, valid ones and ones that conflict.

use polymnia::{Change, Expect, Mutation, OnConflict, Patch, Timestamp};

use super::memory::{Pool, importance, maybe, moment, related_threads, revision, text, tier};
use super::{Rng, percent, pick};

/// Returns a batch over few ids, some of them several times. Most batches can be applied.
///
/// # Panics
///
/// Never: the numbers are small.
pub fn batch(rng: &mut Rng, pool: &Pool, now: Timestamp) -> Vec<Mutation> {
    let length = pick(rng, &[1, 1, 1, 2, 3, 5, 8, 20]);
    // What a batch can't do it must not try often, or a long one never succeeds.
    let risk = if length == 1 { 30 } else { 20 / length };
    (0..length).map(|_| mutation(rng, pool, now, u32::try_from(risk).expect("the risk is small"))).collect()
}

fn mutation(rng: &mut Rng, pool: &Pool, now: Timestamp, risk: u32) -> Mutation {
    let id = pool.id(rng);
    match rng.u32(0..100) {
        0..50 => {
            let mut memory = pool.new_memory(rng, now);
            if !percent(rng, risk) {
                memory.created_at = None;
            }
            Mutation::Put { id, memory, expect: expect(rng, risk) }
        }
        50..62 if percent(rng, risk * 4) => {
            Mutation::Update { id, patch: patch(rng, pool, now), expect: expect(rng, risk) }
        }
        62..72 => Mutation::Delete { id, expect: expect(rng, risk) },
        _ => {
            let on_conflict =
                if percent(rng, risk) { OnConflict::Fail } else { pick(rng, &[OnConflict::Skip, OnConflict::Replace]) };
            Mutation::Restore { memory: pool.memory(rng, now), on_conflict }
        }
    }
}

fn expect(rng: &mut Rng, risk: u32) -> Expect {
    if !percent(rng, risk) {
        return Expect::Any;
    }
    if rng.bool() { Expect::Absent } else { Expect::Revision(revision(rng)) }
}

fn patch(rng: &mut Rng, pool: &Pool, now: Timestamp) -> Patch {
    let mut patch = Patch {
        user_id: change(rng, |rng| text(rng).parse().expect("the text is short")),
        agent_id: change(rng, |rng| text(rng).parse().expect("the text is short")),
        thread_id: change(rng, |rng| text(rng).parse().expect("the text is short")),
        tier: maybe(rng, 30).map(tier),
        content: maybe(rng, 30).map(|rng| text(rng).parse().expect("the text is short")),
        metadata: maybe(rng, 30).map(|rng| pool.metadata(rng)),
        importance: maybe(rng, 30).map(importance),
        related_threads: maybe(rng, 30).map(related_threads),
        expires_at: change(rng, |rng| moment(rng, now)),
    };
    if patch.is_empty() {
        patch.importance = Some(importance(rng));
    }
    patch
}

fn change<T>(rng: &mut Rng, value: impl FnOnce(&mut Rng) -> T) -> Change<T> {
    match rng.u32(0..10) {
        0..6 => Change::Keep,
        6..8 => Change::Clear,
        _ => Change::Set(value(rng)),
    }
}
