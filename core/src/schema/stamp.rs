//! Recording versions without running them.

use std::collections::BTreeSet;

use crate::schema::history::History;
use crate::schema::run::{entry_of, log_line, syntax_of};
use crate::schema::{Entry, Ledger, Origin, RunOptions, Script, Source, State, Target, Version};
use crate::spi::SchemaSession;
use crate::{Call, Result};

/// Records exactly the versions up to a target as applied: those below it are added, those above it removed. Returns the
/// versions whose record changed.
pub(super) fn stamp(
    session: &mut dyn SchemaSession,
    call: &Call,
    ledger: &Ledger,
    sources: &[Source],
    options: &RunOptions,
    target: &Target,
) -> Result<Vec<Version>> {
    let history = History::new(sources, ledger);
    history.check_order()?;
    history.check_finished()?;
    let wanted = history.up_to(target)?;
    let removed: Vec<Version> =
        history.applied().into_iter().rev().filter(|version| !wanted.contains(version)).collect();
    for version in &removed {
        session.forget(call, version)?;
        session.log(call, &log_line(options, call.now, "stamped", Some(version), "no longer recorded as applied"))?;
    }
    let mut changed = removed;
    changed.extend(record(session, call, &history, options, &wanted, Origin::Stamped, "recorded without running it")?);
    Ok(changed)
}

/// Records those of the versions that are not applied, as far as the build knows them, in order, and returns them.
pub(super) fn record(
    session: &mut dyn SchemaSession,
    call: &Call,
    history: &History<'_>,
    options: &RunOptions,
    wanted: &BTreeSet<Version>,
    origin: Origin,
    detail: &str,
) -> Result<Vec<Version>> {
    let missing: Vec<Version> = history.pending().into_iter().filter(|version| wanted.contains(version)).collect();
    for (position, version) in (history.next_position()..).zip(&missing) {
        let script = history.script(version).expect("only what the build knows is pending");
        let entry = recorded(script, history, position, origin, call, options);
        session.record(call, &entry)?;
        session.log(call, &log_line(options, call.now, origin.code(), Some(version), detail))?;
    }
    Ok(missing)
}

/// Returns the entry of a version that counts as applied without having run.
pub(super) fn recorded(
    script: &Script,
    history: &History<'_>,
    position: u64,
    origin: Origin,
    call: &Call,
    options: &RunOptions,
) -> Entry {
    let parents = history.parents(&script.version);
    let entry = entry_of(script, syntax_of(history.sources()), parents, position, options, call.now);
    Entry { state: State::Applied, origin, done: entry.statements, finished_at: Some(call.now), ..entry }
}
