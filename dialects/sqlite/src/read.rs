//! Reading: by id, by selection, counts.

use std::ops::ControlFlow;

use diesel::row::Row;
use diesel::sqlite::Sqlite;
use polymnia::spi::Rows;
use polymnia::{
    Group, Memory, MemoryId, Namespace, NamespaceStats, Query, Result, Selection, ThreadId, Tier, Timestamp, UserId,
};

use crate::connection::Connection;
use crate::filter_sql::{Conditions, Window};
use crate::row::{self, FromRow, Integers, columns};
use crate::statement::{Value, fixed, statements};

statements! {
    PointGet =
        "SELECT ", columns!(), " FROM polymnia_memories ",
        "WHERE namespace = ? AND id = ? AND (expires_at IS NULL OR expires_at > ?)";
    Totals =
        "SELECT count(*), sum(octet_length(content)), sum(octet_length(metadata)), min(created_at), max(created_at), ",
        "count(DISTINCT user_id), count(DISTINCT thread_id) FROM polymnia_memories ",
        "WHERE namespace = ? AND (expires_at IS NULL OR expires_at > ?)";
    ByTier =
        "SELECT tier, count(*) FROM polymnia_memories ",
        "WHERE namespace = ? AND (expires_at IS NULL OR expires_at > ?) ",
        "GROUP BY tier ORDER BY count(*) DESC, tier";
    ByUser =
        "SELECT user_id, count(*) FROM polymnia_memories ",
        "WHERE namespace = ? AND (expires_at IS NULL OR expires_at > ?) ",
        "GROUP BY user_id ORDER BY count(*) DESC, user_id NULLS LAST LIMIT ?";
    ByThread =
        "SELECT thread_id, count(*) FROM polymnia_memories ",
        "WHERE namespace = ? AND (expires_at IS NULL OR expires_at > ?) ",
        "GROUP BY thread_id ORDER BY count(*) DESC, thread_id NULLS LAST LIMIT ?";
}

pub(crate) fn get(
    connection: &mut Connection,
    now: Timestamp,
    namespace: &Namespace,
    ids: &[MemoryId],
) -> Result<Vec<Option<Memory>>> {
    let get_one = |connection: &mut Connection, id: &MemoryId| {
        connection.one(fixed::<PointGet, 3>([
            Value::Text(namespace.as_str()),
            Value::Blob(id.as_bytes()),
            Value::Integer(now.as_micros()),
        ]))
    };
    match ids {
        [id] => Ok(vec![get_one(connection, id)?]),
        // A search by key is cheap once it is prepared, so several are several, in a transaction that sees one moment.
        ids => connection.read(|connection| ids.iter().map(|id| get_one(connection, id)).collect()),
    }
}

pub(crate) fn query(connection: &mut Connection, now: Timestamp, namespace: &Namespace, query: &Query) -> Result<Rows> {
    let conditions = Conditions::new(namespace, now, &query.selection)?;
    let window = Window::new(query)?;
    let limit = query.limit() as usize;
    let mut rows = Rows { memories: Vec::with_capacity(limit.min(256)), more: false };
    let mut bytes = 0;
    connection.each(window.read(&conditions), |memory: Memory| {
        if rows.memories.len() == limit || bytes > Rows::MAX_BYTES {
            rows.more = true;
            return ControlFlow::Break(());
        }
        bytes += memory.content.as_str().len() + memory.metadata.as_str().len();
        rows.memories.push(memory);
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

pub(crate) fn count(
    connection: &mut Connection,
    now: Timestamp,
    namespace: &Namespace,
    selection: &Selection,
) -> Result<u64> {
    let conditions = Conditions::new(namespace, now, selection)?;
    let count: Option<Integers<1>> = connection.one(conditions.count())?;
    Ok(count.map_or(0, |count| count.0[0].unsigned_abs()))
}

pub(crate) fn stats(connection: &mut Connection, now: Timestamp, namespace: &Namespace) -> Result<NamespaceStats> {
    let of_namespace = [Value::Text(namespace.as_str()), Value::Integer(now.as_micros())];
    let most = Value::Integer(i64::from(NamespaceStats::MAX_GROUPS));
    let [namespace, now] = of_namespace;
    connection.read(|connection| {
        let mut stats = connection.one(fixed::<Totals, 2>(of_namespace))?.unwrap_or(NamespaceStats::default());
        let tiers: Vec<Grouped> = connection.all(fixed::<ByTier, 2>(of_namespace))?;
        stats.by_tier = tiers.into_iter().filter_map(|group| group.required(Tier::from_stored)).collect();
        let users: Vec<Grouped> = connection.all(fixed::<ByUser, 3>([namespace, now, most]))?;
        stats.by_user = users.into_iter().map(|group| group.optional(UserId::from_stored)).collect();
        let threads: Vec<Grouped> = connection.all(fixed::<ByThread, 3>([namespace, now, most]))?;
        stats.by_thread = threads.into_iter().map(|group| group.optional(ThreadId::from_stored)).collect();
        Ok(stats)
    })
}

/// Is a value that memories have in common, and how many do.
struct Grouped {
    value: Option<String>,
    memories: u64,
}

impl Grouped {
    fn optional<T>(self, value: impl FnOnce(String) -> T) -> Group<Option<T>> {
        Group { value: self.value.map(value), memories: self.memories }
    }

    fn required<T>(self, value: impl FnOnce(String) -> T) -> Option<Group<T>> {
        Some(Group { value: value(self.value?), memories: self.memories })
    }
}

impl FromRow for Grouped {
    fn from_row<'a>(row: &impl Row<'a, Sqlite>) -> Result<Self> {
        let value = row::optional_text(row, 0, "value")?;
        Ok(Self { value, memories: row::integer(row, 1).unsigned_abs() })
    }
}

impl FromRow for NamespaceStats {
    /// Reads the totals; the groups are left empty.
    fn from_row<'a>(row: &impl Row<'a, Sqlite>) -> Result<Self> {
        let number = |at| row::integer(row, at).unsigned_abs();
        let time = |at| row::optional_integer(row, at).map(|micros| row::time(micros, "created_at")).transpose();
        Ok(Self {
            memories: number(0),
            content_bytes: number(1),
            metadata_bytes: number(2),
            oldest: time(3)?,
            newest: time(4)?,
            users: number(5),
            threads: number(6),
            ..Self::default()
        })
    }
}
