//! One side of `schema diff`.

use std::fs;
use std::path::Path;

use polymnia::schema::{Snapshot, Version};
use polymnia::{ConnectionString, Error, Result};

use super::dump::Dump;
use crate::args::PlaceArgs;
use crate::context::{Context, Missing};
use crate::failure::file_error;
use crate::schema::{self, Place};

/// Is a schema and what to call it.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) name: String,
    pub(super) dialect: String,
    pub(super) objects: Snapshot,
}

/// Is what a side was given as.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given<'a> {
    File(&'a Path),
    Version { version: &'a str, dialect: Option<&'a str> },
    Url(ConnectionString),
}

impl<'a> Given<'a> {
    /// Tells what a text means: a file that is there, a version, or else a URL.
    pub(super) fn read(text: &'a str) -> Self {
        let path = Path::new(text);
        if path.is_file() {
            return Self::File(path);
        }
        let (version, dialect) = match text.split_once('@') {
            Some((version, dialect)) => (version, Some(dialect)),
            None => (text, None),
        };
        let digits = version.trim_start_matches(|c: char| c.is_ascii_lowercase());
        let is_version =
            !digits.is_empty() && digits.len() <= Version::DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
        let in_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        let is_word = dialect.is_none_or(|dialect| dialect.bytes().all(in_name));
        if (is_version || version == "head") && is_word {
            return Self::Version { version, dialect };
        }
        Self::Url(text.to_owned().into())
    }

    /// Reads the schema. A version without a dialect is of the one given.
    pub(super) fn side(&self, context: &Context, place: &PlaceArgs, dialect: Option<&str>) -> Result<Side> {
        match self {
            Self::File(path) => of_file(path),
            Self::Url(url) => of_url(context, url),
            Self::Version { version, dialect: own } => {
                let dialect = match own.or(dialect) {
                    Some(dialect) => dialect.to_owned(),
                    None => dialect_of_settings(context, place)?,
                };
                of_version(context, place, version, &dialect)
            }
        }
    }

    /// Returns whether it needs to be told which dialect it is of.
    pub(super) fn needs_dialect(&self) -> bool {
        matches!(self, Self::Version { dialect: None, .. })
    }
}

fn of_file(path: &Path) -> Result<Side> {
    let text = fs::read_to_string(path).map_err(|error| file_error("file", path, &error))?;
    let dump: Dump = serde_json::from_str(&text).map_err(|error| {
        let message = format!("{} is no dump of a schema: {error}", path.display());
        Error::invalid_input(message).with_hint("`polymnia schema dump > FILE` makes one")
    })?;
    Ok(Side { name: path.display().to_string(), dialect: dump.dialect, objects: dump.objects })
}

fn of_url(context: &Context, url: &ConnectionString) -> Result<Side> {
    let here = PlaceArgs { migrate_url: Some(url.expose().to_owned()), migrations: None };
    let place = Place::open(context, &here, Missing::Refuse).map_err(|error| match url.scheme() {
        None => {
            error.with_hint("expected a URL, a file made by `schema dump`, or a version such as 20261121000100@sqlite")
        }
        Some(_) => error,
    })?;
    Ok(Side { name: url.to_string(), dialect: place.dialect().to_owned(), objects: place.schema.dump()? })
}

fn of_version(context: &Context, place: &PlaceArgs, version: &str, dialect: &str) -> Result<Side> {
    let mut sources = vec![schema::ours(context, dialect)?];
    if let Some(folder) = context.settings.migrations(place.migrations.as_deref()) {
        sources.push(schema::application(&folder.value, dialect)?);
    }
    let (objects, version) = schema::made(&sources, version)?;
    let name = format!("{}@{dialect}", version.as_ref().map_or("head", Version::as_str));
    Ok(Side { name, dialect: dialect.to_owned(), objects })
}

fn dialect_of_settings(context: &Context, place: &PlaceArgs) -> Result<String> {
    let url = context.settings.schema_url(place.migrate_url.as_deref()).value;
    Ok(context.dialect_for(&url)?.name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_told_apart() {
        let version = |version, dialect| Given::Version { version, dialect };
        assert_eq!(Given::read("20261121000100"), version("20261121000100", None));
        assert_eq!(Given::read("shop2026@postgres"), version("shop2026", Some("postgres")));
        assert_eq!(Given::read("2026@acme-db_2"), version("2026", Some("acme-db_2")));
        assert_eq!(Given::read("head@sqlite"), version("head", Some("sqlite")));
        for url in ["sqlite://2026@x.db", "postgres://a@h/d", "host=h", "a.json", "shop", "2026@h/d"] {
            assert!(matches!(Given::read(url), Given::Url(_)), "{url}");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(Given::read(file.path().to_str().unwrap()), Given::File(_)));
    }
}
