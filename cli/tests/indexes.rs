//! Declared indexes, upkeep, and the check of what is derived.
#![allow(clippy::unwrap_used)]

mod common;

use common::Place;
use diesel::connection::{Connection as _, SimpleConnection as _};

const CONVERSATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo.jsonl");

fn conversation() -> Place {
    let place = Place::initialised();
    place.ok(["import", CONVERSATION]);
    place
}

/// Does what another program could do.
fn tamper(place: &Place, sql: &str) {
    let file = place.path("polymnia.db");
    let mut connection = diesel::SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    connection.batch_execute(sql).unwrap();
}

#[test]
fn an_index_is_declared_used_listed_and_dropped() {
    let place = conversation();
    assert_eq!(place.ok(["index", "list"]), "no index is declared\n");
    assert_eq!(place.json(["index", "list"])["indexes"], serde_json::json!([]));

    let create = ["index", "create", "--path", "refund.amount", "--type", "number"];
    let created = place.json(create);
    assert_eq!((&created["name"], &created["created"]), (&"refund_amount_number".into(), &true.into()));
    assert_eq!((&created["path"], &created["kind"]), (&r#"["refund", "amount"]"#.into(), &"number".into()));
    assert_eq!(created["ready"], true);
    assert_eq!(place.json(create)["created"], false);
    assert!(place.ok(create).starts_with("index refund_amount_number on refund.amount (number)"));
    let text = ["index", "create", "--path", r#"["tags", 0]"#, "--type", "text", "--name", "first_tag"];
    let line = place.ok(text);
    assert!(line.starts_with(r#"created index first_tag on ["tags", 0] (text)"#), "{line}");

    let range = ["--filter", r#"{"refund": {"amount": {"$gte": 200}}}"#];
    let explained = place.json([&["explain"], &range[..]].concat());
    assert_eq!((&explained["access"], &explained["rows"]), (&"declared_index".into(), &4.into()), "{explained}");
    assert_eq!(explained["index"], "refund_amount_number");
    assert_eq!(place.ok([&["count"], &range[..]].concat()), "4\n");

    let table = place.ok(["index", "list"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[1].starts_with("first_tag") && lines[1].contains(r#"["tags", 0]"#), "{table}");
    assert!(lines[2].contains("refund.amount") && lines[2].contains("ready"), "{table}");
    assert_eq!(place.ok(["--format", "ndjson", "index", "list"]).lines().count(), 2);

    assert_eq!(place.ok(["index", "drop", "first_tag"]), "dropped index first_tag\n");
    assert_eq!(place.json(["index", "drop", "refund_amount_number"])["name"], "refund_amount_number");
    place.run(["index", "drop", "first_tag"]).fails(1, &["index first_tag isn't there", "polymnia index list"]);
    assert_eq!(place.ok([&["count"], &range[..]].concat()), "4\n");
}

#[test]
fn bad_declarations_are_refused_by_name() {
    let place = Place::initialised();
    place.ok(["index", "create", "--path", "a", "--type", "number"]);
    let create = |options: &[&str]| place.run([&["index", "create"], options].concat());
    create(&["--path", "a", "--type", "text", "--name", "a_number"]).fails(1, &["index a_number", "another"]);
    create(&["--path", "a", "--type", "number", "--name", "b"]).fails(1, &["index a_number", "index list"]);
    create(&["--path", "[1", "--type", "number"]).fails(2, &["path is malformed", "--path"]);
    create(&["--path", "[]", "--type", "number"]).fails(2, &["a path of 0 steps", "--path"]);
    create(&["--path", "é", "--type", "number"]).fails(2, &["index name", "--name"]);
    create(&["--path", &"k".repeat(50), "--type", "number"]).fails(2, &["index name", "hint: name it with --name"]);
    create(&["--path", "a", "--type", "number", "--name", "A"]).fails(2, &["index name is \"A\"", "--name"]);
    create(&["--path", "a"]).fails(2, &["--type"]);
    create(&["--path", "a", "--type", "date"]).fails(2, &["date", "number", "text"]);
    place.run(["index", "drop", "No"]).fails(2, &["index name is \"No\""]);
    assert_eq!(place.json(["index", "list"])["indexes"].as_array().unwrap().len(), 1);
}

#[test]
fn optimize_indexes_what_another_program_wrote() {
    let place = conversation();
    let filter = ["count", "--filter", r#"{"kind": "rumour"}"#];
    tamper(&place, r#"UPDATE polymnia_memories SET metadata = '{"kind": "rumour"}' WHERE user_id = 'jonas'"#);
    let changed = place.ok(filter);
    assert!(changed.trim().parse::<u64>().unwrap() > 0);
    let check = place.json(["check", "--deep"]);
    assert_eq!(check["verification"]["pending"].to_string(), changed.trim());
    assert_eq!(check["verification"]["fault_count"], 0);
    let table = place.ok(["check", "--deep"]);
    assert!(table.contains(&format!("{}: run `polymnia optimize`", changed.trim())), "{table}");

    let report = place.json(["optimize", "--index-only"]);
    assert_eq!(report["indexed"].to_string(), changed.trim());
    assert_eq!(place.ok(filter), changed);
    // What the rows had before is of no use any more.
    let full = place.json(["optimize"]);
    assert_eq!(full["indexed"], 0);
    assert!(full["removed"].as_u64().unwrap() > 0, "{full}");
    assert_eq!(place.json(["optimize"])["removed"], 0);
    let sound = place.json(["check", "--deep"]);
    assert_eq!((&sound["verification"]["pending"], &sound["verification"]["fault_count"]), (&0.into(), &0.into()));
    assert!(place.ok(["optimize"]).starts_with("indexed 0 memories, removed 0 index entries and refreshed"));
    assert!(place.ok(["optimize", "--index-only"]).starts_with("indexed 0 memories in "));
    assert_eq!(place.ok(filter), changed);
}

#[test]
fn check_tells_what_is_derived_and_its_faults() {
    let place = conversation();
    let checked = place.json(["check"]);
    assert!(checked.get("verification").is_none());
    assert_eq!(checked["capability"]["containment_index"], "emulated");
    let table = place.ok(["check"]);
    for name in ["containment ", "containment index", "filters", "declared indexes", "bulk load"] {
        assert!(table.lines().any(|line| line.starts_with(name)), "{name}: {table}");
    }
    let sound = place.json(["check", "--deep"]);
    assert_eq!(sound["verification"]["memories"], 209);
    assert!(sound["verification"]["entries"].as_u64().unwrap() > 209, "{sound}");
    assert_eq!(sound["verification"]["faults"], serde_json::json!([]));

    tamper(&place, "DELETE FROM polymnia_postings WHERE rid = (SELECT min(rid) FROM polymnia_postings)");
    let run = place.run(["--format", "json", "check", "--deep"]);
    run.fails(4, &["fault", "hint: ", "polymnia optimize"]);
    let found: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let faults = found["verification"]["faults"].as_array().unwrap();
    assert!(
        !faults.is_empty() && found["verification"]["fault_count"].as_u64() >= Some(faults.len() as u64),
        "{found}"
    );
    let table = place.run(["check", "--deep"]);
    table.fails(4, &["fault"]);
    assert!(table.stdout.contains("default") && table.stdout.contains("problem"), "{table:?}");
    assert_eq!(place.run(["check"]).code, 0);
    place.ok(["optimize"]);
    assert_eq!(place.json(["check", "--deep"])["verification"]["fault_count"], 0);
}
