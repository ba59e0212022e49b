//! Reading: by id, by selection, counts.

use std::ops::ControlFlow;

use diesel::row::Row;
use diesel::sqlite::Sqlite;
use polymnia::filter::NamespaceTerms;
use polymnia::spi::Rows;
use polymnia::{
    Group, Memory, MemoryId, Namespace, NamespaceStats, Query, Result, Selection, ThreadId, Tier, Timestamp, UserId,
};

use crate::LOG;
use crate::connection::Connection;
use crate::decoder::decoded;
use crate::drive::{self, Origin, Source, Tell, gather_of_term, in_order};
use crate::filter_sql::{Column, Conditions, Window};
use crate::needs::Needs;
use crate::plan::{Choice, Plan, plan, unstreamed};
use crate::row::{self, FromRow, Integers};
use crate::statement::{Sql, Value, fixed, statements};
use crate::ties::Ties;

statements! {
    PointGet =
        "SELECT ", decoded!(), " FROM polymnia_memories ",
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
        let by_id = fixed::<PointGet, 3>([
            Value::Text(namespace.as_str()),
            Value::Blob(id.as_bytes()),
            Value::Integer(now.as_micros()),
        ]);
        let mut found = None;
        connection.each_memory(by_id, |_, memory| {
            found = memory;
            ControlFlow::Break(())
        })?;
        Ok(found)
    };
    match ids {
        [id] => Ok(vec![get_one(connection, id)?]),
        // A search by key is cheap once it is prepared, so several are several, in a transaction that sees one moment.
        ids => connection.read(|connection| ids.iter().map(|id| get_one(connection, id)).collect()),
    }
}

/// Is the answer to a query, and how it was found.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) rows: Rows,
    pub(crate) plan: Plan,
    /// Whether the memories came in the order asked for.
    pub(crate) streamed: bool,
}

pub(crate) fn query(connection: &mut Connection, now: Timestamp, namespace: &Namespace, query: &Query) -> Result<Rows> {
    Ok(answer(connection, &Conditions::new(namespace, now, &query.selection)?, query, false)?.rows)
}

/// Answers a query. If `tally` is set, the session counts the rows that are proposed.
pub(crate) fn answer(
    connection: &mut Connection,
    conditions: &Conditions<'_>,
    query: &Query,
    tally: bool,
) -> Result<Answer> {
    let window = Window::new(query)?;
    connection.recheck(conditions.rechecks());
    let needs = Needs::of(connection, conditions)?;
    let reader = Reader { conditions, window, query, tally, terms: needs.terms.as_ref() };
    if needs.is_momentary() {
        return connection.moment(|connection| {
            let plan = plan(connection, conditions, &needs, Some(&reader.window))?;
            reader.answer(connection, plan)
        });
    }
    let plan = plan(connection, conditions, &needs, Some(&reader.window))?;
    match &plan.choice {
        Choice::Nothing | Choice::Table => reader.answer(connection, plan),
        Choice::Index(Origin::Term(term)) if reader.window.column() == Column::Created => {
            match reader.of_term(connection, *term)? {
                Some(rows) => Ok(Answer { rows, plan, streamed: true }),
                None => connection.moment(|connection| reader.answer(connection, plan)),
            }
        }
        Choice::Index(_) | Choice::Unlevel => connection.moment(|connection| reader.answer(connection, plan)),
    }
}

/// Reads the page of a query.
struct Reader<'a> {
    conditions: &'a Conditions<'a>,
    window: Window,
    query: &'a Query,
    tally: bool,
    terms: Option<&'a NamespaceTerms>,
}

impl Reader<'_> {
    /// Reads by a plan, in one moment if the plan has an index.
    fn answer(&self, connection: &mut Connection, plan: Plan) -> Result<Answer> {
        let (rows, streamed) = match &plan.choice {
            Choice::Nothing => (Rows::default(), false),
            Choice::Table => self.of_table(connection)?,
            Choice::Unlevel => (self.unlevel(connection)?, self.window.column() == Column::Created),
            Choice::Index(origin) => {
                let streamed = origin.streams() && self.window.column() == Column::Created;
                let source = Source::new(origin.clone(), self.tally);
                let level = if streamed {
                    let statement = in_order(&source, self.conditions, &self.window, Tell::Nothing);
                    connection.gather(statement, self.ties())?.unwrap_or_default()
                } else {
                    page(connection, self.query, self.window.sorted(&source, self.conditions))?
                };
                (self.merged(level, self.unlevel(connection)?), streamed)
            }
        };
        Ok(Answer { rows, plan, streamed })
    }

    /// Reads the memories of a term, by one statement; none if some rows are not level.
    fn of_term(&self, connection: &mut Connection, term: i32) -> Result<Option<Rows>> {
        if self.conditions.is_metadata_alone() && !self.tally {
            return gather_of_term(connection, term, self.conditions, &self.window, self.ties());
        }
        let source = Source::new(Origin::Term(term), self.tally);
        connection.gather(in_order(&source, self.conditions, &self.window, Tell::Level), self.ties())
    }

    /// Reads from the table, and tells whether the memories came in order.
    fn of_table(&self, connection: &mut Connection) -> Result<(Rows, bool)> {
        if self.window.streams(self.conditions) {
            let source = self.window.stream(self.conditions, self.tally).asking(self.terms);
            match page(connection, self.query, self.window.streamed(&source, self.conditions)) {
                // An index is gone, or SQLite thought better of it.
                Err(_) if connection.sorts_memories() => {
                    log::debug!(target: LOG, "a page that should stream is sorted");
                }
                result => return Ok((result?, true)),
            }
        }
        let origin = unstreamed(connection, self.conditions, &self.window)?;
        let source = Source::new(origin, self.tally).asking(self.terms);
        Ok((page(connection, self.query, self.window.sorted(&source, self.conditions))?, false))
    }

    /// Reads the rows that are not level.
    fn unlevel(&self, connection: &mut Connection) -> Result<Rows> {
        let source = Source::new(Origin::Unlevel, self.tally);
        let statement = match self.window.column() {
            Column::Created => self.window.streamed(&source, self.conditions),
            Column::Updated | Column::Importance => self.window.sorted(&source, self.conditions),
        };
        page(connection, self.query, statement)
    }

    fn ties(&self) -> Ties {
        Ties::new(self.window.direction(), self.query.limit())
    }

    /// Makes one page of two that have no memory in common.
    fn merged(&self, left: Rows, right: Rows) -> Rows {
        if right.memories.is_empty() {
            return left;
        }
        if left.memories.is_empty() {
            return right;
        }
        let mut more = left.more || right.more;
        let mut both = left.memories;
        both.extend(right.memories);
        both.sort_by(|left, right| self.query.order.compare(left, right));
        // Each page is complete up to its end, and where one of them ends, so does this one.
        let mut bytes = 0;
        let fits = both.iter().take(self.query.limit() as usize).take_while(|memory| {
            let goes_on = bytes <= Rows::MAX_BYTES;
            bytes += memory.content.as_str().len() + memory.metadata.as_str().len();
            goes_on
        });
        let fits = fits.count();
        more |= fits < both.len();
        both.truncate(fits);
        Rows { memories: both, more }
    }
}

fn page(connection: &mut Connection, query: &Query, statement: Sql<'_>) -> Result<Rows> {
    let limit = query.limit() as usize;
    let mut rows = Rows { memories: Vec::with_capacity(limit.min(256)), more: false };
    let mut bytes = 0;
    connection.each_memory(statement, |decoder, memory| {
        let Some(memory) = memory.filter(|_| rows.memories.len() < limit && bytes <= Rows::MAX_BYTES) else {
            rows.more = true;
            return ControlFlow::Break(());
        };
        bytes += memory.content.as_str().len() + memory.metadata.as_str().len();
        rows.memories.push(memory);
        if rows.memories.len() == limit || bytes > Rows::MAX_BYTES {
            decoder.skip_further();
        }
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
    connection.recheck(conditions.rechecks());
    let needs = Needs::of(connection, &conditions)?;
    let counted = |connection: &mut Connection| {
        let sources = sources(connection, &conditions, &needs)?;
        if sources.is_empty() {
            return Ok(0);
        }
        let count: Option<Integers<1>> = connection.one(drive::count(&sources, &conditions))?;
        Ok(count.map_or(0, |count| count.0[0].unsigned_abs()))
    };
    if needs.is_momentary() { connection.moment(counted) } else { counted(connection) }
}

/// Returns the rows selected. Within a transaction, they are those of its moment.
pub(crate) fn matching(
    connection: &mut Connection,
    now: Timestamp,
    namespace: &Namespace,
    selection: &Selection,
) -> Result<Vec<i64>> {
    let conditions = Conditions::new(namespace, now, selection)?;
    connection.recheck(conditions.rechecks());
    connection.moment(|connection| {
        let needs = Needs::of(connection, &conditions)?;
        let mut rids = Vec::new();
        for source in sources(connection, &conditions, &needs)? {
            connection.each(drive::rids(&source, &conditions), |row: Integers<1>| {
                rids.push(row.0[0]);
                ControlFlow::Continue(())
            })?;
        }
        Ok(rids)
    })
}

/// Returns what together proposes all rows selected, each once.
fn sources(connection: &mut Connection, conditions: &Conditions<'_>, needs: &Needs<'_>) -> Result<Vec<Source>> {
    let source = |origin| Source::new(origin, false).asking(needs.terms.as_ref());
    Ok(match plan(connection, conditions, needs, None)?.choice {
        Choice::Nothing => Vec::new(),
        Choice::Table if conditions.is_order_alone() && !conditions.is_covered() => vec![source(Origin::Namespace)],
        Choice::Table => vec![source(Origin::Table)],
        Choice::Index(origin) => vec![source(origin), source(Origin::Unlevel)],
        Choice::Unlevel => vec![source(Origin::Unlevel)],
    })
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

#[cfg(test)]
pub(crate) mod differential;
#[cfg(test)]
mod tests;
