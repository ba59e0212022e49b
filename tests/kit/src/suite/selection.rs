//! Conditions, one by one and combined, against [`Selection::matches`].

use polymnia::{
    Filter, Match, Memory, MemoryStore, Mutation, OnConflict, Order, Query, Selection, TimeRange, Timestamp,
};

use super::prelude::*;
use crate::fixture::Subject;

pub(super) fn each_condition_by_itself(subject: &Subject) {
    let store = subject.store();
    let memories = fill(&store);
    let mut selective = 0;
    for selection in conditions(&store) {
        selective += check(subject, &store, &memories, &selection);
    }
    assert!(selective >= 12, "most conditions select some and leave some, {selective} do");
}

pub(super) fn conditions_combined(subject: &Subject) {
    let store = subject.store();
    let memories = fill(&store);
    let conditions = conditions(&store);
    let mut selective = 0;
    for (index, left) in conditions.iter().enumerate() {
        for right in &conditions[..index] {
            selective += check(subject, &store, &memories, &both(left, right));
        }
    }
    let three = both(&both(&conditions[1], &conditions[7]), conditions.last().unwrap());
    check(subject, &store, &memories, &three);
    assert!(selective >= 60, "many combinations select some and leave some, {selective} do");
}

pub(super) fn ranges_are_half_open(subject: &Subject) {
    let store = subject.store();
    let start = time("2026-01-01");
    let rows = (0..5).map(|n| {
        let mut memory = row(id(n), "m", later(start, i64::try_from(n).unwrap()));
        memory.updated_at = later(start, 100 + i64::try_from(n).unwrap());
        memory
    });
    restore(&store, rows);
    let range = |from: Option<i64>, until: Option<i64>| TimeRange {
        from: from.map(|micros| later(start, micros)),
        until: until.map(|micros| later(start, micros)),
    };
    for (from, until, expected) in [
        (Some(1), Some(3), vec![2, 1]),
        (Some(1), None, vec![4, 3, 2, 1]),
        (None, Some(1), vec![0]),
        (Some(4), Some(5), vec![4]),
        (Some(0), Some(1), vec![0]),
        (Some(5), None, vec![]),
        (None, Some(0), vec![]),
    ] {
        let created = Selection::default().with_created(range(from, until));
        assert_eq!(numbers(&all(&store, &here(), created)), expected, "created from {from:?} until {until:?}");
        let updated = range(from.map(|n| n + 100), until.map(|n| n + 100));
        let updated = Selection::default().with_updated(updated);
        assert_eq!(numbers(&all(&store, &here(), updated)), expected, "updated from {from:?} until {until:?}");
    }
}

pub(super) fn ranges_at_the_ends_of_time(subject: &Subject) {
    let store = subject.store();
    restore(&store, [row(id(1), "first", Timestamp::MIN), row(id(2), "last", Timestamp::MAX)]);
    let ends = [None, Some(Timestamp::MIN), Some(later(Timestamp::MIN, 1)), Some(Timestamp::MAX)];
    for from in ends {
        for until in ends {
            for selection in [
                Selection::default().with_created(TimeRange { from, until }),
                Selection::default().with_updated(TimeRange { from, until }),
            ] {
                let memories = walk(&store, &here(), Query::default());
                check(subject, &store, &memories, &selection);
            }
        }
    }
}

pub(super) fn an_empty_range_selects_nothing(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    put(&store, &here(), id(1), new("a"));
    for (from, until) in [(now, now), (later(now, 1), now), (Timestamp::MAX, Timestamp::MIN)] {
        let range = TimeRange { from: Some(from), until: Some(until) };
        for selection in [Selection::default().with_created(range), Selection::default().with_updated(range)] {
            assert_eq!(store.count(&here(), &selection).unwrap(), 0);
            assert_eq!(all(&store, &here(), selection), []);
        }
    }
}

pub(super) fn any_of_several_tiers(subject: &Subject) {
    let store = subject.store();
    for (number, name) in (1..).zip(["short_term", "mid_term", "long_term", "own", "Own"]) {
        put(&store, &here(), id(number), new("a").with_tier(tier(name)));
    }
    for (names, expected) in [
        (vec!["own"], vec![4]),
        (vec!["own", "mid_term"], vec![4, 2]),
        (vec!["own", "own"], vec![4]),
        (vec!["own", "none"], vec![4]),
        (vec!["none"], vec![]),
        (vec!["OWN"], vec![]),
        (vec!["short_term", "mid_term", "long_term", "own", "Own"], vec![5, 4, 3, 2, 1]),
    ] {
        let selection = Selection { tiers: names.iter().map(|name| tier(name)).collect(), ..Selection::default() };
        assert_eq!(numbers(&all(&store, &here(), selection.clone())), expected, "{names:?}");
        assert_eq!(store.count(&here(), &selection).unwrap(), expected.len() as u64);
    }
}

pub(super) fn any_of_several_related_threads(subject: &Subject) {
    let store = subject.store();
    let related: [&[&str]; 6] = [&[], &["a"], &["a", "b"], &["c"], &["a,b", "\"a\"", "{a}"], &["A", "aa"]];
    for (number, related) in (1..).zip(related) {
        // The memory's own thread is not one it is related to.
        put(&store, &here(), id(number), new("m").with_thread(thread("z")).with_related_threads(threads(related)));
    }
    for (asked, expected) in [
        (vec!["a"], vec![3, 2]),
        (vec!["b"], vec![3]),
        (vec!["b", "c"], vec![4, 3]),
        (vec!["a", "b"], vec![3, 2]),
        (vec!["c", "c"], vec![4]),
        (vec!["a,b"], vec![5]),
        (vec!["\"a\""], vec![5]),
        (vec!["{a}"], vec![5]),
        (vec!["A"], vec![6]),
        (vec!["%"], vec![]),
        (vec!["z"], vec![]),
        (vec!["none", "b"], vec![3]),
    ] {
        let related_threads = asked.iter().map(|name| thread(name)).collect();
        let selection = Selection { related_threads, ..Selection::default() };
        assert_eq!(numbers(&all(&store, &here(), selection.clone())), expected, "{asked:?}");
        assert_eq!(store.count(&here(), &selection).unwrap(), expected.len() as u64);
    }
}

pub(super) fn a_thousand_alternatives(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("a").with_tier(tier("t999")).with_related_threads(threads(["r0"])));
    put(&store, &here(), id(2), new("b").with_tier(tier("t1000")).with_related_threads(threads(["r1000"])));
    let tiers = Selection { tiers: (0..1_000).map(|n| tier(&format!("t{n}"))).collect(), ..Selection::default() };
    let related_threads = (0..1_000).map(|n| thread(&format!("r{n}"))).collect();
    let related = Selection { related_threads, ..Selection::default() };
    for selection in [tiers.clone(), related.clone(), Selection { tiers: tiers.tiers, ..related }] {
        assert_eq!(numbers(&all(&store, &here(), selection)), [1]);
    }
}

pub(super) fn texts_match_by_their_bytes(subject: &Subject) {
    let texts = [
        "a", "A", " a", "a ", "a\n", "á", "a\u{301}", "%", "_", "*", "a%", "a_", "[a]", "a\\", "\\a", "'", "\"", "b", "ß", "ss",
        "null", "NULL", "1", "01", "1.0",
    ];
    let store = subject.store();
    for (number, text) in (1..).zip(texts) {
        let memory = new("m")
            .with_user(user(text))
            .with_agent(agent(text))
            .with_thread(thread(text))
            .with_tier(tier(text))
            .with_related_threads(threads([text]));
        put(&store, &here(), id(number), memory);
    }
    for (number, text) in (1..).zip(texts) {
        for selection in [
            Selection::default().with_user(user(text)),
            Selection::default().with_agent(agent(text)),
            Selection::default().with_thread(thread(text)),
            Selection::default().with_tier(tier(text)),
            Selection::default().with_related_thread(thread(text)),
        ] {
            assert_eq!(numbers(&all(&store, &here(), selection.clone())), [number], "{text:?}");
            assert_eq!(store.count(&here(), &selection).unwrap(), 1, "{text:?}");
        }
    }
}

pub(super) fn count_agrees_with_query(subject: &Subject) {
    let store = subject.store();
    let memories = fill(&store);
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), memories.len() as u64);
    assert_eq!(store.count(&ns("elsewhere"), &Selection::default()).unwrap(), 0);
    // More than a page.
    let batch: Vec<_> = (1_000..2_500).map(|n| put_mutation(id(n), new("m").with_user(user("many")))).collect();
    store.apply(&here(), &batch).unwrap();
    assert_eq!(store.count(&here(), &Selection::default().with_user(user("many"))).unwrap(), 1_500);
}

pub(super) fn delete_matching_removes_what_query_shows(subject: &Subject) {
    let store = subject.store();
    for (number, selection) in conditions(&store).into_iter().enumerate() {
        let namespace = ns(&format!("n{number}"));
        let memories = fill_in(&store, &namespace);
        let now = subject.clock().now();
        let (gone, left): (Vec<Memory>, Vec<Memory>) = memories.into_iter().partition(|m| selection.matches(m, now));
        let removed = store.delete_matching(&namespace, &selection).unwrap();
        assert_eq!(removed, gone.len() as u64, "{selection:?}");
        let mut expected = left;
        expected.sort_by(|left, right| Order::default().compare(left, right));
        assert_eq!(all(&store, &namespace, Selection::default()), expected, "{selection:?}");
        assert_eq!(store.delete_matching(&namespace, &selection).unwrap(), 0, "{selection:?}");
    }
}

pub(super) fn delete_matching_of_all(subject: &Subject) {
    let store = subject.store();
    fill(&store);
    let elsewhere = fill_in(&store, &ns("elsewhere"));
    let there = store.count(&here(), &Selection::default()).unwrap();
    assert_eq!(store.delete_matching(&here(), &Selection::default()).unwrap(), there);
    assert_eq!(all(&store, &here(), Selection::default()), []);
    assert_eq!(store.count(&ns("elsewhere"), &Selection::default()).unwrap(), elsewhere.len() as u64);
}

pub(super) fn namespaces_are_apart(subject: &Subject) {
    let store = subject.store();
    let (a, b) = (ns("a"), ns("b"));
    let memory = |text: &str| new(text).with_user(user("u")).with_metadata(metadata(r#"{"k": 1}"#));
    put(&store, &a, id(1), memory("of a"));
    put(&store, &b, id(1), memory("of b"));
    put(&store, &b, id(2), memory("of b"));
    put(&store, &a, id(1), memory("of a again"));
    assert_eq!(get(&store, &b, id(1)).revision, polymnia::Revision::FIRST);
    assert_eq!(store.get(&a, id(2)).unwrap(), None);
    for selection in [Selection::default(), Selection::default().with_user(user("u")), contains(r#"{"k": 1}"#)] {
        if !claimed(&store, &selection) {
            continue;
        }
        assert_eq!(all(&store, &a, selection.clone()).len(), 1);
        assert_eq!(all(&store, &b, selection.clone()).len(), 2);
        assert_eq!(store.count(&ns("c"), &selection).unwrap(), 0);
    }
    assert_eq!(store.stats(&b).unwrap().memories, 2);
    assert!(!store.delete(&a, id(2)).unwrap());
    assert_eq!(store.delete_matching(&a, &Selection::default()).unwrap(), 1);
    assert_eq!(store.count(&b, &Selection::default()).unwrap(), 2);
}

pub(super) fn namespaces_compare_by_their_bytes(subject: &Subject) {
    let names = ["a", "A", "a ", " a", "a%", "%", "_", "á", "a\u{301}", "a/b", "a\\b", "'", "\"", "null", "a\nb", "public"];
    let store = subject.store();
    for name in names {
        put(&store, &ns(name), id(1), new(name));
    }
    for name in names {
        assert_eq!(get(&store, &ns(name), id(1)).content.as_str(), name);
        assert_eq!(store.count(&ns(name), &Selection::default()).unwrap(), 1, "{name:?}");
    }
}

/// Returns one selection for every kind of condition that the dialect claims, several where values matter. The first
/// selects everything.
fn conditions(store: &MemoryStore) -> Vec<Selection> {
    let start = time("2026-01-01");
    let range = |from: Option<i64>, until: Option<i64>| TimeRange {
        from: from.map(|micros| later(start, micros)),
        until: until.map(|micros| later(start, micros)),
    };
    let base = Selection::default;
    let mut conditions = vec![
        base(),
        base().with_user(user("u1")),
        base().with_user(user("nobody")),
        Selection { user: Match::Absent, ..base() },
        base().with_agent(agent("a0")),
        Selection { agent: Match::Absent, ..base() },
        base().with_thread(thread("t2")),
        base().without_thread(),
        base().with_related_thread(thread("r1")),
        base().with_related_thread(thread("r1")).with_related_thread(thread("r3")),
        base().with_related_thread(thread("none")),
        base().with_tier(tier("long_term")),
        base().with_tier(tier("long_term")).with_tier(tier("own")),
        base().with_tier(tier("none")),
        base().with_created(range(Some(10), None)),
        base().with_created(range(None, Some(30))),
        base().with_created(range(Some(10), Some(30))),
        base().with_updated(range(Some(1_010), None)),
        base().with_updated(range(None, Some(1_030))),
        base().with_updated(range(Some(1_010), Some(1_030))),
        contains("{}"),
        contains(r#"{"n": 3}"#),
        contains(r#"{"even": true}"#),
        contains(r#"{"tags": ["x"]}"#),
        contains(r#"{"absent": null}"#),
        contains("[]"),
    ];
    conditions.retain(|selection| claimed(store, selection));
    conditions
}

/// Joins two selections of [`conditions`] where they can both be said.
fn both(left: &Selection, right: &Selection) -> Selection {
    fn pick<T: Clone + PartialEq + Default>(left: &T, right: &T) -> T {
        if *left == T::default() { right.clone() } else { left.clone() }
    }
    Selection {
        user: pick(&left.user, &right.user),
        agent: pick(&left.agent, &right.agent),
        thread: pick(&left.thread, &right.thread),
        related_threads: pick(&left.related_threads, &right.related_threads),
        tiers: pick(&left.tiers, &right.tiers),
        created: pick(&left.created, &right.created),
        updated: pick(&left.updated, &right.updated),
        filter: pick::<Filter>(&left.filter, &right.filter),
    }
}

/// Stores 48 memories that differ in every field and returns them.
fn fill(store: &MemoryStore) -> Vec<Memory> {
    fill_in(store, &here())
}

fn fill_in(store: &MemoryStore, namespace: &polymnia::Namespace) -> Vec<Memory> {
    let start = time("2026-01-01");
    let memories: Vec<Memory> = (0..48_u64)
        .map(|n| {
            let step = i64::try_from(n).unwrap();
            let mut memory = row(id(n), "m", later(start, step));
            memory.updated_at = later(start, 1_000 + (step * 7) % 48);
            memory.user_id = (n % 3 != 0).then(|| user(&format!("u{}", n % 3)));
            memory.agent_id = (n % 4 != 3).then(|| agent(&format!("a{}", n % 4)));
            memory.thread_id = (n % 5 != 0).then(|| thread(&format!("t{}", n % 5)));
            memory.tier = tier(["short_term", "mid_term", "long_term", "own"][usize::try_from(n / 2 % 4).unwrap()]);
            memory.related_threads = threads((0..n % 4).map(|r| format!("r{r}")));
            let tags = if n % 6 == 0 { r#"["x", "y"]"# } else { r#"["y"]"# };
            let text = format!(r#"{{"n": {}, "even": {}, "tags": {tags}}}"#, n % 8, n % 2 == 0);
            memory.metadata = metadata(&text);
            memory
        })
        .collect();
    let rows = memories.iter().map(|m| Mutation::Restore { memory: m.clone(), on_conflict: OnConflict::Fail });
    store.apply(namespace, &rows.collect::<Vec<_>>()).unwrap();
    memories
}

fn restore(store: &MemoryStore, rows: impl IntoIterator<Item = Memory>) {
    let rows = rows.into_iter().map(|memory| Mutation::Restore { memory, on_conflict: OnConflict::Fail });
    store.apply(&here(), &rows.collect::<Vec<_>>()).unwrap();
}

/// Fails unless query and count select what [`Selection::matches`] does. Returns 1 if that is some but not all.
#[track_caller]
fn check(subject: &Subject, store: &MemoryStore, memories: &[Memory], selection: &Selection) -> usize {
    let now = subject.clock().now();
    let mut expected: Vec<Memory> = memories.iter().filter(|m| selection.matches(m, now)).cloned().collect();
    expected.sort_by(|left, right| Order::default().compare(left, right));
    assert_eq!(numbers(&all(store, &here(), selection.clone())), numbers(&expected), "{selection:?}");
    assert_eq!(store.count(&here(), selection).unwrap(), expected.len() as u64, "{selection:?}");
    usize::from(!expected.is_empty() && expected.len() < memories.len())
}
