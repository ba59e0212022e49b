//! A folder with plugins, and the program run in it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use polymnia_tests::cli;
use polymnia_tests::migrate::{Kind, Output, set_mode};
use polymnia_tests::plugins::Plugin;
use tempfile::TempDir;

/// Is a folder of its own, with a copy of each plugin, which nobody else can write to.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    /// Returns a folder with the plugins of both dialects.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for kind in Kind::BOTH {
            copy(&library(kind), &folder.path().join(name(kind)));
        }
        Self { folder }
    }

    /// Returns a path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the path of a dialect's plugin, as one types it.
    pub(crate) fn plugin(&self, kind: Kind) -> String {
        self.text(name(kind))
    }

    /// Returns a path in the folder, as one types it.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Returns the program, about to run in the folder.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = cli::command(arguments);
        command.current_dir(self.folder.path()).env("HOME", self.path("home")).env_remove("XDG_CONFIG_HOME");
        command
    }

    /// Runs the program in the folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Output::of(self.command(arguments))
    }

    /// Runs the program in the folder through the plugin of SQLite alone.
    pub(crate) fn by_plugin(&self, arguments: &[&str]) -> Output {
        self.run(&[&["--only-plugins", "--plugin", &self.plugin(Kind::Sqlite)], arguments].concat())
    }
}

/// Returns what the file of a dialect's plugin is called.
pub(crate) fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => "libpolymnia_sqlite_plugin.so",
        Kind::Postgres => "libpolymnia_postgres_plugin.so",
    }
}

/// Returns the library of a dialect's plugin.
pub(crate) fn library(kind: Kind) -> PathBuf {
    match kind {
        Kind::Sqlite => Plugin::Sqlite.library(),
        Kind::Postgres => Plugin::Postgres.library(),
    }
}

/// Copies a library so that it may be loaded.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    set_mode(to, 0o755);
}
