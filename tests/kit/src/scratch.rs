//! Databases of an engine's own making.

use std::sync::Arc;

use polymnia::spi::Engine;
use polymnia::{Call, Clock as _, OpenOptions, Result, SystemClock};

use crate::fixture::Database;

/// Is a [scratch](polymnia::spi::SchemaEngine::scratch) database beside the one that an engine has open: what that one holds
/// is never touched.
#[derive(Debug)]
pub struct ScratchDatabase {
    engine: Arc<dyn Engine>,
    options: OpenOptions,
}

impl ScratchDatabase {
    /// Makes an empty database beside that of `base`, which was opened with these options.
    ///
    /// # Errors
    ///
    /// As [`SchemaEngine::scratch`](polymnia::spi::SchemaEngine::scratch).
    pub fn new(base: &dyn Engine, options: &OpenOptions) -> Result<Self> {
        let engine = base.schema().scratch(&Call::at(SystemClock.now()), false)?;
        Ok(Self { engine, options: options.clone() })
    }
}

impl Database for ScratchDatabase {
    fn options(&self) -> OpenOptions {
        self.options.clone()
    }

    fn open(&self, _options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        Ok(Arc::clone(&self.engine))
    }

    fn takes_options(&self) -> bool {
        false
    }
}
