//! Bytes that the system's loader can load and that nobody can change any more.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Is a copy of a library's bytes.
#[derive(Debug)]
pub(super) enum Sealed {
    /// In memory. The file stays open for good: the loader knows a library by its path, and this path has the number of the
    /// open file in it, which would else be another's soon.
    #[cfg(target_os = "linux")]
    Memory {
        /// Under which the loader finds it.
        path: PathBuf,
        /// Which keeps it.
        _file: File,
    },
    /// In a folder of this user alone, which goes when this is dropped.
    Folder {
        /// Under which the loader finds it.
        path: PathBuf,
        /// Which keeps it.
        _folder: TempDir,
    },
}

impl Sealed {
    /// Copies a library's bytes.
    pub(super) fn copy(bytes: &[u8]) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        match in_memory(bytes) {
            // A kernel that has no such files, or a process that doesn't see its own.
            Err(error) => log::debug!(target: super::LOG, "a plugin is copied to a folder: {error}"),
            sealed => return sealed,
        }
        in_folder(bytes)
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            #[cfg(target_os = "linux")]
            Self::Memory { path, .. } => path,
            Self::Folder { path, .. } => path,
        }
    }

    /// Returns whether it can be loaded again under its path, in place of another copy.
    pub(super) fn is_kept(&self) -> bool {
        match self {
            #[cfg(target_os = "linux")]
            Self::Memory { .. } => true,
            Self::Folder { .. } => false,
        }
    }
}

#[cfg(target_os = "linux")]
fn in_memory(bytes: &[u8]) -> io::Result<Sealed> {
    use std::os::fd::AsRawFd as _;

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

    let mut file = File::from(memfd_create("polymnia-plugin", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
    file.write_all(bytes)?;
    fcntl_add_seals(&file, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    fs::metadata(&path)?;
    Ok(Sealed::Memory { path, _file: file })
}

fn in_folder(bytes: &[u8]) -> io::Result<Sealed> {
    let folder = tempfile::Builder::new().prefix("polymnia-plugin-").tempdir()?;
    let path = folder.path().join(format!("plugin{}", std::env::consts::DLL_SUFFIX));
    fs::write(&path, bytes)?;
    Ok(Sealed::Folder { path, _folder: folder })
}
