//! Many memories: an index, a column and a change of all rows tell how far they are, and nobody who writes waits long.
//!
//! `POLYMNIA_MIGRATE_MEMORIES` says how many; the long checks take a million.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use polymnia_conformance::generate::times;
use polymnia_tests::migrate::{Application, Database, Kind, Shop};

const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

#[test]
fn sqlite_with_many_memories() {
    with_many_memories(Kind::Sqlite);
}

#[test]
fn postgres_with_many_memories() {
    with_many_memories(Kind::Postgres);
}

fn with_many_memories(kind: Kind) {
    let memories = times("POLYMNIA_MIGRATE_MEMORIES", 20_000);
    let shop = Shop { database: Database::fresh(kind), application: moods(kind) };
    shop.database.run(&["init"]).expect(0);
    shop.database.execute(&fill(kind, memories));
    let over = AtomicBool::new(false);
    let (slowest, writes, events, took) = std::thread::scope(|scope| {
        let other = scope.spawn(|| match kind {
            Kind::Sqlite => write(&mut shop.database.sqlite(), "polymnia_memories", &over),
            Kind::Postgres => write(&mut shop.database.postgres(), "polymnia.memories", &over),
        });
        let begun = Instant::now();
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            shop.start(&["upgrade", "--lock-timeout", "2s", "--lock-wait", "10min"]).finish().expect(0).lines()
        }));
        let took = begun.elapsed();
        over.store(true, Ordering::SeqCst);
        let (slowest, writes) = other.join().unwrap();
        (slowest, writes, ended.unwrap(), took)
    });
    println!(
        "{memories} memories in {}: {took:.1?}; meanwhile {writes} writes of others, the slowest {slowest:.1?}",
        kind.name()
    );
    for event in events.iter().filter(|event| event["event"] == "statement") {
        println!("  {} statement {}: {} ms", event["version"], event["index"], event["millis"]);
    }
    let batches: Vec<_> = events.iter().filter(|event| event["event"] == "batch").collect();
    assert!(batches.len() as u64 >= memories / 1_000, "{} batches tell how far it is", batches.len());
    let done = |event: &serde_json::Value| event["done"].as_u64().unwrap();
    assert!(batches.is_sorted_by_key(|event| done(event)));
    assert!(done(batches.last().unwrap()) >= memories);
    let total = batches[0]["total"].as_u64().unwrap();
    assert!(total.abs_diff(memories) <= memories / 2, "about {total}");
    let table = if kind == Kind::Sqlite { "polymnia_memories" } else { "polymnia.memories" };
    let unset = shop.database.number(&format!("SELECT count(*) FROM {table} WHERE mood IS NULL"));
    assert_eq!(unset, 0, "each row was changed");
    if kind == Kind::Postgres {
        // With some room for a machine that does other things as well.
        assert!(slowest < LOCK_TIMEOUT + Duration::from_millis(500), "a writer waited {slowest:?}");
    }
    assert!(writes > 0);
}

/// Writes one row again and again, and returns how long the slowest write took and how many there were.
fn write(connection: &mut impl SimpleConnection, table: &str, over: &AtomicBool) -> (Duration, u32) {
    let statement =
        format!("UPDATE {table} SET importance = 1 - importance WHERE content = 'memory 1' AND namespace = 'n1'");
    let (mut slowest, mut writes) = (Duration::ZERO, 0);
    while !over.load(Ordering::SeqCst) {
        let begun = Instant::now();
        connection.batch_execute(&statement).unwrap();
        slowest = slowest.max(begun.elapsed());
        writes += 1;
        // A writer that never pauses would leave SQLite to nobody else.
        std::thread::sleep(Duration::from_millis(10));
    }
    (slowest, writes)
}

/// Returns a script that adds memories, a tenth of them in each of ten namespaces.
fn fill(kind: Kind, memories: u64) -> String {
    match kind {
        Kind::Sqlite => format!(
            "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {memories})
             INSERT INTO polymnia_memories
                 (namespace, id, tier, content, metadata, importance, revision, created_at, updated_at)
             SELECT 'n' || n % 10, randomblob(16), 'short_term', 'memory ' || n, '{{\"n\": ' || n || '}}', 0.5, 1, n, n FROM s"
        ),
        Kind::Postgres => format!(
            "INSERT INTO polymnia.memories
                 (namespace, id, tier, content, metadata, importance, revision, created_at, updated_at)
             SELECT 'n' || n % 10, gen_random_uuid(), 'short_term', 'memory ' || n, jsonb_build_object('n', n), 0.5, 1,
                 to_timestamp(n), to_timestamp(n)
             FROM generate_series(1, {memories}) AS n;
             ANALYZE polymnia.memories"
        ),
    }
}

/// Returns migrations that add a column to the memories, fill it in batches, and add an index.
fn moods(kind: Kind) -> Application {
    let application = Application::empty();
    let (table, concurrently, index) = match kind {
        Kind::Sqlite => ("polymnia_memories", "", "memories_by_mood"),
        Kind::Postgres => ("polymnia.memories", " CONCURRENTLY", "polymnia.memories_by_mood"),
    };
    let scripts = [
        (
            "100_column",
            format!("ALTER TABLE {table} ADD COLUMN mood TEXT;"),
            format!("ALTER TABLE {table} DROP COLUMN mood;"),
            true,
        ),
        (
            "200_fill",
            format!("-- polymnia:batch 1000\nUPDATE {table} SET mood = 'calm' WHERE mood IS NULL;"),
            "-- polymnia:noop the column goes with it".to_owned(),
            false,
        ),
        (
            "300_index",
            format!("CREATE INDEX{concurrently} memories_by_mood ON {table} (namespace, mood);"),
            format!("DROP INDEX{concurrently} {index};"),
            kind == Kind::Sqlite,
        ),
    ];
    for (name, up, down, transactional) in scripts {
        let metadata = format!("run_in_transaction = {transactional}\n");
        application.add_for(kind, &format!("moods20260103000{name}"), &up, &down, &metadata);
    }
    application
}
