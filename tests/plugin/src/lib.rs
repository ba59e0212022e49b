//! A plugin for the tests of plugins.
//!
//! | URL | what it opens |
//! |---|---|
//! | `oracle:` | a database that keeps all rules, in maps |
//! | `oracle:?panic=open` | nothing: opening panics |
//! | `oracle:?panic=operations` | a database every operation of which panics |
//! | `oracle:?panic=sessions` | a database whose sessions of migrating do, whatever is asked of them |

mod fragile;

use std::path::PathBuf;
use std::sync::Arc;

use polymnia::schema::Source;
use polymnia::spi::{Dialect, Engine, Library, SchemaEngine as _};
use polymnia::{ConnectionString, Error, ErrorKind, OpenOptions, Result};
use polymnia_conformance::{Fixture as _, Oracle};

use fragile::{Fragile, Weak};

polymnia_plugin::export_dialect!(OracleDialect);

/// Opens oracles.
#[derive(Debug)]
struct OracleDialect;

impl Dialect for OracleDialect {
    fn name(&self) -> &'static str {
        "oracle"
    }

    fn url_schemes(&self) -> &[&str] {
        &["oracle"]
    }

    fn recognizes(&self, _: &ConnectionString) -> bool {
        false
    }

    fn library(&self) -> Option<&Library> {
        None
    }

    fn source(&self) -> Result<Source> {
        Ok(Oracle::default().source())
    }

    fn claims(&self, _: &OpenOptions) -> Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        let (_, mut parameters) = options.url().split_parameters()?;
        let weak = match parameters.take("panic").as_deref() {
            None => return Oracle::default().open(options),
            Some("open") => panic!("in opening"),
            Some("operations") => Weak::Operations,
            Some("sessions") => Weak::Sessions,
            Some(other) => return Err(Error::new(ErrorKind::Config, format!("nothing panics in {other}"))),
        };
        Ok(Arc::new(Fragile::new(weak)))
    }
}
