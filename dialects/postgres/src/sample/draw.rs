//! How much of the table a sample is taken from.

use super::ratio;

/// How many rows a sample should have.
const ROWS: f64 = 8_000.0;
/// How large it may be, as it is stored.
pub(super) const BYTES: f64 = 4_000_000.0;
/// How many rows to take from one page at most, or so: those that were written together are alike.
const ROWS_OF_PAGE: f64 = 2.5;
/// How many rows stand in a page of a table that nobody analysed.
const USUAL_DENSITY: f64 = 16.0;

/// Is how much of the table to read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Draw {
    /// How many of the pages.
    pub(super) percent: f64,
    /// One row in so many of these.
    pub(super) modulus: i64,
    /// How many rows at most.
    pub(super) most: i64,
    /// What a row takes, in bytes.
    pub(super) row_bytes: f64,
}

impl Draw {
    /// Returns what to read of a table of so many pages, bytes and rows; the rows are negative if nobody counted them.
    #[expect(clippy::cast_possible_truncation, reason = "clamped")]
    pub(super) fn of(pages: f64, bytes: f64, tuples: f64) -> Self {
        let density = if tuples > 0.0 && pages > 0.0 { (tuples / pages).max(0.5) } else { USUAL_DENSITY };
        let row_bytes = ratio(bytes, density * pages).clamp(50.0, 20_000.0);
        let rows = (BYTES / row_bytes).clamp(200.0, ROWS);
        let modulus = (density / ROWS_OF_PAGE).round().max(1.0);
        // Of a table without pages nothing is known: it is new, or stands on other servers.
        let share = if pages > 0.0 { ratio(rows * modulus, density * pages) } else { 1.0 };
        let percent = (100.0 * share).clamp(0.000_1, 100.0);
        // A table of few pages is read as it is.
        let modulus = if percent >= 100.0 { (density * pages / rows).floor().max(1.0) } else { modulus };
        Self { percent, modulus: modulus.min(1_000_000.0) as i64, most: (4.0 * rows) as i64, row_bytes }
    }
}
