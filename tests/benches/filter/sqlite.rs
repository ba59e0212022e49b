//! SQLite: newest, all and count by metadata, the scan, the size of the index, the bulk load.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use polymnia::{Filter, MemoryStore, PoolOptions, Query, Registry, Selection, Upkeep};
use polymnia_sqlite::Sqlite;
use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, Row as SqlRow, params};

use crate::corpus::{self, BATCH, Corpus, Times};
use crate::measure::{median, rounds, side_by_side, time};
use crate::needle::{ABSENT, NEEDLES, Needle, ONE_PERCENT};
use crate::report::{Goal, Growth, Report, Row};

const SQLITE: &str = "sqlite";
const COLUMNS: &str = "id, user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, revision, \
                       created_at, updated_at, expires_at";
/// Later than any memory expires.
const NOW: i64 = 1 << 60;

pub(crate) fn run(sizes: &[usize], report: &mut Report) {
    let mut first: Vec<(&str, Duration)> = Vec::new();
    for memories in sizes.iter().copied() {
        let corpus = Corpus::usual(memories);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("bench.db");
        let store = open(&path);
        corpus.load(&store);
        let raw = open_raw(&path);
        let get = newest(&corpus, &store, report, &mut first);
        all(&corpus, &store, folder.path(), &raw, report);
        count(&corpus, &store, report);
        scan(&corpus, &store, &raw, report);
        size(&corpus, &raw, report);
        drop((store, raw));
        load(&corpus, report);
        for times in [Times::One, Times::BackDated] {
            ties(&Corpus { times, ..corpus }, get, report);
        }
    }
}

fn open(path: &Path) -> MemoryStore {
    let options = polymnia::OpenOptions::new(format!("sqlite://{}", path.display())).with_pool(PoolOptions::single());
    Registry::new().with(Sqlite).open_with(&options).expect("the file opens")
}

fn open_raw(path: &Path) -> Connection {
    let raw = Connection::open(path).expect("the same file opens");
    raw.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA mmap_size = 2147418112;")
        .expect("pragmas");
    // Else STAT4 has every statement prepared again on each bind.
    raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).expect("SQLite has the setting");
    raw
}

/// Measures the newest ten for each needle against `get`, and returns the time of `get`.
fn newest(
    corpus: &Corpus,
    store: &MemoryStore,
    report: &mut Report,
    first: &mut Vec<(&'static str, Duration)>,
) -> Duration {
    let namespace = corpus.namespace(0);
    let memories = corpus.memories;
    let mut get_time = Duration::ZERO;
    for needle in NEEDLES {
        let query = needle.newest();
        let found = needle.matches(memories).min(10);
        let ask = || assert_eq!(store.query(&namespace, &query).expect("reads").memories.len(), found);
        let times = side_by_side(
            rounds(time(ask)),
            [&mut |_| ask(), &mut |round| {
                let id = corpus::id(round.wrapping_mul(7_919) % memories);
                assert!(store.get(&namespace, id).expect("reads").is_some());
            }],
        );
        get_time = times[1];
        let goal = match needle.one_in {
            None => Goal::AtMost(1.5),
            Some(_) if needle.name.starts_with("triple") => Goal::None,
            Some(_) => Goal::AtMost(4.0),
        };
        report.add(Row::of_times(SQLITE, &memories, format!("newest 10, {} / get", needle.name), times, goal));
        report.growth.push(Growth { dialect: SQLITE, needle: needle.name, memories, time: times[0] });
        if found == 10 || needle.one_in.is_none() {
            match first.iter().find(|(name, _)| *name == needle.name) {
                Some((_, at_first)) => {
                    let figure = format!("newest 10, {} / at the first size", needle.name);
                    report.add(Row::of_times(SQLITE, &memories, figure, [times[0], *at_first], Goal::AtMost(1.5)));
                }
                None => first.push((needle.name, times[0])),
            }
        }
    }
    get_time
}

/// Measures reading all of one leaf, and the same through an expression index made by hand.
fn all(corpus: &Corpus, store: &MemoryStore, folder: &Path, raw: &Connection, report: &mut Report) {
    let namespace = corpus.namespace(0);
    let needle = ONE_PERCENT;
    let candidates = needle.matches(corpus.memories);
    let copy = folder.join("copy.db");
    raw.execute("VACUUM INTO ?1", [copy.to_str().expect("UTF-8")]).expect("copies");
    let by_hand = open_raw(&copy);
    by_hand
        .execute_batch(
            "CREATE INDEX by_hand ON polymnia_memories \
             (namespace, json_extract(metadata, '$.score'), created_at, id)",
        )
        .expect("indexes");
    let mut statement = by_hand
        .prepare(&format!(
            "SELECT {COLUMNS} FROM polymnia_memories WHERE namespace = ?1 AND json_extract(metadata, '$.score') = ?2 \
             AND (expires_at IS NULL OR expires_at > ?3) ORDER BY created_at DESC, id DESC"
        ))
        .expect("a valid statement");
    let query = needle.newest().with_limit(Query::MAX_LIMIT).expect("the greatest");
    let ours = || {
        let mut found = 0;
        for memory in store.iter(&namespace, query.clone()) {
            found += usize::from(!black_box(memory.expect("reads")).content.as_str().is_empty());
        }
        assert_eq!(found, candidates);
    };
    let mut theirs = || {
        let rows = statement.query_map(params![namespace.as_str(), 13.25, NOW], owned).expect("reads");
        assert_eq!(rows.collect::<Result<Vec<_>, _>>().expect("reads").len(), candidates);
    };
    let times = side_by_side(rounds(time(ours)), [&mut |_| ours(), &mut |_| theirs()]);
    let figure = "all of 1 % / an expression index by hand";
    report.add(Row::of_times(SQLITE, &corpus.memories, figure, times, Goal::AtMost(1.5)));
    per_candidate(corpus, "all of 1 %, us a candidate", times[0], candidates, 0.7, report);
}

fn count(corpus: &Corpus, store: &MemoryStore, report: &mut Report) {
    let namespace = corpus.namespace(0);
    for needle in [ONE_PERCENT, NEEDLES[2]] {
        let candidates = needle.matches(corpus.memories);
        let selection = needle.selection();
        let ask = || assert_eq!(store.count(&namespace, &selection).expect("reads"), candidates as u64);
        let [times] = side_by_side(rounds(time(ask)), [&mut |_| ask()]);
        let figure = format!("count of {}, us a candidate", needle.name);
        per_candidate(corpus, &figure, times, candidates, 0.8, report);
    }
}

fn per_candidate(corpus: &Corpus, figure: &str, time: Duration, candidates: usize, most: f64, report: &mut Report) {
    let ratio = time.as_secs_f64() * 1e6 / candidates as f64;
    report.add(Row {
        dialect: SQLITE,
        on: corpus.memories.to_string(),
        figure: figure.to_owned(),
        ours: format!("{time:.1?}"),
        other: candidates.to_string(),
        ratio,
        goal: Goal::AtMost(most),
    });
}

/// Measures a filter that no index serves against a walk that calls a function which does nothing.
fn scan(corpus: &Corpus, store: &MemoryStore, raw: &Connection, report: &mut Report) {
    let namespace = corpus.namespace(0);
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    raw.create_scalar_function("noop", 2, flags, |_| Ok(1)).expect("registers");
    let mut statement = raw
        .prepare(
            "SELECT count(*) FROM polymnia_memories INDEXED BY polymnia_memories_created WHERE namespace = ?1 \
             AND (expires_at IS NULL OR expires_at > ?2) AND noop(metadata, ?3) = 1",
        )
        .expect("a valid statement");
    let needle: Needle = ONE_PERCENT;
    let selection = Selection::default().with_filter(needle.filter().not());
    let left = (corpus.memories - needle.matches(corpus.memories)) as u64;
    let ours = || assert_eq!(store.count(&namespace, &selection).expect("reads"), left);
    let mut theirs = || {
        let counted = statement.query_row(params![namespace.as_str(), NOW, needle.json], |row| row.get::<_, i64>(0));
        assert_eq!(usize::try_from(counted.expect("reads")), Ok(corpus.memories));
    };
    let times = side_by_side(rounds(time(ours)), [&mut |_| ours(), &mut |_| theirs()]);
    report.add(Row::of_times(SQLITE, &corpus.memories, "scan / with a function of nothing", times, Goal::AtMost(1.7)));
}

/// Measures the pages of the posting index against those of the table with its key.
fn size(corpus: &Corpus, raw: &Connection, report: &mut Report) {
    let pages = |names: &str| {
        let sql = format!("SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN ({names})");
        raw.query_row(&sql, [], |row| row.get::<_, i64>(0)).expect("SQLite has dbstat")
    };
    let postings = pages("'polymnia_postings', 'polymnia_shapes'");
    let table = pages("'polymnia_memories', 'sqlite_autoindex_polymnia_memories_1'");
    report.add(Row {
        dialect: SQLITE,
        on: corpus.memories.to_string(),
        figure: "size of postings / table with its key".to_owned(),
        ours: format!("{} kB", postings / 1_000),
        other: format!("{} kB", table / 1_000),
        ratio: postings as f64 / table as f64,
        goal: Goal::AtMost(0.8),
    });
}

/// Measures loading an empty database against a plain insert into the same table with its btrees alone.
fn load(corpus: &Corpus, report: &mut Report) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (ours, theirs) = (folder.path().join("ours.db"), folder.path().join("theirs.db"));
    let store = open(&ours);
    store.migrate().expect("an empty database migrates");
    open(&theirs).migrate().expect("an empty database migrates");
    let raw = open_raw(&theirs);
    let mut statement = raw
        .prepare(
            "INSERT INTO polymnia_memories (namespace, id, user_id, agent_id, thread_id, tier, content, metadata, \
             importance, related_threads, revision, indexed_revision, created_at, updated_at, expires_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '[]', 1, 1, ?10, ?10, NULL)",
        )
        .expect("a valid statement");
    let (mut our_time, mut their_time) = (Duration::ZERO, Duration::ZERO);
    corpus.batches(|namespace, memories| {
        // Making the memories is not measured on either side.
        let started = Instant::now();
        let transaction = raw.unchecked_transaction().expect("begins");
        for memory in &memories {
            statement
                .execute(params![
                    namespace.as_str(),
                    memory.id.as_bytes().as_slice(),
                    memory.user_id.as_ref().map(AsRef::<str>::as_ref),
                    memory.agent_id.as_ref().map(AsRef::<str>::as_ref),
                    memory.thread_id.as_ref().map(AsRef::<str>::as_ref),
                    memory.tier.as_str(),
                    memory.content.as_str(),
                    memory.metadata.as_str(),
                    memory.importance.as_f64(),
                    memory.created_at.as_micros(),
                ])
                .expect("writes");
        }
        transaction.commit().expect("commits");
        their_time += started.elapsed();
        let batch = corpus::restores(memories);
        our_time += time(|| drop(store.load(namespace, &batch).expect("loads")));
    });
    our_time += time(|| assert_eq!(store.admin().optimize(Upkeep::Index).expect("indexes").removed, 0));
    let rate = |time: Duration| format!("{:.0}/s", corpus.memories as f64 / time.as_secs_f64());
    report.add(Row {
        dialect: SQLITE,
        on: corpus.memories.to_string(),
        figure: format!("bulk load by {BATCH}, rate / btrees alone"),
        ours: rate(our_time),
        other: rate(their_time),
        ratio: their_time.as_secs_f64() / our_time.as_secs_f64(),
        goal: Goal::AtLeast(0.5),
    });
}

/// Measures the newest ten where many memories bear one time, and where they were not stored in order of time.
fn ties(corpus: &Corpus, get: Duration, report: &mut Report) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = open(&folder.path().join("bench.db"));
    corpus.load(&store);
    let namespace = corpus.namespace(0);
    let what = if corpus.times == Times::One { "one created_at" } else { "back-dated" };
    for needle in [ONE_PERCENT, NEEDLES[2], ABSENT] {
        let query = needle.newest();
        let ask = || {
            let page = store.query(&namespace, &query).expect("reads");
            assert_eq!(page.memories.len(), needle.matches(corpus.memories).min(10));
        };
        let rounds = rounds(time(ask));
        let times = median((0..rounds).map(|_| time(ask)).collect());
        let figure = format!("newest 10, {} / get", needle.name);
        let on = format!("{}, {what}", corpus.memories);
        report.add(Row::of_times(SQLITE, &on, figure, [times, get], Goal::None));
    }
    let query = Query::new(Selection::default().with_filter(Filter::All));
    let ask = || drop(store.query(&namespace, &query).expect("reads"));
    let times = median((0..rounds(time(ask))).map(|_| time(ask)).collect());
    let on = format!("{}, {what}", corpus.memories);
    report.add(Row::of_times(SQLITE, &on, "newest 10, no filter / get", [times, get], Goal::None));
}

/// Is every column as an owned value, as a careful hand would fetch them.
#[allow(dead_code, reason = "fetching is what is measured")]
struct Owned {
    id: [u8; 16],
    texts: [Option<String>; 3],
    tier: String,
    content: String,
    metadata: String,
    importance: f64,
    related_threads: String,
    numbers: [i64; 3],
    expires_at: Option<i64>,
}

fn owned(row: &SqlRow<'_>) -> rusqlite::Result<Owned> {
    Ok(Owned {
        id: row.get(0)?,
        texts: [row.get(1)?, row.get(2)?, row.get(3)?],
        tier: row.get(4)?,
        content: row.get(5)?,
        metadata: row.get(6)?,
        importance: row.get(7)?,
        related_threads: row.get(8)?,
        numbers: [row.get(9)?, row.get(10)?, row.get(11)?],
        expires_at: row.get(12)?,
    })
}
