//! From what a user wrote to the version that is meant.

use std::collections::BTreeSet;

use super::History;
use crate::schema::{SchemaFault, Target, Version};
use crate::{Error, Result};

/// Of this many versions the names stand in an error.
const SHOWN: usize = 5;

impl History<'_> {
    /// Returns the version that is written, or the only one that begins so, among those the build or the database knows.
    ///
    /// # Errors
    ///
    /// The fault [`UnknownTarget`](SchemaFault::UnknownTarget).
    pub(crate) fn find(&self, written: &str) -> Result<Version> {
        if let Some((version, _)) = self.nodes.iter().find(|(version, _)| version.as_str() == written) {
            return Ok(version.clone());
        }
        let begin = |version: &&Version| !written.is_empty() && version.as_str().starts_with(written);
        let found: Vec<&Version> = self.nodes.keys().filter(begin).collect();
        let shown: String = written.chars().take(60).collect();
        match found.as_slice() {
            [version] => Ok((*version).clone()),
            [] => Err(SchemaFault::UnknownTarget
                .error(format!("no migration has the version {shown:?}, or one that begins so"))
                .with_hint("run `polymnia migrate history` to see which there are")),
            several => Err(SchemaFault::UnknownTarget
                .error(format!("{} versions begin with {shown:?}: {}", several.len(), listed(several)))
                .with_hint("write as much of the version as only one begins with")),
        }
    }

    /// Returns the pending versions that an upgrade to a target applies, in order.
    pub(super) fn upward(&self, target: &Target) -> Result<Vec<Version>> {
        let pending = self.pending();
        match target {
            Target::Head => Ok(pending),
            Target::Base => {
                Err(Error::invalid_input("an upgrade leads up: expected `head`, a version or +N, not base"))
            }
            Target::Steps(steps) => {
                let count = usize::try_from(*steps).unwrap_or(usize::MAX);
                if count > pending.len() {
                    let message =
                        format!("+{steps} goes past the newest migration: {} are to be applied", pending.len());
                    return Err(SchemaFault::UnknownTarget.error(message));
                }
                Ok(pending.into_iter().take(count).collect())
            }
            Target::Version(written) => {
                let version = self.find(written)?;
                let wanted = self.with_ancestors(&[version]);
                Ok(pending.into_iter().filter(|version| wanted.contains(version)).collect())
            }
        }
    }

    /// Returns the applied versions that a downgrade to a target takes back, in that order.
    pub(super) fn downward(&self, target: &Target) -> Result<Vec<Version>> {
        let mut applied = self.applied();
        applied.reverse();
        // One that is being taken back comes first: nothing stands upon it.
        applied.sort_by_key(|version| !self.is_reverting(version));
        match target {
            Target::Base => Ok(applied),
            Target::Head => {
                Err(Error::invalid_input("a downgrade leads down: expected a version, -N or `base`, not head"))
            }
            Target::Steps(steps) => {
                let count = usize::try_from(*steps).unwrap_or(usize::MAX);
                if count > applied.len() {
                    let message = format!("-{steps} goes below the first migration: {} are applied", applied.len());
                    return Err(SchemaFault::UnknownTarget.error(message));
                }
                Ok(applied.into_iter().take(count).collect())
            }
            Target::Version(written) => {
                let version = self.find(written)?;
                if !self.is_applied(&version) {
                    let message = format!("version {version} is not applied: a downgrade leads to one that is");
                    return Err(SchemaFault::UnknownTarget
                        .error(message)
                        .with_context("version", version)
                        .with_hint("run `polymnia migrate history` to see which are"));
                }
                let beyond = self.beyond(&version);
                Ok(applied.into_iter().filter(|version| beyond.contains(version)).collect())
            }
        }
    }

    /// Returns the versions that are to be applied once a target is reached, whatever is applied now: for `stamp`.
    pub(crate) fn up_to(&self, target: &Target) -> Result<BTreeSet<Version>> {
        let known: Vec<Version> = self.chosen(|node| node.script.is_some());
        match target {
            Target::Base => Ok(BTreeSet::new()),
            Target::Head => Ok(known.into_iter().collect()),
            Target::Steps(_) => Ok(self.applied().into_iter().chain(self.upward(target)?).collect()),
            Target::Version(written) => {
                let version = self.find(written)?;
                let beyond = self.beyond(&version);
                let kept = self.applied().into_iter().filter(|version| !beyond.contains(version));
                Ok(kept.chain(self.with_ancestors(&[version])).collect())
            }
        }
    }
}

/// Writes versions into a message: the first few, and how many more there are.
pub(super) fn listed(versions: &[&Version]) -> String {
    let text = versions.iter().take(SHOWN).map(|version| version.as_str()).collect::<Vec<_>>().join(", ");
    match versions.len().saturating_sub(SHOWN) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}
