//! Measures Polymnia against memoric and against LangGraph's `SqliteStore` and `PostgresStore`: the same memories, on
//! one machine, in one run, each call that a rival has an equal of.
//!
//! `cargo bench -p polymnia-conformance --bench rivals` prints a table of medians and writes them to
//! `target/bench/rivals.json`.
//!
//! | variable | means | default |
//! |---|---|---|
//! | `POLYMNIA_BENCH_PYTHON` | the Python that has the rivals; without it nothing is measured | |
//! | `POLYMNIA_BENCH_ROWS` | the sizes | `10000,100000` |
//! | `POLYMNIA_BENCH_DIALECTS` | which databases | `sqlite,postgres` |
//!
//! What is made equal:
//!
//! - A rival runs in a Python process of its own and takes its times there, around the one call, so that the pipe
//!   between the processes is in no figure. Python's own time is in them: that is how they are used.
//! - Each is called in its fastest documented way: one open connection, warm; batches where it has them. memoric has
//!   none. Arguments are made, and answers looked at, outside the clock. Our times include parsing the metadata of each
//!   memory that is read, because a rival's answer holds it parsed.
//! - Each writes as durably as it does by default; the lines above the table say how. `langgraph+wal` is `SqliteStore`
//!   on a file whose journal mode is WAL, as LangGraph's checkpointer leaves it.
//! - LangGraph's namespace is `("bench", user, thread)`, which gives it an index on both, and its metadata stand at the
//!   top of the value, where its filters reach them. Its times of change are set to those of the memories, then its
//!   table is compacted and analysed.
//! - Answers, timed ones included, are compared with ours to the same question. memoric ranks by a score whatever 1,000
//!   memories the database gives it first, so when more than 10 match, its answer is only checked to hold 10 that do.

mod child;
#[allow(dead_code, reason = "shared with another bench")]
#[path = "../raw/data.rs"]
mod data;
mod judge;
mod measure;
mod ours;
mod plan;
mod report;
mod sample;

use std::env;

use polymnia_tests::server;

use crate::child::Rival;
use crate::measure::Contest;
use crate::ours::Ours;
use crate::report::Report;

fn main() {
    let Ok(python) = env::var("POLYMNIA_BENCH_PYTHON") else {
        report::line(concat!(
            "NOT MEASURED: set POLYMNIA_BENCH_PYTHON to a Python with the rivals, such as ~/rivals/bin/python after \
             `python3 -m venv ~/rivals && ~/rivals/bin/pip install -r ",
            env!("CARGO_MANIFEST_DIR"),
            "/benches/rivals/requirements.txt`"
        ));
        return;
    };
    let sizes = env::var("POLYMNIA_BENCH_ROWS").unwrap_or_else(|_| "10000,100000".to_owned());
    let sizes: Vec<usize> =
        sizes.split(',').map(|size| size.trim().parse().expect("POLYMNIA_BENCH_ROWS lists numbers")).collect();
    assert!(sizes.iter().all(|size| *size >= 1_000), "POLYMNIA_BENCH_ROWS has a size below 1,000");
    let databases = env::var("POLYMNIA_BENCH_DIALECTS").unwrap_or_else(|_| "sqlite,postgres".to_owned());
    let mut report = Report::default();
    for memories in sizes {
        for database in databases.split(',') {
            match database.trim() {
                "sqlite" => sqlite(&python, memories, &mut report),
                "postgres" => postgres(&python, memories, &mut report),
                other => panic!("POLYMNIA_BENCH_DIALECTS names {other}: expected sqlite or postgres"),
            }
        }
    }
    report.finish();
}

fn sqlite(python: &str, memories: usize, report: &mut Report) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str| folder.path().join(name).display().to_string();
    let ours = Ours::sqlite(&file("polymnia.db"));
    let rivals = vec![
        Rival::open(python, "langgraph", "sqlite", &file("langgraph.db")),
        Rival::open(python, "langgraph+wal", "sqlite", &file("langgraph-wal.db")),
        Rival::open(python, "memoric", "sqlite", &file("memoric.db")),
    ];
    Contest { database: "sqlite", memories, ours, rivals }.run(report);
}

fn postgres(python: &str, memories: usize, report: &mut Report) {
    let server = server::start_durable();
    let [polymnia, langgraph, memoric] = [(); 3].map(|()| server.create_database());
    let ours = Ours::postgres(&polymnia.url());
    let rivals = vec![
        Rival::open(python, "langgraph", "postgres", &langgraph.url()),
        Rival::open(python, "memoric", "postgres", &memoric.url()),
    ];
    Contest { database: "postgres", memories, ours, rivals }.run(report);
}
