//! What has no other side: a call of nothing, and loading a library.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use polymnia::{Call, Clock as _, SystemClock};
use polymnia_plugin::host::{LoadOptions, PluginDialect};
use polymnia_tests::plugins::Plugin;
use serde_json::{Value, json};

/// Set, this program does nothing but load that library, and tells how many nanoseconds it took.
const CHILD: &str = "POLYMNIA_BENCH_LOAD";

const CALL: Duration = Duration::from_nanos(50);
const LOAD: Duration = Duration::from_millis(1);

pub(crate) fn run(plugins: &[Plugin]) {
    if let Some(library) = std::env::var_os(CHILD) {
        let began = Instant::now();
        let dialect = load(Path::new(&library));
        let took = began.elapsed();
        black_box(dialect);
        line(&took.as_nanos().to_string());
        std::process::exit(0);
    }
    let mut rows = Vec::new();
    for plugin in plugins {
        rows.push(row(*plugin, "call of nothing", call_of_nothing(*plugin), CALL));
        rows.push(row(*plugin, "load, in a process of its own", first_load(*plugin), LOAD));
    }
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    let text = serde_json::to_string_pretty(&json!({"schema_version": 1, "rows": rows})).expect("plain values");
    let file = folder.join("plugin_calls.json");
    fs::create_dir_all(&folder).and_then(|()| fs::write(&file, text)).expect("target can be written");
    line(&format!("written to {}", file.display()));
}

/// Returns the median of many turns of ten thousand calls, for a clock takes as long as a call.
fn call_of_nothing(plugin: Plugin) -> [Duration; 3] {
    const CALLS: u32 = 10_000;
    let dialect = plugin.load();
    let call = Call::at(SystemClock.now());
    let turn = || {
        let began = Instant::now();
        for _ in 0..CALLS {
            black_box(&dialect).nothing(black_box(&call)).expect("nothing can fail");
        }
        began.elapsed() / CALLS
    };
    turn();
    spread((0..200).map(|_| turn()).collect())
}

/// Returns how long loading takes a process that has not loaded it before. The system has the file in its cache.
fn first_load(plugin: Plugin) -> [Duration; 3] {
    let this = std::env::current_exe().expect("a running program has a path");
    let once = || {
        let output = Command::new(&this).env(CHILD, plugin.library()).output().expect("this program runs");
        let text = String::from_utf8(output.stdout).expect("a number");
        Duration::from_nanos(text.trim().parse().expect("a number"))
    };
    once();
    spread((0..50).map(|_| once()).collect())
}

fn load(library: &Path) -> PluginDialect {
    PluginDialect::load_with(library, &LoadOptions::default().with_allow_insecure(true)).expect("it loads")
}

fn spread(mut times: Vec<Duration>) -> [Duration; 3] {
    times.sort_unstable();
    [times[times.len() / 20], times[times.len() / 2], times[times.len() * 19 / 20]]
}

fn row(plugin: Plugin, measure: &str, [low, median, high]: [Duration; 3], goal: Duration) -> Value {
    let met = median <= goal;
    let verdict = if met { "met" } else { "MISSED" };
    line(&format!("{plugin:<9?} {measure:<30} {median:>10.1?}  {low:.1?} to {high:.1?}  <= {goal:.1?} {verdict}"));
    json!({
        "plugin": format!("{plugin:?}").to_lowercase(),
        "measure": measure,
        "median_ns": u64::try_from(median.as_nanos()).unwrap_or(u64::MAX),
        "goal_ns": u64::try_from(goal.as_nanos()).unwrap_or(u64::MAX),
        "met": met,
    })
}

#[allow(clippy::print_stdout, reason = "a bench talks to whoever runs it")]
fn line(text: &str) {
    println!("{text}");
}
