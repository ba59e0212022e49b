//! The program `polymnia` with dialects as shared libraries: every verb, what may be loaded, and how it fails.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bare;
mod guide;
mod loading;
mod place;
mod trust;
mod verbs;
mod verify;
