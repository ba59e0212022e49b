//! Storing, finding, changing and removing memories on the command line.
#![allow(clippy::unwrap_used)]

mod common;

use common::Place;

const PREFERENCE: &str = r#"{"kind":"preference"}"#;

fn add(place: &Place, arguments: &[&str]) -> String {
    let line = [&["add"], arguments].concat();
    place.ok(line).trim().to_owned()
}

#[test]
fn init_says_what_it_did_and_a_second_run_changes_nothing() {
    let place = Place::empty();
    let first = place.ok(["init"]);
    assert!(first.starts_with("initialised sqlite://polymnia.db: "), "{first}");
    let second = place.ok(["init-db"]);
    assert!(second.starts_with("sqlite://polymnia.db is up to date: schema version "), "{second}");
    let report = place.json(["init"]);
    assert_eq!(report["created"], false);
    assert_eq!(report["applied"].as_array().unwrap().len(), 0);
    assert!(report["version"].is_string());
}

#[test]
fn what_is_added_is_found_changed_and_removed() {
    let place = Place::initialised();
    let id = add(&place, &["prefers calls after 14:00", "--user", "mara", "--metadata", PREFERENCE]);
    add(&place, &["unrelated", "--user", "jonas"]);

    let found = place.json(["search", "--user", "mara", "--where", PREFERENCE]);
    assert_eq!(found["memories"][0]["id"], id.as_str());
    assert_eq!(found["memories"][0]["content"], "prefers calls after 14:00");
    assert_eq!(found["memories"].as_array().unwrap().len(), 1);
    assert!(found["next_cursor"].is_null());
    assert_eq!(place.ok(["count", "--where", PREFERENCE]), "1\n");

    let updated = place.json(["update", &id, "--tier", "long_term", "--no-user", "--if-revision", "1"]);
    assert_eq!(updated["revision"], 2);
    place.run(["update", &id, "--tier", "x", "--if-revision", "1"]).fails(1, &["revision", "polymnia get"]);
    let memory = &place.json(["get", &id])["memories"][0];
    assert_eq!(memory["tier"], "long_term");
    assert!(memory["user_id"].is_null());

    assert_eq!(place.ok(["delete", &id]), "deleted 1 memory\n");
    place.run(["get", &id]).fails(1, &[&id, "isn't there"]);
    place.run(["delete", &id]).fails(1, &[&id, "isn't there"]);
}

#[test]
fn every_field_is_kept() {
    let place = Place::initialised();
    let line = r#"{"id":"01956f2e-8c3a-7d11-9b52-0242ac120002","namespace":"acme","user_id":"u","agent_id":"a","thread_id":"t","tier":"mid_term","content":"c","metadata":{"n": 1.50},"importance":0.25,"related_threads":["r1", "r2"],"revision":1,"created_at":"2026-03-02T09:14:00Z""#;
    let arguments = [
        "--format",
        "ndjson",
        "--namespace",
        "acme",
        "add",
        "-",
        "--user",
        "u",
        "--agent",
        "a",
        "--thread",
        "t",
        "--tier",
        "mid_term",
        "--metadata",
        r#"{"n": 1.50}"#,
        "--importance",
        "0.25",
        "--related-thread",
        "r2",
        "--related-thread",
        "r1",
        "--created-at",
        "2026-03-02T10:14:00+01:00",
        "--expires-at",
        "30d",
        "--id",
        "01956F2E-8C3A-7D11-9B52-0242AC120002",
    ];
    let added = place.run_with_input(arguments, "c\n");
    assert_eq!(added.code, 0, "{added:?}");
    let line = line.replace("[\"r1\", \"r2\"]", "[\"r1\",\"r2\"]");
    assert!(added.stdout.starts_with(&line), "{added:?}");
    assert!(added.stdout.contains("\"expires_at\":"), "{added:?}");
    assert_eq!(place.ok(["--namespace", "acme", "--format", "ndjson", "search"]), added.stdout);
    place.run_with_input(arguments, "c\n").fails(1, &["01956f2e-8c3a-7d11-9b52-0242ac120002", "polymnia update"]);
}

#[test]
fn pages_go_on_with_the_command_that_the_table_shows() {
    let place = Place::initialised();
    for content in ["one", "two", "three"] {
        add(&place, &[content, "--user", "it's mara", "--created-at", "2026-03-02"]);
    }
    let arguments =
        ["search", "--user", "it's mara", "--since", "2026-01-01", "--order", "created-asc", "--limit", "2"];
    let table = place.ok(arguments);
    assert!(table.contains("one") && table.contains("two") && !table.contains("three"), "{table}");
    let command = table.lines().find_map(|line| line.strip_prefix("more: polymnia ")).unwrap();
    let shell = format!("{} {command}", env!("CARGO_BIN_EXE_polymnia"));
    let mut next = std::process::Command::new("sh");
    next.args(["-c", &shell]).current_dir(place.path("."));
    let next = String::from_utf8(next.output().unwrap().stdout).unwrap();
    assert!(next.contains("three") && !next.contains("two") && !next.contains("more:"), "{next}");

    let first = place.json(arguments);
    let cursor = first["next_cursor"].as_str().unwrap();
    place.run(["search", "--cursor", cursor]).fails(2, &["cursor belongs to another query"]);
    place.run(["search", "--cursor", "nonsense"]).fails(2, &["cursor can't be read", "--cursor"]);

    let all = place.ok(["--format", "ndjson", "search", "--all", "--limit", "1"]);
    assert_eq!(all.lines().count(), 3);
    let document = place.json(["search", "--all", "--limit", "2"]);
    assert_eq!(document["memories"].as_array().unwrap().len(), 3);
    let table = place.ok(["search", "--all", "--limit", "1"]);
    assert_eq!(table.matches("created").count(), 1, "one header: {table}");
}

#[test]
fn what_could_harm_a_terminal_is_spelt_out() {
    let place = Place::initialised();
    let id = add(&place, &["\u{1b}[31mred\nsecond line \u{202e}turned 日本語", "--user", "a\u{7}b"]);
    for text in [place.ok(["search"]), place.ok(["get", &id])] {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}') && !text.contains('\u{202e}'), "{text:?}");
        assert!(text.contains("\\u{1b}[31mred") && text.contains("a\\u{7}b"), "{text:?}");
    }
    let narrow = place.command(["search"]).env("COLUMNS", "80").output().unwrap();
    let narrow = String::from_utf8(narrow.stdout).unwrap();
    let lines: Vec<&str> = narrow.lines().collect();
    assert!(lines[0].contains(&id) && lines[0].contains("a\\u{7}b"), "{narrow}");
    assert!(lines[1].starts_with("  \\u{1b}[31mred second line") && lines[1].chars().count() <= 80, "{narrow}");
}

#[test]
fn deleting_by_conditions_needs_a_yes_and_a_condition() {
    let place = Place::initialised();
    add(&place, &["a", "--user", "mara"]);
    add(&place, &["b", "--user", "mara"]);
    add(&place, &["c", "--user", "jonas"]);

    place.run(["delete"]).fails(10, &["every memory"]);
    place.run(["delete", "--yes"]).fails(10, &["every memory"]);
    place.run(["delete", "--yes", "--where", "{ }"]).fails(10, &["every memory"]);
    place.run(["delete", "--user", "mara"]).fails(10, &["2 memories", "--yes", "--dry-run"]);
    assert_eq!(place.ok(["delete", "--user", "mara", "--dry-run"]), "would delete 2 memories\n");
    assert_eq!(place.ok(["delete", "--user", "mara", "--dry-run", "--yes"]), "would delete 2 memories\n");
    assert_eq!(place.stored(), 3);
    assert_eq!(place.json(["delete", "--user", "mara", "--yes"])["memories"], 2);
    assert_eq!(place.stored(), 1);
}

#[test]
fn namespaces_are_listed_renamed_and_deleted() {
    let place = Place::initialised();
    for namespace in ["a", "b"] {
        add(&place, &["x", "--namespace", namespace]);
    }
    place.run(["namespace", "rename", "a", "b"]).fails(1, &["b"]);
    place.run(["namespace", "rename", "nowhere", "c"]).fails(1, &["nowhere"]);
    assert_eq!(place.json(["namespace", "rename", "a", "c"])["memories"], 1);
    let listed = place.ok(["--format", "ndjson", "namespace", "list"]);
    assert_eq!(listed.lines().count(), 2);
    assert!(listed.starts_with("{\"namespace\":\"b\",\"memories\":1,"), "{listed}");

    place.run(["namespace", "delete", "c"]).fails(10, &["1 memory", "--yes"]);
    assert_eq!(place.stored(), 2);
    assert!(place.ok(["namespace", "delete", "c", "--yes"]).contains("1 memory"));
    place.run(["namespace", "delete", "c", "--yes"]).fails(1, &["holds nothing"]);
    place.run(["namespace", "delete", " ", "--yes"]).fails(2, &["namespace is blank"]);
}

#[test]
fn stats_and_check_tell_what_is_there() {
    let place = Place::initialised();
    add(&place, &["a", "--user", "mara", "--thread", "t"]);
    let told = place.json(["stats"]);
    assert_eq!(told["stats"]["memories"], 1);
    assert_eq!(told["stats"]["by_user"][0]["value"], "mara");
    assert!(told["database"]["schema_version"].is_string());
    let table = place.ok(["stats"]);
    assert!(table.contains("short_term") && table.contains("mara"), "{table}");

    let checked = place.json(["check"]);
    assert_eq!(checked["database"]["dialect"], "sqlite");
    assert_eq!(checked["database"]["schema_pending"], 0);
    assert!(checked["round_trip_us"].is_u64());
    assert!(place.ok(["check"]).contains("up to date"));
}
