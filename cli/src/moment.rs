//! Times on the command line: RFC 3339, a date, or a distance from now.

use polymnia::{Result, Timestamp};

/// Is the way a distance goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Before now.
    Ago,
    /// After now.
    Ahead,
}

/// Reads a time: RFC 3339, a bare date (its midnight in UTC), or a number with `s`, `min`, `h`, `d` or `w` counted from
/// now.
pub(crate) fn moment(text: &str, way: Way) -> Result<Timestamp> {
    moment_at(text, way, Timestamp::now())
}

fn moment_at(text: &str, way: Way, now: Timestamp) -> Result<Timestamp> {
    let Some(distance) = micros(text) else { return Timestamp::parse(text) };
    let now = now.as_micros();
    // Saturated, such a time lies outside the years 1 to 9999 and is refused as such.
    Timestamp::from_micros(match way {
        Way::Ago => now.saturating_sub(distance),
        Way::Ahead => now.saturating_add(distance),
    })
}

fn micros(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    let number: i64 = digits.parse().ok().filter(|number| *number >= 0)?;
    Some(number.saturating_mul(seconds).saturating_mul(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_from_now_and_the_rest_is_a_time() {
        let now: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
        let at = |text, way| moment_at(text, way, now).map(|time| time.to_string());
        assert_eq!(at("12h", Way::Ago).unwrap(), "2026-03-01T12:00:00Z");
        assert_eq!(at("30d", Way::Ahead).unwrap(), "2026-04-01T00:00:00Z");
        assert_eq!(at("2026-01-01", Way::Ago).unwrap(), "2026-01-01T00:00:00Z");
        for wrong in ["", "d", "-1d", "1y", "1.5h", "99999999999w", "9999999999999999999d", "tomorrow"] {
            assert!(at(wrong, Way::Ahead).is_err(), "{wrong}");
        }
    }
}
