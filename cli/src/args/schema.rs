//! What the verbs take that concern the schema: `init`, `schema`, `backup`, `reset`, `doctor`, and what these and `migrate`
//! have in common.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use polymnia::schema::{BackupMode, RunOptions, SessionOptions, TxMode};
use polymnia::{Result, parse_duration};

use crate::failure::OfOption as _;

/// Which schema it is about.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Options of verbs of the schema")]
pub(crate) struct PlaceArgs {
    /// The URL to migrate by, where the other leads through a pooler [else POLYMNIA_MIGRATE_URL, the configuration]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) migrate_url: Option<String>,
    /// A folder of migrations of your own, which come after ours [else POLYMNIA_MIGRATIONS, the configuration]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) migrations: Option<PathBuf>,
}

/// How a run goes about it.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// Which statements share a transaction
    #[arg(long, value_enum, value_name = "MODE", default_value_t = TxName::File)]
    pub(crate) tx_mode: TxName,
    #[command(flatten)]
    pub(crate) backup: BackupArgs,
    /// Let steps destroy data
    #[arg(long)]
    pub(crate) allow_destructive: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
}

/// When a backup comes first.
#[derive(Clone, Debug, Args)]
pub(crate) struct BackupArgs {
    /// When a backup comes first
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = BackupName::Auto)]
    pub(crate) backup: BackupName,
    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

/// Where backups are.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct FolderArgs {
    /// The folder of backups [default: polymnia-backups]
    #[arg(long, value_name = "DIR")]
    pub(crate) backup_dir: Option<PathBuf>,
}

/// How long locks are waited for.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct LockArgs {
    /// How long to wait for another process that migrates, and in all for locks: 0, 500ms, 10s, 5min [default: 1min]
    #[arg(long, value_name = "DURATION")]
    pub(crate) lock_wait: Option<String>,
    /// How long one statement waits for a lock, and with it whoever queues behind it [default: 2s]
    #[arg(long, value_name = "DURATION")]
    pub(crate) lock_timeout: Option<String>,
}

/// Is which statements share a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TxName {
    /// Those of one migration, as its metadata says.
    File,
    /// Those of all: all or nothing.
    All,
    /// None: each statement is one of its own.
    None,
}

/// Is when a backup comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackupName {
    /// Where a step can destroy data and there is any.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl RunArgs {
    /// Returns what the library calls it.
    pub(crate) fn options(&self) -> Result<RunOptions> {
        let Self { tx_mode, backup, allow_destructive, lock } = self;
        Ok(RunOptions {
            tx_mode: match tx_mode {
                TxName::File => TxMode::File,
                TxName::All => TxMode::All,
                TxName::None => TxMode::None,
            },
            allow_destructive: *allow_destructive,
            ..backup.onto(lock.options()?)
        })
    }
}

impl BackupArgs {
    /// Returns the options with what this says.
    pub(crate) fn onto(&self, options: RunOptions) -> RunOptions {
        let backup = match self.backup {
            BackupName::Auto => BackupMode::Auto,
            BackupName::Always => BackupMode::Always,
            BackupName::Never => BackupMode::Never,
        };
        RunOptions { backup, ..self.folder.onto(options) }
    }
}

impl FolderArgs {
    /// Returns the options with what this says.
    pub(crate) fn onto(&self, mut options: RunOptions) -> RunOptions {
        if let Some(folder) = &self.backup_dir {
            options.backup_folder.clone_from(folder);
        }
        options
    }
}

impl LockArgs {
    /// Returns what the library calls it.
    pub(crate) fn options(&self) -> Result<RunOptions> {
        let SessionOptions { mut lock_wait, mut lock_timeout } = SessionOptions::default();
        if let Some(text) = &self.lock_wait {
            // Not to wait at all is a fair wish; a statement, though, can't do without a while.
            let none = matches!(text.as_str(), "0" | "0s" | "0ms");
            lock_wait = if none { Duration::ZERO } else { parse_duration(text).of_option("--lock-wait")? };
        }
        if let Some(text) = &self.lock_timeout {
            lock_timeout = parse_duration(text).of_option("--lock-timeout")?;
        }
        Ok(RunOptions { session: SessionOptions { lock_wait, lock_timeout }, ..RunOptions::default() })
    }
}

/// `init`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  polymnia init
  polymnia init --no-migrate && polymnia migrate upgrade --plan")]
pub(crate) struct InitArgs {
    /// Bring the schema to the newest version, which it does anyway
    #[arg(long, conflicts_with = "no_migrate")]
    pub(crate) migrate: bool,
    /// Make the file or the schema, and the ledgers, and apply no migration
    #[arg(long)]
    pub(crate) no_migrate: bool,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// `schema`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  polymnia schema validate                       is it what the applied migrations make?
  polymnia schema dump > before.json
  polymnia schema dump --delta shop20261121000100 > migrations/sqlite/shop20261121000100_orders/schema.json
  polymnia schema diff before.json sqlite://polymnia.db
  polymnia schema diff 20261121000200@sqlite 20261121000400@sqlite")]
pub(crate) struct SchemaArgs {
    #[command(subcommand)]
    pub(crate) verb: SchemaVerb,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// Is a verb of `schema`.
#[derive(Debug, Subcommand)]
pub(crate) enum SchemaVerb {
    /// Compare the live schema with what the applied migrations make, and try what it promises; exit code 4 if it isn't so
    Validate,
    /// Print the live schema as JSON, object by object
    Dump {
        /// What the migrations up to a version make, instead of what is there
        #[arg(long, value_name = "VERSION")]
        at: Option<String>,
        /// What one version made of the one before, as the schema.json of a migration says it
        #[arg(long, value_name = "VERSION", conflicts_with = "at")]
        delta: Option<String>,
    },
    /// Tell two schemas apart, object by object; exit code 4 if they differ
    Diff {
        /// A URL, a file that `schema dump` made, or a version, with @DIALECT or of the database's
        first: String,
        /// Another
        second: String,
    },
}

/// `backup`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  polymnia backup create --backup-dir /srv/backups
  polymnia backup list
  polymnia backup restore polymnia-backups/sqlite-20261121T101500Z-20261121000400.db")]
pub(crate) struct BackupVerbArgs {
    #[command(subcommand)]
    pub(crate) verb: BackupVerb,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// Is a verb of `backup`.
#[derive(Debug, Subcommand)]
pub(crate) enum BackupVerb {
    /// Make a backup of the whole database, and verify it
    Create(FolderArgs),
    /// List the backups in the folder
    List(FolderArgs),
    /// Check that a backup can be read whole and has not changed since it was made
    Verify {
        /// The file
        path: PathBuf,
    },
    /// Put everything back as a backup has it, after a backup of what is there now
    Restore {
        /// The file
        path: PathBuf,
        #[command(flatten)]
        backup: BackupArgs,
        #[command(flatten)]
        lock: LockArgs,
    },
}

/// `reset`
#[derive(Debug, Args)]
#[command(after_help = "\
It removes the tables, the ledgers and, on PostgreSQL, the schema, with all memories in them, after a
backup. What an application's migrations made goes first.

Example:
  polymnia --database-url sqlite://polymnia.db reset --yes --confirm polymnia.db && polymnia init")]
pub(crate) struct ResetArgs {
    /// Do it; else it only tells what would go, with exit code 10
    #[arg(long)]
    pub(crate) yes: bool,
    /// The name of the database: its file's, or what the server calls it
    #[arg(long, value_name = "NAME")]
    pub(crate) confirm: Option<String>,
    #[command(flatten)]
    pub(crate) backup: BackupArgs,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// `doctor`
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_to_wait_is_an_answer() {
        let args = |wait: &str, timeout: &str| LockArgs {
            lock_wait: Some(wait.to_owned()),
            lock_timeout: Some(timeout.to_owned()),
        };
        let options = args("0", "500ms").options().unwrap();
        assert_eq!(
            options.session,
            SessionOptions { lock_wait: Duration::ZERO, lock_timeout: Duration::from_millis(500) }
        );
        for (wait, timeout, option) in [("soon", "1s", "--lock-wait"), ("1s", "0", "--lock-timeout")] {
            let error = args(wait, timeout).options().unwrap_err();
            assert_eq!(error.context_value("option"), Some(option));
        }
    }
}
