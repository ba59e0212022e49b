//! What the verbs take that concern indexes and what else is derived from memories.

use clap::{Args, Subcommand, ValueEnum};
use polymnia::IndexKind;

/// `optimize`
#[derive(Debug, Args)]
#[command(after_help = "\
It indexes what a bulk load or another program wrote, removes what no memory has any more, and
refreshes the statistics that the database plans by. It may be interrupted at any time and begun
again.")]
pub(crate) struct OptimizeArgs {
    /// Index what is not indexed yet, and no more
    #[arg(long)]
    pub(crate) index_only: bool,
}

/// `index`
#[derive(Debug, Args)]
#[command(after_help = "\
Metadata is indexed without any of this for equality, containment and elements of lists. A
declared index serves ranges and prefixes at one path, in all namespaces.

Examples:
  polymnia index create --path customer.score --type number
  polymnia index create --path '[\"items\", 0, \"sku\"]' --type text --name first_sku
  polymnia index list")]
pub(crate) struct IndexArgs {
    #[command(subcommand)]
    pub(crate) verb: IndexVerb,
}

/// Is a verb of `index`.
#[derive(Debug, Subcommand)]
pub(crate) enum IndexVerb {
    /// Declare an index on one path of the metadata, and fill it
    Create(CreateIndexArgs),
    /// List the declared indexes
    List,
    /// Remove a declared index
    Drop {
        /// Its name
        name: String,
    },
}

/// `index create`
#[derive(Debug, Args)]
pub(crate) struct CreateIndexArgs {
    /// Where the values stand: keys with dots between them, or a JSON list of keys and indexes
    #[arg(long, value_name = "PATH")]
    pub(crate) path: String,
    /// Which values it holds; those of other types are not in it
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    pub(crate) kind: KindName,
    /// Its name: a-z, 0-9 and _ [default: made of the path and the type]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// Is the type of the values of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindName {
    /// Numbers.
    Number,
    /// Strings.
    Text,
}

impl KindName {
    /// Returns what the library calls it.
    pub(crate) fn kind(self) -> IndexKind {
        match self {
            Self::Number => IndexKind::Number,
            Self::Text => IndexKind::Text,
        }
    }
}

/// `check`
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Compare all that is derived from memories with the memories, too; exit code 4 if something is wrong
    #[arg(long)]
    pub(crate) deep: bool,
}
