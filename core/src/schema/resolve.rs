//! Bringing records into line with what is so.

use crate::schema::history::History;
use crate::schema::run::{entry_of, log_line, made_by, syntax_of};
use crate::schema::{
    Entry, Ledger, Origin, RepairReport, Resolution, RunOptions, SchemaFault, Snapshot, Source, State, Version,
};
use crate::spi::SchemaSession;
use crate::{Call, Error, ErrorKind, Result};

/// Declares a migration that stopped half-way to be resolved by hand.
pub(super) fn resolve(
    session: &mut dyn SchemaSession,
    call: &Call,
    ledger: &Ledger,
    sources: &[Source],
    options: &RunOptions,
    (written, resolution): (&str, Resolution),
) -> Result<()> {
    let history = History::new(sources, ledger);
    let (version, entry) = unfinished(&history, written)?;
    match resolution {
        Resolution::Applied => {
            let script = entry.up.as_deref().or_else(|| Some(history.script(&version)?.up.as_str()));
            let invalid = session.invalid_indexes(call)?;
            if let Some(index) = made_by(script.unwrap_or_default(), syntax_of(sources), &invalid) {
                return Err(half_made(&version, index));
            }
            // While it ran, its entry held the schema as it was before.
            let delta = match (entry.state, &entry.delta) {
                (State::Running | State::Failed, Some(before)) => {
                    let mut schema = Snapshot::default();
                    schema.apply(before);
                    Some(session.snapshot(call)?.since(&schema))
                }
                (_, delta) => delta.clone(),
            };
            let resolved = Entry {
                state: State::Applied,
                origin: Origin::Resolved,
                done: entry.statements,
                batch_key: None,
                finished_at: Some(call.now),
                error: None,
                delta,
                ..entry.clone()
            };
            session.record(call, &resolved)?;
            session.log(call, &log_line(options, call.now, "resolved", Some(&version), "declared to be applied"))
        }
        Resolution::RolledBack => {
            session.forget(call, &version)?;
            session.log(call, &log_line(options, call.now, "resolved", Some(&version), "declared to be rolled back"))
        }
    }
}

/// Returns the error for a version that can't count as applied, as no query can use an index of it.
fn half_made(version: &Version, index: &str) -> Error {
    SchemaFault::PartlyApplied
        .error(format!("version {version} is not applied: its index {index} is INVALID"))
        .with_context("version", version)
        .with_context("index", index)
        .with_context("state", "nothing was changed")
        .with_hint("mend what kept it from being built and run `polymnia migrate upgrade`, which builds it anew")
}

/// Returns the migration that is meant, which must be one that stopped half-way.
pub(super) fn unfinished<'a>(history: &History<'a>, written: &str) -> Result<(Version, &'a Entry)> {
    let version = history.find(written)?;
    if let Some(entry) = history.entry(&version).filter(|entry| entry.state != State::Applied) {
        return Ok((version, entry));
    }
    let is = if history.is_applied(&version) { "applied" } else { "not applied" };
    Err(Error::new(ErrorKind::Conflict, format!("version {version} did not stop half-way: it is {is}"))
        .with_context("version", version)
        .with_hint("run `polymnia migrate status` to see what is to be resolved"))
}

/// Accepts the scripts of this build in place of those that were applied, and removes the entries of failures that left
/// nothing.
pub(super) fn repair(
    session: &mut dyn SchemaSession,
    call: &Call,
    ledger: &Ledger,
    sources: &[Source],
    options: &RunOptions,
) -> Result<RepairReport> {
    let history = History::new(sources, ledger);
    let mut report = RepairReport::default();
    for changed in history.changed() {
        let version = changed.version;
        let (Some(script), Some(entry)) = (history.script(&version), history.entry(&version)) else { continue };
        let now = entry_of(script, syntax_of(sources), history.parents(&version), entry.position, options, call.now);
        let accepted = Entry {
            name: now.name,
            checksum_raw: now.checksum_raw,
            checksum: now.checksum,
            up: now.up,
            down: now.down,
            run_in_transaction: now.run_in_transaction,
            rebuild: now.rebuild,
            compatibility: now.compatibility,
            ..entry.clone()
        };
        session.record(call, &accepted)?;
        let line = log_line(options, call.now, "repaired", Some(&version), "the script of this build was accepted");
        session.log(call, &line)?;
        report.accepted.push(version);
    }
    for version in history.unfinished() {
        if history.entry(&version).is_some_and(without_effect) {
            session.forget(call, &version)?;
            let line = log_line(options, call.now, "repaired", Some(&version), "a failure without effect was removed");
            session.log(call, &line)?;
            report.removed.push(version);
        }
    }
    Ok(report)
}

/// Removes the indexes of our scripts that were left half-made, and returns them. Those of others may refuse rows that their
/// owner wants refused.
pub(super) fn drop_invalid_indexes(
    session: &mut dyn SchemaSession,
    call: &Call,
    sources: &[Source],
) -> Result<Vec<String>> {
    if session.is_one_transaction() {
        return Ok(Vec::new()); // Where nothing stands outside a transaction, no such index is made or dropped.
    }
    let ledger = session.ledger(call)?;
    let known = sources.iter().flat_map(|source| &source.scripts).map(|script| script.up.as_str());
    let kept = ledger.entries.iter().flatten().filter_map(|entry| entry.up.as_deref());
    let scripts: Vec<&str> = known.chain(kept).collect();
    let mut indexes = session.invalid_indexes(call)?;
    let one = |index: &String| {
        let index = std::slice::from_ref(index);
        scripts.iter().any(|script| made_by(script, syntax_of(sources), index).is_some())
    };
    indexes.retain(one);
    for index in &indexes {
        session.drop_invalid_index(call, index).map_err(|failed| {
            SchemaFault::PartlyApplied
                .error(format!("the half-made index {index} can't be removed: {}", failed.error.message()))
                .with_source(failed.error)
        })?;
    }
    Ok(indexes)
}

fn without_effect(entry: &Entry) -> bool {
    matches!(entry.state, State::Running | State::Failed) && entry.done == 0 && entry.batch_key.is_none()
}

/// Says which versions the entries of a repair concern, for the log of the process.
pub(super) fn summary(report: &RepairReport) -> String {
    let RepairReport { accepted, adopted, removed, dropped_indexes } = report;
    let names = |versions: &[Version]| versions.iter().map(Version::as_str).collect::<Vec<_>>().join(" ");
    format!(
        "accepted [{}], adopted [{}], removed [{}], dropped indexes [{}]",
        names(accepted),
        names(adopted),
        names(removed),
        dropped_indexes.join(" ")
    )
}
