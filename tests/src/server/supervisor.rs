//! The shell that ties a server's life to that of this process.

use std::{
    fs,
    io::Write as _,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{ServerError, account::ServerUser, installation::tail};

const SCRIPT: &str = include_str!("supervisor.sh");

/// How long a server may take to start; a second is usual, more on a machine that builds at the same time.
const START_LIMIT: Duration = Duration::from_mins(1);

/// A running supervisor. Dropping it stops the server and waits until its folder is gone.
#[derive(Debug)]
pub(super) struct Supervisor {
    /// Its standard input is the pipe that keeps the server alive.
    shell: Child,
    folder: PathBuf,
}

/// What came of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// It takes connections.
    Ready,
    /// It, or the shell itself, has ended of its own accord.
    Ended,
    /// It did neither in time.
    Late,
}

impl Supervisor {
    /// Starts the shell as the server's user. It creates the folder, which must not exist, and removes it in the end.
    pub(super) fn start(user: ServerUser, folder: PathBuf) -> Result<Self, ServerError> {
        let mut command = user.command("/bin/sh");
        command.arg("-c").arg(SCRIPT).arg("polymnia-postgres").arg(&folder);
        // Nothing that outlives this process may hold its output open: a runner waits for the end of those pipes.
        command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let shell = command.spawn().map_err(|error| ServerError::because("could not run /bin/sh", error))?;
        let mut supervisor = Self { shell, folder };
        match supervisor.wait(|supervisor| supervisor.folder.is_dir()) {
            Start::Ready => Ok(supervisor),
            Start::Ended | Start::Late => {
                Err(ServerError::new(format!("could not create the folder {}", supervisor.folder.display())))
            }
        }
    }

    /// Creates a cluster and starts a server on the port, with the programs in `bin`, and waits for the outcome.
    ///
    /// The folder has to hold two files: `password`, the superuser's, and `settings`, lines for `postgresql.conf`. A folder
    /// `locales` in it is where the server looks for locales first. With a file `primary`, the URL of a server, it becomes a
    /// standby of that one instead of a cluster of its own.
    pub(super) fn serve(&mut self, bin: &Path, port: u16) -> Start {
        let pipe = self.shell.stdin.as_mut().expect("the pipe is open until this value is dropped");
        let lines = [bin.as_os_str().as_bytes(), format!("\n{port}\n").as_bytes()].concat();
        if pipe.write_all(&lines).is_err() {
            return Start::Ended;
        }
        self.wait(Self::is_ready)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The end of what the server logged.
    pub(super) fn log(&self) -> String {
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        tail(&String::from_utf8_lossy(&log))
    }

    fn wait(&mut self, ready: impl Fn(&Self) -> bool) -> Start {
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline {
            if ready(self) {
                return Start::Ready;
            }
            if self.folder.join("ended").exists() || !matches!(self.shell.try_wait(), Ok(None)) {
                return Start::Ended;
            }
            thread::sleep(Duration::from_millis(5));
        }
        Start::Late
    }

    /// Whether the server takes connections. Its own word, so that a stranger on the port is not mistaken for it.
    fn is_ready(&self) -> bool {
        fs::read_to_string(self.folder.join("data/postmaster.pid"))
            .is_ok_and(|text| text.lines().nth(7).is_some_and(|status| status.trim_end() == "ready"))
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // Closing the pipe is the order to stop; the wait has to come after it, or it never ends.
        drop(self.shell.stdin.take());
        // A drop cannot report a failure, and a shell that cannot be waited for is not running.
        let _ = self.shell.wait();
    }
}
