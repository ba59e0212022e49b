//! Measures our calls against the same SQL on a raw prepared statement of the same library, side by side in one run.
//!
//! `cargo bench -p polymnia-tests --bench raw` prints a table of medians and ratios and writes them to
//! `target/bench/raw.json`. `POLYMNIA_BENCH_ROWS=10000,100000,1000000` sets the sizes.
//!
//! Run it on one core (`taskset -c 1 cargo bench …` on Linux): waking a server's process on another core can take longer
//! than a read, and falls on either side by chance. The ratios of PostgreSQL's reads then lie within a few hundredths of
//! one another; without it they were seen from 0.5 to 2.8.

mod data;
mod libpq;
mod postgres;
mod report;
mod sqlite;

use std::env;

use crate::report::Report;

fn main() {
    let sizes = env::var("POLYMNIA_BENCH_ROWS").unwrap_or_else(|_| "10000,100000".to_owned());
    let sizes: Vec<usize> =
        sizes.split(',').map(|size| size.trim().parse().expect("POLYMNIA_BENCH_ROWS lists numbers")).collect();
    let mut report = Report::new("raw", ["ours", "raw"]);
    for size in sizes {
        sqlite::run(size, &mut report);
        postgres::run(size, &mut report);
    }
    report.finish();
}
