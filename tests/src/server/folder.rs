//! The temporary folder of a private server.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{ServerError, account::ServerUser};

/// Longest path of a Unix socket in bytes: macOS has room for 104 with the final zero, Linux for 108.
const SOCKET_PATH_LIMIT: usize = 103;

/// Name that every folder begins with. Six random characters follow.
const PREFIX: &str = "polymnia-";

/// Creates a folder that belongs to the server's user, is closed to others and short enough for a Unix socket.
pub(super) fn create(user: ServerUser) -> Result<TempDir, ServerError> {
    let candidates = [env::temp_dir(), PathBuf::from("/tmp"), PathBuf::from("/var/tmp")];
    let parent = candidates.iter().filter_map(|folder| folder.canonicalize().ok()).find(|folder| suits(folder, user));
    let parent = parent.ok_or_else(|| {
        ServerError::new(format!(
            "none of {} suits as the parent of a server's folder: its path has to be short and, as the tests run as root, \
             open to every user; set TMPDIR",
            candidates.map(|folder| folder.display().to_string()).join(", ")
        ))
    })?;
    let private = fs::Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix(PREFIX).permissions(private).tempdir_in(&parent);
    let folder = folder
        .map_err(|error| ServerError::because(format!("could not create a folder in {}", parent.display()), error))?;
    user.own(folder.path())?;
    Ok(folder)
}

fn suits(folder: &Path, user: ServerUser) -> bool {
    let longest = folder.join(format!("{PREFIX}123456")).join(".s.PGSQL.65535");
    if longest.as_os_str().len() > SOCKET_PATH_LIMIT {
        return false;
    }
    match user {
        ServerUser::Caller => true,
        // The other user has to write here too, to remove its folder in the end.
        ServerUser::Other { .. } => mode_has(folder, 0o003) && folder.ancestors().all(|path| mode_has(path, 0o001)),
    }
}

fn mode_has(path: &Path, bits: u32) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & bits == bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_or_closed_parent_does_not_suit() {
        let other = ServerUser::Other { uid: 1, gid: 1 };
        let mode = fs::Permissions::from_mode;
        let outer = tempfile::tempdir().unwrap();
        let (long, open) = (outer.path().join("x".repeat(90)), outer.path().join("x"));
        for folder in [&long, &open] {
            fs::create_dir(folder).unwrap();
            fs::set_permissions(folder, mode(0o777)).unwrap();
        }
        fs::set_permissions(outer.path(), mode(0o755)).unwrap();
        assert!(!suits(&long, ServerUser::Caller), "too long");
        assert!(suits(outer.path(), ServerUser::Caller));
        assert!(!suits(outer.path(), other), "the other user could not remove its folder there");
        assert!(suits(&open, other));
        fs::set_permissions(outer.path(), mode(0o700)).unwrap();
        assert!(suits(&open, ServerUser::Caller));
        assert!(!suits(&open, other), "its parent is closed");
    }
}
