//! What is open, by numbers that the host keeps.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};

use polymnia::spi::{Engine, SchemaSession};

use super::cursor::Cursor;

/// Is something open. Clones are the same thing.
#[derive(Clone, Debug)]
pub(super) enum Open {
    /// A database, on which calls run side by side. It is closed with the last of them.
    Engine(Arc<dyn Engine>),
    /// A session of migrating, on which calls come one after the other; none once it was closed.
    Session(Arc<Mutex<Option<Box<dyn SchemaSession>>>>),
    /// The rest of a result; none once it was closed.
    Cursor(Arc<Mutex<Option<Cursor>>>),
}

impl Open {
    pub(super) fn cursor(cursor: Cursor) -> Self {
        Self::Cursor(Arc::new(Mutex::new(Some(cursor))))
    }
}

/// Waits for what is used elsewhere. After a panic nobody gets that far, but for closing.
pub(super) fn waiting<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes what is not used at present.
pub(super) fn at_once<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Gives numbers to what is open.
///
/// A number is a place in a list, and above it a count of how often the place was taken. So a number that was closed, or
/// made up, leads nowhere, never to something else.
pub(super) struct Handles {
    // Only ever held for the length of a look, a push or a pop.
    places: RwLock<Places>,
}

struct Places {
    places: Vec<Place>,
    free: Vec<u32>,
}

struct Place {
    /// From 1, so that no handle is 0.
    generation: u32,
    open: Option<Open>,
}

impl Handles {
    pub(super) const fn new() -> Self {
        Self { places: RwLock::new(Places { places: Vec::new(), free: Vec::new() }) }
    }

    /// Keeps something open and returns its handle.
    pub(super) fn insert(&self, open: Open) -> u64 {
        let mut all = self.places.write().unwrap_or_else(PoisonError::into_inner);
        let index = if let Some(index) = all.free.pop() {
            index
        } else {
            let index = u32::try_from(all.places.len()).expect("memory ends before 4,294,967,296 places do");
            all.places.push(Place { generation: 1, open: None });
            index
        };
        let place = &mut all.places[index as usize];
        place.open = Some(open);
        handle(place.generation, index)
    }

    /// Returns what a handle stands for.
    pub(super) fn find(&self, handle: u64) -> Option<Open> {
        let all = self.places.read().unwrap_or_else(PoisonError::into_inner);
        all.places.get(index(handle)).filter(|place| place.generation == generation(handle))?.open.clone()
    }

    /// Takes a handle back and returns what it stood for, to be dropped outside of the lock.
    pub(super) fn remove(&self, handle: u64) -> Option<Open> {
        let mut all = self.places.write().unwrap_or_else(PoisonError::into_inner);
        let place = all.places.get_mut(index(handle)).filter(|place| place.generation == generation(handle))?;
        let open = place.open.take()?;
        // A place whose count is at its end is not used again.
        if let Some(next) = place.generation.checked_add(1) {
            place.generation = next;
            all.free.push(low(handle));
        }
        Some(open)
    }

    /// Returns how many are open.
    pub(super) fn len(&self) -> usize {
        let all = self.places.read().unwrap_or_else(PoisonError::into_inner);
        all.places.iter().filter(|place| place.open.is_some()).count()
    }
}

impl fmt::Debug for Handles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handles").field("open", &self.len()).finish()
    }
}

fn handle(generation: u32, index: u32) -> u64 {
    u64::from(generation) << 32 | u64::from(index)
}

#[expect(clippy::cast_possible_truncation, reason = "the other half is the generation")]
fn low(handle: u64) -> u32 {
    handle as u32
}

fn index(handle: u64) -> usize {
    low(handle) as usize
}

fn generation(handle: u64) -> u32 {
    low(handle >> 32)
}
