//! Plugins as processes meet them: panics, many threads, two copies of one library on one file, other builds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "figures of a run")]

mod builds;
mod copies;
mod panics;
mod threads;
