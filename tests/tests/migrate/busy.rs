//! Others that hold what a migration needs: it waits in small portions, gives up in time, and nobody waits behind it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use polymnia_tests::migrate::{Kind, SHOP, Shop};

#[test]
fn sqlite_gives_up_on_a_writer() {
    let shop = Shop::open(Kind::Sqlite, 10);
    let before = shop.database.everything();
    let mut writer = shop.database.sqlite();
    writer.batch_execute("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    shop.migrate(&["upgrade", "--lock-wait", "700ms"]).expect(6).tells("locked").tells("--lock-wait");
    let took = begun.elapsed();
    assert!((Duration::from_millis(600)..Duration::from_secs(10)).contains(&took), "{took:?}");
    shop.migrate(&["status"]).expect(0);
    writer.batch_execute("ROLLBACK").unwrap();
    assert_eq!(shop.database.everything(), before);
    // One that ends in time is waited for.
    writer.batch_execute("BEGIN IMMEDIATE").unwrap();
    let running = shop.start(&["upgrade", "--lock-wait", "30s"]);
    std::thread::sleep(Duration::from_millis(300));
    writer.batch_execute("COMMIT").unwrap();
    running.finish().expect(0);
    shop.assert_whole(10);
}

#[test]
fn postgres_gives_up_on_a_table_that_is_locked() {
    let shop = Shop::open(Kind::Postgres, 10);
    let before = shop.database.everything();
    let mut reader = shop.database.postgres();
    reader.batch_execute("BEGIN; SELECT count(*) FROM public.customers").unwrap();
    let slowest = readers_meanwhile(&shop, || {
        shop.migrate(&["upgrade", "--lock-timeout", "300ms", "--lock-wait", "2s"])
            .expect(6)
            .tells("locked")
            .tells(SHOP[1]);
    });
    println!("the slowest SELECT waited {slowest:?}");
    assert!(slowest < Duration::from_millis(300 + 400), "a SELECT waited {slowest:?} behind the migration");
    reader.batch_execute("COMMIT").unwrap();
    let after = shop.database.everything();
    let lasting = |all: &[String]| -> Vec<String> {
        // That it failed may stand in the log.
        all.iter().filter(|line| !line.contains("log") && !line.contains("failed")).cloned().collect()
    };
    assert_eq!(lasting(&after), lasting(&before));
}

#[test]
fn postgres_tries_again_until_a_table_is_free() {
    let shop = Shop::open(Kind::Postgres, 10);
    let mut reader = shop.database.postgres();
    reader.batch_execute("BEGIN; SELECT count(*) FROM public.customers").unwrap();
    let mut running = shop.start(&["upgrade", "--lock-timeout", "200ms", "--lock-wait", "30s"]);
    for _ in 0..2 {
        assert!(running.event(|event| event["event"] == "retrying").is_some(), "{:?}", running.finish());
    }
    reader.batch_execute("COMMIT").unwrap();
    running.finish().expect(0);
    shop.assert_whole(10);
}

/// Reads a table again and again while something is done, and returns how long the slowest took.
fn readers_meanwhile(shop: &Shop, done: impl FnOnce()) -> Duration {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut connection = shop.database.postgres();
            let mut slowest = Duration::ZERO;
            while !over.load(Ordering::SeqCst) {
                let begun = Instant::now();
                connection.batch_execute("SELECT count(*) FROM public.customers").unwrap();
                slowest = slowest.max(begun.elapsed());
                std::thread::sleep(Duration::from_millis(2));
            }
            slowest
        });
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(done));
        over.store(true, Ordering::SeqCst);
        let slowest = reader.join().unwrap();
        ended.unwrap();
        slowest
    })
}
