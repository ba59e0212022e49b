//! What is going to be done: targets, steps, plans.

use serde::Serialize;

use crate::schema::{Script, Version};

/// Says where an upgrade or a downgrade is to lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Everything this build knows.
    Head,
    /// No migration at all.
    Base,
    /// A version, or the beginning of one that is the only one to begin so. A downgrade makes it the newest of its source, and
    /// takes back what is built upon the ones that go.
    Version(String),
    /// So many steps further (up) or back (down).
    Steps(u32),
}

/// Says which statements share a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TxMode {
    /// Those of one migration, as its metadata says.
    #[default]
    File,
    /// Those of all migrations of the run: all or nothing.
    All,
    /// None: each statement is one.
    None,
}

/// Says when a backup is made before a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackupMode {
    /// Where a step can destroy data and there is any.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Is one migration that a plan runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The version.
    pub version: Version,
    /// Its name.
    pub name: String,
    /// Which way.
    pub direction: Way,
    /// How many statements it has.
    pub statements: u32,
    /// Whether all of it is one transaction.
    pub transactional: bool,
    /// What it destroys, if it does: `drops table polymnia_changes`.
    pub destroys: Vec<String>,
    /// Whether it goes on where an earlier run stopped.
    pub resumes: bool,
    /// The script it runs: the one of this build, or the stored one.
    #[serde(skip)]
    pub script: Script,
}

/// Says which way a step goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// To a newer version.
    Up,
    /// To an older one.
    Down,
}

/// Is what a run is going to do, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The newest version applied now.
    pub from: Option<Version>,
    /// The newest version applied afterwards.
    pub to: Option<Version>,
    /// The migrations to run.
    pub steps: Vec<Step>,
    /// Whether a backup comes first.
    pub backup: bool,
}
