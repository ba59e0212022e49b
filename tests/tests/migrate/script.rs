//! `--sql`: what it prints, run by the database's own shell, leads to the same schema and the same ledger.

use std::io::{ErrorKind, Write as _};
use std::process::{Command, Stdio};

use diesel::connection::SimpleConnection as _;
use polymnia_tests::migrate::{Database, Kind, SHOP, Shop};
use polymnia_tests::server;

const CUSTOMERS: u32 = 120;

#[test]
fn sqlite3_runs_what_is_printed() {
    runs_what_is_printed(Kind::Sqlite);
}

#[test]
fn psql_runs_what_is_printed() {
    runs_what_is_printed(Kind::Postgres);
}

fn runs_what_is_printed(kind: Kind) {
    let run = Shop::open(kind, CUSTOMERS);
    run.migrate(&["upgrade"]).expect(0);
    let piped = Shop::fresh(kind);
    let first = piped.migrate(&["upgrade", SHOP[0], "--sql"]).expect(0).out;
    pipe(&piped.database, &first).unwrap();
    piped.fill(CUSTOMERS);
    let rest = piped.migrate(&["upgrade", "--sql"]).expect(0).out;
    pipe(&piped.database, &rest).unwrap();
    assert_same(&run, &piped);
    piped.assert_whole(CUSTOMERS);
    for shop in [&run, &piped] {
        shop.migrate(&["check"]).expect(0);
        shop.database.run(&["schema", "validate", "--migrations", shop.application.argument()]).expect(0);
    }
    // A script is for the database at the version that it was printed for.
    let before = piped.database.everything();
    for script in [&first, &rest] {
        pipe(&piped.database, script).unwrap_err();
        assert_eq!(piped.database.everything(), before);
    }
    // And back.
    let back = ["downgrade", SHOP[0], "--allow-destructive", "--backup", "never"];
    let script = piped.migrate(&[&back[..], &["--sql"]].concat()).expect(0).out;
    pipe(&piped.database, &script).unwrap();
    run.migrate(&back).expect(0);
    assert_same(&run, &piped);
}

/// Printing touches nothing, not even a database that is not there.
#[test]
fn printing_and_planning_touch_nothing() {
    for kind in Kind::BOTH {
        let shop = Shop::fresh(kind);
        for arguments in [&["upgrade", "--sql"][..], &["upgrade", "--plan"]] {
            let printed = shop.migrate(arguments).expect(0);
            assert!(printed.out.contains(SHOP[5]), "{printed:?}");
            let left = std::fs::read_dir(shop.database.folder()).unwrap().count();
            assert_eq!(left, 0, "{arguments:?} on {} made a file", kind.name());
        }
        assert!(shop.database.schema().is_empty());
    }
}

/// Fails unless both have the same schema and the same ledger, apart from times and from who did it.
#[track_caller]
fn assert_same(run: &Shop, piped: &Shop) {
    assert_eq!(piped.database.schema(), run.database.schema());
    assert_eq!(piped.database.applied(), run.database.applied());
    assert_eq!(ledger(piped), ledger(run));
}

fn ledger(shop: &Shop) -> Vec<serde_json::Value> {
    let history = shop.migrate(&["history", "-v", "--format", "ndjson"]).expect(0);
    let entries = history.lines().into_iter().filter(|line| line["entry"].is_object());
    let without = |mut line: serde_json::Value| {
        for times in ["started_at", "finished_at", "millis", "by", "tool", "delta"] {
            line["entry"].as_object_mut().unwrap().remove(times);
        }
        line
    };
    let ledger: Vec<_> = entries.map(without).collect();
    assert!(!ledger.is_empty(), "{history:?}");
    ledger
}

/// Runs a script by the database's own shell. A machine without `sqlite3` takes the SQLite of the tests instead, which reads
/// the same statements and stops at the first that fails, as `-bail` does.
fn pipe(database: &Database, script: &str) -> Result<(), String> {
    let mut command = match database.kind() {
        Kind::Sqlite => {
            let mut command = Command::new("sqlite3");
            command.arg("-bail").arg(database.file());
            command
        }
        Kind::Postgres => {
            let mut command = Command::new(server::programs().unwrap().join("psql"));
            command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]).arg(database.url());
            command
        }
    };
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match child {
        Err(error) if error.kind() == ErrorKind::NotFound && database.kind() == Kind::Sqlite => {
            println!("sqlite3 is not on this machine: the SQLite of the tests runs the script");
            // Commands of the shell itself begin with a dot.
            let statements: Vec<&str> = script.lines().filter(|line| !line.starts_with('.')).collect();
            return database.sqlite().batch_execute(&statements.join("\n")).map_err(|error| error.to_string());
        }
        child => child.unwrap(),
    };
    // One that refuses early reads no more.
    let _ = child.stdin.take().unwrap().write_all(script.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    if output.status.success() { Ok(()) } else { Err(said) }
}
