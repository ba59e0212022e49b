//! A dialect as a plugin, with all that it has open.

use std::fmt;
use std::sync::OnceLock;

use polymnia::spi::Dialect;
use polymnia::{Error, ErrorKind};

use super::handles::Handles;

/// Has a dialect that is exported: what makes functions without arguments know which.
pub trait Export: 'static {
    /// Returns it.
    fn exported() -> &'static Exported;
}

/// Is a dialect that is exported, and what the host opened of it.
pub struct Exported {
    make: fn() -> Box<dyn Dialect>,
    version: &'static str,
    home: Home,
    dialect: OnceLock<Box<dyn Dialect>>,
    handles: Handles,
    panic: OnceLock<String>,
}

/// Says what the code around a dialect belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// To a library of its own, whose `log` nobody listens to: records go to the host.
    Library,
    /// To the program, as in tests: what is logged is logged there already.
    Program,
}

impl Exported {
    /// Returns an export of the dialect that `make` makes, once it is needed.
    pub const fn new(make: fn() -> Box<dyn Dialect>, version: &'static str, home: Home) -> Self {
        Self { make, version, home, dialect: OnceLock::new(), handles: Handles::new(), panic: OnceLock::new() }
    }

    pub(super) fn dialect(&self) -> &dyn Dialect {
        self.dialect.get_or_init(self.make).as_ref()
    }

    pub(super) fn version(&self) -> &'static str {
        self.version
    }

    pub(super) fn home(&self) -> Home {
        self.home
    }

    pub(super) fn handles(&self) -> &Handles {
        &self.handles
    }

    /// Returns whether the plugin panicked, now or earlier.
    pub(super) fn is_poisoned(&self) -> bool {
        self.panic.get().is_some()
    }

    /// Keeps what the first panic said.
    pub(super) fn poison(&self, said: String) {
        // A second panic at the same time says nothing new.
        let _ = self.panic.set(said);
    }

    /// Returns the error for everything that is asked after a panic.
    pub(super) fn poisoned(&self) -> Error {
        Error::new(ErrorKind::Plugin, self.panic.get().map_or("panicked", String::as_str))
    }
}

impl fmt::Debug for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exported")
            .field("version", &self.version)
            .field("home", &self.home)
            .field("handles", &self.handles)
            .field("panic", &self.panic)
            .finish_non_exhaustive()
    }
}
