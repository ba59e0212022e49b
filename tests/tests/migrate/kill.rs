//! An upgrade killed at each place: nothing half-applied is called done, and the next run completes.

use std::time::{Duration, Instant};

use polymnia_conformance::generate::{Seed, times};
use polymnia_tests::migrate::{Brake, Kind, SHOP, Shop, until, within};

const CUSTOMERS: u32 = 250;

#[test]
fn sqlite_goes_on_after_a_kill_at_each_statement() {
    goes_on_after_a_kill_at_each_statement(Kind::Sqlite);
}

#[test]
fn postgres_goes_on_after_a_kill_at_each_statement() {
    goes_on_after_a_kill_at_each_statement(Kind::Postgres);
}

#[test]
fn sqlite_goes_on_after_kills_by_chance() {
    goes_on_after_kills_by_chance(Kind::Sqlite);
}

#[test]
fn postgres_goes_on_after_kills_by_chance() {
    goes_on_after_kills_by_chance(Kind::Postgres);
}

#[test]
fn sqlite_goes_on_after_a_kill_during_a_backup() {
    goes_on_after_a_kill_during_a_backup(Kind::Sqlite);
}

#[test]
fn postgres_goes_on_after_a_kill_during_a_backup() {
    goes_on_after_a_kill_during_a_backup(Kind::Postgres);
}

#[test]
fn a_killed_downgrade_goes_on() {
    for kind in Kind::BOTH {
        let shop = Shop::open(kind, CUSTOMERS);
        // Between the two statements that take the points and the cents back.
        shop.application
            .edit(SHOP[2], "down.sql", |text| text.replacen("\n\n", &format!("\n\n{}\n\n", Brake::statement(kind)), 1));
        let brake = Brake::on(&shop.database);
        shop.migrate(&["upgrade"]).expect(0);
        let down = ["downgrade", SHOP[1], "--allow-destructive", "--backup", "never"];
        let mut running = shop.start(&down);
        let first = |event: &serde_json::Value| event["event"] == "statement" && event["version"] == SHOP[2];
        assert!(running.event(first).is_some(), "{:?}", running.finish());
        assert!(running.kill());
        let cents =
            |cents: u32| shop.database.number(&format!("SELECT count(*) FROM order_items WHERE cents = {cents}"));
        let items = i64::from(CUSTOMERS) * 2;
        assert_eq!((cents(100), cents(101)), (items, 0), "the first statement was done");
        let status = shop.migrate(&["status", "--format", "json"]).expect(0).json();
        assert_eq!(status["unfinished"][0], SHOP[2], "{status}");
        shop.migrate(&["check"]).expect(5).tells("unfinished");
        brake.release();
        shop.migrate(&down).expect(0);
        assert_eq!((cents(100), cents(99)), (items, 0), "and not again");
        assert_eq!(shop.database.number("SELECT count(*) FROM customers WHERE points = 0"), i64::from(CUSTOMERS));
        shop.migrate(&["upgrade"]).expect(0);
        shop.assert_whole(CUSTOMERS);
    }
}

/// The lock of a migrator that was killed while the server worked for it.
#[test]
fn postgres_frees_the_lock_of_the_killed_within_two_seconds() {
    let shop = Shop::open(Kind::Postgres, 1);
    let (brake, running) = shop.start_held(SHOP[1], 1);
    let locks = "SELECT count(*) FROM pg_locks
                 WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert!(shop.database.number(locks) > 0, "the migrator holds a lock");
    assert!(running.kill());
    let killed = Instant::now();
    let freed = within(Duration::from_secs(2), || shop.database.number(locks) == 0 && brake.sessions() == 0);
    println!("free after {:?}", killed.elapsed());
    assert!(freed, "the lock is still held");
    brake.release();
    shop.migrate(&["upgrade", "--lock-wait", "100ms"]).expect(0);
    shop.assert_whole(1);
}

/// Is what the shop is after so many of its versions.
struct Reference(Vec<Vec<String>>);

impl Reference {
    fn of(kind: Kind) -> Self {
        let shop = Shop::open(kind, CUSTOMERS);
        let mut after = vec![Vec::new(), shop.database.schema()];
        for version in &SHOP[1..] {
            shop.migrate(&["upgrade", version]).expect(0);
            after.push(shop.database.schema());
        }
        shop.assert_whole(CUSTOMERS);
        Self(after)
    }

    /// Fails unless the shop is whole at the newest version.
    #[track_caller]
    fn assert_complete(&self, shop: &Shop, customers: u32, place: &str) {
        assert_eq!(&shop.database.schema(), self.0.last().unwrap(), "{place}");
        shop.assert_whole(customers);
        let validation = shop.database.run(&["schema", "validate", "--migrations", shop.application.argument()]);
        assert_eq!(validation.code, 0, "{place}: {validation:?}");
        assert_eq!(shop.migrate(&["check"]).code, 0, "{place}");
    }
}

fn goes_on_after_a_kill_at_each_statement(kind: Kind) {
    let reference = Reference::of(kind);
    let mut places = 0;
    for (number, version) in SHOP.iter().enumerate().skip(1) {
        let original = Shop::fresh(kind);
        let statements = original.application.statements(kind, version);
        let whole = if statements[0].starts_with("PRAGMA") { 1..statements.len() } else { 0..statements.len() + 1 };
        let metadata =
            std::fs::read_to_string(original.application.version(kind, version).join("metadata.toml")).unwrap();
        for index in whole {
            let place = format!("{version}, before statement {index}");
            let shop = Shop::open(kind, CUSTOMERS);
            let (brake, running) = shop.start_held(version, index);
            assert!(running.kill(), "{place}: the upgrade ended by itself");
            if kind == Kind::Postgres {
                until("the server noticed", || brake.sessions() == 0);
            }
            let applied = shop.database.applied();
            assert_eq!(applied.last().map(String::as_str), Some(SHOP[number - 1]), "{place}");
            let status = shop.migrate(&["status", "--format", "json"]).expect(0).json();
            let unfinished = serde_json::to_string(&status["unfinished"]).unwrap().contains(version);
            if metadata.contains("rebuild = true") || !metadata.contains("false") {
                assert_eq!(shop.database.schema(), reference.0[number], "{place}: a transaction leaves nothing");
                assert!(!unfinished, "{place}: {status}");
            } else {
                assert!(unfinished, "{place}: {status}");
            }
            let current = shop.migrate(&["current"]).expect(0);
            assert!(!current.out.contains(version), "{place}: {current:?}");
            brake.release();
            shop.migrate(&["upgrade"]).expect(0);
            reference.assert_complete(&shop, CUSTOMERS, &place);
            places += 1;
        }
    }
    println!("killed at {places} places of {}", kind.name());
}

fn goes_on_after_kills_by_chance(kind: Kind) {
    let seed = Seed::new("goes_on_after_kills_by_chance");
    let mut rng = seed.rng();
    let reference = Reference::of(kind);
    // About as long as an upgrade takes.
    let longest = if kind == Kind::Sqlite { 50_000 } else { 150_000 };
    let mut in_time = 0;
    for round in 0..times("POLYMNIA_MIGRATE_ROUNDS", 4) {
        let shop = Shop::open(kind, 1_000);
        for kill in 0..4 {
            let mut running = shop.start(&["upgrade"]);
            running.event(|event| event["event"] == "planned");
            std::thread::sleep(Duration::from_micros(rng.u64(0..longest)));
            in_time += u32::from(running.kill());
            let place = format!("round {round}, kill {kill}");
            let status = shop.migrate(&["status", "--format", "json"]);
            assert_eq!(status.code, 0, "{place}: {status:?}");
            // What is called done is whole.
            let applied = shop.database.applied();
            let done = SHOP.iter().filter(|version| applied.iter().any(|applied| applied == *version)).count();
            let unfinished = status.json()["unfinished"].as_array().map_or(0, Vec::len);
            if unfinished == 0 {
                assert_eq!(shop.database.schema(), reference.0[done], "{place}: {applied:?}");
            }
        }
        shop.migrate(&["upgrade"]).expect(0);
        reference.assert_complete(&shop, 1_000, &format!("round {round}"));
    }
    println!("{in_time} upgrades of {} were killed before their end", kind.name());
}

fn goes_on_after_a_kill_during_a_backup(kind: Kind) {
    let shop = Shop::open(kind, 30_000);
    if kind == Kind::Postgres {
        shop.database.execute("CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.held (id int)");
    }
    let before = shop.database.everything();
    // A backup of PostgreSQL waits for this one; that of SQLite takes its time.
    let mut holder = (kind == Kind::Postgres).then(|| shop.database.postgres());
    if let Some(connection) = &mut holder {
        diesel::connection::SimpleConnection::batch_execute(connection, "BEGIN; LOCK TABLE elsewhere.held").unwrap();
    }
    let mut running = shop.start(&["upgrade", "--backup", "always"]);
    assert!(running.event(|event| event["event"] == "backup_started").is_some(), "{:?}", running.finish());
    assert!(running.kill(), "the backup was quicker than the kill");
    drop(holder);
    assert_eq!(shop.database.everything(), before, "nothing is changed before the backup is whole");
    // What stands there as a backup is one.
    let listed = shop.database.run(&["backup", "list", "--format", "ndjson"]).expect(0);
    for backup in listed.lines() {
        shop.database.run(&["backup", "verify", backup["path"].as_str().unwrap()]).expect(0);
    }
    shop.migrate(&["upgrade", "--backup", "always"]).expect(0);
    shop.assert_whole(30_000);
    let folder = shop.database.folder().join("polymnia-backups");
    let backups = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let whole = backups.filter(|path| path.extension().is_some_and(|end| end == "db" || end == "dump"));
    for path in whole {
        shop.database.run(&["backup", "verify", path.to_str().unwrap()]).expect(0);
    }
}
