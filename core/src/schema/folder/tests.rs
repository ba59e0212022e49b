use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::{ErrorKind, Timestamp};

const DIALECTS: [&str; 2] = ["sqlite", "postgres"];
const FIRST: &str = "20260101000000_first";
const SECOND: &str = "20260102000000_second";

/// Two migrations of two dialects with which nothing is wrong.
fn good() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for dialect in DIALECTS {
        for (name, table) in [(FIRST, "a"), (SECOND, "b")] {
            let up = format!("-- The table.\nCREATE TABLE {table} (c int);\n");
            migration(
                root.path(),
                dialect,
                name,
                &up,
                &format!("DROP TABLE {table};\n"),
                "run_in_transaction = true\n",
            );
        }
    }
    root
}

fn migration(root: &Path, dialect: &str, name: &str, up: &str, down: &str, metadata: &str) {
    let folder = root.join(dialect).join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("up.sql"), up).unwrap();
    fs::write(folder.join("down.sql"), down).unwrap();
    fs::write(folder.join("metadata.toml"), metadata).unwrap();
}

/// Returns what is wrong after a change, one fault a line, with the root cut off: `code|message|place`.
fn faults(change: impl Fn(&Path)) -> Vec<String> {
    let root = good();
    change(root.path());
    let faults = folder_faults(root.path(), &DIALECTS);
    let refused = DIALECTS.map(|dialect| Source::read(root.path(), dialect));
    let refused = match refused {
        [Ok(one), Ok(other)] => Source::check(&[one, other]).is_err(),
        _ => true,
    };
    assert_eq!(refused, !faults.is_empty(), "both ways find the same");
    let prefix = format!("{}/", root.path().display());
    let shown = faults.iter().map(|fault| {
        let place = fault.context_value("place").unwrap_or_default();
        format!("{}|{}|{place}", fault.context_value("code").unwrap(), fault.message()).replace(&prefix, "")
    });
    shown.collect()
}

/// Returns the faults after one file of the second migration for SQLite and its metadata were written.
fn script_faults(metadata: &str, up: &str) -> Vec<String> {
    faults(|root| {
        let folder = root.join("sqlite").join(SECOND);
        fs::write(folder.join("metadata.toml"), metadata).unwrap();
        fs::write(folder.join("up.sql"), up).unwrap();
    })
}

const TRANSACTION: &str = "run_in_transaction = true";
const NO_TRANSACTION: &str = "run_in_transaction = false";
const REBUILD: &str = "run_in_transaction = false\nrebuild = true";

#[test]
fn good_migrations_are_read() {
    let root = good();
    fs::write(root.path().join("sqlite/README.md"), "about").unwrap();
    fs::create_dir(root.path().join("sqlite/.hidden")).unwrap();
    fs::write(root.path().join("sqlite").join(FIRST).join("schema.json"), "{}").unwrap();
    assert_eq!(folder_faults(root.path(), &DIALECTS).len(), 0);
    let source = Source::read(root.path(), "sqlite").unwrap();
    assert_eq!((source.prefix.as_str(), source.dialect.as_str()), ("", "sqlite"));
    let [first, second] = source.scripts.as_slice() else { panic!("{source:?}") };
    assert_eq!((first.version.as_str(), first.name.as_str()), ("20260101000000", "first"));
    assert_eq!(first.folder, format!("{}/sqlite/{FIRST}", root.path().display()));
    assert!(first.delta.is_some() && second.delta.is_none());
    assert_eq!(second.down, "DROP TABLE b;\n");
    assert_eq!(folder_dialects(root.path()).unwrap(), ["postgres", "sqlite"]);
}

#[test]
fn every_dialect_has_every_version() {
    let missing = faults(|root| fs::remove_dir_all(root.join("postgres").join(SECOND)).unwrap());
    assert_eq!(missing, [format!("malformed|the version 20260102000000 is missing for postgres|postgres/{SECOND}")]);
    let missing = faults(|root| fs::remove_dir_all(root.join("sqlite").join(SECOND)).unwrap());
    assert_eq!(missing, [format!("malformed|the version 20260102000000 is missing for sqlite|sqlite/{SECOND}")]);
    let none = faults(|root| {
        let noop = "-- polymnia:noop jsonb has it built in\n";
        migration(root, "postgres", SECOND, noop, noop, TRANSACTION);
    });
    assert_eq!(none, Vec::<String>::new());
    let renamed = faults(|root| {
        fs::rename(root.join("sqlite").join(SECOND), root.join("sqlite/20260102000000_other")).unwrap();
    });
    assert_eq!(renamed.len(), 1);
    assert!(renamed[0].contains("is named other in sqlite, and second here"), "{renamed:?}");
    let gone = faults(|root| fs::remove_dir_all(root.join("postgres")).unwrap());
    assert!(gone[0].starts_with("malformed|") && gone[0].contains("postgres is missing"), "{gone:?}");
}

#[test]
fn a_version_exists_once() {
    let twice = faults(|root| {
        for dialect in DIALECTS {
            migration(root, dialect, "20260102000000_again", "SELECT 1;", "SELECT 1;", TRANSACTION);
        }
    });
    assert!(twice[0].starts_with("duplicate_version|the version 20260102000000 exists twice: "), "{twice:?}");
    assert!(twice[0].contains("20260102000000_again and ") && twice[0].contains(SECOND), "{twice:?}");
}

#[test]
fn folders_are_named_after_versions() {
    let long = format!("{}20260103000000_a", "a".repeat(40));
    let cases = [
        (long.as_str(), "the version has 54 bytes: expected 50 at most"),
        ("2026-01-03-000000_a", "is no schema version"),
        ("20260103_a", "is no schema version"),
        ("20260103000000", "is no name of a migration"),
        ("20260103000000_A b", "is no name of a migration"),
        ("shop20260103000000_a", "expected one prefix"),
    ];
    for (name, expected) in cases {
        let found = faults(|root| {
            for dialect in DIALECTS {
                migration(root, dialect, name, "SELECT 1;", "SELECT 1;", TRANSACTION);
            }
        });
        assert!(
            found.len() == 2 && found[0].starts_with("malformed|") && found[0].contains(expected),
            "{name}: {found:?}"
        );
        assert!(found[0].ends_with(&format!("|sqlite/{name}")), "{name}: {found:?}");
    }
}

#[test]
fn every_file_is_there_and_readable() {
    for file in ["up.sql", "down.sql", "metadata.toml"] {
        let missing = faults(|root| fs::remove_file(root.join("sqlite").join(SECOND).join(file)).unwrap());
        assert_eq!(missing, [format!("malformed|sqlite/{SECOND}/{file} is missing|sqlite/{SECOND}/{file}")]);
    }
    let binary = faults(|root| fs::write(root.join("sqlite").join(SECOND).join("up.sql"), [0xff, 0xfe]).unwrap());
    assert_eq!(binary, [format!("malformed|sqlite/{SECOND}/up.sql is not UTF-8|sqlite/{SECOND}/up.sql")]);
    let delta = faults(|root| fs::write(root.join("sqlite").join(SECOND).join("schema.json"), "{").unwrap());
    assert!(delta[0].contains("schema.json can't be read") && delta[0].ends_with("schema.json:1:1"), "{delta:?}");
}

#[test]
fn metadata_is_complete_and_known() {
    let cases = [
        ("", "missing field `run_in_transaction`", "1:1"),
        ("rebuild = false", "missing field `run_in_transaction`", "1:1"),
        ("run_in_transaction = true\ncompatiblity = \"full\"", "unknown field `compatiblity`", "2:1"),
        ("run_in_transaction = true\ncompatibility = \"half\"", "unknown variant `half`", "2:17"),
        ("run_in_transaction = \"yes\"", "invalid type", "1:22"),
        ("run_in_transaction = ", "", "1:"),
        ("run_in_transaction = true\nparents = [\"1\"]", "is no schema version", "2:"),
        ("run_in_transaction = true\nparents = [\"20260102000000\"]", "is not older than 20260102000000", "2:1"),
        (
            "run_in_transaction = true\nparents = [\"20260101000000\", \"20260101000000\"]",
            "the parent 20260101000000 stands there twice",
            "2:1",
        ),
    ];
    for (metadata, expected, place) in cases {
        let found = script_faults(metadata, "SELECT 1;");
        assert!(found.len() == 1 && found[0].contains(expected), "{metadata}: {found:?}");
        let place = format!("|sqlite/{SECOND}/metadata.toml:{place}");
        assert!(found[0].contains(&place), "{metadata}: {found:?} / {place}");
    }
}

#[test]
fn parents_are_known_and_the_same_everywhere() {
    let unknown = faults(|root| {
        for dialect in DIALECTS {
            let metadata = "run_in_transaction = true\nparents = [\"20250101000000\"]";
            fs::write(root.join(dialect).join(SECOND).join("metadata.toml"), metadata).unwrap();
        }
    });
    assert_eq!(unknown.len(), 2);
    assert!(
        unknown[0].starts_with("unknown_parent|the version 20260102000000 is built upon 20250101000000"),
        "{unknown:?}"
    );
    let other = script_faults("run_in_transaction = true\nparents = [\"20260101000000\"]", "SELECT 1;");
    assert!(other.len() == 1 && other[0].contains("has other parents than in sqlite"), "{other:?}");
}

#[test]
fn scripts_that_cannot_be_run_are_refused() {
    let batch = "-- polymnia:batch 100\n";
    let cases: Vec<(&str, String, &str, &str)> = vec![
        (TRANSACTION, "-- nothing\n ;".into(), "has no statement", "1:1"),
        (TRANSACTION, String::new(), "has no statement", "1:1"),
        (TRANSACTION, "-- polymnia:noop".into(), "noop lacks a reason", "1:1"),
        (TRANSACTION, "-- polymnia:noop why\nSELECT 2;".into(), "in a script with statements", "1:1"),
        (TRANSACTION, "SELECT 1;\n  BEGIN; ".into(), "BEGIN stands in the script", "2:3"),
        (NO_TRANSACTION, "SELECT 1;\nCommit;".into(), "Commit stands in the script", "2:1"),
        (NO_TRANSACTION, "ROLLBACK".into(), "ROLLBACK stands in the script", "1:1"),
        (TRANSACTION, "SELECT 1; VACUUM;".into(), "can't be in a transaction", "1:11"),
        (TRANSACTION, "PRAGMA foreign_keys = OFF;".into(), "can't be in a transaction", "1:1"),
        (TRANSACTION, format!("{batch}DELETE FROM a;"), "batches are transactions of their own", "2:1"),
        (
            NO_TRANSACTION,
            format!("{batch}DELETE FROM a RETURNING c;"),
            "with RETURNING can't be done in batches",
            "2:1",
        ),
        (NO_TRANSACTION, format!("{batch}INSERT INTO a VALUES (1);"), "only UPDATE and DELETE", "2:1"),
        (NO_TRANSACTION, format!("{batch}{batch}DELETE FROM a;"), "two directives batch", "3:1"),
        (NO_TRANSACTION, format!("DELETE FROM a;\n{batch}"), "before no statement", "2:1"),
        (TRANSACTION, "-- polymnia:alow x y\nSELECT 1;".into(), "is no directive", "1:1"),
        (TRANSACTION, "\u{feff}SELECT 1;".into(), "byte order mark", "1:1"),
        (TRANSACTION, "SELECT 1;\0".into(), "NUL character", "1:10"),
        (NO_TRANSACTION, "PRAGMA foreign_keys = ON;".into(), "expected rebuild = true", "1:1"),
        (
            "run_in_transaction = true\nrebuild = true",
            "PRAGMA user_version = 1; PRAGMA user_version = 2;".into(),
            "expected run_in_transaction = false",
            "1:1",
        ),
        (REBUILD, "SELECT 1;".into(), "begins with another statement", "1:1"),
        (REBUILD, "PRAGMA foreign_keys = OFF;\nSELECT 1;".into(), "ends with another statement", "2:1"),
        (
            REBUILD,
            "PRAGMA foreign_keys = OFF; VACUUM; PRAGMA foreign_keys = ON;".into(),
            "one transaction between its two pragmas",
            "1:28",
        ),
        (
            REBUILD,
            format!("PRAGMA foreign_keys = OFF;\n{batch}DELETE FROM a; PRAGMA foreign_keys = ON;"),
            "batches can't be in it",
            "3:1",
        ),
    ];
    for (metadata, up, expected, place) in cases {
        let found = script_faults(metadata, &up);
        let place = format!("|sqlite/{SECOND}/up.sql:{place}");
        let fits =
            |fault: &String| fault.starts_with("malformed|") && fault.contains(expected) && fault.ends_with(&place);
        assert!(found.iter().any(fits), "{up}: {found:?}");
    }
    let down = faults(|root| fs::write(root.join("postgres").join(SECOND).join("down.sql"), "BEGIN;").unwrap());
    assert!(down.len() == 1 && down[0].ends_with(&format!("postgres/{SECOND}/down.sql:1:1")), "{down:?}");
}

#[test]
fn scripts_that_can_be_run_are_let_be() {
    let rebuild = "PRAGMA foreign_keys = OFF;\nCREATE TABLE n (c int);\nDROP TABLE a;\nPRAGMA foreign_keys = ON;";
    let cases = [
        (TRANSACTION, "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END;"),
        (TRANSACTION, "PRAGMA user_version = 5;"),
        (NO_TRANSACTION, "VACUUM;\n-- polymnia:batch 100\nUPDATE a SET c = 1;"),
        (NO_TRANSACTION, "-- polymnia:allow full_delete it is small\nDELETE FROM a;"),
    ];
    for (metadata, up) in cases {
        assert_eq!(script_faults(metadata, up), Vec::<String>::new(), "{up}");
    }
    let both = faults(|root| migration(root, "sqlite", SECOND, rebuild, rebuild, REBUILD));
    assert_eq!(both, Vec::<String>::new());
}

#[test]
fn a_revision_is_begun_and_waits_for_its_statements() {
    let root = good();
    let now = Timestamp::parse("2026-03-04T05:06:07.8Z").unwrap();
    let revision = Revision { prefix: "", message: "Add the user's\nÄ e-mail; DROP TABLE a", parents: &[] };
    let folders = write_revision(root.path(), &DIALECTS, &revision, now).unwrap();
    let name = "20260304050607_add_the_user_s_e_mail_drop_table_a";
    assert_eq!(folders, DIALECTS.map(|dialect| root.path().join(dialect).join(name)));
    assert_eq!(fs::read_to_string(folders[0].join("metadata.toml")).unwrap(), "run_in_transaction = true\n");
    let waiting = folder_faults(root.path(), &DIALECTS);
    assert_eq!(waiting.len(), 4);
    assert!(waiting.iter().all(|fault| fault.message().starts_with("the script has no statement")), "{waiting:?}");
    // The clock stands still, and goes back.
    for version in ["20260304050608", "20260304050609"] {
        let next = next_version(root.path(), "", now).unwrap();
        assert_eq!(next.as_str(), version);
        migration(root.path(), "sqlite", &format!("{next}_x"), "SELECT 1;", "SELECT 1;", TRANSACTION);
    }
    assert_eq!(next_version(root.path(), "shop", now).unwrap().as_str(), "shop20260304050607");
}

#[test]
fn a_merge_makes_one_head_of_several() {
    let root = good();
    let now = Timestamp::parse("2026-03-04T05:06:07Z").unwrap();
    let heads = ["20260101000000", "20260102000000"].map(|version| Version::new(version).unwrap());
    let revision = Revision { prefix: "", message: "merge heads", parents: &heads };
    write_merge(root.path(), &DIALECTS, &revision, now).unwrap();
    assert_eq!(folder_faults(root.path(), &DIALECTS).len(), 0);
    let source = Source::read(root.path(), "sqlite").unwrap();
    let merge = source.scripts.last().unwrap();
    assert_eq!(merge.metadata.parents, heads);
    assert_eq!(text::noop_reason(&merge.up), Some("merges 20260101000000 and 20260102000000"));
    let alone = Revision { parents: &heads[..1], ..revision };
    assert_eq!(write_merge(root.path(), &DIALECTS, &alone, now).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn what_is_written_reads_back() {
    let root = tempfile::tempdir().unwrap();
    let mut script = Script {
        version: Version::new("shop20260304050607").unwrap(),
        name: "orders_2".to_owned(),
        up: "SELECT 1;".to_owned(),
        down: "SELECT 2;".to_owned(),
        metadata: Metadata {
            run_in_transaction: false,
            parents: vec![Version::new("20260101000000").unwrap()],
            compatibility: crate::schema::Compatibility::ReadOnly,
            rebuild: true,
            apart: [("index \"a\"\\b".to_owned(), "why\tnot".to_owned())].into(),
        },
        delta: Some(serde_json::from_str("{}").unwrap()),
        folder: String::new(),
    };
    let folder = write_script(root.path(), "postgres", &script).unwrap();
    script.folder = folder.to_str().unwrap().to_owned();
    let source = Source::read(root.path(), "postgres").unwrap();
    assert_eq!((source.prefix.as_str(), source.scripts.as_slice()), ("shop", [script.clone()].as_slice()));
    assert_eq!(write_script(root.path(), "postgres", &script).unwrap_err().kind(), ErrorKind::Conflict);
    for dialect in ["", "..", "a/b"] {
        assert_eq!(write_script(root.path(), dialect, &script).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn what_cannot_be_named_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let now = Timestamp::parse("2026-03-04T05:06:07Z").unwrap();
    for (prefix, message) in [("", "ÄÖ ..."), ("Shop", "a"), ("a_b", "a")] {
        let revision = Revision { prefix, message, parents: &[] };
        let error = write_revision(root.path(), &DIALECTS, &revision, now).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{prefix:?} {message:?}");
    }
    let long = Revision { prefix: "", message: &"word ".repeat(50), parents: &[] };
    let folders = write_revision(root.path(), &["sqlite"], &long, now).unwrap();
    assert!(folders[0].file_name().unwrap().len() <= 75);
}

#[test]
fn embedding_writes_code_or_tells_the_faults() {
    let root = good();
    let out = root.path().join("code.rs");
    embed(root.path(), &DIALECTS, &out).unwrap();
    let code = fs::read_to_string(&out).unwrap();
    assert!(code.contains("pub fn sqlite_source() -> ::polymnia::schema::Source"), "{code}");
    assert_eq!(code.matches("include_str!").count(), 12);
    fs::write(root.path().join("sqlite").join(SECOND).join("up.sql"), "").unwrap();
    let refused = embed(root.path(), &DIALECTS, &out).unwrap_err();
    assert_eq!(SchemaFault::of(&refused), Some(SchemaFault::Malformed));
}

#[test]
fn what_was_embedded_is_a_source() {
    let embedded = Embedded {
        folder: "own/sqlite/shop20260304050607_orders",
        up: "SELECT 1;",
        down: "SELECT 2;",
        metadata: "run_in_transaction = false",
        delta: None,
    };
    let source = Source::embedded("sqlite", &[embedded]);
    assert_eq!((source.prefix.as_str(), source.dialect.as_str()), ("shop", "sqlite"));
    assert_eq!((source.scripts[0].version.as_str(), source.scripts[0].name.as_str()), ("shop20260304050607", "orders"));
    assert!(!source.scripts[0].metadata.run_in_transaction);
}
