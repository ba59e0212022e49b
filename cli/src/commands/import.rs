//! `import`

use std::path::{Path, PathBuf};

use polymnia::{Error, Result};
use serde::Serialize;

use crate::args::{Format, ImportArgs};
use crate::context::{Context, Missing, OnInterrupt};
use crate::failure::{Exit, Failure, Outcome};
use crate::import::{self, NamespaceRule, Options, Progress, Report, Source, rejects_path};
use crate::output::{duration, grouped, plural};
use crate::settings;

#[derive(Serialize)]
struct Imported {
    stored: u64,
    replaced: u64,
    skipped: u64,
    rejected: u64,
    /// Where the rejects are, if there are any.
    rejects: Option<PathBuf>,
    /// Memories indexed after all were stored; the others were indexed with their batch.
    indexed: u64,
    /// Storing and indexing.
    seconds: f64,
    /// Of these, indexing after all were stored.
    indexing_seconds: f64,
    memories_per_second: f64,
}

/// Stores the memories of JSON lines and says how many.
pub(crate) fn run(context: &mut Context, args: &ImportArgs) -> Outcome {
    let source = Source::of_path(&args.file)?;
    let options = Options {
        namespace: rule(context, args),
        on_conflict: args.on_conflict.on_conflict(),
        batch_size: args.batch_size as usize,
        rejects: rejects(args)?,
    };
    let url = context.settings.database_url.value.clone();
    let store = context.open_url(&url, Missing::Refuse, OnInterrupt::Finish)?;
    let mut progress = Progress::new(context.quiet);
    let report = import::import(&store, &source, &options, &mut progress);
    drop(progress);
    let report = report.map_err(Failure::of_data)?;
    if let Some(error) = &report.not_indexed {
        context.note(format!("not all is indexed, so queries are slower until `polymnia optimize`: {error}"));
    }
    if let Some(error) = &report.not_analyzed {
        context.note(format!("statistics are not refreshed, so queries may be slower: {error}"));
    }
    print(context, &report, options.rejects.filter(|_| report.rejected > 0))?;
    Ok(if report.rejected > 0 { Exit::Failed } else { Exit::Ok })
}

fn rule(context: &Context, args: &ImportArgs) -> NamespaceRule {
    let settings::Setting { value, source } = context.settings.namespace.clone();
    match (args.into_namespace, source) {
        (true, _) => NamespaceRule::Into(value),
        // Only what was typed for this very import forbids other namespaces; a setting is what lines without one get.
        (false, settings::Source::Option(_)) => NamespaceRule::Only(value),
        (false, _) => NamespaceRule::Own(value),
    }
}

fn rejects(args: &ImportArgs) -> Result<Option<PathBuf>> {
    if !args.keep_going {
        return Ok(None);
    }
    let path = match &args.rejects {
        Some(path) => path.clone(),
        None if args.file == Path::new("-") => {
            return Err(Error::invalid_input("--keep-going needs a file for rejects when standard input is imported")
                .with_hint("name one with --rejects PATH"));
        }
        None => rejects_path(&args.file),
    };
    let is_input = || Some(path.canonicalize().ok()? == args.file.canonicalize().ok()?);
    if is_input() == Some(true) {
        return Err(Error::invalid_input("--rejects names the file that is imported: expected another"));
    }
    Ok(Some(path))
}

fn print(context: &mut Context, report: &Report, rejects: Option<PathBuf>) -> std::io::Result<()> {
    let Report { stored, replaced, skipped, rejected, indexed, spent, indexing, .. } = *report;
    if context.format != Format::Table {
        return context.out.document(Imported {
            stored,
            replaced,
            skipped,
            rejected,
            rejects,
            indexed,
            seconds: spent.as_secs_f64(),
            indexing_seconds: indexing.as_secs_f64(),
            memories_per_second: report.rate(),
        });
    }
    // Exact enough for a rate.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let rate = grouped(report.rate() as u64);
    let mut line = format!("imported {} in {} ({rate}/s)", plural(stored, "memory", "memories"), duration(spent));
    for (count, what) in [(replaced, "replaced"), (skipped, "skipped")] {
        if count > 0 {
            line = format!("{line}, {} {what}", grouped(count));
        }
    }
    if indexed > 0 {
        line = format!("{line}, {} indexed at the end in {}", grouped(indexed), duration(indexing));
    }
    context.out.line(line)?;
    if let Some(path) = rejects {
        let rejected = plural(rejected, "line", "lines");
        context.out.line(format!("rejected {rejected}: see {}", path.display()))?;
    }
    Ok(())
}
