//! Plugins: what to load, loading it, and the registry of all dialects.

mod keep;

use polymnia::{Registry, Result};

use crate::context::Context;
use crate::dialects;

pub(crate) use keep::to_keep;

/// What to do where a dialect is missing.
pub(crate) const HINT: &str = "a plugin may bring it: name one with --plugin, and see `polymnia plugin list`";

/// Returns the dialects of this program and those of plugins, which are loaded now.
pub(crate) fn registry(_context: &Context) -> Result<Registry> {
    Ok(dialects::built_in())
}
