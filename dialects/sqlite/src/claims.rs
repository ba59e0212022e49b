//! Which files opening would own.
//!
//! Two copies of SQLite in one process that open one file lose committed data, for POSIX drops every lock a process has
//! on a file when any descriptor of it is closed. So nothing here opens a file: names are resolved by `stat` alone.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::config::Location;

/// What SQLite keeps beside the main file: the write-ahead log, its index and the rollback journal.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Returns the files of the database, the main file first, by their real paths as far as these exist.
pub(crate) fn files(location: &Location) -> Vec<PathBuf> {
    match location {
        Location::Memory => Vec::new(),
        Location::File { path, .. } => {
            let main = real_path(path);
            let beside = BESIDE.map(|suffix| beside(&main, suffix));
            std::iter::once(main).chain(beside).collect()
        }
    }
}

/// Returns the path of a file that SQLite keeps beside the main one.
pub(crate) fn beside(main: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(main);
    name.push(suffix);
    name.into()
}

/// Resolves links as SQLite does. A file that isn't there yet has its folder's real path and its own name.
fn real_path(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: PathBuf) -> Location {
        Location::File { given: path.display().to_string(), path }
    }

    #[test]
    fn memory_claims_nothing() {
        assert!(files(&Location::Memory).is_empty());
    }

    #[test]
    fn links_and_missing_files_resolve_to_one_name() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("sub")).unwrap();
        let missing = files(&file(real.join("sub/../a.db")));
        assert_eq!(missing[0], real.join("a.db"));
        assert_eq!(missing[1], real.join("a.db-wal"));
        std::fs::write(real.join("a.db"), "").unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(real.join("a.db"), real.join("link.db")).unwrap();
            assert_eq!(files(&file(real.join("link.db"))), missing);
        }
        assert_eq!(files(&file(PathBuf::from("/no/such/folder/a.db")))[0], PathBuf::from("/no/such/folder/a.db"));
    }
}
