//! What stands beside a backup: its description, as JSON.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use polymnia::Result;
use polymnia::schema::Backup;

use crate::failure::file_error;

/// Returns where the description of a backup stands.
fn beside(backup: &Path) -> PathBuf {
    let mut name = OsString::from(backup);
    name.push(".json");
    name.into()
}

/// Returns the description of a backup, if there is one that can be read.
pub(super) fn of(backup: &Path) -> Option<Backup> {
    read(&beside(backup))
}

/// Returns the descriptions of the backups in a folder, newest first, and the backups whose description is missing or can't
/// be read. A folder that isn't there has none.
pub(super) fn all(folder: &Path) -> Result<(Vec<Backup>, Vec<PathBuf>)> {
    let failed = |error: &std::io::Error| file_error("folder", folder, error);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((Vec::new(), Vec::new())),
        Err(error) => return Err(failed(&error)),
    };
    let (mut backups, mut others) = (Vec::new(), Vec::new());
    for entry in entries {
        let path = entry.map_err(|error| failed(&error))?.path();
        if path.extension().is_none_or(|extension| extension != "db" && extension != "dump") {
            continue;
        }
        match of(&path) {
            // The folder may have been moved since.
            Some(backup) => backups.push(Backup { path, ..backup }),
            None => others.push(path),
        }
    }
    backups.sort_by(|a, b| (b.created_at, &b.path).cmp(&(a.created_at, &a.path)));
    others.sort();
    Ok((backups, others))
}

fn read(path: &Path) -> Option<Backup> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use polymnia::schema::BackupInfo;

    use super::*;

    #[test]
    fn backups_are_found_where_they_are() {
        let folder = tempfile::tempdir().unwrap();
        assert!(all(&folder.path().join("nowhere")).unwrap().0.is_empty());
        for (name, at) in
            [("a.db", "2026-11-21T10:00:00Z"), ("b.db", "2026-11-22T10:00:00Z"), ("gone.db", "2026-11-23T10:00:00Z")]
        {
            let info = BackupInfo {
                dialect: "sqlite".to_owned(),
                version: None,
                fingerprint: None,
                memories: Some(1),
                bytes: 1,
                sha256: String::new(),
            };
            let backup = Backup { path: "/elsewhere".into(), created_at: at.parse().unwrap(), info };
            let file = folder.path().join(name);
            fs::write(beside(&file), serde_json::to_string(&backup).unwrap()).unwrap();
            if name != "gone.db" {
                fs::write(file, "x").unwrap();
            }
        }
        fs::write(folder.path().join("other.json"), "{}").unwrap();
        fs::write(folder.path().join("c.dump"), "x").unwrap();
        fs::write(folder.path().join("c.dump.json"), "{").unwrap();
        let (found, others) = all(folder.path()).unwrap();
        let found: Vec<PathBuf> = found.into_iter().map(|backup| backup.path).collect();
        assert_eq!(others, [folder.path().join("c.dump")]);
        assert_eq!(found, ["b.db", "a.db"].map(|name| folder.path().join(name)));
    }
}
