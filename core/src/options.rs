//! How to open a database.

use std::time::Duration;

use crate::schema::Source;
use crate::{ConnectionString, Error, ErrorKind, Parameters, Result};

/// Says which database to open and how.
///
/// What is set here wins over the same parameter of the URL, and that over the default.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use polymnia::{OpenOptions, PoolOptions};
///
/// let options = OpenOptions::new("postgres://db.example.com/app?statement_timeout=5s")
///     .with_pool(PoolOptions::production())
///     .with_connect_timeout(Duration::from_secs(3));
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions {
    url: ConnectionString,
    /// The pool of connections.
    pub pool: PoolOptions,
    /// How long one operation may take (`statement_timeout` in the URL). 30 s unless given.
    pub statement_timeout: Option<Duration>,
    /// How long connecting may take, retries included (`connect_timeout` in the URL). 10 s unless given.
    pub connect_timeout: Option<Duration>,
    /// Whether opening brings the schema to the newest version.
    pub auto_migrate: bool,
    /// The migrations of the application.
    pub migrations: Vec<Source>,
}

impl OpenOptions {
    /// Returns options with everything but the URL at its default.
    pub fn new(url: impl Into<ConnectionString>) -> Self {
        Self {
            url: url.into(),
            pool: PoolOptions::default(),
            statement_timeout: None,
            connect_timeout: None,
            auto_migrate: false,
            migrations: Vec::new(),
        }
    }

    /// Returns the URL.
    pub fn url(&self) -> &ConnectionString {
        &self.url
    }

    /// Sets the pool of connections.
    #[must_use]
    pub fn with_pool(mut self, pool: PoolOptions) -> Self {
        self.pool = pool;
        self
    }

    /// Sets how long one operation may take.
    #[must_use]
    pub fn with_statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = Some(timeout);
        self
    }

    /// Sets how long connecting may take, retries included.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Brings the schema to the newest version when the database is opened by a [`Registry`](crate::Registry), as
    /// [`MemoryStore::migrate`](crate::MemoryStore::migrate) does. Of several processes that open at once, one migrates and the
    /// others wait.
    #[must_use]
    pub fn auto_migrate(mut self) -> Self {
        self.auto_migrate = true;
        self
    }

    /// Adds the migrations of an application, as [`MemoryStore::with_migrations`](crate::MemoryStore::with_migrations) does.
    #[must_use]
    pub fn with_migrations(mut self, source: Source) -> Self {
        self.migrations.push(source);
        self
    }

    /// Takes the parameters that every dialect knows out of `parameters` and returns what applies.
    ///
    /// For implementors of [`Dialect`](crate::spi::Dialect).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a parameter whose value can't be read, and for a pool whose minimum is above its maximum.
    pub fn resolve(&self, parameters: &mut Parameters) -> Result<Settings> {
        let PoolOptions { max_size, min_idle, acquire_timeout, idle_timeout, max_lifetime } = &self.pool;
        let settings = Settings {
            max_size: pick(*max_size, parameters, "pool_max_size", number)?.unwrap_or(PoolOptions::DEFAULT_MAX_SIZE),
            min_idle: pick(*min_idle, parameters, "pool_min_idle", number)?.unwrap_or(0),
            acquire_timeout: pick(*acquire_timeout, parameters, "pool_acquire_timeout", duration)?
                .unwrap_or(PoolOptions::DEFAULT_ACQUIRE_TIMEOUT),
            idle_timeout: pick(*idle_timeout, parameters, "pool_idle_timeout", duration)?
                .unwrap_or(PoolOptions::DEFAULT_IDLE_TIMEOUT),
            max_lifetime: pick(*max_lifetime, parameters, "pool_max_lifetime", duration)?
                .unwrap_or(PoolOptions::DEFAULT_MAX_LIFETIME),
            statement_timeout: pick(self.statement_timeout, parameters, "statement_timeout", duration)?
                .unwrap_or(Settings::DEFAULT_STATEMENT_TIMEOUT),
            connect_timeout: pick(self.connect_timeout, parameters, "connect_timeout", duration)?
                .unwrap_or(Settings::DEFAULT_CONNECT_TIMEOUT),
        };
        if settings.max_size == 0 {
            return Err(Error::new(ErrorKind::Config, "pool_max_size is 0: expected at least 1"));
        }
        if settings.min_idle > settings.max_size {
            let message = format!(
                "pool_min_idle is {} and pool_max_size {}: expected no more",
                settings.min_idle, settings.max_size
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        Ok(settings)
    }
}

/// Sizes the pool of connections. What is `None` comes from the URL, else from the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolOptions {
    /// The greatest number of connections (`pool_max_size`). 8 unless given.
    pub max_size: Option<u32>,
    /// How many connections to keep open when idle (`pool_min_idle`). None unless given.
    pub min_idle: Option<u32>,
    /// How long to wait for a free connection (`pool_acquire_timeout`). 10 s unless given.
    pub acquire_timeout: Option<Duration>,
    /// After how long an idle connection is closed (`pool_idle_timeout`). 5 min unless given.
    pub idle_timeout: Option<Duration>,
    /// After how long any connection is replaced (`pool_max_lifetime`). 30 min unless given.
    pub max_lifetime: Option<Duration>,
}

impl PoolOptions {
    /// The greatest number of connections unless given.
    pub const DEFAULT_MAX_SIZE: u32 = 8;
    /// How long to wait for a free connection unless given.
    pub const DEFAULT_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
    /// After how long an idle connection is closed unless given.
    pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_mins(5);
    /// After how long any connection is replaced unless given.
    pub const DEFAULT_MAX_LIFETIME: Duration = Duration::from_mins(30);

    /// Returns a set for a busy server: 10 connections kept, 50 at most, 60 s of waiting for one.
    pub fn production() -> Self {
        Self {
            min_idle: Some(10),
            max_size: Some(50),
            acquire_timeout: Some(Duration::from_mins(1)),
            ..Self::default()
        }
    }

    /// Returns a set for a program that does one thing at a time: one connection.
    pub fn single() -> Self {
        Self { min_idle: Some(0), max_size: Some(1), ..Self::default() }
    }
}

/// Is what applies once options, URL parameters and defaults are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The greatest number of connections, at least 1.
    pub max_size: u32,
    /// How many connections to keep open when idle.
    pub min_idle: u32,
    /// How long to wait for a free connection.
    pub acquire_timeout: Duration,
    /// After how long an idle connection is closed.
    pub idle_timeout: Duration,
    /// After how long any connection is replaced.
    pub max_lifetime: Duration,
    /// How long one operation may take.
    pub statement_timeout: Duration,
    /// How long connecting may take, retries included.
    pub connect_timeout: Duration,
}

impl Settings {
    /// The names of the parameters that every dialect knows.
    pub const PARAMETERS: [&'static str; 7] = [
        "pool_max_size",
        "pool_min_idle",
        "pool_acquire_timeout",
        "pool_idle_timeout",
        "pool_max_lifetime",
        "statement_timeout",
        "connect_timeout",
    ];
    /// How long one operation may take unless given.
    pub const DEFAULT_STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);
    /// How long connecting may take unless given.
    pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
}

/// Reads a duration such as `250ms`, `10s`, `5min`, `1h`; a bare number counts seconds.
///
/// # Errors
///
/// [`ErrorKind::Config`] for anything else, for zero, and above a year.
pub fn duration(text: &str) -> Result<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let millis_per_unit = match &text[digits.len()..] {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    let millis = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(millis_per_unit));
    millis.filter(|millis| (1..=YEAR_MILLIS).contains(millis)).map(Duration::from_millis).ok_or_else(|| {
        let shown: String = text.chars().take(20).collect();
        let message = format!("{shown:?} is no duration: expected a number with ms, s, min or h, such as 500ms or 10s");
        Error::new(ErrorKind::Config, message)
    })
}

const YEAR_MILLIS: u64 = 366 * 86_400_000;

fn number(text: &str) -> Result<u32> {
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(20).collect();
        Error::new(ErrorKind::Config, format!("{shown:?} is no whole number"))
    })
}

fn pick<T>(
    given: Option<T>,
    parameters: &mut Parameters,
    name: &'static str,
    read: fn(&str) -> Result<T>,
) -> Result<Option<T>> {
    // Taken even when the option wins, so that it isn't reported as unknown.
    match parameters.take(name) {
        Some(text) => {
            let value = read(&text).map_err(|error| error.with_context("parameter", name))?;
            Ok(Some(given.unwrap_or(value)))
        }
        None => Ok(given),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(url: &str, pool: PoolOptions) -> Result<Settings> {
        let options = OpenOptions::new(url).with_pool(pool);
        let (_, mut parameters) = options.url().split_parameters()?;
        options.resolve(&mut parameters)
    }

    #[test]
    fn an_option_wins_over_the_url_and_that_over_the_default() {
        let url = "x://?pool_max_size=3&statement_timeout=250ms&connect_timeout=2";
        let settings = resolve(url, PoolOptions { max_size: Some(5), ..PoolOptions::default() }).unwrap();
        assert_eq!(settings.max_size, 5);
        assert_eq!(settings.statement_timeout, Duration::from_millis(250));
        assert_eq!(settings.connect_timeout, Duration::from_secs(2));
        assert_eq!(settings.idle_timeout, PoolOptions::DEFAULT_IDLE_TIMEOUT);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let error = resolve("x://?pool_acquire_timeout=soon", PoolOptions::default()).unwrap_err();
        assert_eq!(error.context_value("parameter"), Some("pool_acquire_timeout"));
        for url in ["x://?pool_max_size=0", "x://?pool_max_size=1&pool_min_idle=2", "x://?statement_timeout=0s"] {
            assert!(resolve(url, PoolOptions::default()).is_err(), "{url}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(duration("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(duration("2min").unwrap(), Duration::from_mins(2));
        for wrong in ["", "s", "-1s", "1.5s", "1d", "99999999999999999999", "10000h", "é"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
