//! What migrations make, found out by running them.

use crate::schema::{BackupMode, Ledger, RunOptions, Snapshot, Source, TxMode, Version};
use crate::schema::{history::History, run};
use crate::spi::SchemaEngine;
use crate::{Call, Result, SystemClock};

/// Applies versions on a database of its own, which goes away, and returns its schema.
pub(super) fn built(
    engine: &dyn SchemaEngine,
    call: &Call,
    sources: &[Source],
    versions: &[Version],
) -> Result<Snapshot> {
    let scratch = engine.scratch(call, false)?;
    let sources: Vec<Source> = sources.iter().map(|source| part(source, versions)).collect();
    let options = RunOptions {
        backup: BackupMode::Never,
        allow_destructive: true,
        tx_mode: TxMode::File,
        ..RunOptions::default()
    };
    let plan = |ledger: &Ledger| History::new(&sources, ledger).plan_all(&options);
    let run = run::Run {
        engine: scratch.schema(),
        options: &options,
        call,
        clock: &SystemClock,
        observer: &mut |_: &crate::schema::Event<'_>| {},
        sources: &sources,
    };
    run::run(run, &plan)?;
    scratch.schema().snapshot(call)
}

/// Returns the part of a source that is wanted.
fn part(source: &Source, versions: &[Version]) -> Source {
    let wanted = source.scripts.iter().filter(|script| versions.contains(&script.version));
    Source { scripts: wanted.cloned().collect(), ..source.clone() }
}
