//! Makes rows level that are not, in parts that are sorted as large wholes.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use polymnia::{Namespace, Result};

use super::declared::{self, Declared, Entry};
use super::document::Document;
use super::hasher::{self, Hasher};
use super::postings::{self, Posting, created_of_micros};
use super::shapes::Shapes;
use crate::connection::Connection;
use crate::statement::{Value, statements};

statements! {
    NotLevel =
        "SELECT rid, namespace, created_at, revision, id, metadata FROM polymnia_memories ",
        "INDEXED BY polymnia_memories_unlevel ",
        "WHERE indexed_revision <> revision AND (namespace, created_at, id) > (?, ?, ?) ",
        "ORDER BY namespace, created_at, id";
    /// Not of a row that was written since it was read.
    Level =
        "UPDATE polymnia_memories SET indexed_revision = revision ",
        "WHERE rid = ? AND revision = ? AND indexed_revision <> revision";
}

/// How much of what is to be derived is sorted at once: 16 MB of postings, and few more of the rest.
const MAX_POSTINGS: usize = 2 << 20;
const MAX_ROWS: usize = 1 << 18;
const MAX_ENTRIES: usize = 1 << 16;
const MAX_PATHS: usize = 1 << 20;

/// Is a place in the order of the rows that are not level.
#[derive(Clone, Debug, Default)]
struct Place {
    /// Before the first, this is empty, as no namespace is.
    namespace: String,
    created_at: i64,
    id: Vec<u8>,
}

/// Is what is derived from some rows, before it is written.
struct Part {
    hasher: Hasher,
    declared: Arc<[Declared]>,
    rows: Vec<Row>,
    /// A term in the upper half, of which the sign is turned so that they sort as terms do; the row's place in the lower half.
    postings: Vec<u64>,
    entries: Vec<Entry>,
    /// The shapes with their paths.
    shapes: HashMap<i64, Box<[i32]>>,
    paths: usize,
}

#[derive(Clone, Copy)]
struct Row {
    rid: i64,
    created: i64,
    revision: i64,
    is_level: bool,
}

/// Makes all rows level, in transactions of bounded size, and returns how many there were. A row that someone else writes
/// meanwhile is left as it then is.
pub(super) fn drain(connection: &mut Connection) -> Result<u64> {
    let (mut place, mut indexed) = (Place::default(), 0);
    while let Some(hasher) = hasher::read(connection)?.cloned() {
        let declared = declared::list(connection)?;
        let mut part = Part::new(hasher, declared);
        let end = part.read(connection, &place)?;
        if part.rows.is_empty() {
            break;
        }
        if let Some(written) = connection.write(|connection| part.write(connection))? {
            indexed += written;
            place = end;
        }
    }
    Ok(indexed)
}

impl Part {
    fn new(hasher: Hasher, declared: Arc<[Declared]>) -> Self {
        let (rows, postings, entries, shapes) = (Vec::new(), Vec::new(), Vec::new(), HashMap::new());
        Self { hasher, declared, rows, postings, entries, shapes, paths: 0 }
    }

    /// Reads rows after a place until there is enough, and returns the place of the last. It holds no lock afterwards.
    fn read(&mut self, connection: &mut Connection, after: &Place) -> Result<Place> {
        let (mut document, mut place) = (Document::default(), after.clone());
        let mut namespace = None;
        let key = [Value::Text(&after.namespace), Value::Integer(after.created_at), Value::Blob(&after.id)];
        connection.visit::<NotLevel>(&key, |row| {
            let name = row.text(1);
            if place.namespace != name || namespace.is_none() {
                name.clone_into(&mut place.namespace);
                namespace = Some(self.hasher.namespace(&Namespace::from_stored(name.to_owned())));
            }
            place.created_at = row.integer(2);
            place.id.clear();
            place.id.extend_from_slice(row.bytes(4));
            let terms = namespace.as_ref().expect("the namespace was entered above");
            document.read(row.bytes(5), terms, &self.declared);
            let (rid, revision) = (row.integer(0), row.integer(3));
            self.push(Row { rid, created: created_of_micros(place.created_at), revision, is_level: false }, &document);
            for (index, value) in
                self.declared.iter().zip(0..).filter_map(|(index, at)| Some((index, document.value(at)?)))
            {
                let value = value.clone();
                self.entries.push(Entry { number: index.number, space: terms.space(), value, rid });
            }
            if self.is_full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(place)
    }

    fn push(&mut self, row: Row, document: &Document) {
        let place = self.rows.len() as u64;
        self.rows.push(row);
        self.postings.extend(document.postings.iter().map(|term| sortable(*term) << 32 | place));
        if let Some((shape, paths)) = document.shape()
            && !self.shapes.contains_key(&shape)
        {
            self.paths += paths.len();
            self.shapes.insert(shape, Box::from(paths));
        }
    }

    fn is_full(&self) -> bool {
        self.postings.len() >= MAX_POSTINGS
            || self.rows.len() >= MAX_ROWS
            || self.entries.len() >= MAX_ENTRIES
            || self.paths >= MAX_PATHS
    }

    /// Writes what was derived and returns how many rows became level. Nothing is written, and none returned, if what it was
    /// derived by holds no more. Requires the write lock.
    fn write(&mut self, connection: &mut Connection) -> Result<Option<u64>> {
        if hasher::read(connection)? != Some(&self.hasher) || !Arc::ptr_eq(&declared::list(connection)?, &self.declared)
        {
            return Ok(None);
        }
        let mut at = 0;
        let values = |row: &Row| [Value::Integer(row.rid), Value::Integer(row.revision)];
        let (keys, rows): (Vec<_>, _) = (self.rows.iter().map(values).collect(), &mut self.rows);
        connection.run_each_told::<Level, 2>(keys, |changed| {
            rows[at].is_level = changed == 1;
            at += 1;
        })?;
        self.postings.sort_unstable();
        let row_of = |posting: u64| {
            let place = usize::try_from(posting & u64::from(u32::MAX));
            &self.rows[place.expect("there is a row at each place")]
        };
        let wanted = self.postings.iter().filter_map(|posting| {
            let Row { created, rid, is_level, .. } = *row_of(*posting);
            is_level.then_some(Posting { term: unsortable(posting >> 32), created, rid })
        });
        postings::add(connection, wanted)?;
        if !self.entries.is_empty() {
            let changed: std::collections::HashSet<i64> =
                self.rows.iter().filter(|row| !row.is_level).map(|row| row.rid).collect();
            self.entries.retain(|entry| !changed.contains(&entry.rid));
            declared::add(connection, &mut self.entries)?;
        }
        let mut shapes = Shapes::default();
        for (shape, paths) in &self.shapes {
            shapes.push(connection, *shape, paths)?;
        }
        shapes.flush(connection)?;
        Ok(Some(self.rows.iter().filter(|row| row.is_level).count() as u64))
    }
}

/// Returns a term as a number without sign that sorts as the term does.
fn sortable(term: i32) -> u64 {
    u64::from(term.cast_unsigned() ^ (1 << 31))
}

/// Returns the term of a [`sortable`] one.
fn unsortable(number: u64) -> i32 {
    u32::try_from(number).expect("a term is half as long").cast_signed() ^ i32::MIN
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;
    use polymnia::{Expect, IndexKind, Mutation, Patch};

    use super::super::tests::{Database, id, new_memory};
    use super::*;

    #[test]
    fn rows_written_meanwhile_are_left_as_they_are() {
        let database = Database::new();
        let rng = &mut Rng::with_seed(11);
        let mut put = |number| {
            let memory = new_memory(rng, i64::from(u32::MAX));
            Mutation::Put { id: id(number), memory, expect: Expect::Any }
        };
        let puts: Vec<Mutation> = (0..20).map(&mut put).collect();
        database.load("one", &puts);
        let read = |connection: &mut Connection| {
            let hasher = hasher::read(connection)?.cloned().expect("a new database has a seed");
            let mut part = Part::new(hasher, declared::list(connection)?);
            part.read(connection, &Place::default())?;
            Ok(part)
        };
        let mut part = database.with(read);
        // One gets postings of its own, one is gone, one stays for another time.
        let patch = Patch { content: Some("other".parse().unwrap()), ..Patch::default() };
        let (first, gone) = (put(1), Mutation::Delete { id: id(2), expect: Expect::Any });
        database.apply("one", &[first, gone]);
        database.load("one", &[Mutation::Update { id: id(3), patch, expect: Expect::Any }]);
        let indexed = database.with(|connection| connection.write(|connection| part.write(connection)));
        assert_eq!(indexed, Some(17));
        assert_eq!(database.verify().pending, 1);
        database.check("written meanwhile");
        // What was derived before an index was declared lacks its entries.
        let mut part = database.with(read);
        database.create_index("a", IndexKind::Number);
        assert_eq!(database.with(|connection| connection.write(|connection| part.write(connection))), None);
        assert_eq!(database.with(drain), 1);
        database.check("drained");
    }

    #[test]
    fn terms_keep_their_order() {
        let terms = [i32::MIN, -7, -1, 0, 1, 7, i32::MAX];
        assert!(terms.windows(2).all(|pair| sortable(pair[0]) < sortable(pair[1])));
        assert!(terms.iter().all(|term| unsortable(sortable(*term)) == *term));
    }
}
