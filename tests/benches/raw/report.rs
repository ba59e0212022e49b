//! Takes the measures and prints them.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;

/// Gathers one row a measure.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

struct Row {
    dialect: &'static str,
    memories: usize,
    measure: &'static str,
    ours: Duration,
    raw: Duration,
    ratio: f64,
    goal: &'static str,
    met: bool,
}

/// Says which way a ratio is good.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// Our time over the raw time is at most this.
    TimeAtMost(f64),
    /// Our rate over the raw rate is at least this.
    RateAtLeast(f64),
}

impl Report {
    /// Runs both sides in turns, `rounds` calls each after some unmeasured ones, and keeps the medians.
    ///
    /// A turn is many calls, or else each finds the processor's caches and the server's processes as the other left them,
    /// and the ratio is noise.
    pub(crate) fn measure(
        &mut self,
        (dialect, memories, measure): (&'static str, usize, &'static str),
        goal: Goal,
        rounds: usize,
        mut ours: impl FnMut(usize),
        mut raw: impl FnMut(usize),
    ) {
        let turn = (rounds / 20).clamp(1, 250);
        let warm_up = turn * 2;
        let mut times = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
        for start in (0..warm_up + rounds).step_by(turn) {
            let calls = start..(start + turn).min(warm_up + rounds);
            let mut ours_turn = || calls.clone().map(|call| time(|| ours(call))).collect::<Vec<_>>();
            let mut raw_turn = || calls.clone().map(|call| time(|| raw(call))).collect::<Vec<_>>();
            // Whoever goes second finds warmer pages: take turns in that as well.
            let (ours_times, raw_times) = if start / turn % 2 == 0 {
                let ours_times = ours_turn();
                (ours_times, raw_turn())
            } else {
                let raw_times = raw_turn();
                (ours_turn(), raw_times)
            };
            if start >= warm_up {
                times.0.extend(ours_times);
                times.1.extend(raw_times);
            }
        }
        let (ours, raw) = (median(times.0), median(times.1));
        let time_ratio = ours.as_secs_f64() / raw.as_secs_f64();
        let (ratio, goal, met) = match goal {
            Goal::TimeAtMost(most) => (time_ratio, "<= 1.3", time_ratio <= most),
            Goal::RateAtLeast(least) => (1.0 / time_ratio, ">= 0.8", 1.0 / time_ratio >= least),
        };
        self.rows.push(Row { dialect, memories, measure, ours, raw, ratio, goal, met });
        self.print_last();
    }

    fn print_last(&self) {
        if self.rows.len() == 1 {
            line(&format!(
                "{:<9} {:>9}  {:<28} {:>12} {:>12} {:>7}  {:<7}",
                "dialect", "memories", "measure", "ours", "raw", "ratio", "goal"
            ));
        }
        if let Some(Row { dialect, memories, measure, ours, raw, ratio, goal, met }) = self.rows.last() {
            let met = if *met { "met" } else { "MISSED" };
            let (ours, raw) = (format!("{ours:.1?}"), format!("{raw:.1?}"));
            line(&format!(
                "{dialect:<9} {memories:>9}  {measure:<28} {ours:>12} {raw:>12} {ratio:>7.2}  {goal:<7} {met}"
            ));
        }
    }

    /// Writes the JSON file.
    pub(crate) fn finish(self) {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "dialect": row.dialect,
                    "memories": row.memories,
                    "measure": row.measure,
                    "ours_ns": u64::try_from(row.ours.as_nanos()).unwrap_or(u64::MAX),
                    "raw_ns": u64::try_from(row.raw.as_nanos()).unwrap_or(u64::MAX),
                    "ratio": row.ratio,
                    "goal": row.goal,
                    "met": row.met,
                })
            })
            .collect();
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
        let file = folder.join("raw.json");
        let text = serde_json::to_string_pretty(&json!({"schema_version": 1, "rows": rows})).expect("plain values");
        fs::create_dir_all(&folder).and_then(|()| fs::write(&file, text)).expect("target can be written");
        line(&format!("written to {}", file.display()));
    }
}

fn time(call: impl FnOnce()) -> Duration {
    let started = Instant::now();
    call();
    started.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[allow(clippy::print_stdout, reason = "a bench talks to whoever runs it")]
fn line(text: &str) {
    println!("{text}");
}
