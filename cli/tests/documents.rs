//! What the documents tell one to type: it works, and prints what they say.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::process::Command;

use common::Place;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Returns the commands of a document, in order: the lines of its shell blocks that begin with the program.
fn commands(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(ROOT).join(document)).unwrap();
    let mut in_block = false;
    let mut commands = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            in_block = line == "```sh";
        } else if in_block && line.starts_with("polymnia ") {
            commands.push(line.to_owned());
        }
    }
    assert!(!commands.is_empty(), "{document} has no commands");
    commands
}

/// Runs a command in a folder where the project's files are found, and returns what it printed.
fn run(place: &Place, command: &str) -> String {
    let cli = place.path("cli");
    if !cli.exists() {
        std::os::unix::fs::symlink(env!("CARGO_MANIFEST_DIR"), cli).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_polymnia"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(place.path(".")).env("PATH", path).env("HOME", place.path("home"));
    for name in ["POLYMNIA_DATABASE_URL", "DATABASE_URL", "POLYMNIA_NAMESPACE", "POLYMNIA_CONFIG", "XDG_CONFIG_HOME"] {
        shell.env_remove(name);
    }
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_commands_of_the_page_on_filters_print_what_it_says() {
    let place = Place::empty();
    let mut compared = 0;
    for command in commands("docs/filters.md") {
        let printed = run(&place, &command);
        assert!(!printed.is_empty(), "{command}");
        let said = command.rsplit_once("# ").map(|(_, said)| said.trim()).filter(|said| said.parse::<u64>().is_ok());
        if let Some(said) = said {
            assert_eq!(printed.trim(), said, "{command}");
            compared += 1;
        }
    }
    assert!(compared >= 10, "{compared} commands said what they print");
}

#[test]
fn the_commands_of_the_readme_work() {
    let place = Place::empty();
    for command in commands("README.md") {
        if !command.contains("postgres://") {
            run(&place, &command);
        }
    }
}

#[test]
fn the_examples_of_the_help_work() {
    let place = Place::initialised();
    place.ok(["import", concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo.jsonl")]);
    let mut examples = 0;
    for verb in [&["search"][..], &["explain"], &["index"]] {
        let help = place.ok([verb, &["--help"]].concat());
        for line in help.lines().filter_map(|line| line.strip_prefix("  polymnia ")) {
            run(&place, &format!("polymnia {line}"));
            examples += 1;
        }
    }
    assert!(examples >= 9, "{examples} examples");
}
