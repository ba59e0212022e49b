//! Prints made-up memories as JSON lines, for trying an import of any size:
//! `cargo run --release -p polymnia-conformance --example memories -- 1000000 > memories.ndjson`.

use std::error::Error;
use std::io::{BufWriter, Write as _, stdout};

use polymnia::{MemoryId, Namespace, Record, RecordLine, Timestamp};

fn main() -> Result<(), Box<dyn Error>> {
    let count: u64 = std::env::args().nth(1).ok_or("expected the number of memories")?.parse()?;
    let namespace = Namespace::new("made-up")?;
    let mut out = BufWriter::new(stdout().lock());
    for number in 0..count {
        let line = format!(
            r#"{{"user_id":"user-{user:03}","thread_id":"thread-{thread:05}","content":"memory {number}: {said}","metadata":{{"turn":{turn},"topic":"topic-{topic}","score":{score}.25,"tags":["t{tag}","all"],"source":{{"app":"chat","build":"{build}"}}}}}}"#,
            user = number % 500,
            thread = number / 40,
            said = "what was said, and what it may mean for the next time they meet",
            turn = number % 40,
            topic = number % 12,
            score = number % 100,
            tag = number % 50,
            build = number % 1_000,
        );
        let created = Timestamp::from_micros(1_600_000_000_000_000 + i64::try_from(number)? * 1_000_000)?;
        let id = MemoryId::from_bytes(
            (u128::from(number) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_be_bytes(),
        );
        let memory = Record::parse(&line)?.into_memory(created, || id);
        serde_json::to_writer(&mut out, &RecordLine::new(&namespace, &memory))?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}
