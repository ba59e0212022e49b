//! The file of a library: found by the path that was given, and by nothing else.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use polymnia::{ErrorKind, Result};

use super::fault::{refused, system, unfit};

/// The greatest library: its bytes are read into memory to be summed.
const MAX_BYTES: u64 = 1 << 30;

/// Is a file that may be a library.
#[derive(Debug)]
pub(super) struct Found {
    /// As it was given, absolute.
    pub(super) given: PathBuf,
    /// Without links.
    pub(super) path: PathBuf,
    /// How long it is.
    pub(super) bytes: u64,
    /// Which file it is.
    pub(super) node: Node,
}

/// Tells files apart, whatever their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// By what the system counts.
    #[cfg(unix)]
    Inode {
        /// The device.
        device: u64,
        /// The number on it.
        number: u64,
    },
    /// By the path without links.
    #[cfg(not(unix))]
    Path(PathBuf),
}

impl Found {
    /// Finds the file of a library, without opening it: what is no plain file may wait for ever, or do something, when it is
    /// opened.
    pub(super) fn at(path: &Path) -> Result<Self> {
        let is_bare = path.parent().is_none_or(|folder| folder.as_os_str().is_empty());
        if is_bare && !path.has_root() {
            let reason = "its path has no folder, and plugins are not searched for";
            let error = refused(ErrorKind::Config, path, reason);
            return Err(error.with_hint(format!("write ./{} for one in the working directory", path.display())));
        }
        let given = std::path::absolute(path).map_err(|error| system(path, "its path", error))?;
        let real = path.canonicalize().map_err(|error| system(path, "the file", error))?;
        let metadata = std::fs::metadata(&real).map_err(|error| system(path, "the file", error))?;
        check_kind(path, &metadata)?;
        let node = Node::of(&real, &metadata);
        Ok(Self { given, path: real, bytes: metadata.len(), node })
    }

    /// Opens the file for reading.
    pub(super) fn open(&self) -> Result<File> {
        open_plain(&self.path).map_err(|error| system(&self.path, "the file", error))
    }

    /// Reads the file whole.
    pub(super) fn read(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.bytes).unwrap_or(0));
        let read = self.open()?.read_to_end(&mut bytes);
        read.map_err(|error| system(&self.path, "the file", error))?;
        Ok(bytes)
    }
}

impl Node {
    #[cfg(unix)]
    fn of(_: &Path, metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self::Inode { device: metadata.dev(), number: metadata.ino() }
    }

    #[cfg(not(unix))]
    fn of(path: &Path, _: &Metadata) -> Self {
        Self::Path(path.to_owned())
    }
}

/// Opens a file that is a plain one, without waiting if it has become something else.
#[cfg(unix)]
pub(super) fn open_plain(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    plain(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

/// Opens a file that is a plain one.
#[cfg(not(unix))]
pub(super) fn open_plain(path: &Path) -> io::Result<File> {
    plain(File::open(path)?)
}

fn plain(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no plain file")) }
}

fn check_kind(path: &Path, metadata: &Metadata) -> Result<()> {
    if metadata.is_dir() {
        return Err(unfit(path, "it is a folder: expected a shared library"));
    }
    if !metadata.is_file() {
        return Err(unfit(path, "it is no plain file: expected a shared library"));
    }
    if metadata.len() == 0 {
        return Err(unfit(path, "it is empty: expected a shared library"));
    }
    if metadata.len() > MAX_BYTES {
        let what = format!("it is {} bytes long: expected a shared library of {MAX_BYTES} at most", metadata.len());
        return Err(unfit(path, what));
    }
    Ok(())
}
