//! A plugin that is part of this program.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use polymnia::Result;
use polymnia::spi::Library;

use super::call::Caller;
use super::{LoadOptions, Loaded, PluginDialect};
use crate::abi::Plugin;

/// Every table that was asked, and stays.
static LINKED: Mutex<Vec<&'static Loaded>> = Mutex::new(Vec::new());

impl PluginDialect {
    /// Returns the dialect of a table within this program, such as [`guest::table!`](crate::guest::table) makes: all that there
    /// is to a plugin but the library. For tests and fuzzing.
    ///
    /// The plugin counts as another owner of files than the program: a dialect that [claims](polymnia::spi::Dialect::claims)
    /// files opens none this way, for its own side finds them claimed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Plugin`](polymnia::ErrorKind::Plugin) for a plugin that can't describe itself.
    pub fn linked(table: &'static Plugin, options: &LoadOptions) -> Result<Self> {
        let mut linked = LINKED.lock().unwrap_or_else(PoisonError::into_inner);
        let address = std::ptr::from_ref(table).addr();
        let known = linked.iter().find(|loaded| loaded.library.address == address).copied();
        let loaded = if let Some(loaded) = known {
            loaded
        } else {
            let Plugin { prefix, describe, open, call, close, free } = *table;
            let table = Plugin { prefix, describe, open, call, close, free };
            let loaded = Loaded::asked(table, Library { path: PathBuf::from("linked"), address }, None)?;
            linked.push(loaded);
            loaded
        };
        Ok(Self { caller: Caller { loaded, max_reply: options.max_reply } })
    }
}
