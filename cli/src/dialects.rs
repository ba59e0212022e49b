//! Which dialects this program speaks by itself: the one place that names them.

use polymnia::{ConnectionString, OpenOptions, Registry};

/// The database unless given: a file in the working directory.
pub(crate) const DEFAULT_URL: &str = "sqlite://polymnia.db";
/// The scheme of the database that `demo` makes in a temporary folder.
pub(crate) const DEMO_SCHEME: &str = "sqlite";
/// A database that holds nothing and leaves nothing behind.
const EMPTY_URL: &str = "sqlite::memory:";

/// Returns the dialects of this build.
pub(crate) fn built_in() -> Registry {
    let registry = Registry::new();
    #[cfg(feature = "sqlite")]
    let registry = registry.with(polymnia_sqlite::Sqlite);
    #[cfg(feature = "postgres")]
    let registry = registry.with(polymnia_postgres::Postgres);
    registry
}

/// Returns the URL of an empty database in memory of a dialect, or of any, where there is such a thing.
pub(crate) fn empty_url(registry: &Registry, dialect: Option<&str>) -> Option<ConnectionString> {
    let url = ConnectionString::from(EMPTY_URL);
    let opens = registry.dialect_for(&url).ok()?;
    let is_in_memory = || opens.claims(&OpenOptions::new(url.clone())).is_ok_and(|files| files.is_empty());
    (dialect.is_none_or(|dialect| opens.name() == dialect) && is_in_memory()).then_some(url)
}
