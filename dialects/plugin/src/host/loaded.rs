//! A plugin in this process.

use std::sync::OnceLock;

use polymnia::spi::Library;

use super::OperationSet;
use crate::abi::Plugin;
use crate::message::Description;

/// Is a plugin that was loaded, stays loaded until the process ends, and answered for itself.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Its functions: what the library's own table has, null where that is shorter than ours.
    pub(crate) table: Plugin,
    /// What it said of itself.
    pub(crate) description: Description,
    /// Its URL schemes, once more, as a dialect gives them.
    pub(crate) schemes: Vec<&'static str>,
    /// The operations it does.
    pub(crate) operations: OperationSet,
    /// Where it came from.
    pub(crate) library: Library,
    /// The sum of its bytes, if it is pinned.
    pub(crate) sha256: Option<[u8; 32]>,
    /// Set once it panicked: what it said then. From then on nothing is asked of it.
    pub(crate) poisoned: OnceLock<String>,
}
