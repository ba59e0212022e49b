//! A connection as the engine uses it: typed errors, transactions, statements that stay prepared.

use std::ffi::c_int;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use diesel::connection::{CacheSize, Connection as _, DefaultLoadingMode, InstrumentationEvent, SimpleConnection};
use diesel::query_builder::{QueryFragment, QueryId};
use diesel::query_dsl::methods::LoadQuery;
use diesel::result::Error as DieselError;
use diesel::sqlite::Sqlite;
use diesel::{RunQueryDsl, SqliteConnection};
use libsqlite3_sys as ffi;
use polymnia::spi::{Claim, Rows, refusal};
use polymnia::{Error, ErrorKind, Memory, Result};

use crate::LOG;
use crate::decoder::{Decoder, Place};
use crate::derived::declared::Known;
use crate::derived::hasher::Hasher;
use crate::derived::room::Before;
use crate::error::{Failure, Step, classify, code_of_message};
use crate::estimate::Estimates;
use crate::guard::Guard;
use crate::matches::{Recheck, Rechecks};
use crate::raw::{BulkFailure, BulkRow, Handle};
use crate::row::{Decoded, FromRow, Integers};
use crate::statement::{Fixed, Value, fixed, statements, text};
use crate::ties::Ties;

/// Is an open connection, its guard, and what is known of its database.
pub(crate) struct Connection {
    handle: Handle,
    session: Arc<Session>,
    estimates: Arc<Estimates>,
    /// The texts of the statements that ran, while they are recorded.
    recorded: Option<Vec<String>>,
    /// Whether the file was opened as one that nobody changes.
    pub(crate) immutable: bool,
    /// What makes the terms of this database, once [`hasher`](crate::derived::hasher) has read it.
    pub(crate) hasher: Option<Hasher>,
    /// The declared indexes of this database, once [`declared`](crate::derived::declared) has read them.
    pub(crate) declared: Option<Known>,
    /// Set while the connection has [`room`](crate::derived::room).
    pub(crate) before_room: Option<Before>,
    /// How many statements are cached.
    cached: Arc<AtomicUsize>,
    /// The right to have the file open. A connection may outlive its engine, as those of the pool's background do, so each
    /// has it: after the handle, which is closed first.
    _claim: Option<Arc<Claim>>,
}

/// Is what SQLite's callbacks and the user of a connection share. SQLite holds on to it until the connection is closed.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) guard: Guard,
    pub(crate) decoder: Decoder,
    pub(crate) rechecks: Rechecks,
    /// How many rows were proposed, where a statement counts them; else 0.
    pub(crate) tally: AtomicU64,
}

/// Is what statements did while they were recorded.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) texts: Vec<String>,
    /// How many rows were proposed.
    pub(crate) candidates: u64,
    /// How many of them a filter on metadata looked at.
    pub(crate) rechecks: u64,
}

impl Session {
    pub(crate) fn new(guard: Guard) -> Self {
        Self { guard, decoder: Decoder::default(), rechecks: Rechecks::default(), tally: AtomicU64::new(0) }
    }
}

/// More cached statements than queries of ours have forms in any one application. Past it, the cache begins anew.
const MAX_CACHED: usize = 512;

statements! {
    Begin = "BEGIN";
    BeginImmediate = "BEGIN IMMEDIATE";
    Commit = "COMMIT";
    Rollback = "ROLLBACK";
    /// How many of our tables there are.
    OurTables =
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ",
        "('polymnia_memories', 'polymnia_settings', 'polymnia_changes', 'polymnia_postings', 'polymnia_shapes', ",
        "'polymnia_indexes', 'polymnia_index_entries')";
}

const OUR_TABLES: i64 = 7;

impl Connection {
    /// Wraps an open connection. Nothing of `handle` was used yet.
    pub(crate) fn new(mut handle: Handle, session: Arc<Session>, estimates: Arc<Estimates>, immutable: bool) -> Self {
        let cached = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&cached);
        // In the place of an instrumentation that the application may have set for every connection: it would be shown
        // the values that we bind.
        handle.diesel.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::CacheQuery { .. } = event {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self {
            handle,
            session,
            estimates,
            recorded: None,
            immutable,
            hasher: None,
            declared: None,
            before_room: None,
            cached,
            _claim: None,
        }
    }

    /// Keeps the right to have the file open for as long as it is.
    pub(crate) fn with_claim(self, claim: Option<Arc<Claim>>) -> Self {
        Self { _claim: claim, ..self }
    }

    /// Wraps a connection to a file that nobody changes.
    pub(crate) fn alone(handle: Handle) -> Result<Self> {
        let session = Arc::new(Session::new(Guard::new(Duration::ZERO)));
        let code = handle.prepare(&session);
        if code != ffi::SQLITE_OK {
            let message = "a connection can't be prepared";
            return Err(classify(Failure { code, errno: 0, message, end: None, step: Step::Statement }));
        }
        Ok(Self::new(handle, session, Arc::default(), true))
    }

    pub(crate) fn guard(&self) -> &Guard {
        &self.session.guard
    }

    /// Returns what is known of the numbers of rows, for all connections of the engine.
    pub(crate) fn estimates(&self) -> &Estimates {
        &self.estimates
    }

    /// Puts the filters of a call where its statements look for them, until the call ends.
    pub(crate) fn recheck(&self, filters: &[Arc<Recheck>]) {
        self.session.rechecks.set(filters);
    }

    /// Begins to record the texts of statements, and to count the rows that they propose and recheck.
    pub(crate) fn record(&mut self) {
        self.recorded = Some(Vec::new());
        self.session.tally.store(0, Ordering::Relaxed);
        self.session.rechecks.reset();
    }

    /// Ends what [`record`](Self::record) began and returns what it gave.
    pub(crate) fn recorded(&mut self) -> Recorded {
        let Session { rechecks, tally, .. } = &*self.session;
        Recorded {
            texts: self.recorded.take().unwrap_or_default(),
            candidates: tally.swap(0, Ordering::Relaxed),
            rechecks: rechecks.rows(),
        }
    }

    pub(crate) fn handle(&mut self) -> &mut Handle {
        &mut self.handle
    }

    /// Returns whether the database can't be written.
    pub(crate) fn is_read_only(&self) -> bool {
        self.handle.is_read_only()
    }

    /// Returns whether something went so wrong that the connection can't be used again.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_in_transaction()
    }

    pub(crate) fn is_in_transaction(&self) -> bool {
        self.handle.in_transaction()
    }

    /// Readies the connection for its next user.
    pub(crate) fn finish(&mut self) {
        self.session.guard.finish();
        self.session.rechecks.set(&[]);
        if self.cached.load(Ordering::Relaxed) > MAX_CACHED {
            log::debug!(target: LOG, "more than {MAX_CACHED} statements are cached: begun anew");
            self.handle.diesel.set_prepared_statement_cache_size(CacheSize::Disabled);
            self.handle.diesel.set_prepared_statement_cache_size(CacheSize::Unbounded);
            self.cached.store(0, Ordering::Relaxed);
        }
    }

    /// Runs statements that give nothing back. They are not cached.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<()> {
        log::trace!(target: LOG, "{sql}");
        let result = self.handle.diesel.batch_execute(sql);
        result.map_err(|error| self.last_failure(error, Step::Statement))
    }

    /// Runs a statement and returns how many rows it changed.
    pub(crate) fn execute(&mut self, query: impl QueryFragment<Sqlite> + QueryId) -> Result<usize> {
        self.execute_as(Step::Statement, query)
    }

    /// Visits the rows that a query gives, as they come, until `visit` breaks off.
    pub(crate) fn each<'q, T, Q>(&mut self, query: Q, mut visit: impl FnMut(T) -> ControlFlow<()>) -> Result<()>
    where
        T: FromRow,
        Q: QueryFragment<Sqlite> + LoadQuery<'q, SqliteConnection, Decoded<T>> + 'q,
    {
        self.trace(&query);
        let failed = 'rows: {
            let mut rows = match query.load_iter::<Decoded<T>, DefaultLoadingMode>(&mut self.handle.diesel) {
                Ok(rows) => rows,
                Err(error) => break 'rows error,
            };
            loop {
                match rows.next() {
                    None => return Ok(()),
                    Some(Ok(Decoded(row))) => {
                        if visit(row).is_break() {
                            return Ok(());
                        }
                    }
                    Some(Err(error)) => break 'rows error,
                }
            }
        };
        let code = self.handle.last_code();
        Err(self.failure(failed, code, Step::Statement))
    }

    /// Visits the memories that a query decodes, as they come, until `visit` breaks off. It is told of a row that was
    /// skipped by `None`.
    pub(crate) fn each_memory<'q, Q>(
        &mut self,
        query: Q,
        mut visit: impl FnMut(&Decoder, Option<Memory>) -> ControlFlow<()>,
    ) -> Result<()>
    where
        Q: QueryFragment<Sqlite> + LoadQuery<'q, SqliteConnection, Decoded<Place>> + 'q,
    {
        let session = Arc::clone(&self.session);
        session.decoder.begin();
        let mut damaged = None;
        self.each(query, |place: Place| match session.decoder.take(place) {
            Ok(memory) => visit(&session.decoder, memory),
            Err(error) => {
                damaged = Some(error);
                ControlFlow::Break(())
            }
        })?;
        damaged.map_or(Ok(()), Err)
    }

    /// Reads the page that a query's memories make, which come in the order of their milliseconds. None if the query says
    /// that not all rows are level.
    pub(crate) fn gather<'q, Q>(&mut self, query: Q, ties: Ties) -> Result<Option<Rows>>
    where
        Q: QueryFragment<Sqlite> + LoadQuery<'q, SqliteConnection, Decoded<Place>> + 'q,
    {
        self.gathered(ties, |connection, visit| connection.each(query, visit))
    }

    /// Does what [`gather`](Self::gather) does for a statement whose text never changes, in less time.
    pub(crate) fn gather_fixed<K: Fixed>(&mut self, values: &[Value<'_>], ties: Ties) -> Result<Option<Rows>> {
        self.gathered(ties, |connection, visit| connection.visit::<K>(values, |row| visit(Place::new(row.integer(0)))))
    }

    fn gathered(
        &mut self,
        ties: Ties,
        run: impl FnOnce(&mut Self, &mut dyn FnMut(Place) -> ControlFlow<()>) -> Result<()>,
    ) -> Result<Option<Rows>> {
        let session = Arc::clone(&self.session);
        session.decoder.gather(ties);
        let mut all_level = true;
        let result = run(self, &mut |place| {
            all_level &= !place.is_not_all_level();
            if place.is_enough() || !all_level { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let rows = session.decoder.gathered();
        result?;
        if all_level { rows.map(Some) } else { Ok(None) }
    }

    /// Returns whether the last query failed because SQLite sorts the memories after they are decoded.
    pub(crate) fn sorts_memories(&self) -> bool {
        self.session.decoder.has_overflowed()
    }

    /// Returns all rows that a query gives.
    pub(crate) fn all<'q, T, Q>(&mut self, query: Q) -> Result<Vec<T>>
    where
        T: FromRow,
        Q: QueryFragment<Sqlite> + LoadQuery<'q, SqliteConnection, Decoded<T>> + 'q,
    {
        let mut rows = Vec::new();
        self.each(query, |row| {
            rows.push(row);
            ControlFlow::Continue(())
        })?;
        Ok(rows)
    }

    /// Returns the first row that a query gives.
    pub(crate) fn one<'q, T, Q>(&mut self, query: Q) -> Result<Option<T>>
    where
        T: FromRow,
        Q: QueryFragment<Sqlite> + LoadQuery<'q, SqliteConnection, Decoded<T>> + 'q,
    {
        let mut first = None;
        self.each(query, |row| {
            first = Some(row);
            ControlFlow::Break(())
        })?;
        Ok(first)
    }

    /// Runs a statement, which gives nothing back, once for each row of values, and returns how many rows were changed. It
    /// spends a fraction of the time that [`execute`](Self::execute) takes for each.
    pub(crate) fn run_each<'v, K: Fixed, const N: usize>(
        &mut self,
        rows: impl IntoIterator<Item = [Value<'v>; N]>,
    ) -> Result<u64> {
        let mut sum = 0;
        self.run_each_told::<K, N>(rows, |changed| sum += changed)?;
        Ok(sum)
    }

    /// Does what [`run_each`](Self::run_each) does and tells `changed`, for each row of values, how many rows were changed.
    pub(crate) fn run_each_told<'v, K: Fixed, const N: usize>(
        &mut self,
        rows: impl IntoIterator<Item = [Value<'v>; N]>,
        changed: impl FnMut(u64),
    ) -> Result<()> {
        log::trace!(target: LOG, "{}", K::SQL);
        let result = self.handle.run_each(K::SQL, rows, changed);
        result.map_err(|failure| self.bulk_failure(&failure))
    }

    /// Visits the rows that a query gives as [`each`](Self::each) does, in a fraction of the time.
    pub(crate) fn visit<K: Fixed>(
        &mut self,
        values: &[Value<'_>],
        visit: impl FnMut(&BulkRow<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        log::trace!(target: LOG, "{}", K::SQL);
        let result = self.handle.visit(K::SQL, values, visit);
        result.map_err(|failure| self.bulk_failure(&failure))
    }

    /// Returns the rowid of the row inserted last.
    pub(crate) fn last_rowid(&self) -> i64 {
        self.handle.last_rowid()
    }

    /// Runs `body` in a transaction that sees one moment of the database.
    pub(crate) fn read<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.execute(fixed::<Begin, 0>([]))?;
        self.end_transaction(Step::Statement, body)
    }

    /// Runs `body` where it sees one moment of the database: in the transaction that is open, or one of its own.
    pub(crate) fn moment<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.is_in_transaction() { body(self) } else { self.read(body) }
    }

    /// Runs `body` in a transaction that may write. It takes the lock at once, so that it never has to give up a moment
    /// it has read.
    pub(crate) fn write<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.execute(fixed::<BeginImmediate, 0>([]))?;
        self.end_transaction(Step::Commit, body)
    }

    /// Turns the failure of the last call into an error.
    pub(crate) fn last_failure(&mut self, error: DieselError, step: Step) -> Error {
        let code = self.handle.last_code();
        self.failure(error, code, step)
    }

    /// Turns a failure of diesel's into an error. `code` is SQLite's, read right after the failure.
    fn failure(&mut self, error: DieselError, code: c_int, step: Step) -> Error {
        let message = match error {
            DieselError::DatabaseError(_, ref information) => information.message().to_owned(),
            // Rows say themselves what is wrong with them.
            DieselError::DeserializationError(inner) => {
                return match inner.downcast::<Error>() {
                    Ok(error) => *error,
                    Err(inner) => Error::new(ErrorKind::Corrupt, "a stored row can't be read").with_source(inner),
                };
            }
            other => {
                return Error::new(ErrorKind::Unexpected, format!("diesel failed: {other}")).with_source(other);
            }
        };
        // diesel clears bound values before it returns the error, and SQLite the code with them.
        let code = if code == 0 { code_of_message(&message) } else { code };
        self.judge(code, &message, step).with_source(error)
    }

    fn bulk_failure(&mut self, failure: &BulkFailure) -> Error {
        self.judge(failure.code, &failure.message, Step::Statement)
    }

    /// Turns a failure into an error. `code` is SQLite's extended result code.
    fn judge(&mut self, code: c_int, message: &str, step: Step) -> Error {
        if code == ffi::SQLITE_ERROR
            && let Some(found) = self.our_tables()
            && found < OUR_TABLES
        {
            return if found == 0 { refusal::no_schema() } else { refusal::schema_behind() };
        }
        // SQLite keeps the number of the last of these failures, however long ago it was.
        let errno = match code & 0xff {
            ffi::SQLITE_CANTOPEN | ffi::SQLITE_IOERR => self.handle.last_errno(),
            _ => 0,
        };
        classify(Failure { code, errno, message, end: self.session.guard.end(), step })
    }

    fn execute_as(&mut self, step: Step, query: impl QueryFragment<Sqlite> + QueryId) -> Result<usize> {
        self.trace(&query);
        let result = self.handle.diesel.execute_returning_count(&query);
        result.map_err(|error| self.last_failure(error, step))
    }

    fn end_transaction<T>(&mut self, commit: Step, body: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let result = body(self).and_then(|value| {
            self.execute_as(commit, fixed::<Commit, 0>([]))?;
            Ok(value)
        });
        if result.is_err() {
            self.roll_back();
        }
        result
    }

    /// Ends the transaction, if SQLite has not: an interrupted write, a full disk and their like end it by themselves.
    fn roll_back(&mut self) {
        if self.handle.in_transaction()
            && let Err(error) = self.execute(fixed::<Rollback, 0>([]))
        {
            // The connection counts as broken now, and closing it rolls back.
            log::warn!(target: LOG, "a transaction could not be rolled back: {error}");
        }
    }

    /// Logs the text of a statement, without its values, and records it if asked to.
    fn trace(&mut self, query: &impl QueryFragment<Sqlite>) {
        if let Some(recorded) = &mut self.recorded {
            recorded.push(text(query));
        }
        if log::log_enabled!(target: LOG, log::Level::Trace) {
            log::trace!(target: LOG, "{}", text(query));
        }
    }

    /// Counts our tables; none if even that fails.
    fn our_tables(&mut self) -> Option<i64> {
        // Not by `one`, whose failures lead here.
        let rows = fixed::<OurTables, 0>([]).load::<Decoded<Integers<1>>>(&mut self.handle.diesel);
        rows.ok()?.first().map(|row| row.0.0[0])
    }
}

#[cfg(test)]
pub(crate) mod tests;
