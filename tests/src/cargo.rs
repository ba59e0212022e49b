//! Building what tests run or load, by the cargo that built them, in their profile and their target folder.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Builds with these arguments what changed since, and returns the path of each program and shared library, by the name of
/// its target.
///
/// Let the arguments select the whole workspace, so that its dependencies have the features that `cargo test --workspace`
/// built.
///
/// # Panics
///
/// If it can't be built. Cargo says why on standard error.
pub fn build(arguments: &[&str]) -> BTreeMap<String, PathBuf> {
    let (profile, target) = place();
    build_in(&profile, &target, arguments)
}

/// Builds as [`build`] does, but in another profile than the tests' own, and in a folder of its own in their target folder.
///
/// # Panics
///
/// As [`build`].
pub fn build_otherwise(arguments: &[&str]) -> BTreeMap<String, PathBuf> {
    let (profile, target) = place();
    let other = if profile == "dev" { "release" } else { "dev" };
    build_in(other, &target.join("other-build"), arguments)
}

/// Returns the profile and the target folder of the tests.
fn place() -> (String, PathBuf) {
    // target/<profile>/deps/<test>
    let test = std::env::current_exe().expect("a running program has a path");
    let profile = test.ancestors().nth(2).expect("cargo puts tests three folders deep");
    let target = profile.parent().expect("a profile's folder is in the target folder");
    let profile = match profile.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    (profile.to_owned(), target.to_owned())
}

fn build_in(profile: &str, target: &Path, arguments: &[&str]) -> BTreeMap<String, PathBuf> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["build", "--message-format", "json-render-diagnostics"])
        .args(["--profile", profile, "--manifest-path", manifest, "--target-dir"])
        .arg(target)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .expect("the cargo that built the tests can be run");
    assert!(output.status.success(), "cargo build {} fails", arguments.join(" "));
    let messages = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    messages.lines().filter_map(built).collect()
}

/// Reads the target and its file out of a message of cargo's, if it is about a program or a shared library.
fn built(message: &str) -> Option<(String, PathBuf)> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let files = message["filenames"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
    let mut libraries = files.filter(|file| file.ends_with(std::env::consts::DLL_SUFFIX));
    let path = message["executable"].as_str().or_else(|| libraries.next())?;
    Some((message["target"]["name"].as_str()?.to_owned(), PathBuf::from(path)))
}
