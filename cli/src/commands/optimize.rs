//! `optimize`

use std::time::{Duration, Instant};

use polymnia::{ErrorKind, OptimizeReport, Upkeep};
use serde::Serialize;

use crate::args::{Format, OptimizeArgs};
use crate::context::Context;
use crate::failure::{Exit, Outcome};
use crate::output::{duration, plural};
use crate::progress::Waiting;

#[derive(Serialize)]
struct Optimized {
    #[serde(flatten)]
    report: OptimizeReport,
    seconds: f64,
}

/// Does the upkeep of what is derived from memories and prints what it did.
pub(crate) fn run(context: &mut Context, args: &OptimizeArgs) -> Outcome {
    let upkeep = if args.index_only { Upkeep::Index } else { Upkeep::Full };
    let admin = context.open()?.admin();
    let started = Instant::now();
    let waiting = Waiting::begin(context.quiet, if args.index_only { "indexing" } else { "optimizing" });
    let report = admin.optimize(upkeep);
    drop(waiting);
    let report = report.map_err(|error| match error.kind() {
        ErrorKind::Cancelled => error.with_hint("what was done stays; `polymnia optimize` goes on from there"),
        _ => error,
    })?;
    let spent = started.elapsed();
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(Optimized { report, seconds: spent.as_secs_f64() })?,
        Format::Table => context.out.line(told(args, report, spent))?,
    }
    Ok(Exit::Ok)
}

fn told(args: &OptimizeArgs, report: OptimizeReport, spent: Duration) -> String {
    let OptimizeReport { indexed, removed } = report;
    let indexed = plural(indexed, "memory", "memories");
    let removed = plural(removed, "index entry", "index entries");
    let spent = duration(spent);
    if args.index_only {
        format!("indexed {indexed} in {spent}")
    } else {
        format!("indexed {indexed}, removed {removed} and refreshed the statistics in {spent}")
    }
}
