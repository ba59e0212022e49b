//! Plugins as processes meet them: panics, many threads, two copies of one library on one file, other builds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "figures of a run")]

mod builds;
mod copies;
mod panics;
mod threads;

use std::process::Command;

/// Runs an ignored test of this program in a process of its own, so that nobody else's memory and libraries are in it, and
/// returns what it printed.
#[track_caller]
fn in_a_process_of_its_own(test: &str, environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).envs(environment.iter().copied());
    // Each copy of a library would read all of its debug information for a backtrace.
    let output = command.env("RUST_BACKTRACE", "0").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{test}:\n{told}\n{failed}");
    assert!(!failed.contains("panicked at"), "a plugin prints what its errors tell, with messages: {failed}");
    assert!(told.contains("1 passed"), "{test} is not a test: {told}");
    told
}
