//! A plugin in this process.

use std::sync::OnceLock;

use polymnia::Result;
use polymnia::spi::Library;

use super::call::describe;
use super::fault::unfit;
use super::{OperationSet, description};
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

impl Loaded {
    /// Asks a plugin what it is, and keeps it for good.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Plugin`](polymnia::ErrorKind::Plugin) for one that can't describe itself, or does it in nonsense.
    pub(super) fn asked(table: Plugin, library: Library, sha256: Option<[u8; 32]>) -> Result<&'static Self> {
        let said = describe(&table, &library.path)?;
        description::check(&said).map_err(|reason| unfit(&library.path, reason))?;
        // Each by itself: of a list of them, the list would be lost, which a leak checker tells.
        let schemes = said.url_schemes.iter().map(|scheme| &*scheme.clone().leak()).collect();
        Ok(Box::leak(Box::new(Self {
            table,
            schemes,
            operations: OperationSet::of(&said.operations),
            description: said,
            library,
            sha256,
            poisoned: OnceLock::new(),
        })))
    }
}
