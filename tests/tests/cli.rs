//! The program `polymnia` with the same arguments on both dialects: the same output, exit codes and error texts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use polymnia::ConnectionString;
use polymnia_conformance::Fixture;
use polymnia_tests::databases::{Postgres, SqliteFile};
use polymnia_tests::{cli, server};

#[test]
fn a_conversation_is_found_alike() {
    let both = Both::initialised();
    both.import();
    let conditions: &[&[&str]] = &[
        &[],
        &["--user", "mara"],
        &["--user", "Mara"],
        &["--no-user"],
        &["--agent", "support-ai"],
        &["--no-agent"],
        &["--thread", "case-4711-chat-01"],
        &["--thread", "case-4711-%"],
        &["--no-thread"],
        &["--tier", "long_term"],
        &["--tier", "long_term", "--tier", "mid_term"],
        &["--related-thread", "case-4711-chat-01"],
        &["--related-thread", "case-4711-chat-01", "--related-thread", "case-4711-mail-14"],
        &["--since", "2026-03-20"],
        &["--until", "2026-03-05T12:00:00+01:00"],
        &["--since", "2026-03-10", "--until", "2026-03-20"],
        &["--updated-since", "2026-04-01"],
        &["--where", "{}"],
        &["--where", "[]"],
        &["--where", r#"{"kind": "summary"}"#],
        &["--where", r#"{"tags": ["fix"]}"#],
        &["--where", r#"{"session": 1.0, "turn": 1e0}"#],
        &["--where", r#"{"session": "1"}"#],
        &["--where", r#"{"speaker": "Mara Lindqvist", "channel": "chat"}"#, "--user", "mara"],
        &["--where", r#"{"topic": "sync"}"#, "--tier", "short_term", "--since", "2026-03-10"],
        &["--filter", "{}"],
        &["--filter", r#"{"session": {"$gte": 2}, "turn": {"$in": [1, 2.0]}}"#],
        &["--filter", r#"{"tags": {"$any": ["fix", "sync"]}}"#],
        &["--filter", r#"{"$not": {"speaker": {"$prefix": "Mara"}}, "refund": {"$exists": false}}"#],
        &["--filter", r#"{"refund": {"amount": {"$gt": 10}}}"#],
        &["--filter", r#"{"$user": "mara", "$created_at": {"$lt": "2026-03-10T00:00:00Z"}}"#],
        &["--filter", r#"{"topic": "sync"}"#, "--where", r#"{"tags": []}"#, "--tier", "short_term"],
    ];
    let mut found = 0;
    for conditions in conditions {
        let count = both.run(&[&["count", "--format", "ndjson"], *conditions].concat());
        for order in ["created-desc", "created-asc", "updated-desc", "importance-desc", "importance-asc"] {
            let page =
                both.run(&[&["search", "--format", "ndjson", "--order", order, "--limit", "7"], *conditions].concat());
            let all = both.run(&[&["search", "--format", "ndjson", "--order", order, "--all"], *conditions].concat());
            assert!(all.out.starts_with(&page.out), "{conditions:?}");
            let counted: serde_json::Value = serde_json::from_str(&count.out).unwrap();
            assert_eq!(counted["memories"], all.out.lines().count(), "{conditions:?}");
            found += usize::from(!all.out.is_empty());
        }
    }
    assert!(found >= 80, "{found} searches found something");
    for format in ["table", "json", "ndjson"] {
        both.run(&["--quiet", "search", "--format", format, "--where", r#"{"topic": "sync"}"#]);
        both.run(&["namespace", "list", "--format", format]);
    }
    // Page after page by the cursor that is told.
    let mut arguments = vec!["search".to_owned(), "--format".into(), "json".into(), "--limit".into(), "60".into()];
    let mut pages = 0;
    loop {
        let page: serde_json::Value = serde_json::from_str(&both.run(&arguments).out).unwrap();
        pages += 1;
        let Some(next) = page["next_cursor"].as_str() else { break };
        arguments.truncate(5);
        arguments.extend(["--cursor".to_owned(), next.to_owned()]);
    }
    assert_eq!(pages, 4);
    let stats = |output: &Output| {
        let whole: serde_json::Value = serde_json::from_str(&output.out).unwrap();
        whole["stats"].clone()
    };
    let [one, other] = both.each(&["stats", "--format", "json"], b"");
    assert_eq!(stats(&one), stats(&other));
    assert_eq!(stats(&one)["memories"], 209);
}

#[test]
fn an_export_goes_from_each_to_each() {
    let both = Both::initialised();
    both.import();
    let id = "019cadd3-6bc0-72e0-a880-2a98a118036e";
    both.run(&["update", id, "--if-revision", "1", "--tier", "long_term", "--quiet"]);
    let [one, other] = both.each(&["search", "--all", "--format", "ndjson"], b"");
    // The update took its time from the clock, which ran on between the two.
    let line = |output: &Output| output.out.lines().find(|line| line.contains(id)).unwrap().to_owned();
    assert!(line(&one).contains(r#""revision":2"#) && line(&other).contains(r#""revision":2"#));
    let crossed = Both::initialised();
    for (from, to) in [(&one, &crossed.sides[1]), (&other, &crossed.sides[0])] {
        let imported = to.run(&["--quiet", "import", "-"], from.out.as_bytes());
        assert_eq!(imported.code, 0, "{}", imported.err);
        let again = to.run(&["search", "--all", "--format", "ndjson"], b"");
        assert!(again.out == from.out, "an export differs from what was imported");
    }
}

#[test]
fn every_verb_answers_alike() {
    let both = Both::initialised();
    let id = "01956f2e-8c3a-7d11-9b52-0242ac120002";
    let add = [
        "add",
        "prefers\tcalls \u{202e}after",
        "--id",
        id,
        "--user",
        "mara",
        "--created-at",
        "2026-03-02T09:14:00.5Z",
        "--metadata",
    ];
    both.run(&[&add[..], &[r#"{"b": 1.50, "a": {"é": null}}"#]].concat());
    both.masked(&["get", id, "--format", "ndjson"], UPDATED);
    both.masked(&["get", id, "00000000-0000-0000-0000-000000000000", "--format", "ndjson"], UPDATED);
    both.run(&["add", "again", "--id", id]);
    both.masked(&["update", id, "--tier", "long_term", "--no-user", "--format", "ndjson"], UPDATED);
    both.run(&["update", id, "--tier", "own", "--if-revision", "1"]);
    both.run(&["update", "00000000-0000-0000-0000-000000000000", "--tier", "own"]);
    both.run(&["update", id]);
    both.run(&["delete", id, "--dry-run"]);
    both.run(&["delete", "--user", "mara"]);
    both.run(&["delete", "--tier", "long_term", "--dry-run"]);
    both.run(&["delete", "--yes"]);
    both.run(&["namespace", "rename", "default", "moved"]);
    both.run(&["namespace", "rename", "default", "moved"]);
    both.run(&["namespace", "rename", "moved", "moved"]);
    both.run(&["namespace", "delete", "moved"]);
    both.run(&["namespace", "delete", "moved", "--yes"]);
    both.run(&["namespace", "delete", "moved", "--yes"]);
    both.run(&["delete", id]);
    both.run(&["count"]);
    both.masked(&["init"], DATABASE);
}

#[test]
fn bad_input_is_refused_alike_and_nothing_is_stored() {
    let both = Both::initialised();
    let long = "n".repeat(256);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(128), "]".repeat(128));
    let cases: &[(&[&str], i32, &str)] = &[
        (&["add", "x", "--metadata", "{\"a\": 1,\n \"b\": tru}"], 2, "line: 2, column: 7"),
        (&["add", "x", "--metadata", "{"], 2, "end of text"),
        (&["add", "x", "--metadata", "[1]"], 2, "expected a JSON object"),
        (&["add", "x", "--metadata", r#"{"a": "\u0000"}"#], 2, "NUL"),
        (&["add", "x", "--metadata", r#"{"a": "\ud800"}"#], 2, "surrogate"),
        (&["add", "x", "--metadata", r#"{"a": 1e131072}"#], 2, "too large"),
        (&["add", "x", "--metadata", r#"{"a": 1e-16384}"#], 2, "too fine"),
        (&["add", "x", "--metadata", &deep], 2, "too deep"),
        (&["add", "x", "--importance", "1.5"], 2, "expected 0.0 to 1.0"),
        (&["add", "x", "--importance", "NaN"], 2, "expected 0.0 to 1.0"),
        (&["add", "x", "--user", ""], 2, "user_id is empty"),
        (&["add", "x", "--user", &long], 2, "256 bytes"),
        (&["add", "x", "--tier", &long], 2, "256 bytes"),
        (&["add", "x", "--id", "no-uuid"], 2, "is not a UUID"),
        (&["add", "x", "--created-at", "2026-13-01"], 2, "2026-13-01"),
        (&["add", "x", "--created-at", "10000-01-01T00:00:00Z"], 2, "years 1 to 9999"),
        (&["--namespace", "  ", "add", "x"], 2, "namespace is blank"),
        (&["--namespace", "", "add", "x"], 2, "namespace"),
        (&["--namespace", &long, "add", "x"], 2, "256 bytes"),
        (&["get", "no-uuid"], 2, "is not a UUID"),
        (&["delete"], 10, "neither an id nor a condition"),
        (&["search", "--where", "{\"a\""], 2, "column"),
        (&["search", "--filter", r#"{"a": {"$gtee": 1}}"#], 2, "$gtee"),
        (&["count", "--filter", r#"{"$usr": "a"}"#], 2, "$usr"),
        (&["count", "--filter", r#"{"a": {"$gt": true}}"#], 2, "number or a string"),
        (&["count", "--filter", r#"{"a": {"$in": 5}}"#], 2, "$in"),
        (&["count", "--filter", r#"{"$importance": "high"}"#], 2, "$importance"),
        (&["count", "--filter", r#"{"$created_at": "soon"}"#], 2, "soon"),
        (&["delete", "--filter", "{\"a\": 1,\n \"b\": tru}"], 2, "line: 2"),
        (&["explain", "--filter", "[]"], 2, "object"),
        (&["index", "create", "--path", "a", "--type", "date"], 2, "date"),
        (&["index", "create", "--path", "[]", "--type", "text"], 2, "path"),
        (&["index", "create", "--path", "a", "--type", "text", "--name", "A"], 2, "index name"),
        (&["index", "drop", "never_was"], 1, "never_was"),
        (&["search", "--limit", "0"], 2, "1 to 10000"),
        (&["search", "--limit", "10001"], 2, "1 to 10000"),
        (&["search", "--cursor", "nonsense"], 2, "cursor can't be read"),
        (&["search", "--since", "yesterday"], 2, "yesterday"),
        (&["import", "/nonexistent/file.ndjson"], 1, "/nonexistent/file.ndjson"),
    ];
    for (arguments, code, told) in cases {
        let output = both.run(arguments);
        assert!(output.err.contains(told), "{arguments:?}: {}", output.err);
        assert_eq!(output.code, *code, "{arguments:?}: {}", output.err);
    }
    let large = format!(r#"{{"content":"x","metadata":{{"a":"{}"}}}}"#, "x".repeat(1 << 20));
    let inputs: &[(&[u8], &str)] = &[
        (b"{\"content\":\"x\"}\n{\"content\":\"y\",\"usr\":\"u\"}\n", "unknown field \"usr\""),
        (b"{\"content\":\"x\"}\n{\"content\":\n", "line: 2"),
        (b"{\"content\":\"a\\u0000b\"}\n", "NUL"),
        (b"{\"content\":\"\\ud800\"}\n", "content"),
        (b"{\"content\":\"\xff\"}\n", "UTF-8"),
        (b"{\"content\":\"x\",\"metadata\":{\"a\":\"\\u0000\"}}\n", "NUL"),
        (b"{\"content\":\"x\",\"metadata\":[]}\n", "expected a JSON object"),
        (b"{\"content\":\"x\",\"id\":\"nope\"}\n", "is not a UUID"),
        (b"{\"content\":\"x\",\"namespace\":\" \"}\n", "namespace is blank"),
        (b"{\"content\":\"x\",\"revision\":0}\n", "revision is 0"),
        (b"{\"content\":\"x\",\"created_at\":\"soon\"}\n", "soon"),
        (b"[1]\n", "expected a JSON object"),
        (large.as_bytes(), "1048576"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.ndjson");
    for (input, told) in inputs {
        std::fs::write(&file, input).unwrap();
        let output = both.run(&["import", file.to_str().unwrap()]);
        assert!(
            output.err.contains(told),
            "{:?}: {}",
            String::from_utf8_lossy(&input[..input.len().min(99)]),
            output.err
        );
        assert_eq!(output.code, 1, "{}", output.err);
    }
    for (input, told) in [(&b"a\0b"[..], "NUL"), (&b"a\xffb"[..], "UTF-8")] {
        let [one, other] = both.each(&["add", "-"], input);
        assert_eq!(one, other);
        assert!(one.code != 0 && one.err.contains(told), "{}", one.err);
    }
    assert_eq!(both.run(&["namespace", "list", "--format", "ndjson"]).out, "", "nothing was stored");
}

#[test]
fn indexes_are_declared_alike() {
    let both = Both::initialised();
    both.import();
    let range = ["count", "--filter", r#"{"session": {"$gte": 2, "$lt": 4}}"#];
    let before = both.run(&range);
    both.run(&["index", "list"]);
    let create = ["index", "create", "--path", "session", "--type", "number", "--format", "ndjson"];
    both.masked(&create, ENTRIES);
    both.masked(&create, ENTRIES);
    both.masked(&["index", "create", "--path", r#"["it's", 0, "\\"]"#, "--type", "text", "--name", "odd"], ENTRIES);
    assert_eq!(both.run(&range), before);
    for taken in [
        ["index", "create", "--path", "session", "--type", "number", "--name", "other"],
        ["index", "create", "--path", "session", "--type", "text", "--name", "session_number"],
    ] {
        // One side may add to the words.
        let [one, other] = both.each(&taken, b"");
        assert!(one.code == other.code && one.code != 0, "{one:?} {other:?}");
        assert!(one.err.contains("session_number") && other.err.contains("session_number"), "{one:?} {other:?}");
    }
    both.masked(&["index", "list", "--format", "ndjson"], ENTRIES);
    for output in both.each(&["optimize"], b"").iter().chain(&both.each(&["check", "--deep"], b"")) {
        assert_eq!(output.code, 0, "{output:?}");
    }
    assert_eq!(both.run(&range), before);
    both.run(&["index", "drop", "session_number"]);
    assert_eq!(both.run(&range), before);
}

#[test]
fn a_cursor_of_another_query_is_refused_alike() {
    let both = Both::initialised();
    both.import();
    let page: serde_json::Value =
        serde_json::from_str(&both.run(&["search", "--limit", "3", "--format", "json"]).out).unwrap();
    let cursor = page["next_cursor"].as_str().unwrap();
    for other in [&["--user", "mara"][..], &["--order", "created-asc"], &["--namespace", "other"]] {
        let output = both.run(&[&["search", "--cursor", cursor], other].concat());
        assert_eq!(output.code, 2, "{}", output.err);
        assert!(output.err.contains("belongs to another query"), "{}", output.err);
    }
    assert_eq!(both.run(&["search", "--cursor", cursor, "--limit", "5", "--format", "ndjson"]).code, 0);
}

#[test]
fn a_missing_schema_is_told_alike() {
    let both = Both::fresh();
    // SQLite has no file yet: one that is there, but empty, is the same case as an empty database of a server.
    std::fs::write(both.file(), b"").unwrap();
    for arguments in [&["count"][..], &["search"], &["add", "x"], &["stats"], &["namespace", "list"]] {
        let output = both.run(arguments);
        assert!(output.code != 0 && output.err.contains("polymnia init"), "{arguments:?}: {}", output.err);
    }
}

#[test]
fn an_unknown_scheme_lists_the_known() {
    let output = Side { url: "mysql://localhost/app".to_owned() }.run(&["count"], b"");
    assert_eq!(output.code, 2);
    for known in ["mysql", "sqlite", "postgres"] {
        assert!(output.err.contains(known), "{}", output.err);
    }
}

#[test]
fn databases_that_cannot_be_reached_have_their_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let not_sqlite = folder.path().join("text.db");
    std::fs::write(&not_sqlite, "this is no database, however long it may be. ".repeat(100)).unwrap();
    let mut urls = vec![
        format!("sqlite://{}", folder.path().join("none.db").display()),
        format!("sqlite://{}", folder.path().join("no/such/folder/a.db").display()),
        format!("sqlite://{}", not_sqlite.display()),
        "postgres://u:secret@no-such-host.invalid/app".to_owned(),
        "postgres://u:secret@127.0.0.1:1/app".to_owned(),
    ];
    // A server of somebody else may let in whoever comes.
    if server::shared().is_private() {
        let url = server::shared().url("postgres");
        urls.push(server::shared().url("no_such_database"));
        urls.push(url.replacen('@', "wrong@", 1));
    }
    for url in urls {
        let output = Side { url: url.clone() }.run(&["--timeout", "2s", "count"], b"");
        assert_eq!(output.code, 9, "{url}: {}", output.err);
        assert!(output.err.starts_with("error: "), "{}", output.err);
        assert!(!output.err.contains("secret"), "{}", output.err);
    }
}

/// Replaces what may differ with the same on both sides.
type Mask = fn(&str) -> String;

/// The time of the last writing, which is the clock's.
const UPDATED: Mask = |text| {
    let Some((before, rest)) = text.split_once("\"updated_at\":\"") else { return text.to_owned() };
    let (_, after) = rest.split_once('"').unwrap();
    format!("{before}\"updated_at\":\"\"{after}")
};

/// How many values an index holds, which only some can tell.
const ENTRIES: Mask = |text| {
    let text = text.split(", ").filter(|part| !part.contains("entr")).collect::<Vec<_>>().join(", ");
    let Some((before, rest)) = text.split_once("\"entries\":") else { return text };
    let after = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    format!("{before}{after}")
};

/// The name of the database.
const DATABASE: Mask = |text| {
    let words = text.split(' ').map(|word| if word.contains("://") { "<database>" } else { word });
    words.collect::<Vec<_>>().join(" ")
};

struct Both {
    sides: [Side; 2],
    sqlite: SqliteFile,
    _postgres: Postgres,
}

impl Both {
    fn fresh() -> Self {
        let (sqlite, postgres) = (SqliteFile::fresh(), Postgres::fresh());
        let side = |fixture: &dyn Fixture| Side { url: fixture.options().url().expose().to_owned() };
        Self { sides: [side(&sqlite), side(&postgres)], sqlite, _postgres: postgres }
    }

    fn initialised() -> Self {
        let both = Self::fresh();
        for output in both.each(&["--quiet", "init"], b"") {
            assert_eq!(output.code, 0, "{}", output.err);
        }
        both
    }

    /// Imports the conversation of the demo.
    fn import(&self) {
        let conversation = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/assets/demo.jsonl");
        for output in self.each(&["import", conversation, "--format", "ndjson"], b"") {
            assert_eq!(output.code, 0, "{}", output.err);
            assert!(output.out.contains("\"stored\":209"), "{}", output.out);
        }
    }

    fn file(&self) -> PathBuf {
        let path: &Path = self.sqlite.folder();
        path.join("fresh.db")
    }

    /// Runs the same on both and fails unless all they say is the same.
    #[track_caller]
    fn run<A: AsRef<str>>(&self, arguments: &[A]) -> Output {
        self.masked(arguments, str::to_owned)
    }

    #[track_caller]
    fn masked<A: AsRef<str>>(&self, arguments: &[A], mask: Mask) -> Output {
        let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
        let [mut one, mut other] = self.each(&arguments, b"");
        for output in [&mut one, &mut other] {
            output.out = output.out.lines().map(|line| mask(line) + "\n").collect();
        }
        assert_eq!(one, other, "{arguments:?}");
        one
    }

    fn each(&self, arguments: &[&str], input: &[u8]) -> [Output; 2] {
        self.sides.each_ref().map(|side| side.run(arguments, input))
    }
}

struct Side {
    url: String,
}

#[derive(Debug, PartialEq)]
struct Output {
    code: i32,
    out: String,
    err: String,
}

impl Side {
    fn run(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = cli::command(arguments);
        command.arg("--database-url").arg(&self.url);
        let mut running = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // One that refuses its arguments reads nothing.
        let _ = running.stdin.take().unwrap().write_all(input);
        let output = running.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let shown = ConnectionString::new(self.url.as_str()).to_string();
        let err = text(output.stderr).replace(&shown, "<database>");
        if let Some((credentials, _)) = self.url.split_once('@')
            && let Some((_, password)) = credentials.rsplit_once(':')
        {
            assert!(password.is_empty() || !err.contains(password), "a password shows: {err}");
        }
        Output { code: output.status.code().unwrap(), out: text(output.stdout), err }
    }
}
