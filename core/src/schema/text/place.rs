//! Places in scripts, and what differs between two.

use similar::TextDiff;

/// Returns the line and the column, in characters, of an offset in bytes, both from 1.
///
/// An offset past the end is the end; one within a character is that character.
///
/// # Examples
///
/// ```
/// use polymnia::schema::text::place;
///
/// assert_eq!(place("a\nö b", 5), (2, 3));
/// ```
pub fn place(script: &str, offset: usize) -> (usize, usize) {
    let before = &script[..script.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// Returns what differs between a script as it was applied and as it is now, as a unified diff. Line ends are left aside.
pub fn diff(old: &str, new: &str) -> String {
    let (old, new) = (old.replace("\r\n", "\n"), new.replace("\r\n", "\n"));
    TextDiff::from_lines(&old, &new).unified_diff().context_radius(3).header("applied", "now").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters() {
        assert_eq!(place("", 0), (1, 1));
        assert_eq!(place("ab\ncd", 2), (1, 3));
        assert_eq!(place("ab\ncd", 3), (2, 1));
        assert_eq!(place("äb", 1), (1, 1), "within a character");
        assert_eq!(place("äb", 99), (1, 3), "past the end");
    }

    #[test]
    fn a_diff_names_the_lines_that_changed() {
        let text = diff("a\r\nb\r\nc\r\n", "a\nB\nc\n");
        assert!(text.starts_with("--- applied\n+++ now\n"), "{text}");
        assert!(text.contains("-b\n+B\n"), "{text}");
        assert_eq!(diff("a\r\n", "a\n"), "");
    }
}
