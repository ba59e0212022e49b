//! Which dialects this program speaks: the one place that names them.

use polymnia::Registry;

/// Returns the dialects of this build.
pub(crate) fn registry() -> Registry {
    Registry::new().with(polymnia_sqlite::Sqlite).with(polymnia_postgres::Postgres)
}
