//! Import of JSON lines: read, checked and stored in constant memory.
//!
//! `lines` splits the input, `entry` makes memories of lines, `source` does both on a thread of its own, `loader` stores
//! them in batches and chooses how, `rejects` keeps what can't be stored, `progress` tells how far it is.

mod entry;
mod lines;
mod loader;
mod progress;
mod rejects;
mod source;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use polymnia::{Error, ErrorKind, MemoryStore, Namespace, OnConflict, Result, Retry, Upkeep};

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
    /// Memories indexed after all were stored, those included that an earlier import left so.
    pub(crate) indexed: u64,
    /// How long storing and indexing took.
    pub(crate) spent: Duration,
    /// How long of that was indexing.
    pub(crate) indexing: Duration,
    /// Why the rest could not be indexed. It is found all the same, more slowly.
    pub(crate) not_indexed: Option<Error>,
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
    let checked = source.can_be_read_twice() && options.rejects.is_none();
    let lines = if checked { Some(validate(source, options, progress)?) } else { None };
    let started = Instant::now();
    let loaded = load(store, source, options, lines, progress);
    // Where a line was at fault, the database is as well as before.
    let goes_on = |error: &Error| matches!(error.kind(), ErrorKind::Conflict | ErrorKind::InvalidInput);
    interrupt::note_hint(match loaded {
        Ok(_) => "every line is stored; `polymnia optimize` finishes the index",
        Err(_) => "what is stored stays; `polymnia optimize` finishes its index",
    });
    let indexed = if loaded.as_ref().err().is_none_or(goes_on) { index(store, progress)? } else { Indexed::default() };
    let mut report = loaded?;
    (report.indexed, report.indexing, report.not_indexed) = (indexed.memories, indexed.spent, indexed.failed);
    report.spent = started.elapsed();
    if report.written() > 0 {
        interrupt::note_hint("every line is stored and indexed");
        let _waiting = progress.wait("analyzing");
        report.not_analyzed = store.admin().analyze().err();
    }
    progress.end();
    interrupt::note_end();
    Ok(report)
}

/// Is what became of the indexing at the end.
#[derive(Debug, Default)]
struct Indexed {
    memories: u64,
    spent: Duration,
    failed: Option<Error>,
}

/// Indexes what was loaded in bulk, now or by an import that was cut off. There is next to nothing to do if that is nothing.
fn index(store: &MemoryStore, progress: &mut Progress) -> Result<Indexed> {
    let started = Instant::now();
    let waiting = progress.wait("indexing");
    let done = store.clone().with_cancel(interrupt::token()).admin().optimize(Upkeep::Index);
    drop(waiting);
    let spent = started.elapsed();
    match done {
        Ok(report) => Ok(Indexed { memories: report.indexed, spent, failed: None }),
        Err(error) if error.kind() == ErrorKind::Cancelled => Err(interrupt::error()),
        Err(error) => Ok(Indexed { memories: 0, spent, failed: Some(error) }),
    }
}

/// Checks every line and returns how many there are.
fn validate(source: &Source, options: &Options, progress: &mut Progress) -> Result<u64> {
    progress.begin("checking", source.bytes());
    let mut lines = 0;
    for chunk in source.read(&options.namespace)? {
        interrupt::check()?;
        if let Some(fault) = chunk.faults.into_iter().next() {
            let hint = "nothing was stored; --keep-going imports the rest and writes such lines to a file";
            let error = source.name_in(fault.error);
            return Err(if error.hint().is_some() { error } else { error.with_hint(hint) });
        }
        lines += chunk.entries.len() as u64;
        progress.advance(chunk.bytes_read, chunk.entries.len());
    }
    Ok(lines)
}

fn load(
    store: &MemoryStore,
    source: &Source,
    options: &Options,
    lines: Option<u64>,
    progress: &mut Progress,
) -> Result<Report> {
    progress.begin("importing", source.bytes());
    let mut rejects = options.rejects.as_deref().map(Rejects::new);
    let mut loader = Loader::new(store, options, lines);
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
    if error.retry() == Retry::Ambiguous {
        let error = error.with_context("stored", format!("{stored}, and whether the last batch is, nobody knows"));
        return if error.hint().is_some() { error } else { error.with_hint("go on with --on-conflict skip") };
    }
    let hint = match error.kind() {
        ErrorKind::Conflict => "--on-conflict skip keeps what is stored, --on-conflict replace writes over it",
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
