//! Migrations: ours, those of an application, those of a dialect.

use std::collections::BTreeSet;
use std::path::Path;

use polymnia::schema::{Snapshot, Source, Version, folder_dialects, folder_faults};
use polymnia::spi::Dialect;
use polymnia::{Error, ErrorKind, Result};

use crate::context::Context;
use crate::plugins;

/// Reads the application's migrations for a dialect.
pub(crate) fn application(folder: &Path, dialect: &str) -> Result<Source> {
    Source::read(folder, dialect)
}

/// Returns the names of the dialects that are there: this program's and those of plugins.
pub(crate) fn known(context: &Context) -> Result<Vec<&str>> {
    let names: Vec<&str> = context.registry()?.dialects().map(Dialect::name).collect();
    if names.is_empty() {
        return Err(Error::new(ErrorKind::Config, "there is no dialect").with_hint(plugins::HINT));
    }
    Ok(names)
}

/// Returns the migrations that a dialect brings, by its name.
pub(crate) fn ours(context: &Context, dialect: &str) -> Result<Source> {
    if let Some(known) = context.registry()?.dialects().find(|known| known.name() == dialect) {
        return brought_by(known);
    }
    let known = known(context)?.join(" or ");
    let message = format!("there are no migrations for dialect {dialect:?}: expected {known}");
    Err(Error::new(ErrorKind::Config, message).with_hint(plugins::HINT))
}

/// Returns the migrations that a dialect brings.
pub(crate) fn brought_by(dialect: &dyn Dialect) -> Result<Source> {
    dialect.source().map_err(|error| match error.kind() {
        ErrorKind::Unsupported => {
            let message =
                format!("plugin dialect {} tells its migrations only where a database is open", dialect.name());
            let hint = "`polymnia migrate history` shows them, with --database-url";
            Error::new(ErrorKind::Unsupported, message).with_source(error).with_hint(hint)
        }
        _ => error,
    })
}

/// Returns the migrations of every dialect that is there. One that can't tell them without a database is left out, and said to be.
pub(crate) fn of_all(context: &Context) -> Result<Vec<Source>> {
    known(context)?;
    let mut sources = Vec::new();
    for dialect in context.registry()?.dialects() {
        match brought_by(dialect) {
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                context.note(format!("left out: {}", error.message()));
            }
            source => sources.push(source?),
        }
    }
    Ok(sources)
}

/// Returns the dialects that a folder has migrations for.
pub(crate) fn dialects(folder: &Path) -> Result<Vec<String>> {
    folder_dialects(folder)
}

/// Returns what is wrong with the files in a folder: each on its own, and that versions are missing for a dialect.
pub(crate) fn faults(folder: &Path) -> Result<Vec<Error>> {
    let dialects = folder_dialects(folder)?;
    let names: Vec<&str> = dialects.iter().map(String::as_str).collect();
    Ok(folder_faults(folder, &names))
}

/// Returns the newest versions of each source.
pub(crate) fn heads_of_all(sources: &[Source]) -> Vec<Version> {
    let all: BTreeSet<Version> = sources.iter().flat_map(heads).collect();
    all.into_iter().collect()
}

/// Returns the newest versions of a source: those that no other is built upon.
pub(crate) fn heads(source: &Source) -> Vec<Version> {
    let mut built_upon: BTreeSet<&Version> = BTreeSet::new();
    for (index, script) in source.scripts.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| &source.scripts[before].version);
        match script.metadata.parents.as_slice() {
            [] => built_upon.extend(before),
            parents => built_upon.extend(parents),
        }
    }
    let versions = source.scripts.iter().map(|script| &script.version);
    versions.filter(|version| !built_upon.contains(version)).cloned().collect()
}

/// Returns what the migrations of sources make, up to a version (its beginning will do) or all of them, and that version.
pub(crate) fn made(sources: &[Source], up_to: &str) -> Result<(Snapshot, Option<Version>)> {
    let scripts: Vec<_> = sources.iter().flat_map(|source| &source.scripts).collect();
    let fits = |version: &Version| version.as_str().starts_with(up_to);
    let last = match up_to {
        "head" => scripts.len().checked_sub(1),
        _ => match scripts.iter().filter(|script| fits(&script.version)).count() {
            1 => scripts.iter().position(|script| fits(&script.version)),
            0 => return Err(Error::invalid_input(format!("no version begins with {up_to}"))),
            _ => return Err(Error::invalid_input(format!("several versions begin with {up_to}"))),
        },
    };
    let mut snapshot = Snapshot::default();
    let Some(last) = last else { return Ok((snapshot, None)) };
    for script in &scripts[..=last] {
        let Some(delta) = &script.delta else {
            let message = format!("nothing is written down of what {} makes", script.version);
            let error = Error::new(ErrorKind::NotFound, message).with_context("place", &script.folder);
            return Err(error.with_hint("give the URL of a database that has it instead"));
        };
        snapshot.apply(delta);
    }
    Ok((snapshot, Some(scripts[last].version.clone())))
}

#[cfg(test)]
mod tests {
    use polymnia::schema::{Compatibility, Metadata, Script};

    use super::*;

    fn source(versions: &[(&str, &[&str])]) -> Source {
        let version = |text: &str| Version::new(format!("shop{text}")).unwrap();
        let script = |(text, parents): &(&str, &[&str])| Script {
            version: version(text),
            name: "n".to_owned(),
            up: String::new(),
            down: String::new(),
            metadata: Metadata {
                run_in_transaction: true,
                parents: parents.iter().map(|parent| version(parent)).collect(),
                compatibility: Compatibility::Full,
                rebuild: false,
                apart: std::collections::BTreeMap::new(),
            },
            delta: None,
            folder: "f".to_owned(),
        };
        let scripts = versions.iter().map(script).collect();
        Source { prefix: "shop".to_owned(), dialect: "sqlite".to_owned(), scripts }
    }

    #[test]
    fn heads_are_what_nothing_is_built_upon() {
        const A: &str = "20260101000000";
        const B: &str = "20260102000000";
        const C: &str = "20260103000000";
        let names =
            |source: &Source| heads(source).iter().map(|head| head.as_str()[4..].to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&source(&[])), Vec::<String>::new());
        assert_eq!(names(&source(&[(A, &[]), (B, &[])])), [B]);
        let ours = polymnia_migrations::sqlite_source();
        let newest = heads(&ours).pop().unwrap();
        assert_eq!(heads_of_all(&[ours, source(&[(A, &[])])]), [newest, Version::new(format!("shop{A}")).unwrap()]);
        let forked = source(&[(A, &[]), (B, &[A]), (C, &[A])]);
        assert_eq!(names(&forked), [B, C]);
        assert!(made(&[forked], "shop2026").unwrap_err().to_string().contains("several"));
    }
}
