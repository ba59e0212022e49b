//! What other tools did: taken over into our ledger.

use crate::schema::history::History;
use crate::schema::text::{Syntax, checksums, statements};
use crate::schema::{Compatibility, Entry, Ledger, Origin, RunOptions, Script, Source, State, Version};
use crate::spi::SchemaSession;
use crate::{Call, Result, Timestamp};

use super::log_line;

/// Is what our ledger lacks of what other tools did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Adoption {
    /// Entries of what another tool applied, parents first.
    pub(crate) adopt: Vec<Entry>,
    /// What another tool took back.
    pub(crate) forget: Vec<Version>,
}

impl Adoption {
    /// Returns whether there is nothing to take over.
    pub(crate) fn is_empty(&self) -> bool {
        self.adopt.is_empty() && self.forget.is_empty()
    }

    /// Returns the versions concerned, with whether they are applied.
    pub(crate) fn versions(&self) -> impl Iterator<Item = (&Version, bool)> {
        let applied = self.adopt.iter().map(|entry| (&entry.version, true));
        applied.chain(self.forget.iter().map(|version| (version, false)))
    }

    /// Writes it down, in the transaction that is open.
    pub(super) fn write(&self, session: &mut dyn SchemaSession, call: &Call, options: &RunOptions) -> Result<()> {
        for entry in &self.adopt {
            session.record(call, entry)?;
            let line = log_line(options, call.now, "adopted", Some(&entry.version), "applied by another tool");
            session.log(call, &line)?;
        }
        for version in &self.forget {
            session.forget(call, version)?;
            let line = log_line(options, call.now, "adopted", Some(version), "taken back by another tool");
            session.log(call, &line)?;
        }
        Ok(())
    }
}

/// Returns what a ledger as it was read lacks.
pub(crate) fn adoption(sources: &[Source], ledger: &Ledger, options: &RunOptions, now: Timestamp) -> Adoption {
    let history = History::new(sources, ledger);
    let entries = ledger.entries.as_deref().unwrap_or_default();
    let mut next = history.next_position();
    let adopt = history.to_adopt().iter().map(|version| {
        // A script of ours that stopped half-way and was run whole by another tool since keeps its place.
        let position = entries.iter().find(|entry| entry.version == *version).map_or(next, |entry| entry.position);
        next = next.max(position + 1);
        let parents = history.parents(version);
        match history.script(version) {
            Some(script) => Entry {
                origin: Origin::Adopted,
                state: State::Applied,
                finished_at: Some(now),
                ..entry_of(script, syntax_of(sources), parents, position, options, now)
            },
            None => unknown(version.clone(), parents, position, options, now),
        }
    });
    Adoption { adopt: adopt.collect(), forget: history.to_forget().to_vec() }
}

/// Returns the entry of a script that is about to run.
pub(crate) fn entry_of(
    script: &Script,
    syntax: Syntax,
    parents: Vec<Version>,
    position: u64,
    options: &RunOptions,
    now: Timestamp,
) -> Entry {
    let sums = checksums(&script.up, syntax);
    Entry {
        version: script.version.clone(),
        name: script.name.clone(),
        position,
        state: State::Running,
        origin: Origin::Run,
        parents,
        checksum_raw: sums.raw,
        checksum: sums.normalized,
        up: Some(script.up.clone()),
        down: Some(script.down.clone()),
        run_in_transaction: script.metadata.run_in_transaction,
        rebuild: script.metadata.rebuild,
        compatibility: script.metadata.compatibility,
        statements: u32::try_from(statements(&script.up, syntax).len()).unwrap_or(u32::MAX),
        done: 0,
        batch_key: None,
        started_at: now,
        finished_at: None,
        millis: None,
        error: None,
        by: options.by.clone(),
        tool: options.tool.clone(),
        delta: script.delta.clone(),
    }
}

/// Returns how the dialect of the sources writes SQL.
pub(crate) fn syntax_of(sources: &[Source]) -> Syntax {
    Syntax::of(sources.first().map_or("", |source| &source.dialect))
}

/// Returns the entry of a version that another tool applied and this build doesn't know. Nobody says that writing is
/// harmless there.
fn unknown(version: Version, parents: Vec<Version>, position: u64, options: &RunOptions, now: Timestamp) -> Entry {
    Entry {
        version,
        name: String::new(),
        position,
        state: State::Applied,
        origin: Origin::Adopted,
        parents,
        checksum_raw: String::new(),
        checksum: String::new(),
        up: None,
        down: None,
        run_in_transaction: true,
        rebuild: false,
        compatibility: Compatibility::ReadOnly,
        statements: 0,
        done: 0,
        batch_key: None,
        started_at: now,
        finished_at: Some(now),
        millis: None,
        error: None,
        by: options.by.clone(),
        tool: options.tool.clone(),
        delta: None,
    }
}
