//! From the columns of a row to values, as diesel reads them.

use diesel::backend::Backend;
use diesel::deserialize::QueryableByName;
use diesel::row::{Field, NamedRow, Row};
use diesel::sqlite::Sqlite;
use polymnia::{MemoryId, Result, Revision, ThreadId, Timestamp};

use crate::error::damaged_row;

/// Is made from a row, by the places of its columns.
pub(crate) trait FromRow: Sized + 'static {
    /// Reads a row.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`](polymnia::ErrorKind::Corrupt) for a value that no writer of ours stores.
    fn from_row<'a>(row: &impl Row<'a, Sqlite>) -> Result<Self>;
}

/// Is a row as diesel makes it: by our [`FromRow`].
pub(crate) struct Decoded<T>(pub(crate) T);

/// Is a row of integers. NULL reads as 0.
pub(crate) struct Integers<const N: usize>(pub(crate) [i64; N]);

/// Is a row of one text.
pub(crate) struct OneText(pub(crate) String);

type RawValue<'a> = <Sqlite as Backend>::RawValue<'a>;

impl<T: FromRow> QueryableByName<Sqlite> for Decoded<T> {
    fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> diesel::deserialize::Result<Self> {
        Ok(Self(T::from_row(row)?))
    }
}

impl<const N: usize> FromRow for Integers<N> {
    fn from_row<'a>(row: &impl Row<'a, Sqlite>) -> Result<Self> {
        Ok(Self(std::array::from_fn(|at| optional_integer(row, at).unwrap_or_default())))
    }
}

impl FromRow for OneText {
    fn from_row<'a>(row: &impl Row<'a, Sqlite>) -> Result<Self> {
        Ok(Self(text(row, 0, "text")?))
    }
}

/// Reads an id's 16 bytes.
pub(crate) fn id<'a>(row: &impl Row<'a, Sqlite>, at: usize) -> Result<MemoryId> {
    let bytes = read(row, at, |mut value| <[u8; 16]>::try_from(value.read_blob()).ok());
    match bytes.flatten() {
        Some(bytes) => Ok(MemoryId::from_bytes(bytes)),
        None => Err(damaged_row("id", "expected 16 bytes")),
    }
}

/// Reads a text.
pub(crate) fn text<'a>(row: &impl Row<'a, Sqlite>, at: usize, column: &'static str) -> Result<String> {
    optional_text(row, at, column)?.ok_or_else(|| damaged_row(column, "expected a text"))
}

/// Reads a text that may be NULL.
pub(crate) fn optional_text<'a>(row: &impl Row<'a, Sqlite>, at: usize, column: &'static str) -> Result<Option<String>> {
    let Some(text) = read(row, at, |mut value| value.read_text().to_owned()) else { return Ok(None) };
    // diesel puts U+FFFD in the place of what is not UTF-8. Whether it did so, only the bytes tell.
    if text.contains('\u{fffd}')
        && !read(row, at, |mut value| std::str::from_utf8(value.read_blob()).is_ok()).unwrap_or(true)
    {
        return Err(damaged_row(column, "expected UTF-8"));
    }
    Ok(Some(text))
}

/// Reads an integer; NULL reads as 0.
pub(crate) fn integer<'a>(row: &impl Row<'a, Sqlite>, at: usize) -> i64 {
    optional_integer(row, at).unwrap_or_default()
}

/// Reads an integer that may be NULL.
pub(crate) fn optional_integer<'a>(row: &impl Row<'a, Sqlite>, at: usize) -> Option<i64> {
    read(row, at, |mut value| value.read_long())
}

/// Reads a time.
pub(crate) fn time(micros: i64, column: &'static str) -> Result<Timestamp> {
    Timestamp::from_micros(micros).map_err(|error| damaged_row(column, error))
}

/// Reads a revision.
pub(crate) fn revision(number: i64) -> Result<Revision> {
    Revision::new(number).map_err(|error| damaged_row("revision", error))
}

/// Writes related threads as a JSON array of texts. `None` is the empty one, without an allocation.
pub(crate) fn threads_to_json(threads: &[ThreadId]) -> Option<String> {
    if threads.is_empty() {
        return None;
    }
    Some(serde_json::to_string(threads).expect("texts can be written as JSON"))
}

/// Reads a value. `None` for NULL and for a column that is not there.
fn read<'a, T>(row: &impl Row<'a, Sqlite>, at: usize, read: impl FnOnce(RawValue<'_>) -> T) -> Option<T> {
    let field = row.get(at)?;
    field.value().map(read)
}
