//! Migrations as they are written: the scripts of a version, and what is said about them.

use serde::{Deserialize, Serialize};

use crate::schema::{Delta, Version};

/// Is one migration of one dialect: the scripts and what `metadata.toml` says of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its version.
    pub version: Version,
    /// What it is about: lower-case letters, digits and `_`.
    pub name: String,
    /// Brings the schema to this version.
    pub up: String,
    /// Brings it back to the one before.
    pub down: String,
    /// What `metadata.toml` says.
    pub metadata: Metadata,
    /// What `up` does to the schema, object by object, where that was written down: `schema.json`.
    pub delta: Option<Delta>,
    /// Where the files stand, as errors name them: `migrations/sqlite/20261121000100_memories`.
    pub folder: String,
}

/// Is what the `metadata.toml` of a migration says.
///
/// ```toml
/// run_in_transaction = true          # required: diesel takes a missing key for false
/// parents = ["20261121000300"]       # else: the version before in the same source
/// compatibility = "read_only"        # what a build that doesn't know this version may do; else "full"
/// rebuild = true                     # SQLite: a table is made anew; see the guide on rebuilds
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Whether the script and the record of it are one transaction. Otherwise each statement is one, and those that can't
    /// be in a transaction stand alone.
    pub run_in_transaction: bool,
    /// The versions it is built upon; none means the one before it in the same source.
    #[serde(default)]
    pub parents: Vec<Version>,
    /// What a build that doesn't know this version may do with a database that has it.
    #[serde(default)]
    pub compatibility: Compatibility,
    /// Whether it makes a table anew, as SQLite's `ALTER TABLE` can't do everything. Such a script begins with `PRAGMA
    /// foreign_keys = OFF` and ends with `PRAGMA foreign_keys = ON`, which the engine sets itself, outside its transaction.
    #[serde(default)]
    pub rebuild: bool,
    /// Objects that only this dialect has, with the reason, by their name in a snapshot: left out by `parity`.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub apart: std::collections::BTreeMap<String, String>,
}

/// Says what a build may do with a database that has a migration it doesn't know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compatibility {
    /// Nothing.
    None,
    /// Read.
    ReadOnly,
    /// Read and write.
    #[default]
    Full,
}

/// Is a set of migrations of one dialect: ours, or an application's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The prefix of all its versions; empty for ours.
    pub prefix: String,
    /// The name of the dialect.
    pub dialect: String,
    /// The migrations, by version.
    pub scripts: Vec<Script>,
}
