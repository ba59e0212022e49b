//! What a test runs on: a fresh database, with a clock and ids in the test's hands.

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use polymnia::spi::Engine;
use polymnia::{Clock, IdSource, MemoryId, MemoryStore, OpenOptions, Result, Timestamp};

/// Makes fresh databases of one dialect: all that the suite asks of a dialect's author.
///
/// # Examples
///
/// A fixture over a dialect whose databases are folders:
///
/// ```
/// # use polymnia_sqlite::Sqlite as MyDialect;
/// use std::sync::Arc;
///
/// use polymnia::spi::{Dialect, Engine};
/// use polymnia::{OpenOptions, Result};
/// use polymnia_conformance::{Fixture, Subject, conformance_suite};
///
/// #[derive(Debug)]
/// struct InAFolder(tempfile::TempDir);
///
/// impl Fixture for InAFolder {
///     fn fresh() -> Self {
///         Self(tempfile::tempdir().expect("the system has a folder for temporary files"))
///     }
///
///     fn options(&self) -> OpenOptions {
///         OpenOptions::new(format!("sqlite://{}/fresh.db", self.0.path().display()))
///     }
///
///     fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
///         MyDialect.open(options)
///     }
/// }
///
/// conformance_suite!(my_dialect, InAFolder);
/// ```
pub trait Fixture: Debug + Send + Sync + 'static {
    /// Makes a database that holds nothing, not even a schema, and that nobody else uses. It goes when this is dropped.
    ///
    /// # Panics
    ///
    /// If it can't: a test without its database has failed.
    fn fresh() -> Self
    where
        Self: Sized;

    /// Returns how to open the database.
    fn options(&self) -> OpenOptions;

    /// Opens the database, perhaps once more.
    ///
    /// Each handle reaches the same data. Where a database lives and dies with its engine, as one in memory may, later
    /// calls return the first engine.
    ///
    /// # Errors
    ///
    /// As [`Dialect::open`](polymnia::spi::Dialect::open).
    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>>;

    /// Returns whether databases are opened as the options say. If not, cases about options do not apply.
    fn takes_options(&self) -> bool {
        true
    }
}

/// Is a fresh database, however it was made. Every [`Fixture`] is one.
pub trait Database: Debug + Send + Sync {
    /// As [`Fixture::options`].
    fn options(&self) -> OpenOptions;

    /// As [`Fixture::open`].
    ///
    /// # Errors
    ///
    /// As [`Fixture::open`].
    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>>;

    /// As [`Fixture::takes_options`].
    fn takes_options(&self) -> bool;
}

impl<F: Fixture> Database for F {
    fn options(&self) -> OpenOptions {
        Fixture::options(self)
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        Fixture::open(self, options)
    }

    fn takes_options(&self) -> bool {
        Fixture::takes_options(self)
    }
}

/// Is the database that a case is about, and what the case needs around it. Cases get nothing else.
#[derive(Debug)]
pub struct Subject {
    // Before the database, so that connections are closed when the database goes.
    first: Mutex<Option<Arc<dyn Engine>>>,
    clock: TestClock,
    ids: TestIds,
    database: Box<dyn Database>,
}

impl Subject {
    /// Returns a subject over a fresh database of that kind.
    pub fn fresh<F: Fixture>() -> Self {
        Self::of(Box::new(F::fresh()))
    }

    /// Returns a subject over a database that was just made.
    pub fn of(database: Box<dyn Database>) -> Self {
        Self { first: Mutex::new(None), clock: TestClock::default(), ids: TestIds::default(), database }
    }

    /// Returns a store over the database with its schema at head, with the subject's clock and ids. Calls share an engine.
    ///
    /// # Panics
    ///
    /// If the database can't be opened or migrated.
    pub fn store(&self) -> MemoryStore {
        self.store_with(|options| options)
    }

    /// Returns what [`store`](Self::store) does, of an engine opened with other options if it is the first.
    ///
    /// # Panics
    ///
    /// As [`store`](Self::store).
    pub fn store_with(&self, change: impl FnOnce(OpenOptions) -> OpenOptions) -> MemoryStore {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let engine = first.get_or_insert_with(|| {
            let engine = self.open(&change(self.database.options()));
            self.dress(Arc::clone(&engine)).migrate().expect("a fresh database is migrated");
            engine
        });
        self.dress(Arc::clone(engine))
    }

    /// Returns a store of another engine on the same database, where there can be one, with its schema left as it is.
    ///
    /// # Panics
    ///
    /// If the database can't be opened.
    pub fn another(&self) -> MemoryStore {
        self.dress(self.open(&self.database.options()))
    }

    /// Returns the engine of [`store`](Self::store), for what the store would refuse by itself.
    ///
    /// # Panics
    ///
    /// As [`store`](Self::store).
    pub fn engine(&self) -> Arc<dyn Engine> {
        self.store();
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(first.as_ref().expect("the store was opened"))
    }

    /// Returns the clock of every store of this subject.
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// Returns where the ids of new memories come from.
    pub fn ids(&self) -> &TestIds {
        &self.ids
    }

    /// Returns how the database is opened.
    pub fn options(&self) -> OpenOptions {
        self.database.options()
    }

    fn open(&self, options: &OpenOptions) -> Arc<dyn Engine> {
        self.database.open(options).expect("a fresh database can be opened")
    }

    fn dress(&self, engine: Arc<dyn Engine>) -> MemoryStore {
        MemoryStore::new(engine).with_clock(self.clock.clone()).with_ids(self.ids.clone())
    }
}

/// Is a clock that stands still until a test moves it. Clones are one clock. It begins at 2026-03-02T09:00:00Z.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// Sets the time.
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.as_micros(), Ordering::SeqCst);
    }

    /// Moves the time forward and returns it.
    ///
    /// # Panics
    ///
    /// Past the year 9999.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let micros = i64::try_from(by.as_micros()).expect("a test moves the clock by less than years");
        self.0.fetch_add(micros, Ordering::SeqCst);
        self.now()
    }

    /// Returns the time.
    ///
    /// # Panics
    ///
    /// Past the year 9999.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst)).expect("a test stays in the years 1 to 9999")
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(1_772_442_000_000_000)))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.now()
    }
}

/// Makes ids that ascend from `00000000-0000-4000-8000-000000000001`, the same in every run. Clones go on together.
#[derive(Clone, Debug, Default)]
pub struct TestIds(Arc<AtomicU64>);

impl IdSource for TestIds {
    fn next_id(&self) -> MemoryId {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        MemoryId::from_bytes((0x4000_8000_0000_0000_0000_u128 | u128::from(number)).to_be_bytes())
    }
}
