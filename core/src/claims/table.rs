//! The claims of the whole process.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::file::File;
use super::{Owner, Taken};

/// Holds every claim. A plugin has a copy of its own, which knows of the plugin alone.
pub(super) static TABLE: Table =
    Table { entries: Mutex::new(Entries { next: 0, entries: Vec::new() }), removed: Condvar::new() };

/// A pool closes its connections in the background, a moment after the store that had them is gone. So long is waited for
/// them.
const CLOSING: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Table {
    entries: Mutex<Entries>,
    removed: Condvar,
}

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
        let end = Instant::now() + CLOSING;
        let mut table = self.lock();
        while let Some(taken) = table.taken(&owner, &files) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(taken);
            }
            table = self.removed.wait_timeout(table, left).unwrap_or_else(PoisonError::into_inner).0;
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
        self.removed.notify_all();
    }

    /// An entry is added and removed as a whole, so a panic elsewhere leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// Returns which of the files somebody else has, if any.
    fn taken(&self, owner: &Owner, files: &[File]) -> Option<Taken> {
        // Files are looked at only where there are two owners, which is rare.
        self.entries.iter().filter(|other| other.owner != *owner).find_map(|other| {
            let file = files.iter().find(|file| other.files.iter().any(|known| known.is(file)))?;
            Some(Taken { path: file.path.clone(), owner: other.owner.clone() })
        })
    }
}
