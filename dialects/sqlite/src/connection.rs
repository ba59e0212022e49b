//! A connection as the engine uses it: typed errors, transactions, statements that stay prepared.

use std::ffi::c_int;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::{CacheSize, Connection as _, DefaultLoadingMode, InstrumentationEvent, SimpleConnection};
use diesel::query_builder::{QueryFragment, QueryId};
use diesel::query_dsl::methods::LoadQuery;
use diesel::result::Error as DieselError;
use diesel::sqlite::Sqlite;
use diesel::{RunQueryDsl, SqliteConnection};
use libsqlite3_sys as ffi;
use polymnia::spi::refusal;
use polymnia::{Error, ErrorKind, Memory, Result};

use crate::LOG;
use crate::decoder::{Decoder, Place};
use crate::error::{Failure, Step, classify, code_of_message};
use crate::guard::Guard;
use crate::raw::Handle;
use crate::row::{Decoded, FromRow, Integers};
use crate::statement::{fixed, statements, text};

/// Is an open connection, its guard, and what is known of its database.
pub(crate) struct Connection {
    handle: Handle,
    session: Arc<Session>,
    /// Whether the file was opened as one that nobody changes.
    pub(crate) immutable: bool,
    /// How many statements are cached.
    cached: Arc<AtomicUsize>,
}

/// Is what SQLite's callbacks and the user of a connection share. SQLite holds on to it until the connection is closed.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) guard: Guard,
    pub(crate) decoder: Decoder,
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
        "('polymnia_memories', 'polymnia_settings', 'polymnia_changes')";
}

const OUR_TABLES: i64 = 3;

impl Connection {
    /// Wraps an open connection. Nothing of `handle` was used yet.
    pub(crate) fn new(mut handle: Handle, session: Arc<Session>, immutable: bool) -> Self {
        let cached = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&cached);
        // In the place of an instrumentation that the application may have set for every connection: it would be shown
        // the values that we bind.
        handle.diesel.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::CacheQuery { .. } = event {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { handle, session, immutable, cached }
    }

    pub(crate) fn guard(&self) -> &Guard {
        &self.session.guard
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
        trace(&query);
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

    /// Runs `body` in a transaction that sees one moment of the database.
    pub(crate) fn read<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.execute(fixed::<Begin, 0>([]))?;
        self.end_transaction(Step::Statement, body)
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
        if code == ffi::SQLITE_ERROR
            && let Some(found) = self.our_tables()
            && found < OUR_TABLES
        {
            let refused = if found == 0 { refusal::no_schema() } else { refusal::schema_behind() };
            return refused.with_source(error);
        }
        // SQLite keeps the number of the last of these failures, however long ago it was.
        let errno = match code & 0xff {
            ffi::SQLITE_CANTOPEN | ffi::SQLITE_IOERR => self.handle.last_errno(),
            _ => 0,
        };
        let failure = Failure { code, errno, message: &message, end: self.session.guard.end(), step };
        classify(failure).with_source(error)
    }

    fn execute_as(&mut self, step: Step, query: impl QueryFragment<Sqlite> + QueryId) -> Result<usize> {
        trace(&query);
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

    /// Counts our tables; none if even that fails.
    fn our_tables(&mut self) -> Option<i64> {
        // Not by `one`, whose failures lead here.
        let rows = fixed::<OurTables, 0>([]).load::<Decoded<Integers<1>>>(&mut self.handle.diesel);
        rows.ok()?.first().map(|row| row.0.0[0])
    }
}

/// Logs the text of a statement, without its values.
fn trace(query: &impl QueryFragment<Sqlite>) {
    if log::log_enabled!(target: LOG, log::Level::Trace) {
        log::trace!(target: LOG, "{}", text(query));
    }
}

#[cfg(test)]
pub(crate) mod tests;
