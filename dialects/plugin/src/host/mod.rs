//! Loading plugins.
//!
//! `load` decides whether a file may be loaded and loads it: `file`, `trust`, `pins` and `image` judge it, `library` takes it
//! in, and the result is `Loaded`. `call` passes one operation; `dialect`, `engine`, `admin`, `schema` and `session` make of
//! the operations what an application knows.

// Loading a library, calling its functions, being called back, reading replies.
#![deny(unsafe_code)]

mod admin;
#[allow(unsafe_code)]
mod call;
#[allow(unsafe_code)]
mod callback;
mod complaint;
mod description;
mod dialect;
mod engine;
mod fault;
mod file;
mod folder;
mod handle;
mod image;
mod inspect;
#[allow(unsafe_code)]
mod library;
mod linked;
mod load;
mod loaded;
mod operations;
mod options;
mod page;
mod pins;
#[allow(unsafe_code)]
mod reply;
mod schema;
mod sealed;
mod session;
mod stream;
#[cfg(test)]
mod tests;
mod trust;

pub use dialect::{PluginDialect, RegistryExt};
pub use folder::folder;
pub use inspect::{Inspection, inspect};
pub use options::LoadOptions;
pub use pins::PINS_FILE;
pub use trust::check_trust;

pub(crate) use load::load;
pub(crate) use loaded::Loaded;
pub(crate) use operations::OperationSet;

/// Is the target of every log line of this side.
pub(crate) const LOG: &str = "polymnia_plugin";
