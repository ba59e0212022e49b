//! The folders in which installed server programs may be.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Folders with a version in their name: what stands before the version, and what after it.
const VERSIONED: [(&str, &str); 4] = [
    ("/usr/lib/postgresql/", "bin"),
    ("/usr/pgsql-", "bin"),
    ("/opt/homebrew/opt/postgresql@", "bin"),
    ("/usr/local/opt/postgresql@", "bin"),
];

/// Lists the folders of this machine that hold both `initdb` and `postgres`, the preferred one first.
pub(super) fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versioned = VERSIONED.iter().flat_map(|(before, after)| versions(before, after));
    let mut found = Vec::new();
    for folder in configured().into_iter().chain(on_path(&path)).chain(versioned).chain(["/usr/local/pgsql/bin".into()])
    {
        if holds_server(&folder) && !found.contains(&folder) {
            found.push(folder);
        }
    }
    found
}

pub(super) fn holds_server(folder: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file())
}

/// What the first `pg_config` on PATH says, if there is one.
fn configured() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success()).then(|| PathBuf::from(text.trim_end()))
}

/// The folders of PATH, each preceded by the folder that its `postgres` is a link into.
///
/// The link's own folder may lack `initdb`, and an installation finds its other files from where it really is.
fn on_path(path: &OsStr) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for folder in std::env::split_paths(path).filter(|folder| folder.join("postgres").is_file()) {
        if let Ok(postgres) = folder.join("postgres").canonicalize() {
            folders.extend(postgres.parent().map(PathBuf::from));
        }
        folders.push(folder);
    }
    folders
}

/// The folders `<before><version>/<after>`, the highest version first.
fn versions(before: &str, after: &str) -> Vec<PathBuf> {
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = fs::read_dir(format!("{parent}/")) else { return Vec::new() };
    let mut versions: Vec<u32> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok())
        .collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.into_iter().map(|version| PathBuf::from(format!("{before}{version}/{after}"))).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_on_the_path_leads_to_its_installation() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (real, linked, bare) = (root.join("real"), root.join("linked"), root.join("bare"));
        for folder in [&real, &linked, &bare] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(real.join("postgres"), "").unwrap();
        fs::write(real.join("initdb"), "").unwrap();
        symlink(real.join("postgres"), linked.join("postgres")).unwrap();

        let path = std::env::join_paths([&bare, &linked]).unwrap();
        assert_eq!(on_path(&path), [real.clone(), linked.clone()]);
        assert!(holds_server(&real) && !holds_server(&linked));
    }

    #[test]
    fn versions_are_tried_from_the_highest_as_numbers() {
        let root = tempfile::tempdir().unwrap();
        for name in ["pg-9", "pg-15", "pg-100", "pg-old", "other-20"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        let root = root.path().to_str().unwrap();
        let expected: Vec<PathBuf> = [100, 15, 9].map(|n| format!("{root}/pg-{n}/bin").into()).to_vec();
        assert_eq!(versions(&format!("{root}/pg-"), "bin"), expected);
    }
}
