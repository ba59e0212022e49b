//! Building a history from what was read.

use std::collections::{BTreeMap, BTreeSet};

use super::{History, Node, graph};
use crate::schema::{Entry, Ledger, Script, Source, State, Version};

/// Lays a ledger over sources.
pub(super) fn build<'a>(sources: &'a [Source], ledger: &'a Ledger) -> History<'a> {
    let mut twice = BTreeSet::new();
    let mut nodes: BTreeMap<Version, Node<'a>> = BTreeMap::new();
    for script in sources.iter().flat_map(|source| &source.scripts) {
        let node = nodes.entry(script.version.clone()).or_default();
        if node.script.replace(script).is_some() {
            twice.insert(script.version.clone());
        }
    }
    let Rows { applied, strange, lost } = rows(sources, ledger);
    let entries = ledger.entries.as_deref().unwrap_or_default();
    let (mut to_adopt, mut to_forget) = (BTreeSet::new(), Vec::new());
    for entry in entries {
        let has_row = applied.contains(&entry.version);
        match (entry.state, has_row) {
            // The tool that keeps the row has done what ours left half-done.
            (State::Running | State::Failed, true) => continue,
            (State::Applied | State::Reverting, false) => {
                to_forget.push(entry.version.clone());
                continue;
            }
            (State::Applied | State::Reverting, true) | (State::Running | State::Failed, false) => {}
        }
        nodes.entry(entry.version.clone()).or_default().entry = Some(entry);
    }
    for version in applied {
        let node = nodes.entry(version.clone()).or_default();
        node.applied = true;
        if node.entry.is_none() {
            to_adopt.insert(version);
        }
    }
    connect(sources, &mut nodes);
    let all: BTreeSet<Version> = nodes.keys().cloned().collect();
    let parents = |version: &Version| nodes[version].all_parents().cloned().collect();
    let graph::Sorted { order, circle } = graph::sorted(&all, parents, Version::clone);
    History {
        sources,
        circle,
        twice,
        to_adopt: order.iter().filter(|version| to_adopt.contains(*version)).cloned().collect(),
        to_forget,
        strange,
        lost,
        next_position: entries.iter().map(|entry| entry.position).max().unwrap_or(0) + 1,
        nodes,
        order,
    }
}

struct Rows<'a> {
    applied: BTreeSet<Version>,
    strange: Vec<&'a str>,
    lost: bool,
}

/// Reads what is applied. On SQLite an application's own diesel migrations may stand in the same ledger: what is not called as
/// versions are, or is older than our first one and nobody knows it, is left alone.
fn rows<'a>(sources: &[Source], ledger: &'a Ledger) -> Rows<'a> {
    let entries = ledger.entries.as_deref().unwrap_or_default();
    let recorded = |version: &Version| entries.iter().any(|entry| entry.version == *version);
    let Some(diesel) = &ledger.diesel else {
        let stands = |entry: &&Entry| matches!(entry.state, State::Applied | State::Reverting);
        let applied: BTreeSet<Version> = entries.iter().filter(stands).map(|entry| entry.version.clone()).collect();
        return Rows { lost: !applied.is_empty(), applied, strange: Vec::new() };
    };
    let first = sources.iter().filter(|source| source.prefix.is_empty()).flat_map(|source| &source.scripts);
    let first = first.map(|script| &script.version).min();
    let (mut applied, mut strange) = (BTreeSet::new(), Vec::new());
    for row in diesel {
        match Version::new(row.as_str()) {
            Ok(version) if !version.prefix().is_empty() || first.is_none_or(|first| version >= *first) => {
                applied.insert(version);
            }
            Ok(version) if recorded(&version) => {
                applied.insert(version);
            }
            _ => strange.push(row.as_str()),
        }
    }
    Rows { applied, strange, lost: false }
}

/// Finds the parents and the children of each version.
fn connect(sources: &[Source], nodes: &mut BTreeMap<Version, Node<'_>>) {
    let ours = heads_of_ours(sources);
    let versions: Vec<Version> = nodes.keys().cloned().collect();
    let newest_applied_of_ours: Option<Version> =
        nodes.iter().rfind(|(version, node)| node.applied && version.prefix().is_empty()).map(|(v, _)| v.clone());
    for version in &versions {
        let node = &nodes[version];
        let (firm, mut loose): (Vec<Version>, Vec<Version>) = match (node.script, node.entry) {
            (Some(script), _) => (declared(sources, script), Vec::new()),
            (None, Some(entry)) => entry.parents.iter().cloned().partition(|one| one.prefix() == version.prefix()),
            (None, None) => {
                let below = versions.iter().filter(|one| *one < version && one.prefix() == version.prefix());
                (below.filter(|one| nodes[*one].applied).max().cloned().into_iter().collect(), Vec::new())
            }
        };
        if let (Some(script), Some(entry)) = (node.script, node.entry)
            && script.metadata.parents.is_empty()
        {
            // What it stood upon when it was applied, whatever the build has got since.
            loose = entry.parents.iter().filter(|one| one.prefix() != version.prefix()).cloned().collect();
        } else if firm.is_empty() && !version.prefix().is_empty() && loose.is_empty() {
            loose = if node.applied { newest_applied_of_ours.iter().cloned().collect() } else { ours.clone() };
        }
        let node = nodes.get_mut(version).expect("it was listed");
        node.firm = firm;
        node.loose = loose;
    }
    for version in &versions {
        for parent in nodes[version].firm.clone() {
            if let Some(parent) = nodes.get_mut(&parent) {
                parent.children.push(version.clone());
            }
        }
    }
}

/// Returns the parents that a script has by its metadata, or else by its place in its source.
fn declared(sources: &[Source], script: &Script) -> Vec<Version> {
    if !script.metadata.parents.is_empty() {
        return script.metadata.parents.clone();
    }
    let same = sources.iter().flat_map(|source| &source.scripts).map(|other| &other.version);
    let below = same.filter(|other| other.prefix() == script.version.prefix() && **other < script.version);
    below.max().cloned().into_iter().collect()
}

fn heads_of_ours(sources: &[Source]) -> Vec<Version> {
    let ours: Vec<&Script> =
        sources.iter().filter(|source| source.prefix.is_empty()).flat_map(|source| &source.scripts).collect();
    let parents: BTreeSet<Version> = ours.iter().flat_map(|script| declared(sources, script)).collect();
    ours.iter().map(|script| &script.version).filter(|version| !parents.contains(*version)).cloned().collect()
}
