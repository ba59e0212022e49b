//! The program `polymnia`, run on a database.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use serde_json::Value;

/// Is what the program said and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

#[allow(clippy::return_self_not_must_use, reason = "they fail by themselves; what they return is for more of them")]
impl Output {
    /// Runs a command to its end.
    ///
    /// # Panics
    ///
    /// If it can't be run, or writes something else than UTF-8.
    pub fn of(mut command: Command) -> Self {
        let output = command.output().expect("the program can be run");
        Self { code: code(output.status), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Fails unless the program ended with a code, and returns the output.
    ///
    /// # Panics
    ///
    /// With all that it said.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Fails unless standard error has a text, and returns the output.
    ///
    /// # Panics
    ///
    /// With all that it said.
    #[track_caller]
    pub fn tells(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} is not told in:\n{}", self.err);
        self
    }

    /// Returns its output as one JSON document.
    ///
    /// # Panics
    ///
    /// If it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in:\n{}\n{}", self.out, self.err))
    }

    /// Returns its output as JSON documents, one a line.
    ///
    /// # Panics
    ///
    /// If a line is none.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        let parse =
            |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}\n{}", self.err));
        self.out.lines().map(parse).collect()
    }
}

/// Is the program, running, with what it writes read line by line. Dropped, it is killed.
#[derive(Debug)]
pub struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
    read: String,
    errors: Option<JoinHandle<String>>,
}

impl Running {
    pub(super) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program can be run");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut stderr = child.stderr.take().expect("it is piped");
        // Read all the time, or a full pipe would stop the program.
        let errors = std::thread::spawn(move || {
            let mut all = Vec::new();
            let _ = stderr.read_to_end(&mut all);
            text(all)
        });
        Self { child, lines, read: String::new(), errors: Some(errors) }
    }

    /// Returns its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reads events until one is what is wanted, and returns it; none if the program ended before.
    pub fn event(&mut self, mut wanted: impl FnMut(&Value) -> bool) -> Option<Value> {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap_or(0) == 0 {
                return None;
            }
            self.read.push_str(&line);
            if let Ok(event) = serde_json::from_str::<Value>(&line)
                && wanted(&event)
            {
                return Some(event);
            }
        }
    }

    /// Returns whether it still runs.
    ///
    /// # Panics
    ///
    /// If the system doesn't tell.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("its own child can be asked for").is_none()
    }

    /// Sends it SIGKILL, waits for its end, and returns whether it still ran.
    ///
    /// # Panics
    ///
    /// If the system doesn't let it.
    pub fn kill(mut self) -> bool {
        let ran = self.runs();
        self.child.kill().expect("its own child can be killed");
        self.child.wait().expect("its own child can be waited for");
        ran
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// If the system doesn't tell.
    pub fn finish(mut self) -> Output {
        let _ = self.lines.read_to_string(&mut self.read);
        let status = self.child.wait().expect("its own child can be waited for");
        let err = self.errors.take().and_then(|errors| errors.join().ok()).unwrap_or_default();
        Output { code: code(status), out: std::mem::take(&mut self.read), err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a command that runs the program on a database.
pub(super) fn command(url: &str, arguments: &[&str], folder: &Path) -> Command {
    let mut command = crate::cli::command(arguments);
    command.arg("--database-url").arg(url).current_dir(folder);
    // The tests' server may be newer than what is installed.
    if url.starts_with("postgres")
        && let Ok(programs) = crate::server::programs()
    {
        command.env("POLYMNIA_PG_BIN", programs);
    }
    command
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("the program writes UTF-8")
}
