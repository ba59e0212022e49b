//! A process that writes in every way there is, killed at points by chance, again and again on one database: what is derived
//! must agree with the memories, and answers with a recount.
//!
//! The process is this test program, run again for the ignored test [`child`]. `POLYMNIA_CRASH_ROUNDS` says how often it is
//! killed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "figures of a run")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use polymnia::{
    Error, ErrorKind, Expect, IndexDeclaration, IndexKind, Memory, MemoryId, MemoryStore, Mutation, Namespace,
    NewMemory, Query, Registry, Result, Retry, Selection, Timestamp, Upkeep,
};
use polymnia_conformance::generate::{self, Pool, Rng, Seed, pick, times};
use polymnia_conformance::{Fixture, TestClock};
use polymnia_postgres::Postgres as PostgresDialect;
use polymnia_sqlite::Sqlite;
use polymnia_tests::databases::{Postgres, SqliteFile};

/// Takes some seconds a dialect.
const ROUNDS: u64 = 8;

#[test]
fn sqlite_is_sound_after_every_kill() {
    is_sound_after_every_kill::<SqliteFile>("sqlite_is_sound_after_every_kill");
}

#[test]
fn postgres_is_sound_after_every_kill() {
    is_sound_after_every_kill::<Postgres>("postgres_is_sound_after_every_kill");
}

/// Is what is killed; it does nothing by itself.
#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn child() {
    let Ok(url) = std::env::var("POLYMNIA_TEST_DATABASE") else { return };
    let number = |name| std::env::var(name).unwrap().parse().unwrap();
    let mut rng = Rng::with_seed(number("POLYMNIA_TEST_NUMBER"));
    let pool = pool(number("POLYMNIA_TEST_POOL"));
    let store = open(&url);
    loop {
        let (what, result) = operation(&store, &pool, &mut rng);
        // Read by the parent: what was under way when it killed, and that writing has begun.
        println!("did {what}");
        std::io::stdout().flush().unwrap();
        if let Err(error) = result
            && !is_expected(&error)
        {
            panic!("{what}: {error:?}");
        }
    }
}

/// Does one thing, and returns its name.
fn operation(store: &MemoryStore, pool: &Pool, rng: &mut Rng) -> (&'static str, Result<()>) {
    let now = now();
    let puts = |rng: &mut Rng, count: usize| -> Vec<Mutation> {
        let put = |_| Mutation::Put {
            id: MemoryId::from_bytes(u128::from(rng.u32(0..3_000)).to_be_bytes()),
            memory: NewMemory { created_at: None, ..pool.new_memory(rng, now) },
            expect: Expect::Any,
        };
        (0..count).map(put).collect()
    };
    let there = Namespace::new("there").unwrap();
    match rng.u32(0..100) {
        0..35 => ("batch", store.apply(&here(), &generate::batch(rng, pool, now)).map(drop)),
        35..45 => ("puts", store.apply(&here(), &puts(rng, 100)).map(drop)),
        45..60 => ("load", store.load(&here(), &puts(rng, 300)).map(drop)),
        60..72 => ("optimize", store.admin().optimize(Upkeep::Index).map(drop)),
        72..78 => ("full upkeep", store.admin().optimize(Upkeep::Full).map(drop)),
        78..82 => {
            let filter = generate::filter(rng, pool, now);
            ("delete matching", store.delete_matching(&here(), &Selection::default().with_filter(filter)).map(drop))
        }
        82..85 => ("sweep", store.admin().sweep(50).map(drop)),
        85..91 => ("create index", store.admin().create_index(&declaration(rng.usize(0..3)))),
        91..95 => ("drop index", store.admin().drop_index(&declaration(rng.usize(0..3)).name).map(drop)),
        95..97 => ("rename", store.admin().rename_namespace(&here(), &there).map(drop)),
        97..99 => ("rename back", store.admin().rename_namespace(&there, &here()).map(drop)),
        _ => ("delete namespace", store.admin().delete_namespace(&there).map(drop)),
    }
}

fn is_sound_after_every_kill<F: Fixture>(name: &'static str) {
    let seed = Seed::new(name);
    let mut rng = seed.rng();
    let fixture = F::fresh();
    let url = fixture.options().url().expose().to_owned();
    open(&url).migrate().unwrap();
    let pool_seed = rng.u64(..);
    let pool = pool(pool_seed);
    let mut interrupted = std::collections::BTreeMap::<String, u32>::new();
    for round in 0..times("POLYMNIA_CRASH_ROUNDS", ROUNDS) {
        let done = run_and_kill(&url, rng.u64(..), pool_seed, Duration::from_micros(rng.u64(0..200_000)));
        *interrupted.entry(done).or_default() += 1;
        // A handle of its own each time: on SQLite, the first to come restores what the killed one left.
        let clock = TestClock::default();
        clock.set(now());
        let store = open(&url).with_clock(clock);
        check(&store, &pool, &mut rng, &format!("round {round}"));
        if round % 3 == 2 {
            let upkeep = pick(&mut rng, &[Upkeep::Index, Upkeep::Full]);
            store.admin().optimize(upkeep).unwrap();
            assert_eq!(store.admin().verify().unwrap().pending, 0, "round {round}, after {upkeep:?}");
            check(&store, &pool, &mut rng, &format!("round {round}, after {upkeep:?}"));
        }
        // An index that was not finished can be made anew, or dropped.
        for status in store.admin().indexes().unwrap() {
            if !status.ready {
                let name = status.declaration.name.clone();
                let mended = if round % 2 == 0 {
                    store.admin().create_index(&status.declaration)
                } else {
                    store.admin().drop_index(&name).map(drop)
                };
                mended.unwrap_or_else(|error| panic!("round {round}, {name}: {error:?}"));
                check(&store, &pool, &mut rng, &format!("round {round}, after mending {name}"));
            }
        }
    }
    println!("{name}: the last thing done before each kill: {interrupted:?}");
}

/// Fails unless what is derived is sound and filters select what a recount selects.
fn check(store: &MemoryStore, pool: &Pool, rng: &mut Rng, place: &str) {
    let report = store.admin().verify().unwrap();
    assert!(report.is_sound(), "{place}: {report:#?}");
    for namespace in [here(), Namespace::new("there").unwrap()] {
        let read = |selection: Selection| -> Vec<Memory> {
            let query = Query::new(selection).with_limit(1_000).unwrap();
            store.iter(&namespace, query).collect::<Result<_>>().unwrap()
        };
        let live = read(Selection::default());
        assert_eq!(store.count(&namespace, &Selection::default()).unwrap(), live.len() as u64, "{place}");
        for _ in 0..12 {
            let filter = generate::filter(rng, pool, now());
            let expected: Vec<MemoryId> =
                live.iter().filter(|memory| filter.matches(memory)).map(|memory| memory.id).collect();
            let found: Vec<MemoryId> =
                read(Selection::default().with_filter(filter.clone())).iter().map(|memory| memory.id).collect();
            assert_eq!(found, expected, "{place}: {}", filter.to_json());
        }
    }
}

/// Starts the child, lets it write for so long, kills it, and returns what it had done last.
fn run_and_kill(url: &str, number: u64, pool: u64, time: Duration) -> String {
    let mut child: Child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "child", "--nocapture", "--test-threads", "1"])
        .env("POLYMNIA_TEST_DATABASE", url)
        .env("POLYMNIA_TEST_NUMBER", number.to_string())
        .env("POLYMNIA_TEST_POOL", pool.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    let mut last = "nothing".to_owned();
    while !line.contains("did ") {
        line.clear();
        if out.read_line(&mut line).unwrap() == 0 {
            let output = child.wait_with_output().unwrap();
            panic!("the child ended by itself: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    // Read on meanwhile, or a full pipe would stop the child.
    let reader = std::thread::spawn(move || {
        let mut all = line;
        let mut line = String::new();
        while out.read_line(&mut line).unwrap_or(0) > 0 {
            all = std::mem::take(&mut line);
        }
        all
    });
    std::thread::sleep(time);
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(ended.is_none(), "the child ended by itself: {}", String::from_utf8_lossy(&output.stderr));
    if let Some(what) = reader.join().unwrap().trim().split("did ").nth(1) {
        what.clone_into(&mut last);
    }
    last
}

/// Returns whether operations by chance may fail so.
fn is_expected(error: &Error) -> bool {
    // What a killed writer left behind may stand in the way for a moment.
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) || error.retry() == Retry::Exhausted
}

fn declaration(number: usize) -> IndexDeclaration {
    let (path, kind) =
        [(r#"["a"]"#, IndexKind::Number), (r#"["a"]"#, IndexKind::Text), (r#"["b", 0]"#, IndexKind::Number)][number];
    IndexDeclaration::new(path.parse().unwrap(), kind).unwrap()
}

fn pool(seed: u64) -> Pool {
    Pool::new(&mut Rng::with_seed(seed), 40)
}

fn here() -> Namespace {
    Namespace::new("here").unwrap()
}

fn now() -> Timestamp {
    let micros = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    Timestamp::from_micros(i64::try_from(micros).unwrap()).unwrap()
}

fn open(url: &str) -> MemoryStore {
    Registry::new().with(Sqlite).with(PostgresDialect).open(url).unwrap()
}
