//! The user that a private server runs as, and what is run without rights.
//!
//! PostgreSQL refuses to run as root, which is who runs the tests in many a container. The server then runs as the user
//! `postgres` or, where there is none, `nobody`.

use std::{
    env, fs,
    io::ErrorKind,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use super::ServerError;

/// Who runs the programs of a private server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerUser {
    /// The user who runs the tests.
    Caller,
    /// Another user, because the tests run as root.
    Other { uid: u32, gid: u32 },
}

impl ServerUser {
    /// Picks the user, who is another one only when this process is root.
    pub(crate) fn choose() -> Result<Self, ServerError> {
        // The owner of a new file is the effective user; std has no other way to ask without unsafe code.
        let uid = tempfile::tempfile().and_then(|file| file.metadata()).map(|metadata| metadata.uid());
        if uid.map_err(|error| ServerError::because("could not create a temporary file", error))? != 0 {
            return Ok(Self::Caller);
        }
        let accounts = match fs::read_to_string("/etc/passwd") {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(ServerError::because("could not read /etc/passwd", error)),
        };
        ["postgres", "nobody"].into_iter().find_map(|name| find(&accounts, name)).ok_or_else(|| {
            ServerError::new(
                "PostgreSQL refuses to run as root and /etc/passwd has neither a user postgres nor nobody, run the tests \
                 as another user than root",
            )
        })
    }

    /// Returns a command that runs as this user, in a process group of its own and with no variable that steers PostgreSQL.
    pub(crate) fn command(self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        for (name, _) in env::vars_os() {
            // PGDATA and the like steer the programs; LANGUAGE would outrank lc_messages.
            if ["PG", "LC_", "LANG"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        // Without a locale in the environment, the server turns multithreaded on macOS and stops.
        command.env("LC_ALL", "C");
        // Ctrl-C and a runner that kills the group of a test must not reach the server before its supervisor acts.
        command.process_group(0);
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Gives a file or folder to this user.
    pub(crate) fn own(self, path: &Path) -> Result<(), ServerError> {
        match self {
            Self::Caller => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(uid), Some(gid)).map_err(|error| {
                ServerError::because(format!("could not give {} to user {uid}", path.display()), error)
            }),
        }
    }
}

/// Finds a user's ids in the text of `/etc/passwd`.
fn find(accounts: &str, name: &str) -> Option<ServerUser> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let (uid, gid) = (fields.nth(1)?, fields.next()?);
        Some(ServerUser::Other { uid: id(uid)?, gid: id(gid)? })
    })
}

/// Reads a user's or group's id, which macOS writes as -2 for `nobody`.
fn id(text: &str) -> Option<u32> {
    text.parse().ok().or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_whole_name() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\npostgresql:x:7:7::/:\npostgres:x:101:104:PG,,,:/var/lib:/bin/sh\n\
                        nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false\n";
        assert_eq!(find(accounts, "postgres"), Some(ServerUser::Other { uid: 101, gid: 104 }));
        assert_eq!(find(accounts, "nobody"), Some(ServerUser::Other { uid: u32::MAX - 1, gid: u32::MAX - 1 }));
        assert_eq!(find(accounts, "somebody"), None);
    }
}
