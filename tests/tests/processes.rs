//! Several processes on one database, and processes that are killed.
//!
//! The other processes are this test program, run again for the ignored test [`child`], and the program `polymnia`.
//! `POLYMNIA_KILL_ROUNDS` says how often an import is killed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "figures of a run")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use polymnia::{
    Expect, Memory, MemoryStore, Mutation, Namespace, NewMemory, Query, RecordLine, Registry, Result, Revision,
    Selection, Timestamp,
};
use polymnia_conformance::Fixture;
use polymnia_conformance::generate::{Pool, Seed, times};
use polymnia_postgres::Postgres as PostgresDialect;
use polymnia_sqlite::Sqlite;
use polymnia_tests::cli;
use polymnia_tests::databases::{Postgres, SqliteFile};

const PROCESSES: u32 = 8;
const WRITES: u32 = 40;

#[test]
fn writers_of_sqlite_all_land() {
    writers_all_land(&SqliteFile::fresh());
}

#[test]
fn writers_of_postgres_all_land() {
    writers_all_land(&Postgres::fresh());
}

#[test]
fn migrators_of_sqlite_all_succeed() {
    migrators_all_succeed(&SqliteFile::fresh());
}

#[test]
fn migrators_of_postgres_all_succeed() {
    migrators_all_succeed(&Postgres::fresh());
}

#[test]
fn a_killed_import_into_sqlite_goes_on() {
    a_killed_import_goes_on::<SqliteFile>("sqlite");
}

#[test]
fn a_killed_import_into_postgres_goes_on() {
    a_killed_import_goes_on::<Postgres>("postgres");
}

/// Is what the other processes do; it does nothing by itself.
#[test]
#[ignore = "run by the other tests, in processes of its own"]
fn child() {
    let Ok(task) = std::env::var("POLYMNIA_TEST_TASK") else { return };
    let store = open(&std::env::var("POLYMNIA_TEST_DATABASE").unwrap()).unwrap();
    let number: u32 = std::env::var("POLYMNIA_TEST_NUMBER").unwrap().parse().unwrap();
    match task.as_str() {
        "write" => write(&store, number).unwrap(),
        "migrate" => {
            let report = store.migrate().unwrap();
            // Read by the parent: how many versions this process applied.
            println!("applied {}", report.applied.len());
            store.put(&namespace(), NewMemory::new(format!("{number}")).unwrap()).unwrap();
        }
        other => panic!("no task {other}"),
    }
}

fn write(store: &MemoryStore, number: u32) -> Result<()> {
    for write in 0..WRITES {
        let id = |n: u32| polymnia::MemoryId::from_bytes(u128::from(n).to_be_bytes());
        // One of its own, one that all write, and now and then a batch.
        store.put_at(&namespace(), id(1_000 * (number + 1) + write), NewMemory::new("own")?, Expect::Absent)?;
        store.put_at(&namespace(), id(1), NewMemory::new("shared")?, Expect::Any)?;
        if write % 10 == 0 {
            let put =
                |n: u32| Mutation::Put { id: id(2 + n), memory: NewMemory::new("batch").unwrap(), expect: Expect::Any };
            store.apply(&namespace(), &(0..20).map(put).collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

fn writers_all_land(fixture: &dyn Fixture) {
    let store = MemoryStore::new(fixture.open(&fixture.options()).unwrap());
    store.migrate().unwrap();
    let children: Vec<Child> = (0..PROCESSES).map(|number| start("write", fixture, number)).collect();
    for child in children {
        finish(child);
    }
    let count = store.count(&namespace(), &Selection::default()).unwrap();
    assert_eq!(count, u64::from(PROCESSES * WRITES) + 1 + 20);
    let id = |n: u32| polymnia::MemoryId::from_bytes(u128::from(n).to_be_bytes());
    let revision = |n| store.get(&namespace(), id(n)).unwrap().unwrap().revision;
    assert_eq!(revision(1), Revision::new(i64::from(PROCESSES * WRITES)).unwrap(), "every write counted");
    assert_eq!(revision(2), Revision::new(i64::from(PROCESSES * WRITES / 10)).unwrap(), "every batch counted");
}

fn migrators_all_succeed(fixture: &dyn Fixture) {
    let children: Vec<Child> = (0..10).map(|number| start("migrate", fixture, number)).collect();
    let outputs: Vec<String> = children.into_iter().map(finish).collect();
    let applied: Vec<usize> = outputs
        .iter()
        .map(|output| {
            let line = output.lines().find_map(|line| line.split("applied ").nth(1)).unwrap();
            line.trim().parse().unwrap()
        })
        .collect();
    let store = MemoryStore::new(fixture.open(&fixture.options()).unwrap());
    let migrations = store.schema().history().unwrap();
    assert!(migrations.iter().all(|migration| migration.applied && migration.known));
    assert_eq!(applied.iter().sum::<usize>(), migrations.len(), "each version was applied once: {applied:?}");
    assert_eq!(store.count(&namespace(), &Selection::default()).unwrap(), 10);
}

/// Kills imports at points that move through the whole import: whole batches are there, and another run completes it.
fn a_killed_import_goes_on<F: Fixture>(name: &'static str) {
    const MEMORIES: usize = 2_000;
    const BATCH: usize = 50;
    let seed = Seed::new("a_killed_import_goes_on");
    let folder = tempfile::tempdir().unwrap();
    let (file, memories) = write_lines(folder.path(), &seed, MEMORIES);
    let batch = BATCH.to_string();
    let import = |fixture: &F, on_conflict: &str| {
        let url = fixture.options().url().expose().to_owned();
        let mut command = cli::command(["--quiet", "--database-url", url.as_str(), "import"]);
        command.arg(&file).args(["--batch-size", &batch, "--on-conflict", on_conflict]);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    };
    let mut rng = seed.rng();
    let mut midway = 0;
    let rounds = times("POLYMNIA_KILL_ROUNDS", 3);
    for round in 0..rounds {
        let fixture = F::fresh();
        let store = MemoryStore::new(fixture.open(&fixture.options()).unwrap());
        store.migrate().unwrap();
        let mut importing = import(&fixture, "fail").spawn().unwrap();
        let enough = rng.u64(0..(MEMORIES - BATCH) as u64);
        while store.count(&namespace(), &Selection::default()).unwrap() < enough
            && importing.try_wait().unwrap().is_none()
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        // Anywhere between two commits, or in the middle of one.
        std::thread::sleep(Duration::from_micros(rng.u64(0..5_000)));
        importing.kill().unwrap();
        importing.wait().unwrap();
        let stored = read(&store);
        assert!(stored.len().is_multiple_of(BATCH), "{} memories are no whole batches", stored.len());
        assert!(stored.iter().all(|line| memories.binary_search(line).is_ok()), "a memory differs from its line");
        midway += u64::from(!stored.is_empty() && stored.len() < MEMORIES);
        println!("{name}, round {round}: killed with {} of {MEMORIES} stored", stored.len());
        finish(import(&fixture, "skip").spawn().unwrap());
        same(&read(&store), &memories);
    }
    assert!(rounds < 20 || midway * 2 > rounds, "{midway} of {rounds} imports were killed midway");
}

/// Writes made-up memories as lines, and returns the file and the lines in their order as texts.
fn write_lines(folder: &Path, seed: &Seed, count: usize) -> (PathBuf, Vec<String>) {
    let mut rng = seed.rng();
    let pool = Pool::new(&mut rng, 20);
    let now = Timestamp::from_micros(1_700_000_000_000_000).unwrap();
    let path = folder.join("memories.ndjson");
    let mut out = std::fs::File::create(&path).unwrap();
    let mut lines = Vec::new();
    for number in 0..count {
        let mut memory = Memory { expires_at: None, ..pool.memory(&mut rng, now) };
        memory.id = polymnia::MemoryId::from_bytes((number as u128 + 1).to_be_bytes());
        lines.push(serde_json::to_string(&RecordLine::new(&namespace(), &memory)).unwrap());
    }
    for line in &lines {
        writeln!(out, "{line}").unwrap();
    }
    lines.sort();
    (path, lines)
}

/// Returns all that is stored, as lines in their order as texts.
fn read(store: &MemoryStore) -> Vec<String> {
    let query = Query::default().with_limit(1_000).unwrap();
    let mut lines: Vec<String> = store
        .iter(&namespace(), query)
        .map(|memory| serde_json::to_string(&RecordLine::new(&namespace(), &memory.unwrap())).unwrap())
        .collect();
    lines.sort();
    lines
}

/// Fails with the first line that differs.
#[track_caller]
fn same(stored: &[String], expected: &[String]) {
    for (stored, expected) in stored.iter().zip(expected) {
        assert_eq!(stored, expected);
    }
    assert_eq!(stored.len(), expected.len());
}

fn namespace() -> Namespace {
    Namespace::new("shared").unwrap()
}

fn open(url: &str) -> Result<MemoryStore> {
    Registry::new().with(Sqlite).with(PostgresDialect).open(url)
}

fn start(task: &str, fixture: &dyn Fixture, number: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "child", "--nocapture", "--test-threads", "1"])
        .env("POLYMNIA_TEST_TASK", task)
        .env("POLYMNIA_TEST_DATABASE", fixture.options().url().expose())
        .env("POLYMNIA_TEST_NUMBER", number.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the process, which must succeed and say nothing of a lock, and returns what it printed.
fn finish(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    assert!(!err.contains("locked"), "{err}");
    out.into_owned()
}
