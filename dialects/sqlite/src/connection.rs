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
use crate::error::{Failure, Step, classify, code_of_message};
use crate::guard::Guard;
use crate::raw::Handle;
use crate::row::{Decoded, Decoder, FromRow, Integers, Place};
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
pub(crate) mod tests {
    use std::time::{Duration, Instant};

    use polymnia::{Call, CancelToken, OpenOptions, Timestamp};
    use polymnia_pool::Connector as _;

    use super::*;
    use crate::config::Config;
    use crate::connector::Connector;
    use crate::statement::{Sql, Value};

    /// Returns a connection to a database of its own in memory.
    pub(crate) fn memory() -> Connection {
        let config = Config::read(&OpenOptions::new(":memory:")).unwrap();
        Connector::new(config).unwrap().connect().unwrap()
    }

    const ENDLESS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

    fn within(deadline: Duration) -> Call {
        Call { deadline: Some(Instant::now() + deadline), ..Call::at(Timestamp::MIN) }
    }

    #[test]
    fn the_deadline_ends_a_statement_in_the_middle() {
        let connection = &mut memory();
        connection.guard().begin(&within(Duration::from_millis(30)), None);
        let began = Instant::now();
        let error = connection.one::<Integers<1>, _>(Sql::new(ENDLESS)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        connection.finish();
        assert!(connection.one::<Integers<1>, _>(Sql::new("SELECT 1")).unwrap().is_some());
    }

    #[test]
    fn a_token_ends_a_statement_from_another_thread() {
        let connection = &mut memory();
        let token = CancelToken::new();
        let call = Call { cancel: Some(token.clone()), ..Call::at(Timestamp::MIN) };
        connection.guard().begin(&call, None);
        let canceller = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            token.cancel();
        });
        let error = connection.one::<Integers<1>, _>(Sql::new(ENDLESS)).err().unwrap();
        canceller.join().unwrap();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }

    /// SQLite rolls an interrupted write back by itself; what is reported must be why, not that nothing is left to roll
    /// back.
    #[test]
    fn an_interrupted_write_leaves_no_transaction() {
        let connection = &mut memory();
        connection.batch("CREATE TABLE t (i INTEGER)").unwrap();
        connection.guard().begin(&within(Duration::from_millis(30)), None);
        let error = connection.write(|connection| {
            connection.execute(Sql::new(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO t SELECT i FROM n",
            ))
        });
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Timeout);
        assert!(!connection.is_broken());
        connection.finish();
        let rows: Integers<1> = connection.one(Sql::new("SELECT count(*) FROM t")).unwrap().unwrap();
        assert_eq!(rows.0, [0]);
    }

    #[test]
    fn a_failed_body_is_rolled_back() {
        let connection = &mut memory();
        connection.batch("CREATE TABLE t (i INTEGER)").unwrap();
        let result: Result<()> = connection.write(|connection| {
            connection.execute(Sql::new("INSERT INTO t VALUES (1)"))?;
            Err(Error::invalid_input("no"))
        });
        assert_eq!(result.unwrap_err().message(), "no");
        let rows: Integers<1> = connection.one(Sql::new("SELECT count(*) FROM t")).unwrap().unwrap();
        assert_eq!((rows.0, connection.is_broken()), ([0], false));
    }

    #[test]
    fn a_missing_schema_is_told() {
        let connection = &mut memory();
        let mut sql = Sql::new("SELECT count(*) FROM polymnia_memories WHERE namespace = ");
        sql.bind(Value::Text("a"));
        let error = connection.one::<Integers<1>, _>(sql).err().unwrap();
        assert_eq!((error.kind(), error.hint()), (ErrorKind::Migration, Some("run `polymnia init`")));
    }

    #[test]
    fn real_failures_have_their_kinds() {
        let connection = &mut memory();
        for table in ["polymnia_memories", "polymnia_settings", "polymnia_changes"] {
            connection.batch(&format!("CREATE TABLE {table} (a TEXT UNIQUE) STRICT")).unwrap();
        }
        let run = |connection: &mut Connection, sql: &'static str, value| {
            let mut sql = Sql::new(sql);
            sql.bind(value);
            connection.execute(sql).err().map(|error| error.kind())
        };
        let insert = "INSERT INTO polymnia_memories VALUES (?";
        assert_eq!(run(connection, "INSERT INTO polymnia_settings SELECT ", Value::Text("x")), None);
        assert_eq!(
            run(connection, "INSERT INTO polymnia_settings SELECT ", Value::Text("x")),
            Some(ErrorKind::Unexpected)
        );
        assert_eq!(run(connection, insert, Value::Null), Some(ErrorKind::Unexpected));
        connection.batch("PRAGMA query_only = ON").unwrap();
        assert_eq!(
            run(connection, "INSERT INTO polymnia_changes SELECT ", Value::Text("x")),
            Some(ErrorKind::ReadOnly)
        );
        connection.batch("PRAGMA query_only = OFF; PRAGMA max_page_count = 12").unwrap();
        let large = "x".repeat(200_000);
        assert_eq!(
            run(connection, "INSERT INTO polymnia_changes SELECT ", Value::Text(&large)),
            Some(ErrorKind::StorageFull)
        );
    }

    #[test]
    fn the_cache_of_statements_is_bounded_and_used() {
        let connection = &mut memory();
        let before = connection.cached.load(Ordering::Relaxed);
        for _ in 0..3 {
            let mut sql = Sql::new("SELECT ");
            sql.bind(Value::Integer(1));
            connection.one::<Integers<1>, _>(sql).unwrap();
            connection.execute(fixed::<Begin, 0>([])).unwrap();
            connection.execute(fixed::<Commit, 0>([])).unwrap();
        }
        assert_eq!(connection.cached.load(Ordering::Relaxed) - before, 3);
        for terms in 0..=MAX_CACHED {
            let mut sql = Sql::new("SELECT 1");
            for _ in 0..terms {
                sql.push("+1");
            }
            connection.one::<Integers<1>, _>(sql).unwrap();
        }
        connection.finish();
        assert_eq!(connection.cached.load(Ordering::Relaxed), 0);
        assert!(connection.one::<Integers<1>, _>(Sql::new("SELECT 1")).unwrap().is_some());
    }
}
