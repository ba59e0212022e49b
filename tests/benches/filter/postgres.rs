//! PostgreSQL: filtered reads against the same SQL prepared by hand, plans against the two that there are, the bulk load
//! against COPY.

use std::hint::black_box;
use std::time::{Duration, Instant};

use polymnia::{Memory, MemoryStore, Namespace, PoolOptions, Registry, Upkeep};
use polymnia_postgres::Postgres;
use polymnia_tests::server::{self, Server, TestDatabase};

use crate::corpus::{self, BATCH, Corpus, MetadataSize};
use crate::libpq::{Connection, Rows};
use crate::measure::{median, rounds, side_by_side, time};
use crate::needle::{ABSENT, NEEDLES};
use crate::report::{Goal, Growth, Report, Row};

const POSTGRES: &str = "postgres";
const COLUMNS: &str = "id, user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, revision, \
                       created_at, updated_at, expires_at";
const COLUMN_COUNT: usize = 13;
/// Microseconds from 1970 to 2000, where PostgreSQL's binary times begin.
const EPOCH: i64 = 946_684_800_000_000;

pub(crate) fn run(sizes: &[usize], report: &mut Report) {
    let server = server::start_durable();
    for memories in sizes.iter().copied() {
        let corpus = Corpus::usual(memories);
        let (database, store) = loaded(&server, &corpus);
        let mut raw = Connection::open(&database.url());
        read(&corpus, &store, &mut raw, report);
        drop((store, raw, database));
        load(&server, &corpus, report);
    }
}

/// Compares the plans that are taken with the better of the two that there are.
pub(crate) fn run_plans(memories: usize, report: &mut Report) {
    let server = server::start_durable();
    for metadata in [MetadataSize::Usual, MetadataSize::Large] {
        for namespaces in [1, 1_000] {
            let corpus = Corpus { namespaces, metadata, ..Corpus::usual(memories) };
            let (database, store) = loaded(&server, &corpus);
            drop(store);
            plans(&corpus, &database, report);
        }
    }
}

fn open(database: &TestDatabase) -> MemoryStore {
    let options = polymnia::OpenOptions::new(database.url()).with_pool(PoolOptions::single());
    Registry::new().with(Postgres).open_with(&options).expect("the server is there")
}

fn loaded(server: &Server, corpus: &Corpus) -> (TestDatabase, MemoryStore) {
    let database = server.create_database();
    let store = open(&database);
    corpus.load(&store);
    // As the server's own upkeep leaves a table some time after.
    database.sql("VACUUM (ANALYZE) polymnia.memories").expect("superusers may");
    (database, store)
}

/// Lets a store take its sample of the memories, which it does beside its first queries. Until then a rare needle costs a few
/// times what it does later; that is not measured here.
fn settle(store: &MemoryStore, namespace: &Namespace) {
    for _ in 0..3 {
        store.query(namespace, &ABSENT.newest()).expect("reads");
    }
    std::thread::sleep(Duration::from_secs(2));
}

/// Measures our call against the same conditions in one statement by hand, planned for its values as well.
fn read(corpus: &Corpus, store: &MemoryStore, raw: &mut Connection, report: &mut Report) {
    let namespace = corpus.namespace(0);
    let now = (1_i64 << 60).to_be_bytes();
    raw.execute("SET plan_cache_mode = force_custom_plan");
    raw.prepare(
        c"newest",
        &format!(
            "SELECT {COLUMNS} FROM polymnia.memories WHERE namespace = $1::text AND metadata @> $2::jsonb \
             AND (expires_at IS NULL OR expires_at > $3::timestamptz) ORDER BY created_at DESC, id DESC LIMIT 11"
        ),
    );
    raw.prepare(
        c"count",
        "SELECT count(*) FROM polymnia.memories WHERE namespace = $1::text AND metadata @> $2::jsonb \
         AND (expires_at IS NULL OR expires_at > $3::timestamptz)",
    );
    settle(store, &namespace);
    for needle in NEEDLES {
        let matches = needle.matches(corpus.memories);
        let query = needle.newest();
        let selection = needle.selection();
        let json = [&[1], needle.json.as_bytes()].concat();
        let arguments = [namespace.as_str().as_bytes(), &json, &now];
        let ours = || assert_eq!(store.query(&namespace, &query).expect("reads").memories.len(), matches.min(10));
        let one = time(ours);
        let times = side_by_side(
            rounds(one),
            [&mut |_| ours(), &mut |_| assert_eq!(own(&raw.run(c"newest", &arguments)), matches.min(11))],
        );
        let figure = format!("newest 10, {} / raw", needle.name);
        report.add(Row::of_times(POSTGRES, &corpus.memories, figure, times, Goal::AtMost(1.2)));
        report.growth.push(Growth {
            dialect: POSTGRES,
            needle: needle.name,
            memories: corpus.memories,
            time: times[0],
        });
        let count = || assert_eq!(store.count(&namespace, &selection).expect("reads"), matches as u64);
        let one = time(count);
        let times =
            side_by_side(rounds(one), [&mut |_| count(), &mut |_| assert_eq!(raw.run(c"count", &arguments).len(), 1)]);
        let figure = format!("count, {} / raw", needle.name);
        report.add(Row::of_times(POSTGRES, &corpus.memories, figure, times, Goal::AtMost(1.2)));
    }
}

/// How many executions a plan must hold for: prepared statements change theirs at the sixth.
const EXECUTIONS: usize = 50;

fn plans(corpus: &Corpus, database: &TestDatabase, report: &mut Report) {
    let namespace = corpus.namespace(0);
    let mut raw = Connection::open(&database.url());
    let now = (1_i64 << 60).to_be_bytes();
    let conditions = "namespace = $1::text AND (expires_at IS NULL OR expires_at > $3::timestamptz)";
    raw.execute("SET plan_cache_mode = force_custom_plan");
    raw.prepare(
        c"gin",
        &format!(
            "WITH found AS MATERIALIZED (SELECT {COLUMNS} FROM polymnia.memories WHERE {conditions} \
             AND metadata @> $2::jsonb) SELECT * FROM found ORDER BY created_at DESC, id DESC LIMIT 11"
        ),
    );
    raw.prepare(
        c"walk",
        &format!(
            "SELECT {COLUMNS} FROM polymnia.memories WHERE {conditions} AND (metadata @> $2::jsonb) IS TRUE \
             ORDER BY created_at DESC, id DESC LIMIT 11"
        ),
    );
    for needle in NEEDLES {
        let json = [&[1], needle.json.as_bytes()].concat();
        let arguments = [namespace.as_str().as_bytes(), &json, &now];
        raw.execute("SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_seqscan = off");
        let found = own(&raw.run(c"gin", &arguments));
        let gin = median((0..EXECUTIONS).map(|_| time(|| drop(raw.run(c"gin", &arguments)))).collect());
        raw.execute("RESET enable_indexscan; RESET enable_indexonlyscan; RESET enable_seqscan");
        raw.execute("SET enable_bitmapscan = off; SET enable_seqscan = off; SET enable_sort = off");
        let walk = median((0..EXECUTIONS).map(|_| time(|| drop(raw.run(c"walk", &arguments)))).collect());
        raw.execute("RESET enable_bitmapscan; RESET enable_seqscan; RESET enable_sort");
        // A store that has not run this query before.
        let store = open(database);
        settle(&store, &namespace);
        let query = needle.newest();
        let times: Vec<Duration> = (0..EXECUTIONS)
            .map(|_| {
                let mut rows = 0;
                let taken = time(|| rows = store.query(&namespace, &query).expect("reads").memories.len());
                assert_eq!(rows, found.min(10));
                taken
            })
            .collect();
        // Before and after the sixth execution; the worst of these is what counts.
        let parts = [&times[..5], &times[5..10], &times[10..]];
        let worst = parts.into_iter().map(|part| median(part.to_vec())).max().unwrap_or_default();
        let size = if corpus.metadata == MetadataSize::Usual { "255 B" } else { "2 KB" };
        report.add(Row::of_times(
            POSTGRES,
            &format!("{}, {size}, {} ns", corpus.memories, corpus.namespaces),
            format!("newest 10, {} / better plan", needle.name),
            [worst, gin.min(walk)],
            Goal::AtMost(2.0),
        ));
    }
}

/// Measures loading an empty database against COPY in its binary form.
fn load(server: &Server, corpus: &Corpus, report: &mut Report) {
    let (ours, theirs) = (server.create_database(), server.create_database());
    let store = open(&ours);
    store.migrate().expect("an empty database migrates");
    open(&theirs).migrate().expect("an empty database migrates");
    let mut raw = Connection::open(&theirs.url());
    let (mut our_time, mut their_time) = (Duration::ZERO, Duration::ZERO);
    corpus.batches(|namespace, memories| {
        // Making the memories is not measured on either side.
        let started = Instant::now();
        let rows = copy_rows(namespace.as_str(), &memories);
        raw.execute("BEGIN");
        raw.copy_in(
            "COPY polymnia.memories (namespace, id, user_id, agent_id, thread_id, tier, content, metadata, importance, \
             related_threads, revision, created_at, updated_at, expires_at) FROM STDIN (FORMAT binary)",
            &rows,
        );
        raw.execute("COMMIT");
        their_time += started.elapsed();
        let batch = corpus::restores(memories);
        our_time += time(|| drop(store.load(namespace, &batch).expect("loads")));
    });
    our_time += time(|| assert_eq!(store.admin().optimize(Upkeep::Index).expect("indexes").removed, 0));
    their_time += time(|| raw.execute("SELECT gin_clean_pending_list('polymnia.memories_metadata')"));
    let rate = |time: Duration| format!("{:.0}/s", corpus.memories as f64 / time.as_secs_f64());
    report.add(Row {
        dialect: POSTGRES,
        on: corpus.memories.to_string(),
        figure: format!("bulk load by {BATCH}, rate / COPY binary"),
        ours: rate(our_time),
        other: rate(their_time),
        ratio: their_time.as_secs_f64() / our_time.as_secs_f64(),
        goal: Goal::AtLeast(0.9),
    });
}

fn copy_rows(namespace: &str, memories: &[Memory]) -> Vec<u8> {
    let mut out = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    let field = |out: &mut Vec<u8>, bytes: &[u8]| {
        out.extend_from_slice(&u32::try_from(bytes.len()).expect("short").to_be_bytes());
        out.extend_from_slice(bytes);
    };
    let text = |out: &mut Vec<u8>, text: Option<&str>| match text {
        Some(text) => field(out, text.as_bytes()),
        None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
    };
    for memory in memories {
        out.extend_from_slice(&14_i16.to_be_bytes());
        field(&mut out, namespace.as_bytes());
        field(&mut out, memory.id.as_bytes());
        text(&mut out, memory.user_id.as_ref().map(AsRef::as_ref));
        text(&mut out, memory.agent_id.as_ref().map(AsRef::as_ref));
        text(&mut out, memory.thread_id.as_ref().map(AsRef::as_ref));
        field(&mut out, memory.tier.as_str().as_bytes());
        field(&mut out, memory.content.as_str().as_bytes());
        field(&mut out, &[&[1], memory.metadata.as_str().as_bytes()].concat());
        field(&mut out, &memory.importance.as_f64().to_be_bytes());
        // No dimensions, no nulls, of text.
        field(&mut out, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25]);
        field(&mut out, &memory.revision.as_i64().to_be_bytes());
        field(&mut out, &(memory.created_at.as_micros() - EPOCH).to_be_bytes());
        field(&mut out, &(memory.updated_at.as_micros() - EPOCH).to_be_bytes());
        text(&mut out, None);
    }
    out.extend_from_slice(&(-1_i16).to_be_bytes());
    out
}

/// Fetches every column into an owned value and returns how many rows there are.
fn own(rows: &Rows) -> usize {
    for row in 0..rows.len() {
        let columns: [Option<Vec<u8>>; COLUMN_COUNT] =
            std::array::from_fn(|column| rows.get(row, column).map(<[u8]>::to_vec));
        black_box(columns);
    }
    rows.len()
}
