//! Walks over a graph of versions.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::Version;

/// Is versions in an order.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// Parents before children.
    pub(super) order: Vec<Version>,
    /// Those that are built upon each other, or upon such: they stand last in the order.
    pub(super) circle: Vec<Version>,
}

/// Sorts versions so that parents come before children, and where that leaves a choice, the one with the least key first.
/// Parents that are not among the versions don't count.
pub(super) fn sorted<K: Ord>(
    versions: &BTreeSet<Version>,
    parents: impl Fn(&Version) -> Vec<Version>,
    key: impl Fn(&Version) -> K,
) -> Sorted {
    let mut waits: BTreeMap<&Version, usize> = BTreeMap::new();
    let mut children: BTreeMap<Version, Vec<&Version>> = BTreeMap::new();
    for version in versions {
        let parents: BTreeSet<Version> = parents(version).into_iter().filter(|p| versions.contains(p)).collect();
        waits.insert(version, parents.len());
        for parent in parents {
            children.entry(parent).or_default().push(version);
        }
    }
    let mut ready: BTreeSet<(K, &Version)> =
        waits.iter().filter(|(_, count)| **count == 0).map(|(version, _)| (key(version), *version)).collect();
    let mut order = Vec::with_capacity(versions.len());
    while let Some((_, version)) = ready.pop_first() {
        order.push(version.clone());
        for child in children.get(version).into_iter().flatten() {
            let left = waits.get_mut(child).expect("children are among the versions");
            *left -= 1;
            if *left == 0 {
                ready.insert((key(child), child));
            }
        }
    }
    let placed: BTreeSet<&Version> = order.iter().collect();
    let circle: Vec<Version> = versions.iter().filter(|version| !placed.contains(version)).cloned().collect();
    order.extend(circle.iter().cloned());
    Sorted { order, circle }
}

/// Returns all that is reached from some versions by going on and on, those included.
pub(super) fn reached(from: &[Version], next: impl Fn(&Version) -> Vec<Version>) -> BTreeSet<Version> {
    let mut reached: BTreeSet<Version> = from.iter().cloned().collect();
    let mut ahead: Vec<Version> = from.to_vec();
    while let Some(version) = ahead.pop() {
        for one in next(&version) {
            if reached.insert(one.clone()) {
                ahead.push(one);
            }
        }
    }
    reached
}
