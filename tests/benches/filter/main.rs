//! Measures metadata filters: how their cost grows from 10,000 to 1,000,000 memories, and how it stands to what the databases
//! do by themselves.
//!
//! `cargo bench -p polymnia-conformance --bench filter` prints a table of medians and ratios, and writes
//! `target/bench/filter.json` and `target/bench/filter.svg`.
//!
//! | variable | means | default |
//! |---|---|---|
//! | `POLYMNIA_BENCH_ROWS` | the sizes | `10000,100000,1000000` |
//! | `POLYMNIA_BENCH_PLAN_ROWS` | the size at which PostgreSQL's plans are compared | `100000` |
//! | `POLYMNIA_BENCH_DIALECTS` | which dialects | `sqlite,postgres` |
//!
//! Run it on one core (`taskset -c 1` on Linux), as the bench `raw` says.

#![allow(clippy::cast_precision_loss, reason = "counts and places far below 2^52")]

mod corpus;
#[path = "../raw/libpq.rs"]
mod libpq;
mod measure;
mod needle;
mod plot;
mod postgres;
mod report;
mod sqlite;

use std::env;

use crate::report::Report;

fn main() {
    let sizes = list("POLYMNIA_BENCH_ROWS", "10000,100000,1000000");
    let plan_rows = list("POLYMNIA_BENCH_PLAN_ROWS", "100000");
    let dialects = env::var("POLYMNIA_BENCH_DIALECTS").unwrap_or_else(|_| "sqlite,postgres".to_owned());
    let mut report = Report::default();
    if dialects.contains("sqlite") {
        sqlite::run(&sizes, &mut report);
    }
    if dialects.contains("postgres") {
        postgres::run(&sizes, &mut report);
        for memories in plan_rows {
            postgres::run_plans(memories, &mut report);
        }
    }
    report.finish();
}

fn list(variable: &str, default: &str) -> Vec<usize> {
    let sizes = env::var(variable).unwrap_or_else(|_| default.to_owned());
    sizes.split(',').map(|size| size.trim().parse().unwrap_or_else(|_| panic!("{variable} lists numbers"))).collect()
}
