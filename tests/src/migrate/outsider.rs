//! The program run by a user without rights of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use tempfile::TempDir;

use super::program::{self, Output};
use crate::cli;
use crate::server::ServerUser;

/// Is a user whom permissions of files bind: root, whom they don't, runs the program as another one.
#[derive(Debug)]
pub struct Outsider {
    user: ServerUser,
    /// Holds a copy of the program, as its own folder may be closed to others.
    folder: TempDir,
}

impl Outsider {
    /// Returns the user.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn new() -> Self {
        let user = ServerUser::choose().unwrap_or_else(|error| panic!("{error}"));
        let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
        set_mode(folder.path(), 0o755);
        let copy = folder.path().join("polymnia");
        fs::copy(cli::program(), &copy).expect("the program can be copied");
        set_mode(&copy, 0o755);
        Self { user, folder }
    }

    /// Runs the program on a database.
    ///
    /// # Panics
    ///
    /// If it can't be run.
    pub fn run(&self, url: &str, arguments: &[&str]) -> Output {
        let like = program::command(url, arguments, self.folder.path());
        let mut command = std::process::Command::new(self.folder.path().join("polymnia"));
        command.args(like.get_args()).current_dir("/");
        for (name, value) in like.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let ServerUser::Other { uid, gid } = self.user {
            command.uid(uid).gid(gid);
        }
        command.stdin(std::process::Stdio::null());
        Output::of(command)
    }
}

impl Default for Outsider {
    fn default() -> Self {
        Self::new()
    }
}

/// Sets the permissions of a file or a folder.
///
/// # Panics
///
/// If that is not allowed.
pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its owner may set permissions");
}
