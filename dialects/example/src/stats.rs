//! Counts of what a namespace holds.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use polymnia::{Group, Memory, NamespaceStats};

/// Counts.
pub(crate) fn stats(memories: &[&Memory]) -> NamespaceStats {
    let by_user = groups(memories.iter().map(|memory| memory.user_id.clone()));
    let by_thread = groups(memories.iter().map(|memory| memory.thread_id.clone()));
    NamespaceStats {
        memories: memories.len() as u64,
        content_bytes: memories.iter().map(|memory| memory.content.as_str().len() as u64).sum(),
        metadata_bytes: memories.iter().map(|memory| memory.metadata.as_str().len() as u64).sum(),
        oldest: memories.iter().map(|memory| memory.created_at).min(),
        newest: memories.iter().map(|memory| memory.created_at).max(),
        users: by_user.iter().filter(|group| group.value.is_some()).count() as u64,
        threads: by_thread.iter().filter(|group| group.value.is_some()).count() as u64,
        by_tier: groups(memories.iter().map(|memory| memory.tier.clone())),
        by_user: first(by_user),
        by_thread: first(by_thread),
    }
}

/// Counts equal values: most first, then in their order.
fn groups<T: Ord>(values: impl Iterator<Item = T>) -> Vec<Group<T>> {
    let mut counts = BTreeMap::<T, u64>::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut groups: Vec<_> = counts.into_iter().map(|(value, memories)| Group { value, memories }).collect();
    groups.sort_by_key(|group| Reverse(group.memories));
    groups
}

/// Returns as many groups as are listed, of those of one number the group without a value last.
fn first<T>(mut groups: Vec<Group<Option<T>>>) -> Vec<Group<Option<T>>> {
    groups.sort_by_key(|group| (Reverse(group.memories), group.value.is_none()));
    groups.truncate(NamespaceStats::MAX_GROUPS as usize);
    groups
}
