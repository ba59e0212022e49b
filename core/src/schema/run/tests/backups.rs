//! Backups before changes that destroy.

use super::*;
use crate::ErrorKind;
use crate::schema::{Backup, BackupMode};

struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("polymnia-run-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }

    fn files(&self) -> usize {
        std::fs::read_dir(&self.0).map_or(0, Iterator::count)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn bench(folder: &Scratch) -> Bench {
    let mut bench = Bench::new(
        "sqlite",
        vec![
            one(V1, "CREATE TABLE a (b);\nINSERT INTO a VALUES (1);", "DROP TABLE a;"),
            one(V2, "CREATE TABLE c (d);", "DROP TABLE c;"),
        ],
    );
    bench.options.backup = BackupMode::Auto;
    bench.options.backup_folder = folder.0.clone();
    bench
}

/// Upgrades, and puts a row where the migrations put one.
fn filled(bench: &mut Bench) {
    bench.up().unwrap();
    bench.fake.world().data.rows.get_mut("a").unwrap().push(0);
}

#[test]
fn come_before_what_destroys() {
    let folder = Scratch::new("before");
    let mut bench = bench(&folder);
    assert!(bench.up().unwrap().backup.is_none(), "nothing is destroyed");
    filled(&mut bench);
    let report = bench.down(&Target::Base).unwrap();
    let backup = report.backup.unwrap();
    assert_eq!(bench.fake.world().backups.len(), 1);
    assert!(bench.fake.world().backups[0].1, "made while the session holds its transaction");
    let name = backup.path.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(name.starts_with("sqlite-2") && name.ends_with(&format!("Z-{V2}.db")), "{name}");
    let manifest = std::fs::read(super::super::manifest_of(&backup.path)).unwrap();
    assert_eq!(serde_json::from_slice::<Backup>(&manifest).unwrap(), backup);
    assert_eq!(bench.events[..3], ["planned 2", "backup", "backed up"]);
    assert_eq!(bench.fake.events()[2], "backup");
    assert_eq!(folder.files(), 2, "the file and its manifest");
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&folder.0).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o700);
    }
}

#[test]
fn are_not_made_where_there_is_nothing_to_lose() {
    let folder = Scratch::new("nothing");
    let mut bench = bench(&folder);
    bench.options.allow_destructive = false;
    bench.up().unwrap();
    assert_eq!(bench.rows("a"), [0], "the migration's own");
    assert!(bench.down(&Target::Base).unwrap().backup.is_none());
    assert_eq!(folder.files(), 0);
}

#[test]
fn what_destroys_needs_to_be_allowed() {
    let folder = Scratch::new("allowed");
    let mut bench = bench(&folder);
    filled(&mut bench);
    bench.options.allow_destructive = false;
    let before = bench.fake.world().data.clone();
    let error = bench.down(&Target::Base).unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::Destructive));
    assert!(error.message().contains("drops table c"), "{error}");
    assert_eq!(context(&error, "also"), format!("{V1} drops table a"));
    assert!(error.hint().unwrap().contains("`polymnia migrate downgrade base --allow-destructive`"), "{error:?}");
    assert_eq!(bench.fake.world().data, before);
    assert_eq!(folder.files(), 0);
}

#[test]
fn a_backup_that_fails_ends_the_run() {
    for (kind, expected) in [(ErrorKind::Migration, "NoBackup"), (ErrorKind::StorageFull, "")] {
        let folder = Scratch::new("fails");
        let mut bench = bench(&folder);
        filled(&mut bench);
        bench.fake.world().no_backup = Some(kind);
        let before = bench.fake.world().data.clone();
        let error = bench.down(&Target::Base).unwrap_err();
        assert_eq!(error.kind(), kind);
        if !expected.is_empty() {
            assert_eq!(fault(&error), Some(SchemaFault::NoBackup));
            assert!(error.hint().unwrap().contains("--backup never"), "{error:?}");
        }
        assert_eq!(bench.fake.world().data, before);
        assert_eq!(folder.files(), 0);
    }
}

#[test]
fn a_failure_after_one_names_it_and_how_to_go_back() {
    let folder = Scratch::new("names");
    let mut bench = bench(&folder);
    filled(&mut bench);
    bench.options.backup = BackupMode::Always;
    bench.fake.world().broken.insert("DROP TABLE a".to_owned(), "no".to_owned());
    let error = bench.down(&Target::Base).unwrap_err();
    let path = bench.fake.world().backups[0].0.display().to_string();
    let path = path.trim_end_matches(".partial");
    assert_eq!(context(&error, "backup"), path);
    assert!(error.hint().unwrap().ends_with(&format!("run `polymnia backup restore {path}`")), "{error:?}");
}

#[test]
fn are_made_once_though_a_run_is_tried_again() {
    let folder = Scratch::new("once");
    let mut bench = bench(&folder);
    filled(&mut bench);
    bench.options.tx_mode = crate::schema::TxMode::All;
    bench.fake.world().busy.insert("DROP TABLE a".to_owned(), 1);
    bench.down(&Target::Base).unwrap();
    assert_eq!(bench.fake.world().backups.len(), 1);
    assert_eq!(bench.fake.world().sessions, 3);
}
