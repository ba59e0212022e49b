//! JSON for programs: every document says which form it has.

use serde::Serialize;

/// The version of the JSON that this program prints. Fields may be added; a change of meaning takes the next number.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// Is a document with the version of its form in front.
#[derive(Debug, Serialize)]
pub(crate) struct Versioned<T> {
    schema_version: u32,
    #[serde(flatten)]
    body: T,
}

impl<T> Versioned<T> {
    /// Returns the document.
    pub(crate) fn new(body: T) -> Self {
        Self { schema_version: SCHEMA_VERSION, body }
    }
}
