//! Memories over a pool of metadata.

use polymnia::{
    Importance, Json, Memory, MemoryId, Metadata, NewMemory, RelatedThreads, Revision, ThreadId, Tier, Timestamp,
};

use super::json::{self, Tree};
use super::{Rng, any, percent, pick};

/// Is what a run draws metadata and filters from, so that filters find something.
#[derive(Debug)]
pub struct Pool {
    /// The metadata, as trees.
    pub documents: Vec<Tree>,
}

/// Texts that are easily taken for one another.
const TEXTS: &[&str] = &[
    "ann",
    "Ann",
    "ann ",
    " ann",
    "ánn",
    "a\u{301}nn",
    "bob",
    "%",
    "_",
    "a%",
    "*",
    "'",
    "\"",
    "\\",
    "a\nb",
    "null",
    "0",
    "00",
    "😀",
    "\u{202e}bob",
    "a,b",
    "{a}",
    "漢字",
];

/// Returns a text of few.
pub fn text(rng: &mut Rng) -> &'static str {
    // A third of the texts makes most of the draws, so that conditions meet.
    if percent(rng, 70) { pick(rng, &TEXTS[..7]) } else { pick(rng, TEXTS) }
}

impl Pool {
    /// Returns a pool of so many documents.
    pub fn new(rng: &mut Rng, size: usize) -> Self {
        Self { documents: (0..size).map(|_| json::object(rng)).collect() }
    }

    /// Returns one of few ids.
    pub fn id(&self, rng: &mut Rng) -> MemoryId {
        let number = rng.u128(0..60);
        // Ids that differ in their first bits, in their last, and by sign were they numbers.
        MemoryId::from_bytes((((number % 4) << 126) | number).to_be_bytes())
    }

    /// Returns metadata of the pool, in a spelling of its own.
    ///
    /// # Panics
    ///
    /// Never: what the pool holds is JSON.
    pub fn metadata(&self, rng: &mut Rng) -> Metadata {
        let tree = any(rng, &self.documents);
        Metadata::parse(&json::spell(tree, rng)).expect("the pool holds objects within all limits")
    }

    /// Returns JSON that some metadata of the pool contains, or nearly.
    ///
    /// # Panics
    ///
    /// Never: what the pool holds is JSON.
    pub fn needle(&self, rng: &mut Rng) -> Json {
        let tree = any(rng, &self.documents);
        let needle = json::needle(tree, rng);
        Json::parse(&json::spell(&needle, rng)).expect("a part of what the pool holds is within all limits")
    }

    /// Returns a memory to put.
    ///
    /// # Panics
    ///
    /// Never: the texts are within their limits.
    pub fn new_memory(&self, rng: &mut Rng, now: Timestamp) -> NewMemory {
        let content =
            if percent(rng, 2) { "x".repeat(rng.usize(0..100_000)) } else { text(rng).repeat(rng.usize(0..3)) };
        let mut memory = NewMemory::new(content).expect("the content is short");
        memory.user_id = maybe(rng, 80).map(|rng| text(rng).parse().expect("the text is short"));
        memory.agent_id = maybe(rng, 50).map(|rng| text(rng).parse().expect("the text is short"));
        memory.thread_id = maybe(rng, 60).map(|rng| text(rng).parse().expect("the text is short"));
        memory.tier = tier(rng);
        memory.metadata = self.metadata(rng);
        memory.importance = importance(rng);
        memory.related_threads = related_threads(rng);
        memory.created_at = maybe(rng, 15).map(|rng| moment(rng, now));
        memory.expires_at = maybe(rng, 20).map(|rng| moment(rng, now));
        memory
    }

    /// Returns a whole row to restore.
    pub fn memory(&self, rng: &mut Rng, now: Timestamp) -> Memory {
        let NewMemory {
            user_id,
            agent_id,
            thread_id,
            tier,
            content,
            metadata,
            importance,
            related_threads,
            created_at: _,
            expires_at,
        } = self.new_memory(rng, now);
        Memory {
            id: self.id(rng),
            user_id,
            agent_id,
            thread_id,
            tier,
            content,
            metadata,
            importance,
            related_threads,
            revision: revision(rng),
            created_at: moment(rng, now),
            updated_at: moment(rng, now),
            expires_at,
        }
    }
}

/// Returns one of few tiers.
///
/// # Panics
///
/// Never: the texts are within their limits.
pub(super) fn tier(rng: &mut Rng) -> Tier {
    pick(rng, &["short_term", "mid_term", "long_term", "Long_term", "own"]).parse().expect("the text is short")
}

pub(super) fn importance(rng: &mut Rng) -> Importance {
    let value = if percent(rng, 70) { pick(rng, &[0.0, 0.1, 0.25, 0.5, 1.0]) } else { rng.f64() };
    Importance::new(value).expect("the value is in range")
}

pub(super) fn related_threads(rng: &mut Rng) -> RelatedThreads {
    let count = pick(rng, &[0, 0, 0, 1, 2, 5]);
    RelatedThreads::new((0..count).map(|_| thread(rng))).expect("there are few")
}

pub(super) fn thread(rng: &mut Rng) -> ThreadId {
    text(rng).parse().expect("the text is short")
}

/// Returns a low revision, as expectations name.
pub(super) fn revision(rng: &mut Rng) -> Revision {
    Revision::new(rng.i64(1..6)).expect("the number is positive")
}

/// Returns a time near the present, often equal to another, seldom at the ends of time.
pub(super) fn moment(rng: &mut Rng, now: Timestamp) -> Timestamp {
    if percent(rng, 2) {
        return pick(rng, &[Timestamp::MIN, Timestamp::MAX]);
    }
    let step = pick(rng, &[1, 1_000_000, 60_000_000]);
    Timestamp::from_micros(now.as_micros() + rng.i64(-5..=5) * step).expect("the clock is far from the ends of time")
}

pub(super) fn maybe(rng: &mut Rng, chance: u32) -> Option<&mut Rng> {
    percent(rng, chance).then_some(rng)
}
