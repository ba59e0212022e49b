//! Large imports: loaded in bulk, indexed at the end, and sound wherever they are cut off.
#![allow(clippy::unwrap_used)]

mod common;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use common::{Place, Run};

/// From so many lines on an import is loaded in bulk.
const BULK: u64 = 20_000;

/// Returns lines with ids of their own; one in a hundred is rare.
fn lines(numbers: std::ops::Range<u64>) -> String {
    let mut lines = String::new();
    for n in numbers {
        let kind = if n % 100 == 0 { "rare" } else { "common" };
        writeln!(
            lines,
            r#"{{"id":"01956f2e-8c3a-7d11-9b52-{n:012x}","content":"c{n}","metadata":{{"kind":"{kind}","n":{n},"tags":["a","b"]}}}}"#
        )
        .unwrap();
    }
    lines
}

fn rare(place: &Place) -> u64 {
    place.ok(["count", "--filter", r#"{"kind": "rare"}"#]).trim().parse().unwrap()
}

/// Returns how many memories are not indexed yet; there must be no fault.
fn pending(place: &Place) -> u64 {
    let checked = place.json(["check", "--deep"]);
    assert_eq!(checked["verification"]["fault_count"], 0, "{checked}");
    checked["verification"]["pending"].as_u64().unwrap()
}

#[test]
fn a_large_file_is_indexed_at_the_end_and_a_small_one_with_its_batches() {
    let place = Place::initialised();
    place.write("small.ndjson", lines(0..1_000));
    assert_eq!(place.json(["import", "small.ndjson"])["indexed"], 0);
    assert_eq!(pending(&place), 0);

    place.write("large.ndjson", lines(0..BULK));
    let report = place.json(["--namespace", "large", "import", "large.ndjson"]);
    assert_eq!((&report["stored"], &report["indexed"]), (&BULK.into(), &BULK.into()));
    assert!(report["indexing_seconds"].as_f64().unwrap() < report["seconds"].as_f64().unwrap(), "{report}");
    assert_eq!(pending(&place), 0);
    assert_eq!(rare(&place), 10);
    let count = ["--namespace", "large", "count", "--filter", r#"{"kind": "rare"}"#];
    assert_eq!(place.ok(count), "200\n");
    let told = place.ok(["--namespace", "large", "import", "large.ndjson", "--on-conflict", "replace"]);
    assert!(told.contains("20,000 replaced") && told.contains("20,000 indexed at the end in "), "{told}");
    assert_eq!(place.ok(count), "200\n");
    assert_eq!(pending(&place), 0);
}

#[test]
fn standard_input_turns_to_bulk_once_it_is_large() {
    let place = Place::initialised();
    let run = place.run_with_input(["--format", "json", "import", "-"], lines(0..BULK + 3_000));
    assert_eq!(run.code, 0, "{run:?}");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&report["stored"], &report["indexed"]), (&(BULK + 3_000).into(), &3_000.into()));
    assert_eq!(pending(&place), 0);
    assert_eq!(rare(&place), 230);
}

#[test]
fn a_line_at_fault_leaves_what_stands_before_it_indexed() {
    let place = Place::initialised();
    let input = format!("{}{}", lines(0..BULK + 7_000), lines(5..6));
    let run = place.run_with_input(["import", "-", "--batch-size", "1000"], input);
    run.fails(1, &["exists", "line: 27001", "--on-conflict skip"]);
    assert_eq!((place.stored(), pending(&place)), (27_000, 0));
}

/// Begins an import of standard input that waits for more once it has stored so many, as long as its input is kept.
#[cfg(unix)]
fn begun(place: &Place, memories: u64) -> (Child, ChildStdin) {
    let mut command = place.command(["import", "-", "--batch-size", "1000"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(lines(0..memories + 500).as_bytes()).unwrap();
    while place.stored() < memories {
        std::thread::sleep(Duration::from_millis(50));
    }
    (child, stdin)
}

#[cfg(unix)]
#[test]
fn a_bulk_load_cut_off_is_sound_found_and_finished_by_the_next() {
    let place = Place::initialised();
    let stored = BULK + 4_000;
    let (mut child, _stdin) = begun(&place, stored);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(place.stored() % 1_000, 0, "whole batches");
    assert_eq!(place.stored(), stored);
    assert_eq!(pending(&place), 4_000);
    assert_eq!(rare(&place), stored / 100);

    // Nothing of it is new, and yet the next import finishes what is left.
    place.write("again.ndjson", lines(0..1_000));
    let report = place.json(["import", "again.ndjson", "--on-conflict", "skip"]);
    assert_eq!((&report["skipped"], &report["indexed"]), (&1_000.into(), &4_000.into()));
    assert_eq!(pending(&place), 0);
    assert_eq!(rare(&place), stored / 100);
}

#[cfg(unix)]
#[test]
fn an_interrupted_bulk_load_says_how_to_go_on() {
    let place = Place::initialised();
    let stored = BULK + 2_000;
    let (child, _stdin) = begun(&place, stored);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let run = Run::from(child.wait_with_output().unwrap());
    run.fails(130, &["interrupted: 22,000 memories are stored", "--on-conflict skip", "polymnia optimize"]);
    assert_eq!(pending(&place), 2_000);
    assert_eq!(place.json(["optimize", "--index-only"])["indexed"], 2_000);
    assert_eq!((place.stored(), pending(&place), rare(&place)), (stored, 0, stored / 100));
}
