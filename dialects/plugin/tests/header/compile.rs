//! Compiling C.

use std::env;
use std::fs;
use std::process::Command;

use crate::folder;

const WARNINGS: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"];

/// Compiles a program that includes the header, and runs it.
///
/// # Panics
///
/// If it has so much as a warning, or does not end with 0.
pub(crate) fn run(language: &str, options: &[&str], program: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (source, binary) = (folder.path().join("program"), folder.path().join("binary"));
    fs::write(&source, program).unwrap();
    let mut compile = compiler(language);
    compile.args(options).args(WARNINGS).arg("-I").arg(self::folder().join("include"));
    compile.arg("-x").arg(language).arg(&source).arg("-o").arg(&binary);
    succeed(&mut compile, program);
    succeed(&mut Command::new(&binary), program);
}

/// Returns whether there is a compiler of that language. One for C there must be.
pub(crate) fn can_compile(language: &str) -> bool {
    compiler(language).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn compiler(language: &str) -> Command {
    let (variable, default) = if language == "c" { ("CC", "cc") } else { ("CXX", "c++") };
    Command::new(env::var_os(variable).unwrap_or_else(|| default.into()))
}

fn succeed(command: &mut Command, program: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}\n{}\n{program}", output.status, String::from_utf8_lossy(&told));
}
