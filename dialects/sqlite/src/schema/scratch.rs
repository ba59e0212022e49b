//! Databases to try something on, which go away.

use std::sync::Arc;

use polymnia::spi::Engine;
use polymnia::{Call, Error, ErrorKind, Result};
use polymnia_pool::Connector as _;

use super::backup;
use crate::config::{Config, Location, Mode};
use crate::engine::SqliteEngine;

/// Opens a database of its own: in memory, or in a file that goes away with the engine if it is a copy of one.
pub(super) fn open(engine: &SqliteEngine, call: &Call, copy: bool) -> Result<Arc<dyn Engine>> {
    let connector = engine.pool().connector();
    let wait = connector.config().busy_timeout;
    let config = Config { mode: Mode::Create, location: Location::Memory, ..connector.config().clone() };
    if !copy {
        return Ok(Arc::new(SqliteEngine::open(config)?));
    }
    if connector.config().location == Location::Memory {
        let scratch = SqliteEngine::open(config)?;
        let mut other = scratch.pool().connector().connect()?;
        backup::from_memory(connector, call, wait, |connection| backup::copy_out(connection, other.handle(), call))?;
        return Ok(Arc::new(scratch));
    }
    let folder = tempfile::Builder::new().prefix("polymnia-").tempdir().map_err(|error| {
        let folder = std::env::temp_dir();
        Error::new(
            ErrorKind::PermissionDenied,
            format!("the folder {} for a copy can't be written: {error}", folder.display()),
        )
        .with_hint("name a folder that can be written by the environment variable TMPDIR")
        .with_source(error)
    })?;
    let path = folder.path().join("copy.db");
    backup::copy_to_file(connector, call, wait, &path)?;
    let location = Location::File { given: path.display().to_string(), path };
    Ok(Arc::new(SqliteEngine::open(Config { location, ..config })?.with_folder(folder)))
}
