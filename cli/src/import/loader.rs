//! Batches of memories, one namespace each, and what became of them.

use std::collections::HashMap;

use polymnia::{ApplyReport, Effect, Error, ErrorKind, MemoryStore, Mutation, Namespace, OnConflict, RecordLine, Result};

use super::entry::{Entry, Fault, with_line};
use super::rejects::Rejects;
use super::{Options, Report};
use crate::interrupt;

/// A batch is stored once it carries this, however few its memories.
const BATCH_BYTES: usize = 8 << 20;
/// All batches that fill up carry no more than this together.
const QUEUED_BYTES: usize = 16 << 20;
/// All batches that fill up hold no more memories than this together, or two batches.
const QUEUED_MEMORIES: usize = 10_000;

/// Gathers memories in batches, for a batch is of one namespace, and stores those that are full.
#[derive(Debug)]
pub(crate) struct Loader<'a> {
    store: &'a MemoryStore,
    on_conflict: OnConflict,
    batch_size: usize,
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
    pub(crate) fn new(store: &'a MemoryStore, options: &Options) -> Self {
        // An import that keeps going must not lose a batch for one memory of it: what would fail is skipped, and rejected
        // by what the store says of it.
        let on_conflict = match (options.on_conflict, &options.rejects) {
            (OnConflict::Fail, Some(_)) => OnConflict::Skip,
            (on_conflict, _) => on_conflict,
        };
        interrupt::note_stored(0);
        Self {
            store,
            on_conflict,
            batch_size: options.batch_size,
            batches: HashMap::new(),
            memories: 0,
            bytes: 0,
            report: Report::default(),
        }
    }
}
