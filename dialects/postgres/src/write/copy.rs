//! Bulk loads: batches of new memories by COPY, which the server takes in while they are still being sent.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::pg::CopyFormat;
use diesel::prelude::ExecuteCopyFromDsl as _;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use polymnia::{
    ApplyReport, Call, ChangeOperation, Effect, Expect, Memory, MemoryId, Mutation, Namespace, NewMemory,
    RelatedThreads, Result, Revision, Timestamp,
};

use super::{Capture, Claim};
use crate::error::Fault;
use crate::session::{Scope, Session};
use crate::sql::pg_time;

/// A smaller batch gains nothing.
const FEWEST: usize = 100;
/// After a batch that met memories already there, so many go without a try.
const PAUSE: u32 = 16;
/// What is sent at a time.
const CHUNK: usize = 64 << 10;

/// Remembers whether batches are of new memories of late.
#[derive(Debug, Default)]
pub(crate) struct Novelty(AtomicU32);

impl Novelty {
    fn is_likely(&self) -> bool {
        let one_less = |pause: u32| pause.checked_sub(1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_err()
    }

    fn is_over(&self) {
        self.0.store(PAUSE, Ordering::Relaxed);
    }
}

/// Applies a batch: by COPY if all of it is new, else as any other.
pub(crate) fn load(
    session: &mut Session,
    call: &Call,
    namespace: &Namespace,
    batch: &[Mutation],
    novelty: &Novelty,
) -> Result<ApplyReport, Fault> {
    let rows = match rows(call.now, batch) {
        Some(rows) if novelty.is_likely() => rows,
        _ => return super::apply(session, call, namespace, batch),
    };
    let copied = session.within(Scope::Transaction, |session| {
        // In the order of ids, as every batch does it.
        let capture = Capture::claim(session, namespace, Claim::Shared)?;
        copy(session, namespace, &rows)?;
        capture.record(session, namespace, batch.iter().map(|one| (one.id().into(), ChangeOperation::Write)))
    });
    match copied {
        Ok(()) => Ok(report(batch)),
        Err(Fault::Database { error: DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _), .. }) => {
            novelty.is_over();
            super::apply(session, call, namespace, batch)
        }
        Err(fault) => Err(fault),
    }
}

diesel::table! {
    polymnia.memories (namespace, id) {
        namespace -> Text,
        id -> Uuid,
        user_id -> Nullable<Text>,
        agent_id -> Nullable<Text>,
        thread_id -> Nullable<Text>,
        tier -> Text,
        content -> Text,
        metadata -> Jsonb,
        importance -> Double,
        related_threads -> Array<Text>,
        revision -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
    }
}

/// Is a memory as it will be stored.
struct Row<'a> {
    id: MemoryId,
    user_id: Option<&'a str>,
    agent_id: Option<&'a str>,
    thread_id: Option<&'a str>,
    tier: &'a str,
    content: &'a str,
    metadata: &'a str,
    importance: f64,
    related_threads: &'a RelatedThreads,
    revision: Revision,
    created_at: Timestamp,
    updated_at: Timestamp,
    expires_at: Option<Timestamp>,
}

/// Returns the rows of a batch that does nothing but add memories, in the order of their ids.
fn rows(now: Timestamp, batch: &[Mutation]) -> Option<Vec<Row<'_>>> {
    if batch.len() < FEWEST {
        return None;
    }
    let mut rows = batch.iter().map(|mutation| Row::of(now, mutation)).collect::<Option<Vec<_>>>()?;
    let ids: HashSet<MemoryId> = rows.iter().map(|row| row.id).collect();
    if ids.len() < rows.len() {
        return None;
    }
    rows.sort_unstable_by_key(|row| row.id);
    Some(rows)
}

fn report(batch: &[Mutation]) -> ApplyReport {
    let outcome = |mutation: &Mutation| {
        let revision = match mutation {
            Mutation::Restore { memory, .. } => memory.revision,
            _ => Revision::FIRST,
        };
        polymnia::Outcome { id: mutation.id(), effect: Effect::Created, revision: Some(revision) }
    };
    ApplyReport { outcomes: batch.iter().map(outcome).collect() }
}

impl<'a> Row<'a> {
    fn of(now: Timestamp, mutation: &'a Mutation) -> Option<Self> {
        Some(match mutation {
            Mutation::Restore { memory, .. } => Self::of_memory(memory),
            Mutation::Put { id, memory, expect: Expect::Any | Expect::Absent } => Self::of_new(*id, memory, now),
            _ => return None,
        })
    }

    fn of_memory(memory: &'a Memory) -> Self {
        Self {
            id: memory.id,
            user_id: memory.user_id.as_ref().map(AsRef::as_ref),
            agent_id: memory.agent_id.as_ref().map(AsRef::as_ref),
            thread_id: memory.thread_id.as_ref().map(AsRef::as_ref),
            tier: memory.tier.as_str(),
            content: memory.content.as_str(),
            metadata: memory.metadata.as_str(),
            importance: memory.importance.as_f64(),
            related_threads: &memory.related_threads,
            revision: memory.revision,
            created_at: memory.created_at,
            updated_at: memory.updated_at,
            expires_at: memory.expires_at,
        }
    }

    fn of_new(id: MemoryId, memory: &'a NewMemory, now: Timestamp) -> Self {
        Self {
            id,
            user_id: memory.user_id.as_ref().map(AsRef::as_ref),
            agent_id: memory.agent_id.as_ref().map(AsRef::as_ref),
            thread_id: memory.thread_id.as_ref().map(AsRef::as_ref),
            tier: memory.tier.as_str(),
            content: memory.content.as_str(),
            metadata: memory.metadata.as_str(),
            importance: memory.importance.as_f64(),
            related_threads: &memory.related_threads,
            revision: Revision::FIRST,
            created_at: memory.created_at.unwrap_or(now),
            updated_at: now,
            expires_at: memory.expires_at,
        }
    }

    /// Adds the row in COPY's binary form.
    fn write(&self, namespace: &Namespace, out: &mut Vec<u8>) {
        out.extend_from_slice(&14_i16.to_be_bytes());
        field(out, Some(namespace.as_str().as_bytes()));
        field(out, Some(self.id.as_bytes()));
        for text in [self.user_id, self.agent_id, self.thread_id, Some(self.tier), Some(self.content)] {
            field(out, text.map(str::as_bytes));
        }
        length(out, self.metadata.len() + 1);
        // The version of jsonb on the wire.
        out.push(1);
        out.extend_from_slice(self.metadata.as_bytes());
        field(out, Some(&self.importance.to_be_bytes()));
        threads(out, self.related_threads);
        field(out, Some(&self.revision.as_i64().to_be_bytes()));
        for time in [Some(self.created_at), Some(self.updated_at), self.expires_at] {
            field(out, time.map(|time| pg_time(time).0.to_be_bytes()).as_ref().map(<[u8; 8]>::as_slice));
        }
    }
}

fn copy(session: &mut Session, namespace: &Namespace, rows: &[Row<'_>]) -> Result<(), Fault> {
    let send = |out: &mut dyn io::Write| -> Result<(), DieselError> {
        let failed = |error: io::Error| DieselError::SerializationError(Box::new(error));
        let mut chunk = Vec::with_capacity(2 * CHUNK);
        chunk.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
        // No flags, nothing more in the header.
        chunk.extend_from_slice(&[0; 8]);
        for row in rows {
            row.write(namespace, &mut chunk);
            if chunk.len() >= CHUNK {
                out.write_all(&chunk).map_err(failed)?;
                chunk.clear();
            }
        }
        chunk.extend_from_slice(&(-1_i16).to_be_bytes());
        out.write_all(&chunk).map_err(failed)
    };
    diesel::copy_from(memories::table)
        .from_raw_data(memories::all_columns, send)
        .with_format(CopyFormat::Binary)
        .execute(&mut session.connection)?;
    Ok(())
}

fn field(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        Some(value) => {
            length(out, value.len());
            out.extend_from_slice(value);
        }
        None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
    }
}

fn length(out: &mut Vec<u8>, bytes: usize) {
    out.extend_from_slice(&i32::try_from(bytes).expect("values are of 1 MiB at most").to_be_bytes());
}

/// Adds an array of texts.
fn threads(out: &mut Vec<u8>, threads: &RelatedThreads) {
    /// `text`'s number among the server's types.
    const TEXT: i32 = 25;
    let threads = threads.as_slice();
    let dimensions = i32::from(!threads.is_empty());
    let elements: usize = threads.iter().map(|thread| 4 + thread.as_str().len()).sum();
    length(out, 12 + 8 * usize::from(!threads.is_empty()) + elements);
    for number in [dimensions, 0, TEXT] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    if !threads.is_empty() {
        length(out, threads.len());
        // The first index.
        out.extend_from_slice(&1_i32.to_be_bytes());
    }
    for thread in threads {
        field(out, Some(thread.as_str().as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(id: u8) -> Mutation {
        let memory = NewMemory::new("x").unwrap();
        Mutation::Put { id: MemoryId::from_bytes([id; 16]), memory, expect: Expect::Any }
    }

    #[test]
    fn only_what_adds_memories_is_copied() {
        let now = Timestamp::from_micros(0).unwrap();
        let mut batch: Vec<Mutation> = (0..100).rev().map(put).collect();
        let sorted: Vec<MemoryId> = rows(now, &batch).unwrap().iter().map(|row| row.id).collect();
        assert!(sorted.is_sorted() && sorted.len() == 100);
        batch.push(put(7));
        assert!(rows(now, &batch).is_none(), "the same id twice");
        *batch.last_mut().unwrap() = Mutation::Delete { id: MemoryId::from_bytes([200; 16]), expect: Expect::Any };
        assert!(rows(now, &batch).is_none(), "a delete");
        assert!(rows(now, &batch[..50]).is_none(), "few");
    }

    #[test]
    fn a_conflict_is_remembered_for_a_while() {
        let novelty = Novelty::default();
        assert!(novelty.is_likely() && novelty.is_likely());
        novelty.is_over();
        assert_eq!((0..20).filter(|_| novelty.is_likely()).count(), 4);
    }

    #[test]
    fn an_array_says_how_long_it_is() {
        let mut out = Vec::new();
        threads(&mut out, &RelatedThreads::default());
        assert_eq!(out, [0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25]);
        out.clear();
        threads(&mut out, &RelatedThreads::new(["ab".parse().unwrap()]).unwrap());
        assert_eq!(out[..8], [0, 0, 0, 26, 0, 0, 0, 1]);
        assert_eq!(out[16..], [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, b'a', b'b']);
        assert_eq!(out.len(), 30);
    }
}
