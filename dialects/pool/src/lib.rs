//! The pool of connections that the dialects share: r2d2 with typed errors, checks after idling only, and an end at once
//! when waiting can't help.
//!
//! r2d2 tries every failed connect again until its timeout and keeps only a text of the last error. Here a
//! [`Connector`] says by [`Retry`] whether trying again can help; what can't is returned at once, as it is.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use polymnia::{Call, Error, ErrorKind, PoolStatus, Result, Retry, RetryPolicy, Settings};
use r2d2::ManageConnection;
use scheduled_thread_pool::ScheduledThreadPool;

/// Makes, checks and judges the connections of a dialect.
pub trait Connector: Send + Sync + fmt::Debug + 'static {
    /// The connection.
    type Connection: Send + 'static;

    /// Opens a connection, ready for use.
    ///
    /// # Errors
    ///
    /// With [`Retry::Safe`] if trying again can help: the server starts up, the network is down. Anything else ends the
    /// attempts.
    fn connect(&self) -> Result<Self::Connection>;

    /// Asks the database whether the connection still works.
    ///
    /// # Errors
    ///
    /// Any: the connection is then thrown away.
    fn check(&self, connection: &mut Self::Connection) -> Result<()>;

    /// Returns whether the connection is known not to work, without asking the database.
    fn is_broken(&self, connection: &mut Self::Connection) -> bool;
}

/// Keeps connections for use by many threads. Clones share them.
pub struct Pool<C: Connector> {
    inner: r2d2::Pool<Manager<C>>,
    shared: Arc<Shared<C>>,
    acquire_timeout: Duration,
}

/// A connection is checked on checkout only after it was idle for longer than this.
const CHECK_AFTER: Duration = Duration::from_secs(5);
/// How often a waiting thread looks whether connecting failed for good.
const WAIT_SLICE: Duration = Duration::from_millis(20);

/// Replaces connections in the background, for every pool of the process.
static BACKGROUND: LazyLock<Arc<ScheduledThreadPool>> = LazyLock::new(|| {
    Arc::new(ScheduledThreadPool::builder().num_threads(2).thread_name_pattern("polymnia-pool-{}").build())
});

impl<C: Connector> Pool<C> {
    /// Opens one connection, so that what is wrong shows now, and a pool around it.
    ///
    /// A connect that may succeed later is tried again, with exponential backoff and jitter, until
    /// `settings.connect_timeout`.
    ///
    /// # Errors
    ///
    /// What [`Connector::connect`] returned last, with [`Retry::Exhausted`] if the time ran out.
    pub fn open(connector: C, settings: &Settings) -> Result<Self> {
        let shared = Shared {
            connector,
            connect_timeout: settings.connect_timeout,
            spare: Mutex::new(None),
            failure: Mutex::new(None),
        };
        let first = shared.connect_with_retries()?;
        *lock(&shared.spare) = Some(first);
        let shared = Arc::new(shared);
        let inner = r2d2::Pool::builder()
            .max_size(settings.max_size)
            .min_idle(Some(settings.min_idle))
            .idle_timeout(Some(settings.idle_timeout))
            .max_lifetime(Some(settings.max_lifetime))
            .connection_timeout(settings.acquire_timeout)
            .test_on_check_out(true)
            .error_handler(Box::new(Quiet))
            .thread_pool(BACKGROUND.clone())
            .build_unchecked(Manager(Arc::clone(&shared)));
        Ok(Self { inner, shared, acquire_timeout: settings.acquire_timeout })
    }

    /// Takes a connection out of the pool, waiting for one until the acquire timeout or the end of the call.
    ///
    /// # Errors
    ///
    /// The error of a connect that can't succeed later; [`ErrorKind::Timeout`] or [`ErrorKind::Cancelled`] at the end of
    /// the call; [`ErrorKind::Unavailable`] after the acquire timeout, with the last connect's error as the source if
    /// there was one.
    pub fn acquire(&self, call: &Call) -> Result<Pooled<C>> {
        if let Some(connection) = self.inner.try_get() {
            return Ok(Pooled { connection });
        }
        let began = Instant::now();
        let end = began + self.acquire_timeout;
        loop {
            call.check()?;
            let left = end.saturating_duration_since(Instant::now());
            if let Ok(connection) = self.inner.get_timeout(left.min(WAIT_SLICE)) {
                return Ok(Pooled { connection });
            }
            match self.shared.failure_since(began) {
                Some(error) if !matches!(error.retry(), Retry::Safe | Retry::Exhausted) => return Err(error),
                failure if left <= WAIT_SLICE => return Err(self.exhausted(failure)),
                _ => {}
            }
        }
    }

    /// Counts the connections.
    pub fn status(&self) -> PoolStatus {
        let r2d2::State { connections, idle_connections, .. } = self.inner.state();
        PoolStatus { connections, idle: idle_connections, max_size: self.inner.max_size() }
    }

    /// Returns what makes the connections.
    pub fn connector(&self) -> &C {
        &self.shared.connector
    }

    fn exhausted(&self, cause: Option<Error>) -> Error {
        let waited = self.acquire_timeout;
        match cause {
            Some(cause) => cause.with_retry(Retry::Exhausted).with_context("waited", format!("{waited:?}")),
            None => Error::new(ErrorKind::Unavailable, "every connection of the pool is in use")
                .with_retry(Retry::Exhausted)
                .with_context("pool_max_size", self.inner.max_size())
                .with_context("waited", format!("{waited:?}")),
        }
    }
}

impl<C: Connector> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared), acquire_timeout: self.acquire_timeout }
    }
}

impl<C: Connector> fmt::Debug for Pool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("connector", &self.connector()).field("status", &self.status()).finish()
    }
}

/// Is a connection in use; it goes back to the pool when dropped.
pub struct Pooled<C: Connector> {
    connection: r2d2::PooledConnection<Manager<C>>,
}

impl<C: Connector> Deref for Pooled<C> {
    type Target = C::Connection;

    fn deref(&self) -> &C::Connection {
        &self.connection.inner
    }
}

impl<C: Connector> DerefMut for Pooled<C> {
    fn deref_mut(&mut self) -> &mut C::Connection {
        &mut self.connection.inner
    }
}

impl<C: Connector> fmt::Debug for Pooled<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooled").finish_non_exhaustive()
    }
}

/// Is a [`Connector`] as r2d2 wants one.
struct Manager<C: Connector>(Arc<Shared<C>>);

/// Is what the pool and r2d2's threads both see.
struct Shared<C: Connector> {
    connector: C,
    connect_timeout: Duration,
    /// The connection that [`Pool::open`] made, until r2d2 asks for its first.
    spare: Mutex<Option<C::Connection>>,
    /// When and why the last connect failed, if it did.
    failure: Mutex<Option<(Instant, Error)>>,
}

struct Tracked<T> {
    inner: T,
    returned: Instant,
}

impl<C: Connector> Shared<C> {
    fn connect_with_retries(&self) -> Result<C::Connection> {
        let end = Instant::now() + self.connect_timeout;
        let policy = RetryPolicy { attempts: u32::MAX, base: Duration::from_millis(50), max: Duration::from_secs(2) };
        let mut failures = 0;
        loop {
            let error = match self.connector.connect() {
                Ok(connection) => return Ok(connection),
                Err(error) if error.retry() == Retry::Safe => error,
                Err(error) => return Err(error),
            };
            failures += 1;
            let pause = policy.pause(failures);
            if Instant::now() + pause >= end {
                return Err(error.with_retry(Retry::Exhausted).with_context("attempts", failures));
            }
            log::debug!("connect failed {failures} times, next in {pause:?}: {error}");
            std::thread::sleep(pause);
        }
    }

    /// Returns why the last connect failed, if it did after `began`. Everyone who waits is told.
    fn failure_since(&self, began: Instant) -> Option<Error> {
        lock(&self.failure).as_ref().filter(|(at, _)| *at >= began).map(|(_, error)| copy(error))
    }
}

impl<C: Connector> ManageConnection for Manager<C> {
    type Connection = Tracked<C::Connection>;
    type Error = Failed;

    fn connect(&self) -> Result<Self::Connection, Failed> {
        let spare = lock(&self.0.spare).take();
        let connection = match spare {
            Some(connection) => connection,
            // r2d2 tries again by itself, with pauses that grow.
            None => self.0.connector.connect().map_err(|error| {
                log::debug!("connect failed: {error}");
                *lock(&self.0.failure) = Some((Instant::now(), error));
                Failed
            })?,
        };
        *lock(&self.0.failure) = None;
        Ok(Tracked { inner: connection, returned: Instant::now() })
    }

    fn is_valid(&self, connection: &mut Self::Connection) -> Result<(), Failed> {
        if connection.returned.elapsed() < CHECK_AFTER {
            return Ok(());
        }
        self.0.connector.check(&mut connection.inner).map_err(|error| {
            log::debug!("an idle connection no longer works: {error}");
            Failed
        })
    }

    /// r2d2 asks this of each connection that comes back: the moment its idling begins.
    fn has_broken(&self, connection: &mut Self::Connection) -> bool {
        connection.returned = Instant::now();
        self.0.connector.is_broken(&mut connection.inner)
    }
}

/// Stands for an error that the manager keeps: r2d2 would keep its text only.
#[derive(Debug)]
struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connect failed")
    }
}

impl std::error::Error for Failed {}

/// Takes r2d2's reports, which the manager has logged already.
#[derive(Debug)]
struct Quiet;

impl r2d2::HandleError<Failed> for Quiet {
    fn handle_error(&self, _: Failed) {}
}

/// Returns the same error without its source, which can't be had twice.
fn copy(error: &Error) -> Error {
    let copy = Error::new(error.kind(), error.message()).with_retry(error.retry());
    let copy = error.context().fold(copy, |copy, (key, value)| copy.with_context(key.to_owned(), value));
    match error.hint() {
        Some(hint) => copy.with_hint(hint),
        None => copy,
    }
}

/// What is behind these locks is replaced as a whole, so a panic elsewhere leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
