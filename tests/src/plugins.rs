//! Our dialects as plugins, built for tests that load them.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use polymnia_plugin::host::{LoadOptions, PluginDialect};

use crate::cargo;

/// Environment variable with a folder of libraries. Set, it keeps this module from building them.
pub const VARIABLE: &str = "POLYMNIA_TEST_PLUGINS";

/// Names one of our plugins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plugin {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// The worked example for authors.
    Memory,
    /// That of the tests: the oracle, and what panics.
    Test,
}

impl Plugin {
    /// Every plugin.
    pub const ALL: [Self; 4] = [Self::Sqlite, Self::Postgres, Self::Memory, Self::Test];

    /// Returns the name of its library's target.
    fn target(self) -> &'static str {
        match self {
            Self::Sqlite => "polymnia_sqlite_plugin",
            Self::Postgres => "polymnia_postgres_plugin",
            Self::Memory => "polymnia_example_memory",
            Self::Test => "polymnia_test_plugin",
        }
    }

    /// Returns the path of the library: in the folder of [`VARIABLE`], else built once, in the profile and the target folder
    /// of the tests.
    ///
    /// # Panics
    ///
    /// If it can't be built. Cargo says why on standard error.
    pub fn library(self) -> PathBuf {
        folder().join(format!("{DLL_PREFIX}{}{DLL_SUFFIX}", self.target()))
    }

    /// Returns the dialect, loaded wherever the library stands: others may be able to write to a target folder.
    ///
    /// # Panics
    ///
    /// If it can't be loaded.
    pub fn load(self) -> PluginDialect {
        let options = LoadOptions::default().with_allow_insecure(true);
        PluginDialect::load_with(self.library(), &options).expect("a plugin that was just built can be loaded")
    }
}

fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| std::env::var_os(VARIABLE).map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let built = cargo::build(&["--workspace", "--lib"]);
    let mut folders = Plugin::ALL.map(|plugin| {
        let library = built.get(plugin.target()).and_then(|library| library.parent());
        library.unwrap_or_else(|| panic!("cargo names no library {}", plugin.target())).to_owned()
    });
    assert!(folders.iter().all(|folder| *folder == folders[0]), "{folders:?}");
    std::mem::take(&mut folders[0])
}
