//! The right to migrate a database, on a connection of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _};
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Bool, Text};
use polymnia::schema::{
    BatchDone, BatchRequest, Begin, Entry, Event, Ledger, LockHolder, LogEntry, Observer, Orphans, SchemaFault, SessionOptions,
    Snapshot, StatementError, Version,
};
use polymnia::spi::SchemaSession;
use polymnia::{Call, Error, Result};
use polymnia_pool::Connector as _;

use super::{batch, indexes, ledger, lock, rows, snapshot, statement};
use crate::config::{Sessions, millis};
use crate::connector::PgConnector;
use crate::engine::{Ending, explain_fault, interruption, is_to_be_watched};
use crate::error::{self, Fault};
use crate::session::{Scope, Session};
use crate::sql::Statement;
use crate::watchdog::Watch;

/// How long to wait between two tries for the lock. A blocking wait would deadlock with CREATE INDEX CONCURRENTLY.
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// How often whoever watches is told of waiting.
const TOLD_EVERY: Duration = Duration::from_secs(1);
/// What the server calls a connection that migrates, before who it is.
const PROGRAM: &str = "polymnia migrate";
/// The most bytes that the server keeps of it.
const PROGRAM_BYTES: usize = 63;

/// Sets what a session of migrating needs, for as long as the connection lives (`false`) or the transaction lasts (`true`).
///
/// - It ends no statement and no transaction for taking long: a backup may be made while one is open.
/// - A server whose client is gone without a word (a network that was cut) notices within half a minute. A process that was
///   killed closes its socket, for which there is `client_connection_check_interval`.
/// - Scripts mean what they say, whatever the role's settings.
const SETTINGS: [&str; 2] = [
    "SELECT set_config(one.name, wanted.value, ",
    ") FROM pg_catalog.pg_settings AS one JOIN (VALUES ('statement_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), \
     ('idle_session_timeout', '0'), ('transaction_timeout', '0'), ('tcp_keepalives_idle', '10'), \
     ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3'), ('standard_conforming_strings', 'on'), \
     ('search_path', concat_ws(', ', 'polymnia', nullif(current_setting('search_path'), ''))), ('lock_timeout', ",
];
const SETTINGS_END: &str = ")) AS wanted (name, value) ON wanted.name = one.name";
/// Has the server look, while a statement runs, whether its client is still there. Not every server can.
const CHECK_CLIENT: &str = "SET client_connection_check_interval = '500ms'";

/// Holds the lock of migrating, by a connection that ends with it.
pub(super) struct PgSchemaSession {
    session: Session,
    connector: PgConnector,
    options: SessionOptions,
    transaction: Transaction,
    /// How long statements wait for locks now.
    lock_timeout: Duration,
    /// The statement whose table's size was told.
    told: Option<String>,
    /// Behind a pooler: the versions that were applied when the lock was given back last.
    left: Option<Option<BTreeSet<String>>>,
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
            told: None,
            left: None,
        };
        if this.sessions() == Sessions::Own {
            this.guarded(call, |session| session.set_limit(None))?;
            this.guarded(call, |session| settle(session, options, false))?;
            if let Err(error) = this.session.connection.batch_execute(CHECK_CLIENT) {
                log::debug!("the server can't look after its clients: {error}");
            }
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
            return self.guarded(call, |session| match lock::try_for_session(session)? {
                true => Ok(Attempt::Taken),
                false => Ok(Attempt::Refused(holder(session)?)),
            });
        }
        self.guarded(call, |session| begin(session))?;
        self.transaction = Transaction::Lock;
        let options = self.options;
        let attempt = self.guarded(call, |session| {
            settle(session, &options, true)?;
            let backend: i64 = session.load_one(Statement::<BigInt>::new("SELECT pg_backend_pid()::bigint"))?;
            session.slot.set_backend(i32::try_from(backend).ok());
            check_writable(session)?;
            match lock::try_for_transaction(session)? {
                true => Ok((Attempt::Taken, ledger::diesel(session)?)),
                false => Ok((Attempt::Refused(holder(session)?), None)),
            }
        });
        match attempt {
            Ok((Attempt::Taken, found)) => {
                if self.left.as_ref().is_some_and(|left| *left != found) {
                    self.end_transaction()?;
                    let message = "another process migrated this database between two transactions";
                    return Err(SchemaFault::Locked.error(message).with_hint("run `polymnia migrate upgrade` again"));
                }
                self.left = Some(found);
                Ok(Attempt::Taken)
            }
            Ok((refused, _)) => {
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

    /// Runs a statement of a migration.
    fn run(&mut self, call: &Call, text: &str) -> Result<u64, StatementError> {
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
        done.map_err(|fault| explain_fault(&self.connector.config, fault, &mut self.session, call, ending))
    }

    fn watched<T>(&mut self, call: &Call, work: impl FnOnce(&mut Session) -> T) -> (T, Ending) {
        let started = Instant::now();
        let watch =
            is_to_be_watched(call, None).then(|| self.connector.watchdog.watch(&self.session.slot, call));
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

impl SchemaSession for PgSchemaSession {
    fn is_one_transaction(&self) -> bool {
        self.sessions() == Sessions::Shared
    }

    fn prepare(&mut self, call: &Call) -> Result<bool> {
        self.write(call, ledger::prepare)
    }

    fn ledger(&mut self, call: &Call) -> Result<Ledger> {
        self.read(call, ledger::read)
    }

    fn snapshot(&mut self, call: &Call) -> Result<Snapshot> {
        let open = self.transaction != Transaction::Closed || self.sessions() == Sessions::Shared;
        self.read(call, |session| {
            if open { snapshot::read(session) } else { session.within(Scope::Snapshot, snapshot::read) }
        })
    }

    fn begin(&mut self, call: &Call, how: Begin) -> Result<()> {
        // Tables are made anew here without switching anything off.
        let (Begin::Plain | Begin::Rebuild) = how;
        self.ready(call)?;
        if self.transaction == Transaction::Closed {
            self.guarded(call, begin)?;
            // Within one, a change of the setting would go away with a rollback.
            self.transaction = Transaction::Begun;
            return self.set_lock_timeout(call, "");
        }
        self.transaction = Transaction::Begun;
        Ok(())
    }

    fn commit(&mut self, call: &Call) -> Result<()> {
        if self.transaction == Transaction::Closed {
            return Ok(());
        }
        if self.sessions() == Sessions::Shared {
            self.left = Some(self.guarded(call, ledger::diesel)?);
        }
        self.transaction = Transaction::Closed;
        self.hide_backend();
        self.guarded(call, |session| {
            AnsiTransactionManager::commit_transaction(&mut session.connection)
                .map_err(|error| Fault::from(error).committing())
        })
    }

    fn rollback(&mut self) -> Result<()> {
        self.end_transaction()
    }

    fn execute(&mut self, call: &Call, statement: &str) -> Result<u64, StatementError> {
        self.run(call, statement)
    }

    fn batch(&mut self, call: &Call, request: &BatchRequest<'_>) -> Result<BatchDone, StatementError> {
        self.ready(call)?;
        self.set_lock_timeout(call, "")?;
        let page = self.guarded(call, |session| batch::page(session, request))?;
        let total = if self.told.as_deref() == Some(request.statement) {
            None
        } else {
            let total = self.guarded(call, |session| batch::total(session, &page))?;
            self.told = Some(request.statement.to_owned());
            Some(total)
        };
        let Some(key) = page.last.clone() else {
            return Ok(BatchDone { key: None, looked_at: 0, changed: 0, total });
        };
        let cut = batch::cut(request, &page);
        let (done, ending) = self.watched(call, |session| cut.run(session, request.after, &key));
        let changed = done.map_err(|error| {
            let mut failed = self.explain(call, &cut.text, &error, ending);
            failed.offset = failed.offset.and_then(|offset| cut.original_offset(offset));
            failed
        })?;
        Ok(BatchDone { key: Some(key), looked_at: page.rows, changed, total })
    }

    fn record(&mut self, call: &Call, entry: &Entry) -> Result<()> {
        self.write(call, |session| ledger::record(session, entry))
    }

    fn forget(&mut self, call: &Call, version: &Version) -> Result<()> {
        self.write(call, |session| ledger::forget(session, version))
    }

    fn log(&mut self, call: &Call, line: &LogEntry) -> Result<()> {
        self.write(call, |session| ledger::add_line(session, line))
    }

    fn dismantle(&mut self, call: &Call) -> Result<()> {
        self.write(call, ledger::dismantle)
    }

    fn invalid_indexes(&mut self, call: &Call) -> Result<Vec<String>> {
        self.read(call, indexes::invalid)
    }

    fn drop_invalid_index(&mut self, call: &Call, name: &str) -> Result<(), StatementError> {
        let concurrently = self.transaction == Transaction::Closed && self.sessions() == Sessions::Own;
        match self.read(call, |session| indexes::drop_invalid(session, name, concurrently))? {
            Some(statement) => self.run(call, &statement).map(|_| ()),
            None => Ok(()),
        }
    }

    fn has_index(&mut self, call: &Call, name: &str) -> Result<bool> {
        self.read(call, |session| indexes::is_there(session, name))
    }

    fn row_counts(&mut self, call: &Call) -> Result<BTreeMap<String, u64>> {
        self.read(call, |session| rows::counts(session, call))
    }

    fn orphans(&mut self, call: &Call) -> Result<Vec<Orphans>> {
        self.read(call, |session| rows::orphans(session, call))
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

fn settle(session: &mut Session, options: &SessionOptions, local: bool) -> Result<(), Fault> {
    let [set, values] = SETTINGS;
    let mut statement = Statement::<Text>::new(set);
    let lock_timeout = millis(Some(options.lock_timeout)).to_string();
    statement.bind(local).text(values).bind(lock_timeout).text(SETTINGS_END).plan_each_time();
    let _set: Vec<String> = session.load(statement)?;
    Ok(())
}

/// Checks that the server takes writes and the role may write, before anything is tried.
fn check_writable(session: &mut Session) -> Result<(), Fault> {
    let mut statement =
        Statement::<Bool>::new("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'");
    statement.plan_each_time();
    if session.load_one(statement)? {
        return Err(error::read_only().into());
    }
    ledger::check_may_migrate(session)
}

/// Returns what the server calls the connection: who migrates, from where.
fn program() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    let (user, host) = (user.unwrap_or_default(), host.unwrap_or_default());
    program_of(&user, host.trim(), std::process::id())
}

fn program_of(user: &str, host: &str, process: u32) -> String {
    let user = if user.is_empty() { "somebody" } else { user };
    let host = if host.is_empty() { "somewhere" } else { host };
    // The server replaces what is not ASCII by itself, and cuts.
    let mut text = format!("{PROGRAM} {user}@{host} pid {process}");
    if text.len() > PROGRAM_BYTES {
        let end = (0..=PROGRAM_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_tells_who_it_is() {
        assert_eq!(program_of("ann", "desk", 7), "polymnia migrate ann@desk pid 7");
        assert_eq!(program_of("", "", 7), "polymnia migrate somebody@somewhere pid 7");
        assert!(program_of(&"é".repeat(40), "desk", 7).len() <= PROGRAM_BYTES);
    }
}
