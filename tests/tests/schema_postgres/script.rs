//! Scripts for `psql`.

use super::*;

/// Runs a script as an operator would.
fn psql(url: &str, script: &str) -> Result<(), String> {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    let mut child = Command::new("psql")
        .args(["--no-psqlrc", "--quiet", "--dbname", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8(output.stderr).unwrap()) }
}

#[test]
fn a_script_does_what_a_run_does() {
    let run = server::shared().create_database();
    let engine = open(&run.url());
    migrate(&*engine, &mut *session(&*engine));
    let source = engine.schema().source();
    let entries: Vec<Entry> =
        (1..).zip(&source.scripts).map(|(place, script)| entry(script, place, State::Applied)).collect();
    let failed = entry(&source.scripts[0], 1, State::Failed);
    let line = LogEntry {
        at: call().now,
        event: "applied".to_owned(),
        version: None,
        detail: "it's a \\ line\nand :'another'".to_owned(),
        by: "ann".to_owned(),
        tool: "t".to_owned(),
    };
    let mut parts = vec![ScriptPart::Guard(Vec::new()), ScriptPart::Prepare, ScriptPart::Record(&failed)];
    for (script, entry) in source.scripts.iter().zip(&entries) {
        parts.extend([ScriptPart::Comment(&script.name), ScriptPart::Begin(Begin::Plain)]);
        for statement in text::statements(&script.up, text::Syntax::Postgres) {
            parts.push(ScriptPart::Statement(statement.text));
        }
        parts.extend([ScriptPart::Record(entry), ScriptPart::Log(&line), ScriptPart::Commit]);
    }
    parts.push(ScriptPart::Statement("CREATE INDEX CONCURRENTLY apart ON polymnia.memories (tier)"));
    parts.push(ScriptPart::Statement("DROP INDEX CONCURRENTLY polymnia.apart; -- no more;"));
    let script = engine.schema().script(&parts).unwrap();

    let scripted = server::shared().create_database();
    let other = open(&scripted.url());
    let held = session(&*other);
    let refused = psql(&scripted.url(), &script).unwrap_err();
    assert!(refused.contains("another process is migrating"), "{refused}");
    drop(held);
    psql(&scripted.url(), &script).unwrap();
    assert_eq!(other.schema().snapshot(&call()).unwrap(), engine.schema().snapshot(&call()).unwrap());
    assert_eq!(other.schema().ledger(&call()).unwrap(), engine.schema().ledger(&call()).unwrap());
    assert_eq!(other.schema().log(&call(), 1).unwrap(), [line]);
    assert_eq!(other.schema().lock_holder(&call()).unwrap(), None);

    let refused = psql(&scripted.url(), &script).unwrap_err();
    assert!(refused.contains("this script is for a database at other versions"), "{refused}");
    let versions: Vec<_> = source.scripts.iter().map(|script| &script.version).collect();
    let first = entries[0].version.clone();
    let script = engine.schema().script(&[ScriptPart::Guard(versions), ScriptPart::Forget(&first)]).unwrap();
    psql(&scripted.url(), &script).unwrap();
    assert!(!other.schema().ledger(&call()).unwrap().diesel.unwrap().contains(first.as_str()));
}
