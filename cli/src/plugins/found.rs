//! The plugins that the settings name, loaded.

use std::path::{Path, PathBuf};

use polymnia::{Error, ErrorKind, Result};
use polymnia_plugin::host::{LoadOptions, PluginDialect};

use super::trust;
use crate::context::Context;
use crate::settings::Settings;

/// The name of a file of checksums, which plugins must have.
const PINS: &str = "plugins.toml";

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
        let plugin = PluginDialect::load_with(path, &options).map_err(connecting);
        found.push(Found { path: path.clone(), in_folder: false, plugin });
    }
    if let Some(folder) = &settings.plugin_path {
        let of_folder = host_folder::folder(&folder.value, &options).map_err(|error| match error.kind() {
            ErrorKind::Config => error.with_context("plugin folder from", folder.source),
            _ => connecting(error).with_context("plugin folder from", folder.source),
        })?;
        for (path, plugin) in of_folder {
            found.push(Found { path, in_folder: true, plugin: plugin.map_err(connecting) });
        }
    }
    Ok(found)
}

/// Loads one plugin.
pub(crate) fn load(context: &Context, path: &Path) -> Result<PluginDialect> {
    PluginDialect::load_with(path, &options(&context.settings)).map_err(connecting)
}

/// Returns how plugins are loaded. A list of checksums beside the configuration holds for all of them.
pub(super) fn options(settings: &Settings) -> LoadOptions {
    let options = LoadOptions::default().with_allow_insecure(settings.allow_insecure_plugin);
    let beside = settings.config_path.as_ref().filter(|file| file.value.is_absolute());
    match beside.map(|file| file.value.with_file_name(PINS)).filter(|pins| pins.try_exists().unwrap_or(true)) {
        Some(pins) => options.with_pins(pins),
        None => options,
    }
}

/// A plugin is a part of the way to the database.
fn connecting(error: Error) -> Error {
    error.with_operation("connect")
}

mod host_folder {
    use std::path::{Path, PathBuf};

    use polymnia::{Error, ErrorKind, Result};
    use polymnia_plugin::host::{LoadOptions, PluginDialect, check_trust};

    use crate::failure::file_error;

    pub(super) fn folder(folder: &Path, options: &LoadOptions) -> Result<Vec<(PathBuf, Result<PluginDialect>)>> {
        if !folder.is_absolute() {
            let message = format!("plugin folder {} is no absolute path", folder.display());
            return Err(Error::new(ErrorKind::Config, message).with_hint("write the whole path"));
        }
        if !options.allow_insecure {
            check_trust(folder)?;
        }
        let failed = |error: &std::io::Error| file_error("plugin folder", folder, error);
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|error| failed(&error))? {
            let path = entry.map_err(|error| failed(&error))?.path();
            if path.extension().is_some_and(|extension| extension == std::env::consts::DLL_EXTENSION) {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths
            .into_iter()
            .map(|path| {
                let plugin = PluginDialect::load_with(&path, options);
                (path, plugin)
            })
            .collect())
    }
}
