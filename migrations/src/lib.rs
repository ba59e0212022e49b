//! Polymnia's schema versions for every dialect, embedded and in lock-step.
//!
//! The scripts stand in `<dialect>/<version>_<name>/{up.sql,down.sql,metadata.toml}` and can be read by the diesel CLI as well. The
//! build fails unless every version exists for every dialect, and each is one that can be run: see
//! [`polymnia::schema::embed`].

mod diesel_source;

use polymnia::schema::Source;

pub use diesel_source::{Script, Scripts, postgres, sqlite};

/// Returns the migrations for a dialect, by its name.
pub fn source(dialect: &str) -> Option<Source> {
    match dialect {
        "sqlite" => Some(sqlite_source()),
        "postgres" => Some(postgres_source()),
        _ => None,
    }
}

include!(concat!(env!("OUT_DIR"), "/sources.rs"));

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_is_embedded_is_what_stands_there() {
        for dialect in ["sqlite", "postgres"] {
            let mut read = Source::read(Path::new(env!("CARGO_MANIFEST_DIR")), dialect).unwrap();
            for script in &mut read.scripts {
                let (_, folder) = script.folder.rsplit_once(&format!("/{dialect}/")).unwrap();
                script.folder = format!("migrations/{dialect}/{folder}");
            }
            assert_eq!(source(dialect).unwrap(), read);
        }
        assert_eq!(source("oracle"), None);
    }

    #[test]
    fn the_dialects_are_in_lock_step() {
        Source::check(&[sqlite_source(), postgres_source()]).unwrap();
        assert_eq!(sqlite_source().prefix, "");
    }
}
