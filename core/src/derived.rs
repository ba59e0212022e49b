//! What a database derives from memories to find them: indexes declared, their upkeep, their soundness.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::{Error, MemoryId, Namespace, Path, Result};

/// Declares an index on one path of the metadata of all namespaces: it serves comparisons, ranges and prefixes there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IndexDeclaration {
    /// Names it.
    pub name: IndexName,
    /// Where the values stand.
    #[serde(serialize_with = "path_text")]
    pub path: Path,
    /// Which values it holds.
    pub kind: IndexKind,
}

impl IndexDeclaration {
    /// How many indexes may be declared in one database: each is paid for by every write.
    pub const MAX: usize = 32;

    /// Returns a declaration named after its path: `customer_score_number`.
    ///
    /// # Errors
    ///
    /// As [`IndexName::new`], where the path has no name that fits: give one.
    pub fn new(path: Path, kind: IndexKind) -> Result<Self> {
        let name = IndexName::of(&path, kind)?;
        Ok(Self { name, path, kind })
    }
}

/// Is the type of the values an index holds; values of other types are not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IndexKind {
    /// Numbers.
    Number,
    /// Strings.
    Text,
}

impl IndexKind {
    /// Returns the name: `number` or `text`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Text => "text",
        }
    }
}

impl fmt::Display for IndexKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for IndexKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "number" => Ok(Self::Number),
            "text" => Ok(Self::Text),
            _ => Err(Error::invalid_input(format!("index type is {text:?}: expected number or text"))),
        }
    }
}

/// Names a declared index: 1 to 40 of a-z, 0-9 and `_`, a letter first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct IndexName(String);

impl IndexName {
    /// The greatest length.
    pub const MAX_BYTES: usize = 40;

    /// Returns the name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for anything else than the type says.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        let fits = text.len() <= Self::MAX_BYTES
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if fits {
            return Ok(Self(text));
        }
        let message =
            format!("index name is {text:?}: expected 1 to {} of a-z, 0-9 and _, a letter first", Self::MAX_BYTES);
        Err(Error::invalid_input(message))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(path: &Path, kind: IndexKind) -> Result<Self> {
        use crate::filter::Step;
        let mut name = String::new();
        for step in path.steps() {
            let step = match step {
                Step::Key(key) => key.to_ascii_lowercase(),
                Step::Index(index) => index.to_string(),
            };
            name.extend(step.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }));
            name.push('_');
        }
        name.push_str(kind.as_str());
        Self::new(name)
    }
}

impl fmt::Display for IndexName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for IndexName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

/// Is a declared index as the database has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IndexStatus {
    /// What was declared.
    #[serde(flatten)]
    pub declaration: IndexDeclaration,
    /// Whether queries use it. One that is not ready was not finished: drop it and create it again.
    pub ready: bool,
    /// How many values it holds, where the dialect can tell cheaply.
    pub entries: Option<u64>,
}

/// Says how much upkeep is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Upkeep {
    /// Derive what is not derived yet, after a bulk load above all.
    Index,
    /// That, remove what no memory has any more, and refresh the statistics that the database plans by.
    Full,
}

/// Tells what upkeep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OptimizeReport {
    /// Memories whose index entries were made.
    pub indexed: u64,
    /// Index entries removed that no memory has.
    pub removed: u64,
}

/// Tells whether what is derived agrees with the memories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Memories looked at, expired ones included.
    pub memories: u64,
    /// Index entries looked at; 0 where the database keeps its indexes itself.
    pub entries: u64,
    /// Memories whose index entries are not made yet, after a bulk load or a write of another program. They are found all the
    /// same, more slowly, until the next [`Admin::optimize`](crate::Admin::optimize).
    pub pending: u64,
    /// How many faults there are.
    pub fault_count: u64,
    /// The first [`VerifyReport::MAX_FAULTS`] of them.
    pub faults: Vec<Fault>,
}

impl VerifyReport {
    /// The greatest number of faults listed.
    pub const MAX_FAULTS: usize = 100;

    /// Returns whether everything agrees.
    pub fn is_sound(&self) -> bool {
        self.fault_count == 0
    }
}

/// Is something that should not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The tenant, if it concerns one.
    pub namespace: Option<Namespace>,
    /// The memory, if it concerns one.
    pub id: Option<MemoryId>,
    /// What is wrong, without any content.
    pub problem: String,
}

fn path_text<S: Serializer>(path: &Path, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(path)
}
