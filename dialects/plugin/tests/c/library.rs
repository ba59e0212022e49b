//! Compiling the plugin.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use polymnia::Result;
use polymnia_plugin::host::{LoadOptions, PluginDialect};
use tempfile::TempDir;

/// The plugin as it is.
pub(crate) static PLUGIN: LazyLock<Plugin> = LazyLock::new(|| Plugin::compile(&[]));

const FLAGS: [&str; 9] =
    ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-fPIC", "-g"];

/// Is a library that was compiled.
#[derive(Debug)]
pub(crate) struct Plugin {
    path: PathBuf,
    _folder: Option<TempDir>,
}

impl Plugin {
    /// Compiles the plugin, without so much as a warning.
    pub(crate) fn compile(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libmem_c.so");
        let options = options.iter().chain(&["-shared", "-fvisibility=hidden", "-pthread"]);
        compile(&sources(), options.map(OsStr::new), &path);
        Self { path, _folder: Some(folder) }
    }

    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), _folder: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn load(&self) -> Result<PluginDialect> {
        // Who may write to the folder of temporary files is not what this is about.
        PluginDialect::load_with(&self.path, &LoadOptions::default().with_allow_insecure(true))
    }

    pub(crate) fn dialect(&self) -> PluginDialect {
        self.load().unwrap()
    }
}

/// Compiles C.
///
/// # Panics
///
/// If there is so much as a warning.
pub(crate) fn compile<'a>(sources: &[PathBuf], options: impl IntoIterator<Item = &'a OsStr>, to: &Path) {
    let compiler = env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
    let mut compile = Command::new(compiler);
    compile.args(FLAGS).arg("-I").arg(folder().join("include")).arg("-I").arg(folder().join("c"));
    let output = compile.args(options).args(sources).arg("-o").arg(to).output().unwrap();
    assert!(output.status.success(), "{compile:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Returns the files of the plugin.
pub(crate) fn sources() -> Vec<PathBuf> {
    let files = fs::read_dir(folder().join("c")).unwrap().map(|file| file.unwrap().path());
    let sources: Vec<_> = files.filter(|path| path.extension() == Some(OsStr::new("c"))).collect();
    assert!(!sources.is_empty(), "there is no plugin in C");
    sources
}

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
