//! Polymnia dialects as shared libraries.
//!
//! - [`abi`]: what C sees. [`operation`], [`message`] and [`wire`]: what is said through it.
//! - `host`: loading a plugin, which then is a dialect like any other.
//! - [`guest`]: exporting a dialect, with [`export_dialect!`].

pub mod abi;
pub mod guest;
#[cfg(feature = "host")]
pub mod host;
pub mod message;
pub mod operation;
pub mod wire;
