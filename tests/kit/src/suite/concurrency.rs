//! Several threads and several handles.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use polymnia::{Effect, ErrorKind, Expect, MemoryStore, Mutation, Patch, PoolOptions, Query, RetryPolicy, Selection};

use super::prelude::*;
use crate::fixture::Subject;

pub(super) fn writers_all_land(subject: &Subject) {
    let store = subject.store();
    at_once(16, |writer| {
        for number in 0..20 {
            let id = id(writer * 1_000 + number);
            store.put_at(&here(), id, new("m").with_user(user(&format!("w{writer}"))), Expect::Absent).unwrap();
        }
    });
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), 320);
    for writer in 0..16 {
        let selection = Selection::default().with_user(user(&format!("w{writer}")));
        assert_eq!(store.count(&here(), &selection).unwrap(), 20);
    }
}

pub(super) fn writers_of_one_memory_count_up(subject: &Subject) {
    let store = subject.store();
    let revisions = at_once(8, |_| {
        (0..15).map(|_| put(&store, &here(), id(1), new("m")).revision.unwrap().as_i64()).collect::<Vec<_>>()
    });
    let distinct: BTreeSet<i64> = revisions.concat().into_iter().collect();
    assert_eq!(distinct, (1..=120).collect(), "each write has a revision of its own");
    assert_eq!(get(&store, &here(), id(1)).revision, revision(120));
}

pub(super) fn only_one_of_many_wins_a_compare_and_set(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("0"));
    // Each writer adds 1 to what is stored, and tries again when another was first.
    at_once(6, |_| {
        for _ in 0..10 {
            loop {
                let memory = get(&store, &here(), id(1));
                let next: u64 = memory.content.as_str().parse::<u64>().unwrap() + 1;
                let patch = Patch { content: Some(content(next.to_string())), ..Patch::default() };
                match store.update(&here(), id(1), patch, Expect::Revision(memory.revision)) {
                    Ok(outcome) => {
                        assert_eq!(outcome.revision.unwrap().as_i64(), memory.revision.as_i64() + 1);
                        break;
                    }
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
                }
            }
        }
    });
    let memory = get(&store, &here(), id(1));
    assert_eq!((memory.content.as_str(), memory.revision), ("60", revision(61)));
}

pub(super) fn only_one_of_many_creates(subject: &Subject) {
    let store = subject.store();
    let wins = at_once(12, |_| {
        let mut wins = 0;
        for number in 0..10 {
            match store.put_at(&here(), id(number), new("m"), Expect::Absent) {
                Ok(outcome) => {
                    assert_eq!(outcome.effect, Effect::Created);
                    wins += 1;
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
            }
        }
        wins
    });
    assert_eq!(wins.iter().sum::<u32>(), 10);
    let memories = all(&store, &here(), Selection::default());
    assert!(memories.iter().all(|memory| memory.revision == polymnia::Revision::FIRST));
}

pub(super) fn batches_over_the_same_ids_do_not_deadlock(subject: &Subject) {
    let store = subject.store();
    at_once(8, |writer| {
        for round in 0..6 {
            // Some ascend, some descend, some begin in the middle.
            let mut numbers: Vec<u64> = (0..30).collect();
            match writer % 3 {
                0 => {}
                1 => numbers.reverse(),
                _ => numbers.rotate_left(13),
            }
            let batch: Vec<Mutation> = numbers
                .iter()
                .map(|n| if (n + round) % 7 == 0 { delete_mutation(id(*n)) } else { put_mutation(id(*n), new("m")) })
                .collect();
            store.apply(&here(), &batch).unwrap();
        }
    });
    let left = store.count(&here(), &Selection::default()).unwrap();
    assert!((20..=30).contains(&left), "{left}");
}

pub(super) fn readers_see_whole_batches(subject: &Subject) {
    let store = subject.store();
    let batch = |text: &str| (0..20).map(|n| put_mutation(id(n), new(text))).collect::<Vec<_>>();
    store.apply(&here(), &batch("0")).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let ended = Done(&done);
        let readers: Vec<_> = (0..4)
            .map(|reader| {
                let (store, done) = (&store, &done);
                scope.spawn(move || {
                    let ids: Vec<_> = (0..20).map(id).collect();
                    let mut seen = BTreeSet::new();
                    loop {
                        let texts: BTreeSet<String> = if reader % 2 == 0 {
                            let memories = store.get_many(&here(), &ids).unwrap();
                            memories.into_iter().map(|memory| memory.unwrap().content.into_string()).collect()
                        } else {
                            let page = store.query(&here(), &Query::default().with_limit(20).unwrap()).unwrap();
                            assert_eq!(page.memories.len(), 20);
                            page.memories.into_iter().map(|memory| memory.content.into_string()).collect()
                        };
                        assert_eq!(texts.len(), 1, "a part of a batch shows: {texts:?}");
                        seen.extend(texts);
                        if done.load(Ordering::Relaxed) {
                            return seen.len();
                        }
                    }
                })
            })
            .collect();
        for round in 1..60 {
            store.apply(&here(), &batch(&round.to_string())).unwrap();
        }
        drop(ended);
        for reader in readers {
            assert!(reader.join().unwrap() >= 1);
        }
    });
}

pub(super) fn stats_are_of_one_moment(subject: &Subject) {
    let store = subject.store();
    let batch: Vec<_> = (0..20).map(|n| put_mutation(id(n), new("12345").with_user(user("u")))).collect();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let ended = Done(&done);
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let stats = store.stats(&here()).unwrap();
                        assert!([0, 20].contains(&stats.memories), "a part of a batch shows: {stats:?}");
                        assert_eq!(stats.content_bytes, stats.memories * 5, "{stats:?}");
                        assert_eq!(stats.users, stats.memories / 20, "{stats:?}");
                        assert_eq!(stats.by_tier.iter().map(|group| group.memories).sum::<u64>(), stats.memories);
                        assert_eq!(stats.by_user.iter().map(|group| group.memories).sum::<u64>(), stats.memories);
                        assert_eq!(stats.by_thread.iter().map(|group| group.memories).sum::<u64>(), stats.memories);
                        if done.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                })
            })
            .collect();
        for _ in 0..60 {
            store.apply(&here(), &batch).unwrap();
            store.delete_matching(&here(), &Selection::default()).unwrap();
        }
        drop(ended);
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

pub(super) fn a_rename_beside_writers_loses_nothing(subject: &Subject) {
    let store = subject.store();
    at_once(4, |worker| {
        for round in 0..25 {
            if worker > 0 {
                put(&store, &here(), id(worker * 1_000 + round), new("m"));
                continue;
            }
            match store.admin().rename_namespace(&here(), &ns(&format!("moved {round}"))) {
                Ok(moved) => assert!(moved > 0),
                // Nobody has written since the last time.
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}"),
            }
        }
    });
    let listed = store.admin().namespaces(None, 100).unwrap();
    assert_eq!(listed.iter().map(|summary| summary.memories).sum::<u64>(), 75, "{listed:?}");
    for summary in &listed {
        assert_eq!(all(&store, &summary.namespace, Selection::default()).len() as u64, summary.memories);
    }
}

pub(super) fn a_pool_of_one_is_enough(subject: &Subject) {
    let store = subject.store_with(|options| options.with_pool(PoolOptions::single()));
    at_once(6, |writer| {
        for number in 0..10 {
            let id = id(writer * 100 + number);
            put(&store, &here(), id, new("m"));
            get(&store, &here(), id);
            store.count(&here(), &Selection::default()).unwrap();
        }
    });
    // Reading page after page holds no connection in between.
    let mut read = 0;
    for memory in store.iter(&here(), Query::default().with_limit(7).unwrap()) {
        let memory = memory.unwrap();
        store.update(&here(), memory.id, Patch { tier: Some(tier("read")), ..Patch::default() }, Expect::Any).unwrap();
        read += 1;
        assert!(read <= 60, "a memory comes twice");
    }
    assert_eq!(read, 60);
    assert_eq!(store.admin().info().unwrap().pool.max_size, 1);
}

pub(super) fn another_handle_sees_what_was_written(subject: &Subject) {
    let store = subject.store();
    let another = subject.another();
    put(&store, &here(), id(1), new("by one"));
    assert_eq!(get(&another, &here(), id(1)).content.as_str(), "by one");
    put(&another, &here(), id(1), new("by the other"));
    let memory = get(&store, &here(), id(1));
    assert_eq!((memory.content.as_str(), memory.revision), ("by the other", revision(2)));
    another.delete(&here(), id(1)).unwrap();
    assert_eq!(store.get(&here(), id(1)).unwrap(), None);
    assert_eq!(another.stats(&here()).unwrap().memories, 0);
}

pub(super) fn two_handles_write_the_same_memories(subject: &Subject) {
    let stores: [MemoryStore; 2] = [subject.store(), subject.another()];
    at_once(6, |writer| {
        let store = &stores[usize::try_from(writer).unwrap() % 2];
        for round in 0..10 {
            put(store, &here(), id(round % 3), new("m"));
            let batch = [put_mutation(id(writer * 100 + round), new("own")), put_mutation(id(50), new("shared"))];
            store.apply(&here(), &batch).unwrap();
        }
    });
    assert_eq!(get(&stores[1], &here(), id(50)).revision, revision(60));
    let counted: i64 = (0..3).map(|n| get(&stores[0], &here(), id(n)).revision.as_i64()).sum();
    // Writer 0 writes memories 0 to 9 as its own, the three shared ones among them.
    assert_eq!(counted, 63);
}

pub(super) fn a_sweep_beside_writers(subject: &Subject) {
    let store = subject.store().with_retry(RetryPolicy { attempts: 10, ..RetryPolicy::default() });
    let now = subject.clock().now();
    at_once(4, |worker| {
        for round in 0..10 {
            if worker == 0 {
                store.admin().sweep(5).unwrap();
                continue;
            }
            let over = |n: u64| put_mutation(id(n), new("over").with_expires_at(now));
            let batch: Vec<_> = (0..5).map(|n| over(worker * 1_000 + round * 10 + n)).collect();
            store.apply(&here(), &batch).unwrap();
            put(&store, &here(), id(worker * 1_000 + 900 + round), new("still"));
        }
    });
    while store.admin().sweep(1_000).unwrap() > 0 {}
    subject.clock().advance(Duration::from_secs(1));
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), 30);
    assert_eq!(store.admin().namespaces(None, 10).unwrap()[0].memories, 30);
}

/// Runs `work` in so many threads at once and returns what each made.
#[track_caller]
fn at_once<T: Send>(threads: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let barrier = std::sync::Barrier::new(usize::try_from(threads).unwrap());
    std::thread::scope(|scope| {
        let (barrier, work) = (&barrier, &work);
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                scope.spawn(move || {
                    barrier.wait();
                    work(worker)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    })
}
