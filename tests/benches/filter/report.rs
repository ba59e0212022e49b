//! Keeps the figures, prints them, writes them.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::plot;

/// Gathers one row a figure.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    /// What is drawn: the dialect, the needle, how many memories, how long the newest ten take.
    pub(crate) growth: Vec<Growth>,
}

pub(crate) struct Growth {
    pub(crate) dialect: &'static str,
    pub(crate) needle: &'static str,
    pub(crate) memories: usize,
    pub(crate) time: Duration,
}

pub(crate) struct Row {
    pub(crate) dialect: &'static str,
    /// How many memories there are, and how they differ from the usual ones.
    pub(crate) on: String,
    pub(crate) figure: String,
    /// Our side and the one it is compared with, as they are printed.
    pub(crate) ours: String,
    pub(crate) other: String,
    pub(crate) ratio: f64,
    pub(crate) goal: Goal,
}

/// Says which way a ratio is good.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// Only reported.
    None,
}

impl Report {
    /// Adds a figure, and prints it at once: a bench of an hour should show that it is alive.
    pub(crate) fn add(&mut self, row: Row) {
        if self.rows.is_empty() {
            line(&format!(
                "{:<9} {:<26} {:<40} {:>14} {:>14} {:>7}  goal",
                "dialect", "memories", "figure", "ours", "other", "ratio"
            ));
        }
        let Row { dialect, on, figure, ours, other, ratio, goal } = &row;
        line(&format!("{dialect:<9} {on:<26} {figure:<40} {ours:>14} {other:>14} {ratio:>7.2}  {}", goal.text(*ratio)));
        self.rows.push(row);
    }

    /// Writes the files.
    pub(crate) fn finish(self) {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "dialect": row.dialect,
                    "memories": row.on,
                    "figure": row.figure,
                    "ours": row.ours,
                    "other": row.other,
                    "ratio": row.ratio,
                    "goal": row.goal.text(row.ratio),
                })
            })
            .collect();
        let growth: Vec<_> = self
            .growth
            .iter()
            .map(|point| {
                json!({
                    "dialect": point.dialect,
                    "needle": point.needle,
                    "memories": point.memories,
                    "newest_10_ns": u64::try_from(point.time.as_nanos()).unwrap_or(u64::MAX),
                })
            })
            .collect();
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
        let text = serde_json::to_string_pretty(&json!({"schema_version": 1, "rows": rows, "growth": growth}))
            .expect("plain values");
        let written = fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join("filter.json"), text))
            .and_then(|()| fs::write(folder.join("filter.svg"), plot::draw(&self.growth)));
        written.expect("target can be written");
        line(&format!("written to {}", folder.join("filter.json").display()));
        line(&format!("written to {}", folder.join("filter.svg").display()));
    }
}

impl Row {
    /// Returns a row that compares two times: ours over the other.
    pub(crate) fn of_times(
        dialect: &'static str,
        on: &dyn std::fmt::Display,
        figure: impl Into<String>,
        [ours, other]: [Duration; 2],
        goal: Goal,
    ) -> Self {
        Self {
            dialect,
            on: on.to_string(),
            figure: figure.into(),
            ours: format!("{ours:.1?}"),
            other: format!("{other:.1?}"),
            ratio: ours.as_secs_f64() / other.as_secs_f64(),
            goal,
        }
    }
}

impl Goal {
    fn text(self, ratio: f64) -> String {
        let (text, met) = match self {
            Self::AtMost(most) => (format!("<= {most}"), ratio <= most),
            Self::AtLeast(least) => (format!(">= {least}"), ratio >= least),
            Self::None => return "reported".to_owned(),
        };
        format!("{text} {}", if met { "met" } else { "MISSED" })
    }
}

#[allow(clippy::print_stdout, reason = "a bench talks to whoever runs it")]
pub(crate) fn line(text: &str) {
    println!("{text}");
}
