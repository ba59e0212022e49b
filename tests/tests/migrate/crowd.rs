//! Many processes that migrate at once: one does the work, all succeed.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use polymnia_conformance::generate::times;
use polymnia_tests::migrate::{Database, Kind, Output, Running, SHOP, SHOP_HEAD, Shop, until};

const PROCESSES: usize = 10;
/// Twenty take a minute; the long checks do.
const ROUNDS: u64 = 4;

#[test]
fn ten_upgrade_an_empty_sqlite_file_at_once() {
    ten_upgrade_at_once(Kind::Sqlite);
}

#[test]
fn ten_upgrade_an_empty_postgres_database_at_once() {
    ten_upgrade_at_once(Kind::Postgres);
}

/// An index built without locks waits for every older transaction: those that wait for the migrator must have none.
#[test]
fn ten_wait_while_one_builds_an_index_concurrently() {
    for _ in 0..times("POLYMNIA_MIGRATE_ROUNDS", 2) {
        let shop = Shop::open(Kind::Postgres, 100);
        shop.migrate(&["upgrade", SHOP[2]]).expect(0);
        let mut older = shop.database.postgres();
        older.batch_execute("BEGIN; UPDATE public.customers SET name = 'held' WHERE id = 1").unwrap();
        let processes: Vec<Running> = (0..PROCESSES).map(|_| shop.start(&["upgrade"])).collect();
        until("an index is being built", || {
            shop.database.number(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND query LIKE '%CONCURRENTLY%' AND wait_event_type = 'Lock'
                     AND pid <> pg_backend_pid()",
            ) == 1
        });
        // Longer than a statement waits for a lock, so that it is tried again.
        std::thread::sleep(Duration::from_millis(2_500));
        older.batch_execute("COMMIT").unwrap();
        assert_one_did_it(processes, &SHOP[3..]);
        assert_eq!(shop.database.applied().last().unwrap(), SHOP_HEAD);
        shop.assert_whole(100);
    }
}

#[test]
fn who_migrates_is_told_while_others_wait() {
    for kind in Kind::BOTH {
        let shop = Shop::open(kind, 1);
        let (brake, running) = shop.start_held(SHOP[1], 1);
        let begun = Instant::now();
        let refused = shop.migrate(&["upgrade", "--lock-wait", "500ms"]).expect(6).tells("locked");
        assert!(begun.elapsed() < Duration::from_secs(5), "{kind:?}");
        if kind == Kind::Sqlite {
            assert!(refused.err.contains(&running.id().to_string()), "{}", refused.err);
        }
        let status = shop.migrate(&["status", "--format", "json"]).expect(0).json();
        assert!(status["lock_holder"]["process"].is_i64(), "{status}");
        let mut waiting = shop.start(&["upgrade"]);
        let told = waiting.event(|event| event["event"] == "waiting").unwrap();
        assert_eq!(told["holder"]["process"], status["lock_holder"]["process"], "{told}");
        // This one first, or it would be the next to be held by the brake.
        assert!(waiting.kill());
        assert!(running.kill());
        brake.release();
        shop.migrate(&["upgrade"]).expect(0);
        shop.assert_whole(1);
    }
}

#[test]
fn unlock_ends_the_session_of_postgres() {
    let shop = Shop::open(Kind::Postgres, 1);
    shop.migrate(&["unlock"]).expect(0);
    let (brake, running) = shop.start_held(SHOP[1], 1);
    shop.migrate(&["unlock"]).expect(0);
    assert_ne!(running.finish().code, 0, "its session was ended");
    brake.release();
    shop.migrate(&["upgrade"]).expect(0);
    shop.assert_whole(1);
}

fn ten_upgrade_at_once(kind: Kind) {
    for _ in 0..times("POLYMNIA_MIGRATE_ROUNDS", ROUNDS) {
        let shop = Shop::fresh(kind);
        let processes: Vec<Running> = (0..PROCESSES).map(|_| shop.start(&["upgrade"])).collect();
        let all = ours(&shop.database);
        assert_one_did_it(processes, &all.iter().map(String::as_str).chain(SHOP).collect::<Vec<_>>());
        assert_eq!(shop.database.applied().len(), all.len() + SHOP.len());
        shop.migrate(&["check"]).expect(0);
    }
}

/// Returns the versions that the program brings.
fn ours(database: &Database) -> Vec<String> {
    let scripts = match database.kind() {
        Kind::Sqlite => polymnia_migrations::sqlite(),
        Kind::Postgres => polymnia_migrations::postgres(),
    };
    scripts.iter().map(|script| script.version.to_owned()).collect()
}

/// Fails unless all succeeded and one of them ran all these versions, each once.
#[track_caller]
fn assert_one_did_it(processes: Vec<Running>, versions: &[&str]) {
    let outputs: Vec<Output> = processes.into_iter().map(|process| process.finish().expect(0)).collect();
    let mut workers = 0;
    for output in outputs {
        let events = output.lines();
        let done: Vec<&str> = events
            .iter()
            .filter(|event| event["event"] == "step_finished")
            .map(|event| event["step"]["version"].as_str().unwrap())
            .collect();
        if !done.is_empty() {
            assert_eq!(done, versions);
            workers += 1;
        }
    }
    assert_eq!(workers, 1, "one does all of it");
}
