//! The right to migrate a database, on a connection of its own.

mod operations;
mod settings;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _};
use diesel::result::Error as DieselError;
use diesel::sql_types::BigInt;
use polymnia::schema::{Begin, Event, LockHolder, Observer, SchemaFault, SessionOptions, StatementError};
use polymnia::spi::SchemaSession as _;
use polymnia::{Call, Error, Result};
use polymnia_pool::Connector as _;

use self::settings::{CHECK_CLIENT, check_writable, keep, program, put_back, settle};
use super::{ledger, lock, statement};
use crate::config::{Sessions, millis};
use crate::connector::PgConnector;
use crate::engine::{Ending, explain_fault, interruption, is_to_be_watched};
use crate::error::Fault;
use crate::session::Session;
use crate::sql::Statement;
use crate::watchdog::Watch;

/// How long to wait between two tries for the lock. A blocking wait would deadlock with CREATE INDEX CONCURRENTLY.
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// How often whoever watches is told of waiting.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// Holds the lock of migrating, by a connection that ends with it.
pub(super) struct PgSchemaSession {
    session: Session,
    connector: PgConnector,
    options: SessionOptions,
    transaction: Transaction,
    /// How long statements wait for locks now.
    lock_timeout: Duration,
    /// The settings as they are to be when a step begins, as JSON.
    kept: String,
    /// The statement whose table's size was told.
    told: Option<String>,
    /// Behind a pooler: the versions that were applied when the lock was given back last.
    left: Option<BTreeSet<String>>,
}

/// Says whether a transaction is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transaction {
    /// None is.
    Closed,
    /// One that holds the lock and nothing else: behind a pooler.
    Lock,
    /// One that was begun.
    Begun,
}

impl PgSchemaSession {
    /// Connects, sees that the database can be written, and waits for the lock.
    pub(super) fn open(
        connector: &PgConnector,
        call: &Call,
        options: &SessionOptions,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let config = Arc::new(connector.config.with("application_name", &program()));
        let connector = PgConnector { config, watchdog: Arc::clone(&connector.watchdog) };
        let session = connector.connect()?;
        let mut this = Self {
            session,
            connector,
            options: *options,
            transaction: Transaction::Closed,
            lock_timeout: options.lock_timeout,
            kept: String::new(),
            told: None,
            left: None,
        };
        if this.sessions() == Sessions::Own {
            this.guarded(call, |session| session.set_limit(None))?;
            this.guarded(call, |session| settle(session, options, false))?;
            if let Err(error) = this.session.connection.batch_execute(CHECK_CLIENT) {
                log::debug!("the server can't look after its clients: {error}");
            }
            this.kept = this.guarded(call, keep)?;
            this.guarded(call, check_writable)?;
        }
        this.lock(call, observer)?;
        Ok(this)
    }

    fn sessions(&self) -> Sessions {
        self.connector.config.sessions
    }

    /// Takes the lock, or waits until it is free.
    fn lock(&mut self, call: &Call, observer: &mut dyn Observer) -> Result<()> {
        let since = Instant::now();
        let mut told: Option<Instant> = None;
        loop {
            let waited = since.elapsed();
            let late = waited >= self.options.lock_wait;
            let tell = late || told.is_none_or(|told| told.elapsed() >= TOLD_EVERY);
            let holder = match self.try_lock(call, tell)? {
                Attempt::Taken => return Ok(()),
                Attempt::Refused(holder) => holder,
            };
            if late {
                return Err(lock::locked(holder.as_ref()));
            }
            if tell {
                told = Some(Instant::now());
                let millis = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
                observer.event(&Event::Waiting { holder: holder.as_ref(), millis });
            }
            std::thread::sleep(LOCK_PAUSE.min(self.options.lock_wait.saturating_sub(waited)));
        }
    }

    /// Tries to take the lock once; if it is to be told, finds out who holds it.
    fn try_lock(&mut self, call: &Call, tell: bool) -> Result<Attempt> {
        let holder = |session: &mut Session| if tell { lock::holder(session) } else { Ok(None) };
        if self.sessions() == Sessions::Own {
            return self.guarded(call, |session| {
                let taken = lock::try_for_session(session)?;
                Ok(if taken { Attempt::Taken } else { Attempt::Refused(holder(session)?) })
            });
        }
        self.guarded(call, begin)?;
        self.transaction = Transaction::Lock;
        let options = self.options;
        let attempt = self.guarded(call, |session| {
            let kept = keep(session)?;
            settle(session, &options, true)?;
            let backend: i64 = session.load_one(Statement::<BigInt>::new("SELECT pg_backend_pid()::bigint"))?;
            session.slot.set_backend(i32::try_from(backend).ok());
            check_writable(session)?;
            if lock::try_for_transaction(session)? {
                Ok((Attempt::Taken, ledger::diesel(session)?.unwrap_or_default(), kept))
            } else {
                Ok((Attempt::Refused(holder(session)?), BTreeSet::new(), kept))
            }
        });
        match attempt {
            Ok((Attempt::Taken, found, kept)) => {
                if self.left.as_ref().is_some_and(|left| *left != found) {
                    self.end_transaction()?;
                    let message = "another process migrated this database between two transactions";
                    return Err(SchemaFault::Locked.error(message).with_hint("run `polymnia migrate upgrade` again"));
                }
                self.left = Some(found);
                self.kept = kept;
                Ok(Attempt::Taken)
            }
            Ok((refused, ..)) => {
                self.end_transaction()?;
                Ok(refused)
            }
            Err(error) => {
                // The first error tells more.
                let _ = self.end_transaction();
                Err(error)
            }
        }
    }

    /// Behind a pooler, has a transaction with the lock: what was committed gave it back.
    fn ready(&mut self, call: &Call) -> Result<()> {
        call.check()?;
        if self.sessions() == Sessions::Shared && self.transaction == Transaction::Closed {
            return self.lock(call, &mut |_: &Event<'_>| {});
        }
        Ok(())
    }

    /// Does work that reads.
    fn read<T>(&mut self, call: &Call, work: impl FnOnce(&mut Session) -> Result<T, Fault>) -> Result<T> {
        self.ready(call)?;
        self.guarded(call, work)
    }

    /// Does work that writes: in the transaction that was begun, or in one of its own.
    fn write<T>(&mut self, call: &Call, work: impl FnOnce(&mut Session) -> Result<T, Fault>) -> Result<T> {
        self.ready(call)?;
        if self.transaction == Transaction::Begun {
            return self.guarded(call, work);
        }
        self.begin(call, Begin::Plain)?;
        match self.guarded(call, work) {
            Ok(value) => {
                self.commit(call)?;
                Ok(value)
            }
            Err(error) => {
                // If this fails, the connection is broken, and the first error tells more.
                let _ = self.end_transaction();
                Err(error)
            }
        }
    }

    /// Puts back what a step that ends here has set.
    fn end_step(&mut self, call: &Call) -> Result<()> {
        let shared = self.sessions() == Sessions::Shared;
        if shared && self.transaction == Transaction::Closed {
            return Ok(()); // What was committed was put back before.
        }
        let (kept, options) = (self.kept.clone(), self.options);
        self.read(call, |session| {
            // Not for the transaction only: whoever gets the pooler's session next is not to find them either.
            put_back(session, &kept)?;
            if shared { settle(session, &options, true) } else { Ok(()) }
        })?;
        self.lock_timeout = self.options.lock_timeout;
        Ok(())
    }

    /// Runs a statement of a migration.
    fn run(&mut self, call: &Call, text: &str) -> Result<u64, StatementError> {
        statement::check(text)?;
        self.ready(call)?;
        self.set_lock_timeout(call, text)?;
        let (done, ending) = self.watched(call, |session| statement::run(session, text));
        done.map_err(|error| self.explain(call, text, &error, ending))
    }

    /// Returns what a statement failed with.
    fn explain(&self, call: &Call, text: &str, error: &DieselError, ending: Ending) -> StatementError {
        match interruption(call, ending) {
            Some(error) => error.into(),
            None => statement::explain(&self.connector.config, text, error, self.lock_timeout),
        }
    }

    /// Has the server let the statement wait for locks as long as it may.
    fn set_lock_timeout(&mut self, call: &Call, text: &str) -> Result<()> {
        let alone = self.transaction == Transaction::Closed;
        let wanted =
            if alone && statement::is_patient(text) { self.options.lock_wait } else { self.options.lock_timeout };
        if self.lock_timeout != wanted {
            let set = format!("SET lock_timeout = {}", millis(Some(wanted)));
            self.guarded(call, |session| Ok(session.connection.batch_execute(&set)?))?;
            self.lock_timeout = wanted;
        }
        Ok(())
    }

    /// Does work that ends when the caller gives up, and says what went wrong as a caller understands it.
    fn guarded<T>(&mut self, call: &Call, work: impl FnOnce(&mut Session) -> Result<T, Fault>) -> Result<T> {
        let (done, ending) = self.watched(call, work);
        done.map_err(|fault| {
            let is_lock_trouble = match &fault {
                Fault::Database { error: DieselError::DatabaseError(_, information), .. } => {
                    statement::is_lock_trouble(information.message())
                }
                _ => false,
            };
            let error = explain_fault(&self.connector.config, fault, &mut self.session, call, ending);
            if is_lock_trouble {
                return SchemaFault::Locked.error("others hold what the ledgers need").with_source(error);
            }
            error
        })
    }

    fn watched<T>(&mut self, call: &Call, work: impl FnOnce(&mut Session) -> T) -> (T, Ending) {
        let started = Instant::now();
        let watch = is_to_be_watched(call, None).then(|| self.connector.watchdog.watch(&self.session.slot, call));
        let done = work(&mut self.session);
        let fired = watch.is_some_and(Watch::end);
        if fired {
            // Should the request arrive late, this takes it, and not the next statement.
            let _ = self.session.ping();
        }
        (done, Ending { fired, took: started.elapsed() })
    }

    /// Rolls back what is open.
    fn end_transaction(&mut self) -> Result<()> {
        if self.transaction == Transaction::Closed {
            return Ok(());
        }
        self.transaction = Transaction::Closed;
        self.hide_backend();
        AnsiTransactionManager::rollback_transaction(&mut self.session.connection)
            .map_err(|error| self.unexpected(error.into()))
    }

    /// Keeps the watchdog from disturbing whoever gets the process next, behind a pooler.
    fn hide_backend(&self) {
        if self.sessions() == Sessions::Shared {
            self.session.slot.set_backend(None);
        }
    }

    fn unexpected(&mut self, fault: Fault) -> Error {
        let ending = Ending { fired: false, took: Duration::ZERO };
        let call = Call::at(polymnia::Timestamp::now());
        explain_fault(&self.connector.config, fault, &mut self.session, &call, ending)
    }
}

impl Drop for PgSchemaSession {
    fn drop(&mut self) {
        // The end of the connection does both, but only some time after.
        let ended = self.end_transaction();
        if ended.is_ok() && self.sessions() == Sessions::Own && !self.session.is_broken() {
            let _ = lock::release(&mut self.session);
        }
    }
}

impl fmt::Debug for PgSchemaSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgSchemaSession")
            .field("options", &self.options)
            .field("transaction", &self.transaction)
            .finish_non_exhaustive()
    }
}

/// Is what a try for the lock came to.
#[derive(Debug)]
enum Attempt {
    Taken,
    /// Somebody else has it: who, if that was asked.
    Refused(Option<LockHolder>),
}

fn begin(session: &mut Session) -> Result<(), Fault> {
    let begin = "BEGIN ISOLATION LEVEL READ COMMITTED";
    AnsiTransactionManager::begin_transaction_sql(&mut session.connection, begin)?;
    Ok(())
}
