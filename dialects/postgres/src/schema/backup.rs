//! Backups by `pg_dump`, of the whole database.
//!
//! Not of the schema `polymnia` alone: an application's migrations run in the same history and change what stands elsewhere.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

use polymnia::schema::{BackupInfo, SchemaFault, SessionOptions};
use polymnia::{Call, Error, ErrorKind, Result};
use sha2::{Digest as _, Sha256};

use super::ledger;
use super::program::{Programs, Running};
use crate::config::{Config, Sessions};

/// Writes a backup to a file that is not there, and reads it back whole.
pub(super) fn write(
    config: &Config,
    server: u32,
    call: &Call,
    options: &SessionOptions,
    to: &Path,
) -> Result<BackupInfo> {
    refuse_pooler(config)?;
    let programs = Programs::find(server)?;
    create(to)?;
    let written = dump(&programs, config, call, options, to).and_then(|()| describe(&programs, call, to));
    if written.is_err() {
        // What is left of it would look like a backup.
        if let Err(error) = std::fs::remove_file(to) {
            log::warn!("an unfinished backup could not be removed: {error}");
        }
    }
    written
}

/// Reads a backup whole, and describes it.
pub(super) fn verify(call: &Call, from: &Path) -> Result<BackupInfo> {
    if !from.is_file() {
        return Err(Error::new(ErrorKind::NotFound, format!("there is no backup {}", from.display())));
    }
    describe(&Programs::newest()?, call, from)
}

/// Refuses to put back what is a dump of something else: all that is there now would go.
pub(super) fn check_ours(info: &BackupInfo, from: &Path) -> Result<()> {
    let mut manifest = from.as_os_str().to_owned();
    manifest.push(".json");
    if info.version.is_some() || Path::new(&manifest).is_file() {
        return Ok(());
    }
    let message = format!("{} holds no ledger of ours, and no manifest stands beside it", from.display());
    Err(Error::new(ErrorKind::Corrupt, message).with_hint("name a backup of ours; pg_restore restores any other"))
}

/// Refuses a pooler that gives out sessions by the transaction: PostgreSQL's programs need one of their own.
pub(super) fn refuse_pooler(config: &Config) -> Result<()> {
    match config.sessions {
        Sessions::Own => Ok(()),
        Sessions::Shared => Err(SchemaFault::NoBackup
            .error("pg_dump and pg_restore don't work through a connection pooler")
            .with_hint("name the server itself with `--migrate-url`, or go on without a backup: `--backup never`")),
    }
}

/// Makes the file, for its owner's eyes only.
fn create(to: &Path) -> Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(to).map(drop).map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::AlreadyExists => ErrorKind::Conflict,
            std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::StorageFull => ErrorKind::StorageFull,
            _ => ErrorKind::Unavailable,
        };
        Error::new(kind, format!("the backup {} can't be made", to.display())).with_source(error)
    })
}

fn dump(programs: &Programs, config: &Config, call: &Call, options: &SessionOptions, to: &Path) -> Result<()> {
    // None at all would be for ever.
    let millis = options.lock_wait.as_millis().clamp(1, 2_147_483_647).to_string();
    let mut command = programs.connecting("pg_dump", config)?;
    command.args(["--format=custom", "--lock-wait-timeout", &millis]).arg("--file").arg(to).stdout(Stdio::null());
    Running::start(&mut command)?.finish(call, Some(config))
}

fn describe(programs: &Programs, call: &Call, from: &Path) -> Result<BackupInfo> {
    let content = read(programs, call, from)?;
    let unreadable = |error| Error::new(ErrorKind::Unavailable, "the backup can't be read").with_source(error);
    let mut file = File::open(from).map_err(|error: std::io::Error| unreadable(error))?;
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0_u64, vec![0; 1 << 16]);
    loop {
        call.check()?;
        let length = file.read(&mut buffer).map_err(unreadable)?;
        if length == 0 {
            break;
        }
        hash.update(&buffer[..length]);
        bytes += length as u64;
    }
    Ok(BackupInfo {
        dialect: "postgres".to_owned(),
        version: ledger::newest(&content.versions),
        fingerprint: None,
        memories: content.memories,
        bytes,
        sha256: hexadecimal(&hash.finalize()),
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes it");
        text
    })
}

/// Is what a backup holds, as far as it can be told without restoring it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Content {
    versions: BTreeSet<String>,
    memories: Option<u64>,
    /// The table whose rows are being read.
    table: Option<Rows>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    Memories,
    Versions,
    Others,
}

/// Has the backup written out as SQL, which reads all of it.
fn read(programs: &Programs, call: &Call, from: &Path) -> Result<Content> {
    let mut command = programs.command("pg_restore");
    command.arg("--file=-").arg(from).stdout(Stdio::piped());
    let mut running = Running::start(&mut command)?;
    let mut content = Content::default();
    running.lines(call, |line| {
        content.line(line);
        Ok(())
    })?;
    running.finish(call, None)?;
    Ok(content)
}

impl Content {
    fn line(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let Some(rows) = self.table else {
            if line.starts_with(b"COPY ") && line.ends_with(b" FROM stdin;") {
                self.table = Some(Rows::of(line));
                if self.table == Some(Rows::Memories) {
                    self.memories.get_or_insert(0);
                }
            }
            return;
        };
        if line == b"\\." {
            self.table = None;
            return;
        }
        match rows {
            Rows::Memories => self.memories = self.memories.map(|memories| memories + 1),
            Rows::Versions => {
                let version = line.split(|byte| *byte == b'\t').next().unwrap_or_default();
                self.versions.insert(String::from_utf8_lossy(version).into_owned());
            }
            Rows::Others => {}
        }
    }
}

impl Rows {
    fn of(copy: &[u8]) -> Self {
        if copy.starts_with(b"COPY polymnia.memories (") {
            Self::Memories
        } else if copy.starts_with(b"COPY polymnia.__diesel_schema_migrations (version,") {
            Self::Versions
        } else {
            Self::Others
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_and_versions_read() {
        let text = "COPY polymnia.memories (namespace, id) FROM stdin;\na\tCOPY polymnia.memories (x) FROM stdin;\nb\tc\n\\.\n\n\
                    COPY polymnia.__diesel_schema_migrations (version, run_on) FROM stdin;\n20261121000100\t2026\n\
                    shop20270101000000\t2026\n\\.\nCOPY public.x (a) FROM stdin;\n1\n\\.\n";
        let mut content = Content::default();
        for line in text.split_inclusive('\n') {
            content.line(line.as_bytes());
        }
        assert_eq!(content.memories, Some(2));
        assert_eq!(ledger::newest(&content.versions).as_deref(), Some("20261121000100"));
        assert_eq!(content.table, None);
    }
}
