//! What each verb takes.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::Shell;
use polymnia::OnConflict;

use super::SelectionArgs;

/// `demo`
#[derive(Debug, Args)]
#[command(
    after_help = "It runs on a temporary SQLite file, or with --database-url in a namespace of its own that it removes \
afterwards."
)]
pub(crate) struct DemoArgs {
    /// Keep the database, to go on with it
    #[arg(long)]
    pub(crate) keep: bool,
}

/// `add`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  polymnia add 'prefers calls after 14:00' --user mara --metadata '{\"kind\":\"preference\"}'
  polymnia add 'vault code is 4711' --user mara --expires-at 30d
  polymnia add - --thread case-7 < transcript.txt

From standard input, one line end at the very end is left out.")]
pub(crate) struct AddArgs {
    /// What the memory says, at most 1 MiB; `-` reads standard input
    pub(crate) content: OsString,
    /// The user it is about
    #[arg(long, value_name = "ID")]
    pub(crate) user: Option<String>,
    /// The agent that made it
    #[arg(long, value_name = "ID")]
    pub(crate) agent: Option<String>,
    /// The thread it belongs to
    #[arg(long, value_name = "ID")]
    pub(crate) thread: Option<String>,
    /// The tier: short_term, mid_term, long_term or a word of your own [default: short_term]
    #[arg(long, value_name = "TIER")]
    pub(crate) tier: Option<String>,
    /// What filters look at: a JSON object
    #[arg(long, value_name = "JSON")]
    pub(crate) metadata: Option<String>,
    /// How much it matters, 0.0 to 1.0 [default: 0.5]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) importance: Option<String>,
    /// Another thread it concerns; may be given several times
    #[arg(long = "related-thread", value_name = "ID")]
    pub(crate) related_threads: Vec<String>,
    /// When it came to be: RFC 3339, a date, or how long ago (12h, 30d) [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) created_at: Option<String>,
    /// When it expires: RFC 3339, a date, or in how long (12h, 30d) [default: never]
    #[arg(long, value_name = "TIME")]
    pub(crate) expires_at: Option<String>,
    /// Its id, a UUID that is not taken [default: a new UUID of version 7]
    #[arg(long, value_name = "UUID")]
    pub(crate) id: Option<String>,
}

/// `import`
#[derive(Debug, Args)]
#[command(after_help = "\
A line is a JSON object; only \"content\" is required:
  {\"content\": \"...\", \"user_id\": \"mara\", \"metadata\": {\"kind\": \"fact\"}}
It may also have: id, namespace, agent_id, thread_id, tier, importance, related_threads,
revision, created_at, updated_at, expires_at. A line without an id gets a new one each time.

A line's own namespace wins; one without gets --namespace.

Examples:
  polymnia import memories.ndjson
  polymnia import memories.ndjson --on-conflict skip    go on after an interruption
  polymnia import memories.ndjson --keep-going          import what can be, keep the rest apart
  polymnia search --all --format ndjson | polymnia --database-url postgres://db/app import -")]
pub(crate) struct ImportArgs {
    /// A file of JSON lines, checked whole before the first is stored; `-` reads standard input
    pub(crate) file: PathBuf,
    /// What to do when an id is taken
    #[arg(long, value_enum, value_name = "ACTION", default_value_t = ConflictName::Fail)]
    pub(crate) on_conflict: ConflictName,
    /// Put every line into --namespace, whatever the line says
    #[arg(long)]
    pub(crate) into_namespace: bool,
    /// Write lines that can't be imported to a file, with the reasons, and import the rest; exit code 1 if there were any
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// Where --keep-going writes them [default: FILE.rejects.ndjson]
    #[arg(long, value_name = "PATH", requires = "keep_going")]
    pub(crate) rejects: Option<PathBuf>,
    /// How many memories are stored at a time, 1 to 10000
    #[arg(long, value_name = "NUMBER", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) batch_size: u32,
}

/// Is what becomes of a line whose id is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConflictName {
    /// The import ends with an error.
    Fail,
    /// What is stored stays.
    Skip,
    /// What is stored is written over.
    Replace,
}

impl ConflictName {
    /// Returns what the library calls it.
    pub(crate) fn on_conflict(self) -> OnConflict {
        match self {
            Self::Fail => OnConflict::Fail,
            Self::Skip => OnConflict::Skip,
            Self::Replace => OnConflict::Replace,
        }
    }
}

/// `get`
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// The ids; exit code 1 if one isn't there
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
}

/// `delete`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  polymnia delete 01956f2e-8c3a-7d11-9b52-0242ac120002
  polymnia delete --user mara --until 2025-01-01 --dry-run     how many there are
  polymnia delete --user mara --until 2025-01-01 --yes")]
pub(crate) struct DeleteArgs {
    /// The ids; exit code 1 if one isn't there
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// Remove all that the conditions select
    #[arg(long)]
    pub(crate) yes: bool,
    /// Count only
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
}

/// `update`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  polymnia update 01956f2e-8c3a-7d11-9b52-0242ac120002 --tier long_term --no-expires-at
  polymnia update 01956f2e-8c3a-7d11-9b52-0242ac120002 --content 'prefers mail' --if-revision 3")]
pub(crate) struct UpdateArgs {
    /// The id
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// What it says; `-` reads standard input
    #[arg(long, value_name = "TEXT")]
    pub(crate) content: Option<OsString>,
    /// The user it is about
    #[arg(long, value_name = "ID", conflicts_with = "no_user")]
    pub(crate) user: Option<String>,
    /// About no user
    #[arg(long)]
    pub(crate) no_user: bool,
    /// The agent that made it
    #[arg(long, value_name = "ID", conflicts_with = "no_agent")]
    pub(crate) agent: Option<String>,
    /// Of no agent
    #[arg(long)]
    pub(crate) no_agent: bool,
    /// The thread it belongs to
    #[arg(long, value_name = "ID", conflicts_with = "no_thread")]
    pub(crate) thread: Option<String>,
    /// Of no thread
    #[arg(long)]
    pub(crate) no_thread: bool,
    /// The tier
    #[arg(long, value_name = "TIER")]
    pub(crate) tier: Option<String>,
    /// The metadata, replaced as a whole
    #[arg(long, value_name = "JSON")]
    pub(crate) metadata: Option<String>,
    /// How much it matters, 0.0 to 1.0
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) importance: Option<String>,
    /// Other threads it concerns, replaced as a whole; may be given several times
    #[arg(long = "related-thread", value_name = "ID", conflicts_with = "no_related_threads")]
    pub(crate) related_threads: Vec<String>,
    /// Related to no thread
    #[arg(long)]
    pub(crate) no_related_threads: bool,
    /// When it expires: RFC 3339, a date, or in how long (12h, 30d)
    #[arg(long, value_name = "TIME", conflicts_with = "no_expires_at")]
    pub(crate) expires_at: Option<String>,
    /// Never expires
    #[arg(long)]
    pub(crate) no_expires_at: bool,
    /// Only if this is its revision now
    #[arg(long, value_name = "NUMBER")]
    pub(crate) if_revision: Option<i64>,
}

/// `count`
#[derive(Debug, Args)]
pub(crate) struct SelectArgs {
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
}

/// `namespace`
#[derive(Debug, Args)]
pub(crate) struct NamespaceArgs {
    #[command(subcommand)]
    pub(crate) verb: NamespaceVerb,
}

/// Is a verb of `namespace`.
#[derive(Debug, Subcommand)]
pub(crate) enum NamespaceVerb {
    /// List the namespaces that hold a memory, expired ones included
    List,
    /// Give a namespace another name, which must hold nothing
    Rename {
        /// The name it has
        from: String,
        /// The name it gets
        to: String,
    },
    /// Remove everything of a namespace
    Delete {
        /// Its name
        name: String,
        /// Do it; else it only tells what would go, with exit code 10
        #[arg(long)]
        yes: bool,
    },
}

/// `setup`
#[derive(Debug, Args)]
#[command(after_help = "\
On a terminal it asks for what is not given. Elsewhere:
  polymnia setup --database-url postgres://app@db.example.com/app --yes")]
pub(crate) struct SetupArgs {
    /// Ask nothing
    #[arg(long)]
    pub(crate) yes: bool,
    /// Write over a configuration that names another database
    #[arg(long)]
    pub(crate) overwrite: bool,
}

/// `config`
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) verb: ConfigVerb,
}

/// Is a verb of `config`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Show each setting, and where it comes from
    Show,
}

/// `completions`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  source <(polymnia completions bash)
  polymnia completions zsh > \"${fpath[1]}/_polymnia\"
  polymnia completions fish > ~/.config/fish/completions/polymnia.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
