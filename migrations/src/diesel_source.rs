//! The migrations as diesel's harness takes them.

use std::fmt;
use std::sync::LazyLock;

use diesel::backend::Backend;
use diesel::connection::BoxableConnection;
use diesel::migration::{Migration, MigrationMetadata, MigrationName, MigrationSource, MigrationVersion, Result};
use polymnia::schema::Source;
use polymnia::schema::text::{Syntax, statements};

static SQLITE: LazyLock<Source> = LazyLock::new(crate::sqlite_source);
static POSTGRES: LazyLock<Source> = LazyLock::new(crate::postgres_source);

/// Returns the scripts for SQLite, oldest first.
pub fn sqlite() -> Scripts {
    Scripts(&SQLITE)
}

/// Returns the scripts for PostgreSQL, oldest first.
///
/// Tables stand in the schema `polymnia`, which must exist. For diesel's ledger to stand there too, it must be the
/// `search_path` of the connection.
pub fn postgres() -> Scripts {
    Scripts(&POSTGRES)
}

/// Is the schema versions of one dialect as a source of diesel's harness, oldest first.
///
/// It runs them without the records, the locks and the checks of [`polymnia::schema::Schema`], as the diesel CLI does.
#[derive(Clone, Copy, Debug)]
pub struct Scripts(&'static Source);

impl Scripts {
    /// Returns the scripts, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Script> + use<> {
        let syntax = Syntax::of(&self.0.dialect);
        self.0.scripts.iter().map(move |script| Script {
            version: script.version.as_str(),
            name: &script.name,
            up: &script.up,
            down: &script.down,
            run_in_transaction: script.metadata.run_in_transaction,
            syntax,
        })
    }

    /// Returns the newest version.
    pub fn head(&self) -> &'static str {
        self.0.scripts.last().map_or("", |script| script.version.as_str())
    }
}

/// Is one schema version of one dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script {
    /// 14 digits: `YYYYMMDDHHMMSS`.
    pub version: &'static str,
    /// What it is about.
    pub name: &'static str,
    /// Brings the schema to this version.
    pub up: &'static str,
    /// Brings it back to the one before.
    pub down: &'static str,
    /// Whether the harness runs it in a transaction.
    pub run_in_transaction: bool,
    syntax: Syntax,
}

impl<DB: Backend> MigrationSource<DB> for Scripts {
    fn migrations(&self) -> Result<Vec<Box<dyn Migration<DB>>>> {
        Ok(self.iter().map(|script| Box::new(script) as Box<dyn Migration<DB>>).collect())
    }
}

impl<DB: Backend> Migration<DB> for Script {
    fn run(&self, connection: &mut dyn BoxableConnection<DB>) -> Result<()> {
        self.execute(connection, self.up)
    }

    fn revert(&self, connection: &mut dyn BoxableConnection<DB>) -> Result<()> {
        self.execute(connection, self.down)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        self
    }

    fn name(&self) -> &dyn MigrationName {
        self
    }
}

impl MigrationMetadata for Script {
    fn run_in_transaction(&self) -> bool {
        self.run_in_transaction
    }
}

impl MigrationName for Script {
    fn version(&self) -> MigrationVersion<'_> {
        MigrationVersion::from(self.version)
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.version, self.name)
    }
}

impl Script {
    /// Sends one statement a call: several in one string fail on distributed tables, and an error would not tell which.
    fn execute<DB: Backend>(&self, connection: &mut dyn BoxableConnection<DB>, script: &str) -> Result<()> {
        for statement in statements(script, self.syntax) {
            connection.batch_execute(statement.text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use diesel::sqlite::Sqlite;
    use diesel_migrations::FileBasedMigrations;

    use super::*;

    #[test]
    fn every_script_splits_into_statements() {
        for script in sqlite().iter().chain(postgres().iter()) {
            for text in [script.up, script.down] {
                let statements = statements(text, script.syntax);
                assert!(statements.iter().all(|statement| statement.text.ends_with(';')), "{script}");
            }
        }
        let memories = sqlite().iter().next().expect("there is a first version");
        assert_eq!(statements(memories.up, memories.syntax).len(), 2, "a trigger's body is one statement with it");
    }

    #[test]
    fn diesel_reads_the_same_from_the_folder() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (folder, scripts) in [("sqlite", sqlite()), ("postgres", postgres())] {
            let files = FileBasedMigrations::from_path(root.join(folder)).unwrap();
            let files: Vec<Box<dyn Migration<Sqlite>>> = files.migrations().unwrap();
            let mut found: Vec<(String, String, bool)> = files
                .iter()
                .map(|file| {
                    let name = file.name();
                    (name.version().to_string(), name.to_string(), file.metadata().run_in_transaction())
                })
                .collect();
            found.sort();
            let ours: Vec<(String, String, bool)> = scripts
                .iter()
                .map(|script| (script.version.to_owned(), script.to_string(), script.run_in_transaction))
                .collect();
            assert_eq!(found, ours);
        }
    }
}
