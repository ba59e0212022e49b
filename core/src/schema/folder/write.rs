//! Writes new migrations.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::schema::folder::{folders, split_name};
use crate::schema::{Compatibility, Metadata, Script, Version};
use crate::{Error, ErrorKind, Result, Timestamp};

/// The longest name made from a message, in bytes.
const NAME_BYTES: usize = 60;

/// Describes a migration to begin.
#[derive(Clone, Copy, Debug)]
pub struct Revision<'a> {
    /// The prefix of its source.
    pub prefix: &'a str,
    /// What it is about: its folder is named after it.
    pub message: &'a str,
    /// The versions it is built upon; none means the one before it.
    pub parents: &'a [Version],
}

/// Begins a migration for some dialects: scripts with nothing but comments that say what goes there. Returns the folders.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if nothing of the message can stand in a name, or a prefix or a dialect is none;
/// [`ErrorKind::Conflict`] if a folder is there; [`ErrorKind::PermissionDenied`] and [`ErrorKind::StorageFull`].
pub fn write_revision(root: &Path, dialects: &[&str], revision: &Revision<'_>, now: Timestamp) -> Result<Vec<PathBuf>> {
    let about = one_line(revision.message);
    let up = format!(
        "-- {about}\n--\n-- Brings the schema to this version: statements, each with its `;`. Where there is nothing to do in this\n\
         -- dialect, two lines say so and why (diesel takes a script of comments for a failure on PostgreSQL):\n--     \
         -- polymnia:noop REASON\n--     SELECT 1;\n"
    );
    let down = format!("-- {about}\n--\n-- Takes it back: what up.sql did, the other way round.\n");
    write_all(root, dialects, revision, now, &up, &down)
}

/// Writes a migration that does nothing, built upon several heads: after it there is one. Returns the folders.
///
/// # Errors
///
/// As [`write_revision`]; [`ErrorKind::InvalidInput`] if it has less than two parents.
pub fn write_merge(root: &Path, dialects: &[&str], revision: &Revision<'_>, now: Timestamp) -> Result<Vec<PathBuf>> {
    if revision.parents.len() < 2 {
        return Err(Error::invalid_input("a merge has less than two parents: expected the heads to be merged"));
    }
    let heads = revision.parents.iter().map(Version::as_str).collect::<Vec<_>>().join(" and ");
    let script = format!("-- {}\n-- polymnia:noop merges {heads}\nSELECT 1;\n", one_line(revision.message));
    write_all(root, dialects, revision, now, &script, &script)
}

/// Writes one migration, and returns its folder.
///
/// # Errors
///
/// As [`write_revision`].
pub fn write_script(root: &Path, dialect: &str, script: &Script) -> Result<PathBuf> {
    let name = format!("{}_{}", script.version, script.name);
    split_name(&name).map_err(Error::invalid_input)?;
    let parent = root.join(dialect_folder(dialect)?);
    let folder = parent.join(&name);
    let failed = |error: io::Error| unwritable(&folder, &error);
    fs::create_dir_all(&parent).map_err(failed)?;
    fs::create_dir(&folder).map_err(failed)?;
    fs::write(folder.join("up.sql"), &script.up).map_err(failed)?;
    fs::write(folder.join("down.sql"), &script.down).map_err(failed)?;
    fs::write(folder.join("metadata.toml"), metadata_text(&script.metadata)).map_err(failed)?;
    if let Some(delta) = &script.delta {
        let mut text = serde_json::to_string_pretty(delta)
            .map_err(|error| Error::new(ErrorKind::Unexpected, format!("schema.json can't be written: {error}")))?;
        text.push('\n');
        fs::write(folder.join("schema.json"), text).map_err(failed)?;
    }
    Ok(folder)
}

/// Returns the version that a migration begun now has: the time, or what comes after the newest version there is.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if the prefix is none.
pub fn next_version(root: &Path, prefix: &str, now: Timestamp) -> Result<Version> {
    let digits: String = now.to_string().chars().filter(char::is_ascii_digit).take(Version::DIGITS).collect();
    let now: u64 = digits.parse().unwrap_or(0);
    // A root that is not there has no versions.
    let dialects = folders(root).unwrap_or_default();
    let names = dialects.iter().flat_map(|dialect| folders(&root.join(dialect)).unwrap_or_default());
    let newest = names
        .filter_map(|name| split_name(&name).ok())
        .filter(|(version, _)| version.prefix() == prefix)
        .filter_map(|(version, _)| version.as_str()[prefix.len()..].parse::<u64>().ok())
        .max();
    let next = newest.map_or(now, |newest| now.max(newest + 1));
    Version::new(format!("{prefix}{next:014}"))
}

fn write_all(
    root: &Path,
    dialects: &[&str],
    revision: &Revision<'_>,
    now: Timestamp,
    up: &str,
    down: &str,
) -> Result<Vec<PathBuf>> {
    let script = Script {
        version: next_version(root, revision.prefix, now)?,
        name: name_of(revision.message)?,
        up: up.to_owned(),
        down: down.to_owned(),
        metadata: Metadata {
            run_in_transaction: true,
            parents: revision.parents.to_vec(),
            compatibility: Compatibility::Full,
            rebuild: false,
            apart: std::collections::BTreeMap::new(),
        },
        delta: None,
        folder: String::new(),
    };
    for dialect in dialects {
        dialect_folder(dialect)?;
    }
    dialects.iter().map(|dialect| write_script(root, dialect, &script)).collect()
}

/// Makes a name of a message: `Add a user's mail` becomes `add_a_user_s_mail`.
fn name_of(message: &str) -> Result<String> {
    let parts = message.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let mut name = String::new();
    for part in parts {
        if !name.is_empty() && name.len() + 1 + part.len() > NAME_BYTES {
            break;
        }
        if !name.is_empty() {
            name.push('_');
        }
        name.push_str(&part[..part.len().min(NAME_BYTES)].to_ascii_lowercase());
    }
    if name.is_empty() {
        return Err(Error::invalid_input("the message can't name a folder: expected a letter a-z or a digit in it"));
    }
    Ok(name)
}

/// A dialect is a part of a path here.
fn dialect_folder(dialect: &str) -> Result<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !dialect.is_empty() && dialect.chars().all(plain) {
        return Ok(dialect);
    }
    Err(Error::invalid_input(format!("{dialect:?} is no name of a dialect: expected letters, digits, - and _")))
}

/// Nothing of a message leaves its comment.
fn one_line(message: &str) -> String {
    message.split(char::is_control).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn metadata_text(metadata: &Metadata) -> String {
    let Metadata { run_in_transaction, parents, compatibility, rebuild, apart } = metadata;
    // What JSON escapes, TOML escapes in the same way, and either takes as a key too.
    let quoted = |text: &str| serde_json::to_string(text).expect("a text is JSON");
    let mut text = format!("run_in_transaction = {run_in_transaction}\n");
    if !parents.is_empty() {
        let parents = parents.iter().map(|parent| quoted(parent.as_str())).collect::<Vec<_>>().join(", ");
        writeln!(text, "parents = [{parents}]").expect("a String takes it");
    }
    if *compatibility != Compatibility::default() {
        writeln!(text, "compatibility = {}", quoted(compatibility.code())).expect("a String takes it");
    }
    if *rebuild {
        text.push_str("rebuild = true\n");
    }
    if !apart.is_empty() {
        text.push_str("\n[apart]\n");
        for (object, reason) in apart {
            writeln!(text, "{} = {}", quoted(object), quoted(reason)).expect("a String takes it");
        }
    }
    text
}

fn unwritable(folder: &Path, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::AlreadyExists => ErrorKind::Conflict,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        io::ErrorKind::ReadOnlyFilesystem => ErrorKind::ReadOnly,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::StorageFull,
        _ => ErrorKind::Unexpected,
    };
    Error::new(kind, format!("{} can't be written: {error}", folder.display()))
}
