//! `setup`, `config show`, `demo`: how one begins.
#![allow(clippy::unwrap_used)]

mod common;

use common::Place;

#[test]
fn setup_checks_initialises_and_remembers() {
    let place = Place::empty();
    let arguments = ["setup", "--database-url", "sqlite://my own.db", "--namespace", "acme", "--yes"];
    let printed = place.ok(arguments);
    assert!(printed.contains("config.toml"), "{printed}");
    assert_eq!(place.json(arguments)["config_written"], false);
    assert_eq!(place.stored(), 0);

    // From another folder the configuration means the same file.
    let elsewhere = place.path("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let added = place.command(["add", "x"]).current_dir(&elsewhere).output().unwrap();
    assert!(added.status.success(), "{added:?}");
    assert_eq!(place.ok(["--namespace", "acme", "count"]), "1\n");
    assert!(place.path("my own.db").exists() || place.path("my%20own.db").exists());
    let shown = place.ok(["config", "show"]);
    assert!(shown.contains("acme") && shown.contains("configuration file"), "{shown}");

    let other = ["setup", "--database-url", "sqlite://other.db", "--yes"];
    place.run(other).fails(10, &["nothing was changed", "--overwrite"]);
    assert!(!place.path("other.db").exists());
    place.ok([&other[..], &["--overwrite"]].concat());
    assert!(place.path("other.db").exists());
}

#[test]
fn setup_asks_nobody_where_nobody_is() {
    let place = Place::empty();
    place.run(["setup"]).fails(10, &["--yes"]);
    assert!(place.files().is_empty());
    place.run(["--config", "nowhere.toml", "stats"]).fails(2, &["nowhere.toml", "polymnia setup"]);
    place.write("bad.toml", "[database]\nurl = \"postgres://a:s3cr3t@h/d\"\nuser = 1\n");
    let run = place.run(["--config", "bad.toml", "stats"]);
    run.fails(2, &["bad.toml", "line: 3", "user"]);
    assert!(!run.stderr.contains("s3cr3t"), "{run:?}");
}

#[test]
fn the_demo_does_the_main_job_and_leaves_nothing() {
    let place = Place::empty();
    let temporary = place.path("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let run = place.command(["demo"]).env("TMPDIR", &temporary).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    assert_eq!(run.stderr, b"");
    let printed = String::from_utf8(run.stdout).unwrap();
    assert!(printed.lines().count() <= 60, "{printed}");
    assert_eq!(printed.matches("polymnia search").count() + printed.matches("-- search").count(), 4, "{printed}");
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);

    let document = place.json(["demo"]);
    for search in document["searches"].as_array().unwrap() {
        assert!(search["matches"].as_u64().unwrap() > 0, "{document}");
    }
}

#[test]
fn the_demo_can_stay_or_run_elsewhere() {
    let place = Place::empty();
    let temporary = place.path("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let run = place.command(["demo", "--keep"]).env("TMPDIR", &temporary).output().unwrap();
    let printed = String::from_utf8(run.stdout).unwrap();
    let url = printed.split_whitespace().find(|word| word.starts_with("sqlite:///")).unwrap().to_owned();
    assert!(place.ok(["--database-url", &url, "count"]).trim().parse::<u64>().unwrap() > 150);

    place.ok(["--database-url", "sqlite://other.db", "demo"]);
    assert_eq!(
        place.json(["--database-url", "sqlite://other.db", "namespace", "list"])["namespaces"],
        serde_json::json!([])
    );
    // A database that only a setting names is not played with.
    place.ok(["init"]);
    let run = place.command(["demo"]).env("DATABASE_URL", "sqlite://polymnia.db").output().unwrap();
    assert!(run.status.success());
    assert_eq!(place.stored(), 0);
}

#[test]
fn completions_know_every_verb_and_option() {
    let place = Place::empty();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.ok(["completions", shell]);
        for word in ["explain", "optimize", "index-only", "drop", "path", "deep", "filter", "where"] {
            assert!(script.contains(word), "{shell} doesn't know {word}");
        }
    }
}
