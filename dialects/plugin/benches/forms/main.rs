//! What a form of messages costs: memories and mutations, written and read, in ours and in those of other crates.
//!
//! `cargo bench -p polymnia-plugin --bench forms`. All forms take turns in one run, in short rounds of which the
//! fastest counts, for whatever else a machine does only adds; the ratios are to ours. Ours reads to the library's own types, whose limits it checks; the others to structs of strings, of
//! which such types would have to be made yet. JSON in the others: what `serde_json` can hold exactly (`RawValue`), else text.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

mod ours;
mod row;

use std::hint::black_box;
use std::time::{Duration, Instant};

use row::Row;

/// Is a form, for one kind of message.
struct Form {
    name: &'static str,
    write: Box<Writing>,
    read: Box<Reading>,
}

/// Writes the message.
type Writing = dyn Fn() -> Vec<u8>;
/// Reads it, and returns how many items were in it.
type Reading = dyn Fn(&[u8]) -> usize;

const ROUNDS: usize = 1_001;

fn main() {
    let memories = ours::memories(10);
    let rows: Vec<Row> = memories.iter().map(Row::of).collect();
    let reply = ours::reply(memories);
    compare("a reply of 10 memories, metadata of 255 bytes", 10, 20, &forms(reply, &rows));

    let memories = ours::memories(1_000);
    let rows: Vec<Row> = memories.iter().map(Row::of).collect();
    let request = ours::request(&memories);
    compare("a request of 1,000 puts, metadata of 255 bytes", 1_000, 1, &forms(request, &rows));
}

fn forms(ours: Form, rows: &[Row]) -> Vec<Form> {
    vec![
        ours,
        of_serde(
            "rmp-serde, lists",
            rows,
            |rows| rmp_serde::to_vec(rows).expect("it can be written"),
            |bytes| rmp_serde::from_slice(bytes).expect("it can be read"),
        ),
        of_serde(
            "rmp-serde, names",
            rows,
            |rows| rmp_serde::to_vec_named(rows).expect("it can be written"),
            |bytes| rmp_serde::from_slice(bytes).expect("it can be read"),
        ),
        of_serde(
            "ciborium, names",
            rows,
            |rows| {
                let mut bytes = Vec::new();
                ciborium::into_writer(rows, &mut bytes).expect("it can be written");
                bytes
            },
            |bytes| ciborium::from_reader(bytes).expect("it can be read"),
        ),
        json(rows),
    ]
}

fn of_serde(name: &'static str, rows: &[Row], write: fn(&[Row]) -> Vec<u8>, read: fn(&[u8]) -> Vec<Row>) -> Form {
    let rows = rows.to_vec();
    assert_eq!(read(&write(&rows)), rows, "{name}");
    Form { name, write: Box::new(move || write(&rows)), read: Box::new(move |bytes| black_box(read(bytes)).len()) }
}

fn json(rows: &[Row]) -> Form {
    let rows: Vec<row::JsonRow> = rows.iter().map(row::JsonRow::of).collect();
    Form {
        name: "serde_json, names",
        write: Box::new(move || serde_json::to_vec(&rows).expect("it can be written")),
        read: Box::new(|bytes| {
            let rows: Vec<row::JsonRow> = serde_json::from_slice(bytes).expect("it can be read");
            black_box(rows).len()
        }),
    }
}

fn compare(what: &str, items: u32, times: u32, forms: &[Form]) {
    let messages: Vec<Vec<u8>> = forms.iter().map(|form| (form.write)()).collect();
    let mut writes = vec![Vec::new(); forms.len()];
    let mut reads = vec![Vec::new(); forms.len()];
    for _ in 0..ROUNDS {
        for (at, form) in forms.iter().enumerate() {
            writes[at].push(time(times, || black_box((form.write)()).len()));
            // The host copies what a plugin wrote before it reads it.
            reads[at].push(time(times, || (form.read)(&black_box(messages[at].clone()))));
        }
    }
    println!("\n{what}: nanoseconds an item, best of {ROUNDS}\n");
    println!("| form | write | copy and read | both | ratio | bytes an item |");
    println!("|---|---:|---:|---:|---:|---:|");
    let per_item = |taken: &[Duration]| {
        let best = taken.iter().min().copied().unwrap_or_default();
        best.as_secs_f64() * 1e9 / f64::from(times) / f64::from(items)
    };
    let mut first = None;
    for (at, form) in forms.iter().enumerate() {
        let (write, read) = (per_item(&writes[at]), per_item(&reads[at]));
        let both = write + read;
        let ratio = both / *first.get_or_insert(both);
        let bytes = messages[at].len() / items as usize;
        println!("| {} | {write:.0} | {read:.0} | {both:.0} | {ratio:.2} | {bytes} |", form.name);
    }
}

fn time(times: u32, run: impl Fn() -> usize) -> Duration {
    let started = Instant::now();
    for _ in 0..times {
        black_box(run());
    }
    started.elapsed()
}
