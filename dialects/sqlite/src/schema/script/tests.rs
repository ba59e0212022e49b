//! Scripts, run as the shell runs them, and by the shell where there is one.

use std::io::Write as _;
use std::process::{Command, Stdio};

use polymnia::schema::text::statements;
use polymnia::schema::{Snapshot, State};
use polymnia::spi::SchemaEngine as _;

use super::*;
use crate::engine::SqliteEngine;
use crate::schema::session::tests::{entry, line, session};
use crate::schema::tests::{call, engine_with, file, open, run};

fn version(text: &str) -> Version {
    Version::new(text).unwrap()
}

/// Runs a script as the shell does: statement by statement, up to the first error, after which all that is open is gone.
fn shell(engine: &SqliteEngine, script: &str) -> Result<()> {
    let mut connection = engine.pool().acquire(&call()).unwrap();
    let sql = script.lines().skip_while(|line| line.starts_with('.')).collect::<Vec<_>>().join("\n");
    let mut result = Ok(());
    for statement in statements(&sql, Syntax::Sqlite) {
        result = connection.batch(statement.text);
        if result.is_err() {
            break;
        }
    }
    if connection.is_in_transaction() {
        connection.batch("ROLLBACK").unwrap();
    }
    connection.batch("DROP TABLE IF EXISTS temp.polymnia_guard; PRAGMA foreign_keys = ON").unwrap();
    result
}

fn tables(engine: &SqliteEngine) -> usize {
    let query = "SELECT count(*) FROM sqlite_schema";
    let count = engine.with(&call(), crate::engine::Limit::Unlimited, |connection| {
        super::super::sql::integer(connection, query, &[])
    });
    usize::try_from(count.unwrap()).unwrap()
}

#[test]
fn a_script_does_what_a_session_does() {
    let applied = Entry { finished_at: Some(call().now), ..entry("20260101000000", State::Applied) };
    let statement =
        "CREATE TABLE t (\n  a TEXT CHECK (a <> 'x;\n.shell rm'),\n  b TEXT DEFAULT\n'/'\n) -- no semicolon";
    let script = write(&[
        ScriptPart::Guard(Vec::new()),
        ScriptPart::Prepare,
        ScriptPart::Comment("first\nsecond; DROP TABLE t;\r.shell rm"),
        ScriptPart::Begin(Begin::Plain),
        ScriptPart::Statement(statement),
        ScriptPart::Record(&applied),
        ScriptPart::Log(&line("applied")),
        ScriptPart::Commit,
    ])
    .unwrap();
    let by_script = engine_with("");
    shell(&by_script, &script).unwrap();
    let by_session = engine_with("");
    let mut session = session(&by_session);
    session.prepare(&call()).unwrap();
    session.begin(&call(), Begin::Plain).unwrap();
    session.execute(&call(), statement).unwrap();
    session.record(&call(), &applied).unwrap();
    session.log(&call(), &line("applied")).unwrap();
    session.commit(&call()).unwrap();
    assert_eq!(by_script.ledger(&call()).unwrap(), by_session.ledger(&call()).unwrap());
    assert_eq!(by_script.log(&call(), 9).unwrap(), by_session.log(&call(), 9).unwrap());
    assert_eq!(by_script.snapshot(&call()).unwrap(), by_session.snapshot(&call()).unwrap());
    assert_ne!(by_script.snapshot(&call()).unwrap(), Snapshot::default());
    assert!(script.starts_with(".bail on\n"));
    assert!(script.lines().skip(2).all(|line| !line.starts_with('.') || line == ".shell rm'),"), "{script}");

    let back = write(&[
        ScriptPart::Guard(vec![&applied.version]),
        ScriptPart::Begin(Begin::Plain),
        ScriptPart::Statement("DROP TABLE t;"),
        ScriptPart::Forget(&applied.version),
        ScriptPart::Commit,
    ])
    .unwrap();
    shell(&by_script, &back).unwrap();
    let ledger = by_script.ledger(&call()).unwrap();
    assert_eq!((ledger.diesel.unwrap().len(), ledger.entries.unwrap().len()), (0, 0));
}

#[test]
fn a_script_refuses_a_database_at_another_version() {
    let (one, other) = (version("20260101000000"), version("20260201000000"));
    for (applied, expected) in
        [(vec![], vec![&one]), (vec![&one], vec![]), (vec![&one], vec![&other]), (vec![&one, &other], vec![&one])]
    {
        let engine = engine_with("");
        if !applied.is_empty() {
            let mut session = session(&engine);
            session.prepare(&call()).unwrap();
            for version in &applied {
                session
                    .record(&call(), &Entry { version: (*version).clone(), ..entry(version.as_str(), State::Applied) })
                    .unwrap();
            }
        }
        let before = tables(&engine);
        let script =
            write(&[ScriptPart::Guard(expected), ScriptPart::Prepare, ScriptPart::Statement("CREATE TABLE t (a)")]);
        let error = shell(&engine, &script.unwrap()).unwrap_err();
        assert!(error.message().contains("the database is not at the version"), "{error}");
        assert_eq!(tables(&engine), before, "nothing is changed");
        let same =
            write(&[ScriptPart::Guard(applied), ScriptPart::Prepare, ScriptPart::Statement("CREATE TABLE t (a)")]);
        shell(&engine, &same.unwrap()).unwrap();
        assert!(tables(&engine) > before);
    }
}

#[test]
fn a_rebuild_that_leaves_orphans_is_not_committed() {
    let engine = engine_with(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY); INSERT INTO parent VALUES (1), (2);
         CREATE TABLE child (parent INTEGER REFERENCES parent (id) ON DELETE CASCADE); INSERT INTO child VALUES (1), (2);",
    );
    let rebuild = |copied: &str| {
        let copy = format!("INSERT INTO parent_new SELECT id FROM parent WHERE {copied}");
        let script = write(&[
            ScriptPart::Begin(Begin::Rebuild),
            ScriptPart::Statement("CREATE TABLE parent_new (id INTEGER PRIMARY KEY)"),
            ScriptPart::Statement(&copy),
            ScriptPart::Statement("DROP TABLE parent"),
            ScriptPart::Statement("ALTER TABLE parent_new RENAME TO parent"),
            ScriptPart::Commit,
        ]);
        shell(&engine, &script.unwrap())
    };
    let error = rebuild("id = 1").unwrap_err();
    assert!(error.message().contains("a foreign key leads nowhere"), "{error}");
    rebuild("1").unwrap();
    rebuild("1").unwrap();
    assert_eq!(session(&engine).row_counts(&call()).unwrap().into_values().collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn lines_that_the_shell_would_take_for_the_end_are_shielded() {
    assert_eq!(shielded("SELECT 4 -- why\n/\n2 AS\n go -- x\nFROM t"), "SELECT 4 /\n2 AS go -- x\nFROM t");
    for untouched in ["SELECT 4 / 2", "SELECT '\ngo\n'", "SELECT go FROM t\n"] {
        assert_eq!(shielded(untouched), untouched);
    }
}

/// By the shell itself: dot commands, `go` and `/`, hexadecimal texts.
#[test]
fn the_shell_runs_it() {
    let Ok(found) = Command::new("sqlite3").arg("--version").output() else {
        eprintln!("skipped: there is no sqlite3 shell here");
        return;
    };
    assert!(found.status.success());
    let (folder, url) = file();
    let path = folder.path().join("a.db");
    let applied =
        Entry { up: Some("a\n.shell rm\nb\0".replace('\0', "é")), ..entry("20260101000000", State::Applied) };
    let feed = |script: &str| {
        let mut child = Command::new("sqlite3")
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let up = write(&[
        ScriptPart::Guard(Vec::new()),
        ScriptPart::Prepare,
        ScriptPart::Comment("a comment\nof two lines"),
        ScriptPart::Begin(Begin::Rebuild),
        ScriptPart::Statement("CREATE TABLE t (a TEXT DEFAULT 'x\ngo\n/\n.quit\n')"),
        ScriptPart::Statement("INSERT INTO t (a) SELECT 4\n/\n2 AS\ngo\n;"),
        ScriptPart::Statement("CREATE TRIGGER g AFTER INSERT ON t BEGIN\nSELECT 1\n/\n1;\nEND"),
        ScriptPart::Record(&applied),
        ScriptPart::Log(&line("applied")),
        ScriptPart::Commit,
    ]);
    let output = feed(&up.unwrap());
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    let engine = open(&url);
    assert_eq!(engine.ledger(&call()).unwrap().entries.unwrap(), [applied]);
    assert_eq!(engine.snapshot(&call()).unwrap().0.len(), 3);
    run(&engine, "SELECT 1");
    let again = write(&[ScriptPart::Guard(Vec::new()), ScriptPart::Statement("DROP TABLE t")]);
    let output = feed(&again.unwrap());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("not at the version"), "{said}");
    assert_eq!(engine.snapshot(&call()).unwrap().0.len(), 3);
}
