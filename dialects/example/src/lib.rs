//! A dialect that keeps memories in the process: the worked example of the guide for authors, `docs/plugins/authors.md`.
//!
//! `mem-example://NAME` is a database in memory. Whoever opens the same name in the same process shares it, and it is gone
//! when the last of them closes it. Conditions are evaluated by the library, memory by memory: nothing here is fast.
//!
//! Files in the order they are best read: `config` reads URLs, `database` holds what there is, `engine` does what one tenant
//! asks for by means of `read`, `write` and `stats`, `admin` what goes across tenants, `schema` and `session` keep the records
//! of migrations.

mod admin;
mod config;
mod database;
mod engine;
mod read;
mod schema;
mod session;
mod stats;
mod write;

use std::path::PathBuf;
use std::sync::Arc;

use polymnia::schema::Source;
use polymnia::spi::{Dialect, Engine, Library};
use polymnia::{ConnectionString, OpenOptions, Result};

use crate::config::Config;
use crate::database::Database;
use crate::engine::MemoryEngine;

polymnia_plugin::export_dialect!(ExampleMemory);

/// What the dialect is called, and the scheme of its URLs.
const NAME: &str = "mem-example";

/// Opens databases in memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExampleMemory;

impl Dialect for ExampleMemory {
    fn name(&self) -> &str {
        NAME
    }

    fn url_schemes(&self) -> &[&str] {
        &[NAME]
    }

    fn recognizes(&self, _text: &ConnectionString) -> bool {
        false
    }

    fn library(&self) -> Option<&Library> {
        None
    }

    fn source(&self) -> Result<Source> {
        Ok(schema::source())
    }

    fn claims(&self, options: &OpenOptions) -> Result<Vec<PathBuf>> {
        Config::read(options).map(|_| Vec::new())
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        let config = Config::read(options).map_err(|error| error.with_operation("connect"))?;
        Ok(Arc::new(MemoryEngine::new(Database::named(&config.name), config.statement_timeout)))
    }
}
