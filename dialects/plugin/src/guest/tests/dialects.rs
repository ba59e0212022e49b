//! Dialects that work.

use std::path::PathBuf;
use std::sync::Arc;

use polymnia::schema::Source;
use polymnia::spi::{Dialect, Engine, Library};
use polymnia::{ConnectionString, OpenOptions, Result};
use polymnia_conformance::{Fixture, Oracle};
use polymnia_sqlite::Sqlite;

use super::client::Client;
use super::requests::{entry, session_options};
use crate::operation as op;

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

/// Returns a plugin with a database, of which it is recorded that it has its schema.
pub(super) fn naive_with_schema() -> (Client, u64) {
    let client = naive();
    let database = client.open("naive:");
    let session = client.call::<op::OpenSession>(database, (&session_options(),)).unwrap().handle;
    client.call::<op::SessionPrepare>(session, ()).unwrap();
    client.call::<op::SessionRecord>(session, (&entry("20260101000000"),)).unwrap();
    client.close(session);
    (client, database)
}

pub(super) fn sqlite() -> Client {
    Client::new(|| Box::new(Sqlite))
}
