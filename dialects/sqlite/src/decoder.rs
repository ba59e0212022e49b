//! From the columns of a row to a memory, inside SQLite.

use std::ffi::{CStr, c_int};
use std::sync::{Mutex, MutexGuard, PoisonError};

use diesel::row::Row;
use diesel::sqlite::Sqlite;
use polymnia::spi::Rows;
use polymnia::{
    AgentId, Content, Error, Importance, Memory, MemoryId, Metadata, RelatedThreads, Result, ThreadId, Tier, UserId,
};

use crate::drive::NOT_ALL_LEVEL;
use crate::error::damaged_row;
use crate::raw::Columns;
use crate::row::{FromRow, integer, revision, time};
use crate::ties::{Progress, Ties};

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
    /// Gathers the memories of a page; in the place of all that.
    ties: Option<Ties>,
    /// Why gathering ended early.
    damaged: Option<Error>,
}

/// How many memories may wait to be taken: one does, unless SQLite sorts the rows after they are decoded.
const MAX_PENDING: usize = 16;
/// The place of a row that was not decoded.
const SKIPPED: i64 = -1;
/// The place that says that no further row is of use.
const ENOUGH: i64 = -3;

impl Decoder {
    /// Readies the decoder for a statement.
    pub(crate) fn begin(&self) {
        *self.pending() = Pending::default();
    }

    /// Readies the decoder for a statement whose memories are gathered.
    pub(crate) fn gather(&self, ties: Ties) {
        *self.pending() = Pending { ties: Some(ties), ..Pending::default() };
    }

    /// Returns the page that was gathered.
    pub(crate) fn gathered(&self) -> Result<Rows> {
        let Pending { ties, damaged, .. } = std::mem::take(&mut *self.pending());
        match damaged {
            Some(error) => Err(error),
            None => Ok(ties.map(Ties::into_page).unwrap_or_default()),
        }
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
        if let Some(ties) = &mut pending.ties {
            let progress = offer(columns, ties);
            return Some(match progress {
                Ok(Progress::GoOn) => SKIPPED,
                Ok(Progress::Complete) => ENOUGH,
                Err(error) => {
                    pending.damaged = Some(error);
                    ENOUGH
                }
            });
        }
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

impl Place {
    pub(crate) fn new(place: i64) -> Self {
        Self(place)
    }

    /// Returns whether no further row is of use.
    pub(crate) fn is_enough(self) -> bool {
        self.0 == ENOUGH
    }

    /// Returns whether the row says, in the place of a memory, that not all rows are level.
    pub(crate) fn is_not_all_level(self) -> bool {
        self.0 == NOT_ALL_LEVEL
    }
}

impl FromRow for Place {
    fn from_row<'a>(row: &impl Row<'a, Sqlite>) -> Result<Self> {
        Ok(Self::new(integer(row, 0)))
    }
}

fn offer(columns: &Columns<'_>, ties: &mut Ties) -> Result<Progress> {
    ties.offer(columns.integer(10).unwrap_or_default(), id(columns)?, || memory(columns))
}

fn id(columns: &Columns<'_>) -> Result<MemoryId> {
    let bytes = columns.blob(0).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    bytes.map(MemoryId::from_bytes).ok_or_else(|| damaged_row("id", "expected 16 bytes"))
}

/// Reads a memory from the columns that [`decoded`] names.
fn memory(columns: &Columns<'_>) -> Result<Memory> {
    let text = |at, column| stored_text(columns, at, column)?.ok_or_else(|| damaged_row(column, "expected a text"));
    let number = |at| columns.integer(at).unwrap_or_default();
    Ok(Memory {
        id: id(columns)?,
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
