//! Selections, orders and cursors as SQL.

use polymnia::{
    Direction, Error, ErrorKind, Filter, Match, Namespace, OrderBy, Position, PositionKey, Query, Result, Selection,
    TimeRange, Timestamp,
};

use crate::decoder::decoded;
use crate::statement::{Sql, Value};

/// Is a column that orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Created,
    Updated,
    Importance,
}

/// Is a selection with what it needs in a form that can be bound. Statements borrow from it.
#[derive(Debug)]
pub(crate) struct Conditions<'a> {
    namespace: &'a Namespace,
    now: i64,
    selection: &'a Selection,
    /// JSON arrays, bound as one value each, so that the text of a statement doesn't depend on how many there are.
    related_threads: Option<String>,
    tiers: Option<String>,
    needle: Option<&'a str>,
}

/// What stands before the conditions of a page that streams from an index.
const STREAM: &str = concat!("SELECT ", decoded!(), " FROM polymnia_memories WHERE ");

impl<'a> Conditions<'a> {
    /// Readies a selection.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] for a filter that this version doesn't know.
    pub(crate) fn new(namespace: &'a Namespace, now: Timestamp, selection: &'a Selection) -> Result<Self> {
        let Selection { related_threads, tiers, filter, .. } = selection;
        let json = |texts: &[_]| serde_json::to_string(texts).expect("texts can be written as JSON");
        let needle = match filter {
            Filter::All => None,
            Filter::Contains(needle) => Some(needle.as_str()),
            other => return Err(unsupported(other)),
        };
        Ok(Self {
            namespace,
            now: now.as_micros(),
            selection,
            related_threads: (!related_threads.is_empty())
                .then(|| serde_json::to_string(related_threads).expect("texts can be written as JSON")),
            tiers: (tiers.len() > 1).then(|| json(tiers)),
            needle,
        })
    }

    /// Adds the conditions, without `WHERE`.
    pub(crate) fn push<'b>(&'b self, sql: &mut Sql<'b>) {
        self.push_within(sql, &self.selection.created, &self.selection.updated);
    }

    /// Returns the statement that counts what is selected.
    pub(crate) fn count(&self) -> Sql<'_> {
        self.after("SELECT count(*) FROM polymnia_memories WHERE ")
    }

    /// Returns the statement that removes what is selected.
    pub(crate) fn delete(&self) -> Sql<'_> {
        self.after("DELETE FROM polymnia_memories WHERE ")
    }

    fn after(&self, text: &'static str) -> Sql<'_> {
        let mut sql = Sql::new(text);
        self.push(&mut sql);
        sql
    }

    fn push_within<'b>(&'b self, sql: &mut Sql<'b>, created: &TimeRange, updated: &TimeRange) {
        let Selection { user, agent, thread, related_threads: _, tiers, created: _, updated: _, filter: _ } =
            self.selection;
        sql.push("namespace = ").bind(Value::Text(self.namespace.as_str()));
        push_match(sql, user, " AND user_id = ", " AND user_id IS NULL");
        push_match(sql, thread, " AND thread_id = ", " AND thread_id IS NULL");
        push_match(sql, agent, " AND agent_id = ", " AND agent_id IS NULL");
        if let [tier] = tiers.as_slice() {
            sql.push(" AND tier = ").bind(Value::Text(tier.as_str()));
        }
        if let Some(tiers) = &self.tiers {
            sql.push(" AND tier IN (SELECT value FROM json_each(").bind(Value::Text(tiers)).push("))");
        }
        push_time(sql, " AND created_at >= ", created.from);
        push_time(sql, " AND created_at < ", created.until);
        push_time(sql, " AND updated_at >= ", updated.from);
        push_time(sql, " AND updated_at < ", updated.until);
        sql.push(" AND (expires_at IS NULL OR expires_at > ").bind(Value::Integer(self.now)).push(")");
        if let Some(related_threads) = &self.related_threads {
            sql.push(" AND EXISTS (SELECT 1 FROM json_each(related_threads) AS related WHERE related.value IN")
                .push(" (SELECT value FROM json_each(")
                .bind(Value::Text(related_threads))
                .push(")))");
        }
        // The dearest last.
        if let Some(needle) = self.needle {
            sql.push(" AND polymnia_contains(metadata, ").bind(Value::Text(needle)).push(") = 1");
        }
    }
}

/// Is where a page begins and how far it goes.
#[derive(Debug)]
pub(crate) struct Window {
    column: Column,
    direction: Direction,
    after: Option<Position>,
    limit: i64,
}

impl Window {
    /// Returns the window of a query and one row more, which tells whether there is a next page.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a cursor of another order, [`ErrorKind::Unsupported`] for an order that this
    /// version doesn't know.
    pub(crate) fn new(query: &Query) -> Result<Self> {
        let order = query.order;
        let column = match order.by {
            OrderBy::Created => Column::Created,
            OrderBy::Updated => Column::Updated,
            OrderBy::Importance => Column::Importance,
            other => {
                let message = format!("the sqlite dialect does not know the order by {other:?}");
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        };
        let after = query.cursor.map(|cursor| cursor.position(order)).transpose()?;
        Ok(Self { column, direction: order.direction, after, limit: i64::from(query.limit()) + 1 })
    }

    /// Returns whether an index gives the selected rows in order, so that a page costs what it shows.
    pub(crate) fn streams(&self, conditions: &Conditions<'_>) -> bool {
        streams(conditions.selection, self.column)
    }

    /// Returns the statement that reads the window from an index, row by row.
    pub(crate) fn stream<'b>(&'b self, conditions: &'b Conditions<'_>) -> Sql<'b> {
        let mut sql = Sql::new(STREAM);
        self.push(&mut sql, conditions);
        sql
    }

    /// Returns the statement that finds the rows of the window first, without their content, and then reads them.
    pub(crate) fn sort<'b>(&'b self, conditions: &'b Conditions<'_>) -> Sql<'b> {
        let mut sql = Sql::new(SORTED);
        sql.push(key(self.column)).push(" AS key FROM polymnia_memories WHERE ");
        self.push(&mut sql, conditions);
        sql.push(SORTED_JOIN).push(match self.direction {
            Direction::Ascending => " ORDER BY page.key, page.page_id",
            Direction::Descending => " ORDER BY page.key DESC, page.page_id DESC",
        });
        sql
    }

    /// Adds conditions, order and limit.
    fn push<'b>(&'b self, sql: &mut Sql<'b>, conditions: &'b Conditions<'_>) {
        let Selection { mut created, mut updated, .. } = *conditions.selection;
        if let Some(Position { key: PositionKey::Time(time), .. }) = self.after {
            let range = if self.column == Column::Updated { &mut updated } else { &mut created };
            drop_implied(range, self.direction, time);
        }
        conditions.push_within(sql, &created, &updated);
        if let Some(Position { key, id }) = &self.after {
            let key = match key {
                PositionKey::Time(time) => Value::Integer(time.as_micros()),
                PositionKey::Importance(importance) => Value::Real(importance.as_f64()),
                _ => unreachable!("a cursor's key is of the order's field, and `new` knows the fields"),
            };
            let text = after_cursor(self.column, self.direction);
            sql.push(text).bind(key).push(", ").bind(Value::Blob(id.as_bytes())).push(")");
        }
        sql.push(order_by(self.column, self.direction)).push(" LIMIT ").bind(Value::Integer(self.limit));
    }
}

const SORTED: &str = concat!("SELECT ", decoded!(), " FROM (SELECT rid AS page_rid, id AS page_id, ");
const SORTED_JOIN: &str = ") AS page CROSS JOIN polymnia_memories ON rid = page.page_rid";

/// Where another condition has an index of its own, SQLite might rather use that and sort: that goes by the sorted form.
fn streams(selection: &Selection, column: Column) -> bool {
    let Selection { user, thread, tiers, created, updated, .. } = selection;
    let (any_user, any_tier) = (*user == Match::Any, tiers.is_empty());
    match column {
        Column::Created if *updated != TimeRange::default() => false,
        Column::Created => (any_user && any_tier) || (!any_user && *thread != Match::Any),
        Column::Updated if *created != TimeRange::default() => false,
        Column::Updated => (any_user && any_tier) || (tiers.len() == 1 && (any_user || *thread == Match::Any)),
        Column::Importance => false,
    }
}

fn push_match<'b, T: AsRef<str>>(sql: &mut Sql<'b>, field: &'b Match<T>, is: &'static str, absent: &'static str) {
    match field {
        Match::Any => {}
        Match::Absent => {
            sql.push(absent);
        }
        Match::Is(value) => {
            sql.push(is).bind(Value::Text(value.as_ref()));
        }
    }
}

fn push_time(sql: &mut Sql<'_>, text: &'static str, time: Option<Timestamp>) {
    if let Some(time) = time {
        sql.push(text).bind(Value::Integer(time.as_micros()));
    }
}

/// Drops the end of a range that the cursor implies: SQLite takes one bound on an index, and might take the wider.
fn drop_implied(range: &mut TimeRange, direction: Direction, position: Timestamp) {
    match direction {
        Direction::Ascending => range.from = range.from.filter(|from| *from > position),
        Direction::Descending => range.until = range.until.filter(|until| *until <= position),
    }
}

fn key(column: Column) -> &'static str {
    match column {
        Column::Created => "created_at",
        Column::Updated => "updated_at",
        Column::Importance => "importance",
    }
}

fn order_by(column: Column, direction: Direction) -> &'static str {
    match (column, direction) {
        (Column::Created, Direction::Descending) => " ORDER BY created_at DESC, id DESC",
        (Column::Created, Direction::Ascending) => " ORDER BY created_at, id",
        (Column::Updated, Direction::Descending) => " ORDER BY updated_at DESC, id DESC",
        (Column::Updated, Direction::Ascending) => " ORDER BY updated_at, id",
        (Column::Importance, Direction::Descending) => " ORDER BY importance DESC, id DESC",
        (Column::Importance, Direction::Ascending) => " ORDER BY importance, id",
    }
}

/// Returns the condition on what stands after a cursor, up to the two values.
fn after_cursor(column: Column, direction: Direction) -> &'static str {
    match (column, direction) {
        (Column::Created, Direction::Descending) => " AND (created_at, id) < (",
        (Column::Created, Direction::Ascending) => " AND (created_at, id) > (",
        (Column::Updated, Direction::Descending) => " AND (updated_at, id) < (",
        (Column::Updated, Direction::Ascending) => " AND (updated_at, id) > (",
        (Column::Importance, Direction::Descending) => " AND (importance, id) < (",
        (Column::Importance, Direction::Ascending) => " AND (importance, id) > (",
    }
}

fn unsupported(filter: &Filter) -> Error {
    // The kind of filter only: what somebody searches for is content.
    let name = format!("{filter:?}");
    let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    Error::new(ErrorKind::Unsupported, format!("the sqlite dialect does not know the filter {name}"))
}

#[cfg(test)]
mod tests;
