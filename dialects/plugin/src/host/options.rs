//! How a plugin is loaded.

use std::path::PathBuf;

/// Says which plugins are trusted, and how much they may answer.
///
/// # Examples
///
/// ```
/// use polymnia_plugin::host::LoadOptions;
///
/// let options = LoadOptions::default().with_max_reply(16 << 20);
/// assert!(!options.allow_insecure);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadOptions {
    /// Whether a library is loaded that others could have changed: see [`check_trust`](super::check_trust). Not unless set.
    pub allow_insecure: bool,
    /// Each a `plugins.toml` that must list the library, beside the one that may stand in the library's own folder. None
    /// unless set.
    pub pins: Vec<PathBuf>,
    /// The greatest reply that is accepted, in bytes. [`DEFAULT_MAX_REPLY`](Self::DEFAULT_MAX_REPLY) unless set.
    pub max_reply: u64,
}

impl LoadOptions {
    /// The greatest reply that is accepted unless set: 256 MiB.
    pub const DEFAULT_MAX_REPLY: u64 = 256 << 20;

    /// Sets whether a library is loaded that others could have changed.
    #[must_use]
    pub fn with_allow_insecure(mut self, allow: bool) -> Self {
        self.allow_insecure = allow;
        self
    }

    /// Adds a `plugins.toml` that must list the library, wherever that stands.
    #[must_use]
    pub fn with_pins(mut self, pins: impl Into<PathBuf>) -> Self {
        self.pins.push(pins.into());
        self
    }

    /// Sets the greatest reply that is accepted, in bytes.
    #[must_use]
    pub fn with_max_reply(mut self, bytes: u64) -> Self {
        self.max_reply = bytes;
        self
    }
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { allow_insecure: false, pins: Vec::new(), max_reply: Self::DEFAULT_MAX_REPLY }
    }
}
