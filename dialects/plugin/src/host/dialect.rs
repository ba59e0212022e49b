//! A plugin's dialect as a dialect like any other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use polymnia::schema::Source;
use polymnia::spi::{Dialect, Engine, Library, claiming};
use polymnia::{Call, ConnectionString, OpenOptions, Registry, Result, Timestamp};

use super::call::Caller;
use super::engine::PluginEngine;
use super::{LOG, LoadOptions, load};
use crate::abi::{HANDLE_DIALECT, Prefix};
use crate::message::Description;
use crate::operation::{self, Operation};

/// Is a dialect whose code is in a shared library.
///
/// The library stays loaded until the process ends. After a panic in it every operation of it fails with
/// [`ErrorKind::Plugin`](polymnia::ErrorKind::Plugin), of every database it has open; other dialects go on.
///
/// # Examples
///
/// ```no_run
/// use polymnia::Registry;
/// use polymnia_plugin::host::PluginDialect;
///
/// let dialect = PluginDialect::load("/usr/lib/polymnia/libpolymnia_sqlite_plugin.so")?;
/// println!("{} {}", dialect.description().name, dialect.description().version);
/// let store = Registry::new().try_with(dialect)?.open("sqlite:///var/lib/app.db")?;
/// # Ok::<(), polymnia::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PluginDialect {
    pub(super) caller: Caller,
}

impl PluginDialect {
    /// Loads a plugin that only its owner can have changed.
    ///
    /// # Errors
    ///
    /// As [`load_with`](Self::load_with).
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_with(path, &LoadOptions::default())
    }

    /// Loads a plugin, or returns the one that was loaded from the same file before.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](polymnia::ErrorKind::NotFound), [`ErrorKind::PermissionDenied`](polymnia::ErrorKind::PermissionDenied)
    /// for a library that the options don't trust, [`ErrorKind::Plugin`](polymnia::ErrorKind::Plugin) for what is no plugin of
    /// this version, and for one that can't describe itself.
    pub fn load_with(path: impl AsRef<Path>, options: &LoadOptions) -> Result<Self> {
        let loaded = load(path.as_ref(), options)?;
        Ok(Self { caller: Caller { loaded, max_reply: options.max_reply } })
    }

    /// Returns the file the plugin was loaded from.
    pub fn path(&self) -> &Path {
        &self.caller.loaded.library.path
    }

    /// Returns what the plugin says of itself.
    pub fn description(&self) -> &Description {
        &self.caller.loaded.description
    }

    /// Returns the version of the ABI that the plugin was built for, major and minor. Of a higher minor version than the
    /// host's, nothing is used that the host doesn't know.
    pub fn abi_version(&self) -> (u16, u16) {
        let Prefix { major, minor, .. } = self.caller.loaded.table.prefix;
        (major, minor)
    }

    /// Returns the SHA-256 of the bytes that were loaded, if a `plugins.toml` pins them.
    pub fn sha256(&self) -> Option<[u8; 32]> {
        self.caller.loaded.sha256
    }

    /// Asks for nothing, through all that any operation goes through: what a call costs.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Plugin`](polymnia::ErrorKind::Plugin) if the plugin misbehaves, now or before.
    pub fn nothing(&self, call: &Call) -> Result<()> {
        self.caller.call::<operation::Nothing>(HANDLE_DIALECT, call, &())
    }

    /// Asks the dialect itself. What it is asked has no deadline: nothing of it takes long.
    fn call<O: Operation>(&self, arguments: &O::Arguments<'_>) -> Result<O::Reply> {
        self.caller.call::<O>(HANDLE_DIALECT, &Call::at(Timestamp::now()), arguments)
    }

    fn does<O: Operation>(&self) -> bool {
        self.caller.loaded.operations.contains(O::CODE)
    }
}

impl Dialect for PluginDialect {
    fn name(&self) -> &str {
        &self.caller.loaded.description.name
    }

    fn url_schemes(&self) -> &[&str] {
        &self.caller.loaded.schemes
    }

    /// What the plugin can't tell, it does not open.
    fn recognizes(&self, text: &ConnectionString) -> bool {
        if !self.does::<operation::Recognizes>() {
            return false;
        }
        self.call::<operation::Recognizes>(&(text,)).unwrap_or_else(|error| {
            log::warn!(target: LOG, "{} was asked for a database URL without a scheme: {error}", self.caller.loaded.who());
            false
        })
    }

    fn library(&self) -> Option<&Library> {
        Some(&self.caller.loaded.library)
    }

    /// A plugin without that operation says that no file is its own.
    fn claims(&self, options: &OpenOptions) -> Result<Vec<PathBuf>> {
        if self.does::<operation::Claims>() { self.call::<operation::Claims>(&(options,)) } else { Ok(Vec::new()) }
    }

    fn source(&self) -> Result<Source> {
        self.call::<operation::Migrations>(&())
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        claiming(self, options, |claim| {
            Ok(Arc::new(PluginEngine::open(self.caller, options, claim)?) as Arc<dyn Engine>)
        })
    }
}

/// Adds plugins to a [`Registry`].
pub trait RegistryExt: Sized {
    /// Loads a plugin as [`PluginDialect::load`] does and adds it.
    ///
    /// # Errors
    ///
    /// As [`PluginDialect::load`], and as [`Registry::try_with`] if another dialect has one of its URL schemes.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use polymnia::Registry;
    /// use polymnia_plugin::host::RegistryExt;
    ///
    /// let registry = Registry::new().with_plugin("/usr/lib/polymnia/libpolymnia_sqlite_plugin.so")?;
    /// let store = registry.open("sqlite:///var/lib/app.db")?;
    /// # Ok::<(), polymnia::Error>(())
    /// ```
    fn with_plugin(self, path: impl AsRef<Path>) -> Result<Self>;
}

impl RegistryExt for Registry {
    fn with_plugin(self, path: impl AsRef<Path>) -> Result<Self> {
        self.try_with(PluginDialect::load(path)?)
    }
}
