//! Plugins: which to load, loading them, and all dialects together.
//!
//! Nothing is loaded before a verb asks for a dialect: help, completions and the configuration never run a plugin's code.

mod found;
mod keep;
mod trust;

use polymnia::{Error, ErrorKind, Registry, Result};
use polymnia_plugin::host::PluginDialect;

use crate::context::Context;
use crate::dialects;

#[cfg(feature = "verify")]
pub(crate) use found::load;
pub(crate) use found::{Found, find, inspect};
pub(crate) use keep::to_keep;

/// What to do where a dialect is missing.
pub(crate) const HINT: &str = "a plugin may bring it: name one with --plugin, and see `polymnia plugin list`";

/// Is every dialect that is there.
#[derive(Debug)]
pub(crate) struct Dialects {
    /// Them, ours first.
    pub(crate) registry: Registry,
    /// Why plugins of the folder were not loaded.
    broken: Vec<Error>,
}

impl Dialects {
    /// Loads the plugins that the settings name and puts them beside the dialects of this program.
    ///
    /// One that is named must load, and its schemes must be free; of one that lies in the folder it is told that it is left out.
    pub(crate) fn load(context: &Context) -> Result<Self> {
        let only = context.settings.only_plugins.value;
        let mut registry = if only { Registry::new() } else { dialects::built_in() };
        let mut broken = Vec::new();
        let mut leave_out = |error: Error| {
            context.warn(error.to_string());
            broken.push(error);
        };
        for Found { plugin, in_folder, .. } in find(context)? {
            match plugin {
                Ok(plugin) => match with(registry.clone(), plugin, only) {
                    Ok(more) => registry = more,
                    Err(error) if in_folder => leave_out(error),
                    Err(error) => return Err(error),
                },
                Err(error) if in_folder => leave_out(error),
                Err(error) => return Err(error),
            }
        }
        if only && registry.dialects().next().is_none() {
            let message = "the dialects of this program are left out, and no plugin is loaded";
            return Err(Error::new(ErrorKind::Config, message).with_hint("name one with --plugin"));
        }
        Ok(Self { registry, broken })
    }

    /// Adds to the error for a dialect that isn't there which plugins might have brought it.
    pub(crate) fn explain_lack(&self, error: Error) -> Error {
        self.broken.iter().fold(error, |error, broken| error.with_context("in the plugin folder", broken.message()))
    }
}

/// Returns the registry with a plugin, whose schemes must be free.
pub(crate) fn with(registry: Registry, plugin: PluginDialect, only: bool) -> Result<Registry> {
    registry.try_with(plugin).map_err(|error| {
        let hint = if only {
            "leave one of the two out: `polymnia plugin list` shows where they come from"
        } else {
            "leave one of the two out; --only-plugins leaves out the dialects of this program"
        };
        error.with_hint(hint)
    })
}
