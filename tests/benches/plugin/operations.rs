//! Operations on a database, through the plugin and in the program.

use polymnia::{MemoryId, MemoryStore, OpenOptions, Order, PoolOptions, Query, Registry, Selection};
use polymnia_postgres::Postgres;
use polymnia_sqlite::Sqlite;
use polymnia_tests::plugins::Plugin;
use polymnia_tests::server;

use crate::data;
use crate::report::{Goal, Report, SITTINGS};

/// How many memories the largest answers have: the most that a page or a get may be of.
const MANY: usize = 10_000;

pub(crate) fn sqlite(memories: usize, report: &mut Report) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Two copies of SQLite have a file each, with the same in it.
    let options = |name: &str| {
        let url = format!("sqlite://{}", folder.path().join(name).display());
        OpenOptions::new(url).with_pool(PoolOptions::single())
    };
    let plugin = || Registry::new().with(Plugin::Sqlite.load()).open_with(&options("plugin.db")).expect("it opens");
    let native = || Registry::new().with(Sqlite).open_with(&options("native.db")).expect("it opens");
    for store in [plugin(), native()] {
        data::load(&store, memories);
    }
    for sitting in 0..SITTINGS {
        measure("sqlite", memories, sitting, report, &plugin(), &native());
    }
}

pub(crate) fn postgres(memories: usize, report: &mut Report) {
    let server = server::start_durable();
    let database = server.create_database();
    let options = OpenOptions::new(database.url()).with_pool(PoolOptions::single());
    let plugin = || Registry::new().with(Plugin::Postgres.load()).open_with(&options).expect("the server is there");
    let native = || Registry::new().with(Postgres).open_with(&options).expect("the server is there");
    data::load(&native(), memories);
    for sitting in 0..SITTINGS {
        measure("postgres", memories, sitting, report, &plugin(), &native());
    }
}

fn measure(
    dialect: &'static str,
    memories: usize,
    sitting: usize,
    report: &mut Report,
    plugin: &MemoryStore,
    native: &MemoryStore,
) {
    let namespace = data::namespace();
    let number = |round: usize| round.wrapping_mul(7_919) % memories;
    let get = |store: &MemoryStore, round| {
        assert!(store.get(&namespace, data::id(number(round))).expect("reads").is_some());
    };
    let calls = if dialect == "sqlite" { 5_000 } else { 1_000 };
    let goal = Goal::TimeAtMost(1.3);
    report.measure((dialect, memories, "get one"), goal, calls, |n| get(plugin, n), |n| get(native, n));

    let of_thread = |round| {
        let (user, thread) = data::place(number(round));
        Selection::default().with_user(user.parse().expect("valid")).with_thread(thread.parse().expect("valid"))
    };
    let newest = |store: &MemoryStore, round| {
        let page = store.query(&namespace, &Query::new(of_thread(round))).expect("reads");
        assert_eq!(page.memories.len(), 10);
    };
    let what = (dialect, memories, "newest 10 of user and thread");
    report.measure(what, goal, calls / 2, |n| newest(plugin, n), |n| newest(native, n));

    let count = |store: &MemoryStore, round| {
        assert!(store.count(&namespace, &of_thread(round)).expect("reads") > 0);
    };
    report.measure(
        (dialect, memories, "count of user and thread"),
        goal,
        calls / 2,
        |n| count(plugin, n),
        |n| {
            count(native, n);
        },
    );

    let all = Query::default().with_order(Order::CREATED_ASC).with_limit(10_000).expect("the most");
    let page = |store: &MemoryStore| {
        let page = store.query(&namespace, &all).expect("reads");
        assert_eq!(page.memories.len(), MANY.min(memories));
    };
    report.measure((dialect, memories, "page of 10,000"), goal, 20, |_| page(plugin), |_| page(native));
    let ids: Vec<MemoryId> = (0..MANY).map(data::id).collect();
    let fetch = |store: &MemoryStore| {
        assert_eq!(store.get_many(&namespace, &ids).expect("reads").iter().flatten().count(), MANY.min(memories));
    };
    report.measure((dialect, memories, "get 10,000"), goal, 20, |_| fetch(plugin), |_| fetch(native));

    // Both sides prepare their data outside the clock, from numbers of their own.
    let batches = |side: usize| -> Vec<Vec<_>> {
        let batches = data::fresh_batches(memories, sitting, side);
        batches.iter().map(|batch| batch.iter().map(|number| data::put(*number)).collect()).collect()
    };
    let sides = [batches(0), batches(1)];
    let write = |store: &MemoryStore, side: usize, round: usize| {
        assert_eq!(store.apply(&namespace, &sides[side][round]).expect("writes").outcomes.len(), 1_000);
    };
    let what = (dialect, memories, "write 1,000");
    report.measure(what, Goal::RateAtLeast(0.85), data::WRITES, |n| write(plugin, 0, n), |n| write(native, 1, n));
}
