//! The program `polymnia`, built for tests that run it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Environment variable with the path of the program. Set, it keeps this module from building it.
pub const VARIABLE: &str = "POLYMNIA_TEST_CLI";

/// Returns the path of the program: that of [`VARIABLE`], else built once, in the profile and the target folder of the
/// tests, by the cargo that built them.
///
/// # Panics
///
/// If it can't be built. Cargo says why on standard error.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| std::env::var_os(VARIABLE).map_or_else(build, PathBuf::from))
}

/// Returns a command that runs the program, with nothing of this process's environment that would change what it does.
pub fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(program());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("POLYMNIA_") || name == "DATABASE_URL" || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    // Where no configuration is, so that the machine's own is not read.
    for name in ["HOME", "XDG_CONFIG_HOME", "APPDATA"] {
        command.env(name, "/nonexistent");
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command.args(arguments);
    command
}

fn build() -> PathBuf {
    // target/<profile>/deps/<test>
    let test = std::env::current_exe().expect("a running program has a path");
    let profile = test.ancestors().nth(2).expect("cargo puts tests three folders deep");
    let target = profile.parent().expect("a profile's folder is in the target folder");
    let profile = match profile.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    // The whole workspace is selected, so that its dependencies have the features that `cargo test --workspace` built.
    let output = Command::new(env!("CARGO"))
        .args(["build", "--workspace", "--bin", "polymnia", "--message-format", "json-render-diagnostics"])
        .args(["--profile", profile, "--manifest-path", manifest, "--target-dir"])
        .arg(target)
        .stderr(Stdio::inherit())
        .output()
        .expect("the cargo that built the tests can be run");
    assert!(output.status.success(), "the program polymnia can't be built; {VARIABLE} names one that is");
    let messages = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let mut paths = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        (message["target"]["name"] == "polymnia").then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
    });
    paths.next_back().expect("cargo names what it built")
}
