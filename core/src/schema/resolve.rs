//! Bringing records into line with what is so.

use crate::schema::history::History;
use crate::schema::run::{entry_of, log_line, syntax_of};
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

/// Removes the indexes that were left half-made, and returns them.
pub(super) fn drop_invalid_indexes(session: &mut dyn SchemaSession, call: &Call) -> Result<Vec<String>> {
    if session.is_one_transaction() {
        return Ok(Vec::new()); // Where nothing stands outside a transaction, no such index is made or dropped.
    }
    let indexes = session.invalid_indexes(call)?;
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
