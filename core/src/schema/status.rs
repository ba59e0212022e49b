//! Where a database stands.

use crate::schema::history::{Finding, History};
use crate::schema::{ForeignLedger, Ledger, ObjectKind, RunOptions, SchemaFault, Source, Status, Target};
use crate::spi::SchemaEngine;
use crate::{Call, Result};

/// Tells where the database stands. Changes nothing.
pub(super) fn status(
    engine: &dyn SchemaEngine,
    call: &Call,
    sources: &[Source],
    options: &RunOptions,
) -> Result<Status> {
    let ledger = engine.ledger(call)?;
    let history = History::new(sources, &ledger);
    let mut findings = history.findings();
    let foreign = foreign_ledgers(engine, call, &history)?;
    findings.extend(not_adopted(engine, call, sources, &ledger)?);
    let changed = history.changed();
    let forbidden = !findings.is_empty() || !changed.is_empty();
    let plan = if forbidden { None } else { history.plan_up(&Target::Head, options).ok() };
    Ok(Status {
        initialised: ledger.diesel.is_some() && ledger.entries.is_some(),
        current: history.current(),
        heads: history.heads(),
        pending: history.pending(),
        unknown: history.unknown(),
        access: history.access(),
        changed,
        unfinished: history.unfinished(),
        problems: findings.into_iter().map(Into::into).collect(),
        not_adopted: history.to_adopt().iter().chain(history.to_forget()).cloned().collect(),
        foreign,
        lock_holder: engine.lock_holder(call)?,
        plan,
    })
}

/// Finds the ledgers of other tools, diesel's own use by an application in the same file among them.
pub(super) fn foreign_ledgers(
    engine: &dyn SchemaEngine,
    call: &Call,
    history: &History<'_>,
) -> Result<Vec<ForeignLedger>> {
    let mut foreign = engine.foreign_ledgers(call)?;
    if let Some(version) = history.strange() {
        foreign.push(ForeignLedger {
            tool: "diesel".to_owned(),
            table: "__diesel_schema_migrations".to_owned(),
            version: Some(version.to_owned()),
        });
    }
    Ok(foreign)
}

/// Finds out whether there are tables of ours that no ledger knows of.
pub(super) fn not_adopted(
    engine: &dyn SchemaEngine,
    call: &Call,
    sources: &[Source],
    ledger: &Ledger,
) -> Result<Option<Finding>> {
    let history = History::new(sources, ledger);
    if history.newest().is_some() || !history.unfinished().is_empty() {
        return Ok(None);
    }
    let live = engine.snapshot(call)?;
    let tables = live.0.iter().filter(|(name, object)| object.ours && name.kind == ObjectKind::Table).count();
    // Another process may have migrated between the two reads; then the ledger says so by now.
    if tables == 0 || engine.ledger(call)? != *ledger {
        return Ok(None);
    }
    let plural = if tables == 1 { "table" } else { "tables" };
    let mut message = format!("the database has {tables} {plural} of ours, and no migration is recorded");
    for ledger in foreign_ledgers(engine, call, &history)? {
        message = format!("{message}; there is a ledger of {ledger}");
    }
    Ok(Some(Finding {
        fault: SchemaFault::NotAdopted,
        versions: Vec::new(),
        message,
        hint: "run `polymnia migrate baseline` to compare the schema and record its version".to_owned(),
    }))
}
