//! Counts of what a namespace holds.

use polymnia::{Group, NamespaceStats};

use super::prelude::*;
use crate::fixture::Subject;

pub(super) fn of_an_empty_namespace(subject: &Subject) {
    let store = subject.store();
    put(&store, &ns("elsewhere"), id(1), new("a"));
    assert_eq!(store.stats(&here()).unwrap(), NamespaceStats::default());
}

pub(super) fn count_what_there_is(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("12345").with_user(user("u")).with_created_at(time("2020-01-01")));
    put(&store, &here(), id(2), new("").with_user(user("v")).with_thread(thread("t")));
    put(&store, &here(), id(3), new("1").with_user(user("u")).with_tier(tier("own")).with_created_at(time("2030-01-01")));
    put(&store, &ns("elsewhere"), id(4), new("other").with_user(user("w")));
    let expected = NamespaceStats {
        memories: 3,
        content_bytes: 6,
        metadata_bytes: 6,
        oldest: Some(time("2020-01-01")),
        newest: Some(time("2030-01-01")),
        users: 2,
        threads: 1,
        by_tier: vec![group(tier("short_term"), 2), group(tier("own"), 1)],
        by_user: vec![group(Some(user("u")), 2), group(Some(user("v")), 1)],
        by_thread: vec![group(None, 2), group(Some(thread("t")), 1)],
    };
    assert_eq!(store.stats(&here()).unwrap(), expected);
}

pub(super) fn groups_stand_in_order(subject: &Subject) {
    let store = subject.store();
    let users = [Some("b"), Some("B"), Some("é"), Some("a"), Some("a"), Some("z"), Some("z"), Some("a b"), None, None];
    let mut number = 0;
    for name in users {
        number += 1;
        let mut memory = new("m").with_tier(tier(name.unwrap_or("none")));
        memory.user_id = name.map(user);
        memory.thread_id = name.map(thread);
        put(&store, &here(), id(number), memory);
    }
    let stats = store.stats(&here()).unwrap();
    let expected = [Some("a"), Some("z"), None, Some("B"), Some("a b"), Some("b"), Some("é")];
    let counts = [2, 2, 2, 1, 1, 1, 1];
    let by_user: Vec<_> = expected.iter().zip(counts).map(|(name, count)| group(name.map(user), count)).collect();
    assert_eq!(stats.by_user, by_user);
    let by_thread: Vec<_> = expected.iter().zip(counts).map(|(name, count)| group(name.map(thread), count)).collect();
    assert_eq!(stats.by_thread, by_thread);
    let tiers = ["a", "none", "z", "B", "a b", "b", "é"];
    assert_eq!(stats.by_tier.iter().map(|group| group.value.as_str()).collect::<Vec<_>>(), tiers);
    assert_eq!((stats.users, stats.threads), (6, 6));
}

pub(super) fn groups_are_limited(subject: &Subject) {
    let store = subject.store();
    let mut number = 0;
    let mut batch = Vec::new();
    for group in 0..30 {
        for _ in 0..if group < 5 { 2 } else { 1 } {
            number += 1;
            let name = format!("{group:02}");
            let memory = new("m").with_user(user(&name)).with_thread(thread(&name)).with_tier(tier(&name));
            batch.push(put_mutation(id(number), memory));
        }
    }
    batch.push(put_mutation(id(0), new("none").with_tier(tier("00"))));
    store.apply(&here(), &batch).unwrap();
    let stats = store.stats(&here()).unwrap();
    assert_eq!((stats.users, stats.threads, stats.by_tier.len()), (30, 30, 30));
    let first: Vec<_> = (0..20).map(|n| group(Some(user(&format!("{n:02}"))), if n < 5 { 2 } else { 1 })).collect();
    assert_eq!(stats.by_user, first);
    assert_eq!(stats.by_thread.len(), NamespaceStats::MAX_GROUPS as usize);
    assert_eq!(stats.by_tier[0], group(tier("00"), 3));
}

pub(super) fn bytes_are_those_of_utf_8(subject: &Subject) {
    let store = subject.store();
    let data = metadata(r#"{"é":"\u00e9", "n": 1e3}"#);
    assert_eq!(data.as_str(), r#"{"é": "é", "n": 1000}"#.replace(r#""é": "é", "n": 1000"#, r#""n": 1000, "é": "é""#));
    put(&store, &here(), id(1), new("é😀").with_metadata(data.clone()));
    put(&store, &here(), id(2), new("x".repeat(1 << 20)));
    let stats = store.stats(&here()).unwrap();
    assert_eq!(stats.content_bytes, 6 + (1 << 20));
    assert_eq!(stats.metadata_bytes, data.as_str().len() as u64 + 2);
}

fn group<T>(value: T, memories: u64) -> Group<T> {
    Group { value, memories }
}
