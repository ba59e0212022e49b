//! Takes the measures and prints them.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;

/// Gathers one row a measure of two sides.
pub(crate) struct Report {
    bench: &'static str,
    sides: [&'static str; 2],
    rows: Vec<Row>,
}

struct Row {
    what: What,
    goal: Goal,
    /// The medians of each sitting, of either side.
    sittings: Vec<(Duration, Duration)>,
}

/// Names a measure: the dialect, how many memories there are, and what is done.
type What = (&'static str, usize, &'static str);

/// How many times the sides are set up anew: where the system places a server's process decides how fast it answers, and
/// a process stays where it is.
pub(crate) const SITTINGS: usize = 7;

/// Says which way a ratio is good.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// The time of the first side over that of the second is at most this.
    TimeAtMost(f64),
    /// The rate of the first side over that of the second is at least this.
    RateAtLeast(f64),
}

impl Report {
    /// Returns a report of a bench whose measures compare the first side with the second.
    pub(crate) fn new(bench: &'static str, sides: [&'static str; 2]) -> Self {
        Self { bench, sides, rows: Vec::new() }
    }

    /// Runs both sides in turns, `rounds` calls each after some unmeasured ones, and keeps the medians.
    ///
    /// A turn is many calls, or else each finds the processor's caches and the server's processes as the other left them,
    /// and the ratio is noise.
    pub(crate) fn measure(
        &mut self,
        what: What,
        goal: Goal,
        rounds: usize,
        mut first: impl FnMut(usize),
        mut second: impl FnMut(usize),
    ) {
        let turn = (rounds / 20).clamp(1, 250);
        let warm_up = turn * 2;
        let mut times = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
        for start in (0..warm_up + rounds).step_by(turn) {
            let calls = start..(start + turn).min(warm_up + rounds);
            let mut first_turn = || calls.clone().map(|call| time(|| first(call))).collect::<Vec<_>>();
            let mut second_turn = || calls.clone().map(|call| time(|| second(call))).collect::<Vec<_>>();
            // Whoever goes second finds warmer pages: take turns in that as well.
            let (first_times, second_times) = if (start / turn).is_multiple_of(2) {
                let first_times = first_turn();
                (first_times, second_turn())
            } else {
                let second_times = second_turn();
                (first_turn(), second_times)
            };
            if start >= warm_up {
                times.0.extend(first_times);
                times.1.extend(second_times);
            }
        }
        self.note(what, goal, (median(times.0), median(times.1)));
    }

    fn note(&mut self, what: What, goal: Goal, sitting: (Duration, Duration)) {
        match self.rows.iter_mut().find(|row| row.what == what) {
            Some(row) => row.sittings.push(sitting),
            None => self.rows.push(Row { what, goal, sittings: vec![sitting] }),
        }
    }

    /// Prints the table.
    fn print(&self) {
        line(&format!(
            "{:<9} {:>9}  {:<28} {:>12} {:>12} {:>7}  {:<17} goal",
            "dialect", "memories", "measure", self.sides[0], self.sides[1], "ratio", "of all sittings"
        ));
        for row in &self.rows {
            let (dialect, memories, measure) = row.what;
            let (first, second) = row.medians();
            let (least, ratio, most) = row.ratios();
            let met = if row.goal.is_met(ratio) { "met" } else { "MISSED" };
            let (first, second) = (format!("{first:.1?}"), format!("{second:.1?}"));
            let spread = format!("{least:.2} to {most:.2}");
            let goal = row.goal.text();
            line(&format!(
                "{dialect:<9} {memories:>9}  {measure:<28} {first:>12} {second:>12} {ratio:>7.2}  {spread:<17} {goal} {met}"
            ));
        }
    }

    /// Writes the JSON file.
    pub(crate) fn finish(self) {
        self.print();
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                let (dialect, memories, measure) = row.what;
                let (first, second) = row.medians();
                let (least, ratio, most) = row.ratios();
                json!({
                    "dialect": dialect,
                    "memories": memories,
                    "measure": measure,
                    format!("{}_ns", self.sides[0]): nanos(first),
                    format!("{}_ns", self.sides[1]): nanos(second),
                    "ratio": ratio,
                    "ratio_least": least,
                    "ratio_most": most,
                    "goal": row.goal.text(),
                    "met": row.goal.is_met(ratio),
                })
            })
            .collect();
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
        let file = folder.join(format!("{}.json", self.bench));
        let text = serde_json::to_string_pretty(&json!({"schema_version": 1, "rows": rows})).expect("plain values");
        fs::create_dir_all(&folder).and_then(|()| fs::write(&file, text)).expect("target can be written");
        line(&format!("written to {}", file.display()));
    }
}

impl Row {
    fn medians(&self) -> (Duration, Duration) {
        let (first, second) = self.sittings.iter().copied().unzip();
        (median(first), median(second))
    }

    /// Returns the least, the median and the greatest ratio of the sittings.
    fn ratios(&self) -> (f64, f64, f64) {
        let ratio = |(first, second): &(Duration, Duration)| match self.goal {
            Goal::TimeAtMost(_) => first.as_secs_f64() / second.as_secs_f64(),
            Goal::RateAtLeast(_) => second.as_secs_f64() / first.as_secs_f64(),
        };
        let mut ratios: Vec<f64> = self.sittings.iter().map(ratio).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        (ratios[0], ratios[ratios.len() / 2], ratios[ratios.len() - 1])
    }
}

impl Goal {
    fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::TimeAtMost(most) => ratio <= most,
            Self::RateAtLeast(least) => ratio >= least,
        }
    }

    fn text(self) -> String {
        match self {
            Self::TimeAtMost(most) => format!("<= {most}"),
            Self::RateAtLeast(least) => format!(">= {least}"),
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
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
