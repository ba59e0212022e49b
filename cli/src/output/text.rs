//! Texts, numbers and times for people.

use std::fmt::Write as _;
use std::time::Duration;

use polymnia::Timestamp;

/// Returns the text on one line and safe to show: white space as one blank, control characters spelt out, and no longer
/// than `max` characters of the text.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max));
    let mut blank = false;
    let mut taken = 0;
    for c in text.chars() {
        if c.is_whitespace() {
            blank = !line.is_empty();
            continue;
        }
        taken += 1 + usize::from(blank);
        if taken > max {
            line.push('…');
            break;
        }
        if std::mem::take(&mut blank) {
            line.push(' ');
        }
        push_harmless(&mut line, c);
    }
    line
}

/// Returns the text as it is but for control characters, which are spelt out; lines stay lines.
pub(crate) fn block(text: &str) -> String {
    let mut block = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\n' | '\t') {
            block.push(c);
        } else {
            push_harmless(&mut block, c);
        }
    }
    block
}

/// Spells out what could move the cursor, hide text or turn its direction.
fn push_harmless(text: &mut String, c: char) {
    let harmful = c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if harmful {
        let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
    } else {
        text.push(c);
    }
}

/// Returns a number with its digits in groups of three: `1,000,000`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a number and what it counts: `1 memory`, `2 memories`.
pub(crate) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// Returns a number of bytes: `1.4 MiB`.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if number < 1024 {
        return plural(number, "byte", "bytes");
    }
    // Exact enough: the figure shown has one decimal.
    #[allow(clippy::cast_precision_loss)]
    let mut size = number as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    for next in units {
        if size < 1023.95 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    format!("{size:.1} {unit}")
}

/// Returns a duration: `40 µs`, `0.4 ms`, `12 ms`, `3.2 s`, `4 min 10 s`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 0.000_1 {
        format!("{} µs", duration.as_micros())
    } else if seconds < 0.01 {
        format!("{:.1} ms", seconds * 1e3)
    } else if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        let whole = duration.as_secs();
        format!("{} min {} s", grouped(whole / 60), whole % 60)
    }
}

/// Returns a duration measured in whole milliseconds: `< 1 ms`, `12 ms`, `3.2 s`.
pub(crate) fn spent(millis: u64) -> String {
    if millis == 0 { "< 1 ms".to_owned() } else { duration(Duration::from_millis(millis)) }
}

/// Returns a time to the minute, in UTC: `2026-03-02 09:14`.
pub(crate) fn time(time: Timestamp) -> String {
    let text = time.to_string();
    match text.get(..16) {
        Some(minute) => minute.replacen('T', " ", 1),
        None => text,
    }
}

/// Returns a command line that a POSIX shell reads back as these words.
pub(crate) fn shell_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(shell_word).collect();
    quoted.join(" ")
}

fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelt_out() {
        assert_eq!(one_line("a\u{1b}[31m\n\n b\t\u{202e}c\0", 99), r"a\u{1b}[31m b \u{202e}c\u{0}");
        assert_eq!(block("a\n\tb\r\u{9b}"), "a\n\tb\\u{d}\\u{9b}");
        assert_eq!(one_line("👩‍🚀 日本", 99), "👩‍🚀 日本");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(one_line("  abc def", 4), "abc…");
        assert_eq!(one_line("abcd  ", 4), "abcd");
        assert_eq!(one_line("abcd e", 4), "abcd…");
    }

    #[test]
    fn figures() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(plural(1, "memory", "memories"), "1 memory");
        assert_eq!(
            [0, 1_023, 1_536, (1 << 20) - 1, 5 << 30].map(bytes),
            ["0 bytes", "1,023 bytes", "1.5 KiB", "1.0 MiB", "5.0 GiB"]
        );
        let durations =
            [0.000_04, 0.000_4, 0.0123, 3.21, 250.0].map(|seconds| duration(Duration::from_secs_f64(seconds)));
        assert_eq!([0, 12, 3_210].map(spent), ["< 1 ms", "12 ms", "3.2 s"]);
        assert_eq!(durations, ["40 µs", "0.4 ms", "12 ms", "3.2 s", "4 min 10 s"]);
    }

    #[test]
    fn times_and_shell_lines() {
        assert_eq!(time(Timestamp::MIN), "0001-01-01 00:00");
        assert_eq!(shell_line(["a", "it's", "", "{\"b\": 1}"]), r#"a 'it'\''s' '' '{"b": 1}'"#);
    }
}
