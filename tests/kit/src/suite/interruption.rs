//! Deadlines and cancellation.

use std::time::{Duration, Instant};

use polymnia::{
    CancelToken, Change, ErrorKind, Expect, MemoryStore, Patch, Query, Result, RetryPolicy, Selection,
};

use super::Need;
use super::prelude::*;
use crate::fixture::Subject;

pub(super) fn a_deadline_that_passed_ends_every_operation(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("a"));
    for (name, operation) in operations(&store) {
        let error = refused(operation(&store.clone().with_timeout(Duration::ZERO)), ErrorKind::Timeout);
        assert!(error.operation().is_some(), "{name}: {error:?}");
    }
    assert_eq!(get(&store, &here(), id(1)).content.as_str(), "a", "nothing was done");
}

pub(super) fn a_cancelled_token_ends_every_operation(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("a"));
    let token = CancelToken::new();
    let cancelled = store.clone().with_cancel(token.clone());
    cancelled.get(&here(), id(1)).unwrap();
    token.cancel();
    for (name, operation) in operations(&store) {
        let error = refused(operation(&cancelled), ErrorKind::Cancelled);
        assert!(error.operation().is_some(), "{name}: {error:?}");
    }
    assert_eq!(get(&store, &here(), id(1)).content.as_str(), "a", "nothing was done");
}

pub(super) fn a_deadline_ends_a_long_scan(subject: &Subject) {
    let store = long_scan(subject);
    for limit in [Duration::from_millis(50), Duration::from_millis(200)] {
        for (name, scan) in scans() {
            let begin = Instant::now();
            let error = refused(scan(&store.clone().with_timeout(limit)), ErrorKind::Timeout);
            let took = begin.elapsed();
            assert!(took >= limit, "{name} gave up after {took:?} of {limit:?}: {error:?}");
            assert!(took < limit + PATIENCE, "{name} took {took:?}, the deadline was {limit:?}");
        }
    }
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), ROWS);
}

pub(super) fn the_statement_timeout_ends_a_long_scan(subject: &Subject) {
    let limit = Duration::from_secs(1);
    subject.store_with(|options| options.with_statement_timeout(limit));
    let store = long_scan(subject);
    for (name, scan) in scans() {
        let begin = Instant::now();
        refused(scan(&store), ErrorKind::Timeout);
        let took = begin.elapsed();
        assert!(took < limit + PATIENCE, "{name} took {took:?}, the statement timeout was {limit:?}");
    }
    // A deadline of the call's own goes before it, where it is earlier.
    let begin = Instant::now();
    let hurried = store.clone().with_timeout(Duration::from_millis(50));
    refused(hurried.count(&here(), &contains(&needle())), ErrorKind::Timeout);
    let took = begin.elapsed();
    assert!(took < limit + PATIENCE, "took {took:?} of 50 ms");
    assert_eq!(get(&store, &here(), id(1)).id, id(1));
}

pub(super) fn a_cancellation_ends_a_long_scan(subject: &Subject) {
    let store = long_scan(subject);
    for (name, scan) in scans() {
        let token = CancelToken::new();
        let cancelled = store.clone().with_cancel(token.clone());
        let took = std::thread::scope(|scope| {
            let scanning = scope.spawn(|| refused(scan(&cancelled), ErrorKind::Cancelled));
            std::thread::sleep(Duration::from_millis(100));
            let begin = Instant::now();
            token.cancel();
            scanning.join().unwrap();
            begin.elapsed()
        });
        assert!(took < PATIENCE, "{name} took {took:?} to end");
    }
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), ROWS);
}

/// Keeps the cases above honest: what they end would have taken longer than they wait.
pub(super) fn a_long_scan_does_not_end_by_itself(subject: &Subject) {
    let store = long_scan(subject).with_timeout(PATIENCE + Duration::from_millis(200));
    refused(store.count(&here(), &contains(&needle())), ErrorKind::Timeout);
}

pub(super) fn a_connection_works_after_an_interruption(subject: &Subject) {
    subject.store_with(|options| options.with_pool(polymnia::PoolOptions::single()));
    let store = long_scan(subject);
    for _ in 0..5 {
        let hurried = store.clone().with_timeout(Duration::from_millis(20));
        refused(hurried.count(&here(), &contains(&needle())), ErrorKind::Timeout);
        // The interruption must not reach into the next use of the connection, however soon.
        for number in 0..20 {
            assert_eq!(get(&store, &here(), id(number)).id, id(number));
        }
        put(&store, &ns("elsewhere"), id(1), new("written"));
    }
}

pub(super) fn an_interrupted_write_leaves_nothing(subject: &Subject) {
    let store = long_scan(subject);
    let hurried = store.clone().with_timeout(Duration::from_millis(100)).with_retry(RetryPolicy::NEVER);
    refused(hurried.delete_matching(&here(), &contains(&needle())), ErrorKind::Timeout);
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), ROWS);
    put(&store, &here(), id(1), new("written"));
}

/// How late an operation may end after its deadline or cancellation, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_millis(2_500);
/// So many that looking through them takes long beyond [`PATIENCE`], optimised and on a fast machine.
const ROWS: u64 = 2_000;
/// Each row takes the square of this many comparisons, on any dialect.
const WIDTH: usize = 600;

/// Stores rows that take seconds to look through for [`needle`].
fn long_scan(subject: &Subject) -> MemoryStore {
    let store = subject.store();
    let document = metadata(&format!(r#"{{"a": [{}[1]]}}"#, "[0], ".repeat(WIDTH - 1)));
    let batch: Vec<_> = (0..ROWS).map(|n| put_mutation(id(n), new("m").with_metadata(document.clone()))).collect();
    for part in batch.chunks(50) {
        store.apply(&here(), part).unwrap();
    }
    store
}

/// Returns what every row nearly contains: each array of the needle is looked for in each array of the row, where the
/// last has it, and the last array of the needle is in none. An index knows that 0 and 1 are there, and can't rule it out.
fn needle() -> String {
    format!(r#"{{"a": [{}[0, 1]]}}"#, "[1], ".repeat(WIDTH))
}

type Operation = fn(&MemoryStore) -> Result<()>;

fn scans() -> [(&'static str, Operation); 3] {
    [
        ("count", |store| store.count(&here(), &contains(&needle())).map(drop)),
        ("query", |store| store.query(&here(), &Query::new(contains(&needle()))).map(drop)),
        ("delete_matching", |store| store.delete_matching(&here(), &contains(&needle())).map(drop)),
    ]
}

fn operations(store: &MemoryStore) -> Vec<(&'static str, Operation)> {
    let mut operations = OPERATIONS.to_vec();
    let of_changes = |name: &str| matches!(name, "set_change_capture" | "changes");
    operations.retain(|(name, _)| claims(store, Need::ChangeCapture) || !of_changes(name));
    operations
}

const OPERATIONS: [(&str, Operation); 18] = [
        ("put", |store| store.put(&here(), new("b")).map(drop)),
        ("update", |store| {
            let patch = Patch { user_id: Change::Set(user("u")), ..Patch::default() };
            store.update(&here(), id(1), patch, Expect::Any).map(drop)
        }),
        ("delete", |store| store.delete(&here(), id(1)).map(drop)),
        ("get", |store| store.get(&here(), id(1)).map(drop)),
        ("get_many", |store| store.get_many(&here(), &[id(1)]).map(drop)),
        ("query", |store| store.query(&here(), &Query::default()).map(drop)),
        ("count", |store| store.count(&here(), &Selection::default()).map(drop)),
        ("delete_matching", |store| store.delete_matching(&here(), &Selection::default()).map(drop)),
        ("stats", |store| store.stats(&here()).map(drop)),
        ("migrate", |store| store.migrate().map(drop)),
        ("history", |store| store.schema().history().map(drop)),
        ("namespaces", |store| store.admin().namespaces(None, 10).map(drop)),
        ("rename_namespace", |store| store.admin().rename_namespace(&here(), &ns("to")).map(drop)),
        ("delete_namespace", |store| store.admin().delete_namespace(&here()).map(drop)),
        ("sweep", |store| store.admin().sweep(10).map(drop)),
        ("analyze", |store| store.admin().analyze()),
        ("set_change_capture", |store| store.admin().set_change_capture(true)),
        ("changes", |store| store.admin().changes(0, 10).map(drop)),
];
