//! What a library is.

use std::path::{Path, PathBuf};

use polymnia::Result;

use super::file::Found;
use super::pins::{hex, sum};
use super::{LoadOptions, PluginDialect, check_trust};

/// Tells what there is to tell of a library: of its file, and if it may be loaded and can be, of the plugin.
#[derive(Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// The file, without links.
    pub path: PathBuf,
    /// How long it is.
    pub bytes: u64,
    /// The SHA-256 sum of its bytes, in hexadecimal digits: what `plugins.toml` pins.
    pub sha256: String,
    /// Whether others could change it, even if the options allow that: see [`check_trust`].
    pub trust: Result<()>,
    /// The plugin, or why it is not loaded.
    pub plugin: Result<PluginDialect>,
}

impl Inspection {
    /// Returns whether the library is pinned by its sum. Unknown, and so false, if it isn't loaded.
    pub fn is_pinned(&self) -> bool {
        self.plugin.as_ref().is_ok_and(|plugin| plugin.sha256().is_some())
    }
}

/// Looks at a library and loads it, by the same rules as always.
///
/// # Errors
///
/// As [`PluginDialect::load`], if there is no plain file there or it can't be read.
pub fn inspect(path: &Path, options: &LoadOptions) -> Result<Inspection> {
    let (found, sha256) = look(path).map_err(|error| error.with_operation("load"))?;
    let trust = check_trust(path).map_err(|error| error.with_operation("load"));
    let plugin = PluginDialect::load_with(path, options);
    Ok(Inspection { path: found.path, bytes: found.bytes, sha256, trust, plugin })
}

fn look(path: &Path) -> Result<(Found, String)> {
    let found = Found::at(path)?;
    let sum = sum(&found.read()?);
    Ok((found, hex(&sum)))
}
