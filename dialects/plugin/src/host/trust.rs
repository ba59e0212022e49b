//! Who could have changed a library.
//!
//! A library is code that runs with all rights of the process. So nobody else than its user, and root, may be able to write
//! to it, to put another in its place, or to lead the path to it elsewhere.

use std::path::Path;

use polymnia::Result;

/// Refuses a file that others than root and the process's user could change.
///
/// Checked is each step of the path, through all links: the file, its folder and every folder above belong to root or to the
/// effective user of the process, and neither their group nor others may write to them. A folder with the sticky bit, such as
/// `/tmp`, may be above, for what is in it can be moved by its owner alone; it may not be the file's own folder. A link
/// belongs to one of the two as well. An access control list of POSIX shows in the mode of the group and so is checked, one of
/// macOS is not. Elsewhere than on Unix nothing is checked: keep plugins where only administrators can write.
///
/// # Errors
///
/// [`ErrorKind::PermissionDenied`](polymnia::ErrorKind::PermissionDenied) naming the file or folder, its mode and its owner;
/// [`ErrorKind::NotFound`](polymnia::ErrorKind::NotFound).
pub fn check_trust(path: &Path) -> Result<()> {
    imp::check(path)
}

#[cfg(unix)]
mod imp {
    use std::collections::VecDeque;
    use std::ffi::OsString;
    use std::fs::Metadata;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::{Component, Path, PathBuf};

    use polymnia::{Error, ErrorKind, Result};

    use super::super::fault::system;

    /// How many links one path may lead through, as on Linux.
    const MOST_LINKS: usize = 40;
    const STICKY: u32 = 0o1000;
    const OTHERS_WRITE: u32 = 0o022;

    pub(super) fn check(path: &Path) -> Result<()> {
        let absolute = std::path::absolute(path).map_err(|error| system(path, "its path", error))?;
        let user = rustix::process::geteuid().as_raw();
        let mut walk = Walk { subject: path, user, at: PathBuf::from("/"), folders: Vec::new() };
        walk.enter_root()?;
        let mut steps = steps(&absolute);
        let mut links = 0;
        while let Some(step) = steps.pop_front() {
            if step == ".." {
                walk.leave();
                continue;
            }
            let next = walk.at.join(&step);
            let metadata = next.symlink_metadata().map_err(|error| system(path, &shown(&next), error))?;
            if metadata.is_symlink() {
                links += 1;
                walk.check_owner(&next, "link", &metadata)?;
                let target = next.read_link().map_err(|error| system(path, &shown(&next), error))?;
                if links > MOST_LINKS {
                    return Err(system(path, &shown(&next), std::io::Error::other("it leads through too many links")));
                }
                if target.has_root() {
                    walk.at = PathBuf::from("/");
                    walk.folders.truncate(1);
                }
                let mut through = self::steps(&target);
                through.append(&mut steps);
                steps = through;
            } else if metadata.is_dir() {
                walk.enter(next, metadata)?;
            } else if steps.is_empty() {
                return walk.check_file(&next, &metadata);
            } else {
                return Err(system(path, &shown(&next), std::io::ErrorKind::NotADirectory.into()));
            }
        }
        // A folder itself: as if it were the folder of a library.
        walk.check_own_folder()
    }

    /// Returns the names on a path, and `..` where it goes back.
    fn steps(path: &Path) -> VecDeque<OsString> {
        let named = path.components().filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        });
        named.collect()
    }

    struct Walk<'a> {
        /// What is asked about.
        subject: &'a Path,
        user: u32,
        /// Where the walk has come to.
        at: PathBuf,
        /// The folders from the root to there.
        folders: Vec<Metadata>,
    }

    impl Walk<'_> {
        fn enter_root(&mut self) -> Result<()> {
            let root = self.at.symlink_metadata().map_err(|error| system(self.subject, "/", error))?;
            let at = self.at.clone();
            self.enter(at, root)
        }

        /// Goes into a folder, which may be sticky if another follows.
        fn enter(&mut self, folder: PathBuf, metadata: Metadata) -> Result<()> {
            self.check_owner(&folder, "folder", &metadata)?;
            if metadata.mode() & STICKY == 0 {
                self.check_mode(&folder, "folder", &metadata)?;
            }
            self.at = folder;
            self.folders.push(metadata);
            Ok(())
        }

        fn leave(&mut self) {
            if self.folders.len() > 1 {
                self.folders.pop();
                self.at.pop();
            }
        }

        fn check_own_folder(&self) -> Result<()> {
            match self.folders.last() {
                Some(folder) => self.check_mode(&self.at, "folder", folder),
                None => Ok(()),
            }
        }

        fn check_file(&self, file: &Path, metadata: &Metadata) -> Result<()> {
            self.check_own_folder()?;
            self.check_owner(file, "file", metadata)?;
            self.check_mode(file, "file", metadata)
        }

        fn check_owner(&self, path: &Path, what: &str, metadata: &Metadata) -> Result<()> {
            let owner = metadata.uid();
            if owner == 0 || owner == self.user {
                return Ok(());
            }
            let expected = if self.user == 0 { "root".to_owned() } else { format!("root or user {}", self.user) };
            let fault = format!("it belongs to user {owner}: expected {expected}");
            // Of a link itself: what it leads to is looked at by itself.
            let remedy = format!("chown -h {} {}", self.user, path.display());
            Err(self.refuse(path, what, metadata, &fault, &remedy))
        }

        fn check_mode(&self, path: &Path, what: &str, metadata: &Metadata) -> Result<()> {
            let fault = match metadata.mode() & OTHERS_WRITE {
                0 => return Ok(()),
                0o020 => "its group can write to it",
                0o002 => "others can write to it",
                _ => "its group and others can write to it",
            };
            let remedy = if metadata.mode() & STICKY == 0 {
                format!("chmod go-w {}", path.display())
            } else {
                "move the file into a folder of its own".to_owned()
            };
            Err(self.refuse(path, what, metadata, fault, &remedy))
        }

        #[cold]
        fn refuse(&self, path: &Path, what: &str, metadata: &Metadata, fault: &str, remedy: &str) -> Error {
            let (mode, owner) = (metadata.mode() & 0o7777, metadata.uid());
            let place = if path == self.subject { what.to_owned() } else { format!("{what} {}", path.display()) };
            let message =
                format!("{} is not trusted: {fault} ({place}, mode {mode:04o}, owner {owner})", self.subject.display());
            let hint = format!("{remedy}; or allow it by --allow-insecure-plugin (LoadOptions::allow_insecure)");
            Error::new(ErrorKind::PermissionDenied, message).with_hint(hint)
        }
    }

    fn shown(path: &Path) -> String {
        path.display().to_string()
    }
}

#[cfg(not(unix))]
mod imp {
    use std::path::Path;

    use polymnia::Result;

    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(super) fn check(_: &Path) -> Result<()> {
        Ok(())
    }
}
