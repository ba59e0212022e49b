//! What is derived from memories: made with every write, or left to upkeep, and never wrong.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use polymnia::{
    Change, ErrorKind, Expect, Filter, Memory, MemoryStore, Mutation, OnConflict, OptimizeReport, Patch,
    Selection, Upkeep, VerifyReport,
};

use super::prelude::*;
use crate::fixture::Subject;
use crate::generate::{self, Pool, Seed, percent};

pub(super) fn nothing_is_wrong_after_any_write(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    assert_eq!(sound(&store).memories, 0);
    let memory = |n: u64| {
        let text = format!(r#"{{"n": {n}, "tags": ["a", {{"b": [{}]}}], "deep": {{"k": {{}}}}}}"#, n % 7);
        new("m").with_metadata(metadata(&text))
    };
    let puts: Vec<_> = (0..60).map(|n| put_mutation(id(n), memory(n))).collect();
    store.apply(&here(), &puts).unwrap();
    level(&store, 60);
    put(&store, &here(), id(1), memory(1));
    put(&store, &here(), id(2), memory(500));
    put(&store, &here(), id(100), new("without metadata"));
    level(&store, 61);
    let patch = |text: &str| Patch { metadata: Some(metadata(text)), ..Patch::default() };
    store.update(&here(), id(3), patch(r#"{"n": 3, "tags": ["a", "new"]}"#), Expect::Any).unwrap();
    store.update(&here(), id(4), patch("{}"), Expect::Any).unwrap();
    store.update(&here(), id(100), patch(r#"{"": {"": []}}"#), Expect::Any).unwrap();
    let patch = Patch { user_id: Change::Set(user("u")), content: Some(content("other")), ..Patch::default() };
    store.update(&here(), id(5), patch, Expect::Any).unwrap();
    level(&store, 61);
    assert!(store.delete(&here(), id(6)).unwrap());
    store.apply(&here(), &[delete_mutation(id(7)), put_mutation(id(7), memory(7)), delete_mutation(id(8))]).unwrap();
    level(&store, 59);
    let mut moved = row(id(9), "restored", later(now, -5_000_000));
    moved.metadata = metadata(r#"{"n": 9, "moved": true}"#);
    store.apply(&here(), &[Mutation::Restore { memory: moved, on_conflict: OnConflict::Replace }]).unwrap();
    level(&store, 59);
    assert_eq!(numbers(&all(&store, &here(), filtered(r#"{"moved": true}"#))), [9]);
    // Many that expire, and are swept.
    let puts: Vec<_> =
        (200..230).map(|n| put_mutation(id(n), memory(n).with_expires_at(later(now, 1_000)))).collect();
    store.apply(&here(), &puts).unwrap();
    level(&store, 89);
    subject.clock().set(later(now, 1_000));
    sound(&store);
    put(&store, &here(), id(200), memory(7));
    level(&store, 89);
    assert_eq!(store.admin().sweep(10).unwrap(), 10);
    assert_eq!(store.admin().sweep(1_000).unwrap(), 19);
    assert_eq!(sound(&store).memories, 60);
    assert_eq!(store.delete_matching(&here(), &filtered(r#"{"n": {"$lt": 20}}"#)).unwrap(), {
        // 0 to 19, without 4 (no metadata), 6 and 8 (deleted) and 2 (500); and 200, which is of 7.
        17
    });
    sound(&store);
    let left = store.count(&here(), &Selection::default()).unwrap();
    assert_eq!(store.admin().rename_namespace(&here(), &ns("there")).unwrap(), left);
    sound(&store);
    assert_eq!(numbers(&all(&store, &ns("there"), filtered(r#"{"n": 500}"#))), [2]);
    store.admin().optimize(Upkeep::Index).unwrap();
    level(&store, left);
    assert_eq!(numbers(&all(&store, &ns("there"), filtered(r#"{"n": 500}"#))), [2]);
    assert_eq!(store.count(&here(), &filtered(r#"{"n": 500}"#)).unwrap(), 0);
    store.admin().delete_namespace(&ns("there")).unwrap();
    level(&store, 0);
    store.admin().optimize(Upkeep::Full).unwrap();
    level(&store, 0);
}

pub(super) fn a_load_is_a_batch(subject: &Subject) {
    let store = subject.store();
    let puts: Vec<_> = (0..20).map(|n| put_mutation(id(n), new(format!("{n}")))).collect();
    let loaded = store.load(&here(), &puts).unwrap();
    assert_eq!(loaded, store.apply(&ns("other"), &puts).unwrap());
    assert_eq!(all(&store, &here(), Selection::default()), all(&store, &ns("other"), Selection::default()));
    // Each kind, one after the other, the same id twice included.
    let restored = Memory { revision: revision(7), ..row(id(50), "restored", subject.clock().now()) };
    let patch = Patch { content: Some(content("patched")), ..Patch::default() };
    let batch = [
        Mutation::Update { id: id(3), patch, expect: Expect::Revision(revision(1)) },
        delete_mutation(id(4)),
        delete_mutation(id(4)),
        put_mutation(id(4), new("again")),
        Mutation::Restore { memory: restored, on_conflict: OnConflict::Fail },
    ];
    let loaded = store.load(&here(), &batch).unwrap();
    assert_eq!(loaded, store.apply(&ns("other"), &batch).unwrap());
    let before = all(&store, &here(), Selection::default());
    assert_eq!(before, all(&store, &ns("other"), Selection::default()));
    // All of it or nothing, refused in the same words.
    let bad = [put_mutation(id(60), new("never")), Mutation::Put { id: id(1), memory: new("m"), expect: Expect::Absent }];
    let errors = [
        refused(store.load(&here(), &bad), ErrorKind::Conflict),
        refused(store.apply(&here(), &bad), ErrorKind::Conflict),
    ];
    assert_eq!(errors[0].to_string(), errors[1].to_string());
    assert_eq!((errors[0].operation(), errors[1].operation()), (Some("load"), Some("apply")));
    assert_eq!(all(&store, &here(), Selection::default()), before);
    assert_eq!(store.load(&here(), &[]).unwrap().outcomes, []);
    sound(&store);
}

pub(super) fn what_was_loaded_is_found_before_and_after(subject: &Subject) {
    let store = subject.store();
    let seed = Seed::new("derived::what_was_loaded_is_found_before_and_after");
    let mut rng = seed.rng();
    let pool = Pool::new(&mut rng, 60);
    let now = subject.clock().now();
    let memories: Vec<Memory> = (0..400).map(|n| Memory { id: id(n), ..pool.memory(&mut rng, now) }).collect();
    // Some are there before, level; some are loaded over them.
    store.apply(&here(), &rows(&memories[..150])).unwrap();
    store.load(&here(), &rows(&memories[150..350])).unwrap();
    let replace = |memory: &Memory| Mutation::Restore { memory: memory.clone(), on_conflict: OnConflict::Replace };
    let over: Vec<Memory> = memories[350..].iter().zip(&memories).map(|(new, old)| Memory { id: old.id, ..new.clone() }).collect();
    store.load(&here(), &over.iter().map(replace).collect::<Vec<_>>()).unwrap();
    let stored: Vec<Memory> = over.iter().chain(&memories[50..350]).cloned().collect();
    let selections: Vec<Selection> = (0..100)
        .map(|_| Selection::default().with_filter(generate::filter(&mut rng, &pool, now)))
        .filter(|selection| claimed(&store, selection))
        .collect();
    let answers = |store: &MemoryStore| -> Vec<Vec<u64>> {
        selections.iter().map(|selection| numbers(&all(store, &here(), selection.clone()))).collect()
    };
    let before = answers(&store);
    for (selection, found) in selections.iter().zip(&before) {
        let mut expected = numbers(&stored.iter().filter(|m| selection.matches(m, now)).cloned().collect::<Vec<_>>());
        expected.sort_unstable();
        let mut found = found.clone();
        found.sort_unstable();
        assert_eq!(found, expected, "{}", selection.filter.to_json());
    }
    sound(&store);
    for upkeep in [Upkeep::Index, Upkeep::Full, Upkeep::Full] {
        store.admin().optimize(upkeep).unwrap();
        level(&store, 350);
        assert!(answers(&store) == before, "an answer is another after {upkeep:?}");
    }
}

pub(super) fn optimize_is_done_once(subject: &Subject) {
    let store = subject.store();
    assert_eq!(store.admin().optimize(Upkeep::Index).unwrap(), OptimizeReport::default());
    let puts = |from: u64| -> Vec<Mutation> {
        let memory = |n| new("m").with_metadata(metadata(&format!(r#"{{"n": {n}}}"#)));
        (from..from + 300).map(|n| put_mutation(id(n), memory(n))).collect()
    };
    store.load(&here(), &puts(0)).unwrap();
    let pending = sound(&store).pending;
    let report = store.admin().optimize(Upkeep::Index).unwrap();
    assert_eq!(report.indexed, pending, "what was pending is what was indexed");
    assert_eq!(store.admin().optimize(Upkeep::Index).unwrap(), OptimizeReport::default());
    // What batches write needs no upkeep.
    store.apply(&here(), &puts(1_000)).unwrap();
    level(&store, 600);
    assert_eq!(store.admin().optimize(Upkeep::Index).unwrap(), OptimizeReport::default());
    store.admin().optimize(Upkeep::Full).unwrap();
    assert_eq!(store.admin().optimize(Upkeep::Full).unwrap(), OptimizeReport::default());
}

pub(super) fn optimize_takes_away_what_is_stale(subject: &Subject) {
    let store = subject.store();
    let memory = |n: u64| new("m").with_metadata(metadata(&format!(r#"{{"n": {n}, "odd": {}, "s{n}": 1}}"#, n % 2 == 1)));
    let puts: Vec<_> = (0..200).map(|n| put_mutation(id(n), memory(n))).collect();
    store.load(&here(), &puts).unwrap();
    store.admin().optimize(Upkeep::Full).unwrap();
    store.delete_matching(&here(), &filtered(r#"{"odd": true}"#)).unwrap();
    store.load(&here(), &(0..100).map(|n| put_mutation(id(n), memory(n + 1_000))).collect::<Vec<_>>()).unwrap();
    store.admin().rename_namespace(&here(), &ns("there")).unwrap();
    sound(&store);
    store.admin().optimize(Upkeep::Full).unwrap();
    let report = level(&store, 150);
    assert_eq!(store.admin().optimize(Upkeep::Full).unwrap(), OptimizeReport::default());
    assert_eq!(store.count(&ns("there"), &filtered(r#"{"odd": true}"#)).unwrap(), 50);
    assert_eq!(store.count(&ns("there"), &filtered(r#"{"s7": {"$exists": true}}"#)).unwrap(), 0);
    assert_eq!(store.count(&ns("there"), &filtered(r#"{"s1007": {"$exists": true}}"#)).unwrap(), 1);
    store.admin().delete_namespace(&ns("there")).unwrap();
    store.admin().optimize(Upkeep::Full).unwrap();
    let empty = level(&store, 0);
    assert!(report.entries == 0 || empty.entries < report.entries, "{empty:?}");
}

pub(super) fn generated_writes_leave_nothing_wrong(subject: &Subject) {
    let store = subject.store();
    let seed = Seed::new("derived::generated_writes_leave_nothing_wrong");
    let mut rng = seed.rng();
    let pool = Pool::new(&mut rng, 20);
    for step in 0..120 {
        let now = subject.clock().advance(Duration::from_millis(rng.u64(0..5)));
        let batch = generate::batch(&mut rng, &pool, now);
        // Some can't be applied, and must leave nothing either.
        let _ = if percent(&mut rng, 30) { load(&store, &here(), &batch) } else { store.apply(&here(), &batch) };
        match rng.u32(0..40) {
            0 => drop(store.admin().sweep(rng.u32(1..20)).unwrap()),
            1 => drop(store.admin().optimize(Upkeep::Index).unwrap()),
            2 => drop(store.admin().optimize(Upkeep::Full).unwrap()),
            3 => {
                let selection = Selection::default().with_filter(generate::filter(&mut rng, &pool, now));
                if claimed(&store, &selection) {
                    store.delete_matching(&here(), &selection).unwrap();
                }
            }
            4 => drop(store.admin().rename_namespace(&here(), &ns("there"))),
            5 => drop(store.admin().rename_namespace(&ns("there"), &here())),
            _ => {}
        }
        if step % 6 == 0 {
            sound(&store);
            let live = all(&store, &here(), Selection::default());
            let filter = generate::filter(&mut rng, &pool, now);
            let expected: Vec<_> = live.into_iter().filter(|memory| filter.matches(memory)).map(|m| m.id).collect();
            let selection = Selection::default().with_filter(filter);
            if claimed(&store, &selection) {
                let found: Vec<_> = all(&store, &here(), selection.clone()).into_iter().map(|m| m.id).collect();
                assert_eq!(found, expected, "{}", selection.filter.to_json());
            }
        }
    }
    store.admin().optimize(Upkeep::Full).unwrap();
    assert_eq!(sound(&store).pending, 0);
}

pub(super) fn belongs_to_writers_at_once(subject: &Subject) {
    let store = subject.store();
    let stop = AtomicBool::new(false);
    let memory = |n: u64| new("m").with_metadata(metadata(&format!(r#"{{"n": {n}, "t": {}}}"#, n % 5)));
    std::thread::scope(|scope| {
        let store = &store;
        let stop = &stop;
        let done = Done(stop);
        let upkeep = scope.spawn(move || {
            let mut rounds = 0;
            while !stop.load(Ordering::SeqCst) || rounds < 3 {
                store.admin().optimize(if rounds % 3 == 2 { Upkeep::Full } else { Upkeep::Index }).unwrap();
                assert!(store.admin().verify().unwrap().is_sound());
                rounds += 1;
            }
        });
        let writers: Vec<_> = (0..3_u64)
            .map(|writer| {
                scope.spawn(move || {
                    for round in 0..15_u64 {
                        let of = |n: u64| writer * 1_000 + n;
                        let batch: Vec<_> = (0..20).map(|n| put_mutation(id(of(n)), memory(round * 20 + n))).collect();
                        if writer == 0 { load(store, &here(), &batch) } else { store.apply(&here(), &batch) }.unwrap();
                        store.delete(&here(), id(of(round % 20))).unwrap();
                        // Its own writes are found at once, whatever the others do.
                        let filter = Filter::path(["n"]).unwrap().eq(round * 20 + (round + 1) % 20).unwrap();
                        let mut found = numbers(&all(store, &here(), Selection::default().with_filter(filter)));
                        found.retain(|number| number / 1_000 == writer);
                        assert_eq!(found, [of((round + 1) % 20)]);
                    }
                })
            })
            .collect();
        let wrote = writers.into_iter().map(ScopedJoinHandle::join).collect::<Result<Vec<()>, _>>();
        drop(done);
        wrote.unwrap();
        upkeep.join().unwrap();
    });
    store.admin().optimize(Upkeep::Full).unwrap();
    level(&store, 3 * 19);
    assert_eq!(store.count(&here(), &filtered(r#"{"n": {"$gte": 280}}"#)).unwrap(), 3 * 19);
}

/// Fails if anything that is derived is wrong.
#[track_caller]
fn sound(store: &MemoryStore) -> VerifyReport {
    let report = store.admin().verify().unwrap();
    assert!(report.is_sound() && report.faults.is_empty() && report.fault_count == 0, "{report:#?}");
    report
}

/// Fails if anything that is derived is wrong or missing, or of another number of memories.
#[track_caller]
fn level(store: &MemoryStore, memories: u64) -> VerifyReport {
    let report = sound(store);
    assert_eq!((report.memories, report.pending), (memories, 0), "{report:?}");
    report
}
