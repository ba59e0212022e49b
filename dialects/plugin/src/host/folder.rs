//! The plugins of a folder.

use std::path::{Path, PathBuf};

use polymnia::{Error, ErrorKind, Result};

use super::{LoadOptions, PluginDialect, check_trust};

/// What the names of shared libraries end with, on any system.
const EXTENSIONS: [&str; 3] = ["so", "dylib", "dll"];

/// Loads every library of a folder, in the order of their names, each with its error if it can't be loaded.
///
/// Libraries are the files whose names end in `.so`, `.dylib` or `.dll`. Folders within are not looked into.
///
/// # Errors
///
/// [`ErrorKind::Config`] if the path is relative or leads to no folder, [`ErrorKind::NotFound`],
/// [`ErrorKind::PermissionDenied`] if the folder can't be read or isn't trusted ([`check_trust`]).
pub fn folder(path: &Path, options: &LoadOptions) -> Result<Vec<(PathBuf, Result<PluginDialect>)>> {
    let libraries = libraries(path, options).map_err(|error| error.with_operation("load"))?;
    let load = |library: PathBuf| {
        let loaded = PluginDialect::load_with(&library, options);
        (library, loaded)
    };
    Ok(libraries.into_iter().map(load).collect())
}

fn libraries(path: &Path, options: &LoadOptions) -> Result<Vec<PathBuf>> {
    let refused = |kind, reason: &str| Error::new(kind, format!("folder of plugins {}: {reason}", path.display()));
    if !path.is_absolute() {
        let error = refused(ErrorKind::Config, "it is relative, and would be another one in another working directory");
        return Err(error.with_hint("give its absolute path"));
    }
    let unreadable = |error: std::io::Error| {
        let (kind, reason) = match error.kind() {
            std::io::ErrorKind::NotFound => (ErrorKind::NotFound, "it does not exist".to_owned()),
            std::io::ErrorKind::NotADirectory => (ErrorKind::Config, "it is no folder".to_owned()),
            std::io::ErrorKind::PermissionDenied => {
                (ErrorKind::PermissionDenied, "the system denies access".to_owned())
            }
            _ => (ErrorKind::Config, format!("it can't be read: {error}")),
        };
        refused(kind, &reason).with_source(error)
    };
    let entries = std::fs::read_dir(path).map_err(unreadable)?;
    if !options.allow_insecure {
        check_trust(path)?;
    }
    let mut libraries = Vec::new();
    for entry in entries {
        let library = entry.map_err(unreadable)?.path();
        let extension = library.extension().and_then(std::ffi::OsStr::to_str);
        if extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) {
            libraries.push(library);
        }
    }
    libraries.sort();
    Ok(libraries)
}
