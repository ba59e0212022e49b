//! Where the temporary folder of a private server goes.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{ServerError, account::ServerUser};

/// Longest path of a Unix socket in bytes: macOS has room for 104 with the final zero, Linux for 108.
const SOCKET_PATH_LIMIT: usize = 103;

/// Chooses the path of a new folder, which the server's user can create and which is short enough for a Unix socket.
pub(super) fn choose(user: ServerUser) -> Result<PathBuf, ServerError> {
    let candidates = [env::temp_dir(), PathBuf::from("/tmp"), PathBuf::from("/var/tmp")];
    let parent = candidates.iter().filter_map(|folder| folder.canonicalize().ok()).find(|folder| suits(folder, user));
    let parent = parent.ok_or_else(|| {
        ServerError::new(format!(
            "none of {} suits as the parent of a server's folder: its path has to be short and, as the tests run as root, \
             open to every user; set TMPDIR",
            candidates.map(|folder| folder.display().to_string()).join(", ")
        ))
    })?;
    Ok(parent.join(name()))
}

/// A name that is free, or creating the folder fails: 36^8 is enough for one machine's tests.
fn name() -> String {
    let random: String = std::iter::repeat_with(|| fastrand::digit(36)).take(8).collect();
    format!("polymnia-{random}")
}

fn suits(folder: &Path, user: ServerUser) -> bool {
    let longest = folder.join(name()).join(".s.PGSQL.65535");
    if longest.as_os_str().len() > SOCKET_PATH_LIMIT {
        return false;
    }
    match user {
        ServerUser::Caller => true,
        // The other user has to write here too, to create its folder and to remove it.
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
        assert!(!suits(outer.path(), other), "the other user could not create a folder there");
        assert!(suits(&open, other));
        fs::set_permissions(outer.path(), mode(0o700)).unwrap();
        assert!(suits(&open, ServerUser::Caller));
        assert!(!suits(&open, other), "its parent is closed");
    }
}
