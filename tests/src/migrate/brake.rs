//! A brake: a statement in a migration that takes as long as a table says.

use std::fmt;

use super::{Database, Kind, until};

/// Is a table outside of all migrations that says how long [`statement`](Self::statement) takes.
pub struct Brake<'a>(&'a Database);

impl fmt::Debug for Brake<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Brake").field(&self.0.kind()).finish()
    }
}

impl<'a> Brake<'a> {
    /// Puts the brake into a database: the statement takes minutes.
    ///
    /// # Panics
    ///
    /// If the table can't be made.
    pub fn on(database: &'a Database) -> Self {
        database.execute(match database.kind() {
            Kind::Sqlite => "CREATE TABLE brake (rounds INTEGER); INSERT INTO brake VALUES (100000000000)",
            Kind::Postgres => "CREATE TABLE brake (seconds double precision); INSERT INTO brake VALUES (600)",
        });
        Self(database)
    }

    /// Returns the statement, which changes nothing.
    pub fn statement(kind: Kind) -> &'static str {
        match kind {
            Kind::Sqlite => {
                "SELECT count(*) FROM (WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c, brake \
                 WHERE n < rounds) SELECT n FROM c);"
            }
            Kind::Postgres => "SELECT pg_sleep(seconds) FROM public.brake;",
        }
    }

    /// Lets the statement take no time from now on.
    ///
    /// # Panics
    ///
    /// If the table can't be written.
    pub fn release(&self) {
        self.0.execute(match self.0.kind() {
            Kind::Sqlite => "UPDATE brake SET rounds = 1",
            Kind::Postgres => "UPDATE brake SET seconds = 0",
        });
    }

    /// Waits until a session of PostgreSQL runs the statement.
    ///
    /// # Panics
    ///
    /// If none does within a minute.
    pub fn until_held(&self) {
        until("a session is held by the brake", || self.sessions() > 0);
    }

    /// Returns how many sessions of PostgreSQL run the statement.
    pub fn sessions(&self) -> i64 {
        self.0.number(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep(seconds)%'
                 AND pid <> pg_backend_pid()",
        )
    }
}
