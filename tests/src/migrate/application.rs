//! An application's migrations, in a folder of their own that a test may change.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Kind;

/// The versions of the shop in `tests/fixtures/shop`, oldest first: an application with cascading child tables, a change of
/// rows in batches, indexes built without locks and a table made anew.
pub const SHOP: [&str; 6] = [
    "shop20260102000100",
    "shop20260102000200",
    "shop20260102000300",
    "shop20260102000400",
    "shop20260102000500",
    SHOP_HEAD,
];

/// The newest version of the shop.
pub const SHOP_HEAD: &str = "shop20260102000600";

/// Is a folder of migrations, as `--migrations` takes it. It goes when this is dropped.
#[derive(Debug)]
pub struct Application(TempDir);

impl Application {
    /// Returns a folder without a migration.
    ///
    /// # Panics
    ///
    /// If there can be none.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
        for kind in Kind::BOTH {
            fs::create_dir(folder.path().join(kind.name())).expect("a new folder can be written");
        }
        Self(folder)
    }

    /// Returns a copy of the shop.
    ///
    /// # Panics
    ///
    /// If it can't be copied.
    pub fn shop() -> Self {
        let shop = Self::empty();
        for kind in Kind::BOTH {
            for version in list(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shop").join(kind.name())) {
                let copy = shop.path(kind).join(version.file_name().expect("a listed folder has a name"));
                fs::create_dir(&copy).expect("a new folder can be written");
                for file in list(&version) {
                    let to = copy.join(file.file_name().expect("a listed file has a name"));
                    fs::copy(file, to).expect("a fixture can be copied");
                }
            }
        }
        shop
    }

    /// Returns the folder that holds those of the dialects.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Returns the folder, as an argument.
    ///
    /// # Panics
    ///
    /// If its name is not UTF-8.
    pub fn argument(&self) -> &str {
        self.folder().to_str().expect("the folder for temporary files has an UTF-8 name")
    }

    /// Returns the folder of a dialect.
    pub fn path(&self, kind: Kind) -> PathBuf {
        self.folder().join(kind.name())
    }

    /// Returns the folder of a version.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn version(&self, kind: Kind, version: &str) -> PathBuf {
        let begins = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(version));
        list(&self.path(kind)).into_iter().find(|path| begins(path)).unwrap_or_else(|| panic!("no version {version}"))
    }

    /// Adds a version, with both scripts and its metadata, for both dialects.
    ///
    /// # Panics
    ///
    /// If the files can't be written.
    pub fn add(&self, name: &str, up: &str, down: &str, metadata: &str) {
        for kind in Kind::BOTH {
            self.add_for(kind, name, up, down, metadata);
        }
    }

    /// Adds a version for one dialect.
    ///
    /// # Panics
    ///
    /// If the files can't be written.
    pub fn add_for(&self, kind: Kind, name: &str, up: &str, down: &str, metadata: &str) {
        let folder = self.path(kind).join(name);
        fs::create_dir_all(&folder).expect("a new folder can be written");
        for (file, text) in [("up.sql", up), ("down.sql", down), ("metadata.toml", metadata)] {
            fs::write(folder.join(file), text).expect("a new file can be written");
        }
    }

    /// Changes a file of a version, in both dialects.
    ///
    /// # Panics
    ///
    /// If the version or the file is not there, or nothing changes.
    pub fn edit(&self, version: &str, file: &str, change: impl Fn(&str) -> String) {
        for kind in Kind::BOTH {
            let path = self.version(kind, version).join(file);
            let text = fs::read_to_string(&path).expect("a version has its files");
            let changed = change(&text);
            assert_ne!(text, changed, "{} stays as it is", path.display());
            fs::write(path, changed).expect("a copy can be written");
        }
    }

    /// Removes a version, in both dialects.
    ///
    /// # Panics
    ///
    /// If it is not there.
    pub fn remove(&self, version: &str) {
        for kind in Kind::BOTH {
            fs::remove_dir_all(self.version(kind, version)).expect("a copy can be removed");
        }
    }

    /// Returns the statements of an `up` script of the fixture, which stand in paragraphs.
    ///
    /// # Panics
    ///
    /// If the version is not there.
    pub fn statements(&self, kind: Kind, version: &str) -> Vec<String> {
        let text = fs::read_to_string(self.version(kind, version).join("up.sql")).expect("a version has its files");
        text.trim_end().split("\n\n").map(str::to_owned).collect()
    }

    /// Puts a statement into an `up` script, before the one of that index.
    ///
    /// # Panics
    ///
    /// If the version is not there or has fewer statements.
    pub fn insert(&self, kind: Kind, version: &str, index: usize, statement: &str) {
        let mut statements = self.statements(kind, version);
        statements.insert(index, statement.to_owned());
        let path = self.version(kind, version).join("up.sql");
        fs::write(path, statements.join("\n\n") + "\n").expect("a copy can be written");
    }
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
    paths.sort();
    paths
}
