//! Tests of planning, over sources and ledgers made by hand.

mod foreign;
mod plans;
mod problems;
mod properties;

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::run::entry_of;
use crate::schema::text::Syntax;
use crate::schema::{
    Compatibility, Entry, Ledger, Metadata, Plan, RunOptions, SchemaFault, Script, Source, State, Target, Version,
};
use crate::{Error, Timestamp};

use super::History;

/// Returns a version by its last digits, after a prefix: `shop3`.
fn version(short: &str) -> Version {
    let digits = short.trim_start_matches(|c: char| c.is_ascii_lowercase());
    let prefix = &short[..short.len() - digits.len()];
    Version::new(format!("{prefix}2026112100{digits:0>4}")).unwrap()
}

fn versions(short: &[&str]) -> Vec<Version> {
    short.iter().map(|short| version(short)).collect()
}

/// Returns a script that makes a table, built upon the one before it.
fn script(short: &str) -> Script {
    let version = version(short);
    Script {
        up: format!("CREATE TABLE t_{version} (a integer);"),
        down: format!("DROP TABLE t_{version};"),
        name: format!("table_{short}"),
        metadata: Metadata {
            run_in_transaction: true,
            parents: Vec::new(),
            compatibility: Compatibility::Full,
            rebuild: false,
            apart: BTreeMap::new(),
        },
        delta: None,
        folder: format!("migrations/sqlite/{version}_table"),
        version,
    }
}

/// Returns a script that is built upon others.
fn upon(short: &str, parents: &[&str]) -> Script {
    let mut script = script(short);
    script.metadata.parents = versions(parents);
    script
}

fn source(scripts: Vec<Script>) -> Source {
    let prefix = scripts.first().map(|script| script.version.prefix().to_owned()).unwrap_or_default();
    Source { prefix, dialect: "sqlite".to_owned(), scripts }
}

fn plain(short: &[&str]) -> Source {
    source(short.iter().map(|short| script(short)).collect())
}

/// Returns a ledger in which versions were applied by the engine, in that order.
fn ran(sources: &[Source], short: &[&str]) -> Ledger {
    let mut ledger = Ledger { diesel: Some(BTreeSet::new()), entries: Some(Vec::new()) };
    for short in short {
        add(&mut ledger, sources, &version(short), State::Applied);
    }
    ledger
}

fn add(ledger: &mut Ledger, sources: &[Source], version: &Version, state: State) {
    let known = sources.iter().flat_map(|source| &source.scripts).find(|script| script.version == *version);
    let script = known.cloned().unwrap_or_else(|| Script { version: version.clone(), ..script("1") });
    let parents = History::new(sources, ledger).parents(version);
    let entries = ledger.entries.as_mut().unwrap();
    let position = entries.len() as u64 + 1;
    let now = Timestamp::from_micros(0).unwrap();
    let entry = entry_of(&script, Syntax::Sqlite, parents, position, &RunOptions::default(), now);
    entries.retain(|entry| entry.version != *version);
    entries.push(Entry { state, ..entry });
    let rows = ledger.diesel.as_mut().unwrap();
    if matches!(state, State::Applied | State::Reverting) {
        rows.insert(version.to_string());
    } else {
        rows.remove(version.as_str());
    }
}

/// Returns the steps of a plan by their versions' last digits.
fn steps(plan: &Plan) -> Vec<Version> {
    plan.steps.iter().map(|step| step.version.clone()).collect()
}

fn up(sources: &[Source], ledger: &Ledger, target: &Target) -> Result<Plan, Error> {
    History::new(sources, ledger).plan_up(target, &RunOptions::default())
}

fn down(sources: &[Source], ledger: &Ledger, target: &Target) -> Result<Plan, Error> {
    History::new(sources, ledger).plan_down(target, &RunOptions::default())
}

fn to(short: &str) -> Target {
    Target::Version(version(short).to_string())
}

fn fault(error: &Error) -> Option<SchemaFault> {
    SchemaFault::of(error)
}
