//! Databases of one test each.

use std::{fmt::Write as _, sync::Arc};

use diesel::PgConnection;

use super::{ServerError, handle::Inner};

/// A database with a name of its own, dropped with its connections when this value is.
///
/// It keeps its server running. Nothing drops the databases of a process that was killed: on a server of one's own, look
/// for names that begin with `polymnia_test_`.
#[derive(Debug)]
pub struct TestDatabase {
    server: Arc<Inner>,
    name: String,
}

impl TestDatabase {
    pub(super) fn create(server: &Arc<Inner>, options: &DatabaseOptions) -> Result<Self, ServerError> {
        let random: String = std::iter::repeat_with(fastrand::lowercase).take(12).collect();
        let name = format!("polymnia_test_{}_{random}", std::process::id());
        let mut statement = options.statement(&name);
        if server.is_private() {
            // Half the bytes of the default, which copies through the log too. Its checkpoints cost little without fsync.
            statement.push_str(" STRATEGY file_copy");
        }
        server.administer(&statement)?;
        Ok(Self { server: Arc::clone(server), name })
    }

    /// Returns the name, which needs no quoting in SQL.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the URL, password included.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Opens a connection as the server's administrator.
    ///
    /// # Errors
    ///
    /// When the server refuses it.
    pub fn connect(&self) -> Result<PgConnection, ServerError> {
        self.server.connect(&self.name)
    }

    /// Runs statements, separated by semicolons, on a connection of their own.
    ///
    /// # Errors
    ///
    /// When one of them fails; the ones before it are undone, unless they managed transactions themselves.
    pub fn sql(&self, sql: &str) -> Result<(), ServerError> {
        self.server.sql(&self.name, sql)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // FORCE ends the connections that a failed test or a pool still has.
        let statement = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name);
        if let Err(error) = self.server.administer(&statement) {
            // Not a panic: a test that stops its server is allowed to, and a test that fails is unwinding already.
            eprintln!("could not drop the test database {}: {error}", self.name);
        }
    }
}

/// What a test database is made of, over the default of UTF-8 and the server's locale.
#[derive(Debug, Clone)]
pub struct DatabaseOptions {
    encoding: String,
    locale: Option<String>,
}

impl DatabaseOptions {
    /// Sets the server encoding, such as `SQL_ASCII`. It has to suit the locale; `C` suits every one.
    #[must_use]
    pub fn with_encoding(mut self, encoding: &str) -> Self {
        encoding.clone_into(&mut self.encoding);
        self
    }

    /// Sets the locale of sorting and letter case, such as `C` or `en_US.UTF-8`. The server has to know it.
    #[must_use]
    pub fn with_locale(mut self, locale: &str) -> Self {
        self.locale = Some(locale.to_owned());
        self
    }

    fn statement(&self, name: &str) -> String {
        let Self { encoding, locale } = self;
        let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
        // template0 alone may be copied with another encoding, and nobody's connection to it ever blocks the copy.
        let mut sql = format!("CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING {}", literal(encoding));
        if let Some(locale) = locale {
            write!(sql, " LOCALE {}", literal(locale)).expect("writing to a string does not fail");
        }
        sql
    }
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self { encoding: "UTF8".to_owned(), locale: None }
    }
}
