//! PostgreSQL's own programs: finding those that fit the server, and running them.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use polymnia::schema::SchemaFault;
use polymnia::{Call, Error, ErrorKind, Result};

use super::statement::without_values;
use crate::config::Config;
use crate::error;

/// The environment variable that names the folder of the programs.
const FOLDER: &str = "POLYMNIA_PG_BIN";
/// Where systems put them, when they are not in `PATH`: a folder for each version under these.
const VERSIONED: [(&str, &str); 5] = [
    ("/usr/lib/postgresql", "bin"),
    ("/usr/local/opt", "bin"),
    ("/opt/homebrew/opt", "bin"),
    ("/usr", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "bin"),
];
/// How often to look whether the caller gave up, or the program ended.
const POLL: Duration = Duration::from_millis(20);
/// How much of what a program complains of is kept.
const COMPLAINT_BYTES: u64 = 64 * 1024;

/// Is the folder of programs that fit a server.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    folder: PathBuf,
    major: u32,
}

impl Programs {
    /// Finds them: not older than the server, and not newer than need be, as what newer ones write may use what the server
    /// doesn't know.
    pub(super) fn find(server: u32) -> Result<Self> {
        let given = std::env::var_os(FOLDER).map(PathBuf::from);
        let folders = given.clone().map_or_else(folders, |folder| vec![folder]);
        let found = folders.into_iter().filter_map(|folder| {
            let major = major(&folder.join("pg_dump"))?;
            Some(Self { folder, major })
        });
        let mut fitting: Vec<Self> = found.filter(|one| one.major >= server).collect();
        // Of one version, the first in the order of looking.
        fitting.sort_by_key(|one| one.major);
        fitting.into_iter().next().ok_or_else(|| {
            let place = given.map_or(String::new(), |folder| format!(" in {}", folder.display()));
            SchemaFault::NoBackup
                .error(format!("no pg_dump of PostgreSQL {server} or later was found{place}"))
                .with_hint(format!(
                    "install the client programs of PostgreSQL {server}, or name their folder in {FOLDER}, or go on without a \
                     backup: `--backup never`"
                ))
        })
    }

    /// Finds the newest there are, to read what any of them wrote.
    pub(super) fn newest() -> Result<Self> {
        let given = std::env::var_os(FOLDER).map(PathBuf::from);
        let folders = given.map_or_else(folders, |folder| vec![folder]);
        let found = folders.into_iter().filter_map(|folder| {
            let major = major(&folder.join("pg_restore"))?;
            Some(Self { folder, major })
        });
        found.max_by_key(|one| one.major).ok_or_else(|| {
            SchemaFault::NoBackup
                .error("no pg_restore was found, which reads backups")
                .with_hint(format!("install PostgreSQL's client programs, or name their folder in {FOLDER}"))
        })
    }

    /// Returns a command whose messages are in English.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.folder.join(program));
        command.env("LC_ALL", "C").env_remove("LANGUAGE").stdin(Stdio::null());
        command
    }

    /// Returns a command that connects to a database. The password stands in its environment only.
    pub(super) fn connecting(&self, program: &str, config: &Config) -> Result<Command> {
        let (conninfo, password) = config.for_programs()?;
        let mut command = self.command(program);
        command.arg("--no-password").arg("--dbname").arg(conninfo);
        if let Some(password) = password {
            command.env("PGPASSWORD", password);
        }
        Ok(command)
    }
}

/// Is a program that runs. Dropped before its end, it is killed.
#[derive(Debug)]
pub(super) struct Running {
    name: String,
    child: Child,
    complaint: Option<JoinHandle<String>>,
}

impl Running {
    /// Starts it. What it complains of is kept.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let name = Path::new(command.get_program())
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut child = command.stderr(Stdio::piped()).spawn().map_err(|error| {
            Error::new(ErrorKind::Unavailable, format!("{name} can't be started")).with_source(error)
        })?;
        let complaint = child.stderr.take().map(|stderr| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                let mut kept = stderr.take(COMPLAINT_BYTES);
                let _ = kept.read_to_end(&mut text);
                // Read on, or the program would wait for ever with a full pipe.
                let _ = std::io::copy(&mut kept.into_inner(), &mut std::io::sink());
                String::from_utf8_lossy(&text).into_owned()
            })
        });
        Ok(Self { name, child, complaint })
    }

    /// Returns what it writes.
    pub(super) fn output(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Returns where it reads from.
    pub(super) fn input(&mut self) -> Option<std::process::ChildStdin> {
        self.child.stdin.take()
    }

    /// Hands each line of what it writes on, with its line end.
    pub(super) fn lines(&mut self, call: &Call, mut line: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let Some(output) = self.output() else { return Ok(()) };
        let mut output = BufReader::with_capacity(1 << 16, output);
        let mut text = Vec::new();
        loop {
            text.clear();
            let read = output.read_until(b'\n', &mut text).map_err(|error| {
                Error::new(ErrorKind::Unavailable, format!("what {} writes can't be read", self.name))
                    .with_source(error)
            })?;
            if read == 0 {
                return Ok(());
            }
            call.check()?;
            line(&text)?;
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// What it complains of, if it failed, without secrets and values.
    pub(super) fn finish(mut self, call: &Call, config: Option<&Config>) -> Result<()> {
        let status = loop {
            call.check()?;
            let ended = self.child.try_wait().map_err(|error| {
                Error::new(ErrorKind::Unexpected, format!("{} can't be waited for", self.name)).with_source(error)
            })?;
            match ended {
                Some(status) => break status,
                None => std::thread::sleep(POLL),
            }
        };
        if status.success() {
            return Ok(());
        }
        let complaint = self.complaint.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let complaint = config.map_or_else(|| complaint.clone(), |config| config.scrub(&complaint));
        Err(explain(&self.name, &complaint))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // No more than a formality where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the error for what a program complains of.
fn explain(name: &str, complaint: &str) -> Error {
    let told = complaint
        .lines()
        .find(|line| line.contains("error:") || line.contains("ERROR:"))
        .or_else(|| complaint.lines().next());
    let told = without_values(error::first_line(told.unwrap_or_default()));
    let has = |text: &str| complaint.contains(text);
    let error = if has("No space left on device") || has("disk full") || has("uota exceeded") {
        Error::new(ErrorKind::StorageFull, format!("{name} ran out of space"))
            .with_hint("free some space, or name another folder")
    } else if has("not appear to be a valid archive")
        || has("did not find magic string")
        || has("end of file")
        || has("could not read from input file")
        || has("could not uncompress")
        || has("corrupt")
    {
        Error::new(ErrorKind::Corrupt, "the file is no backup, or a damaged one")
    } else if has("unsupported version") {
        SchemaFault::NoBackup
            .error(format!("the {name} that was found is older than the one that wrote the backup"))
            .with_hint(format!("name the folder of a newer one in {FOLDER}"))
    } else if has("lock timeout") || has("canceling statement due to lock") {
        SchemaFault::Locked
            .error("others hold what is to be replaced")
            .with_hint("stop what uses the database, and run it again")
    } else if has("canceling statement due to statement timeout") {
        // So pg_dump waits for locks, and nothing else here has a timeout of statements.
        SchemaFault::Locked
            .error("others hold a table that is to be backed up")
            .with_hint("stop them, or give a longer --lock-wait")
    } else if has("permission denied") || has("must be owner") {
        Error::new(ErrorKind::PermissionDenied, format!("{name} lacks a privilege"))
            .with_hint("run it as a role that owns the database's tables")
    } else {
        Error::new(ErrorKind::Unavailable, format!("{name} failed"))
    };
    error.with_context("program", told)
}

/// Returns the major version of a program, if it is there and runs.
fn major(program: &Path) -> Option<u32> {
    if !program.is_file() {
        return None;
    }
    let output = Command::new(program).arg("--version").env("LC_ALL", "C").stdin(Stdio::null()).output().ok()?;
    major_of(&String::from_utf8_lossy(&output.stdout))
}

/// Reads `pg_dump (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)`.
fn major_of(text: &str) -> Option<u32> {
    let version = text.split_once("(PostgreSQL) ")?.1;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Lists where the programs may be.
fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    for (root, bin) in VERSIONED {
        let Ok(entries) = std::fs::read_dir(root) else { continue };
        let is_ours = |name: &OsStr| {
            let name = name.to_string_lossy();
            root != "/usr" && !root.ends_with("/opt")
                || name.starts_with("pgsql-")
                || name.starts_with("postgresql")
                || name == "libpq"
        };
        let mut versions: Vec<PathBuf> = entries
            .filter_map(|entry| {
                entry.ok().filter(|entry| is_ours(&entry.file_name())).map(|entry| entry.path().join(bin))
            })
            .collect();
        versions.sort();
        folders.extend(versions);
    }
    folders.push(PathBuf::from("/usr/local/pgsql/bin"));
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        for (text, expected) in [
            ("pg_dump (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)\n", Some(15)),
            ("pg_restore (PostgreSQL) 18beta1\n", Some(18)),
            ("something else 1.2", None),
        ] {
            assert_eq!(major_of(text), expected, "{text}");
        }
    }

    #[test]
    fn the_password_is_for_the_environment_only() {
        let programs = Programs { folder: PathBuf::from("/bin"), major: 15 };
        let config = |url: &str| Config::read(&polymnia::OpenOptions::new(url)).unwrap();
        let command = programs.connecting("pg_dump", &config("postgres://ann:hunter2@h/app")).unwrap();
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        assert!(arguments.iter().any(|argument| argument.contains("user='ann'")));
        assert!(!arguments.iter().any(|argument| argument.contains("hunter2")), "{arguments:?}");
        assert!(command.get_envs().any(|(name, value)| name == "PGPASSWORD" && value == Some(OsStr::new("hunter2"))));
        let other = programs.connecting("pg_dump", &config("postgres://ann@h/app?sslpassword=hunter2"));
        assert!(!format!("{:?}", other.unwrap_err()).contains("hunter2"));
    }

    #[test]
    fn complaints_are_understood_and_hold_no_values() {
        for (complaint, kind) in [
            ("pg_dump: error: could not write to output file: No space left on device\n", ErrorKind::StorageFull),
            ("pg_restore: error: input file does not appear to be a valid archive\n", ErrorKind::Corrupt),
            ("pg_restore: error: could not read from input file: end of file\n", ErrorKind::Corrupt),
            ("pg_dump: error: query failed: ERROR:  permission denied for table x\n", ErrorKind::PermissionDenied),
            ("psql:<stdin>:9: ERROR:  canceling statement due to lock timeout\n", ErrorKind::Unavailable),
        ] {
            assert_eq!(explain("p", complaint).kind(), kind, "{complaint}");
        }
        let late = "pg_dump: error: query failed: ERROR:  canceling statement due to statement timeout\n";
        assert_eq!(SchemaFault::of(&explain("pg_dump", late)), Some(SchemaFault::Locked));
        let error = explain(
            "psql",
            "psql:<stdin>:9: ERROR:  invalid input syntax for type integer: \"secret\"\nCONTEXT: secret\n",
        );
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}
