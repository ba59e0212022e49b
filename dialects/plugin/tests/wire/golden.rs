//! Messages that were written once, in `golden.txt`: they mean what they meant, for good.
//!
//! A line is an operation, which way the message goes, its bytes, and how it looks. No change may touch the bytes. How they
//! look changes with the library's types: `POLYMNIA_WRITE_GOLDEN=1` writes that anew, and adds messages for what has none.

use std::fmt::Write as _;
use std::path::PathBuf;

use polymnia_plugin::wire::Direction;

use crate::any::Rng;
use crate::cddl::Grammar;
use crate::operations::{Message, messages};

/// Is one message that was written once.
#[derive(Debug)]
pub(crate) struct Sample {
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// How it looks.
    pub(crate) shown: String,
}

/// Returns what is frozen.
pub(crate) fn golden() -> Vec<(Message, Sample)> {
    let text = std::fs::read_to_string(path()).expect("the file is part of the repository");
    let messages = messages();
    let samples = text.lines().map(|line| {
        let [name, direction, bytes, shown] = line.splitn(4, ' ').collect::<Vec<_>>().try_into().expect("four parts");
        let direction = if direction == ">" { Direction::Request } else { Direction::Reply };
        let message = messages.iter().find(|message| message.name == name && message.direction == direction);
        let bytes =
            (0..bytes.len() / 2).map(|at| u8::from_str_radix(&bytes[2 * at..2 * at + 2], 16).expect("hexadecimal"));
        (*message.expect("the message exists"), Sample { bytes: bytes.collect(), shown: shown.to_owned() })
    });
    samples.collect()
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wire/golden.txt")
}

#[test]
fn frozen_messages_mean_what_they_meant() {
    if std::env::var_os("POLYMNIA_WRITE_GOLDEN").is_some() {
        write();
    }
    for (message, sample) in golden() {
        let (shown, bytes) = (message.again)(&sample.bytes).unwrap_or_else(|fault| panic!("{message:?}: {fault}"));
        assert_eq!(shown, sample.shown, "{message:?} means what it meant");
        assert_eq!(bytes, sample.bytes, "{message:?} is written as it was");
    }
}

/// Writes anew how the messages look, and adds some until all that is documented is in one.
fn write() {
    let grammar = Grammar::parse(include_str!("../../../../docs/plugins/wire.cddl"));
    let known = if path().exists() { golden() } else { Vec::new() };
    let mut text = String::new();
    let mut line = |message: &Message, bytes: &[u8]| {
        let direction = if message.direction == Direction::Request { '>' } else { '<' };
        let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a String takes it");
            hex
        });
        let (shown, _) = (message.again)(bytes).expect("what was written is read");
        writeln!(text, "{} {direction} {hex} {shown}", message.name).expect("a String takes it");
    };
    for (message, sample) in &known {
        crate::documented::check(&grammar, message, &sample.bytes);
        line(message, &sample.bytes);
    }
    let mut rng = Rng::new();
    for message in messages() {
        let is_known =
            known.iter().any(|(other, _)| (other.name, other.direction) == (message.name, message.direction));
        let mut least = usize::from(!is_known);
        // Short ones first: they are to be read.
        for longest in [60, 120, 250, 500, 1_000, 2_000] {
            for _ in 0..2_000 {
                let bytes = (message.any)(&mut rng);
                if bytes.is_empty() || bytes.len() > longest {
                    continue;
                }
                if crate::documented::check(&grammar, &message, &bytes) >= 1 || least > 0 {
                    least = 0;
                    line(&message, &bytes);
                }
            }
        }
    }
    std::fs::write(path(), text).expect("the file can be written");
}
