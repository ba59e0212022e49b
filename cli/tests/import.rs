//! Import: what is stored, what is refused, and what is told.
#![allow(clippy::unwrap_used)]

mod common;

use common::Place;
use serde_json::Value;

const ID: &str = "01956f2e-8c3a-7d11-9b52-0242ac120002";

fn line(content: &str, rest: &str) -> String {
    format!("{{\"content\":\"{content}\"{rest}}}\n")
}

#[test]
fn what_search_prints_is_imported_with_times_and_revisions() {
    let from = Place::initialised();
    from.write(
        "lines.ndjson",
        [
            format!("\u{feff}{}", line("a", r#","namespace":"n","user_id":"mara","metadata":{"n":1.50},"revision":7"#)),
            "\r\n\n".to_owned(),
            line("b", r#","namespace":"n","created_at":"2026-03-02T09:14:00Z""#),
            line("c", r#","namespace":"n","created_at":"2026-03-02","updated_at":"2026-03-03","importance":1"#),
            line("last", r#","namespace":"n","created_at":"2026-03-02","related_threads":["t"]"#).trim_end().to_owned(),
        ]
        .concat(),
    );
    let report = from.json(["import", "lines.ndjson"]);
    assert_eq!(report["stored"], 4);
    assert_eq!(report["rejected"], 0);
    assert!(report["rejects"].is_null());

    let printed = from.ok(["--namespace", "n", "--format", "ndjson", "search", "--all"]);
    assert!(printed.contains(r#""revision":7"#));
    assert!(printed.contains(r#""created_at":"2026-03-02T09:14:00Z","updated_at":"2026-03-02T09:14:00Z""#));
    assert!(printed.contains(r#""created_at":"2026-03-02T00:00:00Z","updated_at":"2026-03-03T00:00:00Z""#));
    let to = Place::initialised();
    let imported = to.run_with_input(["import", "-"], &printed);
    assert_eq!(imported.code, 0, "{imported:?}");
    assert!(imported.stdout.starts_with("imported 4 memories in "), "{imported:?}");
    assert_eq!(to.ok(["--namespace", "n", "--format", "ndjson", "search", "--all"]), printed);
}

#[test]
fn a_file_with_a_fault_is_not_imported_at_all() {
    let place = Place::initialised();
    for (fault, says) in [
        (line("x", ",\"usr\":\"mara\"").into_bytes(), &["unknown field \"usr\"", "line: 2002, column: 22"][..]),
        (b"{\"content\":\"x\"\n".to_vec(), &["malformed JSON", "line: 2002"]),
        (b"[]\n".to_vec(), &["expected a JSON object", "line: 2002"]),
        (b"{\"user_id\":\"x\"}\n".to_vec(), &["field \"content\" is missing", "line: 2002"]),
        (b"{\"content\":\"\xff\"}\n".to_vec(), &["not valid UTF-8", "line: 2002, column: 13"]),
        (line("\\u0000", "").into_bytes(), &["content holds a NUL", "line: 2002"]),
        (line("\\ud800", "").into_bytes(), &["\"content\"", "line: 2002"]),
        (line("x", ",\"metadata\":[]").into_bytes(), &["metadata is an array", "line: 2002, column: 27"]),
        (line("x", ",\"metadata\":{\"a\":1e999999}").into_bytes(), &["too large", "line: 2002"]),
        (line("x", ",\"namespace\":\" \"").into_bytes(), &["namespace is blank", "line: 2002"]),
        (line("x", ",\"id\":\"7\"").into_bytes(), &["id \"7\" is not a UUID", "line: 2002"]),
        (line("x", ",\"created_at\":\"soon\"").into_bytes(), &["\"soon\"", "line: 2002"]),
    ] {
        let good: String = (0..2_001).map(|n| line(&n.to_string(), "")).collect();
        place.write("lines.ndjson", [good.as_bytes(), &fault, b"{\"content\":\"after\"}\n"].concat());
        let run = place.run(["import", "lines.ndjson"]);
        run.fails(1, says);
        run.fails(1, &["file: lines.ndjson", "nothing was stored", "--keep-going"]);
    }
    assert_eq!(place.stored(), 0);
    assert!(!place.files().iter().any(|name| name.contains("rejects")));
}

#[test]
fn keep_going_imports_the_rest_and_keeps_the_rejects_with_reasons() {
    let place = Place::initialised();
    let bad = line("x", ",\"usr\":1");
    let lines =
        [&line("a", ""), &bad, &line("b", &format!(",\"id\":\"{ID}\"")), &line("c", &format!(",\"id\":\"{ID}\""))];
    place.write("lines.ndjson", [lines.map(String::as_bytes).concat(), b"\xff\n".to_vec(), b"{}".to_vec()].concat());
    let run = place.run(["--format", "json", "import", "lines.ndjson", "--keep-going"]);
    assert_eq!(run.code, 1, "{run:?}");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&report["stored"], &report["rejected"], &report["skipped"]), (&2.into(), &4.into(), &0.into()));
    assert_eq!(report["rejects"], "lines.ndjson.rejects.ndjson");

    let rejects = std::fs::read_to_string(place.path("lines.ndjson.rejects.ndjson")).unwrap();
    let rejects: Vec<Value> = rejects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut numbers: Vec<u64> = rejects.iter().map(|reject| reject["line"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 4, 5, 6]);
    let unknown = rejects.iter().find(|reject| reject["line"] == 2).unwrap();
    assert_eq!(unknown["text"], bad.trim_end());
    assert!(unknown["error"].as_str().unwrap().starts_with("unknown field \"usr\""));
    let taken = rejects.iter().find(|reject| reject["line"] == 4).unwrap();
    assert!(taken["error"].as_str().unwrap().contains(ID), "{taken}");
    assert_eq!(place.stored(), 2);

    place.run_with_input(["import", "-", "--keep-going"], "{}").fails(2, &["--rejects"]);
    place.run(["import", "lines.ndjson", "--keep-going", "--rejects", "./lines.ndjson"]).fails(2, &["--rejects"]);
    place.run(["import", "lines.ndjson", "--rejects", "r"]).fails(2, &["--keep-going"]);
    let run = place.run_with_input(["import", "-", "--keep-going", "--rejects", "r"], "{}\n{\"content\":\"d\"}\n");
    assert_eq!((run.code, place.stored()), (1, 3), "{run:?}");
    assert!(run.stdout.contains("rejected 1 line: see r"), "{run:?}");
}

#[test]
fn standard_input_is_stored_up_to_the_line_at_fault() {
    let place = Place::initialised();
    let lines: String = (0..2_500).map(|n| line(&n.to_string(), "")).collect();
    let input = format!("{lines}{}", line("x", ",\"usr\":1"));
    let run = place.run_with_input(["import", "-"], input);
    run.fails(1, &["unknown field \"usr\"", "line: 2501", "stored: 2500", "--on-conflict skip"]);
    assert_eq!(place.stored(), 2_500);
    let run = place.run_with_input(["import", "-"], "\n\n");
    assert_eq!((run.code, place.stored()), (0, 2_500), "{run:?}");
    assert!(run.stdout.starts_with("imported 0 memories"), "{run:?}");
}

#[test]
fn an_id_that_is_taken_fails_is_skipped_or_replaced() {
    let place = Place::initialised();
    place.write("lines.ndjson", [line("new", ""), line("first", &format!(",\"id\":\"{ID}\""))].concat());
    place.ok(["import", "lines.ndjson"]);
    place
        .write("again.ndjson", [line("new", ""), line("second", &format!(",\"id\":\"{ID}\",\"revision\":9"))].concat());

    let run = place.run(["import", "again.ndjson"]);
    run.fails(1, &[ID, "line: 2", "stored: 0", "--on-conflict skip"]);
    assert!(!run.stderr.contains("mutation"), "{run:?}");
    assert_eq!(place.stored(), 2);
    let skipped = place.json(["import", "again.ndjson", "--on-conflict", "skip"]);
    assert_eq!((&skipped["stored"], &skipped["skipped"]), (&1.into(), &1.into()));
    assert_eq!(place.json(["get", ID])["memories"][0]["content"], "first");
    let replaced = place.json(["import", "again.ndjson", "--on-conflict", "replace"]);
    assert_eq!((&replaced["stored"], &replaced["replaced"]), (&1.into(), &1.into()));
    let memory = &place.json(["get", ID])["memories"][0];
    assert_eq!((&memory["content"], &memory["revision"]), (&"second".into(), &9.into()));

    let twice = [line("a", ""), line("b", ""), line("c", "")]
        .map(|_| line("twice", &format!(",\"id\":\"{ID}\",\"namespace\":\"t\"")));
    place.write("twice.ndjson", twice.concat());
    place.run(["import", "twice.ndjson"]).fails(1, &[ID, "line: 2"]);
}

#[test]
fn the_line_says_its_namespace_unless_told_otherwise() {
    let lines = [line("own", ",\"namespace\":\"of-line\""), line("none", "")].concat();
    let count = |place: &Place, namespace: &str| place.ok(["--namespace", namespace, "count"]);

    let place = Place::initialised();
    place.write("lines.ndjson", &lines);
    place
        .run(["--namespace", "asked", "import", "lines.ndjson"])
        .fails(1, &["of namespace \"of-line\"", "\"asked\"", "line: 1", "--into-namespace"]);
    assert_eq!(place.stored(), 0);
    place.ok(["--namespace", "asked", "import", "lines.ndjson", "--into-namespace"]);
    assert_eq!(count(&place, "asked"), "2\n");
    // A setting is what lines without a namespace get; it forbids none.
    let run = place.command(["import", "lines.ndjson"]).env("POLYMNIA_NAMESPACE", "set").output().unwrap();
    assert!(run.status.success());
    assert_eq!((count(&place, "set"), count(&place, "of-line")), ("1\n".to_owned(), "1\n".to_owned()));
}

#[test]
fn many_namespaces_in_turn_are_batched_each_for_itself() {
    let place = Place::initialised();
    let lines: String = (0..20_000).map(|n| line(&n.to_string(), &format!(",\"namespace\":\"n{}\"", n % 50))).collect();
    place.write("lines.ndjson", lines);
    assert_eq!(place.json(["import", "lines.ndjson"])["stored"], 20_000);
    assert_eq!(place.json(["namespace", "list"])["namespaces"].as_array().unwrap().len(), 50);
    assert_eq!(place.ok(["--namespace", "n7", "count"]), "400\n");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let place = Place::initialised();
    place.run(["import", "nowhere.ndjson"]).fails(1, &["nowhere.ndjson isn't there"]);
    place.run(["import", "."]).fails(1, &["is a folder"]);
    place.write("long.ndjson", [vec![b'{'; (16 << 20) + 1], b"\n{\"content\":\"a\"}".to_vec()].concat());
    place.run(["import", "long.ndjson"]).fails(1, &["longer than 16777216 bytes", "line: 1"]);
    let run = place.run(["import", "long.ndjson", "--keep-going"]);
    assert_eq!((run.code, place.stored()), (1, 1), "{run:?}");
}

/// Ctrl-C while the program waits for input: what is stored stays, and is told.
#[cfg(unix)]
#[test]
fn an_interrupted_import_says_how_many_are_stored() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let place = Place::initialised();
    let mut command = place.command(["import", "-", "--batch-size", "300"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let lines: String = (0..2_000).map(|n| line(&n.to_string(), "")).collect();
    stdin.write_all(lines.as_bytes()).unwrap();
    while place.stored() < 1_800 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let run = common::Run::from(child.wait_with_output().unwrap());
    drop(stdin);
    run.fails(130, &["interrupted: 1,800 memories are stored"]);
    assert_eq!(place.stored(), 1_800);
}
