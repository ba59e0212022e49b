//! The migration engine by the program `polymnia`: killed, crowded, misled, locked out, on full and read-only disks. A file a
//! topic.
//!
//! `POLYMNIA_MIGRATE_ROUNDS` says how often ten processes upgrade at once and how many upgrades are killed by chance.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "figures of a run")]

mod busy;
mod concurrently;
mod crowd;
mod foreign;
mod full;
mod guides;
mod history;
mod kill;
mod large;
mod modes;
mod readonly;
mod rebuild;
mod round_trip;
mod script;
mod tools;
