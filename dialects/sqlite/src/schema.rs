//! The schema: which migrations there are, and applying them by diesel's harness.

use std::collections::BTreeMap;
use std::error::Error as StdError;

use diesel::connection::{AnsiTransactionManager, TransactionManager as _};
use diesel::result::Error as DieselError;
use diesel::sqlite::Sqlite;
use diesel_migrations::MigrationHarness;
use polymnia::spi::SchemaEngine;
use polymnia::{Call, Error, ErrorKind, MigrateReport, Migration, Result};

use crate::LOG;
use crate::connection::Connection;
use crate::engine::{Limit, SqliteEngine};
use crate::error::Step;
use crate::row::{Integers, OneText};
use crate::statement::{fixed, statements};

statements! {
    HasLedger = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '__diesel_schema_migrations')";
    Applied = "SELECT version FROM __diesel_schema_migrations ORDER BY version";
}

impl SchemaEngine for SqliteEngine {
    fn migrations(&self, call: &Call) -> Result<Vec<Migration>> {
        self.with(call, Limit::Unlimited, |connection| connection.read(list))
    }

    fn migrate(&self, call: &Call) -> Result<MigrateReport> {
        self.with(call, Limit::Unlimited, |connection| {
            let before = connection.read(list)?;
            // Most often there is nothing to do, and then no lock is needed, nor a database that can be written.
            if before.iter().all(|migration| migration.applied) {
                return Ok(MigrateReport { version: newest(&before), ..MigrateReport::default() });
            }
            migrate(connection)
        })
    }

    fn source(&self) -> polymnia::schema::Source {
        polymnia::schema::Source { prefix: String::new(), dialect: "sqlite".to_owned(), scripts: Vec::new() }
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

/// Lists the migrations that this build knows and those that the database has.
pub(crate) fn list(connection: &mut Connection) -> Result<Vec<Migration>> {
    let has_ledger: Option<Integers<1>> = connection.one(fixed::<HasLedger, 0>([]))?;
    let applied: Vec<OneText> = match has_ledger {
        Some(Integers([1])) => connection.all(fixed::<Applied, 0>([]))?,
        _ => Vec::new(),
    };
    let mut migrations: BTreeMap<String, Migration> = polymnia_migrations::sqlite()
        .iter()
        .map(|script| {
            let (version, name) = (script.version.to_owned(), script.name.to_owned());
            (version.clone(), Migration { version, name, applied: false, known: true })
        })
        .collect();
    for OneText(version) in applied {
        let unknown = Migration { version: version.clone(), name: String::new(), applied: true, known: false };
        migrations.entry(version).or_insert(unknown).applied = true;
    }
    Ok(migrations.into_values().collect())
}

/// Returns the newest version applied.
pub(crate) fn newest(migrations: &[Migration]) -> Option<String> {
    migrations.iter().rfind(|migration| migration.applied).map(|migration| migration.version.clone())
}

/// Applies what is missing in one transaction that takes the lock at once: whoever comes second finds nothing to do.
fn migrate(connection: &mut Connection) -> Result<MigrateReport> {
    // By diesel's manager, so that the harness makes each migration a savepoint within.
    let begun = AnsiTransactionManager::begin_transaction_sql(&mut connection.handle().diesel, "BEGIN IMMEDIATE");
    begun.map_err(|error| connection.last_failure(error, Step::Statement))?;
    let mut report = MigrateReport::default();
    let result = run_pending(connection, &mut report);
    if !connection.is_in_transaction() {
        // SQLite has rolled everything back; diesel's manager learns it from an attempt of its own.
        let _ = AnsiTransactionManager::rollback_transaction(&mut connection.handle().diesel);
        return result
            .and(Err(Error::new(ErrorKind::Migration, "the database ended the transaction of the migrations")));
    }
    // What came before a migration that failed stays.
    let committed = AnsiTransactionManager::commit_transaction(&mut connection.handle().diesel);
    committed.map_err(|error| connection.last_failure(error, Step::Commit))?;
    result?;
    report.version = newest(&connection.read(list)?);
    Ok(report)
}

fn run_pending(connection: &mut Connection, report: &mut MigrateReport) -> Result<()> {
    let before = list(connection)?;
    report.created = !before.iter().any(|migration| migration.applied);
    let pending =
        MigrationHarness::<Sqlite>::pending_migrations(&mut connection.handle().diesel, polymnia_migrations::sqlite())
            .map_err(|error| failure(connection, error, "the ledger of migrations can't be read"))?;
    for migration in pending {
        let ran = connection.handle().diesel.run_migration(&*migration);
        let version =
            ran.map_err(|error| failure(connection, error, &format!("migration {} failed", migration.name())))?;
        log::info!(target: LOG, "applied migration {}", migration.name());
        report.applied.push(version.to_string());
    }
    Ok(())
}

/// Judges a failure of the harness: one that any statement may meet is told as that, the rest is the migration's own.
fn failure(connection: &mut Connection, error: Box<dyn StdError + Send + Sync>, what: &str) -> Error {
    let judged = match error.downcast::<DieselError>() {
        Ok(error) => connection.last_failure(*error, Step::Statement),
        Err(error) => Error::new(ErrorKind::Unexpected, error.to_string()),
    };
    match judged.kind() {
        ErrorKind::Unexpected | ErrorKind::Migration => {
            Error::new(ErrorKind::Migration, format!("{what}: {}", judged.message())).with_source(judged)
        }
        _ => judged,
    }
}

#[cfg(test)]
mod tests {
    use polymnia::spi::{AdminEngine as _, Engine as _};
    use polymnia::{Namespace, OpenOptions, Selection, Timestamp};

    use super::*;
    use crate::config::Config;

    fn open(url: &str) -> SqliteEngine {
        SqliteEngine::open(Config::read(&OpenOptions::new(url)).unwrap()).unwrap()
    }

    fn call() -> Call {
        Call::at(Timestamp::from_micros(0).unwrap())
    }

    #[test]
    fn looking_creates_nothing() {
        let engine = open(":memory:");
        let migrations = engine.migrations(&call()).unwrap();
        assert!(migrations.iter().all(|migration| migration.known && !migration.applied));
        let tables = engine.with(&call(), Limit::Unlimited, |connection| {
            connection.one::<Integers<1>, _>(crate::statement::Sql::new("SELECT count(*) FROM sqlite_schema"))
        });
        assert_eq!(tables.unwrap().unwrap().0, [0]);
        let error = engine.count(&call(), &Namespace::new("a").unwrap(), &Selection::default()).unwrap_err();
        assert_eq!((error.kind(), error.hint()), (ErrorKind::Migration, Some("run `polymnia init`")));
        assert_eq!(engine.namespaces(&call(), None, 1).unwrap_err().kind(), ErrorKind::Migration);
    }

    #[test]
    fn of_many_migrators_one_does_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("a.db").display());
        let reports: Vec<MigrateReport> = std::thread::scope(|scope| {
            // An engine each, as processes have.
            let threads: Vec<_> = (0..10).map(|_| scope.spawn(|| open(&url).migrate(&call()).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(reports.iter().filter(|report| report.created).count(), 1);
        assert_eq!(reports.iter().map(|report| report.applied.len()).sum::<usize>(), 4);
        let head = Some(polymnia_migrations::sqlite().head().to_owned());
        assert!(reports.iter().all(|report| report.version == head));
    }

    #[test]
    fn what_came_before_a_failure_stays() {
        let engine = open(":memory:");
        engine
            .with(&call(), Limit::Unlimited, |connection| connection.batch("CREATE TABLE polymnia_changes (a)"))
            .unwrap();
        let error = engine.migrate(&call()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Migration);
        assert!(error.message().starts_with("migration 20261121000300_changes failed: "), "{error}");
        let applied = engine.migrations(&call()).unwrap().iter().filter(|migration| migration.applied).count();
        assert_eq!(applied, 2);
        engine.with(&call(), Limit::Unlimited, |connection| connection.batch("DROP TABLE polymnia_changes")).unwrap();
        assert_eq!(engine.migrate(&call()).unwrap().applied, ["20261121000300", "20261121000400"]);
    }

    #[test]
    fn a_newer_schema_is_listed() {
        let engine = open(":memory:");
        engine.migrate(&call()).unwrap();
        let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')";
        engine.with(&call(), Limit::Unlimited, |connection| connection.batch(newer)).unwrap();
        let last = engine.migrations(&call()).unwrap().pop().unwrap();
        assert_eq!((last.known, last.applied, last.name.as_str()), (false, true, ""));
        assert_eq!(engine.migrate(&call()).unwrap().version.as_deref(), Some("29990101000000"));
    }
}
