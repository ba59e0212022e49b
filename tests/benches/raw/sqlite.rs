//! SQLite: our calls against rusqlite's prepared statements, which link the same library.

use polymnia::{MemoryStore, PoolOptions, Query, Registry, Selection};
use polymnia_sqlite::Sqlite;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, Row, params};

use crate::data;
use crate::report::{Goal, Report, SITTINGS};

const COLUMNS: &str = "id, user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, revision, \
                       created_at, updated_at, expires_at";

pub(crate) fn run(memories: usize, report: &mut Report) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("bench.db");
    let url = format!("sqlite://{}", path.display());
    let options = polymnia::OpenOptions::new(url).with_pool(PoolOptions::single());
    let open = || Registry::new().with(Sqlite).open_with(&options).expect("the file opens");
    data::load(&open(), memories);
    for sitting in 0..SITTINGS {
        let store = open();
        let raw = Connection::open(&path).expect("the same file opens");
        raw.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;").expect("pragmas");
        // Else STAT4 has every statement prepared again on each bind, and the raw side is five times slower than it could
        // be.
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).expect("SQLite has the setting");
        get(memories, report, &store, &raw);
        newest(memories, report, &store, &raw);
        write(memories, sitting, report, &store, &raw);
    }
}

fn get(memories: usize, report: &mut Report, store: &MemoryStore, raw: &Connection) {
    let namespace = data::namespace();
    let mut statement = raw
        .prepare(&format!(
            "SELECT {COLUMNS} FROM polymnia_memories \
             WHERE namespace = ?1 AND id = ?2 AND (expires_at IS NULL OR expires_at > ?3)"
        ))
        .expect("a valid statement");
    let id = |round: usize| data::id(round.wrapping_mul(7_919) % memories);
    report.measure(
        ("sqlite", memories, "get one"),
        Goal::TimeAtMost(1.3),
        5_000,
        |round| assert!(store.get(&namespace, id(round)).expect("reads").is_some()),
        |round| {
            let id = id(round);
            let arguments = params![namespace.as_str(), id.as_bytes().as_slice(), 1_i64 << 60];
            let row = statement.query_row(arguments, owned).expect("reads");
            assert!(row.content.len() > 10);
        },
    );
}

fn newest(memories: usize, report: &mut Report, store: &MemoryStore, raw: &Connection) {
    let namespace = data::namespace();
    let mut statement = raw
        .prepare(&format!(
            "SELECT {COLUMNS} FROM polymnia_memories \
             WHERE namespace = ?1 AND user_id = ?2 AND thread_id = ?3 AND (expires_at IS NULL OR expires_at > ?4) \
             ORDER BY created_at DESC, id DESC LIMIT 10"
        ))
        .expect("a valid statement");
    let place = |round: usize| data::place(round.wrapping_mul(7_919));
    report.measure(
        ("sqlite", memories, "newest 10 of user and thread"),
        Goal::TimeAtMost(1.3),
        2_500,
        |round| {
            let (user, thread) = place(round);
            let selection = Selection::default()
                .with_user(user.parse().expect("valid"))
                .with_thread(thread.parse().expect("valid"));
            assert_eq!(store.query(&namespace, &Query::new(selection)).expect("reads").memories.len(), 10);
        },
        |round| {
            let (user, thread) = place(round);
            let arguments = params![namespace.as_str(), user, thread, 1_i64 << 60];
            let rows = statement.query_map(arguments, owned).expect("reads");
            assert_eq!(rows.collect::<Result<Vec<_>, _>>().expect("reads").len(), 10);
        },
    );
}

fn write(memories: usize, sitting: usize, report: &mut Report, store: &MemoryStore, raw: &Connection) {
    let namespace = data::namespace();
    let sql = "INSERT INTO polymnia_memories (namespace, id, user_id, agent_id, thread_id, tier, content, metadata, \
               importance, related_threads, revision, created_at, updated_at, expires_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, ?11, ?11, NULL)";
    let mut statement = raw.prepare(sql).expect("a valid statement");
    let rounds = data::WRITES;
    // Both sides prepare their data outside the clock, from numbers of their own.
    let batches = |side: usize| data::fresh_batches(memories, sitting, side);
    let ours: Vec<Vec<_>> = batches(0).iter().map(|batch| batch.iter().map(|n| data::put(*n)).collect()).collect();
    let theirs: Vec<Vec<_>> = batches(1).iter().map(|batch| batch.iter().map(|n| data::memory(*n)).collect()).collect();
    report.measure(
        ("sqlite", memories, "write 1,000"),
        Goal::RateAtLeast(0.8),
        rounds,
        |round| assert_eq!(store.apply(&namespace, &ours[round]).expect("writes").outcomes.len(), 1_000),
        |round| {
            let transaction = raw.unchecked_transaction().expect("begins");
            for memory in &theirs[round] {
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
                        "[]",
                        memory.created_at.as_micros(),
                    ])
                    .expect("writes");
            }
            transaction.commit().expect("commits");
        },
    );
}

/// Is every column as an owned value, as a careful hand would fetch them.
#[allow(dead_code, reason = "fetching is what is measured")]
struct Owned {
    id: [u8; 16],
    user_id: Option<String>,
    agent_id: Option<String>,
    thread_id: Option<String>,
    tier: String,
    content: String,
    metadata: String,
    importance: f64,
    related_threads: String,
    revision: i64,
    created_at: i64,
    updated_at: i64,
    expires_at: Option<i64>,
}

fn owned(row: &Row<'_>) -> rusqlite::Result<Owned> {
    Ok(Owned {
        id: row.get(0)?,
        user_id: row.get(1)?,
        agent_id: row.get(2)?,
        thread_id: row.get(3)?,
        tier: row.get(4)?,
        content: row.get(5)?,
        metadata: row.get(6)?,
        importance: row.get(7)?,
        related_threads: row.get(8)?,
        revision: row.get(9)?,
        created_at: row.get(10)?,
        updated_at: row.get(11)?,
        expires_at: row.get(12)?,
    })
}
