//! Keeps what is derived level with the rows that a transaction writes.

use std::ops::ControlFlow;
use std::sync::Arc;

use polymnia::filter::NamespaceTerms;
use polymnia::{Namespace, Result, Revision};

use super::declared::{self, Declared, Entries, Entry};
use super::document::Document;
use super::hasher::{self, Hasher};
use super::postings::{Postings, created_of_micros};
use super::shapes::Shapes;
use crate::connection::Connection;
use crate::statement::{Value, statements};

statements! {
    Stored = "SELECT metadata FROM polymnia_memories WHERE rid = ?";
}

/// Derives what is derived from the rows that one transaction writes. It is told of each write before the row is removed or
/// overwritten, and after it is inserted; [`flush`](Self::flush) must be the last it is told.
#[derive(Debug)]
pub(crate) struct Deriver {
    /// None if the postings of this database are not of this build: then no row is level.
    hasher: Option<Hasher>,
    declared: Arc<[Declared]>,
    new_rows: NewRows,
    /// The namespace of the rows written now.
    namespace: Option<(Namespace, NamespaceTerms)>,
    before: Document,
    now: Document,
    postings: Postings,
    entries: Entries,
    shapes: Shapes,
}

/// Says what becomes of rows that are new, or not level so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewRows {
    /// They become level.
    Derive,
    /// They are left to [`optimize`](super::optimize).
    Leave,
}

/// Is a row that is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) rid: i64,
    /// In microseconds.
    pub(crate) created_at: i64,
    /// Whether what is derived of it is of its present revision.
    pub(crate) is_level: bool,
}

impl Deriver {
    /// Begins a transaction's work. Requires the write lock.
    pub(crate) fn begin(connection: &mut Connection, new_rows: NewRows) -> Result<Self> {
        let hasher = hasher::read(connection)?.cloned();
        Ok(Self {
            hasher,
            declared: declared::list(connection)?,
            new_rows,
            namespace: None,
            before: Document::default(),
            now: Document::default(),
            postings: Postings::default(),
            entries: Entries::default(),
            shapes: Shapes::default(),
        })
    }

    /// Says of which namespace the rows are that come next.
    pub(crate) fn enter(&mut self, namespace: &Namespace) {
        let Some(hasher) = &self.hasher else { return };
        if self.namespace.as_ref().is_none_or(|(entered, _)| entered != namespace) {
            self.namespace = Some((namespace.clone(), hasher.namespace(namespace)));
        }
    }

    /// Returns the `indexed_revision` of a new row.
    pub(crate) fn indexed(&self, revision: Revision) -> i64 {
        if self.derives_new_rows() { revision.as_i64() } else { 0 }
    }

    /// Derives from a row just inserted.
    pub(crate) fn insert(
        &mut self,
        connection: &mut Connection,
        rid: i64,
        created_at: i64,
        metadata: &str,
    ) -> Result<()> {
        if !self.derives_new_rows() {
            return Ok(());
        }
        let Some((_, terms)) = &self.namespace else { return Ok(()) };
        self.before.clear();
        self.now.read(metadata.as_bytes(), terms, &self.declared);
        self.push_difference(connection, Row { rid, created_at, is_level: false })
    }

    /// Derives from a row about to be overwritten, by other metadata if that is given. Returns whether the row is level then.
    pub(crate) fn overwrite(&mut self, connection: &mut Connection, row: Row, metadata: Option<&str>) -> Result<bool> {
        let Some((_, terms)) = &self.namespace else { return Ok(false) };
        let (before, now, declared) = (&mut self.before, &mut self.now, &*self.declared);
        match (row.is_level, metadata) {
            (true, None) => return Ok(true),
            (false, _) if self.new_rows == NewRows::Leave => return Ok(false),
            (true, Some(metadata)) => {
                let metadata = metadata.as_bytes();
                let mut stays = false;
                stored(connection, row.rid, |stored| {
                    stays = stored == metadata;
                    if !stays {
                        before.read(stored, terms, declared);
                    }
                })?;
                if stays {
                    return Ok(true);
                }
                now.read(metadata, terms, declared);
            }
            // Of what it had before, nothing is known.
            (false, given) => {
                before.clear();
                match given {
                    Some(metadata) => {
                        now.read(metadata.as_bytes(), terms, declared);
                    }
                    None => stored(connection, row.rid, |stored| {
                        now.read(stored, terms, declared);
                    })?,
                }
            }
        }
        self.push_difference(connection, row)?;
        Ok(true)
    }

    /// Takes away what is derived from a row about to be removed.
    pub(crate) fn remove(&mut self, connection: &mut Connection, row: Row) -> Result<()> {
        let Some((_, terms)) = self.namespace.as_ref().filter(|_| row.is_level) else { return Ok(()) };
        let (before, declared) = (&mut self.before, &*self.declared);
        stored(connection, row.rid, |stored| {
            before.read(stored, terms, declared);
        })?;
        self.now.clear();
        self.push_difference(connection, row)
    }

    /// Returns what [`rename`](Self::rename) needs of a new name; none if nothing can be derived.
    pub(crate) fn renamed(&self, to: &Namespace) -> Option<NamespaceTerms> {
        self.hasher.as_ref().map(|hasher| hasher.namespace(to))
    }

    /// Derives from a level row that is about to become one of another namespace.
    pub(crate) fn rename(&mut self, connection: &mut Connection, row: Row, to: &NamespaceTerms) -> Result<()> {
        let Some((_, terms)) = &self.namespace else { return Ok(()) };
        let (before, now, declared) = (&mut self.before, &mut self.now, &*self.declared);
        stored(connection, row.rid, |stored| {
            before.read(stored, terms, declared);
            now.read(stored, to, declared);
        })?;
        self.push_difference_of(connection, row, to.space())
    }

    /// Applies what is left to be applied.
    pub(crate) fn flush(&mut self, connection: &mut Connection) -> Result<()> {
        self.postings.flush(connection)?;
        self.entries.flush(connection)?;
        self.shapes.flush(connection)
    }

    fn derives_new_rows(&self) -> bool {
        self.hasher.is_some() && self.new_rows == NewRows::Derive
    }

    /// Collects what makes the documents differ.
    fn push_difference(&mut self, connection: &mut Connection, row: Row) -> Result<()> {
        let Some((_, terms)) = &self.namespace else { return Ok(()) };
        let space = terms.space();
        self.push_difference_of(connection, row, space)
    }

    /// Collects what makes the documents differ, of which the second may be of another namespace.
    fn push_difference_of(&mut self, connection: &mut Connection, row: Row, space: i32) -> Result<()> {
        let Self { declared, namespace: Some((_, terms)), before, now, postings, entries, shapes, .. } = self else {
            return Ok(());
        };
        let (created, rid) = (created_of_micros(row.created_at), row.rid);
        postings.push_difference(created, rid, &before.postings, &now.postings);
        for (at, index) in declared.iter().enumerate() {
            let (before, now) = ((terms.space(), before.value(at)), (space, now.value(at)));
            if before == now {
                continue;
            }
            for ((space, value), is_added) in [(before, false), (now, true)] {
                if let Some(value) = value.cloned() {
                    entries.push(Entry { number: index.number, space, value, rid }, is_added);
                }
            }
        }
        if let Some((shape, paths)) = now.shape()
            && before.shape().is_none_or(|(before, _)| before != shape)
        {
            shapes.push(connection, shape, paths)?;
        }
        if postings.is_full() || entries.is_full() || shapes.is_full() {
            self.flush(connection)?;
        }
        Ok(())
    }
}

/// Shows the metadata of a row as it is stored.
fn stored(connection: &mut Connection, rid: i64, mut show: impl FnMut(&[u8])) -> Result<()> {
    connection.visit::<Stored>(&[Value::Integer(rid)], |row| {
        show(row.bytes(0));
        ControlFlow::Break(())
    })
}
