//! Many threads through one plugin: every answer right, and no more memory at the end than near the beginning.
//!
//! `POLYMNIA_PLUGIN_SECONDS` says for how long.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use polymnia::spi::Dialect as _;
use polymnia::{
    CancelToken, ErrorKind, Expect, Filter, MemoryId, MemoryStore, Mutation, Namespace, NewMemory, OpenOptions,
    PoolOptions, Query, Registry, Selection, Tier,
};
use polymnia_conformance::Fixture as _;
use polymnia_conformance::generate::times;
use polymnia_tests::databases::{PostgresPlugin, SqliteFilePlugin};
use polymnia_tests::plugins::{self, Plugin};

const THREADS: u64 = 16;
/// Each thread writes these over and over, so that a database stays as large as it is.
const MEMORIES: u64 = 50;

#[test]
fn of_sqlite() {
    let fixture = SqliteFilePlugin::fresh();
    // Mapped pages of the file would count as memory.
    in_a_process_of_its_own(Plugin::Sqlite, &format!("{}?mmap_size=0", fixture.options().url().expose()));
}

#[test]
fn of_postgres() {
    let fixture = PostgresPlugin::fresh();
    in_a_process_of_its_own(Plugin::Postgres, fixture.options().url().expose());
}

#[test]
fn of_the_oracle() {
    in_a_process_of_its_own(Plugin::Test, "oracle:");
}

fn in_a_process_of_its_own(plugin: Plugin, url: &str) {
    let library = plugin.library();
    let folder = library.parent().unwrap().to_str().unwrap();
    let environment = [(URL, url), (plugins::VARIABLE, folder)];
    print!("{}", crate::in_a_process_of_its_own("threads::child", &environment));
}

/// Environment variable with the database that a child process uses.
const URL: &str = "POLYMNIA_TEST_DATABASE";

#[test]
#[ignore = "run by the tests above, in processes of its own"]
fn child() {
    let url = std::env::var(URL).unwrap_or_else(|_| "oracle:".to_owned());
    let plugin = match url.split(':').next() {
        Some("sqlite") => Plugin::Sqlite,
        Some("oracle") => Plugin::Test,
        _ => Plugin::Postgres,
    };
    use_it(&OpenOptions::new(url), plugin);
}

fn use_it(options: &OpenOptions, plugin: Plugin) {
    let seconds = Duration::from_secs(times("POLYMNIA_PLUGIN_SECONDS", 3));
    let pool = PoolOptions { max_size: Some(6), ..PoolOptions::default() };
    let dialect = plugin.load();
    let store = Registry::new().with(dialect).open_with(&options.clone().with_pool(pool)).unwrap();
    store.migrate().unwrap();
    let stop = AtomicBool::new(false);
    let rounds = AtomicU64::new(0);
    let began = Instant::now();
    let (before, after) = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|worker| {
                let (store, stop, rounds) = (store.clone(), &stop, &rounds);
                scope.spawn(move || {
                    let mut round = 0;
                    while !stop.load(Ordering::Relaxed) {
                        work(&store, plugin, options, worker, round);
                        round += 1;
                        rounds.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        // Pools, caches and allocators fill at first.
        std::thread::sleep(seconds / 3);
        let before = resident();
        while began.elapsed() < seconds && !workers.iter().any(std::thread::ScopedJoinHandle::is_finished) {
            std::thread::sleep(Duration::from_millis(50));
        }
        let after = resident();
        stop.store(true, Ordering::Relaxed);
        (before, after)
    });
    let rounds = rounds.into_inner();
    println!("{plugin:?}: {rounds} rounds, {} KiB resident before, {} after", before >> 10, after >> 10);
    assert!(rounds > THREADS, "{rounds} rounds");
    // Sixteen threads' worth of buffers may differ; a leak of one reply a round would be far more.
    let allowed = (before / 5).max(24 << 20);
    assert!(after < before + allowed, "{} KiB became {}", before >> 10, after >> 10);
    assert!(store.admin().verify().unwrap().is_sound());
    let of_all = (0..THREADS).map(|worker| store.count(&of(worker), &Selection::default()).unwrap());
    assert!(of_all.into_iter().all(|count| count <= MEMORIES));
}

/// Asks for a bit of everything in a namespace of its own, and checks every answer.
fn work(store: &MemoryStore, plugin: Plugin, options: &OpenOptions, worker: u64, round: u64) {
    let here = of(worker);
    let text = format!("of worker {worker}, round {round}");
    let batch: Vec<Mutation> = (0..MEMORIES)
        .map(|n| {
            let metadata = format!(r#"{{"n": {n}, "round": {round}, "tags": ["a", "b{}"]}}"#, n % 5);
            let memory = NewMemory::new(text.clone()).unwrap().with_metadata(metadata.parse().unwrap());
            Mutation::Put { id: id(n), memory, expect: Expect::Any }
        })
        .collect();
    store.apply(&here, &batch).unwrap();
    let all = store.query(&here, &Query::default().with_limit(100).unwrap()).unwrap();
    assert_eq!(all.memories.len() as u64, MEMORIES);
    assert!(all.memories.iter().all(|memory| memory.content.as_str() == text), "{text}");
    let filter = Filter::path(["n"]).unwrap().eq(round % MEMORIES).unwrap();
    let found = store.query(&here, &Query::new(Selection::default().with_filter(filter.clone()))).unwrap();
    assert_eq!(found.memories.iter().map(|memory| memory.id).collect::<Vec<_>>(), [id(round % MEMORIES)]);
    let mut read = 0;
    for memory in store.iter(&here, Query::default().with_limit(7).unwrap()) {
        assert_eq!(memory.unwrap().content.as_str(), text);
        read += 1;
    }
    assert_eq!(read, MEMORIES);
    let revision = all.memories[0].revision;
    let lost = store.put_at(&here, all.memories[0].id, NewMemory::new("m").unwrap(), Expect::Absent).unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Conflict, "{lost:?}");
    assert_eq!(store.get(&here, all.memories[0].id).unwrap().unwrap().revision, revision);
    match round % 8 {
        0 => {
            let selection = Selection::default().with_filter(filter);
            assert_eq!(store.delete_matching(&here, &selection).unwrap(), 1);
            assert_eq!(store.stats(&here).unwrap().memories, MEMORIES - 1);
        }
        1 => {
            let cancel = CancelToken::new();
            cancel.cancel();
            let late = store.clone().with_cancel(cancel).count(&here, &Selection::default()).unwrap_err();
            assert_eq!(late.kind(), ErrorKind::Cancelled, "{late:?}");
        }
        2 => {
            store.explain(&here, &Query::default()).unwrap();
            store.admin().info().unwrap();
            store.schema().status().unwrap();
        }
        // Another engine, opened and closed beside the others.
        3 if worker.is_multiple_of(4) && plugin != Plugin::Postgres => {
            let another = plugin.load().open(options).unwrap();
            assert!(another.capability().containment > polymnia::Support::None);
        }
        4 if worker == 0 => assert!(store.admin().verify().unwrap().is_sound()),
        5 => {
            let tier = Tier::new("none").unwrap();
            assert_eq!(store.count(&here, &Selection::default().with_tier(tier)).unwrap(), 0);
        }
        _ => {}
    }
}

fn of(worker: u64) -> Namespace {
    Namespace::new(format!("worker {worker}")).unwrap()
}

fn id(number: u64) -> MemoryId {
    MemoryId::from_bytes(u128::from(number).to_be_bytes())
}

/// Returns how much memory the process has, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}
