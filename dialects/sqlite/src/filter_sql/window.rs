//! Orders, cursors and limits as SQL.

use polymnia::spi::refusal;
use polymnia::{Direction, Match, OrderBy, Position, PositionKey, Query, Result};

use super::conditions::{Conditions, Range};
use crate::decoder::decoded;
use crate::drive::{Origin, Source};
use crate::statement::{Sql, Value};

/// Is a column that orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Created,
    Updated,
    Importance,
}

/// Is where a page begins and how far it goes.
#[derive(Debug)]
pub(crate) struct Window {
    column: Column,
    direction: Direction,
    after: Option<Position>,
    limit: i64,
}

/// What reads a page row by row, up to where the rows come from.
const STREAM: &str = concat!("SELECT ", decoded!(), " FROM ");
const SORTED: &str = concat!("SELECT ", decoded!(), " FROM (SELECT m.rid AS page_rid, ");
const SORTED_JOIN: &str = ") AS page CROSS JOIN polymnia_memories ON rid = page.page_rid";

impl Window {
    /// Returns the window of a query and one row more, which tells whether there is a next page.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](polymnia::ErrorKind::InvalidInput) for a cursor of another order,
    /// [`ErrorKind::Unsupported`](polymnia::ErrorKind::Unsupported) for an order that this version doesn't know.
    pub(crate) fn new(query: &Query) -> Result<Self> {
        let order = query.order;
        let column = match order.by {
            OrderBy::Created => Column::Created,
            OrderBy::Updated => Column::Updated,
            OrderBy::Importance => Column::Importance,
            _ => return Err(refusal::unknown("sqlite", "order")),
        };
        let after = query.cursor.map(|cursor| cursor.position(order)).transpose()?;
        Ok(Self { column, direction: order.direction, after, limit: i64::from(query.limit()) + 1 })
    }

    pub(crate) fn column(&self) -> Column {
        self.column
    }

    pub(crate) fn direction(&self) -> Direction {
        self.direction
    }

    /// Returns how many rows are asked for, the one that tells of a next page included.
    pub(crate) fn limit(&self) -> i64 {
        self.limit
    }

    /// Returns the values of the cursor, if there is one.
    pub(crate) fn after(&self) -> Option<[Value<'_>; 2]> {
        let Position { key, id } = self.after.as_ref()?;
        let key = match key {
            PositionKey::Time(time) => Value::Integer(time.as_micros()),
            PositionKey::Importance(importance) => Value::Real(importance.as_f64()),
            _ => unreachable!("a cursor's key is of the order's field, and `new` knows the fields"),
        };
        Some([key, Value::Blob(id.as_bytes())])
    }

    /// Returns whether an index on own fields gives the selected rows in order, so that a page costs what it shows.
    ///
    /// Where another condition has an index of its own, SQLite might rather use that and sort: that goes by the sorted form.
    pub(crate) fn streams(&self, conditions: &Conditions<'_>) -> bool {
        let Conditions { user, thread, tiers, created, updated, .. } = conditions;
        let (any_user, any_tier) = (*user == Match::Any, tiers.is_empty());
        match self.column {
            Column::Created if *updated != Range::default() => false,
            Column::Created => any_tier || (!any_user && *thread != Match::Any),
            Column::Updated if *created != Range::default() => false,
            Column::Updated => (any_user && any_tier) || (tiers.len() == 1 && (any_user || *thread == Match::Any)),
            Column::Importance => false,
        }
    }

    /// Returns where the rows of a page that [streams](Self::streams) come from.
    pub(crate) fn stream(&self, conditions: &Conditions<'_>, tally: bool) -> Source {
        let Conditions { user, thread, .. } = conditions;
        let is_of_user = self.column == Column::Created && *user != Match::Any && *thread == Match::Any;
        Source::new(if is_of_user { Origin::User } else { Origin::Table }, tally)
    }

    /// Returns the range of `created_at` that a page in the order of creation can come from.
    pub(crate) fn created(&self, conditions: &Conditions<'_>) -> Range {
        let mut range = conditions.created;
        if let (Column::Created, Some(Position { key: PositionKey::Time(time), .. })) = (self.column, self.after) {
            let micros = time.as_micros();
            match self.direction {
                Direction::Ascending => range.from = range.from.max(Some(micros)),
                Direction::Descending => range.until = Some(range.until.map_or(micros + 1, |end| end.min(micros + 1))),
            }
        }
        range
    }

    /// Returns the statement that reads the page row by row, as the rows come.
    pub(crate) fn streamed<'b>(&'b self, source: &'b Source, conditions: &'b Conditions<'_>) -> Sql<'b> {
        let mut sql = Sql::new(STREAM);
        self.push(&mut sql, source, conditions);
        sql
    }

    /// Returns the statement that finds the rows of the page first, without their content, sorts and then reads them.
    pub(crate) fn sorted<'b>(&'b self, source: &'b Source, conditions: &'b Conditions<'_>) -> Sql<'b> {
        let mut sql = Sql::new(SORTED);
        let [by_index, sorted] = keys(self.column);
        sql.push(if source.origin == Origin::Fields { sorted } else { by_index }).push(" AS key FROM ");
        self.push(&mut sql, source, conditions);
        sql.push(SORTED_JOIN).push(match self.direction {
            Direction::Ascending => " ORDER BY page.key, page.page_id",
            Direction::Descending => " ORDER BY page.key DESC, page.page_id DESC",
        });
        sql
    }

    /// Adds the condition on what stands after the cursor.
    pub(crate) fn push_after<'b>(&'b self, sql: &mut Sql<'b>) {
        if let Some([key, id]) = self.after() {
            let text = after_cursor(self.column, self.direction);
            sql.push(text).bind(key).push(", ").bind(id).push(")");
        }
    }

    /// Adds conditions, order and limit.
    fn push<'b>(&'b self, sql: &mut Sql<'b>, source: &'b Source, conditions: &'b Conditions<'_>) {
        source.push(sql, conditions);
        let (mut created, mut updated) = (conditions.created, conditions.updated);
        if let Some(Position { key: PositionKey::Time(time), .. }) = self.after {
            let range = if self.column == Column::Updated { &mut updated } else { &mut created };
            drop_implied(range, self.direction, time.as_micros());
        }
        conditions.push_within(sql, [created, updated], source.uncanonical);
        self.push_after(sql);
        let [by_index, sorted] = order_by(self.column, self.direction);
        sql.push(if source.origin == Origin::Fields { sorted } else { by_index })
            .push(" LIMIT ")
            .bind(Value::Integer(self.limit));
    }
}

/// Drops the end of a range that the cursor implies: SQLite takes one bound on an index, and might take the wider.
pub(super) fn drop_implied(range: &mut Range, direction: Direction, position: i64) {
    match direction {
        Direction::Ascending => range.from = range.from.filter(|from| *from > position),
        Direction::Descending => range.until = range.until.filter(|until| *until <= position),
    }
}

/// Returns what a page is sorted by, as [`order_by`] names it.
fn keys(column: Column) -> [&'static str; 2] {
    match column {
        Column::Created => ["id AS page_id, created_at", "+id AS page_id, +created_at"],
        Column::Updated => ["id AS page_id, updated_at", "+id AS page_id, +updated_at"],
        Column::Importance => ["id AS page_id, importance"; 2],
    }
}

/// Returns the order as an index may give it, and as none can.
fn order_by(column: Column, direction: Direction) -> [&'static str; 2] {
    match (column, direction) {
        (Column::Created, Direction::Descending) => {
            [" ORDER BY created_at DESC, id DESC", " ORDER BY +created_at DESC, +id DESC"]
        }
        (Column::Created, Direction::Ascending) => [" ORDER BY created_at, id", " ORDER BY +created_at, +id"],
        (Column::Updated, Direction::Descending) => {
            [" ORDER BY updated_at DESC, id DESC", " ORDER BY +updated_at DESC, +id DESC"]
        }
        (Column::Updated, Direction::Ascending) => [" ORDER BY updated_at, id", " ORDER BY +updated_at, +id"],
        (Column::Importance, Direction::Descending) => [" ORDER BY importance DESC, id DESC"; 2],
        (Column::Importance, Direction::Ascending) => [" ORDER BY importance, id"; 2],
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
