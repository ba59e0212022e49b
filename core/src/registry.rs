//! Which dialects an application has, and which of them opens a URL.

use std::sync::Arc;

use crate::claims::Owner;
use crate::spi::{Dialect, claiming};
use crate::{ConnectionString, Error, ErrorKind, MemoryStore, OpenOptions, Result};

/// Holds the dialects an application chose.
///
/// # Examples
///
/// ```ignore
/// let registry = Registry::new().with(polymnia_sqlite::Sqlite).with(polymnia_postgres::Postgres);
/// let store = registry.open("sqlite://polymnia.db")?;
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    dialects: Vec<Arc<dyn Dialect>>,
}

impl Registry {
    /// Returns a registry without dialects.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a dialect. One added earlier keeps the schemes that both name; [`try_with`](Self::try_with) refuses that.
    #[must_use]
    pub fn with(mut self, dialect: impl Dialect) -> Self {
        self.dialects.push(Arc::new(dialect));
        self
    }

    /// Adds a dialect whose name no other one has and none of whose URL schemes another one opens. A plugin that is there
    /// already is not added again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming the scheme, if it is that, and both dialects.
    pub fn try_with(self, dialect: impl Dialect) -> Result<Self> {
        let is_same = |other: &&dyn Dialect| {
            other.name() == dialect.name() && other.library().is_some() && other.library() == dialect.library()
        };
        if self.dialects().any(|other| is_same(&other)) {
            return Ok(self);
        }
        for scheme in dialect.url_schemes() {
            let opens =
                |other: &&dyn Dialect| other.url_schemes().iter().any(|known| known.eq_ignore_ascii_case(scheme));
            if let Some(other) = self.dialects().find(opens) {
                let (dialect, other) = (Owner::of(&dialect), Owner::of(other));
                let message = format!("URL scheme {scheme:?} of {dialect} is taken by {other}");
                return Err(Error::new(ErrorKind::Config, message).with_hint("leave one of the two out"));
            }
        }
        if let Some(other) = self.dialects().find(|other| other.name() == dialect.name()) {
            let (dialect, other) = (Owner::of(&dialect), Owner::of(other));
            let message = format!("the name of {dialect} is taken by {other}");
            return Err(Error::new(ErrorKind::Config, message).with_hint("leave one of the two out"));
        }
        Ok(self.with(dialect))
    }

    /// Returns the dialects in the order they were added.
    pub fn dialects(&self) -> impl Iterator<Item = &dyn Dialect> {
        self.dialects.iter().map(AsRef::as_ref)
    }

    /// Returns the dialect that opens this connection string.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming the scheme and the known ones.
    pub fn dialect_for(&self, url: &ConnectionString) -> Result<&dyn Dialect> {
        let opens = |dialect: &&dyn Dialect| match url.scheme() {
            Some(scheme) => dialect.url_schemes().iter().any(|known| known.eq_ignore_ascii_case(scheme)),
            None => dialect.recognizes(url),
        };
        self.dialects().find(opens).ok_or_else(|| {
            let mut known: Vec<&str> = self.dialects().flat_map(Dialect::url_schemes).copied().collect();
            known.sort_unstable();
            let known = if known.is_empty() { "none: no dialect is registered".to_owned() } else { known.join(", ") };
            let message = match url.scheme() {
                Some(scheme) => {
                    let shown: String = scheme.chars().take(40).collect();
                    format!("unknown URL scheme {shown:?}: the known ones are {known}")
                }
                None => format!("the database URL has no scheme: the known ones are {known}"),
            };
            Error::new(ErrorKind::Config, message).with_operation("connect")
        })
    }

    /// Opens a database. Its schema is left as it is: see [`MemoryStore::migrate`].
    ///
    /// # Errors
    ///
    /// As [`Dialect::open`], and [`ErrorKind::Config`] for a URL that no dialect opens, or of a file that the code of another
    /// dialect has open in this process.
    pub fn open(&self, url: impl Into<ConnectionString>) -> Result<MemoryStore> {
        self.open_with(&OpenOptions::new(url))
    }

    /// Opens a database with options.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and with [`OpenOptions::auto_migrate`] as [`MemoryStore::migrate`].
    pub fn open_with(&self, options: &OpenOptions) -> Result<MemoryStore> {
        let dialect = self.dialect_for(options.url())?;
        // Dialects claim for themselves as well. This is for those that forget to.
        let mut store = claiming(dialect, options, |claim| {
            Ok(MemoryStore::new(dialect.open(options)?).with_claim(Arc::clone(claim)))
        })?;
        log::debug!("opened {} with dialect {}", options.url(), dialect.name());
        for source in &options.migrations {
            store = store.with_migrations(source.clone())?;
        }
        if options.auto_migrate {
            store.migrate()?;
        }
        Ok(store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::tests::Filed;

    #[test]
    fn a_scheme_that_is_taken_is_refused_with_both_owners() {
        let registry = Registry::new().try_with(Filed::built_in("sqlite", &["sqlite", "file"])).unwrap();
        let registry = registry.try_with(Filed::built_in("postgres", &["postgres"])).unwrap();
        // The second of its schemes, in other letters.
        let plugin = Filed::plugin("mine", &["mine", "File"], "/lib/libmine.so", 1);
        let error = registry.try_with(plugin).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let expected = "URL scheme \"File\" of plugin mine (/lib/libmine.so) is taken by the built-in dialect sqlite";
        assert_eq!(error.message(), expected);
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_name_that_is_taken_is_refused_with_both_owners() {
        let registry = Registry::new().try_with(Filed::built_in("sqlite", &["sqlite"])).unwrap();
        let error = registry.try_with(Filed::plugin("sqlite", &["mine"], "/lib/libmine.so", 1)).unwrap_err();
        let expected = "the name of plugin sqlite (/lib/libmine.so) is taken by the built-in dialect sqlite";
        assert_eq!((error.kind(), error.message()), (ErrorKind::Config, expected));
    }

    #[test]
    fn a_plugin_is_added_once() {
        let plugin = |address| Filed::plugin("mine", &["mine"], "/lib/libmine.so", address);
        let registry = Registry::new().try_with(plugin(1)).and_then(|registry| registry.try_with(plugin(1))).unwrap();
        assert_eq!(registry.dialects().count(), 1);
        let error = registry.try_with(plugin(2)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "another copy is another: {error}");
    }

    #[test]
    fn with_lets_the_earlier_one_have_the_scheme() {
        let registry = Registry::new().with(Filed::built_in("sqlite", &["sqlite"])).with(Filed::plugin(
            "mine",
            &["sqlite"],
            "/lib/libmine.so",
            1,
        ));
        assert_eq!(registry.dialect_for(&"sqlite://a.db".into()).unwrap().name(), "sqlite");
    }
}
