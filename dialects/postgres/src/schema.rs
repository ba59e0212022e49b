//! The schema and its versions.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Bool, Text};
use diesel_migrations::MigrationHarness;
use polymnia::spi::SchemaEngine;
use polymnia::{Call, Error, ErrorKind, MigrateReport, Migration, Result};

use crate::config::Sessions;
use crate::engine::{Patience, PgEngine};
use crate::error::{self, Fault};
use crate::session::{Scope, Session};
use crate::sql::Statement;

/// The advisory lock that a migrating process holds: "polymnia" in ASCII.
const LOCK: i64 = 0x706f_6c79_6d6e_6961;
/// How long to wait between two tries for the lock. A blocking wait would deadlock with CREATE INDEX CONCURRENTLY.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

impl SchemaEngine for PgEngine {
    fn migrations(&self, call: &Call) -> Result<Vec<Migration>> {
        self.run_within(call, Patience::Endless, Scope::Snapshot, list)
    }

    fn migrate(&self, call: &Call) -> Result<MigrateReport> {
        let before = self.migrations(call)?;
        if before.iter().all(|one| one.applied) {
            // Nothing to write, so that it succeeds on a standby, and for a role that may not.
            return Ok(report(&before, Vec::new(), false));
        }
        // A connection of its own: its search path changes, and should the process die, the lock goes with it.
        let (created, applied) = match self.config.sessions {
            Sessions::Own => {
                self.run_apart(call, Patience::Endless, |session| migrate(session, call, Settings::Session))
            }
            Sessions::Shared => self.run_within(call, Patience::Endless, Scope::Transaction, |session| {
                migrate(session, call, Settings::Transaction)
            }),
        }?;
        let after = self.migrations(call)?;
        Ok(report(&after, applied, created))
    }

    fn source(&self) -> polymnia::schema::Source {
        polymnia::schema::Source { prefix: String::new(), dialect: "postgres".to_owned(), scripts: Vec::new() }
    }

    fn ledger(&self, _call: &Call) -> polymnia::Result<polymnia::schema::Ledger> {
        Err(polymnia::Error::new(polymnia::ErrorKind::Unsupported, "not built yet"))
    }

    fn log(&self, _call: &Call, _limit: u32) -> polymnia::Result<Vec<polymnia::schema::LogEntry>> {
        Err(polymnia::Error::new(polymnia::ErrorKind::Unsupported, "not built yet"))
    }

    fn snapshot(&self, _call: &Call) -> polymnia::Result<polymnia::schema::Snapshot> {
        Err(polymnia::Error::new(polymnia::ErrorKind::Unsupported, "not built yet"))
    }

    fn foreign_ledgers(&self, _call: &Call) -> polymnia::Result<Vec<polymnia::schema::ForeignLedger>> {
        Err(polymnia::Error::new(polymnia::ErrorKind::Unsupported, "not built yet"))
    }

    fn session(
        &self,
        _call: &Call,
        _options: &polymnia::schema::SessionOptions,
        _observer: &mut dyn polymnia::schema::Observer,
    ) -> polymnia::Result<Box<dyn polymnia::spi::SchemaSession>> {
        Err(polymnia::Error::new(polymnia::ErrorKind::Unsupported, "not built yet"))
    }

    fn lock_holder(&self, _call: &Call) -> polymnia::Result<Option<polymnia::schema::LockHolder>> {
        Err(polymnia::Error::new(polymnia::ErrorKind::Unsupported, "not built yet"))
    }

    fn end_lock_holder(&self, _call: &Call, _holder: &polymnia::schema::LockHolder) -> polymnia::Result<bool> {
        Err(polymnia::Error::new(polymnia::ErrorKind::Unsupported, "not built yet"))
    }

    fn script(&self, _parts: &[polymnia::schema::ScriptPart<'_>]) -> polymnia::Result<String> {
        Err(polymnia::Error::new(polymnia::ErrorKind::Unsupported, "not built yet"))
    }

    fn probe(&self, _call: &Call) -> polymnia::Result<Vec<polymnia::schema::Probe>> {
        Err(polymnia::Error::new(polymnia::ErrorKind::Unsupported, "not built yet"))
    }

    fn health(&self, _call: &Call) -> polymnia::Result<polymnia::schema::Health> {
        Err(polymnia::Error::new(polymnia::ErrorKind::Unsupported, "not built yet"))
    }

    fn backup(&self, _call: &Call, _to: &std::path::Path) -> polymnia::Result<polymnia::schema::BackupInfo> {
        Err(polymnia::Error::new(polymnia::ErrorKind::Unsupported, "not built yet"))
    }

    fn verify_backup(&self, _call: &Call, _from: &std::path::Path) -> polymnia::Result<polymnia::schema::BackupInfo> {
        Err(polymnia::Error::new(polymnia::ErrorKind::Unsupported, "not built yet"))
    }

    fn restore(&self, _call: &Call, _from: &std::path::Path) -> polymnia::Result<()> {
        Err(polymnia::Error::new(polymnia::ErrorKind::Unsupported, "not built yet"))
    }

    fn scratch(&self, _call: &Call, _copy: bool) -> polymnia::Result<std::sync::Arc<dyn polymnia::spi::Engine>> {
        Err(polymnia::Error::new(polymnia::ErrorKind::Unsupported, "not built yet"))
    }
}

/// Says how long the search path and the lock last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settings {
    /// As long as the connection.
    Session,
    /// As long as the transaction, which all migrations share.
    Transaction,
}

fn report(migrations: &[Migration], applied: Vec<String>, created: bool) -> MigrateReport {
    let version = migrations.iter().rev().find(|one| one.applied).map(|one| one.version.clone());
    MigrateReport { created, applied, version }
}

fn list(session: &mut Session) -> Result<Vec<Migration>, Fault> {
    let mut migrations: BTreeMap<String, Migration> = polymnia_migrations::postgres()
        .iter()
        .map(|script| {
            let (version, name) = (script.version.to_owned(), script.name.to_owned());
            (version.clone(), Migration { version, name, applied: false, known: true })
        })
        .collect();
    for version in applied(session)? {
        migrations
            .entry(version.clone())
            .or_insert_with(|| Migration { version, name: String::new(), applied: false, known: false })
            .applied = true;
    }
    Ok(migrations.into_values().collect())
}

fn applied(session: &mut Session) -> Result<Vec<String>, Fault> {
    let there = Statement::<Bool>::new(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class AS ledger \
         JOIN pg_catalog.pg_namespace AS schema ON schema.oid = ledger.relnamespace \
         WHERE schema.nspname = 'polymnia' AND ledger.relname = '__diesel_schema_migrations')",
    );
    if !session.load_one::<_, bool>(there)? {
        return Ok(Vec::new());
    }
    session.load(Statement::<Text>::new("SELECT version::text FROM polymnia.__diesel_schema_migrations"))
}

/// Returns whether there was no schema before, and the versions applied now.
fn migrate(session: &mut Session, call: &Call, settings: Settings) -> Result<(bool, Vec<String>), Fault> {
    lock(session, call, settings)?;
    let created = create_schema(session)?;
    // diesel's ledger goes where the search path says.
    session.connection.batch_execute(match settings {
        Settings::Session => "SET search_path TO polymnia",
        Settings::Transaction => "SET LOCAL search_path TO polymnia",
    })?;
    let pending = session
        .connection
        .pending_migrations(polymnia_migrations::postgres())
        .map_err(|source| fault(source, "the ledger"))?;
    let mut applied = Vec::with_capacity(pending.len());
    for migration in pending {
        call.check()?;
        let name = migration.name().to_string();
        log::info!("applying migration {name}");
        let version = session.connection.run_migration(&*migration).map_err(|source| fault(source, &name))?.to_string();
        applied.push(version);
    }
    let first = polymnia_migrations::postgres().iter().next().map(|script| script.version);
    // The schema may have been made beforehand, by somebody with the right to.
    let created = created || applied.first().map(String::as_str) == first;
    Ok((created, applied))
}

/// Waits for the lock, which ends with the connection or the transaction.
fn lock(session: &mut Session, call: &Call, settings: Settings) -> Result<(), Fault> {
    loop {
        call.check()?;
        let mut statement = Statement::<Bool>::new(match settings {
            Settings::Session => "SELECT pg_try_advisory_lock(",
            Settings::Transaction => "SELECT pg_try_advisory_xact_lock(",
        });
        statement.bind(LOCK).text(")");
        if session.load_one(statement)? {
            return Ok(());
        }
        std::thread::sleep(LOCK_PAUSE);
    }
}

/// Creates the schema if there is none and returns whether it did.
fn create_schema(session: &mut Session) -> Result<bool, Fault> {
    let there =
        Statement::<Bool>::new("SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'polymnia')");
    // Looked up first: CREATE SCHEMA IF NOT EXISTS wants the right to create one even if it is there.
    if session.load_one(there)? {
        return Ok(false);
    }
    let may = Statement::<Bool>::new("SELECT has_database_privilege(current_database(), 'CREATE')");
    if !session.load_one::<_, bool>(may)? {
        let message = "the role may not create the schema polymnia in the database";
        return Err(Error::new(ErrorKind::PermissionDenied, message)
            .with_hint("as its owner: GRANT CREATE ON DATABASE <database> TO <role>; or CREATE SCHEMA polymnia AUTHORIZATION <role>")
            .into());
    }
    session.connection.batch_execute("CREATE SCHEMA IF NOT EXISTS polymnia")?;
    Ok(true)
}

/// Returns what went wrong in a migration. What the server says of rights, time and the connection is told as such.
fn fault(source: Box<dyn std::error::Error + Send + Sync>, name: &str) -> Fault {
    match source.downcast::<DieselError>() {
        Ok(error) if error::classify(&error, error::Stage::Open, str::to_owned).is_some() => Fault::from(*error),
        Ok(error) => {
            let server = error::first_line(&error.to_string()).to_owned();
            failed(name).with_context("server", server).with_source(error).into()
        }
        Err(source) => failed(name).with_source(source).into(),
    }
}

fn failed(name: &str) -> Error {
    Error::new(ErrorKind::Migration, format!("migration {name} failed and was rolled back"))
        .with_hint("what came before it stays: run `polymnia init` again once the cause is gone")
}
