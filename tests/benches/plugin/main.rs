//! Measures each dialect through its plugin against the same dialect in the program, side by side in one run.
//!
//! `cargo bench -p polymnia-tests --bench plugin` builds the plugins, prints tables of medians and ratios, and writes them
//! to `target/bench/plugin.json` and `target/bench/plugin_calls.json`. `POLYMNIA_BENCH_ROWS=10000,100000` sets the sizes.
//!
//! Run it on one core, as the bench `raw`.

#[path = "../raw/data.rs"]
mod data;
mod operations;
#[path = "../raw/report.rs"]
mod report;
mod single;

use std::env;

use polymnia_tests::plugins::Plugin;

use crate::report::Report;

fn main() {
    let sizes = env::var("POLYMNIA_BENCH_ROWS").unwrap_or_else(|_| "10000".to_owned());
    let sizes: Vec<usize> =
        sizes.split(',').map(|size| size.trim().parse().expect("POLYMNIA_BENCH_ROWS lists numbers")).collect();
    single::run(&[Plugin::Sqlite, Plugin::Postgres]);
    let mut report = Report::new("plugin", ["plugin", "native"]);
    for size in sizes {
        operations::sqlite(size, &mut report);
        operations::postgres(size, &mut report);
    }
    report.finish();
}
