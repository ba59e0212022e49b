//! Plugins asked as a host asks them: by pointers and bytes.

mod callbacks;
mod client;
mod dialects;
mod fragile;
mod handles;
mod input;
mod large;
mod log;
mod operations;
mod panics;
mod random;
mod requests;
mod sessions;
