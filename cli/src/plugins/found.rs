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

/// Returns how plugins are loaded. A list of checksums beside the configuration holds for all of them, be it where the
/// configuration is named or where that leads to.
fn options(settings: &Settings) -> LoadOptions {
    let options = LoadOptions::default().with_allow_insecure(settings.allow_insecure_plugin);
    let Some(file) = &settings.config_path else { return options };
    let named = std::path::absolute(&file.value).unwrap_or_else(|_| file.value.clone());
    let real = named.canonicalize().ok().filter(|real| *real != named);
    // A link to nothing is a list that can't be read, not one that isn't there.
    let lists = [Some(named), real].into_iter().flatten().map(|file| file.with_file_name(host::PINS_FILE));
    lists.filter(|list| list.symlink_metadata().is_ok()).fold(options, LoadOptions::with_pins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Setting, Source};

    #[test]
    fn lists_beside_the_configuration_hold_however_it_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        let (own, links) = (real.join("own"), real.join("links"));
        for folder in [&own, &links] {
            std::fs::create_dir(folder).unwrap();
        }
        std::fs::write(own.join("config.toml"), "").unwrap();
        let args = <crate::args::Cli as clap::Parser>::parse_from(["polymnia", "--config", "/dev/null", "stats"]);
        let mut settings = Settings::resolve(&args.global, crate::settings::ConfigNeed::Required).unwrap();
        let mut lists = |file: PathBuf| {
            settings.config_path = Some(Setting { value: file, source: Source::Option("--config") });
            options(&settings).pins
        };
        assert!(lists(own.join("config.toml")).is_empty());
        std::fs::write(own.join(host::PINS_FILE), "").unwrap();
        assert_eq!(lists(own.join("config.toml")), [own.join(host::PINS_FILE)]);
        let working = std::env::current_dir().unwrap();
        let up: PathBuf = working.components().skip(1).map(|_| "..").collect();
        let relative = up.join(own.strip_prefix("/").unwrap()).join("config.toml");
        assert_eq!(lists(relative).len(), 2, "as it is named, and without the dots");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(own.join("config.toml"), links.join("config.toml")).unwrap();
            assert_eq!(lists(links.join("config.toml")), [own.join(host::PINS_FILE)]);
            std::os::unix::fs::symlink("nowhere", links.join(host::PINS_FILE)).unwrap();
            assert_eq!(lists(links.join("config.toml")).len(), 2);
        }
    }
}
