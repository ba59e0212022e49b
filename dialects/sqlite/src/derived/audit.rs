//! Compares all that is derived with the rows it is derived from, with little memory: by a sum of fingerprints for each row.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::ops::ControlFlow;
use std::sync::Arc;

use polymnia::filter::{IndexValue, NamespaceTerms};
use polymnia::{MemoryId, Namespace, Result};

use super::declared::{self, Declared, Entry};
use super::document::Document;
use super::hasher::Hasher;
use super::postings::{Posting, created_of_micros};
use super::shapes;
use crate::connection::Connection;
use crate::statement::{Value, statements};

statements! {
    /// The first row from a number on, and the last of all.
    RowsFrom =
        "SELECT rid, (SELECT max(rid) FROM polymnia_memories) FROM polymnia_memories WHERE rid >= ? ORDER BY rid LIMIT 1";
    Rows =
        "SELECT rid, namespace, created_at, indexed_revision = revision, id, metadata FROM polymnia_memories ",
        "WHERE rid BETWEEN ? AND ? ORDER BY rid LIMIT 20000";
    Postings =
        "SELECT term, created, rid FROM polymnia_postings WHERE (term, created, rid) > (?, ?, ?) ",
        "ORDER BY term, created, rid LIMIT 500000";
    Entries =
        "SELECT number, space, value, rid FROM polymnia_index_entries WHERE (number, space, value, rid) > (?, ?, ?, ?) ",
        "ORDER BY number, space, value, rid LIMIT 50000";
}

/// How many row numbers are looked at together: 18 MB. Few enough in tests that several ranges come about.
const SPAN: i64 = if cfg!(test) { 16 } else { 1 << 21 };
/// How many rows that don't agree are looked at together.
const MAX_ODD: usize = 1 << 10;

/// Is told what an audit finds.
pub(super) trait Auditor {
    /// Of each row: whether it is level and its metadata a document.
    fn row(&mut self, row: &AuditedRow<'_>);

    /// Of a shape of a level row whose paths are not all known.
    fn shape(&mut self, connection: &mut Connection, shape: i64, paths: &[i32]) -> Result<()>;

    /// Of what is derived from rows that are gone, or of an index that is not declared.
    fn orphans(&mut self, connection: &mut Connection, found: Derived) -> Result<()>;

    /// Of a level row that does not agree with what is derived from it, which is this.
    fn odd(&mut self, connection: &mut Connection, rid: i64, found: Derived) -> Result<()>;

    /// Of a number of postings and entries that were looked at.
    fn looked_at(&mut self, count: u64);
}

/// Is a row under audit.
pub(super) struct AuditedRow<'a> {
    pub(super) namespace: &'a Namespace,
    pub(super) id: MemoryId,
    pub(super) is_level: bool,
    pub(super) is_document: bool,
}

/// Is what is derived from a row, or should be.
#[derive(Debug, Default)]
pub(super) struct Derived {
    pub(super) postings: Vec<Posting>,
    pub(super) entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Gone,
    Level,
    NotLevel,
}

/// Is the rows of a range of numbers.
struct Range {
    /// What stands in front of the first row belongs here as well: to no row.
    from: i64,
    first: i64,
    last: i64,
    states: Vec<State>,
    /// The fingerprints of what should be derived from each row, less those of what is.
    sums: Vec<u64>,
}

/// Compares everything.
pub(super) fn audit(connection: &mut Connection, hasher: &Hasher, auditor: &mut impl Auditor) -> Result<()> {
    let declared = declared::list(connection)?;
    let mut audit = Audit { hasher, declared, seen: HashSet::new(), auditor };
    let mut from = i64::MIN;
    loop {
        let rows = rows_from(connection, from)?;
        let mut range = Range::new(from, rows);
        audit.rows(connection, &mut range)?;
        audit.postings(connection, &mut range)?;
        audit.entries(connection, &mut range)?;
        audit.odd(connection, &range)?;
        // The last range takes what stands behind it as well.
        let Some(next) = range.last.checked_add(1) else { return Ok(()) };
        from = next;
    }
}

/// Derives what should be derived of a row. Returns none if the row is gone or not level.
pub(super) fn expected(
    connection: &mut Connection,
    hasher: &Hasher,
    declared: &[Declared],
    rid: i64,
) -> Result<Option<(Namespace, MemoryId, Derived)>> {
    let (mut document, mut found) = (Document::default(), None);
    connection.visit::<Rows>(&[Value::Integer(rid), Value::Integer(rid)], |row| {
        if row.integer(3) == 1 {
            let namespace = Namespace::from_stored(row.text(1).to_owned());
            let terms = hasher.namespace(&namespace);
            document.read(row.bytes(5), &terms, declared);
            let derived = derived(&document, &terms, declared, rid, row.integer(2));
            found = Some((namespace, id(row.bytes(4)), derived));
        }
        ControlFlow::Break(())
    })?;
    Ok(found)
}

struct Audit<'a, A> {
    hasher: &'a Hasher,
    declared: Arc<[Declared]>,
    /// Shapes known to be whole.
    seen: HashSet<i64>,
    auditor: &'a mut A,
}

impl<A: Auditor> Audit<'_, A> {
    /// Looks at the rows of a range.
    fn rows(&mut self, connection: &mut Connection, range: &mut Range) -> Result<()> {
        let mut document = Document::default();
        let mut entered: Option<(Namespace, NamespaceTerms)> = None;
        let (mut next, mut shapes) = (Some(range.first), HashMap::<i64, Box<[i32]>>::new());
        while let Some(first) = next.take() {
            connection.visit::<Rows>(&[Value::Integer(first), Value::Integer(range.last)], |row| {
                let rid = row.integer(0);
                next = rid.checked_add(1);
                let name = row.text(1);
                if entered.as_ref().is_none_or(|(namespace, _)| namespace.as_str() != name) {
                    let namespace = Namespace::from_stored(name.to_owned());
                    let terms = self.hasher.namespace(&namespace);
                    entered = Some((namespace, terms));
                }
                let (namespace, terms) = entered.as_ref().expect("it was entered above");
                let is_document = document.read(row.bytes(5), terms, &self.declared);
                let is_level = row.integer(3) == 1;
                self.auditor.row(&AuditedRow { namespace, id: id(row.bytes(4)), is_level, is_document });
                let Some(at) = range.place(rid) else { return ControlFlow::Continue(()) };
                range.states[at] = if is_level { State::Level } else { State::NotLevel };
                if is_level {
                    let derived = derived(&document, terms, &self.declared, rid, row.integer(2));
                    range.sums[at] = derived.fingerprint(&self.declared);
                    if let Some((shape, paths)) = document.shape()
                        && !self.seen.contains(&shape)
                    {
                        shapes.entry(shape).or_insert_with(|| Box::from(paths));
                    }
                }
                ControlFlow::Continue(())
            })?;
            self.shapes(connection, &mut shapes)?;
        }
        Ok(())
    }

    fn shapes(&mut self, connection: &mut Connection, shapes: &mut HashMap<i64, Box<[i32]>>) -> Result<()> {
        if self.seen.len() > 1 << 18 {
            self.seen.clear();
        }
        for (shape, paths) in shapes.drain() {
            for path in &paths {
                if !shapes::has(connection, *path, shape)? {
                    self.auditor.shape(connection, shape, &paths)?;
                    break;
                }
            }
            self.seen.insert(shape);
        }
        Ok(())
    }

    /// Looks at all postings, and judges those of the range.
    fn postings(&mut self, connection: &mut Connection, range: &mut Range) -> Result<()> {
        let mut after = None;
        loop {
            let (mut orphans, mut count) = (Derived::default(), 0);
            let last = each_posting(connection, after, |posting| {
                let state = range.state(posting.rid);
                count += u64::from(state.is_some());
                match state {
                    Some(State::Gone) => orphans.postings.push(posting),
                    Some(State::Level) => range.subtract(posting.rid, fingerprint(&posting)),
                    Some(State::NotLevel) | None => {}
                }
            })?;
            self.auditor.looked_at(count);
            if !orphans.postings.is_empty() {
                self.auditor.orphans(connection, orphans)?;
            }
            let Some(last) = last else { return Ok(()) };
            after = Some(last);
        }
    }

    /// Looks at all entries of declared indexes, and judges those of the range.
    fn entries(&mut self, connection: &mut Connection, range: &mut Range) -> Result<()> {
        let mut after: Option<Entry> = None;
        loop {
            let (mut orphans, mut count) = (Derived::default(), 0);
            let last = each_entry(connection, after.as_ref(), |entry| {
                let state = range.state(entry.rid);
                count += u64::from(state.is_some());
                match (state, is_kept(&self.declared, entry.number)) {
                    (Some(State::Gone), _) | (Some(_), None) => orphans.entries.push(entry.clone()),
                    (Some(State::Level), Some(true)) => range.subtract(entry.rid, fingerprint_of_entry(entry)),
                    _ => {}
                }
            })?;
            self.auditor.looked_at(count);
            if !orphans.entries.is_empty() {
                self.auditor.orphans(connection, orphans)?;
            }
            let Some(last) = last else { return Ok(()) };
            after = Some(last);
        }
    }

    /// Collects what there is of the rows that do not agree.
    fn odd(&mut self, connection: &mut Connection, range: &Range) -> Result<()> {
        let odd: Vec<i64> =
            (range.first..).zip(&range.sums).filter(|(_, sum)| **sum != 0).map(|(rid, _)| rid).collect();
        for rids in odd.chunks(MAX_ODD) {
            let mut found: HashMap<i64, Derived> = rids.iter().map(|rid| (*rid, Derived::default())).collect();
            let mut after = None;
            while let Some(last) = each_posting(connection, after, |posting| {
                if let Some(derived) = found.get_mut(&posting.rid) {
                    derived.postings.push(posting);
                }
            })? {
                after = Some(last);
            }
            let mut after = None;
            while let Some(last) = each_entry(connection, after.as_ref(), |entry| {
                if let Some(derived) = found.get_mut(&entry.rid) {
                    derived.entries.push(entry.clone());
                }
            })? {
                after = Some(last);
            }
            for rid in rids {
                self.auditor.odd(connection, *rid, found.remove(rid).unwrap_or_default())?;
            }
        }
        Ok(())
    }
}

impl Range {
    /// Returns the range that begins at a number and takes in the first of `rows`, the first and the last row from there on.
    fn new(from: i64, rows: Option<[i64; 2]>) -> Self {
        let Some([first, last]) = rows else {
            return Self { from, first: from, last: i64::MAX, states: Vec::new(), sums: Vec::new() };
        };
        let width = last.saturating_sub(first).min(SPAN - 1);
        let size = usize::try_from(width + 1).expect("a range has few rows");
        let end = first.saturating_add(width);
        let last = if end == last { i64::MAX } else { end };
        Self { from, first, last, states: vec![State::Gone; size], sums: vec![0; size] }
    }

    fn place(&self, rid: i64) -> Option<usize> {
        usize::try_from(rid.checked_sub(self.first)?).ok().filter(|at| *at < self.states.len())
    }

    /// Returns the state of a row; none if it is not for this range to judge.
    fn state(&self, rid: i64) -> Option<State> {
        if rid < self.from || rid > self.last {
            return None;
        }
        Some(self.place(rid).map_or(State::Gone, |at| self.states[at]))
    }

    fn subtract(&mut self, rid: i64, fingerprint: u64) {
        if let Some(at) = self.place(rid) {
            self.sums[at] = self.sums[at].wrapping_sub(fingerprint);
        }
    }
}

impl Derived {
    /// Returns the sum of the fingerprints of what is always kept.
    fn fingerprint(&self, declared: &[Declared]) -> u64 {
        let entries = self.entries.iter().filter(|entry| is_kept(declared, entry.number) == Some(true));
        let fingerprints = self.postings.iter().map(fingerprint).chain(entries.map(fingerprint_of_entry));
        fingerprints.fold(0, u64::wrapping_add)
    }
}

/// Returns what should be derived of a document.
fn derived(document: &Document, terms: &NamespaceTerms, declared: &[Declared], rid: i64, created_at: i64) -> Derived {
    let created = created_of_micros(created_at);
    let entry = |(at, index): (usize, &Declared)| {
        let value = document.value(at)?.clone();
        Some(Entry { number: index.number, space: terms.space(), value, rid })
    };
    Derived {
        postings: document.postings.iter().map(|term| Posting { term: *term, created, rid }).collect(),
        entries: declared.iter().enumerate().filter_map(entry).collect(),
    }
}

/// Returns whether all level rows are in an index; none if it is not declared.
fn is_kept(declared: &[Declared], number: i64) -> Option<bool> {
    declared.iter().find(|index| index.number == number).map(|index| index.ready)
}

fn rows_from(connection: &mut Connection, from: i64) -> Result<Option<[i64; 2]>> {
    let mut rows = None;
    connection.visit::<RowsFrom>(&[Value::Integer(from)], |row| {
        rows = Some([row.integer(0), row.integer(1)]);
        ControlFlow::Break(())
    })?;
    Ok(rows)
}

/// Visits a part of the postings, after one of them, and returns the last; none after the last of all.
fn each_posting(
    connection: &mut Connection,
    after: Option<Posting>,
    mut visit: impl FnMut(Posting),
) -> Result<Option<Posting>> {
    let (term, created, rid) =
        after.map_or((i64::MIN, 0, 0), |Posting { term, created, rid }| (term.into(), created, rid));
    let mut last = None;
    let key = [Value::Integer(term), Value::Integer(created), Value::Integer(rid)];
    connection.visit::<Postings>(&key, |row| {
        // Terms that are none, which no writer of ours stores, stand for others that are no row's either.
        let term = i32::try_from(row.integer(0)).unwrap_or_default();
        let posting = Posting { term, created: row.integer(1), rid: row.integer(2) };
        visit(posting);
        last = Some(posting);
        ControlFlow::Continue(())
    })?;
    Ok(last)
}

/// Visits a part of the entries of declared indexes, after one of them, and returns the last; none after the last of all.
fn each_entry(
    connection: &mut Connection,
    after: Option<&Entry>,
    mut visit: impl FnMut(&Entry),
) -> Result<Option<Entry>> {
    let mut last: Option<Entry> = None;
    let first = [Value::Integer(i64::MIN), Value::Integer(0), Value::Integer(0), Value::Integer(0)];
    let key = after.map_or(first, Entry::values);
    connection.visit::<Entries>(&key, |row| {
        let value =
            if row.is_text(2) { IndexValue::Text(row.text(2).to_owned()) } else { IndexValue::Number(row.real(2)) };
        let space = i32::try_from(row.integer(1)).unwrap_or_default();
        let entry = Entry { number: row.integer(0), space, value, rid: row.integer(3) };
        visit(&entry);
        last = Some(entry);
        ControlFlow::Continue(())
    })?;
    Ok(last)
}

fn id(bytes: &[u8]) -> MemoryId {
    MemoryId::from_bytes(<[u8; 16]>::try_from(bytes).unwrap_or_default())
}

/// Returns a number that tells postings apart well enough to be added up.
fn fingerprint(posting: &Posting) -> u64 {
    let Posting { term, created, rid } = *posting;
    let mut mixed = u64::from(term.cast_unsigned());
    for part in [created.cast_unsigned(), rid.cast_unsigned()] {
        mixed = (mixed ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^= mixed >> 32;
    }
    mixed.wrapping_mul(0xc4ce_b9fe_1a85_ec53)
}

fn fingerprint_of_entry(entry: &Entry) -> u64 {
    let Entry { number, space, value, rid } = entry;
    let mut hasher = DefaultHasher::new();
    (number, space, rid).hash(&mut hasher);
    match value {
        IndexValue::Number(number) => number.to_bits().hash(&mut hasher),
        IndexValue::Text(text) => text.hash(&mut hasher),
    }
    hasher.finish()
}
