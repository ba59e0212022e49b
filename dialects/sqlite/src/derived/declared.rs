//! Declared indexes: which there are, and what writes change in them.

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

use polymnia::filter::{IndexValue, PathReader};
use polymnia::{IndexKind, Path, Result};

use crate::LOG;
use crate::connection::Connection;
use crate::statement::{Value, statements};

statements! {
    Declarations = "SELECT number, path, kind, ready FROM polymnia_indexes ORDER BY number";
    Add = "INSERT OR IGNORE INTO polymnia_index_entries (number, space, value, rid) VALUES (?, ?, ?, ?)";
    Remove = "DELETE FROM polymnia_index_entries WHERE number = ? AND space = ? AND value = ? AND rid = ?";
}

/// Is a declared index.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) number: i64,
    pub(crate) path: Path,
    pub(crate) kind: IndexKind,
    /// Whether every level row is in it.
    pub(crate) ready: bool,
    reader: PathReader,
}

/// Is the declared indexes as a connection knows them, and the rows that say so.
#[derive(Debug)]
pub(crate) struct Known {
    rows: Vec<Declaration>,
    indexes: Arc<[Declared]>,
}

#[derive(Debug, PartialEq, Eq)]
struct Declaration {
    number: i64,
    path: String,
    kind: String,
    ready: bool,
}

/// Returns the declared indexes, in the order of their numbers.
pub(crate) fn list(connection: &mut Connection) -> Result<Arc<[Declared]>> {
    let mut rows = Vec::new();
    connection.visit::<Declarations>(&[], |row| {
        let (path, kind) = (row.text(1).to_owned(), row.text(2).to_owned());
        rows.push(Declaration { number: row.integer(0), path, kind, ready: row.integer(3) == 1 });
        ControlFlow::Continue(())
    })?;
    if let Some(Known { indexes, .. }) = connection.declared.as_ref().filter(|known| known.rows == rows) {
        return Ok(Arc::clone(indexes));
    }
    let indexes: Arc<[Declared]> = rows.iter().filter_map(Declared::new).collect();
    connection.declared = Some(Known { rows, indexes: Arc::clone(&indexes) });
    Ok(indexes)
}

impl Declared {
    /// Returns the index that a row declares; none, and so no index, for a row that no writer of ours stores.
    fn new(row: &Declaration) -> Option<Self> {
        let Declaration { number, path, kind, ready } = row;
        let (Ok(path), Ok(kind)) = (path.parse(), kind.parse()) else {
            log::warn!(target: LOG, "the declaration of index number {number} can't be read: it is not used");
            return None;
        };
        let reader = PathReader::new(&path);
        Some(Self { number: *number, path, kind, ready: *ready, reader })
    }

    /// Returns what the index holds of a document; none if nothing.
    pub(super) fn value(&self, metadata: &[u8]) -> Option<IndexValue> {
        self.reader.read(metadata).filter(|value| match value {
            IndexValue::Number(_) => self.kind == IndexKind::Number,
            IndexValue::Text(_) => self.kind == IndexKind::Text,
        })
    }
}

/// Collects changes of entries in declared indexes. Of several changes of one entry, the last counts.
#[derive(Debug, Default)]
pub(super) struct Entries(Vec<Change>);

/// Is an entry of a declared index.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) number: i64,
    pub(super) space: i32,
    pub(super) value: IndexValue,
    pub(super) rid: i64,
}

#[derive(Debug)]
struct Change {
    entry: Entry,
    is_added: bool,
}

impl Entries {
    /// How many changes may wait, each of at most some 300 bytes.
    const MAX_PENDING: usize = 1 << 15;

    /// Adds an entry, or takes it away.
    pub(super) fn push(&mut self, entry: Entry, is_added: bool) {
        self.0.push(Change { entry, is_added });
    }

    /// Returns whether it is time to apply the changes.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= Self::MAX_PENDING
    }

    /// Applies the changes.
    pub(super) fn flush(&mut self, connection: &mut Connection) -> Result<()> {
        // Stable: the last of equal ones stays the last.
        self.0.sort_by(|one, other| one.entry.compare(&other.entry));
        self.0.reverse();
        self.0.dedup_by(|one, other| one.entry.compare(&other.entry).is_eq());
        self.0.reverse();
        let some = |is_added| self.0.iter().filter(move |change| change.is_added == is_added);
        connection.run_each::<Remove, 4>(some(false).map(|change| change.entry.values()))?;
        connection.run_each::<Add, 4>(some(true).map(|change| change.entry.values()))?;
        self.0.clear();
        Ok(())
    }
}

impl Entry {
    /// Compares as the key of the table does.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let value = || match (&self.value, &other.value) {
            (IndexValue::Number(one), IndexValue::Number(other)) => one.total_cmp(other),
            (IndexValue::Text(one), IndexValue::Text(other)) => one.cmp(other),
            (IndexValue::Number(_), IndexValue::Text(_)) => Ordering::Less,
            (IndexValue::Text(_), IndexValue::Number(_)) => Ordering::Greater,
        };
        (self.number, self.space)
            .cmp(&(other.number, other.space))
            .then_with(value)
            .then_with(|| self.rid.cmp(&other.rid))
    }

    pub(super) fn values(&self) -> [Value<'_>; 4] {
        let value = match &self.value {
            IndexValue::Number(number) => Value::Real(*number),
            IndexValue::Text(text) => Value::Text(text),
        };
        [Value::Integer(self.number), Value::Integer(self.space.into()), value, Value::Integer(self.rid)]
    }
}

/// Removes entries, whether they are there or not, and returns how many were.
pub(super) fn remove(connection: &mut Connection, entries: &[Entry]) -> Result<u64> {
    connection.run_each::<Remove, 4>(entries.iter().map(Entry::values))
}

/// Adds entries, in the order of the table.
pub(super) fn add(connection: &mut Connection, entries: &mut Vec<Entry>) -> Result<()> {
    entries.sort_by(Entry::compare);
    connection.run_each::<Add, 4>(entries.iter().map(Entry::values))?;
    entries.clear();
    Ok(())
}
