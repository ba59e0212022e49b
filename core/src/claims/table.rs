//! The claims of the whole process.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::file::File;
use super::{Owner, Taken};

/// Holds every claim. A plugin has a copy of its own, which knows of the plugin alone.
pub(super) static TABLE: Table = Table(Mutex::new(Entries { next: 0, entries: Vec::new() }));

#[derive(Debug)]
pub(super) struct Table(Mutex<Entries>);

#[derive(Debug)]
struct Entries {
    next: u64,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    owner: Owner,
    /// The database itself first, then what stands beside it.
    files: Vec<File>,
}

impl Table {
    /// Adds a claim, if nobody else has one to any of the files, and returns its number; none if there are no files.
    pub(super) fn add(&self, owner: Owner, mut files: Vec<File>) -> Result<Option<u64>, Taken> {
        if files.is_empty() {
            return Ok(None);
        }
        let mut table = self.lock();
        // Files are looked at only where there are two owners, which is rare.
        for other in table.entries.iter().filter(|other| other.owner != owner) {
            if let Some(file) = files.iter().find(|file| other.files.iter().any(|known| known.is(file))) {
                return Err(Taken { path: file.path.clone(), owner: other.owner.clone() });
            }
        }
        files.iter_mut().skip(1).for_each(File::forget_node);
        let number = table.next;
        table.next += 1;
        table.entries.push(Entry { number, owner, files });
        Ok(Some(number))
    }

    /// Looks again which file the database is in.
    pub(super) fn settle(&self, number: u64) {
        let mut table = self.lock();
        let entry = table.entries.iter_mut().find(|entry| entry.number == number);
        if let Some(file) = entry.and_then(|entry| entry.files.first_mut()) {
            file.settle();
        }
    }

    pub(super) fn remove(&self, number: u64) {
        self.lock().entries.retain(|entry| entry.number != number);
    }

    /// An entry is added and removed as a whole, so a panic elsewhere leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
