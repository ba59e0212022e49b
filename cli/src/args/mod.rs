//! What the command line looks like.

// The comments are help texts, which no one renders as Markdown, and options are what they are.
#![allow(clippy::doc_markdown, clippy::struct_excessive_bools)]

mod derived;
mod filter;
mod migrate;
mod plugin;
mod schema;
mod search;
mod selection;
mod target;
mod verbs;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub(crate) use derived::{CheckArgs, CreateIndexArgs, IndexArgs, IndexVerb, OptimizeArgs};
pub(crate) use migrate::{
    BaselineArgs, CurrentArgs, DowngradeArgs, LintArgs, MergeArgs, MigrateArgs, MigrateVerb, ResolveArgs, RevisionArgs,
    StampArgs, StatusArgs, UpgradeArgs,
};
pub(crate) use plugin::{PluginArgs, PluginVerb, VerifyArgs};
pub(crate) use schema::{
    BackupArgs, BackupName, BackupVerb, BackupVerbArgs, DoctorArgs, FolderArgs, InitArgs, LockArgs, PlaceArgs,
    ResetArgs, SchemaArgs, SchemaVerb,
};
pub(crate) use search::{ExplainArgs, QueryArgs, SearchArgs};
pub(crate) use selection::{OrderName, SelectionArgs, options, selects_all};
pub(crate) use verbs::{
    AddArgs, CompletionsArgs, ConfigArgs, ConfigVerb, DeleteArgs, DemoArgs, GetArgs, ImportArgs, NamespaceArgs,
    NamespaceVerb, SelectArgs, SetupArgs, UpdateArgs,
};

use crate::failure::exit_codes;

/// One memory store for AI agents, over SQLite, PostgreSQL, and what plugins bring.
#[derive(Debug, Parser)]
#[command(name = "polymnia", version, max_term_width = 110)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Shows where to begin, and what the exit codes mean.
const AFTER_HELP: &str = concat!(
    "\
Begin with:
  polymnia demo      see what it does, on a database that goes away
  polymnia init      create sqlite://polymnia.db
  polymnia add 'prefers calls after 14:00' --user mara --metadata '{\"kind\":\"preference\"}'
  polymnia search --user mara --where '{\"kind\":\"preference\"}'

",
    exit_codes!()
);

/// What every verb takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every verb")]
pub(crate) struct GlobalArgs {
    /// The database [else POLYMNIA_DATABASE_URL, DATABASE_URL, the configuration, sqlite://polymnia.db]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// The namespace to work in [else POLYMNIA_NAMESPACE, the configuration, `default`]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// How long connecting, and then each operation, may take: 500ms, 10s, 5min [else the URL's, or 30s]
    #[arg(long, global = true, value_name = "DURATION")]
    pub(crate) timeout: Option<String>,
    /// How results are printed; JSON carries a schema_version
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// The configuration file [else POLYMNIA_CONFIG, or polymnia/config.toml in the user's configuration folder]
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) config: Option<PathBuf>,
    /// A plugin, a shared library with dialects, to load; may be given several times [else the configuration's `plugins`]
    #[arg(long = "plugin", global = true, value_name = "PATH")]
    pub(crate) plugins: Vec<PathBuf>,
    /// A folder, absolute, of which every plugin is loaded [else POLYMNIA_PLUGIN_PATH, the configuration's `plugin_path`]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) plugin_path: Option<PathBuf>,
    /// Leave the dialects of this program out, so that plugins may take their URLs
    #[arg(long, global = true)]
    pub(crate) only_plugins: bool,
    /// Load plugins that others can write to, too
    #[arg(long, global = true)]
    pub(crate) allow_insecure_plugin: bool,
    /// Print results and errors only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Log to standard error what is done; twice for more, three times for all
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
    /// Print without colours, as the variable NO_COLOR does
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
}

/// Is how results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON document a line.
    Ndjson,
}

/// Is a verb.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what it does: a sample conversation on a temporary database
    Demo(DemoArgs),
    /// Create the database if need be, and bring its schema to the newest version
    #[command(visible_alias = "init-db")]
    Init(InitArgs),
    /// Store one memory
    Add(AddArgs),
    /// Store memories from JSON lines
    Import(ImportArgs),
    /// Show memories by id
    Get(GetArgs),
    /// Remove memories, by id or by conditions
    Delete(DeleteArgs),
    /// Change fields of a memory
    Update(UpdateArgs),
    /// Find memories
    Search(SearchArgs),
    /// Tell how a search is answered: by which index, at what cost
    Explain(ExplainArgs),
    /// Count memories
    Count(SelectArgs),
    /// Tell what the namespace and the database hold
    Stats,
    /// List, rename and remove namespaces
    Namespace(NamespaceArgs),
    /// Declare, list and remove indexes on paths of the metadata
    Index(IndexArgs),
    /// Bring the indexes up to date, and the statistics
    Optimize(OptimizeArgs),
    /// Bring the schema to another version, tell where it stands, write migrations of your own
    #[command(visible_alias = "db-migrate")]
    Migrate(MigrateArgs),
    /// Validate, print and compare schemas
    Schema(SchemaArgs),
    /// Make, list, verify and restore backups of the whole database
    Backup(BackupVerbArgs),
    /// Remove everything of ours from the database
    Reset(ResetArgs),
    /// Tell how the database is: sizes, use of indexes, locks, migrations that took long or failed
    Doctor(DoctorArgs),
    /// List the dialects there are; inspect and verify shared libraries that bring one
    Plugin(PluginArgs),
    /// Choose a database, check it, initialise it and remember it
    Setup(SetupArgs),
    /// Show the configuration that applies
    Config(ConfigArgs),
    /// Connect and tell what is there
    Check(CheckArgs),
    /// Print a script of completions for a shell
    Completions(CompletionsArgs),
}

impl Command {
    /// Returns whether it concerns the schema, or the database as a whole.
    pub(crate) fn is_of_schema(&self) -> bool {
        matches!(
            self,
            Self::Init(_) | Self::Migrate(_) | Self::Schema(_) | Self::Backup(_) | Self::Reset(_) | Self::Doctor(_)
        )
    }

    /// Returns the condition that was given as JSON with this option.
    pub(crate) fn condition(&self, option: &str) -> Option<&str> {
        let selection = match self {
            Self::Search(SearchArgs { query, .. }) | Self::Explain(ExplainArgs { query }) => &query.selection,
            Self::Count(SelectArgs { selection }) | Self::Delete(DeleteArgs { selection, .. }) => selection,
            _ => return None,
        };
        match option {
            "--where" => selection.contains.as_deref(),
            "--filter" => selection.filter.as_deref(),
            _ => None,
        }
    }
}
