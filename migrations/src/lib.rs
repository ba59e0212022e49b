//! Polymnia's schema versions for every dialect, embedded and in lock-step.
//!
//! The scripts stand in `<dialect>/<version>_<name>/{up,down}.sql` and can be read by the diesel CLI as well. The build
//! fails unless every version exists for every dialect.

mod split;

use std::fmt;

use diesel::backend::Backend;
use diesel::connection::BoxableConnection;
use diesel::migration::{Migration, MigrationMetadata, MigrationName, MigrationSource, MigrationVersion, Result};

pub use split::statements;

include!(concat!(env!("OUT_DIR"), "/scripts.rs"));

/// Returns the scripts for SQLite, oldest first.
pub fn sqlite() -> Scripts {
    Scripts(SQLITE)
}

/// Returns the scripts for PostgreSQL, oldest first.
///
/// Tables stand in the schema `polymnia`, which must exist. For diesel's ledger to stand there too, it must be the
/// `search_path` of the connection.
pub fn postgres() -> Scripts {
    Scripts(POSTGRES)
}

/// Is the schema versions of one dialect, oldest first.
#[derive(Clone, Copy, Debug)]
pub struct Scripts(&'static [Script]);

impl Scripts {
    /// Returns the scripts, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'static Script> {
        self.0.iter()
    }

    /// Returns the newest version.
    pub fn head(&self) -> &'static str {
        self.0.last().map_or("", |script| script.version)
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
}

impl<DB: Backend> MigrationSource<DB> for Scripts {
    fn migrations(&self) -> Result<Vec<Box<dyn Migration<DB>>>> {
        Ok(self.iter().map(|script| Box::new(*script) as Box<dyn Migration<DB>>).collect())
    }
}

impl<DB: Backend> Migration<DB> for Script {
    fn run(&self, connection: &mut dyn BoxableConnection<DB>) -> Result<()> {
        execute(connection, self.up)
    }

    fn revert(&self, connection: &mut dyn BoxableConnection<DB>) -> Result<()> {
        execute(connection, self.down)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        &InTransaction
    }

    fn name(&self) -> &dyn MigrationName {
        self
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

struct InTransaction;

impl MigrationMetadata for InTransaction {
    fn run_in_transaction(&self) -> bool {
        true
    }
}

/// Sends one statement a call: several in one string fail on distributed tables, and an error would not tell which.
fn execute<DB: Backend>(connection: &mut dyn BoxableConnection<DB>, script: &str) -> Result<()> {
    for statement in statements(script) {
        connection.batch_execute(statement)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialects_are_in_lock_step() {
        let versions = |scripts: Scripts| scripts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(versions(sqlite()), versions(postgres()));
        assert!(versions(sqlite()).is_sorted());
        assert_eq!(sqlite().head(), postgres().head());
    }

    #[test]
    fn every_script_splits_into_statements() {
        for script in sqlite().iter().chain(postgres().iter()) {
            for text in [script.up, script.down] {
                assert!(statements(text).all(|statement| statement.ends_with(';')), "{script}");
            }
        }
        let memories = sqlite().iter().next().expect("there is a first version");
        assert_eq!(statements(memories.up).count(), 2, "a trigger's body is one statement with it");
    }
}
