//! What `plugin` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `plugin`
#[derive(Debug, Args)]
#[command(after_help = "\
A plugin is a shared library that brings a dialect. Every verb works through it:
  polymnia --plugin ./libacme_store.so --database-url acme://… search --all

Examples:
  polymnia plugin list --plugin-path /opt/polymnia/plugins
  polymnia plugin inspect ./libacme_store.so
  polymnia plugin verify ./libacme_store.so --url acme://localhost/test")]
pub(crate) struct PluginArgs {
    #[command(subcommand)]
    pub(crate) verb: PluginVerb,
}

/// Is a verb of `plugin`.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginVerb {
    /// List the dialects that are there: this program's, and those of the plugins that are named
    List,
    /// Tell what a shared library is, and whether it may be loaded; exit code 9 or 10 if it can't
    Inspect {
        /// The file
        path: PathBuf,
    },
    /// Judge a plugin by the suite that every dialect passes, on databases of its own; exit code 4 if it fails
    Verify(VerifyArgs),
}

/// `plugin verify`
#[derive(Debug, Args)]
#[command(after_help = "\
Each case runs on an empty database that the plugin makes beside the one of the URL, and removes
again. What is stored behind the URL is neither read nor changed.

Examples:
  polymnia plugin verify ./libacme_store.so --url acme://localhost/test
  polymnia plugin verify ./libacme_store.so --url acme://localhost/test --theme filters --theme order
  polymnia plugin verify ./libacme_store.so --url acme://localhost/test --filter expect")]
pub(crate) struct VerifyArgs {
    /// The file
    pub(crate) path: PathBuf,
    /// A database beside which others can be made
    #[arg(long, value_name = "URL")]
    pub(crate) url: String,
    /// Only cases with this in their name, which is THEME::CASE; may be given several times
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Vec<String>,
    /// Only cases of this theme; may be given several times
    #[arg(long, value_name = "THEME")]
    pub(crate) theme: Vec<String>,
}
