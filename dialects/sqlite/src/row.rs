//! From columns to values.

use std::ffi::{CStr, c_int};
use std::sync::{Mutex, MutexGuard, PoisonError};

use diesel::backend::Backend;
use diesel::deserialize::QueryableByName;
use diesel::row::{Field, NamedRow, Row};
use diesel::sqlite::Sqlite;
use polymnia::{
    AgentId, Content, Importance, Memory, MemoryId, Metadata, RelatedThreads, Result, Revision, ThreadId, Tier,
    Timestamp, UserId,
};

use crate::error::damaged_row;
use crate::raw::Columns;

/// Writes the call that decodes the columns of a memory, in the order that [`memory`] reads them.
macro_rules! decoded {
    () => {
        "polymnia_decode(id, user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, \
         revision, created_at, updated_at, expires_at)"
    };
}
pub(crate) use decoded;

/// The name of the function that decodes rows.
pub(crate) const DECODE: &CStr = c"polymnia_decode";
/// How many columns it takes.
pub(crate) const COLUMNS: c_int = 13;

/// Decodes memories inside SQLite, as a function of SQL that keeps each and returns the place where it is kept.
///
/// diesel asks SQLite for each column by itself, and each time SQLite takes the connection's lock. A function is given all
/// of them at once, which takes half the time.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    /// Memories that were decoded, by place, until they are taken.
    memories: Vec<Option<Result<Memory>>>,
    /// How many of them are not taken yet.
    left: usize,
    /// Whether further rows are counted only.
    skips: bool,
    overflowed: bool,
}

/// How many memories may wait to be taken: one, unless SQLite sorts the rows after they are decoded.
const MAX_PENDING: usize = 1_000;
/// The place of a row that was not decoded.
const SKIPPED: i64 = -1;

impl Decoder {
    /// Readies the decoder for a statement.
    pub(crate) fn begin(&self) {
        *self.pending() = Pending::default();
    }

    /// Lets further rows be: that there are some is all one wants to know.
    pub(crate) fn skip_further(&self) {
        self.pending().skips = true;
    }

    /// Returns whether the statement failed because too many memories waited.
    pub(crate) fn has_overflowed(&self) -> bool {
        self.pending().overflowed
    }

    /// Decodes a row and returns its place; none if too many wait.
    pub(crate) fn decode(&self, columns: &Columns<'_>) -> Option<i64> {
        let mut pending = self.pending();
        if pending.skips {
            return Some(SKIPPED);
        }
        if pending.left == MAX_PENDING {
            pending.overflowed = true;
            return None;
        }
        let place = i64::try_from(pending.memories.len()).ok();
        pending.memories.push(Some(memory(columns)));
        pending.left += 1;
        place
    }

    /// Takes the memory kept at a place; none if the row was skipped.
    pub(crate) fn take(&self, Place(place): Place) -> Result<Option<Memory>> {
        let mut pending = self.pending();
        let taken = usize::try_from(place).ok().and_then(|place| pending.memories.get_mut(place)?.take());
        let Some(memory) = taken else { return Ok(None) };
        pending.left -= 1;
        if pending.left == 0 {
            pending.memories.clear();
        }
        memory.map(Some)
    }

    /// What is pending is whole at any moment, so a panic elsewhere leaves nothing half done.
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Is where the decoder keeps a memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(i64);

impl FromRow for Place {
    fn from_row<'a>(row: &impl Row<'a, Sqlite>) -> Result<Self> {
        Ok(Self(integer(row, 0)))
    }
}

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

/// Reads a memory from the columns that [`decoded`] names.
fn memory(columns: &Columns<'_>) -> Result<Memory> {
    let text = |at, column| stored_text(columns, at, column)?.ok_or_else(|| damaged_row(column, "expected a text"));
    let number = |at| columns.integer(at).unwrap_or_default();
    Ok(Memory {
        id: columns
            .blob(0)
            .and_then(|bytes| <[u8; 16]>::try_from(bytes).ok())
            .map(MemoryId::from_bytes)
            .ok_or_else(|| damaged_row("id", "expected 16 bytes"))?,
        user_id: stored_text(columns, 1, "user_id")?.map(UserId::from_stored),
        agent_id: stored_text(columns, 2, "agent_id")?.map(AgentId::from_stored),
        thread_id: stored_text(columns, 3, "thread_id")?.map(ThreadId::from_stored),
        tier: Tier::from_stored(text(4, "tier")?),
        content: Content::from_stored(text(5, "content")?),
        metadata: Metadata::from_stored(text(6, "metadata")?),
        importance: Importance::new(columns.real(7)).map_err(|error| damaged_row("importance", error))?,
        related_threads: related_threads(columns.text(8))?,
        revision: revision(number(9))?,
        created_at: time(number(10), "created_at")?,
        updated_at: time(number(11), "updated_at")?,
        expires_at: columns.integer(12).map(|micros| time(micros, "expires_at")).transpose()?,
    })
}

fn stored_text(columns: &Columns<'_>, at: usize, column: &'static str) -> Result<Option<String>> {
    let Some(bytes) = columns.text(at) else { return Ok(None) };
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(_) => Err(damaged_row(column, "expected UTF-8")),
    }
}

fn related_threads(json: Option<&[u8]>) -> Result<RelatedThreads> {
    let column = "related_threads";
    let threads = match json {
        // By far the most frequent.
        Some(b"[]") => return Ok(RelatedThreads::default()),
        Some(json) => serde_json::from_slice::<Vec<String>>(json).ok(),
        None => None,
    };
    let Some(threads) = threads else { return Err(damaged_row(column, "expected a JSON array of texts")) };
    // Sorted once more, for another program may have written the row.
    RelatedThreads::new(threads.into_iter().map(ThreadId::from_stored)).map_err(|error| damaged_row(column, error))
}

/// Reads a value. `None` for NULL and for a column that is not there.
fn read<'a, T>(row: &impl Row<'a, Sqlite>, at: usize, read: impl FnOnce(RawValue<'_>) -> T) -> Option<T> {
    let field = row.get(at)?;
    field.value().map(read)
}
