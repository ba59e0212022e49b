//! Backups.

use std::path::Path;

use super::Schema;
use crate::Result;
use crate::claims::claim_backup;
use crate::schema::{Backup, BackupInfo, backups};

impl Schema {
    /// Makes a backup in the folder of the options.
    ///
    /// # Errors
    ///
    /// As [`SchemaEngine::backup`](crate::spi::SchemaEngine::backup).
    pub fn backup(&self) -> Result<Backup> {
        let dialect = &self.sources[0].dialect;
        self.with_run("backup", &self.options, |run| {
            backups::create(run.engine, run.call, run.options, dialect, run.sources)
        })
    }

    /// Checks that a backup can be read whole and has not changed since it was made.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt), [`ErrorKind::NotFound`](crate::ErrorKind::NotFound), and
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a database that this process has open.
    pub fn verify_backup(&self, path: &Path) -> Result<BackupInfo> {
        self.with_run("verify backup", &self.options, |run| {
            // A backup is opened and closed, which no database may be while others have it open.
            let _claim = claim_backup(path)?;
            backups::verify(run.engine, run.call, path)
        })
    }

    /// Puts everything back as a backup has it.
    ///
    /// # Errors
    ///
    /// As [`verify_backup`](Self::verify_backup) and [`SchemaEngine::restore`](crate::spi::SchemaEngine::restore).
    pub fn restore(&self, path: &Path) -> Result<()> {
        self.with_run("restore", &self.options, |run| {
            let _claim = claim_backup(path)?;
            backups::verify(run.engine, run.call, path)?;
            run.engine.restore(run.call, &run.options.session, path)
        })?;
        log::info!("restored the backup {}", path.display());
        Ok(())
    }
}
