//! PostgreSQL: our calls against libpq's prepared statements, on one server over the same socket.

use std::hint::black_box;

use polymnia::{MemoryStore, PoolOptions, Query, Registry, Selection};
use polymnia_postgres::Postgres;
use polymnia_tests::server;

use crate::data;
use crate::libpq::{Connection, Rows};
use crate::report::{Goal, Report, SITTINGS};

const COLUMNS: &str = "id, user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, revision, \
                       created_at, updated_at, expires_at";
const COLUMN_COUNT: usize = 13;
/// Microseconds from 1970 to 2000, where PostgreSQL's binary times begin.
const EPOCH: i64 = 946_684_800_000_000;

pub(crate) fn run(memories: usize, report: &mut Report) {
    let server = server::start_durable();
    let database = server.create_database();
    let options = polymnia::OpenOptions::new(database.url()).with_pool(PoolOptions::single());
    let open = || Registry::new().with(Postgres).open_with(&options).expect("the server is there");
    data::load(&open(), memories);
    for sitting in 0..SITTINGS {
        let store = open();
        let mut raw = Connection::open(&database.url());
        get(memories, report, &store, &mut raw);
        newest(memories, report, &store, &mut raw);
        write(memories, sitting, report, &store, &mut raw);
    }
}

fn get(memories: usize, report: &mut Report, store: &MemoryStore, raw: &mut Connection) {
    let namespace = data::namespace();
    raw.prepare(
        c"get",
        &format!(
            "SELECT {COLUMNS} FROM polymnia.memories \
             WHERE namespace = $1::text AND id = $2::uuid AND (expires_at IS NULL OR expires_at > $3::timestamptz)"
        ),
    );
    let id = |round: usize| data::id(round.wrapping_mul(7_919) % memories);
    let now = now();
    report.measure(
        ("postgres", memories, "get one"),
        Goal::TimeAtMost(1.3),
        1_000,
        |round| assert!(store.get(&namespace, id(round)).expect("reads").is_some()),
        |round| {
            let rows = raw.run(c"get", &[namespace.as_str().as_bytes(), id(round).as_bytes(), &now]);
            assert_eq!(own(&rows).len(), 1);
        },
    );
}

fn newest(memories: usize, report: &mut Report, store: &MemoryStore, raw: &mut Connection) {
    let namespace = data::namespace();
    raw.prepare(
        c"newest",
        &format!(
            "SELECT {COLUMNS} FROM polymnia.memories \
             WHERE namespace = $1::text AND user_id = $2::text AND thread_id = $3::text \
             AND (expires_at IS NULL OR expires_at > $4::timestamptz) ORDER BY created_at DESC, id DESC LIMIT 10"
        ),
    );
    let place = |round: usize| data::place(round.wrapping_mul(7_919));
    let now = now();
    report.measure(
        ("postgres", memories, "newest 10 of user and thread"),
        Goal::TimeAtMost(1.3),
        1_000,
        |round| {
            let (user, thread) = place(round);
            let selection = Selection::default()
                .with_user(user.parse().expect("valid"))
                .with_thread(thread.parse().expect("valid"));
            assert_eq!(store.query(&namespace, &Query::new(selection)).expect("reads").memories.len(), 10);
        },
        |round| {
            let (user, thread) = place(round);
            let arguments = [namespace.as_str().as_bytes(), user.as_bytes(), thread.as_bytes(), &now];
            assert_eq!(own(&raw.run(c"newest", &arguments)).len(), 10);
        },
    );
}

fn write(memories: usize, sitting: usize, report: &mut Report, store: &MemoryStore, raw: &mut Connection) {
    let namespace = data::namespace();
    raw.prepare(
        c"write",
        "INSERT INTO polymnia.memories (namespace, id, user_id, agent_id, thread_id, tier, content, metadata, importance, \
         related_threads, revision, created_at, updated_at, expires_at) \
         SELECT $1::text, id, user_id, agent_id, thread_id, tier, content, metadata, 0.5, '{}', 1, created_at, created_at, \
         NULL FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[], \
         $9::timestamptz[]) AS new (id, user_id, agent_id, thread_id, tier, content, metadata, created_at)",
    );
    let rounds = data::WRITES;
    // Both sides prepare their data outside the clock, from numbers of their own.
    let batches = |side: usize| data::fresh_batches(memories, sitting, side);
    let ours: Vec<Vec<_>> = batches(0).iter().map(|batch| batch.iter().map(|n| data::put(*n)).collect()).collect();
    let theirs: Vec<Vec<_>> = batches(1).iter().map(|batch| batch.iter().map(|n| data::memory(*n)).collect()).collect();
    report.measure(
        ("postgres", memories, "write 1,000"),
        Goal::RateAtLeast(0.8),
        rounds,
        |round| assert_eq!(store.apply(&namespace, &ours[round]).expect("writes").outcomes.len(), 1_000),
        |round| {
            let batch = &theirs[round];
            let text = |field: fn(&polymnia::Memory) -> &str| {
                array(25, batch.iter().map(|memory| field(memory).as_bytes().to_vec()))
            };
            let ids = array(2950, batch.iter().map(|memory| memory.id.as_bytes().to_vec()));
            let users = text(|memory| memory.user_id.as_ref().map_or("", AsRef::as_ref));
            let agents = text(|memory| memory.agent_id.as_ref().map_or("", AsRef::as_ref));
            let threads = text(|memory| memory.thread_id.as_ref().map_or("", AsRef::as_ref));
            let tiers = text(|memory| memory.tier.as_str());
            let contents = text(|memory| memory.content.as_str());
            let metadata = array(3802, batch.iter().map(|memory| [&[1], memory.metadata.as_str().as_bytes()].concat()));
            let created =
                array(1184, batch.iter().map(|memory| (memory.created_at.as_micros() - EPOCH).to_be_bytes().to_vec()));
            let namespace = namespace.as_str().as_bytes();
            raw.execute("BEGIN");
            raw.run(c"write", &[namespace, &ids, &users, &agents, &threads, &tiers, &contents, &metadata, &created]);
            raw.execute("COMMIT");
        },
    );
}

/// Returns PostgreSQL's binary form of a one-dimensional array without nulls.
fn array(element_oid: u32, elements: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let elements: Vec<Vec<u8>> = elements.collect();
    let mut bytes = Vec::new();
    for number in [1, 0, element_oid, u32::try_from(elements.len()).expect("few"), 1] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    for element in elements {
        bytes.extend_from_slice(&u32::try_from(element.len()).expect("short").to_be_bytes());
        bytes.extend_from_slice(&element);
    }
    bytes
}

/// Fetches every column into an owned value.
fn own(rows: &Rows) -> Vec<[Option<Vec<u8>>; COLUMN_COUNT]> {
    (0..rows.len())
        .map(|row| black_box(std::array::from_fn(|column| rows.get(row, column).map(<[u8]>::to_vec))))
        .collect()
}

fn now() -> [u8; 8] {
    (1_i64 << 60).to_be_bytes()
}
