//! Selections and orders.

use polymnia::{Filter, Match, Order, Selection, TimeRange, Timestamp};

use super::memory::{Pool, maybe, moment, text, thread, tier};
use super::{Rng, percent, pick};

/// Returns conditions on few fields, so that most of them select something.
///
/// # Panics
///
/// Never: the texts are within their limits.
pub fn selection(rng: &mut Rng, pool: &Pool, now: Timestamp) -> Selection {
    // One chance for all fields: many selections with one condition or none, few with many.
    let chance = pick(rng, &[0, 10, 20, 60]);
    let mut selection = Selection {
        user: condition(rng, chance, |rng| text(rng).parse().expect("the text is short")),
        agent: condition(rng, chance, |rng| text(rng).parse().expect("the text is short")),
        thread: condition(rng, chance, |rng| text(rng).parse().expect("the text is short")),
        created: range(rng, chance, now),
        updated: range(rng, chance, now),
        ..Selection::default()
    };
    if percent(rng, chance) {
        selection.related_threads = (0..rng.usize(1..4)).map(|_| thread(rng)).collect();
    }
    if percent(rng, chance) {
        selection.tiers = (0..rng.usize(1..4)).map(|_| tier(rng)).collect();
    }
    if percent(rng, 60) {
        selection.filter =
            if percent(rng, 30) { Filter::Contains(pool.needle(rng)) } else { super::filter(rng, pool, now) };
    }
    selection
}

/// Returns one of the orders.
pub fn order(rng: &mut Rng) -> Order {
    pick(rng, &Order::ALL)
}

fn condition<T>(rng: &mut Rng, chance: u32, value: impl FnOnce(&mut Rng) -> T) -> Match<T> {
    if !percent(rng, chance) {
        return Match::Any;
    }
    if percent(rng, 30) { Match::Absent } else { Match::Is(value(rng)) }
}

fn range(rng: &mut Rng, chance: u32, now: Timestamp) -> TimeRange {
    if !percent(rng, chance) {
        return TimeRange::default();
    }
    TimeRange { from: maybe(rng, 70).map(|rng| moment(rng, now)), until: maybe(rng, 70).map(|rng| moment(rng, now)) }
}
