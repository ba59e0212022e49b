//! Runs the real program in a folder of its own.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Is a folder with a database, and nothing of the user's environment.
pub struct Place {
    folder: TempDir,
}

/// Is what a run left behind.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    /// Returns an empty folder.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Returns a folder with an initialised `polymnia.db`.
    pub fn initialised() -> Self {
        let place = Self::empty();
        place.ok(["init"]);
        place
    }

    /// Returns a path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in the folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// Returns the names of the files in the folder, in order.
    pub fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Returns the program, about to run in the folder.
    pub fn command(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polymnia"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for name in [
            "POLYMNIA_DATABASE_URL",
            "DATABASE_URL",
            "POLYMNIA_MIGRATE_URL",
            "POLYMNIA_MIGRATIONS",
            "POLYMNIA_NAMESPACE",
            "POLYMNIA_PLUGIN_PATH",
            "POLYMNIA_CONFIG",
            "COLUMNS",
        ] {
            command.env_remove(name);
        }
        command.env("HOME", self.path("home")).env("XDG_CONFIG_HOME", self.path("home/config"));
        command
    }

    /// Runs the program.
    pub fn run(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Run {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs the program with that on its standard input.
    pub fn run_with_input(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        input: impl AsRef<[u8]>,
    ) -> Run {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.as_ref().to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let run = child.wait_with_output().unwrap().into();
        // The program may end before it has read everything.
        let _ = writer.join().unwrap();
        run
    }

    /// Runs the program, which must succeed, and returns its standard output.
    pub fn ok(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{run:?}");
        run.stdout
    }

    /// Runs the program, which must succeed, and returns its standard output as JSON.
    pub fn json(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Value {
        let mut line = vec!["--format".into(), "json".into()];
        line.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        let value: Value = serde_json::from_str(&self.ok(line)).unwrap();
        assert_eq!(value["schema_version"], 1, "{value}");
        value
    }

    /// Returns how many memories are stored in all namespaces.
    pub fn stored(&self) -> u64 {
        let listed = self.json(["namespace", "list"]);
        listed["namespaces"].as_array().unwrap().iter().map(|one| one["memories"].as_u64().unwrap()).sum()
    }
}

impl Run {
    /// Checks the exit code and that standard error says each of these.
    #[track_caller]
    pub fn fails(&self, code: i32, says: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.stderr.starts_with("error: "), "{self:?}");
        for text in says {
            assert!(self.stderr.contains(text), "{text:?} is missing: {self:?}");
        }
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
