//! What `migrate` takes.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use polymnia::schema::{Resolution, Target};

use super::schema::{LockArgs, PlaceArgs, RunArgs};
use super::target;

/// `migrate`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  polymnia migrate status
  polymnia migrate upgrade --plan                what it would do
  polymnia migrate upgrade --sql | sqlite3 polymnia.db
  polymnia migrate upgrade +1
  polymnia migrate downgrade -1 --allow-destructive
  polymnia migrate check                         for CI: nothing pending, nothing changed, history sound
  polymnia migrate revision -m 'orders by shop' --migrations migrations --prefix shop

These change nothing and work on databases that can't be written: current, history, heads, show,
status, check, lint, parity, and --plan and --sql of upgrade and downgrade.")]
pub(crate) struct MigrateArgs {
    #[command(subcommand)]
    pub(crate) verb: MigrateVerb,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// Is a verb of `migrate`.
#[derive(Debug, Subcommand)]
pub(crate) enum MigrateVerb {
    /// Apply migrations
    Upgrade(UpgradeArgs),
    /// Take migrations back
    Downgrade(DowngradeArgs),
    /// Print the newest applied version, of ours and of an application's
    Current(CurrentArgs),
    /// List every migration that the build or the database knows; with -v all that is recorded, and the log
    History,
    /// Print the newest versions that this build knows, of ours and of an application's
    Heads,
    /// Show one migration: what is recorded of it, and its scripts
    Show {
        /// The version, or the beginning of one that is the only one to begin so
        version: String,
    },
    /// Tell where the database stands: what is pending, what is wrong, who migrates
    Status(StatusArgs),
    /// Write the files of a new migration of your own, for all dialects
    Revision(RevisionArgs),
    /// Join several heads
    Merge(MergeArgs),
    /// Record versions as applied, without running them
    Stamp(StampArgs),
    /// Take over a database that has the tables and no ledger, after comparing its schema
    Baseline(BaselineArgs),
    /// Declare a migration that stopped half-way to be resolved by hand
    Resolve(ResolveArgs),
    /// Bring the ledgers into line: accept changed scripts, take over what other tools did, clear up after failures
    Repair(LockArgs),
    /// End the session of who is migrating now
    Unlock,
    /// Fail unless nothing is pending (exit code 3), no script has changed (4) and the history is sound (5)
    Check,
    /// Find dangerous statements; exit code 4 if there are any
    Lint(LintArgs),
    /// Compare the dialects after each version; exit code 4 if they diverge
    Parity,
}

/// `migrate upgrade`
#[derive(Debug, Args)]
#[command(after_help = "\
A database file that isn't there is created. Ctrl-C ends it between two statements; the same command
goes on from there.")]
pub(crate) struct UpgradeArgs {
    /// head, a version (its beginning will do), or +N for so many steps
    #[arg(value_parser = target::up, default_value = "head")]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) preview: PreviewArgs,
    /// Run it on a copy that goes away, and tell how long each step took
    #[arg(long, conflicts_with_all = ["sql", "plan"])]
    pub(crate) rehearse: bool,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// What shows what a run would do.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct PreviewArgs {
    /// Print the script that psql or sqlite3 runs instead; it refuses a database at another version
    #[arg(long)]
    pub(crate) sql: bool,
    /// Tell what it would do instead
    #[arg(long, conflicts_with = "sql")]
    pub(crate) plan: bool,
}

/// `migrate downgrade`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("where").required(true).args(["target", "only"]))]
pub(crate) struct DowngradeArgs {
    /// The version to go back to (its beginning will do), -N for so many steps, or base for none at all
    #[arg(value_parser = target::down, allow_negative_numbers = true)]
    pub(crate) target: Option<Target>,
    /// Take back this one version only, which no applied one may be built upon
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["sql", "plan"])]
    pub(crate) only: Option<String>,
    #[command(flatten)]
    pub(crate) preview: PreviewArgs,
    /// Use the scripts that the ledger keeps, instead of those of this build
    #[arg(long)]
    pub(crate) use_stored_down: bool,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// `migrate current`
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct CurrentArgs {
    /// Exit with code 3 unless it is the newest that this build knows, with 5 if it is none of them
    #[arg(long)]
    pub(crate) check_heads: bool,
}

/// `migrate status`
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct StatusArgs {
    /// Exit with the code that `migrate check` exits with
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// `migrate revision`
#[derive(Debug, Args)]
#[command(after_help = "\
It writes DIR/DIALECT/VERSION_MESSAGE/{up.sql,down.sql,metadata.toml} below --migrations.")]
pub(crate) struct RevisionArgs {
    /// What it is about; the name of the folder is made of it
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) message: String,
    /// For which dialects
    #[arg(long, value_name = "NAME", default_value = "all")]
    pub(crate) dialect: String,
    /// Begin versions with this word of lower-case letters [default: that of the migrations there]
    #[arg(long, value_name = "WORD")]
    pub(crate) prefix: Option<String>,
    /// Draft the statements from what this database has more, or less, than the migrations make
    #[arg(long, value_name = "URL")]
    pub(crate) from_diff: Option<String>,
}

/// `migrate merge`
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// What to join: heads
    #[arg(value_parser = ["heads"])]
    pub(crate) what: String,
    /// What it is about
    #[arg(short, long, value_name = "TEXT", default_value = "merge heads")]
    pub(crate) message: String,
}

/// `migrate stamp`
#[derive(Debug, Args)]
pub(crate) struct StampArgs {
    /// The version to record, with those before: head, base for none, or a version
    #[arg(value_parser = target::at)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
}

/// `migrate baseline`
#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    /// The version it is at [default: the newest]
    #[arg(long, value_name = "VERSION")]
    pub(crate) at: Option<String>,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
}

/// `migrate resolve`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("how").required(true).args(["applied", "rolled_back"]))]
pub(crate) struct ResolveArgs {
    /// The version
    pub(crate) version: String,
    /// Somebody completed it by hand
    #[arg(long)]
    pub(crate) applied: bool,
    /// Somebody took it back by hand
    #[arg(long)]
    pub(crate) rolled_back: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
}

impl ResolveArgs {
    /// Returns what the library calls it.
    pub(crate) fn resolution(&self) -> Resolution {
        if self.applied { Resolution::Applied } else { Resolution::RolledBack }
    }
}

/// `migrate lint`
#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// A folder of migrations [default: that of --migrations, else ours]
    pub(crate) folder: Option<PathBuf>,
    /// List the rules instead: their names, which `-- polymnia:allow` takes, and why there are
    #[arg(long, conflicts_with = "folder")]
    pub(crate) rules: bool,
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn verb(line: &[&str]) -> Result<MigrateVerb, clap::Error> {
        let line = ["polymnia", "migrate"].iter().chain(line);
        Cli::try_parse_from(line).map(|cli| match cli.command {
            Command::Migrate(args) => args.verb,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn targets_are_read_with_their_signs() {
        for (line, target) in [
            (&["upgrade"][..], Target::Head),
            (&["upgrade", "+2", "--plan"], Target::Steps(2)),
            (&["upgrade", "2026", "--backup", "always"], Target::Version("2026".to_owned())),
            (&["downgrade", "-1"], Target::Steps(1)),
            (&["downgrade", "-12", "--sql"], Target::Steps(12)),
            (&["downgrade", "--allow-destructive", "-1"], Target::Steps(1)),
            (&["downgrade", "base", "--use-stored-down"], Target::Base),
        ] {
            let found = match verb(line).unwrap() {
                MigrateVerb::Upgrade(args) => args.target,
                MigrateVerb::Downgrade(args) => args.target.unwrap(),
                other => panic!("{other:?}"),
            };
            assert_eq!(found, target, "{line:?}");
        }
    }

    #[test]
    fn wrong_usage_is_refused() {
        for line in [
            &["upgrade", "-1"][..],
            &["upgrade", "base"],
            &["upgrade", "--sql", "--plan"],
            &["upgrade", "--rehearse", "--sql"],
            &["downgrade"],
            &["downgrade", "head"],
            &["downgrade", "-1", "--only", "2026"],
            &["downgrade", "--sqll", "-1"],
            &["resolve", "2026"],
            &["resolve", "2026", "--applied", "--rolled-back"],
            &["merge"],
            &["merge", "tails"],
            &["revision"],
            &["stamp"],
            &["upgrade", "--tx-mode", "some"],
        ] {
            assert!(verb(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn the_alias_and_the_options_of_the_place() {
        let cli = Cli::try_parse_from(["polymnia", "db-migrate", "status", "--migrations", "m", "--migrate-url", "u"]);
        let Command::Migrate(args) = cli.unwrap().command else { panic!("it is migrate") };
        assert_eq!(args.place.migrations, Some("m".into()));
        assert_eq!(args.place.migrate_url.as_deref(), Some("u"));
    }
}
