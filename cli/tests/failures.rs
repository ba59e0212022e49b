//! What goes wrong: exit codes, messages, and that nothing is left behind.
#![allow(clippy::unwrap_used)]

mod common;

use std::ffi::OsString;
use std::process::Stdio;

use common::{Place, Run};

/// Every line here must fail, name what is wrong, and store nothing.
#[test]
fn bad_values_are_refused_by_name() {
    let place = Place::initialised();
    let (deep, long) = (format!("{}1{}", "[".repeat(128), "]".repeat(128)), "n".repeat(256));
    let deep = format!("{{\"a\":{deep}}}");
    let fine = format!("{{\"a\":1e-{}}}", 20_000);
    for (metadata, says) in [
        ("{\"a\": 1,\n \"b\": tru}", &["line: 2", "column: 7", "--metadata"][..]),
        ("", &["--metadata", "end of text"]),
        ("[1]", &["metadata is an array"]),
        ("7", &["metadata is a number"]),
        (r#"{"a":"\u0000"}"#, &["\\u0000", "column: 7"]),
        (r#"{"a":"\ud800"}"#, &["surrogate"]),
        (r#"{"a":1e999999}"#, &["too large"]),
        (&fine, &["too fine"]),
        (&deep, &["nested too deep"]),
    ] {
        place.run(["add", "x", "--metadata", metadata]).fails(2, says);
    }
    for (line, says) in [
        (&["search", "--where", "{a:1}"][..], &["--where", "line: 1", "column: 2"][..]),
        (&["search", "--limit", "0"], &["limit is 0", "--limit"]),
        (&["search", "--limit", "10001"], &["limit is 10001"]),
        (&["search", "--since", "yesterday"], &["time \"yesterday\" can't be read", "--since"]),
        (&["search", "--user", ""], &["user_id is empty"]),
        (&["add", "x", "--namespace", " \t"], &["namespace is blank", "option --namespace"]),
        (&["add", "x", "--namespace", &long], &["namespace is 256 bytes long"]),
        (&["add", "x", "--user", &long], &["user_id is 256 bytes long"]),
        (&["add", "x", "--tier", &long], &["tier is 256 bytes long"]),
        (&["add", "x", "--id", "7"], &["id \"7\" is not a UUID"]),
        (&["add", "x", "--importance", "1.5"], &["importance is 1.5"]),
        (&["add", "x", "--importance", "-1"], &["importance is -1"]),
        (&["add", "x", "--importance", "NaN"], &["importance is NaN"]),
        (&["add", "x", "--created-at", "2026-13-01"], &["2026-13-01"]),
        (&["add", "x", "--timeout", "soon"], &["\"soon\" is no duration", "--timeout"]),
        (&["get", "x"], &["id \"x\" is not a UUID"]),
        (&["update", "01956f2e-8c3a-7d11-9b52-0242ac120002"], &["changes nothing"]),
        (&["delete", "01956f2e-8c3a-7d11-9b52-0242ac120002", "--user", "u"], &["one or the other"]),
    ] {
        place.run(line).fails(2, says);
    }
    place.run_with_input(["add", "-"], b"a\0b").fails(2, &["content holds a NUL character", "byte 1"]);
    place.run_with_input(["add", "-"], b"a\xff").fails(2, &["content is not valid UTF-8 at byte 1"]);
    place.run_with_input(["add", "-"], vec![b'a'; (1 << 20) + 1]).fails(2, &["content is longer than 1048576 bytes"]);
    let large = format!("{{\"a\":\"{}\"}}", "a".repeat(1 << 20));
    place.write("large.ndjson", format!("{{\"content\":\"x\",\"metadata\":{large}}}\n"));
    place.run(["import", "large.ndjson"]).fails(1, &["more than 1048576 bytes", "line: 1"]);
    assert_eq!(place.stored(), 0);
    let exact = place.run_with_input(["add", "-"], [vec![b'a'; 1 << 20], b"\n".to_vec()].concat());
    assert_eq!(exact.code, 0, "{}", exact.stderr);
}

#[cfg(unix)]
#[test]
fn arguments_that_are_no_utf8_are_refused() {
    use std::os::unix::ffi::OsStringExt as _;
    let place = Place::initialised();
    let content = OsString::from_vec(b"caf\xe9".to_vec());
    place.run([OsString::from("add"), content.clone()]).fails(2, &["content is not valid UTF-8 at byte 3"]);
    place.run([OsString::from("add"), "x".into(), "--user".into(), content]).fails(2, &["UTF-8"]);
    assert_eq!(place.stored(), 0);
}

#[test]
fn wrong_usage_is_told_by_exit_code_2() {
    let place = Place::empty();
    for line in [&["serch"][..], &["add"], &["add", "x", "--usr", "u"], &["--format", "xml", "stats"], &["get"], &[]] {
        let run = place.run(line);
        assert_eq!(run.code, 2, "{line:?}: {run:?}");
        assert!(run.stdout.is_empty(), "{line:?}: {run:?}");
    }
    for line in [&["--help"][..], &["--version"], &["import", "--help"], &["completions", "zsh"]] {
        let run = place.run(line);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{line:?}");
        assert!(!run.stdout.is_empty(), "{line:?}");
    }
    assert!(place.files().is_empty());
}

#[test]
fn a_database_that_is_not_there_is_not_created_by_the_way() {
    let place = Place::empty();
    place.write("lines.ndjson", "{\"content\":\"a\"}\n");
    for line in [
        &["search"][..],
        &["add", "x"],
        &["count"],
        &["stats"],
        &["check"],
        &["import", "lines.ndjson"],
        &["get", "01956f2e-8c3a-7d11-9b52-0242ac120002"],
        &["namespace", "list"],
        &["delete", "--user", "u", "--yes"],
        &["explain"],
        &["optimize"],
        &["index", "list"],
        &["index", "create", "--path", "a", "--type", "text"],
        &["check", "--deep"],
    ] {
        place.run(line).fails(9, &["polymnia.db isn't there", "hint: ", "polymnia init"]);
    }
    assert_eq!(place.files(), ["lines.ndjson"]);
}

#[test]
fn a_schema_that_is_not_there_is_told_with_the_command_that_makes_it() {
    let place = Place::empty();
    place.write("polymnia.db", "");
    place.write("lines.ndjson", "{\"content\":\"a\"}\n");
    for line in [
        &["search"][..],
        &["add", "x"],
        &["import", "lines.ndjson"],
        &["namespace", "list"],
        &["stats"],
        &["explain", "--filter", r#"{"a": 1}"#],
        &["optimize"],
        &["index", "list"],
        &["index", "drop", "a"],
        &["check", "--deep"],
    ] {
        place.run(line).fails(1, &["hint: ", "polymnia init"]);
    }
    let check = place.run(["check"]);
    assert_eq!(check.code, 0, "{check:?}");
    assert!(check.stdout.contains("not initialised: run `polymnia init`"), "{check:?}");
    place.ok(["init"]);
    place.ok(["add", "x"]);
}

#[test]
fn databases_that_cannot_be_opened() {
    let place = Place::empty();
    place.write("text.db", "this is no database, however long it is. ".repeat(200));
    let url = |url: &str| place.run(["--timeout", "1s", "--database-url", url, "search"]);
    let init = |url: &str| place.run(["--timeout", "1s", "--database-url", url, "init"]);
    url("mysql://h/d").fails(2, &["unknown URL scheme \"mysql\"", "postgres", "sqlite"]);
    url("nonsense").fails(2, &["scheme", "sqlite"]);
    url("sqlite://a.db?colour=red").fails(2, &["colour"]);
    url("sqlite://text.db").fails(9, &["text.db"]);
    url("sqlite://nowhere/a.db").fails(9, &["nowhere/a.db"]);
    init("sqlite://nowhere/a.db").fails(9, &["nowhere"]);
    url("postgres://127.0.0.1:1/d").fails(9, &[]);
    url("postgres://no-such-host.invalid/d").fails(9, &[]);
    assert_eq!(place.files(), ["text.db"]);
}

#[test]
fn a_database_that_is_read_only_is_read() {
    let place = Place::initialised();
    place.ok(["add", "x"]);
    assert!(place.ok(["--database-url", "sqlite://polymnia.db?mode=ro", "search"]).contains('x'));
    for line in [&["add", "y"][..], &["optimize"], &["index", "create", "--path", "a", "--type", "text"]] {
        place.run([&["--database-url", "sqlite://polymnia.db?mode=ro"], line].concat()).fails(9, &[]);
    }
    for line in [&["explain"][..], &["index", "list"], &["check", "--deep"], &["count", "--filter", r#"{"a": 1}"#]] {
        place.ok([&["--database-url", "sqlite://polymnia.db?mode=ro"], line].concat());
    }
    assert_eq!(place.stored(), 1);
}

#[test]
fn passwords_do_not_show() {
    let place = Place::empty();
    let urls = [
        "postgres://ann:s3cr3t@127.0.0.1:1/d",
        "postgres://ann@127.0.0.1:1/d?password=s3cr3t",
        "host=127.0.0.1 port=1 user=ann password=s3cr3t",
        "postgres://ann:s3cr3t@127.0.0.1:1/d?colour=red",
        "postgres://ann:s3cr3t@127.0.0.1:x/d",
        "mysql://ann:s3cr3t@h/d",
    ];
    let hides = |run: Run| {
        let text = format!("{}{}", run.stdout, run.stderr);
        assert!(!text.contains("s3cr3t"), "{text}");
        assert!(!text.trim().is_empty());
    };
    for url in urls {
        for line in [&["check", "-vv"][..], &["config", "show"], &["search", "-vvv"], &["init", "--format", "json"]] {
            hides(place.run([&["--timeout", "200ms", "--database-url", url], line].concat()));
        }
        hides(place.run(["check", url]));
        let of_variable = place.command(["--timeout", "200ms", "check", "-vv"]).env("DATABASE_URL", url).output();
        let of_variable = Run::from(of_variable.unwrap());
        assert!(of_variable.stderr.contains("DATABASE_URL"), "{of_variable:?}");
        hides(of_variable);
        let help = place.command(["check", "--help"]).env("POLYMNIA_DATABASE_URL", url).output();
        hides(help.unwrap().into());
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::initialised();
    let lines = format!("{{\"content\":\"{}\"}}\n", "x".repeat(200)).repeat(3_000);
    place.write("lines.ndjson", lines);
    place.ok(["import", "lines.ndjson"]);
    for format in ["table", "json", "ndjson"] {
        let mut command = place.command(["--format", format, "search", "--all"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let run = Run::from(child.wait_with_output().unwrap());
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{format}");
    }
}

#[test]
fn a_lock_that_stays_is_told_by_exit_code_6() {
    use diesel::connection::{Connection as _, SimpleConnection as _};
    let place = Place::initialised();
    let file = place.path("polymnia.db");
    let mut holder = diesel::SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    holder.batch_execute("BEGIN IMMEDIATE").unwrap();
    assert_eq!(place.ok(["count"]), "0\n");
    place.run(["--timeout", "300ms", "add", "x"]).fails(6, &["lock", "hint: try again"]);
    let url = "sqlite://polymnia.db?busy_timeout=200ms";
    place.run(["--database-url", url, "add", "x"]).fails(6, &["locked", "hint: try again"]);
    holder.batch_execute("ROLLBACK").unwrap();
    place.ok(["add", "x"]);
}

#[test]
fn colours_are_for_terminals_only() {
    let place = Place::initialised();
    place.ok(["add", "x"]);
    for line in [&["search"][..], &["--no-color", "search"], &["stats"], &["--help"], &["demo"]] {
        assert!(!place.ok(line).contains('\u{1b}'), "{line:?}");
    }
}
