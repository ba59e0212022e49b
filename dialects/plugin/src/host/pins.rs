//! `plugins.toml`: the libraries that may be loaded, by the sums of their bytes.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use polymnia::{Error, ErrorKind, Result};
use sha2::{Digest as _, Sha256};

use super::fault::refused;
use super::file::{Found, open_plain};
use super::trust::check_trust;

/// What the file is called.
pub const PINS_FILE: &str = "plugins.toml";

/// No list of plugins is longer, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Is a SHA-256 sum.
pub(super) type Sum = [u8; 32];

/// Is what `plugins.toml` says.
#[derive(Debug)]
pub(super) struct Pins {
    path: PathBuf,
    entries: Vec<(PathBuf, Sum)>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    plugin: Vec<Entry>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: PathBuf,
    sha256: String,
}

impl Pins {
    /// Reads the lists that a library must be on: those in the folder of the path given and in its own folder, where there is
    /// one, and those that the caller named.
    pub(super) fn of(found: &Found, named: &[PathBuf], allow_insecure: bool) -> Result<Vec<Self>> {
        let beside = [&found.given, &found.path].map(|path| path.with_file_name(PINS_FILE));
        let mut lists: Vec<Self> = Vec::new();
        for (path, must_be_there) in
            beside.iter().map(|path| (&**path, false)).chain(named.iter().map(|path| (&**path, true)))
        {
            let is_read = lists.iter().any(|list| list.path == path);
            // A link to nothing is there as well: whoever made it meant something.
            if !is_read && (must_be_there || path.symlink_metadata().is_ok()) {
                lists.push(Self::read(path, allow_insecure)?);
            }
        }
        Ok(lists)
    }

    fn read(path: &Path, allow_insecure: bool) -> Result<Self> {
        let unreadable = |error: std::io::Error| {
            let kind = match error.kind() {
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
                _ => ErrorKind::Config,
            };
            Error::new(kind, format!("list of plugins {} can't be read: {error}", path.display())).with_source(error)
        };
        if !allow_insecure {
            check_trust(path)?;
        }
        let mut text = String::new();
        open_plain(path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text)).map_err(unreadable)?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        let wrong =
            |reason: String| Error::new(ErrorKind::Config, format!("list of plugins {}: {reason}", path.display()));
        let document: Document = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| 1 + text[..span.start].matches('\n').count());
            let refusal = wrong(error.message().trim_end().to_owned()).with_hint(FORM);
            match line {
                Some(line) => refusal.with_context("line", line),
                None => refusal,
            }
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut entries: Vec<(PathBuf, Sum)> = Vec::new();
        for Entry { file, sha256 } in document.plugin {
            let named = file.display();
            let sum = parse_sum(&sha256)
                .ok_or_else(|| wrong(format!("the sha256 of {named} is no sum: expected 64 hexadecimal digits")))?;
            let file = folder.join(&file);
            if entries.iter().any(|(other, _)| *other == file) {
                return Err(wrong(format!("{named} is listed twice")));
            }
            entries.push((file, sum));
        }
        Ok(Self { path: path.to_owned(), entries })
    }

    /// Refuses a library that isn't listed, or that is listed with another sum.
    pub(super) fn check(&self, found: &Found, sum: &Sum) -> Result<()> {
        // By the file it leads to: the list may name a link.
        let leads_there = |file: &Path| file.canonicalize().is_ok_and(|real| real == found.path);
        let list = self.path.display();
        let listed: Vec<&Sum> =
            self.entries.iter().filter(|(file, _)| leads_there(file)).map(|(_, pinned)| pinned).collect();
        let Some(pinned) = listed.first() else {
            let error = refused(ErrorKind::PermissionDenied, &found.path, format!("{list} doesn't list it"));
            return Err(error.with_hint(format!("list it there, with sha256 = \"{}\", if you trust it", hex(sum))));
        };
        if listed.iter().all(|pinned| *pinned == sum) {
            return Ok(());
        }
        let reason = format!("its bytes are not those that {list} pins: sha256 {}, expected {}", hex(sum), hex(pinned));
        let error = refused(ErrorKind::PermissionDenied, &found.path, reason);
        Err(error.with_hint("find out who changed the file before you change the sum"))
    }
}

const FORM: &str = "write [[plugin]] with file = \"lib.so\" and sha256 = \"...\" for each library";

/// Returns the sum of bytes.
pub(super) fn sum(bytes: &[u8]) -> Sum {
    Sha256::digest(bytes).into()
}

/// Writes a sum as hexadecimal digits.
pub(super) fn hex(sum: &Sum) -> String {
    sum.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn parse_sum(text: &str) -> Option<Sum> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| digit.try_into().ok())).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse(text: &str) -> Result<Pins> {
        Pins::parse(Path::new("/plugins/plugins.toml"), text)
    }

    #[test]
    fn sums_are_read_and_written() {
        assert_eq!(hex(&sum(b"")), SUM);
        assert_eq!(parse_sum(&SUM.to_uppercase()).map(|sum| hex(&sum)).as_deref(), Some(SUM));
        for wrong in ["", "e3", &SUM[1..], &format!("{SUM}00"), &SUM.replace('e', "g")] {
            assert_eq!(parse_sum(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_list_names_files_of_its_folder() {
        let pins = parse(&format!("[[plugin]]\nfile = \"a.so\"\nsha256 = \"{SUM}\"\n")).unwrap();
        assert_eq!(pins.entries[0].0, Path::new("/plugins/a.so"));
        assert!(parse("").unwrap().entries.is_empty(), "an empty list refuses everything");
    }

    #[test]
    fn what_a_list_does_not_know_is_refused() {
        let entry = format!("[[plugin]]\nfile = \"a.so\"\nsha256 = \"{SUM}\"\n");
        for (text, part) in [
            ("[[plugins]]\n".to_owned(), "plugins"),
            (format!("{entry}mode = 1\n"), "mode"),
            ("[[plugin]]\nfile = \"a.so\"\n".to_owned(), "sha256"),
            ("[[plugin]]\nfile = \"a.so\"\nsha256 = \"12\"\n".to_owned(), "64 hexadecimal digits"),
            (format!("{entry}{entry}"), "listed twice"),
            ("not toml".to_owned(), "plugins.toml"),
        ] {
            let error = parse(&text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{text}");
            assert!(error.to_string().contains(part), "{text}: {error}");
        }
    }
}
