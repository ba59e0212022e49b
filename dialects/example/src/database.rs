//! What there is: databases by name, and what one of them holds.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use polymnia::schema::{Ledger, LogEntry};
use polymnia::spi::refusal;
use polymnia::{Memory, MemoryId, Namespace, Result};

use crate::schema::VERSION;

/// Is a database. It is gone when the last engine on it is.
pub(crate) struct Database(RwLock<State>);

/// Is what a database holds.
#[derive(Clone, Default)]
pub(crate) struct State {
    /// What is recorded of migrations.
    pub(crate) records: Records,
    /// Whether somebody holds the lock of migrating.
    pub(crate) migrating: bool,
    /// The memories, expired ones included. No namespace is empty.
    pub(crate) namespaces: BTreeMap<Namespace, Memories>,
}

/// Is the memories of one namespace.
pub(crate) type Memories = BTreeMap<MemoryId, Memory>;

/// Is what is recorded of migrations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    pub(crate) ledger: Ledger,
    pub(crate) log: Vec<LogEntry>,
}

/// The databases of this process that somebody has open.
static OPEN: LazyLock<Mutex<HashMap<String, Weak<Database>>>> = LazyLock::new(Mutex::default);

static NO_MEMORIES: Memories = Memories::new();

impl Database {
    /// Returns the database of that name, a new one if nobody has it open.
    pub(crate) fn named(name: &str) -> Arc<Self> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = open.get(name).and_then(Weak::upgrade) {
            return database;
        }
        open.retain(|_, database| database.strong_count() > 0);
        let database = Self::with(State::default());
        open.insert(name.to_owned(), Arc::downgrade(&database));
        database
    }

    /// Returns a database that nobody else can open.
    pub(crate) fn with(state: State) -> Arc<Self> {
        Arc::new(Self(RwLock::new(state)))
    }

    // Every change of the state is made whole after all that can fail, so that a panic leaves nothing half-done behind.

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Database {
    /// Writes the name of the type only: what is in it is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").finish_non_exhaustive()
    }
}

impl State {
    /// Returns whether the schema is there.
    pub(crate) fn is_migrated(&self) -> bool {
        self.records.ledger.diesel.as_ref().is_some_and(|versions| versions.contains(VERSION))
    }

    /// Refuses to go on without a schema.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_migrated() { Ok(()) } else { Err(refusal::no_schema()) }
    }

    /// Returns the memories of a namespace.
    pub(crate) fn of(&self, namespace: &Namespace) -> &Memories {
        self.namespaces.get(namespace).unwrap_or(&NO_MEMORIES)
    }

    /// Changes the memories of a namespace, which may have none before or after.
    pub(crate) fn change<T>(&mut self, namespace: &Namespace, change: impl FnOnce(&mut Memories) -> T) -> T {
        let memories = self.namespaces.entry(namespace.clone()).or_default();
        let result = change(memories);
        if memories.is_empty() {
            self.namespaces.remove(namespace);
        }
        result
    }
}
