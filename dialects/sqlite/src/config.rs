//! From a URL to what is to be opened.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use polymnia::spi::Claim;
use polymnia::{
    ConnectionString, Error, ErrorKind, OpenOptions, Parameters, Result, Settings, parse_duration, percent_decode,
};

/// Says what to open and how.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) location: Location,
    pub(crate) mode: Mode,
    /// How long to wait for another connection's lock.
    pub(crate) busy_timeout: Duration,
    pub(crate) synchronous: Synchronous,
    /// How much of the file is read through memory mapping, in bytes.
    pub(crate) mmap_size: u64,
    /// How much of the file each connection keeps in memory of its own, in bytes.
    pub(crate) cache_size: u64,
    /// After how many pages the write-ahead log is written to the file.
    pub(crate) wal_autocheckpoint: u64,
    pub(crate) settings: Settings,
    /// The right to have the file open, which each connection keeps.
    pub(crate) claim: Option<Arc<Claim>>,
}

/// Is where a database lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// In memory, shared by the connections of one engine.
    Memory,
    /// In a file.
    File {
        /// Absolute, so that a change of the working directory doesn't lead later connections elsewhere.
        path: PathBuf,
        /// As it was given, for messages.
        given: String,
    },
}

/// Says what may be done to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Read it.
    ReadOnly,
    /// Read and write it.
    ReadWrite,
    /// Read and write it, and create it if need be.
    Create,
}

/// Says how hard a commit tries to reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Synchronous {
    Full,
    Normal,
}

const MEMORY: &str = ":memory:";
const OWN_PARAMETERS: [&str; 6] =
    ["mode", "busy_timeout", "synchronous", "mmap_size", "cache_size", "wal_autocheckpoint"];
const DEFAULT_BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// The most that SQLite is compiled for: 2 GiB less 64 KiB.
const MAX_MMAP_SIZE: u64 = 0x7fff_0000;
/// Postings of one batch lie in all places: at SQLite's own 2 MB, pages are written and read again within a batch.
const DEFAULT_CACHE_SIZE: u64 = 8 << 20;
const MAX_CACHE_SIZE: u64 = 64 << 30;
/// 32 MB. What a page gets from several batches goes to the file once: 1.5 times the rate of SQLite's own 1,000.
const DEFAULT_WAL_AUTOCHECKPOINT: u64 = 8_000;
const MAX_WAL_AUTOCHECKPOINT: u64 = 1 << 24;

/// What stands for itself in a `file:` URI. `?`, `#` and `%` mean something there.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Config {
    /// Reads the URL and the options.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming what can't be read.
    pub(crate) fn read(options: &OpenOptions) -> Result<Self> {
        let (base, mut parameters) = options.url().split_parameters()?;
        let settings = options.resolve(&mut parameters)?;
        let location = Location::read(base)?;
        let mode = match parameters.take("mode").as_deref() {
            None | Some("rwc") => Mode::Create,
            Some("rw") => Mode::ReadWrite,
            Some("ro") => Mode::ReadOnly,
            Some(other) => return Err(unknown_value("mode", other, "ro, rw or rwc")),
        };
        if location == Location::Memory && mode != Mode::Create {
            let message = "mode is given for a database in memory, which is always new: expected none";
            return Err(Error::new(ErrorKind::Config, message));
        }
        let synchronous = match parameters.take("synchronous").as_deref() {
            None | Some("full") => Synchronous::Full,
            Some("normal") => Synchronous::Normal,
            Some(other) => return Err(unknown_value("synchronous", other, "full or normal")),
        };
        let busy_timeout = busy_timeout(&mut parameters)?;
        let mmap_size = number(&mut parameters, "mmap_size", MAX_MMAP_SIZE, 0..=MAX_MMAP_SIZE, "bytes")?;
        let cache_size = number(&mut parameters, "cache_size", DEFAULT_CACHE_SIZE, 1024..=MAX_CACHE_SIZE, "bytes")?;
        let range = 0..=MAX_WAL_AUTOCHECKPOINT;
        let wal_autocheckpoint =
            number(&mut parameters, "wal_autocheckpoint", DEFAULT_WAL_AUTOCHECKPOINT, range, "pages")?;
        let known: Vec<&str> = Settings::PARAMETERS.into_iter().chain(OWN_PARAMETERS).collect();
        parameters.finish(&known)?;
        Ok(Self {
            location,
            mode,
            busy_timeout,
            synchronous,
            mmap_size,
            cache_size,
            wal_autocheckpoint,
            settings,
            claim: None,
        })
    }

    /// Sets the right to have the file open.
    pub(crate) fn with_claim(self, claim: &Arc<Claim>) -> Self {
        Self { claim: Some(Arc::clone(claim)), ..self }
    }
}

impl Location {
    /// Reads what stands before the parameters: `sqlite:` and a path, or the path of a database in memory.
    fn read(base: &str) -> Result<Self> {
        if base == MEMORY {
            return Ok(Self::Memory);
        }
        let rest = base.split_once(':').map_or(base, |(_, rest)| rest);
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path == MEMORY {
            return Ok(Self::Memory);
        }
        let given = percent_decode(path)?;
        if given.is_empty() {
            let message = "the database URL names no file: expected one such as sqlite://polymnia.db";
            return Err(Error::new(ErrorKind::Config, message));
        }
        if given.contains('\0') {
            return Err(Error::new(ErrorKind::Config, "the path in the database URL holds a NUL character"));
        }
        let path = std::path::absolute(&given).map_err(|error| {
            Error::new(ErrorKind::Config, format!("path {given:?} can't be made absolute: {error}"))
        })?;
        Ok(Self::File { path, given })
    }
}

/// Returns whether the text is `:memory:`, with or without parameters.
pub(crate) fn is_bare_memory(text: &ConnectionString) -> bool {
    text.expose().split('?').next() == Some(MEMORY)
}

/// Returns the `file:` URI of an absolute path, which SQLite decodes to the same bytes.
///
/// `parameters` is ours, such as `mode=ro`.
pub(crate) fn file_uri(path: &Path, parameters: &str) -> Result<String> {
    let Some(path) = path.to_str() else {
        return Err(Error::new(ErrorKind::Config, format!("path {} is not UTF-8", path.display())));
    };
    // Two slashes and then the path, for a path that begins with two slashes would else be read as a host.
    Ok(format!("file://{}?{parameters}", utf8_percent_encode(path, PATH)))
}

fn busy_timeout(parameters: &mut Parameters) -> Result<Duration> {
    match parameters.take("busy_timeout") {
        None => Ok(DEFAULT_BUSY_TIMEOUT),
        Some(text) => parse_duration(&text).map_err(|error| error.with_context("parameter", "busy_timeout")),
    }
}

fn number(
    parameters: &mut Parameters,
    name: &'static str,
    default: u64,
    range: RangeInclusive<u64>,
    unit: &str,
) -> Result<u64> {
    let Some(text) = parameters.take(name) else { return Ok(default) };
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| unknown_value(name, &text, &format!("{} to {} {unit}", range.start(), range.end())))
}

fn unknown_value(parameter: &str, value: &str, expected: &str) -> Error {
    let shown: String = value.chars().take(40).collect();
    Error::new(ErrorKind::Config, format!("parameter {parameter} is {shown:?}: expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Config> {
        Config::read(&OpenOptions::new(url))
    }

    fn path_of(url: &str) -> PathBuf {
        match read(url).unwrap().location {
            Location::File { path, .. } => path,
            Location::Memory => panic!("{url} is in memory"),
        }
    }

    #[test]
    fn urls_name_files() {
        let here = std::env::current_dir().unwrap();
        for (url, path) in [
            ("sqlite://rel.db", here.join("rel.db")),
            ("sqlite:rel.db", here.join("rel.db")),
            ("sqlite://dir/rel.db", here.join("dir/rel.db")),
            ("sqlite:///abs.db", PathBuf::from("/abs.db")),
            ("sqlite:/abs.db", PathBuf::from("/abs.db")),
            ("SQLite:///abs.db", PathBuf::from("/abs.db")),
            ("sqlite:///a%20b%3Fc%23d%25e.db", PathBuf::from("/a b?c#d%e.db")),
            ("sqlite:///a#b.db", PathBuf::from("/a#b.db")),
            ("sqlite:///%C3%A9.db?mode=ro", PathBuf::from("/é.db")),
            ("sqlite://file:x.db", here.join("file:x.db")),
        ] {
            assert_eq!(path_of(url), path, "{url}");
        }
    }

    #[test]
    fn urls_name_memory() {
        for url in [":memory:", "sqlite::memory:", "sqlite://:memory:", ":memory:?pool_max_size=2"] {
            assert_eq!(read(url).unwrap().location, Location::Memory, "{url}");
        }
        assert!(is_bare_memory(&":memory:?statement_timeout=1s".into()));
        assert!(!is_bare_memory(&"memory.db".into()));
    }

    #[test]
    fn parameters_apply() {
        let config = read("sqlite://a.db?mode=rw&busy_timeout=250ms&synchronous=normal&pool_max_size=3").unwrap();
        assert_eq!((config.mode, config.synchronous), (Mode::ReadWrite, Synchronous::Normal));
        assert_eq!((config.busy_timeout, config.settings.max_size), (Duration::from_millis(250), 3));
        let config = read("sqlite://a.db").unwrap();
        assert_eq!((config.mode, config.synchronous), (Mode::Create, Synchronous::Full));
        assert_eq!((config.busy_timeout, config.mmap_size), (DEFAULT_BUSY_TIMEOUT, MAX_MMAP_SIZE));
        assert_eq!(read("sqlite://a.db?mmap_size=0").unwrap().mmap_size, 0);
        let config = read("sqlite://a.db?cache_size=1048576&wal_autocheckpoint=0").unwrap();
        assert_eq!((config.cache_size, config.wal_autocheckpoint), (1 << 20, 0));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (url, message) in [
            ("sqlite://a.db?mode=readonly", "parameter mode is \"readonly\": expected ro, rw or rwc"),
            ("sqlite://a.db?synchronous=off", "parameter synchronous is \"off\": expected full or normal"),
            ("sqlite://a.db?mmap_size=1GB", "parameter mmap_size is \"1GB\": expected 0 to 2147418112 bytes"),
            ("sqlite://a.db?cache_size=0", "parameter cache_size is \"0\": expected 1024 to 68719476736 bytes"),
            (
                "sqlite://a.db?wal_autocheckpoint=-1",
                "parameter wal_autocheckpoint is \"-1\": expected 0 to 16777216 pages",
            ),
            ("sqlite://", "the database URL names no file: expected one such as sqlite://polymnia.db"),
            ("sqlite://a%00b", "the path in the database URL holds a NUL character"),
            ("sqlite://:memory:?mode=ro", "mode is given for a database in memory, which is always new: expected none"),
        ] {
            let error = read(url).unwrap_err();
            assert_eq!((error.kind(), error.message()), (ErrorKind::Config, message), "{url}");
        }
        let error = read("sqlite://a.db?sslmode=require").unwrap_err();
        assert!(error.message().starts_with("unknown parameter \"sslmode\""), "{error}");
        assert!(
            error.message().ends_with(
                "connect_timeout, mode, busy_timeout, synchronous, mmap_size, cache_size, wal_autocheckpoint"
            ),
            "{error}"
        );
        assert_eq!(read("sqlite://a?busy_timeout=x").unwrap_err().context_value("parameter"), Some("busy_timeout"));
    }

    #[test]
    fn paths_are_encoded_for_sqlite() {
        let uri = file_uri(Path::new("//srv/a?b#c%d é&.db"), "mode=ro").unwrap();
        assert_eq!(uri, "file:////srv/a%3Fb%23c%25d%20%C3%A9%26.db?mode=ro");
    }
}
