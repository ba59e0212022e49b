//! Sends cancel requests to the server.

use std::fmt;
use std::sync::Arc;

use diesel::RunQueryDsl as _;
use diesel::pg::PgConnection;
use diesel::sql_types::Bool;

use crate::config::Config;
use crate::connector::establish;
use crate::sql::Statement;
use crate::watchdog::Cancel;

/// Cancels what a server's process is doing, over a connection of its own.
pub(crate) struct Canceller {
    config: Arc<Config>,
    connection: Option<PgConnection>,
}

impl Canceller {
    /// Returns a canceller that connects when it is first needed.
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self { config, connection: None }
    }

    fn send(connection: &mut PgConnection, backend: i32) -> bool {
        let mut statement = Statement::<Bool>::new("SELECT pg_cancel_backend(");
        statement.bind(i64::from(backend)).text("::integer)").plan_each_time();
        statement.get_result(connection).unwrap_or_else(|error| {
            log::debug!("a cancel request failed: {error}");
            false
        })
    }
}

impl Cancel for Canceller {
    fn cancel(&mut self, backend: i32) -> bool {
        if let Some(connection) = &mut self.connection
            && Self::send(connection, backend)
        {
            return true;
        }
        // It may have been cut off since the last time.
        // The call can't end meanwhile, so it gets little time.
        let conninfo = self.config.conninfo_with("connect_timeout", "2");
        self.connection = match establish(&self.config, &conninfo) {
            Ok(connection) => Some(connection),
            Err(error) => {
                log::warn!("no connection to cancel a call by: {error}");
                None
            }
        };
        self.connection.as_mut().is_some_and(|connection| Self::send(connection, backend))
    }

    fn rest(&mut self) {
        self.connection = None;
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller").field("connected", &self.connection.is_some()).finish_non_exhaustive()
    }
}
