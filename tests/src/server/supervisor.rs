//! The shell that ties a server's life to that of this process.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

use tempfile::TempDir;

use super::{
    ServerError,
    account::ServerUser,
    installation::{Installation, tail},
};

const SCRIPT: &str = include_str!("supervisor.sh");

/// A running supervisor. Dropping it stops the server and waits until its folder is gone.
#[derive(Debug)]
pub(super) struct Supervisor {
    /// Its standard input is the pipe that keeps the server alive.
    shell: Child,
    folder: PathBuf,
}

impl Supervisor {
    /// Starts the shell, which creates a cluster in the folder and a server on the port, and owns the folder from then on.
    ///
    /// The folder has to hold two files: `password`, the superuser's, and `settings`, lines for `postgresql.conf`.
    pub(super) fn start(
        installation: &Installation,
        user: ServerUser,
        folder: TempDir,
        port: u16,
        locales: Option<&Path>,
    ) -> Result<Self, ServerError> {
        let mut command = user.command("/bin/sh");
        command.arg("-c").arg(SCRIPT).arg("polymnia-postgres");
        command.arg(installation.bin()).arg(folder.path()).arg(port.to_string());
        if let Some(locales) = locales {
            command.env("LOCPATH", locales);
        }
        // Nothing that outlives this process may hold its output open: a runner waits for the end of those pipes.
        command.current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let shell = command.spawn().map_err(|error| ServerError::because("could not run /bin/sh", error))?;
        Ok(Self { shell, folder: folder.keep() })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the server takes connections. Its own word, so that a stranger on the port is not mistaken for it.
    pub(super) fn is_ready(&self) -> bool {
        fs::read_to_string(self.folder.join("data/postmaster.pid"))
            .is_ok_and(|text| text.lines().nth(7).is_some_and(|status| status.trim_end() == "ready"))
    }

    /// Whether the server, or the shell itself, has ended of its own accord.
    pub(super) fn has_ended(&mut self) -> bool {
        self.folder.join("ended").exists() || !matches!(self.shell.try_wait(), Ok(None))
    }

    /// The end of what the server logged.
    pub(super) fn log(&self) -> String {
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        tail(&String::from_utf8_lossy(&log))
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
