//! Writing: batches of mutations, and removal by selection.
//!
//! Everything happens under the write lock, which a transaction takes when it begins. So what is read stays true until
//! COMMIT, and each mutation may look first and then write.

mod removal;
mod rename;

use std::ops::ControlFlow;

use polymnia::spi::refusal;
use polymnia::{
    ApplyReport, ChangeOperation, Effect, Error, ErrorKind, Expect, Memory, MemoryId, Metadata, Mutation, Namespace,
    NewMemory, OnConflict, Outcome, Patch, Result, Revision, Selection, Timestamp,
};

use self::removal::Removal;
pub(crate) use self::removal::{delete_namespace, sweep};
pub(crate) use self::rename::rename;
use crate::capture::Capture;
use crate::connection::Connection;
use crate::derived::deriver::{Deriver, NewRows, Row};
use crate::derived::hasher;
use crate::raw::BulkRow;
use crate::read;
use crate::row::{self, threads_to_json};
use crate::statement::{Sql, Value, statements};

statements! {
    Insert =
        "INSERT INTO polymnia_memories (namespace, id, user_id, agent_id, thread_id, tier, content, metadata, ",
        "importance, related_threads, revision, indexed_revision, created_at, updated_at, expires_at) ",
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (namespace, id) DO NOTHING";
    Find =
        "SELECT rid, revision, created_at, updated_at, expires_at, indexed_revision = revision FROM polymnia_memories ",
        "WHERE namespace = ? AND id = ?";
    Overwrite =
        "UPDATE polymnia_memories SET user_id = ?, agent_id = ?, thread_id = ?, tier = ?, content = ?, metadata = ?, ",
        "importance = ?, related_threads = ?, revision = ?, indexed_revision = ?, updated_at = ?, ",
        "expires_at = ? WHERE rid = ?";
    Remove = "DELETE FROM polymnia_memories WHERE rid = ?";
}

/// Applies a batch. `new_rows` says whether new rows become level.
pub(crate) fn apply(
    connection: &mut Connection,
    now: Timestamp,
    namespace: &Namespace,
    batch: &[Mutation],
    new_rows: NewRows,
) -> Result<ApplyReport> {
    connection.write(|connection| apply_within(connection, now, namespace, batch, new_rows))
}

/// Applies a batch in the transaction that is open, which can write.
pub(crate) fn apply_within(
    connection: &mut Connection,
    now: Timestamp,
    namespace: &Namespace,
    batch: &[Mutation],
    new_rows: NewRows,
) -> Result<ApplyReport> {
    let capture = Capture::begin(connection)?;
    let mut deriver = Deriver::begin(connection, new_rows)?;
    deriver.enter(namespace);
    let mut writer = Writer { connection, capture, deriver, namespace, now };
    let mut outcomes = Vec::with_capacity(batch.len());
    for (index, mutation) in batch.iter().enumerate() {
        let outcome = writer.apply(mutation).map_err(|error| match error.kind() {
            // What the mutation itself is to blame for: a deadline passes anywhere.
            ErrorKind::Conflict | ErrorKind::NotFound if batch.len() > 1 => error.with_context("mutation", index),
            _ => error,
        })?;
        outcomes.push(outcome);
    }
    writer.deriver.flush(writer.connection)?;
    Ok(ApplyReport { outcomes })
}

pub(crate) fn delete_matching(
    connection: &mut Connection,
    now: Timestamp,
    namespace: &Namespace,
    selection: &Selection,
) -> Result<u64> {
    connection.write(|connection| {
        // Under the write lock, where it stays true.
        hasher::read(connection)?;
        let mut rids = read::matching(connection, now, namespace, selection)?;
        let mut removal = Removal::begin(connection)?;
        for part in rids.chunks_mut(Removal::PART.into()) {
            removal.remove(connection, part)?;
        }
        removal.finish(connection)?;
        Ok(rids.len() as u64)
    })
}

/// Applies the mutations of one batch.
struct Writer<'a> {
    connection: &'a mut Connection,
    capture: Capture,
    deriver: Deriver,
    namespace: &'a Namespace,
    now: Timestamp,
}

/// Is what a row of the table says of itself.
#[derive(Clone, Copy, Debug)]
struct Existing {
    rid: i64,
    revision: Revision,
    created_at: Timestamp,
    updated_at: Timestamp,
    expires_at: Option<Timestamp>,
    is_level: bool,
}

/// Is a row to be inserted.
struct NewRow<'a> {
    id: MemoryId,
    memory: Fields<'a>,
    revision: Revision,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Is the fields that a put and a restore have in common.
struct Fields<'a> {
    user_id: Value<'a>,
    agent_id: Value<'a>,
    thread_id: Value<'a>,
    tier: Value<'a>,
    content: Value<'a>,
    metadata: &'a str,
    importance: Value<'a>,
    expires_at: Value<'a>,
    /// A JSON array; none stands for the empty one.
    related_threads: Option<String>,
}

impl Writer<'_> {
    fn apply(&mut self, mutation: &Mutation) -> Result<Outcome> {
        let outcome = match mutation {
            Mutation::Put { id, memory, expect } => self.put(*id, memory, *expect),
            Mutation::Update { id, patch, expect } => self.update(*id, patch, *expect),
            Mutation::Delete { id, expect } => self.delete(*id, *expect),
            Mutation::Restore { memory, on_conflict } => self.restore(memory, *on_conflict),
            _ => Err(Error::new(ErrorKind::Unsupported, "the sqlite dialect does not know this mutation")),
        }?;
        let operation = match outcome.effect {
            Effect::Created | Effect::Updated => ChangeOperation::Write,
            Effect::Deleted => ChangeOperation::Delete,
            _ => return Ok(outcome),
        };
        self.capture.record(self.connection, self.namespace, outcome.id, operation)?;
        Ok(outcome)
    }

    fn put(&mut self, id: MemoryId, memory: &NewMemory, expect: Expect) -> Result<Outcome> {
        let row = NewRow {
            id,
            memory: Fields::of_new(memory),
            revision: Revision::FIRST,
            created_at: memory.created_at.unwrap_or(self.now),
            updated_at: self.now,
        };
        let created = Outcome { id, effect: Effect::Created, revision: Some(Revision::FIRST) };
        // Most memories are new: then this is the only statement.
        if !matches!(expect, Expect::Revision(_)) && self.insert(&row)? {
            return Ok(created);
        }
        let (present, expired) = self.find(id)?;
        check(id, present, expect)?;
        let Some(existing) = present else {
            self.insert_over(expired, &row)?;
            return Ok(created);
        };
        if let Some(given) = memory.created_at
            && given != existing.created_at
        {
            return Err(refusal::other_created_at(id, existing.created_at, given));
        }
        let revision = next_revision(id, existing)?;
        let indexed = self.overwrite(existing, Some(memory.metadata.as_str()), revision)?;
        let Fields { user_id, agent_id, thread_id, tier, content, metadata, importance, expires_at, related_threads } =
            &row.memory;
        self.connection.run_each::<Overwrite, 13>([[
            *user_id,
            *agent_id,
            *thread_id,
            *tier,
            *content,
            (*metadata).into(),
            *importance,
            threads_value(related_threads.as_ref()),
            Value::Integer(revision.as_i64()),
            indexed,
            Value::Integer(self.now.max(existing.updated_at).as_micros()),
            *expires_at,
            Value::Integer(existing.rid),
        ]])?;
        Ok(Outcome { id, effect: Effect::Updated, revision: Some(revision) })
    }

    fn update(&mut self, id: MemoryId, patch: &Patch, expect: Expect) -> Result<Outcome> {
        let (Some(existing), _) = self.find(id)? else {
            return Err(refusal::missing(id));
        };
        check(id, Some(existing), expect)?;
        let revision = next_revision(id, existing)?;
        let indexed = self.overwrite(existing, patch.metadata.as_ref().map(Metadata::as_str), revision)?;
        let Patch { user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, expires_at } =
            patch;
        let related_threads = related_threads.as_ref().map(|threads| threads_to_json(threads.as_slice()));
        // Only what changes is named: SQLite takes a row out of each index on a column that is, and puts it back.
        let mut sql = Sql::new("UPDATE polymnia_memories SET revision = ");
        sql.bind(Value::Integer(revision.as_i64())).push(", indexed_revision = ").bind(indexed);
        let updated_at = self.now.max(existing.updated_at);
        sql.push(", updated_at = ").bind(Value::Integer(updated_at.as_micros()));
        let expiry = expires_at.value().map(|time| time.as_micros());
        let fields = [
            (!user_id.is_keep(), ", user_id = ", user_id.value().into()),
            (!agent_id.is_keep(), ", agent_id = ", agent_id.value().into()),
            (!thread_id.is_keep(), ", thread_id = ", thread_id.value().into()),
            (tier.is_some(), ", tier = ", tier.as_ref().into()),
            (content.is_some(), ", content = ", content.as_ref().into()),
            (metadata.is_some(), ", metadata = ", metadata.as_ref().map(Metadata::as_str).into()),
            (
                importance.is_some(),
                ", importance = ",
                importance.map_or(Value::Null, |importance| Value::Real(importance.as_f64())),
            ),
            (
                related_threads.is_some(),
                ", related_threads = ",
                related_threads.as_ref().map_or(Value::Null, |json| threads_value(json.as_ref())),
            ),
            (!expires_at.is_keep(), ", expires_at = ", expiry.into()),
        ];
        for (_, column, value) in fields.into_iter().filter(|(changes, ..)| *changes) {
            sql.push(column).bind(value);
        }
        sql.push(" WHERE rid = ").bind(Value::Integer(existing.rid));
        self.connection.execute(sql)?;
        Ok(Outcome { id, effect: Effect::Updated, revision: Some(revision) })
    }

    fn delete(&mut self, id: MemoryId, expect: Expect) -> Result<Outcome> {
        let (present, expired) = self.find(id)?;
        check(id, present, expect)?;
        if let Some(expired) = expired {
            // Nothing of it is to be left, and whoever follows the changes still has it.
            self.remove(expired)?;
            self.capture.record(self.connection, self.namespace, id, ChangeOperation::Delete)?;
        }
        let effect = match present {
            None => Effect::Missing,
            Some(existing) => {
                self.remove(existing)?;
                Effect::Deleted
            }
        };
        Ok(Outcome { id, effect, revision: None })
    }

    fn restore(&mut self, memory: &Memory, on_conflict: OnConflict) -> Result<Outcome> {
        let Memory { id, revision, created_at, updated_at, .. } = *memory;
        let row = NewRow { id, memory: Fields::of_stored(memory), revision, created_at, updated_at };
        let written = |effect| Outcome { id, effect, revision: Some(revision) };
        if self.insert(&row)? {
            return Ok(written(Effect::Created));
        }
        let (present, expired) = self.find(id)?;
        match (present, on_conflict) {
            (None, _) => {
                self.insert_over(expired, &row)?;
                Ok(written(Effect::Created))
            }
            (Some(_), OnConflict::Skip) => Ok(Outcome { id, effect: Effect::Skipped, revision: None }),
            (Some(_), OnConflict::Replace) => {
                // Not by an update: a revision that happens to be the same would look like another program's write.
                self.insert_over(present, &row)?;
                Ok(written(Effect::Updated))
            }
            (Some(_), _) => Err(refusal::exists(id)),
        }
    }

    /// Inserts the row, unless its id is taken.
    fn insert(&mut self, row: &NewRow<'_>) -> Result<bool> {
        let NewRow { id, memory, revision, created_at, updated_at } = row;
        let inserted = self.connection.run_each::<Insert, 15>([[
            Value::Text(self.namespace.as_str()),
            Value::Blob(id.as_bytes()),
            memory.user_id,
            memory.agent_id,
            memory.thread_id,
            memory.tier,
            memory.content,
            memory.metadata.into(),
            memory.importance,
            threads_value(memory.related_threads.as_ref()),
            Value::Integer(revision.as_i64()),
            Value::Integer(self.deriver.indexed(*revision)),
            Value::Integer(created_at.as_micros()),
            Value::Integer(updated_at.as_micros()),
            memory.expires_at,
        ]])?;
        if inserted == 0 {
            return Ok(false);
        }
        let rid = self.connection.last_rowid();
        self.deriver.insert(self.connection, rid, created_at.as_micros(), memory.metadata)?;
        Ok(true)
    }

    /// Inserts the row in the place of another.
    fn insert_over(&mut self, other: Option<Existing>, row: &NewRow<'_>) -> Result<()> {
        if let Some(other) = other {
            self.remove(other)?;
        }
        if self.insert(row)? {
            Ok(())
        } else {
            let message = format!("memory {} appeared while the database was locked", row.id);
            Err(Error::new(ErrorKind::Unexpected, message))
        }
    }

    /// Finds the memory, or else the row of one that has expired.
    fn find(&mut self, id: MemoryId) -> Result<(Option<Existing>, Option<Existing>)> {
        let mut found = None;
        let key = [Value::Text(self.namespace.as_str()), Value::Blob(id.as_bytes())];
        self.connection.visit::<Find>(&key, |row| {
            found = Some(Existing::read(row));
            ControlFlow::Break(())
        })?;
        let found = found.transpose()?;
        let has_expired = |existing: &Existing| existing.expires_at.is_some_and(|at| at <= self.now);
        Ok((found.filter(|existing| !has_expired(existing)), found.filter(has_expired)))
    }

    /// Derives from a row about to be overwritten, and returns its next `indexed_revision`.
    fn overwrite(&mut self, existing: Existing, metadata: Option<&str>, revision: Revision) -> Result<Value<'static>> {
        let is_level = self.deriver.overwrite(self.connection, existing.into(), metadata)?;
        Ok(Value::Integer(if is_level { revision.as_i64() } else { 0 }))
    }

    fn remove(&mut self, existing: Existing) -> Result<()> {
        self.deriver.remove(self.connection, existing.into())?;
        self.connection.run_each::<Remove, 1>([[Value::Integer(existing.rid)]])?;
        Ok(())
    }
}

impl<'a> Fields<'a> {
    fn of_new(memory: &'a NewMemory) -> Self {
        let NewMemory {
            user_id,
            agent_id,
            thread_id,
            tier,
            content,
            metadata,
            importance,
            related_threads,
            created_at: _,
            expires_at,
        } = memory;
        Self {
            user_id: user_id.as_ref().into(),
            agent_id: agent_id.as_ref().into(),
            thread_id: thread_id.as_ref().into(),
            tier: tier.as_str().into(),
            content: content.as_str().into(),
            metadata: metadata.as_str(),
            importance: Value::Real(importance.as_f64()),
            expires_at: expires_at.map(Timestamp::as_micros).into(),
            related_threads: threads_to_json(related_threads.as_slice()),
        }
    }

    fn of_stored(memory: &'a Memory) -> Self {
        let Memory {
            id: _,
            user_id,
            agent_id,
            thread_id,
            tier,
            content,
            metadata,
            importance,
            related_threads,
            revision: _,
            created_at: _,
            updated_at: _,
            expires_at,
        } = memory;
        Self {
            user_id: user_id.as_ref().into(),
            agent_id: agent_id.as_ref().into(),
            thread_id: thread_id.as_ref().into(),
            tier: tier.as_str().into(),
            content: content.as_str().into(),
            metadata: metadata.as_str(),
            importance: Value::Real(importance.as_f64()),
            expires_at: expires_at.map(Timestamp::as_micros).into(),
            related_threads: threads_to_json(related_threads.as_slice()),
        }
    }
}

impl Existing {
    fn read(row: &BulkRow<'_>) -> Result<Self> {
        let expires_at = row.optional_integer(4).map(|micros| row::time(micros, "expires_at"));
        Ok(Self {
            rid: row.integer(0),
            revision: row::revision(row.integer(1))?,
            created_at: row::time(row.integer(2), "created_at")?,
            updated_at: row::time(row.integer(3), "updated_at")?,
            expires_at: expires_at.transpose()?,
            is_level: row.integer(5) == 1,
        })
    }
}

impl From<Existing> for Row {
    fn from(existing: Existing) -> Self {
        Self { rid: existing.rid, created_at: existing.created_at.as_micros(), is_level: existing.is_level }
    }
}

/// Checks that what is stored is what the caller expects.
fn check(id: MemoryId, existing: Option<Existing>, expect: Expect) -> Result<()> {
    match (expect, existing) {
        (Expect::Any, _) | (Expect::Absent, None) => Ok(()),
        (Expect::Revision(expected), Some(existing)) if existing.revision == expected => Ok(()),
        (Expect::Revision(expected), Some(existing)) => Err(refusal::other_revision(id, existing.revision, expected)),
        (Expect::Revision(expected), None) => Err(refusal::missing_at(id, expected)),
        (Expect::Absent, Some(_)) => Err(refusal::exists(id)),
        _ => Err(Error::new(ErrorKind::Unsupported, "the sqlite dialect does not know this expectation")),
    }
}

fn next_revision(id: MemoryId, existing: Existing) -> Result<Revision> {
    let next = existing.revision.as_i64().checked_add(1).ok_or_else(|| refusal::last_revision(id))?;
    Revision::new(next)
}

fn threads_value(json: Option<&String>) -> Value<'_> {
    Value::Text(json.map_or("[]", String::as_str))
}
