//! How a query was answered.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// Tells how a query was answered: by which access path, at what cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The dialect's name.
    pub dialect: String,
    /// How the memories looked at were found.
    pub access: Access,
    /// The index that found them; none for a scan, and where nothing had to be read.
    pub index: Option<String>,
    /// Whether they came in the order asked for, so that reading could end at the limit.
    pub streamed: bool,
    /// How many memories the plan expected to look at; none where it needed no estimate.
    pub estimated_candidates: Option<u64>,
    /// How many memories the access path proposed.
    pub candidates: u64,
    /// How many of these the exact test of the filter ran on; 0 where the access path alone is exact.
    pub rechecks: u64,
    /// How many memories were returned.
    pub rows: u64,
    /// How long it took. As JSON, microseconds.
    #[serde(rename = "elapsed_us", serialize_with = "micros")]
    pub elapsed: Duration,
    /// What the dialect did by code of its own, where the database has nothing of the kind.
    pub emulated: Vec<String>,
    /// The SQL that ran, with a placeholder for each value.
    pub statements: Vec<String>,
    /// Other facts worth showing, by name.
    pub details: Vec<(String, String)>,
}

/// Is how memories are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Access {
    /// By an index over metadata: what the filter needs of a document.
    MetadataIndex,
    /// By a declared index on one path of the metadata.
    DeclaredIndex,
    /// By an index on the memory's own fields.
    FieldIndex,
    /// In the order asked for, by its index, until there are enough.
    OrderWalk,
    /// All of the namespace, in no order.
    Scan,
    /// Not at all: nothing can be selected.
    Nothing,
}

impl Access {
    /// Returns the name: `metadata_index`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MetadataIndex => "metadata_index",
            Self::DeclaredIndex => "declared_index",
            Self::FieldIndex => "field_index",
            Self::OrderWalk => "order_walk",
            Self::Scan => "scan",
            Self::Nothing => "nothing",
        }
    }
}

fn micros<S: Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX))
}
