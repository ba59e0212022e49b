//! What a database records of its migrations.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::schema::{Compatibility, Delta, Version};

/// Is what a database records of its migrations.
///
/// diesel's ledger is the truth of what is applied; our entries beside it say how that came about. A database that
/// only the diesel CLI has migrated has no entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// The versions in diesel's ledger, as they stand there; none if there is no such table.
    pub diesel: Option<BTreeSet<String>>,
    /// Our entries, by position; none if there is no such table.
    pub entries: Option<Vec<Entry>>,
}

/// Is what is recorded of one migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its version.
    pub version: Version,
    /// Its name; empty if it was applied by another tool and this build doesn't know it.
    pub name: String,
    /// In which place it was applied, from 1.
    pub position: u64,
    /// How far it is.
    pub state: State,
    /// How it came to be recorded.
    pub origin: Origin,
    /// The versions it is built upon.
    pub parents: Vec<Version>,
    /// SHA-256 of the `up` script, in hexadecimal digits.
    pub checksum_raw: String,
    /// SHA-256 of the `up` script without comments, white space and line ends, directives kept.
    pub checksum: String,
    /// The script as it was applied; none if nobody knows.
    pub up: Option<String>,
    /// What takes it back, for builds that don't know this version.
    pub down: Option<String>,
    /// Whether `down` runs in a transaction, and what else its metadata says.
    pub run_in_transaction: bool,
    /// Whether it makes a SQLite table anew.
    pub rebuild: bool,
    /// What a build that doesn't know it may do.
    pub compatibility: Compatibility,
    /// How many statements the script that is running or has run has.
    pub statements: u32,
    /// How many of them are done.
    pub done: u32,
    /// For a statement done in batches: the key of the last row done, as JSON.
    pub batch_key: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How many milliseconds its statements took.
    pub millis: Option<u64>,
    /// What went wrong, if something did. No values.
    pub error: Option<String>,
    /// Who ran it: `user@host`.
    pub by: String,
    /// What ran it: `polymnia 0.1.0`.
    pub tool: String,
    /// What it did to the schema; none if nobody looked. While `up` is running or has failed: the whole schema as it was
    /// before, so that a run that goes on can tell the two apart.
    pub delta: Option<Delta>,
}

/// Says how far a migration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its `up` script is running, or was when the process ended.
    Running,
    /// It is applied.
    Applied,
    /// Its `up` script failed half-way.
    Failed,
    /// Its `down` script is running, was when the process ended, or failed half-way.
    Reverting,
}

/// Says how a migration came to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It was run.
    Run,
    /// Another tool ran it: the diesel CLI.
    Adopted,
    /// It was recorded on request, without running it.
    Stamped,
    /// It was recorded after its schema had been compared.
    Baseline,
    /// A failure was declared to be resolved.
    Resolved,
}

/// Is one line of the log, which only grows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogEntry {
    /// When.
    pub at: Timestamp,
    /// What happened: `applied`, `reverted`, `failed`, `adopted`, `stamped`, `baseline`, `resolved`, `repaired`, `backup`,
    /// `reset`.
    pub event: String,
    /// To which version; none for what concerns the database as a whole.
    pub version: Option<Version>,
    /// More about it. No values of memories.
    pub detail: String,
    /// Who: `user@host`.
    pub by: String,
    /// With what: `polymnia 0.1.0`.
    pub tool: String,
}

/// Is the ledger of another migration tool, found in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ForeignLedger {
    /// The tool: `alembic`, `prisma`, `sqlx`, `refinery`, `flyway`, `goose`, `rails`, `drizzle`, `diesel` (outside our schema),
    /// `golang-migrate` or `unknown`.
    pub tool: String,
    /// Its table.
    pub table: String,
    /// The newest version it records, if any.
    pub version: Option<String>,
}

impl fmt::Display for ForeignLedger {
    /// Writes the tool, its table and the version: `alembic (public.alembic_version) at ae1027a6acf`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.tool, self.table)?;
        match &self.version {
            Some(version) => write!(f, " at {version}"),
            None => Ok(()),
        }
    }
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Running, Self::Applied, Self::Failed, Self::Reverting];

    /// Returns the word stored for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Applied => "applied",
            Self::Failed => "failed",
            Self::Reverting => "reverting",
        }
    }

    /// Returns the state stored as that word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

impl Origin {
    /// Every origin.
    pub const ALL: [Self; 5] = [Self::Run, Self::Adopted, Self::Stamped, Self::Baseline, Self::Resolved];

    /// Returns the word stored for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Adopted => "adopted",
            Self::Stamped => "stamped",
            Self::Baseline => "baseline",
            Self::Resolved => "resolved",
        }
    }

    /// Returns the origin stored as that word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.code() == code)
    }
}

impl Compatibility {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::None, Self::ReadOnly, Self::Full];

    /// Returns the word stored for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ReadOnly => "read_only",
            Self::Full => "full",
        }
    }

    /// Returns the level stored as that word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.code() == code)
    }
}
