//! A plugin in this process.

use std::sync::OnceLock;

use polymnia::spi::Library;

use crate::abi::Plugin;
use crate::message::Description;

/// Is a plugin that was loaded, stays loaded until the process ends, and answered for itself.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Its functions: what the library's own table has, null where that is shorter than ours.
    pub(crate) table: Plugin,
    /// What it said of itself.
    pub(crate) description: Description,
    /// Where it came from.
    pub(crate) library: Library,
    /// The greatest reply accepted, in bytes.
    pub(crate) max_reply: u64,
    /// Set once it panicked: what it said then. From then on nothing is asked of it.
    pub(crate) poisoned: OnceLock<String>,
}
