//! `plugin verify`

use std::fs;
use std::process::Command;

use polymnia_tests::migrate::{Database, Kind, Output};

use crate::place::Place;

#[test]
fn a_plugin_is_judged_on_databases_of_its_own() {
    let place = Place::new();
    place.run(&["init"]).expect(0);
    place.run(&["add", "stays"]).expect(0);
    let before = fs::read(place.path("polymnia.db")).unwrap();
    let verify = |arguments: &[&str]| {
        let plugin = place.plugin(Kind::Sqlite);
        place.run(&[&["plugin", "verify", &plugin, "--theme", "put", "--theme", "filters"], arguments].concat())
    };
    let report = verify(&["--url", "sqlite://polymnia.db", "--format", "json"]).expect(0).json();
    assert_eq!((&report["dialect"], &report["failed"]), (&"sqlite".into(), &0.into()));
    assert!(report["passed"].as_u64().unwrap() > 20, "{report}");
    let groups = report["capabilities"].as_array().unwrap();
    assert!(groups.iter().any(|group| group["capability"] == "filters" && group["claimed"] == true), "{report}");
    assert_eq!(fs::read(place.path("polymnia.db")).unwrap(), before);
    assert!(!place.path("polymnia.db-wal").exists());

    let table = verify(&["--url", "sqlite::memory:", "--filter", "expecting"]).expect(0).out;
    assert!(table.contains("every dialect") && table.contains("sqlite 0.1.0 passes 2 cases and fails 0"), "{table}");
    let lines = verify(&["--url", "sqlite::memory:", "--filter", "expecting", "--format", "ndjson"]).expect(0).lines();
    assert_eq!((lines.len(), &lines[0]["verdict"], &lines[2]["passed"]), (3, &"passed".into(), &2.into()));

    verify(&["--url", "sqlite://nowhere.db"]).expect(9).tells("nowhere.db isn't there").tells("left as it is");
    assert!(!place.path("nowhere.db").exists());
    verify(&["--url", "sqlite::memory:", "--theme", "nonsense"]).expect(2).tells("there is no theme \"nonsense\"");
    verify(&["--url", "sqlite::memory:", "--filter", "nonsense"]).expect(2).tells("no case has that in its name");
    verify(&["--url", "nonsense://x"]).expect(2);
}

#[test]
fn on_a_server_too() {
    let place = Place::new();
    let database = Database::fresh(Kind::Postgres);
    let url = database.url();
    let plugin = place.plugin(Kind::Postgres);
    let line = ["plugin", "verify", &plugin, "--url", &url, "--theme", "put", "--format", "json"];
    let report = place.run(&line).expect(0).json();
    assert!(report["passed"].as_u64().unwrap() > 5 && report["failed"] == 0, "{report}");
    let shown = report["database_url"].as_str().unwrap();
    assert!(!shown.contains("password="), "{shown}");
}

#[test]
fn ctrl_c_ends_it_after_the_case_that_runs() {
    let place = Place::new();
    let plugin = place.plugin(Kind::Sqlite);
    let mut command = place.command(["plugin", "verify", &plugin, "--url", "sqlite::memory:", "--format", "ndjson"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    std::io::BufRead::read_line(&mut lines, &mut first).unwrap();
    assert!(first.contains("\"event\":\"case\""), "{first}");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut lines, &mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    // What was found so far is told.
    let last: serde_json::Value = serde_json::from_str(rest.lines().last().unwrap()).unwrap();
    assert!(last["passed"].as_u64().unwrap() >= 1, "{last}");
}

#[test]
fn without_a_plugin_it_says_what_is_missing() {
    let place = Place::new();
    let output: Output = place.run(&["plugin", "verify", &place.plugin(Kind::Sqlite)]).expect(2);
    output.tells("--url");
}
