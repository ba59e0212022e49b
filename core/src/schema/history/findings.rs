//! What is wrong with a history.

use super::lookup::listed;
use super::{History, Node};
use crate::Error;
use crate::schema::text::{checksums, diff};
use crate::schema::{ChangedScript, Entry, Problem, SchemaFault, Script, State, Version};

/// Is something wrong with a history.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// What kind of wrong.
    pub(crate) fault: SchemaFault,
    /// The versions it is about, first the one that matters most.
    pub(crate) versions: Vec<Version>,
    /// What is wrong, naming the versions.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: String,
}

impl Finding {
    fn new(fault: SchemaFault, versions: Vec<Version>, message: String, hint: impl Into<String>) -> Self {
        Self { fault, versions, message, hint: hint.into() }
    }

    /// Returns it as the error of an operation that it forbids.
    pub(crate) fn error(&self) -> Error {
        let error = self.fault.error(self.message.clone()).with_hint(self.hint.clone());
        match self.versions.first() {
            Some(version) => error.with_context("version", version),
            None => error,
        }
    }
}

impl From<Finding> for Problem {
    fn from(finding: Finding) -> Self {
        Self { code: finding.fault.code(), message: finding.message, hint: Some(finding.hint) }
    }
}

impl History<'_> {
    /// Returns what is wrong with the history itself, the worst first. Scripts that changed and migrations that stopped half-way
    /// are told apart.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.lost {
            let applied = self.applied();
            findings.push(Finding::new(
                SchemaFault::NotAdopted,
                Vec::new(),
                format!(
                    "the ledger of diesel is gone, and ours names {} applied versions, the newest {}",
                    applied.len(),
                    applied.last().expect("a lost ledger means that there are some")
                ),
                "run `polymnia migrate baseline` to compare the schema and record it anew",
            ));
        }
        if !self.circle.is_empty() {
            let versions: Vec<&Version> = self.circle.iter().collect();
            findings.push(Finding::new(
                SchemaFault::Malformed,
                self.circle.clone(),
                format!("versions are built upon each other: {}", listed(&versions)),
                "mend the `parents` in their metadata.toml",
            ));
        }
        for version in &self.twice {
            findings.push(Finding::new(
                SchemaFault::Duplicate,
                vec![version.clone()],
                format!("version {version} exists twice: {}", self.folders(version).join(" and ")),
                "give one of them another version by renaming its folder",
            ));
        }
        findings.extend(self.unknown_parents());
        findings.extend(self.newer());
        findings.extend(self.out_of_order());
        findings.extend(self.several_heads());
        findings
    }

    /// Returns the applied versions whose script is not the one that was applied, with where it differs.
    pub(crate) fn changed(&self) -> Vec<ChangedScript> {
        let changed = |version: &Version| self.change(version);
        self.order.iter().filter(|version| self.nodes[*version].applied).filter_map(changed).collect()
    }

    /// Returns how the script of this build differs from the one that was applied, if it does.
    pub(super) fn change(&self, version: &Version) -> Option<ChangedScript> {
        let (script, entry) = (self.script(version)?, self.entry(version)?);
        if self.same_script(script, entry) {
            return None;
        }
        let diff = entry.up.as_ref().map(|up| diff(up, &script.up)).unwrap_or_default();
        Some(ChangedScript { version: version.clone(), folder: script.folder.clone(), diff })
    }

    /// Returns whether a script is the one that an entry was made of, but for comments and white space.
    pub(super) fn same_script(&self, script: &Script, entry: &Entry) -> bool {
        if entry.checksum.is_empty() {
            return true; // Nobody knew the script when it was recorded.
        }
        let checksums = checksums(&script.up, self.syntax());
        checksums.raw == entry.checksum_raw || checksums.normalized == entry.checksum
    }

    /// Returns whether a version is being taken back.
    pub(super) fn is_reverting(&self, version: &Version) -> bool {
        self.entry(version).is_some_and(|entry| entry.state == State::Reverting)
    }

    fn unknown_parents(&self) -> impl Iterator<Item = Finding> {
        self.order.iter().flat_map(move |version| {
            let node = &self.nodes[version];
            let parents = node.firm.iter().filter(|parent| node.script.is_some() && !self.nodes.contains_key(*parent));
            parents.map(move |parent| {
                Finding::new(
                    SchemaFault::UnknownParent,
                    vec![version.clone(), parent.clone()],
                    format!(
                        "version {version} is built upon {parent}, which neither this build nor the database knows"
                    ),
                    "mend the `parents` in its metadata.toml, or add the migrations it comes from",
                )
            })
        })
    }

    /// Says that the database is newer: it has versions of a source that the source doesn't know. Those of an application that
    /// didn't bring its migrations are not newer than anything.
    fn newer(&self) -> Option<Finding> {
        let ours = |version: &Version| self.sources.iter().any(|source| source.prefix == version.prefix());
        let unknown: Vec<Version> = self.unknown().into_iter().filter(ours).collect();
        let newest = unknown.last()?;
        let names: Vec<&Version> = unknown.iter().collect();
        let made_by = match self.entry(newest) {
            Some(entry) => format!(", applied by {}", entry.tool),
            None => String::new(),
        };
        let stored = |version: &Version| self.entry(version).is_some_and(|entry| entry.down.is_some());
        let known = self.applied().into_iter().rfind(|version| ours(version) && self.script(version).is_some());
        let back = known.map_or_else(|| "base".to_owned(), |version| version.to_string());
        let hint = if unknown.iter().all(stored) {
            format!(
                "use a newer build, or go back by the scripts that the database keeps: `polymnia migrate downgrade {back} \
                 --use-stored-down`"
            )
        } else {
            "use a newer build; if they are of an application, their versions need a prefix of letters".to_owned()
        };
        Some(Finding::new(
            SchemaFault::Newer,
            vec![newest.clone()],
            format!("the database has migrations that this build doesn't know: {}{made_by}", listed(&names)),
            hint,
        ))
    }

    fn out_of_order(&self) -> impl Iterator<Item = Finding> {
        let pending = self.order.iter().filter(|version| {
            let node = &self.nodes[*version];
            !node.applied && node.script.is_some()
        });
        pending.filter_map(move |version| {
            let child = self.nodes[version].children.iter().find(|child| self.nodes[*child].applied)?;
            Some(Finding::new(
                SchemaFault::OutOfOrder,
                vec![version.clone(), child.clone()],
                format!("version {version} is not applied, but {child}, which is built upon it, is"),
                "give it a version after the newest applied one by renaming its folder",
            ))
        })
    }

    fn several_heads(&self) -> impl Iterator<Item = Finding> {
        self.sources.iter().filter_map(move |source| {
            let heads = self.heads_of(source);
            let names: Vec<&Version> = heads.iter().collect();
            (heads.len() > 1).then(|| {
                Finding::new(
                    SchemaFault::SeveralHeads,
                    heads.clone(),
                    format!("{} versions are the newest: {}", heads.len(), listed(&names)),
                    "run `polymnia migrate merge heads -m MESSAGE` to join them",
                )
            })
        })
    }

    fn folders(&self, version: &Version) -> Vec<String> {
        let scripts = self.sources.iter().flat_map(|source| &source.scripts);
        scripts.filter(|script| script.version == *version).map(|script| script.folder.clone()).collect()
    }
}

impl Node<'_> {
    /// Returns whether its `up` script stopped half-way.
    pub(super) fn stopped(&self) -> bool {
        self.entry.is_some_and(|entry| matches!(entry.state, State::Running | State::Failed))
    }
}

/// Writes which versions are built upon one.
pub(super) fn upon(versions: &[&Version]) -> String {
    let verb = if versions.len() == 1 { "is" } else { "are" };
    format!("{} {verb} built upon it", listed(versions))
}
