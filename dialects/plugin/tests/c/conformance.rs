//! The suite that every dialect passes, on the plugin in C: what it does not claim, it must refuse.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use polymnia::spi::{Dialect, Engine};
use polymnia::{OpenOptions, Result};
use polymnia_conformance::{Fixture, conformance_suite};

use crate::library::PLUGIN;

conformance_suite!(suite, InC);

/// Is a database of the plugin, under a name that no other test has.
#[derive(Debug)]
struct InC(u64);

impl Fixture for InC {
    fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    fn options(&self) -> OpenOptions {
        OpenOptions::new(format!("mem-c://fresh-{}", self.0))
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        PLUGIN.dialect().open(options)
    }
}
