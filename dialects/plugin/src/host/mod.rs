//! Loading plugins.
//!
//! `load` decides whether a file may be loaded and loads it: `file`, `trust`, `pins` and `image` judge it, `library` takes it
//! in, and the result is `Loaded`. `call` passes one operation; `dialect`, `engine`, `admin`, `schema` and `session` make of
//! the operations what an application knows.

mod admin;
mod call;
mod callback;
mod complaint;
mod description;
mod dialect;
mod engine;
mod fault;
mod file;
mod handle;
mod image;
mod library;
mod load;
mod loaded;
mod operations;
mod options;
mod pins;
mod reply;
mod schema;
mod sealed;
mod session;
mod stream;
#[cfg(test)]
mod tests;
mod trust;

pub use dialect::{PluginDialect, RegistryExt};
pub use options::LoadOptions;
pub use pins::PINS_FILE;
pub use trust::check_trust;

pub(crate) use load::load;
pub(crate) use loaded::Loaded;
pub(crate) use operations::OperationSet;

/// Is the target of every log line of this side.
pub(crate) const LOG: &str = "polymnia_plugin";
