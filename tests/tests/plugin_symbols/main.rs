//! What our plugins show to a process, and what they take from it: one symbol, and nothing.
//!
//! Each brings a copy of its database's library. Were a call to end up in another copy, of the program or of another plugin,
//! two of different versions and options would work on the same structures.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use polymnia_tests::plugins::Plugin;

#[test]
fn sqlite_calls_its_own_copy() {
    check(Plugin::Sqlite, &[":memory:"]);
}

#[test]
fn postgres_hides_its_own_copy() {
    check(Plugin::Postgres, &[]);
}

/// Loads a plugin into a program that shows functions by the names of those it brings.
fn check(plugin: Plugin, arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let program = compile(folder.path());
    let output = Command::new(program).arg(plugin.library()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
}

fn compile(folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = folder.join("host");
    let output = Command::new(std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc")))
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-rdynamic", "-I"])
        .arg(root.join("../dialects/plugin/include"))
        .arg(root.join("tests/plugin_symbols/host.c"))
        .arg("-o")
        .arg(&program)
        .arg("-ldl")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}
