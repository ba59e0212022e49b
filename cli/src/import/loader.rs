//! Batches of memories, one namespace each, and what became of them.

use std::collections::HashMap;

use polymnia::{
    ApplyReport, Effect, Error, ErrorKind, MemoryStore, Mutation, Namespace, OnConflict, RecordLine, Result, Support,
};

use super::entry::{Entry, Fault, rebuild, with_line};
use super::rejects::Rejects;
use super::{Options, Report};
use crate::interrupt;

/// A batch is stored once it carries this, however few its memories.
const BATCH_BYTES: usize = 8 << 20;
/// All batches that fill up carry no more than this together.
const QUEUED_BYTES: usize = 16 << 20;
/// All batches that fill up hold no more memories than this together, or two batches.
const QUEUED_MEMORIES: usize = 20_000;
/// So many memories are loaded in bulk and indexed at the end: less is faster indexed batch by batch, and found quickly at
/// once.
const BULK: u64 = 20_000;

/// Gathers memories in batches, for a batch is of one namespace, and stores those that are full.
#[derive(Debug)]
pub(crate) struct Loader<'a> {
    store: &'a MemoryStore,
    on_conflict: OnConflict,
    /// Whether a line whose id is taken is a reject.
    reject_taken: bool,
    batch_size: usize,
    /// After how many memories the rest is loaded in bulk.
    bulk_after: u64,
    /// How many memories were handed over.
    handed: u64,
    batches: HashMap<Namespace, Batch>,
    memories: usize,
    bytes: usize,
    pub(crate) report: Report,
}

#[derive(Debug, Default)]
struct Batch {
    mutations: Vec<Mutation>,
    /// The line of each mutation.
    lines: Vec<u64>,
    bytes: usize,
}

impl<'a> Loader<'a> {
    /// Returns a loader of so many memories, if that is known: without, it turns to loading in bulk once there are many.
    pub(crate) fn new(store: &'a MemoryStore, options: &Options, expected: Option<u64>) -> Self {
        // An import that keeps going must not lose a batch for one memory of it: what would fail is skipped, and then
        // rejected.
        let reject_taken = options.on_conflict == OnConflict::Fail && options.rejects.is_some();
        let bulk_after = match (store.capability().bulk_load, expected) {
            (Support::None, _) => u64::MAX,
            (_, Some(expected)) if expected < BULK => u64::MAX,
            (_, Some(_)) => 0,
            (_, None) => BULK,
        };
        interrupt::note_stored(0);
        interrupt::note_hint("go on with --on-conflict skip");
        Self {
            store,
            on_conflict: if reject_taken { OnConflict::Skip } else { options.on_conflict },
            reject_taken,
            batch_size: options.batch_size,
            bulk_after,
            handed: 0,
            batches: HashMap::new(),
            memories: 0,
            bytes: 0,
            report: Report::default(),
        }
    }

    /// Takes a memory, and stores a batch if one is full.
    pub(crate) fn push(&mut self, entry: Entry, rejects: Option<&mut Rejects>) -> Result<()> {
        let Entry { line, namespace, memory } = entry;
        let mutation = Mutation::Restore { memory, on_conflict: self.on_conflict };
        let bytes = mutation.payload_bytes();
        let batch = match self.batches.get_mut(&namespace) {
            Some(batch) => batch,
            None => self.batches.entry(namespace.clone()).or_default(),
        };
        batch.mutations.push(mutation);
        batch.lines.push(line);
        batch.bytes += bytes;
        self.memories += 1;
        self.bytes += bytes;
        if batch.mutations.len() >= self.batch_size || batch.bytes >= BATCH_BYTES {
            return self.store(&namespace, rejects);
        }
        if self.bytes >= QUEUED_BYTES || self.memories >= QUEUED_MEMORIES.max(2 * self.batch_size) {
            let largest = self.batches.iter().max_by_key(|(_, batch)| batch.mutations.len());
            let namespace = largest.expect("memories are queued").0.clone();
            return self.store(&namespace, rejects);
        }
        Ok(())
    }

    /// Stores what is left, in the order of the lines that the batches begin with.
    pub(crate) fn flush(&mut self, mut rejects: Option<&mut Rejects>) -> Result<()> {
        let mut left: Vec<(u64, Namespace)> = self
            .batches
            .iter()
            .filter_map(|(namespace, batch)| Some((*batch.lines.first()?, namespace.clone())))
            .collect();
        left.sort_unstable_by_key(|(line, _)| *line);
        for (_, namespace) in left {
            self.store(&namespace, rejects.as_deref_mut())?;
        }
        Ok(())
    }

    fn store(&mut self, namespace: &Namespace, rejects: Option<&mut Rejects>) -> Result<()> {
        let Some(batch) = self.batches.remove(namespace) else { return Ok(()) };
        self.memories -= batch.mutations.len();
        self.bytes -= batch.bytes;
        interrupt::check()?;
        let bulk = self.handed >= self.bulk_after;
        if bulk {
            interrupt::note_hint(
                "go on with --on-conflict skip; `polymnia optimize` indexes what is stored until then",
            );
        }
        self.handed += batch.mutations.len() as u64;
        let applied = {
            let _in_flight = interrupt::in_flight();
            let apply = if bulk { MemoryStore::load } else { MemoryStore::apply };
            let applied = apply(self.store, namespace, &batch.mutations);
            if let Ok(report) = &applied {
                self.tally(report);
                interrupt::note_stored(self.report.written());
            }
            applied
        };
        let applied = applied.map_err(|error| batch.name_line(&error))?;
        match rejects {
            Some(rejects) if self.reject_taken => batch.reject_taken(namespace, &applied, rejects),
            _ => Ok(()),
        }
    }

    fn tally(&mut self, applied: &ApplyReport) {
        for outcome in &applied.outcomes {
            match outcome.effect {
                Effect::Created => self.report.stored += 1,
                Effect::Updated => self.report.replaced += 1,
                Effect::Skipped if !self.reject_taken => self.report.skipped += 1,
                _ => {}
            }
        }
    }
}

impl Batch {
    /// Says which line, or which lines, the error is about.
    fn name_line(&self, error: &Error) -> Error {
        let at = error.context_value("mutation").and_then(|at| at.parse::<usize>().ok());
        let line = match (at, self.lines.as_slice()) {
            (Some(at), lines) => lines.get(at),
            (None, [line]) => Some(line),
            (None, _) => None,
        };
        match (line, self.lines.first(), self.lines.last()) {
            (Some(line), ..) => with_line(error, *line),
            (None, Some(first), Some(last)) => {
                rebuild(error, |rebuilt| rebuilt.with_context("lines", format_args!("{first} to {last}")))
            }
            _ => rebuild(error, |rebuilt| rebuilt),
        }
    }

    fn reject_taken(&self, namespace: &Namespace, applied: &ApplyReport, rejects: &mut Rejects) -> Result<()> {
        for ((mutation, line), outcome) in self.mutations.iter().zip(&self.lines).zip(&applied.outcomes) {
            let (Mutation::Restore { memory, .. }, Effect::Skipped) = (mutation, outcome.effect) else { continue };
            let message = format!("memory {} is stored already", memory.id);
            let error = Error::new(ErrorKind::Conflict, message).with_context("line", line);
            let text = serde_json::to_string(&RecordLine::new(namespace, memory)).ok();
            rejects.write(&Fault { line: *line, error, text })?;
        }
        Ok(())
    }
}
