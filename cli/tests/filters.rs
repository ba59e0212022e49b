//! Filters on the command line, and how a search is explained.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Place, Run};

/// A conversation that the program ships.
const CONVERSATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo.jsonl");

fn conversation() -> Place {
    let place = Place::initialised();
    place.ok(["import", CONVERSATION]);
    place
}

fn count(place: &Place, options: &[&str]) -> u64 {
    let line = [&["count"], options].concat();
    place.ok(line).trim().parse().unwrap()
}

#[test]
fn filters_select_what_they_say() {
    let place = conversation();
    for (filter, expected) in [
        ("{}", 209),
        (r#"{"kind": "promise"}"#, 10),
        (r#"{"session": {"$gte": 9}}"#, count(&place, &["--filter", r#"{"$not": {"session": {"$lt": 9}}}"#])),
        (r#"{"refund": {"amount": {"$gt": 148.5}}}"#, 4),
        (r#"{"tags": {"$any": ["root-cause", "fix"]}, "kind": {"$exists": true}, "$importance": {"$gte": 0.85}}"#, 3),
        (
            r#"{"$path": ["tags", 0], "$eq": "fix"}"#,
            count(&place, &["--filter", r#"{"$path":["tags",0],"$in":["fix"]}"#]),
        ),
        (r#"{"$user": "mara", "kind": {"$in": ["preference", "promise"]}}"#, 11),
        (r#"{"$or": [{"kind": "fact"}, {"kind": "workaround"}]}"#, 6),
        (r#"{"kind": {"$exists": false}}"#, 209 - 37),
        (
            r#"{"speaker": {"$prefix": "Mara "}, "$contains": {"channel": "chat"}}"#,
            count(&place, &["--where", r#"{"channel": "chat", "speaker": "Mara Lindqvist"}"#]),
        ),
    ] {
        assert_eq!(count(&place, &["--filter", filter]), expected, "{filter}");
        let found = place.ok(["search", "--all", "--format", "ndjson", "--filter", filter]);
        assert_eq!(found.lines().count() as u64, expected, "{filter}");
        assert!(expected > 0, "{filter}");
    }
}

#[test]
fn where_and_filter_must_both_hold() {
    let place = conversation();
    let (contains, filter) = (r#"{"channel": "mail"}"#, r#"{"kind": "promise"}"#);
    let (one, other) = (count(&place, &["--where", contains]), count(&place, &["--filter", filter]));
    let both = count(&place, &["--where", contains, "--filter", filter]);
    assert_eq!(both, count(&place, &["--where", r#"{"channel": "mail", "kind": "promise"}"#]));
    assert!(0 < both && both < other && other < one, "{both} {other} {one}");
    assert_eq!(count(&place, &["--where", contains, "--filter", filter, "--user", "nobody"]), 0);
    // `delete` takes the same.
    let deleted = place.ok(["delete", "--where", contains, "--filter", filter, "--yes"]);
    assert_eq!(deleted, format!("deleted {both} memories\n"));
    assert_eq!(count(&place, &["--filter", filter]), other - both);
}

#[test]
fn a_filter_at_fault_is_shown_with_the_place() {
    let place = Place::initialised();
    let shown = |run: &Run| run.stderr.lines().skip(1).take(2).map(str::to_owned).collect::<Vec<_>>();
    for verb in ["search", "explain", "count", "delete"] {
        let run = place.run([verb, "--filter", r#"{"score": {"$gtee": 9}}"#]);
        run.fails(2, &["`$gtee`", "`$gte`", "line: 1, column: 12, option: --filter"]);
        assert_eq!(shown(&run), [r#"  {"score": {"$gtee": 9}}"#, "             ^"]);
    }
    let run = place.run(["search", "--filter", "{\"a\": 1,\n\"日本\": {\"$size\": \"1\"}}"]);
    run.fails(2, &["line: 2, column: 17"]);
    assert_eq!(shown(&run), ["  \"日本\": {\"$size\": \"1\"}}", "                    ^"]);
    let run = place.run(["search", "--where", "{\"a\": tru}"]);
    run.fails(2, &["line: 1, column: 7, option: --where"]);
    assert_eq!(shown(&run), ["  {\"a\": tru}", "        ^"]);
    // For programs the place is in the message alone.
    let run = place.run(["--format", "json", "search", "--filter", "{"]);
    run.fails(2, &["line: 1, column: 2"]);
    assert!(!run.stderr.contains('^'), "{run:?}");
    for (filter, says) in [
        ("[]", &["a filter needs to be an object"][..]),
        (r#"{"$where": "1"}"#, &["`$where`", "hint: ", "`$$`"]),
        (r#"{"a": {"b": 1, "$eq": 2}}"#, &["column: 16"]),
        (r#"{"$user": null}"#, &["$exists"]),
        (r#"{"$created_at": {"$gte": "soon"}}"#, &["RFC 3339"]),
    ] {
        place.run(["count", "--filter", filter]).fails(2, says);
    }
    let deep = format!("{}{{}}{}", r#"{"$not": "#.repeat(99), "}".repeat(99));
    place.run(["count", "--filter", &deep]).fails(2, &["--filter"]);
    let run = place.run(["count", "--filter", "{\"\u{1b}[31m\u{202e}\": {\"$x\": 1}}"]);
    run.fails(2, &["$x"]);
    assert!(!run.stderr.contains('\u{1b}') && !run.stderr.contains('\u{202e}'), "{run:?}");
}

#[test]
fn the_next_page_has_the_same_filter() {
    let place = conversation();
    let options =
        ["--where", r#"{"channel":"mail"}"#, "--filter", r#"{"session": {"$gte": 4}, "speaker": {"$ne": "it's"}}"#];
    let first = [&["search", "--limit", "5"], &options[..]].concat();
    let table = place.ok(first);
    let mut command = table.lines().find_map(|line| line.strip_prefix("more: polymnia ")).unwrap().to_owned();
    let mut seen: u64 = 5;
    loop {
        let shell = format!("{} --format table {command}", env!("CARGO_BIN_EXE_polymnia"));
        let mut next = std::process::Command::new("sh");
        let next = next.args(["-c", &shell]).current_dir(place.path(".")).output().unwrap();
        assert!(next.status.success(), "{command}: {next:?}");
        let next = String::from_utf8(next.stdout).unwrap();
        let told = |line: &str| line.split_once(" memor")?.0.parse::<u64>().ok();
        seen += next.lines().find_map(told).unwrap();
        match next.lines().find_map(|line| line.strip_prefix("more: polymnia ")) {
            Some(more) => more.clone_into(&mut command),
            None => break,
        }
    }
    assert_eq!(seen, count(&place, &options));
}

#[test]
fn a_filter_that_leaves_nothing_out_deletes_nothing() {
    let place = conversation();
    for options in [
        &["--filter", "{}"][..],
        &["--filter", r#"{"$contains": {}}"#],
        &["--where", "{}", "--filter", "{}"],
        &["--filter", r#"{"$not": {"$not": {}}}"#],
        &["--filter", r#"{"$or": [{"kind": "fact"}, {}]}"#],
        &["--filter", r#"{"$tier": {"$exists": true}}"#],
    ] {
        for flags in [&[][..], &["--yes"]] {
            place.run([&["delete"], options, flags].concat()).fails(10, &["every memory"]);
        }
    }
    place.run(["delete", "019cadd3-6bc0-72e0-a880-2a98a118036e", "--filter", "{}"]).fails(2, &["one or the other"]);
    place.run(["delete", "--filter", r#"{"kind": "fact"}"#]).fails(10, &["4 memories", "--yes"]);
    assert_eq!(place.stored(), 209);
    assert_eq!(place.json(["delete", "--filter", r#"{"kind": "fact"}"#, "--dry-run"])["memories"], 4);
    assert_eq!(place.json(["delete", "--filter", r#"{"kind": "fact"}"#, "--yes"])["memories"], 4);
    assert_eq!(place.stored(), 205);
}

#[test]
fn explain_tells_how_a_search_is_answered() {
    let place = conversation();
    let filter = r#"{"kind": "promise"}"#;
    let explained = place.json(["explain", "--filter", filter]);
    assert_eq!(explained["dialect"], "sqlite");
    assert_eq!(explained["access"], "metadata_index");
    assert_eq!((&explained["rows"], &explained["candidates"]), (&10.into(), &10.into()));
    assert!(explained["index"].is_string() && explained["elapsed_us"].is_u64(), "{explained}");
    let statements = explained["statements"].as_array().unwrap();
    assert!(statements.iter().any(|sql| sql.as_str().unwrap().contains("polymnia_postings")), "{explained}");
    assert!(!explained.to_string().contains("promise"), "values are bound: {explained}");

    let table = place.run(["explain", "--filter", filter]);
    for name in ["access", "index", "streamed", "candidates", "rechecks", "rows", "time", "emulated"] {
        assert!(table.stdout.lines().any(|line| line.starts_with(name)), "{name}: {table:?}");
    }
    assert!(table.stdout.contains("by the index over metadata"), "{table:?}");
    assert!(!table.stdout.contains("SELECT") && table.stderr.contains("-v"), "{table:?}");
    assert!(place.ok(["explain", "--filter", filter, "-v"]).contains("SELECT"));
    assert_eq!(place.run(["-q", "explain"]).stderr, "");

    let all = place.json(["explain"]);
    assert_ne!(all["access"], "metadata_index");
    assert_eq!(all["rows"], 10);
    let nothing = place.json(["explain", "--filter", r#"{"$not": {}}"#]);
    assert_eq!(nothing["rows"], 0);
    // What `search` takes.
    let page = place.json(["search", "--limit", "3", "--order", "created-asc", "--filter", filter]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let line = ["explain", "--limit", "3", "--order", "created-asc", "--filter", filter, "--cursor", cursor];
    assert_eq!(place.json(line)["rows"], 3);
    place.run(["explain", "--cursor", cursor]).fails(2, &["cursor belongs to another query"]);
    place.run(["explain", "--limit", "0"]).fails(2, &["limit is 0"]);
    place.run(["explain", "--all"]).fails(2, &["--all"]);
}
