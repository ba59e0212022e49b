//! From columns to values.

use diesel::backend::Backend;
use diesel::deserialize::QueryableByName;
use diesel::row::{Field, NamedRow, Row};
use diesel::sqlite::Sqlite;
use polymnia::{
    AgentId, Content, Importance, Memory, MemoryId, Metadata, RelatedThreads, Result, Revision, ThreadId, Tier,
    Timestamp, UserId,
};

use crate::error::damaged_row;

/// Lists the columns of a memory in the order that [`Memory::from_row`] reads them.
macro_rules! columns {
    () => {
        "id, user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, revision, created_at, \
         updated_at, expires_at"
    };
}
pub(crate) use columns;

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

impl FromRow for Memory {
    fn from_row<'a>(row: &impl Row<'a, Sqlite>) -> Result<Self> {
        Ok(Self {
            id: id(row, 0)?,
            user_id: optional_text(row, 1, "user_id")?.map(UserId::from_stored),
            agent_id: optional_text(row, 2, "agent_id")?.map(AgentId::from_stored),
            thread_id: optional_text(row, 3, "thread_id")?.map(ThreadId::from_stored),
            tier: Tier::from_stored(text(row, 4, "tier")?),
            content: Content::from_stored(text(row, 5, "content")?),
            metadata: Metadata::from_stored(text(row, 6, "metadata")?),
            importance: importance(row, 7)?,
            related_threads: related_threads(row, 8)?,
            revision: revision(integer(row, 9))?,
            created_at: time(integer(row, 10), "created_at")?,
            updated_at: time(integer(row, 11), "updated_at")?,
            expires_at: optional_integer(row, 12).map(|micros| time(micros, "expires_at")).transpose()?,
        })
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
pub(crate) fn optional_text<'a>(
    row: &impl Row<'a, Sqlite>,
    at: usize,
    column: &'static str,
) -> Result<Option<String>> {
    let Some(text) = read(row, at, |mut value| value.read_text().to_owned()) else { return Ok(None) };
    // diesel puts U+FFFD in the place of what is not UTF-8. Whether it did so, only the bytes tell.
    if text.contains('\u{fffd}') && !read(row, at, |mut value| std::str::from_utf8(value.read_blob()).is_ok()).unwrap_or(true)
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

fn importance<'a>(row: &impl Row<'a, Sqlite>, at: usize) -> Result<Importance> {
    let number = read(row, at, |mut value| value.read_double()).unwrap_or(f64::NAN);
    Importance::new(number).map_err(|error| damaged_row("importance", error))
}

fn related_threads<'a>(row: &impl Row<'a, Sqlite>, at: usize) -> Result<RelatedThreads> {
    let column = "related_threads";
    let parsed = read(row, at, |mut value| match value.read_text() {
        // By far the most frequent.
        "[]" => Ok(Vec::new()),
        text => serde_json::from_str::<Vec<String>>(text),
    });
    match parsed {
        Some(Ok(threads)) if threads.is_empty() => Ok(RelatedThreads::default()),
        // Sorted once more, for another program may have written the row.
        Some(Ok(threads)) => {
            RelatedThreads::new(threads.into_iter().map(ThreadId::from_stored)).map_err(|error| damaged_row(column, error))
        }
        _ => Err(damaged_row(column, "expected a JSON array of texts")),
    }
}

/// Reads a value. `None` for NULL and for a column that is not there.
fn read<'a, T>(row: &impl Row<'a, Sqlite>, at: usize, read: impl FnOnce(RawValue<'_>) -> T) -> Option<T> {
    let field = row.get(at)?;
    field.value().map(read)
}
