//! Taking over a database that another tool, or a hand, has made.

use std::collections::BTreeSet;

use crate::schema::history::History;
use crate::schema::validate::{compare, listed, made};
use crate::schema::{
    Drift, ForeignLedger, Ledger, ObjectKind, Origin, RunOptions, SchemaFault, Snapshot, Source, Version,
};
use crate::spi::SchemaSession;
use crate::{Call, Error, ErrorKind, Result};

/// As many differences stand in an error.
const SHOWN: usize = 100;
/// So many older versions are tried when the one that is meant doesn't fit.
const TRIED: usize = 20;

/// Is what a baseline records, once it has been seen that it is so.
#[derive(Debug)]
pub(super) struct Baseline {
    /// The version, and all it is built upon.
    pub(super) versions: BTreeSet<Version>,
    /// The newest of them.
    pub(super) version: Version,
}

/// Refuses a database with a ledger of ours that says what is applied.
pub(super) fn check_unrecorded(history: &History<'_>) -> Result<()> {
    if !history.is_lost() {
        history.check_finished()?;
    }
    let Some(newest) = history.newest().filter(|_| !history.is_lost()) else { return Ok(()) };
    Err(Error::new(ErrorKind::Conflict, format!("the ledger says already that version {newest} is applied"))
        .with_context("version", &newest)
        .with_hint("run `polymnia migrate status`; to record another version, `polymnia migrate stamp`"))
}

/// Compares a live schema with ours at a version. `expected` makes the schema of versions.
pub(super) fn compare_at(
    history: &History<'_>,
    at: Option<&str>,
    live: &Snapshot,
    expected: impl Fn(&[Version]) -> Result<Snapshot>,
) -> Result<Baseline> {
    let versions = match at {
        Some(written) => history.with_ancestors(&[history.find(written)?]),
        None => history.with_ancestors(&history.heads()),
    };
    let Some(version) = versions.last().cloned() else {
        return Err(SchemaFault::UnknownTarget.error("this build has no migration"));
    };
    if let Some(unknown) = versions.iter().find(|version| history.script(version).is_none()) {
        let message = format!("version {unknown} is not known to this build: nothing to compare with");
        return Err(SchemaFault::UnknownTarget.error(message).with_context("version", unknown));
    }
    if !live.0.iter().any(|(name, object)| object.ours && name.kind == ObjectKind::Table) {
        return Err(SchemaFault::NotAdopted
            .error("there is no table of ours in the database: nothing to take over")
            .with_hint("run `polymnia migrate upgrade`, which leaves what is there as it is"));
    }
    let drift = compare(live, &expected(&versions)?).drift;
    if drift.is_empty() {
        return Ok(Baseline { versions: versions.into_iter().collect(), version });
    }
    let fitting = versions.iter().rev().skip(1).take(TRIED).find(|one| {
        let below = history.with_ancestors(&[(*one).clone()]);
        expected(&below).is_ok_and(|schema| compare(live, &schema).drift.is_empty())
    });
    Err(refusal(&version, &drift, fitting))
}

fn refusal(version: &Version, drift: &[Drift], fitting: Option<&Version>) -> Error {
    let objects = if drift.len() == 1 { "1 difference".to_owned() } else { format!("{} differences", drift.len()) };
    let mut diff = listed(&drift[..drift.len().min(SHOWN)]);
    if drift.len() > SHOWN {
        diff = format!("{diff}and {} more\n", drift.len() - SHOWN);
    }
    let hint = match fitting {
        Some(fitting) => {
            format!("the schema is that of version {fitting}: run `polymnia migrate baseline --at {fitting}`")
        }
        None => "make the schema equal by hand, or compare with another version by `--at VERSION`".to_owned(),
    };
    SchemaFault::Drift
        .error(format!("the schema is not that of version {version}: {objects}"))
        .with_context("version", version)
        .with_context("state", "nothing was changed")
        .with_context("diff", diff)
        .with_hint(hint)
}

/// Records it.
pub(super) fn record(
    session: &mut dyn SchemaSession,
    call: &Call,
    ledger: &Ledger,
    sources: &[Source],
    options: &RunOptions,
    (baseline, foreign): (&Baseline, &[ForeignLedger]),
) -> Result<Vec<Version>> {
    let history = History::new(sources, ledger);
    check_unrecorded(&history)?;
    let mut detail = "recorded, its schema having been compared".to_owned();
    for ledger in foreign {
        detail = format!("{detail}; the ledger of {ledger} is left as it is");
    }
    super::stamp::record(session, call, &history, options, &baseline.versions, Origin::Baseline, &detail)
}

/// Returns what the versions make, from what is written down; none if it isn't of all of them.
pub(super) fn written(history: &History<'_>, versions: &[Version]) -> Option<Snapshot> {
    let made = made(history, versions);
    made.unwritten.is_empty().then_some(made.schema)
}
