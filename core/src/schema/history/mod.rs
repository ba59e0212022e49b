//! What the build knows and what the database records, laid over each other.
//!
//! A [`History`] is a graph over versions: those of the sources, and those of the ledger. It is built from what was read, fails
//! never and writes nothing; what is wrong with it is told as [`Finding`]s, and refused when something is planned.
//!
//! A version is built upon its parents. A parent of the same source, or one that its metadata names, is a firm one: it can't be
//! missing below an applied version. The first version of an application stands upon the newest of ours that the build knows,
//! which is the order of applying, and no more: a new version of ours may come below it.

mod build;
mod findings;
mod graph;
mod lookup;
mod plan;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{Compatibility, Entry, HistoryEntry, Script, Source, State, Version};

pub(crate) use findings::Finding;

/// Lays what the database records over what the build knows.
#[derive(Debug)]
pub(crate) struct History<'a> {
    sources: &'a [Source],
    nodes: BTreeMap<Version, Node<'a>>,
    /// Every version, parents first; those of equal standing by version.
    order: Vec<Version>,
    /// Versions that are built upon each other, if any are.
    circle: Vec<Version>,
    /// Versions that stand twice in one source.
    twice: BTreeSet<Version>,
    to_adopt: Vec<Version>,
    to_forget: Vec<Version>,
    /// Rows of diesel's ledger that can't be ours.
    strange: Vec<&'a str>,
    /// Whether diesel's ledger is gone while ours names applied versions.
    lost: bool,
    next_position: u64,
}

/// Is one version, as the build and the database know it.
#[derive(Debug, Default)]
struct Node<'a> {
    script: Option<&'a Script>,
    /// What is recorded, unless another tool has done something else since.
    entry: Option<&'a Entry>,
    applied: bool,
    /// The parents that must be applied wherever this version is.
    firm: Vec<Version>,
    /// Those that only go before it.
    loose: Vec<Version>,
    /// The versions of which this one is a firm parent.
    children: Vec<Version>,
}

impl<'a> History<'a> {
    /// Lays a ledger over sources.
    pub(crate) fn new(sources: &'a [Source], ledger: &'a crate::schema::Ledger) -> Self {
        build::build(sources, ledger)
    }

    /// Returns the applied versions in the order in which they were applied, as far as that is recorded, parents first.
    pub(crate) fn applied(&self) -> Vec<Version> {
        let position = |version: &Version| {
            let entry = self.nodes[version].entry;
            (entry.map_or(u64::MAX, |entry| entry.position), version.clone())
        };
        let applied: BTreeSet<Version> = self.chosen(|node| node.applied).into_iter().collect();
        graph::sorted(&applied, |version| self.parents(version), position).order
    }

    /// Returns the newest applied versions of each source: those that no applied one of it is built upon.
    pub(crate) fn current(&self) -> Vec<Version> {
        let newest = |version: &Version, node: &Node<'_>| {
            let above = |child: &Version| child.prefix() == version.prefix() && self.is_applied(child);
            node.applied && !node.children.iter().any(above)
        };
        self.nodes.iter().filter(|(version, node)| newest(version, node)).map(|(version, _)| version.clone()).collect()
    }

    /// Returns the version that was applied last.
    pub(crate) fn newest(&self) -> Option<Version> {
        self.applied().pop()
    }

    /// Returns what this build knows and the database doesn't have, in the order of applying.
    pub(crate) fn pending(&self) -> Vec<Version> {
        self.chosen(|node| !node.applied && node.script.is_some())
    }

    /// Returns the applied versions that this build doesn't know, in order.
    pub(crate) fn unknown(&self) -> Vec<Version> {
        self.chosen(|node| node.applied && node.script.is_none())
    }

    /// Returns the migrations that stopped half-way, in order.
    pub(crate) fn unfinished(&self) -> Vec<Version> {
        self.chosen(|node| node.entry.is_some_and(|entry| entry.state != State::Applied))
    }

    /// Returns the newest versions of each source.
    pub(crate) fn heads(&self) -> Vec<Version> {
        self.sources.iter().flat_map(|source| self.heads_of(source)).collect()
    }

    /// Returns what this build may do with the database: what the unknown versions leave to it. Of one that was applied
    /// without a word about that, nobody knows what it did.
    pub(crate) fn access(&self) -> Compatibility {
        let level =
            |version: &Version| self.nodes[version].entry.map_or(Compatibility::ReadOnly, |entry| entry.compatibility);
        self.unknown().iter().map(level).min().unwrap_or(Compatibility::Full)
    }

    /// Returns whether the database has a version.
    pub(crate) fn is_applied(&self, version: &Version) -> bool {
        self.nodes.get(version).is_some_and(|node| node.applied)
    }

    /// Returns the script of this build.
    pub(crate) fn script(&self, version: &Version) -> Option<&'a Script> {
        self.nodes.get(version)?.script
    }

    /// Returns what is recorded, unless another tool has done something else since.
    pub(crate) fn entry(&self, version: &Version) -> Option<&'a Entry> {
        self.nodes.get(version)?.entry
    }

    /// Returns what a version is built upon, as its entry records it.
    pub(crate) fn parents(&self, version: &Version) -> Vec<Version> {
        self.nodes.get(version).map(|node| node.all_parents().cloned().collect()).unwrap_or_default()
    }

    /// Returns the sources it was built from.
    pub(crate) fn sources(&self) -> &'a [Source] {
        self.sources
    }

    /// Returns whether diesel's ledger is gone while ours names applied versions.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Returns the position of the next migration that is applied.
    pub(crate) fn next_position(&self) -> u64 {
        self.next_position
    }

    /// Returns what another tool applied, and our ledger doesn't say so yet, in order.
    pub(crate) fn to_adopt(&self) -> &[Version] {
        &self.to_adopt
    }

    /// Returns what another tool took back, and our ledger doesn't say so yet.
    pub(crate) fn to_forget(&self) -> &[Version] {
        &self.to_forget
    }

    /// Returns the newest row of diesel's ledger that can't be ours: an application uses diesel in the same file.
    pub(crate) fn strange(&self) -> Option<&'a str> {
        self.strange.iter().max().copied()
    }

    /// Returns every version as it is told to users, oldest first.
    pub(crate) fn entries(&self) -> Vec<HistoryEntry> {
        self.order.iter().map(|version| self.told(version)).collect()
    }

    /// Returns one version as it is told to users.
    pub(crate) fn told(&self, version: &Version) -> HistoryEntry {
        let node = &self.nodes[version];
        let name = node.script.map(|script| script.name.clone()).or_else(|| Some(node.entry?.name.clone()));
        let compatibility = match (node.entry, node.script) {
            (Some(entry), _) => entry.compatibility,
            (None, Some(script)) => script.metadata.compatibility,
            (None, None) => Compatibility::ReadOnly,
        };
        HistoryEntry {
            version: version.clone(),
            name: name.unwrap_or_default(),
            parents: self.parents(version),
            known: node.script.is_some(),
            applied: node.applied,
            state: node.entry.map(|entry| entry.state),
            origin: node.entry.map(|entry| entry.origin),
            compatibility,
            entry: node.entry.cloned(),
        }
    }

    /// Returns the versions, and with them all they are built upon, in the order of applying.
    pub(crate) fn with_ancestors(&self, versions: &[Version]) -> Vec<Version> {
        let reached = graph::reached(versions, |version| self.parents(version));
        self.order.iter().filter(|version| reached.contains(*version)).cloned().collect()
    }

    /// Returns the versions that are built upon a version, at whatever remove.
    fn above(&self, version: &Version) -> BTreeSet<Version> {
        let mut reached = graph::reached(std::slice::from_ref(version), |one| self.upon(one));
        reached.remove(version);
        reached
    }

    /// Returns the versions that must go for a version to be the newest of its source: those of the source that are built upon
    /// it, and all that is built upon those. What an application has built upon the version itself may stay.
    fn beyond(&self, version: &Version) -> BTreeSet<Version> {
        let same = |one: &Version| {
            let children = self.nodes.get(one).map(|node| node.children.clone()).unwrap_or_default();
            children.into_iter().filter(|child| child.prefix() == version.prefix()).collect()
        };
        let mut newer = graph::reached(std::slice::from_ref(version), same);
        newer.remove(version);
        graph::reached(&newer.into_iter().collect::<Vec<_>>(), |one| self.upon(one))
    }

    fn upon(&self, version: &Version) -> Vec<Version> {
        let children = self.nodes.iter().filter(|(_, node)| node.all_parents().any(|parent| parent == version));
        children.map(|(child, _)| child.clone()).collect()
    }

    fn heads_of(&self, source: &Source) -> Vec<Version> {
        let known = source.scripts.iter().map(|script| &script.version);
        let is_head = |version: &&Version| {
            let children = &self.nodes[*version].children;
            !children.iter().any(|child| child.prefix() == source.prefix && self.nodes[child].script.is_some())
        };
        let heads: BTreeSet<Version> = known.filter(is_head).cloned().collect();
        heads.into_iter().collect()
    }

    fn chosen(&self, wanted: impl Fn(&Node<'a>) -> bool) -> Vec<Version> {
        self.order.iter().filter(|version| wanted(&self.nodes[*version])).cloned().collect()
    }

    /// Returns the syntax of the scripts.
    fn syntax(&self) -> crate::schema::text::Syntax {
        crate::schema::text::Syntax::of(self.dialect())
    }

    fn dialect(&self) -> &'a str {
        self.sources.first().map_or("", |source| source.dialect.as_str())
    }
}

impl Node<'_> {
    fn all_parents(&self) -> impl Iterator<Item = &Version> {
        self.firm.iter().chain(&self.loose)
    }
}
