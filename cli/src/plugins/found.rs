//! The plugins that the settings name, loaded.

use std::path::{Path, PathBuf};

use polymnia::Result;
use polymnia_plugin::host::{self, Inspection, LoadOptions, PluginDialect};

use super::trust;
use crate::context::Context;
use crate::settings::Settings;

/// Is a plugin that the settings lead to, and what came of loading it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// Whether it was not named itself.
    pub(crate) in_folder: bool,
    pub(crate) plugin: Result<PluginDialect>,
}

/// Loads what the settings name: first the plugins, then those of the folder, by name.
pub(crate) fn find(context: &Context) -> Result<Vec<Found>> {
    let settings = &context.settings;
    trust::check(settings)?;
    let options = options(settings);
    let mut found = Vec::new();
    for path in &settings.plugins.value {
        let plugin = PluginDialect::load_with(path, &options);
        found.push(Found { path: path.clone(), in_folder: false, plugin });
    }
    if let Some(folder) = &settings.plugin_path {
        let of_folder = host::folder(&folder.value, &options);
        for (path, plugin) in of_folder.map_err(|error| error.with_context("folder from", folder.source))? {
            found.push(Found { path, in_folder: true, plugin });
        }
    }
    Ok(found)
}

/// Loads one plugin.
#[cfg(feature = "verify")]
pub(crate) fn load(context: &Context, path: &Path) -> Result<PluginDialect> {
    PluginDialect::load_with(path, &options(&context.settings))
}

/// Looks at a library, and loads it if it may be.
pub(crate) fn inspect(context: &Context, path: &Path) -> Result<Inspection> {
    host::inspect(path, &options(&context.settings))
}

/// Returns how plugins are loaded. A list of checksums beside the configuration holds for all of them.
fn options(settings: &Settings) -> LoadOptions {
    let options = LoadOptions::default().with_allow_insecure(settings.allow_insecure_plugin);
    let beside = settings.config_path.as_ref().filter(|file| file.value.is_absolute());
    match beside.map(|file| file.value.with_file_name(host::PINS_FILE)).filter(|pins| pins.try_exists().unwrap_or(true))
    {
        Some(pins) => options.with_pins(pins),
        None => options,
    }
}
