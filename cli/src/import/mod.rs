//! Import of JSON lines: read, checked and stored in constant memory.
//!
//! `lines` splits the input, `entry` makes memories of lines, `source` does both on a thread of its own, `loader` stores
//! them in batches, `rejects` keeps what can't be stored, `progress` tells how far it is.

mod entry;
mod lines;
mod loader;
mod progress;
mod rejects;
mod source;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use polymnia::{Error, ErrorKind, MemoryStore, Namespace, OnConflict, Result};

pub(crate) use entry::NamespaceRule;
pub(crate) use progress::Progress;
pub(crate) use source::Source;

use crate::interrupt;
use loader::Loader;
use rejects::Rejects;

/// Says how to import.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Which namespace a line goes to.
    pub(crate) namespace: NamespaceRule,
    pub(crate) on_conflict: OnConflict,
    /// How many memories are stored at a time.
    pub(crate) batch_size: usize,
    /// Where lines go that can't be imported; without, the first of them ends the import.
    pub(crate) rejects: Option<PathBuf>,
}

/// Tells what an import did.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// New memories.
    pub(crate) stored: u64,
    /// Memories written over.
    pub(crate) replaced: u64,
    /// Lines whose id was taken, and stayed with what it was.
    pub(crate) skipped: u64,
    /// Lines written to the file of rejects.
    pub(crate) rejected: u64,
    /// How long storing took.
    pub(crate) spent: Duration,
    /// Why the statistics could not be refreshed. Everything is stored: without, queries are slower, not wrong.
    pub(crate) not_analyzed: Option<Error>,
}

impl Report {
    /// Returns how many memories were written.
    pub(crate) fn written(&self) -> u64 {
        self.stored + self.replaced
    }

    /// Returns how many memories were written a second.
    pub(crate) fn rate(&self) -> f64 {
        // Exact enough for a rate.
        #[allow(clippy::cast_precision_loss)]
        let written = self.written() as f64;
        written / self.spent.as_secs_f64().max(1e-6)
    }
}

/// Imports a source into a store.
///
/// A file is read twice: unless there is a file for rejects, nothing of it is stored before all of it was found valid.
pub(crate) fn import(
    store: &MemoryStore,
    source: &Source,
    options: &Options,
    progress: &mut Progress,
) -> Result<Report> {
    // Whether there is a schema shows now, not after the first pass.
    store.get_many(options.namespace.default(), &[polymnia::MemoryId::from_bytes([0; 16])])?;
    if source.can_be_read_twice() && options.rejects.is_none() {
        validate(source, options, progress)?;
    }
    let started = Instant::now();
    let mut report = load(store, source, options, progress)?;
    report.spent = started.elapsed();
    if report.written() > 0 {
        progress.begin("analyzing", None);
        report.not_analyzed = store.admin().analyze().err();
    }
    progress.end();
    Ok(report)
}

fn validate(source: &Source, options: &Options, progress: &mut Progress) -> Result<()> {
    progress.begin("checking", source.bytes());
    for chunk in source.read(&options.namespace)? {
        interrupt::check()?;
        if let Some(fault) = chunk.faults.into_iter().next() {
            let hint = "nothing was stored; --keep-going imports the rest and writes such lines to a file";
            let error = source.name_in(fault.error);
            return Err(if error.hint().is_some() { error } else { error.with_hint(hint) });
        }
        progress.advance(chunk.bytes_read, chunk.entries.len());
    }
    Ok(())
}

fn load(store: &MemoryStore, source: &Source, options: &Options, progress: &mut Progress) -> Result<Report> {
    progress.begin("importing", source.bytes());
    let mut rejects = options.rejects.as_deref().map(Rejects::new);
    let mut loader = Loader::new(store, options);
    let ended = load_chunks(&mut loader, source, options, rejects.as_mut(), progress);
    let kept = rejects.map_or(Ok(0), Rejects::finish);
    let stored = loader.report.written();
    ended.map_err(|error| with_stored(source.name_in(error), stored))?;
    Ok(Report { rejected: kept?, ..loader.report })
}

fn load_chunks(
    loader: &mut Loader<'_>,
    source: &Source,
    options: &Options,
    mut rejects: Option<&mut Rejects>,
    progress: &mut Progress,
) -> Result<()> {
    for chunk in source.read(&options.namespace)? {
        progress.advance(chunk.bytes_read, chunk.entries.len());
        for entry in chunk.entries {
            loader.push(entry, rejects.as_deref_mut())?;
        }
        for fault in chunk.faults {
            let Some(rejects) = rejects.as_deref_mut() else {
                // What stands before the line is stored, so that one can go on from it.
                loader.flush(None)?;
                return Err(fault.error);
            };
            rejects.write(&fault)?;
        }
    }
    loader.flush(rejects)
}

fn with_stored(error: Error, stored: u64) -> Error {
    let hint = match error.kind() {
        ErrorKind::Conflict => "--on-conflict skip keeps what is stored, --on-conflict replace writes over it",
        ErrorKind::Cancelled => "go on with --on-conflict skip",
        _ if stored > 0 => "what is stored stays; go on with --on-conflict skip",
        _ => "",
    };
    // An interruption says it in its message.
    let error = if error.kind() == ErrorKind::Cancelled { error } else { error.with_context("stored", stored) };
    if hint.is_empty() || error.hint().is_some() { error } else { error.with_hint(hint) }
}

/// Returns the path for rejects of a file.
pub(crate) fn rejects_path(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".rejects.ndjson");
    file.with_file_name(name)
}

/// Returns the error for a line that names another namespace than the one asked for.
fn other_namespace(line: &Namespace, asked: &Namespace) -> Error {
    Error::invalid_input(format!("the line is of namespace {line:?}, and --namespace says {asked:?}"))
        .with_hint("leave --namespace out to keep the lines' own, or add --into-namespace to put all lines into it")
}
