//! The operations of one tenant: takes a connection, guards the call's time, hands the work on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use polymnia::spi::{AdminEngine, Engine, Rows, SchemaEngine};
use polymnia::{
    ApplyReport, Call, Capability, Error, ErrorKind, Explanation, Filter, Interruption, Memory, MemoryId, Mutation,
    Namespace, NamespaceStats, OpenOptions, Query, Result, Selection, Settings, Support, Timestamp,
};
use polymnia_pool::{Connector as _, Pool, Pooled};

use crate::canceller::Canceller;
use crate::config::Config;
use crate::connector::PgConnector;
use crate::declared::Declarations;
use crate::error::{self, Fault};
use crate::filter_sql::{self, Hints, Tenants};
use crate::page::{self, PageOf};
use crate::sample::{Sample, Samples};
use crate::schema::Scratch;
use crate::session::{Scope, Session};
use crate::watchdog::Watchdog;
use crate::write::Novelty;
use crate::{explain, probe, read, write};

/// Does whole operations on one PostgreSQL database.
#[derive(Debug)]
pub(crate) struct PgEngine {
    pub(crate) pool: Pool<PgConnector>,
    watchdog: Arc<Watchdog>,
    pub(crate) config: Arc<Config>,
    pub(crate) samples: Arc<Samples>,
    pub(crate) declarations: Declarations,
    novelty: Novelty,
    /// Connections that have not answered since are asked before they are used: one of them was found dead.
    suspect: Mutex<Option<Instant>>,
    /// Last, so that the connections are closed by then.
    #[expect(dead_code, reason = "held for what its end does")]
    scratch: Option<Scratch>,
}

/// Says how long an operation may take when the caller says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// As long as the statement timeout for each statement.
    Statement,
    /// As long as it takes.
    Endless,
}

impl PgEngine {
    /// Opens the database.
    pub(crate) fn open(options: &OpenOptions) -> Result<Self> {
        Self::over(Config::read(options)?, None)
    }

    /// Opens the database that the configuration names, and has it end with the engine if it is a scratch one.
    pub(crate) fn over(config: Config, scratch: Option<Scratch>) -> Result<Self> {
        let config = Arc::new(config);
        let watchdog = Arc::new(Watchdog::new(Canceller::new(Arc::clone(&config))));
        let connector = PgConnector { config: Arc::clone(&config), watchdog: Arc::clone(&watchdog) };
        let pool = Pool::open(connector, &config.settings)?;
        let (samples, declarations, novelty) = Default::default();
        Ok(Self { pool, watchdog, config, samples, declarations, novelty, suspect: Mutex::new(None), scratch })
    }

    /// Does the work on a connection of the pool.
    pub(crate) fn run<T>(
        &self,
        call: &Call,
        patience: Patience,
        work: impl FnOnce(&mut Session) -> Result<T, Fault>,
    ) -> Result<T> {
        let mut session = self.acquire(call)?;
        self.run_on(&mut session, call, patience, work)
    }

    /// Does the work in one transaction, on a connection of the pool.
    pub(crate) fn run_within<T>(
        &self,
        call: &Call,
        patience: Patience,
        scope: Scope,
        work: impl FnOnce(&mut Session) -> Result<T, Fault>,
    ) -> Result<T> {
        self.run(call, patience, |session| session.within(scope, work))
    }

    /// Does the work on a connection outside the pool, which ends with it.
    pub(crate) fn run_apart<T>(
        &self,
        call: &Call,
        patience: Patience,
        work: impl FnOnce(&mut Session) -> Result<T, Fault>,
    ) -> Result<T> {
        let mut session = self.pool.connector().connect()?;
        self.run_on(&mut session, call, patience, work)
    }

    fn run_on<T>(
        &self,
        session: &mut Session,
        call: &Call,
        patience: Patience,
        work: impl FnOnce(&mut Session) -> Result<T, Fault>,
    ) -> Result<T> {
        let started = Instant::now();
        let limit = limit(&self.config.settings, call, patience);
        let watch = is_to_be_watched(call, limit).then(|| self.watchdog.watch(&session.slot, call));
        let done = session.set_limit(limit).and_then(|()| work(session));
        let fired = watch.is_some_and(crate::watchdog::Watch::end);
        if fired {
            // Should the request arrive late, this takes it, and not the next call.
            let _ = session.ping();
        }
        match done {
            Ok(value) => {
                session.answered = Instant::now();
                Ok(value)
            }
            Err(Fault::Own(error)) => Err(error),
            Err(fault) => Err(self.explain(fault, session, call, Ending { fired, took: started.elapsed() })),
        }
    }

    /// Hands a page on, with what is known for finding it.
    fn with_page<T>(
        &self,
        session: &mut Session,
        now: Timestamp,
        namespace: &Namespace,
        query: &Query,
        work: impl FnOnce(&mut Session, PageOf<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let filter = &query.selection.filter;
        let declared = self.declarations.serving(session, filter)?;
        let sample = if declared.is_empty() { self.sample(now, filter) } else { None };
        work(session, PageOf { now, namespace, query, declared: &declared, sample: sample.as_deref() })
    }

    /// Returns the sample, if there is one, for a filter that it can say something of.
    fn sample(&self, now: Timestamp, filter: &Filter) -> Option<Arc<Sample>> {
        if !filter_sql::is_indexable(filter) {
            return None;
        }
        self.samples.current(|| {
            let connector = self.pool.connector().clone();
            move || connector.connect()?.within(Scope::Snapshot, |session| Sample::take(session, now))
        })
    }

    fn acquire(&self, call: &Call) -> Result<Pooled<PgConnector>> {
        loop {
            let mut session = self.pool.acquire(call)?;
            let suspect = *self.suspect.lock().unwrap_or_else(PoisonError::into_inner);
            if suspect.is_none_or(|since| session.answered > since) || session.ping().is_ok() {
                return Ok(session);
            }
            // The ping has marked it as broken, so the pool throws it away.
            log::debug!("a connection of the pool no longer works");
        }
    }

    fn explain(&self, fault: Fault, session: &mut Session, call: &Call, ending: Ending) -> Error {
        if matches!(fault, Fault::Database { .. }) && session.is_broken() {
            *self.suspect.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        explain_fault(&self.config, fault, session, call, ending)
    }
}

/// Returns what a fault means to the caller.
pub(crate) fn explain_fault(
    config: &Config,
    fault: Fault,
    session: &mut Session,
    call: &Call,
    ending: Ending,
) -> Error {
    let (error, stage) = match fault {
        Fault::Own(error) => return error,
        Fault::Database { error, stage } => (error, stage),
    };
    let scrub = |text: &str| config.scrub(text);
    let broken = session.is_broken();
    let known = error::classify(&error, stage, scrub);
    if let Some(known) = known {
        // A cancel request may have been the watchdog's.
        return match interruption(call, ending).filter(|_| known.kind() == ErrorKind::Cancelled) {
            Some(error) => error,
            None => known.with_source(error),
        };
    }
    // From here on the message may be in any language.
    if let Some(error) = interruption(call, ending) {
        return error;
    }
    let late = session.limit().is_some_and(|limit| ending.took >= limit);
    let explained = if late {
        Some(Error::new(ErrorKind::Timeout, "a statement took longer than the statement timeout"))
    } else if broken {
        None
    } else {
        probe::explain(session)
    };
    let text = scrub(error::first_line(&error.to_string()));
    match explained {
        // Told in the same words on every dialect, and whole as it is.
        Some(explained) if explained.kind() == ErrorKind::Migration => explained.with_source(error),
        Some(explained) => explained.with_context("server", text).with_source(error),
        None => error::unrecognised(&text).with_source(error),
    }
}

/// Returns why the watchdog cancelled the call, if it did.
pub(crate) fn interruption(call: &Call, ending: Ending) -> Option<Error> {
    match call.interruption().filter(|_| ending.fired)? {
        Interruption::Cancelled => Some(Error::new(ErrorKind::Cancelled, "cancelled by the caller")),
        Interruption::TimedOut => Some(Error::new(ErrorKind::Timeout, "the deadline passed")),
    }
}

/// Is what is known of a call that failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    /// Whether the watchdog cancelled it.
    pub(crate) fired: bool,
    /// How long it took.
    pub(crate) took: Duration,
}

/// Returns how long the server lets a statement of the call run.
fn limit(settings: &Settings, call: &Call, patience: Patience) -> Option<Duration> {
    let usual = settings.statement_timeout;
    match call.remaining() {
        None if patience == Patience::Endless => None,
        None => Some(usual),
        Some(left) if left <= usual => Some(usual),
        // The watchdog ends it; the server's limit is for a watchdog that can't connect. A power of two, so that calls with
        // the same timeout don't set it anew each time.
        Some(left) => {
            let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
            Some(Duration::from_millis(millis.checked_next_power_of_two().unwrap_or(u64::MAX)))
        }
    }
}

/// Returns whether the watchdog has to end the call, rather than the server by itself.
pub(crate) fn is_to_be_watched(call: &Call, limit: Option<Duration>) -> bool {
    call.cancel.is_some() || call.remaining().is_some_and(|left| limit.is_none_or(|limit| left < limit))
}

impl Engine for PgEngine {
    fn capability(&self) -> Capability {
        let mut capability = Capability::none();
        capability.containment = Support::Native;
        capability.containment_index = Support::Native;
        capability.filters = Support::Native;
        capability.declared_indexes = Support::Native;
        capability.bulk_load = Support::Native;
        capability.related_threads = Support::Native;
        capability.related_threads_index = Support::Native;
        capability.change_capture = Support::Native;
        capability.interruption = Support::Native;
        capability.concurrent_writers = Support::Native;
        capability
    }

    fn get(&self, call: &Call, namespace: &Namespace, ids: &[MemoryId]) -> Result<Vec<Option<Memory>>> {
        self.run_within(call, Patience::Statement, Scope::Read, |session| read::get(session, call.now, namespace, ids))
    }

    fn query(&self, call: &Call, namespace: &Namespace, query: &Query) -> Result<Rows> {
        self.run_within(call, Patience::Statement, Scope::Read, |session| {
            self.with_page(session, call.now, namespace, query, page::query)
        })
    }

    fn count(&self, call: &Call, namespace: &Namespace, selection: &Selection) -> Result<u64> {
        self.run_within(call, Patience::Statement, Scope::Read, |session| {
            let declared = self.declarations.serving(session, &selection.filter)?;
            let sample = self.sample(call.now, &selection.filter);
            let tenants = Tenants::of(namespace, selection, sample.as_deref());
            read::count(session, call.now, namespace, selection, Hints::All(&declared), tenants)
        })
    }

    fn apply(&self, call: &Call, namespace: &Namespace, batch: &[Mutation]) -> Result<ApplyReport> {
        self.run(call, Patience::Statement, |session| write::apply(session, call, namespace, batch))
    }

    fn load(&self, call: &Call, namespace: &Namespace, batch: &[Mutation]) -> Result<ApplyReport> {
        self.run(call, Patience::Statement, |session| write::load(session, call, namespace, batch, &self.novelty))
    }

    fn explain(&self, call: &Call, namespace: &Namespace, query: &Query) -> Result<Explanation> {
        self.run_within(call, Patience::Statement, Scope::Snapshot, |session| {
            self.with_page(session, call.now, namespace, query, explain::explain)
        })
    }

    fn delete_matching(&self, call: &Call, namespace: &Namespace, selection: &Selection) -> Result<u64> {
        self.run_within(call, Patience::Statement, Scope::Transaction, |session| {
            let declared = self.declarations.serving(session, &selection.filter)?;
            write::delete_matching(session, call.now, namespace, selection, Hints::All(&declared))
        })
    }

    fn stats(&self, call: &Call, namespace: &Namespace) -> Result<NamespaceStats> {
        self.run_within(call, Patience::Statement, Scope::Snapshot, |session| read::stats(session, call.now, namespace))
    }

    fn admin(&self) -> &dyn AdminEngine {
        self
    }

    fn schema(&self) -> &dyn SchemaEngine {
        self
    }
}
