//! Loading plugins.
//!
//! `load` decides whether a file may be loaded and loads it ([`Loaded`]); `call` passes one operation; `dialect`, `engine`,
//! `admin`, `schema` and `session` make of the operations what an application knows.

mod loaded;

pub(crate) use loaded::Loaded;
