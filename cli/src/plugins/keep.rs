//! What `setup` writes down of plugins.

use std::path::PathBuf;

use polymnia::Result;

use crate::config::ConfigFile;
use crate::failure::file_error;
use crate::settings::{Settings, Source};

/// Returns a configuration with the plugins that apply and nothing else. What options name gets absolute paths; what
/// variables name is not written down.
pub(crate) fn to_keep(settings: &Settings) -> Result<ConfigFile> {
    let file = settings.config_file.clone().unwrap_or_default();
    let absolute = |path: &PathBuf| std::path::absolute(path).map_err(|error| file_error("plugin", path, &error));
    let plugins = match settings.plugins.source {
        Source::Option(_) => Some(settings.plugins.value.iter().map(absolute).collect::<Result<_>>()?),
        _ => file.plugins,
    };
    let plugin_path = match &settings.plugin_path {
        Some(folder) if matches!(folder.source, Source::Option(_)) => Some(folder.value.clone()),
        _ => file.plugin_path,
    };
    let only_plugins = match settings.only_plugins.source {
        Source::Option(_) => Some(settings.only_plugins.value),
        _ => file.only_plugins,
    };
    Ok(ConfigFile { plugins, plugin_path, only_plugins, ..ConfigFile::default() })
}
