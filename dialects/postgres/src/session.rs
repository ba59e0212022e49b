//! One connection and what is known of it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, Connection as _, SimpleConnection as _, TransactionManager as _};
use diesel::pg::{Pg, PgConnection};
use diesel::query_builder::{QueryFragment, QueryId};
use diesel::query_dsl::LoadQuery;
use diesel::r2d2::R2D2Connection as _;
use diesel::sql_types::BigInt;
use diesel::{QueryResult, RunQueryDsl};
use polymnia::{Error, ErrorKind};

use crate::config::{IDLE_IN_TRANSACTION, Sessions, millis};
use crate::error::Fault;
use crate::sql::Statement;
use crate::watchdog::Slot;

/// Is a connection, ready for use.
#[allow(missing_debug_implementations)] // a connection has nothing to show
pub(crate) struct Session {
    pub(crate) connection: PgConnection,
    pub(crate) slot: Arc<Slot>,
    /// When it last answered.
    pub(crate) answered: Instant,
    sessions: Sessions,
    messages: Messages,
    /// How long the server lets a statement run; none is for ever.
    limit: Option<Duration>,
    /// Whether all work is part of a transaction that somebody else ends.
    nested: bool,
}

/// Says which language the server's errors come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Messages {
    /// As the server was set up.
    AsTheyAre,
    /// English must be asked for in each transaction.
    AskForEnglish,
}

/// Says what a piece of work needs around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One statement that reads.
    Read,
    /// One statement that writes.
    Write,
    /// Several statements that read one moment.
    Snapshot,
    /// Several statements that write, each seeing what others committed meanwhile.
    Transaction,
    /// Several statements that write what one moment shows, or fail.
    Exact,
}

impl Session {
    pub(crate) fn new(connection: PgConnection, sessions: Sessions, messages: Messages, limit: Duration) -> Self {
        let slot = Arc::default();
        Self { connection, slot, answered: Instant::now(), sessions, messages, limit: Some(limit), nested: false }
    }

    /// Has the server end statements that run longer; none is never.
    pub(crate) fn set_limit(&mut self, limit: Option<Duration>) -> Result<(), Fault> {
        if self.limit != limit {
            if self.sessions == Sessions::Own {
                let statement = format!("SET statement_timeout = {}", millis(limit));
                self.connection.batch_execute(&statement)?;
            }
            self.limit = limit;
        }
        Ok(())
    }

    /// Says what must be done for English messages.
    pub(crate) fn set_messages(&mut self, messages: Messages) {
        self.messages = messages;
    }

    /// Returns how long the server lets a statement run.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// Does the work in the transaction it needs, if any: all of it or nothing.
    pub(crate) fn within<T>(
        &mut self,
        scope: Scope,
        work: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.nested {
            return work(self);
        }
        let Some(begin) = self.begin(scope) else {
            let done = work(self);
            return if scope == Scope::Write { done.map_err(Fault::committing) } else { done };
        };
        if let Err(error) = AnsiTransactionManager::begin_transaction_sql(&mut self.connection, &begin) {
            // It may have failed after the BEGIN.
            let _ = self.connection.batch_execute("ROLLBACK");
            return Err(error.into());
        }
        let done = self.name_backend().and_then(|()| work(self));
        self.hide_backend();
        match done {
            Ok(value) => {
                let committed = AnsiTransactionManager::commit_transaction(&mut self.connection).map_err(Fault::from);
                match scope {
                    Scope::Read | Scope::Snapshot => committed?,
                    Scope::Write | Scope::Transaction | Scope::Exact => committed.map_err(Fault::committing)?,
                }
                Ok(value)
            }
            Err(fault) => {
                // If this fails, the connection is marked as broken, and the first error tells more.
                let _ = AnsiTransactionManager::rollback_transaction(&mut self.connection);
                Err(fault)
            }
        }
    }

    /// Does work in a transaction that is rolled back, whatever comes of it. Work within needs none of its own.
    pub(crate) fn in_vain<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut done = None;
        let rolled_back = self.within(Scope::Transaction, |session| {
            session.nested = true;
            let worked = work(session);
            session.nested = false;
            done = Some(worked?);
            // Not shown to anybody: what fails is rolled back.
            Err::<(), _>(Error::new(ErrorKind::Cancelled, "rolled back").into())
        });
        match (done, rolled_back) {
            (Some(done), _) => Ok(done),
            (None, Err(fault)) => Err(fault),
            (None, Ok(())) => Err(Error::new(ErrorKind::Unexpected, "nothing was rolled back").into()),
        }
    }

    /// Runs a statement and returns its rows.
    pub(crate) fn load<'query, Q, Row>(&mut self, statement: Q) -> Result<Vec<Row>, Fault>
    where
        Q: LoadQuery<'query, PgConnection, Row> + RunQueryDsl<PgConnection>,
    {
        Ok(statement.load(&mut self.connection)?)
    }

    /// Runs a statement that returns one row.
    pub(crate) fn load_one<'query, Q, Row>(&mut self, statement: Q) -> Result<Row, Fault>
    where
        Q: LoadQuery<'query, PgConnection, Row> + RunQueryDsl<PgConnection>,
    {
        Ok(statement.get_result(&mut self.connection)?)
    }

    /// Runs a statement and returns how many rows it wrote.
    pub(crate) fn execute<Q>(&mut self, statement: &Q) -> Result<usize, Fault>
    where
        Q: QueryFragment<Pg> + QueryId + RunQueryDsl<PgConnection>,
    {
        Ok(self.connection.execute_returning_count(statement)?)
    }

    /// Asks for the simplest of answers.
    pub(crate) fn ping(&mut self) -> QueryResult<()> {
        self.connection.batch_execute("SELECT 1")?;
        self.answered = Instant::now();
        Ok(())
    }

    /// Returns whether the connection is of no more use.
    pub(crate) fn is_broken(&mut self) -> bool {
        self.connection.is_broken()
    }

    /// Returns what begins a transaction, if the scope needs one.
    fn begin(&self, scope: Scope) -> Option<Cow<'static, str>> {
        let begin = match scope {
            Scope::Read | Scope::Write if self.sessions == Sessions::Own => return None,
            Scope::Read | Scope::Write | Scope::Transaction => "BEGIN",
            Scope::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Scope::Exact => "BEGIN ISOLATION LEVEL REPEATABLE READ",
        };
        if self.sessions == Sessions::Own {
            return Some(Cow::Borrowed(begin));
        }
        let mut text = format!(
            "{begin}; SET LOCAL statement_timeout = {}; SET LOCAL idle_in_transaction_session_timeout = {}",
            millis(self.limit),
            IDLE_IN_TRANSACTION.as_millis()
        );
        if self.messages == Messages::AskForEnglish {
            text.write_str("; SET LOCAL lc_messages = 'C'").expect("a String takes it");
        }
        Some(Cow::Owned(text))
    }

    /// Lets the watchdog know the process that a pooler gave out for this transaction.
    fn name_backend(&mut self) -> Result<(), Fault> {
        if self.sessions == Sessions::Shared && self.slot.is_watched() {
            let backend: i64 = self.load_one(Statement::<BigInt>::new("SELECT pg_backend_pid()::bigint"))?;
            self.slot.set_backend(i32::try_from(backend).ok());
        }
        Ok(())
    }

    /// Keeps the watchdog from disturbing whoever gets the process next. Before the COMMIT, therefore.
    fn hide_backend(&self) {
        if self.sessions == Sessions::Shared {
            self.slot.set_backend(None);
        }
    }
}
