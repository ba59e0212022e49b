//! The live schema against what the applied migrations make.

use crate::schema::history::History;
use crate::schema::{Delta, Drift, ObjectKind, Problem, SchemaFault, Snapshot, Source, Validation, Version};
use crate::spi::SchemaEngine;
use crate::{Call, ErrorKind, Result};

/// Is what versions make, as far as it is written down.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// The schema.
    pub(super) schema: Snapshot,
    /// Versions of which nobody wrote down what they do.
    pub(super) unwritten: Vec<Version>,
}

/// Puts together what versions did, in order. What this build says of a version goes before what was seen when it was applied.
pub(super) fn made(history: &History<'_>, versions: &[Version]) -> Made {
    let mut made = Made::default();
    for version in versions {
        let written: Option<&Delta> = history.script(version).and_then(|script| script.delta.as_ref());
        match written.or_else(|| history.entry(version)?.delta.as_ref()) {
            Some(delta) => made.schema.apply(delta),
            None => made.unwritten.push(version.clone()),
        }
    }
    made
}

/// Is a live schema beside the expected one.
#[derive(Debug)]
pub(super) struct Comparison {
    /// The part of the live schema that is judged.
    pub(super) live: Snapshot,
    /// What differs.
    pub(super) drift: Vec<Drift>,
}

/// Compares. Every object of ours counts; of others, only those that are expected: the rest may be anybody's.
pub(super) fn compare(live: &Snapshot, expected: &Snapshot) -> Comparison {
    let judged = live.0.iter().filter(|(name, object)| object.ours || expected.0.contains_key(*name));
    let live = Snapshot(judged.map(|(name, object)| (name.clone(), object.clone())).collect());
    let drift = live.drift_from(expected);
    Comparison { live, drift }
}

/// Writes differences, one a line, as errors show them.
pub(super) fn listed(drift: &[Drift]) -> String {
    let line = |one: &Drift| {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        match one.what.as_str() {
            "missing" => format!("- {}\n", one.object),
            "unexpected" => format!("+ {}\n", one.object),
            what => {
                format!("! {} {what}: expected {}, found {}\n", one.object, shown(&one.expected), shown(&one.found))
            }
        }
    };
    drift.iter().map(line).collect()
}

/// Compares the live schema with what the applied migrations make, and tries what it promises. `build` makes the schema of
/// versions from their scripts, for those of which nobody wrote down what they do.
pub(super) fn validate(
    engine: &dyn SchemaEngine,
    call: &Call,
    sources: &[Source],
    build: impl FnOnce(&[Version]) -> Result<Snapshot>,
) -> Result<Validation> {
    let ledger = engine.ledger(call)?;
    let history = History::new(sources, &ledger);
    let applied = history.applied();
    let mut problems: Vec<Problem> = history.findings().into_iter().map(Into::into).collect();
    let unfinished = history.unfinished();
    problems.extend(unfinished.iter().map(|version| history.unfinished_finding(version).into()));
    if let Some(finding) = super::status::not_adopted(engine, call, sources, &ledger)? {
        problems.push(finding.into());
    }
    let mut made = made(&history, &applied);
    if !made.unwritten.is_empty() {
        if made.unwritten.iter().all(|version| history.script(version).is_some()) && history.unknown().is_empty() {
            made.schema = build(&applied)?;
        } else {
            problems.extend(made.unwritten.iter().map(unwritten));
        }
    }
    let live = engine.snapshot(call)?;
    let Comparison { live, drift } = compare(&live, &made.schema);
    let lacks_table = drift.iter().any(|one| one.what == "missing" && one.object.kind == ObjectKind::Table);
    let probes = if applied.is_empty() || lacks_table { Vec::new() } else { probes(engine, call)? };
    let changed = history.changed();
    Ok(Validation {
        valid: drift.is_empty() && problems.is_empty() && changed.is_empty() && probes.iter().all(|probe| probe.holds),
        version: applied.last().cloned(),
        fingerprint: live.fingerprint(),
        expected: made.schema.fingerprint(),
        drift,
        probes,
        changed,
        problems,
    })
}

/// Tries what the schema promises, where that can be tried: it takes a transaction that can write.
fn probes(engine: &dyn SchemaEngine, call: &Call) -> Result<Vec<crate::schema::Probe>> {
    match engine.probe(call) {
        Err(error) if matches!(error.kind(), ErrorKind::ReadOnly | ErrorKind::PermissionDenied) => Ok(Vec::new()),
        probes => probes,
    }
}

fn unwritten(version: &Version) -> Problem {
    Problem {
        code: SchemaFault::Newer.code(),
        message: format!("nobody wrote down what version {version} does: its objects can't be told from drift"),
        hint: Some("validate with the build that knows it".to_owned()),
    }
}
