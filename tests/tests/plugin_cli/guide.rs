//! `docs/plugins/using.md`, and what the README says of plugins: each command is run, and ends as it says.
//!
//! A block of the language `sh` is run; of the README, one of `sh plugins`. `# exit code N` behind a command says how it ends; else it ends with 0.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use polymnia_tests::cli;

use crate::place::Place;

#[test]
fn using() {
    follow("docs/plugins/using.md", "```sh", 10);
}

#[test]
fn readme() {
    follow("README.md", "```sh plugins", 5);
}

/// Runs the blocks of a document that begin so, which have at least so many commands.
#[track_caller]
fn follow(document: &str, block: &str, commands: usize) {
    let place = Place::new();
    fs::create_dir(place.path("programs")).unwrap();
    symlink(cli::program(), place.path("programs/polymnia")).unwrap();
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(document);
    let script = script(&fs::read_to_string(document).unwrap(), block);
    assert!(script.lines().filter(|line| line.contains("polymnia ")).count() >= commands, "{script}");
    let like = place.command::<&str>([]);
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(place.path(""));
    for (name, value) in like.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.env("PATH", format!("{}:{}", place.text("programs"), std::env::var("PATH").unwrap()));
    let output = shell.output().unwrap();
    let [told, failed] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{told}\n{failed}");
}

/// Returns the blocks as one script, for one leaves the next what it needs, that fails unless each command ends as its line says.
fn script(text: &str, block: &str) -> String {
    let mut script = "set -eu\numask 022\n".to_owned();
    let mut runs = false;
    for line in text.lines() {
        if line.starts_with("```") {
            runs = line == block;
        } else if runs {
            let (command, code) = line.split_once("# exit code ").unwrap_or((line, "0"));
            let checked = match code.trim() {
                "0" => command.to_owned(),
                code => format!(
                    "code=0; {command} || code=$?\n[ $code = {code} ] || {{ echo \"$code, not {code}\" >&2; exit 1; }}"
                ),
            };
            script.push_str(&checked);
            script.push('\n');
        }
    }
    script
}
