//! The suite, on the dialect as it is linked into a program.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use polymnia::spi::{Dialect, Engine};
use polymnia::{OpenOptions, Result};
use polymnia_conformance::{Fixture, conformance_suite};
use polymnia_example_memory::ExampleMemory;

/// A database in memory under a name that no other test has.
#[derive(Debug)]
struct InMemory(u64);

impl Fixture for InMemory {
    fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    fn options(&self) -> OpenOptions {
        OpenOptions::new(format!("mem-example://fresh-{}", self.0))
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        ExampleMemory.open(options)
    }
}

conformance_suite!(example_memory, InMemory);
