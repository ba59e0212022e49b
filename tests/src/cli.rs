//! The program `polymnia`, built for tests that run it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::cargo;

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
    let built = cargo::build(&["--workspace", "--bin", "polymnia"]).remove("polymnia");
    built.unwrap_or_else(|| panic!("cargo names no program polymnia; {VARIABLE} names one that is built"))
}
