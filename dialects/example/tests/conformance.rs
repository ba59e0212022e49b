//! The suite, on the dialect as a part of the program and as a plugin.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use polymnia::spi::{Dialect, Engine};
use polymnia::{OpenOptions, Result};
use polymnia_conformance::{Fixture, conformance_suite};
use polymnia_example_memory::ExampleMemory;
use polymnia_plugin::host::{LoadOptions, PluginDialect};

conformance_suite!(linked, Linked);
conformance_suite!(loaded, Loaded);

/// Is a database of the dialect that is linked into this program.
#[derive(Debug)]
struct Linked(String);

impl Fixture for Linked {
    fn fresh() -> Self {
        Self(url())
    }

    fn options(&self) -> OpenOptions {
        OpenOptions::new(self.0.as_str())
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        ExampleMemory.open(options)
    }
}

/// Is a database of the plugin.
#[derive(Debug)]
struct Loaded(String);

impl Fixture for Loaded {
    fn fresh() -> Self {
        Self(url())
    }

    fn options(&self) -> OpenOptions {
        OpenOptions::new(self.0.as_str())
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        plugin()?.open(options)
    }
}

/// Returns the URL of a database that no other test has.
fn url() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("mem-example://fresh-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Loads the library, which cargo builds beside the tests. Who may write there is not what is tested.
fn plugin() -> Result<PluginDialect> {
    PluginDialect::load_with(library(), &LoadOptions::default().with_allow_insecure(true))
}

fn library() -> PathBuf {
    let name = format!("{}polymnia_example_memory{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let tests = std::env::current_exe().expect("a test is a file");
    tests.with_file_name(name)
}

#[test]
fn both_are_the_same_dialect() {
    let plugin = plugin().unwrap();
    assert_eq!((plugin.name(), plugin.url_schemes()), (ExampleMemory.name(), ExampleMemory.url_schemes()));
    assert_eq!(plugin.source().unwrap(), ExampleMemory.source().unwrap());
    assert!(plugin.library().is_some() && ExampleMemory.library().is_none());
}
