//! Opens connections and prepares them.

use std::sync::Arc;

use diesel::connection::{CacheSize, Connection as _};
use diesel::pg::PgConnection;
use diesel::result::ConnectionError;
use diesel::sql_types::{BigInt, Bool, Text};
use polymnia::{Error, ErrorKind, Result};
use polymnia_pool::Connector;

use crate::config::{Config, Sessions};
use crate::error::{self, Fault, Stage};
use crate::session::{Messages, Session};
use crate::sql::Statement;
use crate::watchdog::Watchdog;

/// The oldest server that works: it has `has_parameter_privilege`, and is the oldest that is tested.
const OLDEST: i64 = 150_000;

/// Makes connections to one database.
#[derive(Clone, Debug)]
pub(crate) struct PgConnector {
    pub(crate) config: Arc<Config>,
    pub(crate) watchdog: Arc<Watchdog>,
}

impl Connector for PgConnector {
    type Connection = Session;

    fn connect(&self) -> Result<Session> {
        self.open().map_err(|error| error.with_operation("connect"))
    }

    fn check(&self, session: &mut Session) -> Result<()> {
        session.ping().map_err(|error| self.explain(Fault::from(error)))
    }

    fn is_broken(&self, session: &mut Session) -> bool {
        session.is_broken()
    }
}

impl PgConnector {
    fn open(&self) -> Result<Session> {
        let connection = establish(&self.config, &self.config.conninfo())?;
        self.prepare(connection).map_err(|fault| self.explain(fault))
    }

    fn prepare(&self, connection: PgConnection) -> Result<Session, Fault> {
        let Config { settings, sessions, .. } = &*self.config;
        let mut session = Session::new(connection, *sessions, Messages::AsTheyAre, settings.statement_timeout);
        if *sessions == Sessions::Shared {
            session.connection.set_prepared_statement_cache_size(CacheSize::Disabled);
        }
        let (version, shown, encoding, backend, language) = about(&mut session)?;
        check_version(version, &shown)?;
        check_encoding(&encoding)?;
        if !is_english(&language) && may_set_language(&mut session, *sessions)? {
            session.set_messages(Messages::AskForEnglish);
        }
        if *sessions == Sessions::Own {
            session.slot.set_backend(i32::try_from(backend).ok());
        }
        self.watchdog.enlist(&session.slot);
        Ok(session)
    }

    fn explain(&self, fault: Fault) -> Error {
        let scrub = |text: &str| self.config.scrub(text);
        match fault {
            Fault::Own(error) => error,
            Fault::Database { error, .. } => error::classify(&error, Stage::Open, scrub)
                .unwrap_or_else(|| error::unrecognised(&scrub(error::first_line(&error.to_string())))),
        }
    }
}

/// Connects without asking what answers.
pub(crate) fn establish(config: &Config, conninfo: &str) -> Result<PgConnection> {
    let scrub = |text: &str| config.scrub(text);
    PgConnection::establish(conninfo).map_err(|error| match error {
        ConnectionError::BadConnection(message) => {
            error::classify_connect(&message, scrub).unwrap_or_else(|| crate::probe::explain_connect(config, &message))
        }
        ConnectionError::CouldntSetupConfiguration(error) => error::classify(&error, Stage::Open, scrub)
            .unwrap_or_else(|| error::unrecognised(&scrub(error::first_line(&error.to_string())))),
        // Those that are left quote what they were given.
        _ => Error::new(ErrorKind::Config, "the database URL can't be used"),
    })
}

fn about(session: &mut Session) -> Result<(i64, String, String, i64, String), Fault> {
    let mut statement = Statement::<(BigInt, Text, Text, BigInt, Text)>::new(
        "SELECT current_setting('server_version_num')::bigint, current_setting('server_version'), \
         current_setting('server_encoding'), pg_backend_pid()::bigint, current_setting('lc_messages')",
    );
    statement.plan_each_time();
    session.load_one(statement)
}

fn check_version(version: i64, shown: &str) -> Result<()> {
    if version >= OLDEST {
        return Ok(());
    }
    let message = format!("the server is PostgreSQL {shown}: expected {} or later", OLDEST / 10_000);
    Err(Error::new(ErrorKind::Unsupported, message))
}

fn check_encoding(encoding: &str) -> Result<()> {
    if encoding == "UTF8" {
        return Ok(());
    }
    let message = format!("the database's encoding is {encoding}: expected UTF8");
    Err(Error::new(ErrorKind::Config, message)
        .with_hint("create one with it: createdb --encoding=UTF8 --template=template0 <database>"))
}

fn is_english(language: &str) -> bool {
    language == "C" || language == "POSIX" || ["C.", "en", "English"].iter().any(|start| language.starts_with(start))
}

/// Sets the language of messages where the role may, for as long as the connection lives; behind a pooler, says only
/// whether it may.
fn may_set_language(session: &mut Session, sessions: Sessions) -> Result<bool, Fault> {
    let text = match sessions {
        Sessions::Own => {
            "SELECT set_config('lc_messages', 'C', false) IS NOT NULL WHERE has_parameter_privilege('lc_messages', 'SET')"
        }
        Sessions::Shared => "SELECT true WHERE has_parameter_privilege('lc_messages', 'SET')",
    };
    let mut statement = Statement::<Bool>::new(text);
    statement.plan_each_time();
    let rows: Vec<bool> = session.load(statement)?;
    Ok(!rows.is_empty() && sessions == Sessions::Shared)
}
