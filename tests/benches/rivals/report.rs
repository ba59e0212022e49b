//! Prints the measures and writes them down.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::judge::Agreement;

/// Gathers the rows.
#[derive(Default)]
pub(crate) struct Report {
    /// Who is measured: versions, and how durably each writes.
    sides: Vec<String>,
    rows: Vec<Row>,
    absent: Vec<Absent>,
}

/// Is one operation against one rival.
pub(crate) struct Row {
    pub(crate) operation: &'static str,
    pub(crate) database: &'static str,
    pub(crate) memories: usize,
    pub(crate) rival: &'static str,
    /// The median, and of how many calls.
    pub(crate) ours: (Duration, usize),
    pub(crate) theirs: (Duration, usize),
    pub(crate) agreement: Agreement,
}

/// Is what a rival could not be asked for.
#[derive(PartialEq, Eq)]
struct Absent {
    database: &'static str,
    rival: &'static str,
    operation: &'static str,
    /// The rival's message, if it has the call and the call fails.
    failure: Option<String>,
}

impl Report {
    pub(crate) fn introduce(&mut self, side: String) {
        if !self.sides.contains(&side) {
            self.sides.push(side);
        }
    }

    pub(crate) fn add(&mut self, row: Row) {
        progress(&row.text());
        self.rows.push(row);
    }

    pub(crate) fn not_offered(
        &mut self,
        database: &'static str,
        rival: &'static str,
        operation: &'static str,
        failure: Option<String>,
    ) {
        let absent = Absent { database, rival, operation, failure };
        if !self.absent.contains(&absent) {
            self.absent.push(absent);
        }
    }

    /// Prints the table and writes the JSON file.
    pub(crate) fn finish(mut self) {
        self.rows.sort_by_key(|row| (row.database, row.memories, row.rival));
        for side in &self.sides {
            line(side);
        }
        line(&format!(
            "{:<38} {:<9} {:>8} {:<18} {:>10} {:>6} {:>10} {:>6} {:>8}  {:<18}",
            "operation", "database", "memories", "rival", "ours", "calls", "theirs", "calls", "ratio", "answers"
        ));
        for row in &self.rows {
            line(&row.text());
        }
        self.print_absent();
        let missed = self.rows.iter().filter(|row| !row.is_ahead()).count();
        line(&format!(
            "ratio: their median over ours. Ahead in {} of {} rows",
            self.rows.len() - missed,
            self.rows.len()
        ));
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/bench/rivals.json");
        let rows: Vec<Value> = self.rows.iter().map(Row::to_json).collect();
        let absent: Vec<Value> = self.absent.iter().map(Absent::to_json).collect();
        let text = serde_json::to_string_pretty(
            &json!({"schema_version": 1, "sides": self.sides, "rows": rows, "not_offered": absent}),
        );
        let folder = file.parent().expect("it has one");
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&file, text.expect("plain values")))
            .expect("target can be written");
        line(&format!("written to {}", file.display()));
    }

    fn print_absent(&self) {
        let mut sides: Vec<(&str, &str)> = self.absent.iter().map(|absent| (absent.rival, absent.database)).collect();
        sides.dedup();
        sides.sort_unstable();
        sides.dedup();
        for (rival, database) in sides {
            let of_side = self.absent.iter().filter(|absent| (absent.rival, absent.database) == (rival, database));
            let (failed, missing): (Vec<_>, Vec<_>) = of_side.partition(|absent| absent.failure.is_some());
            let missing: Vec<&str> = missing.iter().map(|absent| absent.operation).collect();
            line(&format!("not offered by {rival} on {database}: {}", missing.join("; ")));
            for absent in failed {
                let message = absent.failure.as_deref().unwrap_or_default();
                line(&format!("fails in {rival} on {database}: {}: {message}", absent.operation));
            }
        }
    }
}

impl Row {
    fn ratio(&self) -> f64 {
        self.theirs.0.as_secs_f64() / self.ours.0.as_secs_f64()
    }

    fn is_ahead(&self) -> bool {
        self.ratio() > 1.0
    }

    fn text(&self) -> String {
        let Self { operation, database, memories, rival, ours, theirs, agreement } = self;
        let (our_time, their_time) = (format!("{:.1?}", ours.0), format!("{:.1?}", theirs.0));
        format!(
            "{operation:<38} {database:<9} {memories:>8} {rival:<18} {our_time:>10} {:>6} {their_time:>10} {:>6} \
             {:>8.2}  {agreement:<18} {}",
            ours.1,
            theirs.1,
            self.ratio(),
            if self.is_ahead() { "ahead" } else { "MISSED" }
        )
    }

    fn to_json(&self) -> Value {
        json!({
            "operation": self.operation,
            "database": self.database,
            "memories": self.memories,
            "rival": self.rival,
            "ours_ns": nanos(self.ours.0),
            "ours_calls": self.ours.1,
            "theirs_ns": nanos(self.theirs.0),
            "theirs_calls": self.theirs.1,
            "ratio": self.ratio(),
            "answers": self.agreement.to_string(),
            "ahead": self.is_ahead(),
        })
    }
}

impl Absent {
    fn to_json(&self) -> Value {
        json!({
            "database": self.database,
            "rival": self.rival,
            "operation": self.operation,
            "failure": self.failure,
        })
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[allow(clippy::print_stdout, reason = "a bench talks to whoever runs it")]
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// Tells whoever waits what is being done.
pub(crate) fn progress(text: &str) {
    eprintln!("{text}");
}
