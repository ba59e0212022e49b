//! The plugin under the sanitizers, driven by a program in C: what no Rust is needed for.

use std::ffi::OsStr;
use std::process::Command;

use crate::library::{compile, folder, sources};

/// Compiles the driver with the plugin and runs it.
fn run(sanitizers: &str) {
    let made = tempfile::tempdir().unwrap();
    let program = made.path().join("drive");
    let mut files = sources();
    files.push(folder().join("tests/c/drive.c"));
    let sanitize = format!("-fsanitize={sanitizers}");
    compile(&files, [sanitize.as_str(), "-fno-sanitize-recover=all", "-pthread"].map(OsStr::new), &program);
    let output = Command::new(&program).output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{sanitizers}: {}\n{}", output.status, String::from_utf8_lossy(&told));
}

#[test]
fn of_addresses_and_undefined_behaviour() {
    run("address,undefined");
}

#[test]
fn of_threads() {
    run("thread");
}
