//! Migrations as folders: `<root>/<dialect>/<version>_<name>/{up.sql,down.sql,metadata.toml[,schema.json]}`.
//!
//! The layout is diesel's, whose command line reads it too. What it leaves to chance is checked here: whatever [`Source::read`]
//! returns can be run.

mod checks;
mod embed;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub use embed::{Embedded, embed};
pub use write::{Revision, next_version, write_merge, write_revision, write_script};

use crate::schema::folder::checks::{check_parents, check_scripts};
use crate::schema::{Metadata, SchemaFault, Script, Source, Version, text};
use crate::{Error, Result};

impl Source {
    /// Reads the migrations of one dialect under a root, and checks them.
    ///
    /// The prefix is that of the versions. Files beside the folders are left alone, as are folders that begin with a dot.
    ///
    /// # Errors
    ///
    /// The first of [`folder_faults`]: [`SchemaFault::Malformed`] or [`SchemaFault::Duplicate`], with the context `place`
    /// (`file:line:column`).
    pub fn read(root: &Path, dialect: &str) -> Result<Self> {
        let (source, faults) = read(root, &root.display().to_string(), dialect);
        faults.into_iter().next().map_or(Ok(source), Err)
    }

    /// Checks that the sources, one a dialect, are in lock-step: each version exists in each, by one name and with the same parents,
    /// and every parent of the same prefix exists.
    ///
    /// # Errors
    ///
    /// [`SchemaFault::Malformed`] naming what is missing or differs, [`SchemaFault::UnknownParent`].
    pub fn check(sources: &[Self]) -> Result<()> {
        lock_step(sources).into_iter().next().map_or(Ok(()), Err)
    }
}

/// Returns everything that is wrong with the migrations of some dialects under a root: what [`Source::read`] and
/// [`Source::check`] refuse.
pub fn folder_faults(root: &Path, dialects: &[&str]) -> Vec<Error> {
    read_all(root, &root.display().to_string(), dialects).1
}

/// Returns the dialects that have a folder under a root, in order.
///
/// # Errors
///
/// [`SchemaFault::Malformed`] if the root can't be read.
pub fn folder_dialects(root: &Path) -> Result<Vec<String>> {
    folders(root).map_err(|error| unreadable(&root.display().to_string(), &error))
}

/// Reads the sources of several dialects, and returns what is wrong with any and between them. Errors call the root by a label.
fn read_all(root: &Path, label: &str, dialects: &[&str]) -> (Vec<Source>, Vec<Error>) {
    let (sources, faults): (Vec<_>, Vec<_>) = dialects.iter().map(|dialect| read(root, label, dialect)).unzip();
    let mut faults: Vec<Error> = faults.into_iter().flatten().collect();
    // Of a version that could not be read, the rest would be told to be missing.
    if faults.is_empty() {
        faults = lock_step(&sources);
    }
    (sources, faults)
}

fn read(root: &Path, label: &str, dialect: &str) -> (Source, Vec<Error>) {
    let mut source = Source { prefix: String::new(), dialect: dialect.to_owned(), scripts: Vec::new() };
    let folder = root.join(dialect);
    let label = format!("{}/{dialect}", label.trim_end_matches('/'));
    let names = match folders(&folder) {
        Ok(names) => names,
        Err(error) => return (source, vec![unreadable(&label, &error)]),
    };
    let mut faults = Vec::new();
    let mut seen: BTreeMap<Version, String> = BTreeMap::new();
    for name in names {
        let script_label = format!("{label}/{name}");
        let script = match read_script(&folder.join(&name), &script_label, &name, dialect) {
            Ok(script) => script,
            Err(found) => {
                faults.extend(found);
                continue;
            }
        };
        if let Some(other) = seen.insert(script.version.clone(), script_label.clone()) {
            let message = format!("the version {} exists twice: {other} and {script_label}", script.version);
            faults.push(SchemaFault::Duplicate.error(message).with_context("version", &script.version));
        }
        source.scripts.push(script);
    }
    // By version, not by folder: a longer prefix and the `_` sort otherwise.
    source.scripts.sort_by(|a, b| a.version.cmp(&b.version));
    if let Some(first) = source.scripts.first() {
        first.version.prefix().clone_into(&mut source.prefix);
    }
    if let Some(other) = source.scripts.iter().find(|script| script.version.prefix() != source.prefix) {
        let message = format!(
            "the version {} has the prefix {:?}, and {} has {:?}: expected one prefix in all of a source",
            source.scripts[0].version,
            source.prefix,
            other.version,
            other.version.prefix()
        );
        faults.push(SchemaFault::Malformed.error(message).with_context("place", &other.folder));
    }
    (source, faults)
}

fn read_script(folder: &Path, label: &str, name: &str, dialect: &str) -> Result<Script, Vec<Error>> {
    let (version, name) = split_name(name).map_err(|message| vec![malformed(message, label.to_owned())])?;
    let file = |file: &str| {
        fs::read_to_string(folder.join(file)).map_err(|error| vec![unreadable(&format!("{label}/{file}"), &error)])
    };
    let (up, down, metadata) = (file("up.sql")?, file("down.sql")?, file("metadata.toml")?);
    let delta = if folder.join("schema.json").exists() { Some(file("schema.json")?) } else { None };
    let script =
        parse(version, name, up, down, &metadata, delta.as_deref(), label.to_owned()).map_err(|error| vec![error])?;
    let mut faults = check_parents(&script, &metadata);
    faults.extend(check_scripts(&script, text::Syntax::of(dialect)));
    if faults.is_empty() { Ok(script) } else { Err(faults) }
}

/// Puts a script together from the texts of its files.
fn parse(
    version: Version,
    name: String,
    up: String,
    down: String,
    metadata: &str,
    delta: Option<&str>,
    folder: String,
) -> Result<Script> {
    let parsed: Metadata = toml::from_str(metadata).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let fault = malformed(error.message().to_owned(), at(&folder, "metadata.toml", metadata, offset));
        // The usual reason, and what it would do elsewhere.
        if error.message().contains("run_in_transaction") {
            fault.with_hint("write `run_in_transaction = true`: diesel takes a missing key for false")
        } else {
            fault
        }
    })?;
    let delta = delta.map(serde_json::from_str).transpose().map_err(|error: serde_json::Error| {
        let place = format!("{folder}/schema.json:{}:{}", error.line(), error.column());
        malformed(format!("schema.json can't be read: {error}"), place)
    })?;
    Ok(Script { version, name, up, down, metadata: parsed, delta, folder })
}

/// Takes a folder's name apart, as diesel does: the version is what stands before the first `_`.
fn split_name(name: &str) -> Result<(Version, String), String> {
    let (version, rest) = name.split_once('_').unwrap_or((name, ""));
    if version.len() > Version::MAX_BYTES {
        return Err(format!("the version has {} bytes: expected {} at most", version.len(), Version::MAX_BYTES));
    }
    let version = Version::new(version).map_err(|error| error.message().to_owned())?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if rest.is_empty() || !rest.bytes().all(plain) {
        return Err(format!("{rest:?} is no name of a migration: expected lower-case letters, digits and _"));
    }
    Ok((version, rest.to_owned()))
}

fn lock_step(sources: &[Source]) -> Vec<Error> {
    let mut faults = Vec::new();
    let Some((first, others)) = sources.split_first() else { return faults };
    let root = |source: &Source| {
        let folder = source.scripts.first().map(|script| script.folder.as_str());
        folder.and_then(|folder| folder.rsplit_once('/')).map_or(source.dialect.clone(), |(root, _)| root.to_owned())
    };
    for other in others {
        if other.dialect == first.dialect {
            faults.push(malformed(format!("the dialect {} has two sources", first.dialect), root(other)));
            continue;
        }
        for (one, another) in [(first, other), (other, first)] {
            for script in &one.scripts {
                if !another.scripts.iter().any(|candidate| candidate.version == script.version) {
                    let place = format!("{}/{}_{}", root(another), script.version, script.name);
                    let message = format!("the version {} is missing for {}", script.version, another.dialect);
                    faults.push(malformed(message, place).with_context("version", &script.version).with_hint(
                        "where there is nothing to do, write `-- polymnia:noop REASON` into up.sql and down.sql",
                    ));
                }
            }
        }
        for script in &first.scripts {
            let Some(twin) = other.scripts.iter().find(|twin| twin.version == script.version) else { continue };
            if twin.name != script.name {
                let message = format!("the version {} is named {} in {}", script.version, script.name, first.dialect);
                faults.push(malformed(
                    format!("{message}, and {} here: expected one name", twin.name),
                    twin.folder.clone(),
                ));
            }
            if twin.metadata.parents != script.metadata.parents {
                let message = format!("the version {} has other parents than in {}", script.version, first.dialect);
                faults.push(malformed(message, format!("{}/metadata.toml", twin.folder)));
            }
        }
    }
    for source in sources {
        for script in &source.scripts {
            for parent in &script.metadata.parents {
                let ours = parent.prefix() == source.prefix;
                if ours && !source.scripts.iter().any(|candidate| candidate.version == *parent) {
                    let message = format!("the version {} is built upon {parent}, which is not there", script.version);
                    faults.push(
                        SchemaFault::UnknownParent
                            .error(message)
                            .with_context("version", &script.version)
                            .with_context("place", format!("{}/metadata.toml", script.folder)),
                    );
                }
            }
        }
    }
    faults
}

/// Returns the names of the folders in a folder, in order, as diesel sees them: no files, none that begin with a dot.
fn folders(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') || !fs::metadata(entry.path())?.is_dir() {
            continue;
        }
        // What is not UTF-8 is no name of a migration: it is told by the characters that stand in for it.
        names.push(name.into_string().unwrap_or_else(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

fn unreadable(label: &str, error: &std::io::Error) -> Error {
    let message = match error.kind() {
        std::io::ErrorKind::NotFound => format!("{label} is missing"),
        std::io::ErrorKind::InvalidData => format!("{label} is not UTF-8"),
        _ => format!("{label} can't be read: {error}"),
    };
    malformed(message, label.to_owned())
}

fn malformed(message: String, place: String) -> Error {
    SchemaFault::Malformed.error(message).with_context("place", place)
}

/// Names a place in a file: `folder/file:line:column`.
fn at(folder: &str, file: &str, text: &str, offset: usize) -> String {
    let (line, column) = text::place(text, offset);
    format!("{folder}/{file}:{line}:{column}")
}
