//! Dialects that work.

use std::sync::Arc;
use std::path::PathBuf;

use polymnia::schema::Source;
use polymnia::spi::{Dialect, Engine, Library};
use polymnia::{ConnectionString, OpenOptions, Result};
use polymnia_conformance::{Fixture, Oracle};
use polymnia_sqlite::Sqlite;

use super::client::Client;

/// Opens an [`Oracle`] of its own each time.
#[derive(Debug)]
pub(super) struct Naive;

impl Dialect for Naive {
    fn name(&self) -> &'static str {
        "naive"
    }

    fn url_schemes(&self) -> &[&str] {
        &["naive"]
    }

    fn recognizes(&self, text: &ConnectionString) -> bool {
        text.scheme().is_none()
    }

    fn library(&self) -> Option<&Library> {
        None
    }

    fn source(&self) -> Result<Source> {
        Ok(Oracle::default().schema().source())
    }

    fn claims(&self, _options: &OpenOptions) -> Result<Vec<PathBuf>> {
        Ok(vec![PathBuf::from("/nowhere")])
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        Oracle::default().open(options)
    }
}

pub(super) fn naive() -> Client {
    Client::new(|| Box::new(Naive))
}

pub(super) fn sqlite() -> Client {
    Client::new(|| Box::new(Sqlite))
}
