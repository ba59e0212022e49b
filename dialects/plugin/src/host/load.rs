//! Loading: from a path to a plugin that answered for itself.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use object::read::ReadCache;
use polymnia::Result;
use polymnia::spi::Library;

use super::fault::system;
use super::file::{Found, Node};
use super::library::Table;
use super::pins::{Pins, Sum};
use super::sealed::Sealed;
use super::{LOG, LoadOptions, Loaded, check_trust, image, library, pins};
use crate::abi::ABI_MAJOR;

/// Holds what this process has loaded. A library is loaded once, and stays.
static PLUGINS: Mutex<Plugins> = Mutex::new(Plugins { loaded: Vec::new(), copies: Vec::new() });

struct Plugins {
    loaded: Vec<(Key, &'static Loaded)>,
    /// What was loaded from, by its sum.
    copies: Vec<(Sum, Sealed)>,
}

/// Says what makes two libraries one.
#[derive(PartialEq)]
enum Key {
    /// The system's loader goes by the file.
    File(Node),
    /// A pinned library is its bytes.
    Bytes(Sum),
}

/// Loads a plugin, or returns it if it is loaded.
///
/// # Errors
///
/// [`ErrorKind::Plugin`](polymnia::ErrorKind::Plugin) for what is no plugin, or none that works;
/// [`ErrorKind::PermissionDenied`](polymnia::ErrorKind::PermissionDenied) for what isn't trusted or not pinned;
/// [`ErrorKind::NotFound`](polymnia::ErrorKind::NotFound); [`ErrorKind::Config`](polymnia::ErrorKind::Config) for a path
/// without a folder and a list of plugins that can't be read. Each has the operation `load`.
pub(crate) fn load(path: &Path, options: &LoadOptions) -> Result<&'static Loaded> {
    load_file(path, options).map_err(|error| error.with_operation("load"))
}

fn load_file(path: &Path, options: &LoadOptions) -> Result<&'static Loaded> {
    let found = Found::at(path)?;
    if !options.allow_insecure {
        check_trust(path)?;
    }
    let lists = Pins::of(&found, &options.pins, options.allow_insecure)?;
    // Held to the end: of two threads that load one library, the second finds it loaded.
    let mut plugins = PLUGINS.lock().unwrap_or_else(PoisonError::into_inner);
    if lists.is_empty() {
        let key = Key::File(found.node.clone());
        if let Some(loaded) = plugins.find(&key) {
            return Ok(loaded);
        }
        let size = image::check(&found.path, &ReadCache::new(found.open()?))?;
        let table = library::load(&found.path, &found.path, size)?;
        return plugins.add(key, &found, table, None);
    }
    let bytes = found.read()?;
    let sum = pins::sum(&bytes);
    for list in &lists {
        list.check(&found, &sum)?;
    }
    let key = Key::Bytes(sum);
    if let Some(loaded) = plugins.find(&key) {
        return Ok(loaded);
    }
    let size = image::check(&found.path, &bytes[..])?;
    let table = plugins.load_copy(&found, &bytes, &sum, size)?;
    plugins.add(key, &found, table, Some(sum))
}

impl Plugins {
    fn find(&self, key: &Key) -> Option<&'static Loaded> {
        self.loaded.iter().find(|(other, _)| other == key).map(|(_, loaded)| *loaded)
    }

    /// Loads these bytes and no others: the file may have changed since they were read.
    fn load_copy(&mut self, found: &Found, bytes: &[u8], sum: &Sum, size: Option<u64>) -> Result<Table> {
        if let Some((_, copy)) = self.copies.iter().find(|(other, _)| other == sum) {
            return library::load(&found.path, copy.path(), size);
        }
        let copy = Sealed::copy(bytes).map_err(|error| system(&found.path, "a copy of it", error))?;
        let table = library::load(&found.path, copy.path(), size);
        if copy.is_kept() {
            self.copies.push((*sum, copy));
        }
        table
    }

    /// Asks a library what it is, and keeps it for good.
    fn add(&mut self, key: Key, found: &Found, table: Table, sha256: Option<Sum>) -> Result<&'static Loaded> {
        let Table { address, functions } = table;
        let minor = functions.prefix.minor;
        let loaded = Loaded::asked(functions, Library { path: found.path.clone(), address }, sha256)?;
        self.loaded.push((key, loaded));
        let description = &loaded.description;
        log::info!(
            target: LOG,
            "loaded plugin {} {} from {}: ABI {ABI_MAJOR}.{minor}{}",
            description.name,
            description.version,
            found.path.display(),
            sha256.map(|sum| format!(", sha256 {}", pins::hex(&sum))).unwrap_or_default(),
        );
        Ok(loaded)
    }
}

#[cfg(test)]
mod tests;
