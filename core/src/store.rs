//! The store: what applications use.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::schema::{Compatibility, Schema, Source, check_source, newer, schema_access};
use crate::spi::{Claim, Engine};
use crate::{
    Admin, ApplyReport, Call, CancelToken, Capability, Clock, Cursor, Effect, Error, Expect, Explanation, IdSource,
    Memory, MemoryId, MigrateReport, Mutation, Namespace, NamespaceStats, NewMemory, Outcome, Page, Patch, Query,
    Result, RetryPolicy, Selection, SystemClock, UuidV7,
};

/// Remembers and recalls. Cheap to clone; clones share the connections.
///
/// Every operation is of one [`Namespace`]; what concerns several stands on [`Admin`].
///
/// # Examples
///
/// ```ignore
/// let store = registry.open("sqlite://polymnia.db")?;
/// store.migrate()?;
/// let tenant = Namespace::new("acme")?;
/// store.put(&tenant, NewMemory::new("prefers calls after 14:00")?.with_user("mara".parse()?))?;
/// let page = store.query(&tenant, &Query::new(Selection::default().with_user("mara".parse()?)))?;
/// assert_eq!(page.memories.len(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct MemoryStore {
    engine: Arc<dyn Engine>,
    /// The right to have its files open: after the engine, which goes first.
    _claim: Option<Arc<Claim>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    retry: RetryPolicy,
    timeout: Option<Duration>,
    cancel: Option<CancelToken>,
    migrations: Arc<Vec<Source>>,
    access: Arc<OnceLock<Compatibility>>,
}

impl MemoryStore {
    /// The greatest number of mutations in a batch.
    pub const MAX_BATCH: usize = 10_000;
    /// The greatest payload of a batch: 64 MiB of content, metadata and related threads.
    pub const MAX_BATCH_BYTES: usize = 64 << 20;
    /// The greatest number of ids in one [`get_many`](Self::get_many).
    pub const MAX_IDS: usize = 10_000;

    /// Returns a store over an engine, with the system's clock and UUIDs of version 7.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self {
            engine,
            _claim: None,
            clock: Arc::new(SystemClock),
            ids: Arc::new(UuidV7),
            retry: RetryPolicy::default(),
            timeout: None,
            cancel: None,
            migrations: Arc::default(),
            access: Arc::default(),
        }
    }

    /// Adds the migrations of an application, which [`migrate`](Self::migrate) and [`schema`](Self::schema) then know beside
    /// ours.
    ///
    /// # Errors
    ///
    /// As [`Schema::with_source`].
    pub fn with_migrations(mut self, source: Source) -> Result<Self> {
        check_source(self.schema().sources(), &source)?;
        Arc::make_mut(&mut self.migrations).push(source);
        self.access = Arc::default();
        Ok(self)
    }

    /// Sets where the time comes from.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets where ids of new memories come from.
    #[must_use]
    pub fn with_ids(mut self, ids: impl IdSource) -> Self {
        self.ids = Arc::new(ids);
        self
    }

    /// Sets how operations are tried again.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Sets how long each operation may take, tries and pauses included, instead of the statement timeout it was opened
    /// with.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Ends every operation of this store, with [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled), once the token is
    /// cancelled.
    #[must_use]
    pub fn with_cancel(mut self, cancel: CancelToken) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// Returns what the dialect can do.
    pub fn capability(&self) -> Capability {
        self.engine.capability()
    }

    /// Returns the handle for what concerns several namespaces, or the database.
    pub fn admin(&self) -> Admin {
        Admin::new(self.clone())
    }

    /// Returns the handle for what concerns the schema: its history, upgrades, validation, backups.
    pub fn schema(&self) -> Schema {
        Schema::new(self.clone())
    }

    /// Stores a new memory under an id of its own.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub fn put(&self, namespace: &Namespace, memory: NewMemory) -> Result<Outcome> {
        self.put_at(namespace, self.ids.next_id(), memory, Expect::Any)
    }

    /// Stores a memory under this id, over the one that may be there.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub fn put_at(&self, namespace: &Namespace, id: MemoryId, memory: NewMemory, expect: Expect) -> Result<Outcome> {
        self.apply_one(namespace, Mutation::Put { id, memory, expect })
    }

    /// Changes some fields of a memory.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply): [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such memory, and
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a patch that changes nothing.
    pub fn update(&self, namespace: &Namespace, id: MemoryId, patch: Patch, expect: Expect) -> Result<Outcome> {
        self.apply_one(namespace, Mutation::Update { id, patch, expect })
    }

    /// Removes a memory and returns whether it was there.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub fn delete(&self, namespace: &Namespace, id: MemoryId) -> Result<bool> {
        let outcome = self.apply_one(namespace, Mutation::Delete { id, expect: Expect::Any })?;
        Ok(outcome.effect == Effect::Deleted)
    }

    /// Applies a batch as if one mutation after the other: all of it or nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for more than 10,000 mutations or 64 MiB, and what
    /// [`Engine::apply`] states.
    pub fn apply(&self, namespace: &Namespace, batch: &[Mutation]) -> Result<ApplyReport> {
        check_batch(batch)?;
        if batch.is_empty() {
            return Ok(ApplyReport::default());
        }
        self.write("apply", |call| self.engine.apply(call, namespace, batch))
    }

    /// Applies a batch as [`apply`](Self::apply) does, at the rate of a bulk load: what indexes need may be left to a later
    /// [`Admin::optimize`], which belongs at the end of the load. Until then what was loaded is found all the same, more slowly.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub fn load(&self, namespace: &Namespace, batch: &[Mutation]) -> Result<ApplyReport> {
        check_batch(batch)?;
        if batch.is_empty() {
            return Ok(ApplyReport::default());
        }
        self.write("load", |call| self.engine.load(call, namespace, batch))
    }

    /// Reads a memory.
    ///
    /// # Errors
    ///
    /// As [`Engine::get`].
    pub fn get(&self, namespace: &Namespace, id: MemoryId) -> Result<Option<Memory>> {
        let mut memories = self.recall("get", |call| self.engine.get(call, namespace, &[id]))?;
        Ok(memories.pop().flatten())
    }

    /// Reads memories, one entry for each id in their order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for more than 10,000 ids, and as [`Engine::get`].
    pub fn get_many(&self, namespace: &Namespace, ids: &[MemoryId]) -> Result<Vec<Option<Memory>>> {
        if ids.len() > Self::MAX_IDS {
            let message = format!("{} ids in one call: expected at most {}", ids.len(), Self::MAX_IDS);
            return Err(Error::invalid_input(message).with_operation("get"));
        }
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.recall("get", |call| self.engine.get(call, namespace, ids))
    }

    /// Reads a page of the selected memories.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a cursor of another query or a filter past its
    /// limits, and as [`Engine::query`].
    pub fn query(&self, namespace: &Namespace, query: &Query) -> Result<Page> {
        check_query(namespace, query).map_err(|error| error.with_operation("query"))?;
        let rows = self.recall("query", |call| self.engine.query(call, namespace, query))?;
        let next = match rows.memories.last() {
            Some(last) if rows.more => Some(Cursor::after(last, namespace, query)),
            _ => None,
        };
        Ok(Page { memories: rows.memories, next })
    }

    /// Reads all selected memories, page by page: the limit of the query is the size of a page.
    ///
    /// Each page sees what was stored by then. A memory written meanwhile shows if it stands after the place reached.
    pub fn iter(&self, namespace: &Namespace, query: Query) -> Memories {
        Memories {
            store: self.clone(),
            namespace: namespace.clone(),
            query,
            page: Vec::new().into_iter(),
            finished: false,
        }
    }

    /// Counts the selected memories.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a filter past its limits, and as
    /// [`Engine::count`].
    pub fn count(&self, namespace: &Namespace, selection: &Selection) -> Result<u64> {
        selection.filter.check().map_err(|error| error.with_operation("count"))?;
        self.recall("count", |call| self.engine.count(call, namespace, selection))
    }

    /// Runs a query and tells how it was answered: by which access path, at what cost.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    pub fn explain(&self, namespace: &Namespace, query: &Query) -> Result<Explanation> {
        check_query(namespace, query).map_err(|error| error.with_operation("explain"))?;
        self.recall("explain", |call| self.engine.explain(call, namespace, query))
    }

    /// Removes the selected memories and returns how many there were.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a filter past its limits, and as
    /// [`Engine::delete_matching`].
    pub fn delete_matching(&self, namespace: &Namespace, selection: &Selection) -> Result<u64> {
        selection.filter.check().map_err(|error| error.with_operation("delete"))?;
        self.write("delete", |call| self.engine.delete_matching(call, namespace, selection))
    }

    /// Counts what the namespace holds.
    ///
    /// # Errors
    ///
    /// As [`Engine::stats`].
    pub fn stats(&self, namespace: &Namespace) -> Result<NamespaceStats> {
        self.recall("stats", |call| self.engine.stats(call, namespace))
    }

    /// Brings the schema to the newest version this build and the [application](Self::with_migrations) know, creating it if need
    /// be, as [`Schema::upgrade`] does with the options of [`RunOptions::default`](crate::schema::RunOptions::default).
    ///
    /// Where nothing is to be applied it succeeds on a database that can't be written, and on a newer one that says this build
    /// may use it.
    ///
    /// # Errors
    ///
    /// As [`Schema::upgrade`].
    pub fn migrate(&self) -> Result<MigrateReport> {
        let report = self.schema().migrate()?;
        Ok(MigrateReport {
            created: report.created,
            applied: report.steps.iter().map(|step| step.version.to_string()).collect(),
            version: report.to.map(Into::into),
        })
    }

    /// Returns an id for a memory that is about to be put.
    pub fn next_id(&self) -> MemoryId {
        self.ids.next_id()
    }

    /// Keeps a claim to the files of the engine for as long as the engine.
    pub(crate) fn with_claim(self, claim: Arc<Claim>) -> Self {
        Self { _claim: Some(claim), ..self }
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Returns the migrations of the application.
    pub(crate) fn sources(&self) -> &[Source] {
        &self.migrations
    }

    /// Returns a call without a deadline, for what takes as long as it takes.
    pub(crate) fn call(&self) -> Call {
        Call { now: self.clock.now(), deadline: None, cancel: self.cancel.clone() }
    }

    /// Runs an operation that reads memories.
    pub(crate) fn recall<T>(&self, operation: &'static str, attempt: impl Fn(&Call) -> Result<T>) -> Result<T> {
        self.run(operation, |call| {
            self.access(call, Compatibility::ReadOnly)?;
            attempt(call)
        })
    }

    /// Runs an operation that changes memories.
    pub(crate) fn write<T>(&self, operation: &'static str, attempt: impl Fn(&Call) -> Result<T>) -> Result<T> {
        self.run(operation, |call| {
            self.access(call, Compatibility::Full)?;
            attempt(call)
        })
    }

    /// Refuses what this build may not do with a database that is newer than it. Looked up once; a schema that isn't there yet
    /// is looked at again.
    fn access(&self, call: &Call, wanted: Compatibility) -> Result<()> {
        let access = match self.access.get() {
            Some(access) => *access,
            None => match schema_access(self, call)? {
                Some(access) => *self.access.get_or_init(|| access),
                None => return Ok(()),
            },
        };
        if access >= wanted { Ok(()) } else { Err(newer(access)) }
    }

    /// Runs an operation: gives it the time and the deadline, tries again, names it in the error, logs it.
    pub(crate) fn run<T>(&self, operation: &'static str, attempt: impl Fn(&Call) -> Result<T>) -> Result<T> {
        let started = Instant::now();
        let mut call = Call::at(self.clock.now());
        call.deadline = self.timeout.map(|timeout| started + timeout);
        call.cancel.clone_from(&self.cancel);
        let result = self.retry.run(&call, || {
            call.check()?;
            attempt(&call)
        });
        match result {
            Ok(value) => {
                log::trace!("{operation} took {:?}", started.elapsed());
                Ok(value)
            }
            Err(error) => {
                let error = error.with_operation(operation);
                log::debug!("{operation} failed after {:?}: {error}", started.elapsed());
                Err(error)
            }
        }
    }

    fn apply_one(&self, namespace: &Namespace, mutation: Mutation) -> Result<Outcome> {
        let report = self.apply(namespace, &[mutation])?;
        Ok(*report.outcomes.first().expect("an engine reports one outcome a mutation"))
    }
}

/// Walks over all memories that a query selects, reading a page at a time. It ends after an error.
#[derive(Debug)]
pub struct Memories {
    store: MemoryStore,
    namespace: Namespace,
    query: Query,
    page: std::vec::IntoIter<Memory>,
    finished: bool,
}

impl Iterator for Memories {
    type Item = Result<Memory>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(memory) = self.page.next() {
                return Some(Ok(memory));
            }
            if self.finished {
                return None;
            }
            match self.store.query(&self.namespace, &self.query) {
                Ok(page) => {
                    self.finished = page.next.is_none();
                    self.query.cursor = page.next;
                    self.page = page.memories.into_iter();
                }
                Err(error) => {
                    self.finished = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

fn check_query(namespace: &Namespace, query: &Query) -> Result<()> {
    query.selection.filter.check()?;
    query.cursor.map_or(Ok(()), |cursor| cursor.check(namespace, query))
}

fn check_batch(batch: &[Mutation]) -> Result<()> {
    let wrong = |message: String| Err(Error::invalid_input(message).with_operation("apply"));
    if batch.len() > MemoryStore::MAX_BATCH {
        return wrong(format!("a batch of {} mutations: expected at most {}", batch.len(), MemoryStore::MAX_BATCH));
    }
    let bytes: usize = batch.iter().map(Mutation::payload_bytes).sum();
    if bytes > MemoryStore::MAX_BATCH_BYTES {
        return wrong(format!("a batch of {bytes} bytes: expected at most {}", MemoryStore::MAX_BATCH_BYTES));
    }
    for mutation in batch {
        if let Mutation::Update { id, patch, .. } = mutation
            && patch.is_empty()
        {
            return wrong(format!("the update of {id} changes nothing: expected at least one field"));
        }
    }
    Ok(())
}
