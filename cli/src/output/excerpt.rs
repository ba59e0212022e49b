//! A line of a text, with a mark below the place that something is about.

use unicode_width::UnicodeWidthChar as _;

use super::text::one_line;

/// So many characters before the place, and so many from it on, are shown.
const AROUND: usize = 50;

/// Returns a line of the text, or the part of it around a column, and the mark that stands below that column. Both count
/// from 1, columns in characters. None if there is no such place.
pub(crate) fn excerpt(text: &str, line: usize, column: usize) -> Option<[String; 2]> {
    let line: Vec<char> = text.split('\n').nth(line.checked_sub(1)?)?.chars().collect();
    let at = column.checked_sub(1).filter(|at| *at <= line.len())?;
    let (begin, end) = (at.saturating_sub(AROUND), line.len().min(at + AROUND));
    let shown = |from: usize, to: usize| line[from..to].iter().map(|&c| harmless(c)).collect::<String>();
    let before = format!("{}{}", if begin > 0 { "…" } else { "" }, shown(begin, at));
    let after = format!("{}{}", shown(at, end), if end < line.len() { "…" } else { "" });
    let width: usize = before.chars().filter_map(char::width).sum();
    Some([format!("{before}{after}"), format!("{:width$}^", "")])
}

/// Spells out what could harm a terminal; a tab is one blank, so that the mark stands where it should.
fn harmless(c: char) -> String {
    if c.is_whitespace() { " ".to_owned() } else { one_line(c.encode_utf8(&mut [0; 4]), 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_the_place() {
        assert_eq!(excerpt("{\"a\":\n\t{b", 2, 3).unwrap(), [" {b", "  ^"]);
        assert_eq!(excerpt("{", 1, 2).unwrap(), ["{", " ^"]);
        assert_eq!(excerpt("日本x\u{1b}[", 1, 3).unwrap(), ["日本x\\u{1b}[", "    ^"]);
        assert_eq!(excerpt("\u{1b}x", 1, 2).unwrap(), ["\\u{1b}x", "      ^"]);
        for (line, column) in [(0, 1), (1, 0), (1, 3), (2, 1)] {
            assert!(excerpt("{", line, column).is_none(), "{line}:{column}");
        }
    }

    #[test]
    fn a_long_line_is_cut_on_both_sides() {
        let [line, mark] = excerpt(&"x".repeat(500), 1, 200).unwrap();
        assert_eq!(line, format!("…{}…", "x".repeat(100)));
        assert_eq!(mark.len(), 52);
        assert_eq!(excerpt(&"x".repeat(100), 1, 51).unwrap()[0], "x".repeat(100));
    }
}
