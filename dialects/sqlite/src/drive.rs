//! Where the rows of a statement come from: the table, the postings, or a declared index.
//!
//! What comes from postings or a declared index is level, and for rows that are not level there is an index of its own: a
//! statement reads the one or the other, and both together are what the table holds.

use polymnia::filter::{IndexValue, NamespaceTerms};
use polymnia::spi::Rows;
use polymnia::{Direction, Result};

use crate::connection::Connection;
use crate::decoder::decoded;
use crate::filter_sql::{Conditions, Range, Window};
use crate::statement::{Sql, Value, statements};
use crate::ties::Ties;

/// Is where rows come from.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) origin: Origin,
    /// Whether the rows proposed are counted, for an explanation.
    pub(crate) tally: bool,
    /// The term of rows whose metadata is not canonical, if it is to be asked for.
    pub(crate) uncanonical: Option<i32>,
}

/// Says what proposes the rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    /// The table or an index on own fields, as SQLite sees fit; level or not.
    Table,
    /// The same, but not by an index that gives them in the order asked for: there are few.
    Fields,
    /// The index of one user's rows by creation, which SQLite may pass over for that of all users' where times are bounded.
    User,
    /// All rows of the namespace by creation, which is much as they are stored; SQLite would as soon take the order of ids.
    Namespace,
    /// The index of rows that are not level.
    Unlevel,
    /// The postings of one term.
    Term(i32),
    /// The postings of several.
    Terms(Terms),
    /// A declared index.
    Entries(Entries),
}

/// Is several terms.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Terms {
    /// Sorted, each once.
    terms: Vec<i32>,
    json: String,
}

/// Is a part of a declared index, both ends included.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entries {
    pub(crate) number: i64,
    pub(crate) space: i32,
    pub(crate) from: IndexValue,
    /// None goes to the last text.
    pub(crate) until: Option<IndexValue>,
}

/// How many terms are merged in order at most.
pub(crate) const MAX_MERGED: usize = 64;

/// What the first row of a page of one term holds in the place of a memory, if not all rows of the namespace are level.
pub(crate) const NOT_ALL_LEVEL: i64 = -2;

/// What a row is counted by; no text of a statement shows it.
pub(crate) const TALLIES: [&str; 2] = ["polymnia_tally(p.rid) AND ", "polymnia_tally(m.rid) AND "];

const JOINED: &str = ") AS p CROSS JOIN polymnia_memories AS m ON m.rid = p.rid WHERE ";

macro_rules! of_its_time {
    () => {
        "created_at - p.created * 1000 BETWEEN 0 AND 999 AND indexed_revision = revision AND "
    };
}

/// A posting of another time than its row's was left behind by another program's write.
const OF_ITS_TIME: &str = of_its_time!();

macro_rules! of_term_alone {
    () => {
        concat!(
            "SELECT -2 AS place WHERE EXISTS (SELECT 1 FROM polymnia_memories INDEXED BY polymnia_memories_unlevel ",
            "WHERE namespace = ? AND indexed_revision <> revision) UNION ALL SELECT place FROM (SELECT ",
            decoded!(),
            " AS place FROM polymnia_postings AS p CROSS JOIN polymnia_memories AS m ON m.rid = p.rid ",
            "WHERE p.term = ? AND p.created BETWEEN ? AND ? AND ",
            of_its_time!(),
            "namespace = ? AND (expires_at IS NULL OR expires_at > ?) AND polymnia_matches(metadata, ?) = 1"
        )
    };
}

statements! {
    /// The newest memories of a term where nothing else is asked for.
    Newest = of_term_alone!(), " ORDER BY p.created DESC LIMIT -1)";
    /// The oldest.
    Oldest = of_term_alone!(), " ORDER BY p.created LIMIT -1)";
    /// The newest after a cursor.
    NewestAfter = of_term_alone!(), " AND (created_at, id) < (?, ?) ORDER BY p.created DESC LIMIT -1)";
    /// The oldest after a cursor.
    OldestAfter = of_term_alone!(), " AND (created_at, id) > (?, ?) ORDER BY p.created LIMIT -1)";
}

/// Reads the memories of a term in the order of their milliseconds, for conditions that are
/// [metadata alone](Conditions::is_metadata_alone). None if not all rows are level.
pub(crate) fn gather_of_term(
    connection: &mut Connection,
    term: i32,
    conditions: &Conditions<'_>,
    window: &Window,
    ties: Ties,
) -> Result<Option<Rows>> {
    let namespace = Value::Text(conditions.namespace().as_str());
    let [from, until] = milliseconds(window.created(conditions));
    let now = Value::Integer(conditions.now());
    let values = [namespace, Value::Integer(i64::from(term)), from, until, namespace, now, Value::Integer(0)];
    let is_newest = window.direction() == Direction::Descending;
    let Some([time, id]) = window.after() else {
        return if is_newest {
            connection.gather_fixed::<Newest>(&values, ties)
        } else {
            connection.gather_fixed::<Oldest>(&values, ties)
        };
    };
    let mut after = [Value::Null; 9];
    after[..7].copy_from_slice(&values);
    after[7..].copy_from_slice(&[time, id]);
    if is_newest {
        connection.gather_fixed::<NewestAfter>(&after, ties)
    } else {
        connection.gather_fixed::<OldestAfter>(&after, ties)
    }
}

/// Returns the statement that reads the memories of terms in the order of their milliseconds, to be gathered by
/// [`Ties`](crate::ties::Ties). If it is to tell, the first row says whether there are rows that are not level.
pub(crate) fn in_order<'b>(
    source: &'b Source,
    conditions: &'b Conditions<'_>,
    window: &'b Window,
    tell: Tell,
) -> Sql<'b> {
    let mut sql = match tell {
        Tell::Nothing => Sql::new("SELECT "),
        Tell::Level => {
            let mut sql = Sql::new(concat!(
                "SELECT -2 AS place WHERE EXISTS (SELECT 1 FROM polymnia_memories INDEXED BY polymnia_memories_unlevel ",
                "WHERE namespace = "
            ));
            sql.bind(Value::Text(conditions.namespace().as_str()));
            sql.push(" AND indexed_revision <> revision) UNION ALL SELECT place FROM (SELECT ");
            sql
        }
    };
    sql.push(concat!(decoded!(), " AS place FROM "));
    let created = window.created(conditions);
    match &source.origin {
        Origin::Terms(terms) => terms.push_merged(&mut sql, created, window.direction()),
        origin => origin.push(&mut sql, created),
    }
    if source.tally {
        sql.push(TALLIES[0]);
    }
    sql.push(OF_ITS_TIME);
    conditions.push(&mut sql, None);
    window.push_after(&mut sql);
    sql.push(match window.direction() {
        Direction::Ascending => " ORDER BY p.created",
        Direction::Descending => " ORDER BY p.created DESC",
    });
    if tell == Tell::Level {
        // Without a limit, SQLite might think that nobody asks for the order.
        sql.push(" LIMIT -1)");
    }
    sql
}

/// Returns the statement that counts what is selected of the rows from each source.
pub(crate) fn count<'b>(sources: &'b [Source], conditions: &'b Conditions<'_>) -> Sql<'b> {
    if let ([Source { origin: Origin::Table, tally: false, .. }], true) = (sources, conditions.is_covered()) {
        // Whether a row has expired stands in no such index. The expired ones have an index, and should be few.
        let mut sql = Sql::new("SELECT (SELECT count(*) FROM polymnia_memories WHERE ");
        conditions.push_covered(&mut sql);
        sql.push(
            ") - (SELECT count(*) FROM polymnia_memories INDEXED BY polymnia_memories_expiry WHERE expires_at <= ",
        )
        .bind(Value::Integer(conditions.now()))
        .push(" AND ");
        conditions.push_covered(&mut sql);
        sql.push(")");
        return sql;
    }
    let mut sql = Sql::new("SELECT ");
    for (number, source) in sources.iter().enumerate() {
        sql.push(if number == 0 { "(SELECT count(*) FROM " } else { " + (SELECT count(*) FROM " });
        source.push(&mut sql, conditions);
        conditions.push(&mut sql, source.uncanonical);
        sql.push(")");
    }
    sql
}

/// Returns the statement that reads the numbers of the rows selected.
pub(crate) fn rids<'b>(source: &'b Source, conditions: &'b Conditions<'_>) -> Sql<'b> {
    let mut sql = Sql::new("SELECT m.rid FROM ");
    source.push(&mut sql, conditions);
    conditions.push(&mut sql, source.uncanonical);
    sql
}

/// Says whether a statement tells of rows that are not level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tell {
    Nothing,
    Level,
}

impl Source {
    pub(crate) fn new(origin: Origin, tally: bool) -> Self {
        Self { origin, tally, uncanonical: None }
    }

    /// Has filters ask once whether all metadata is canonical, by the term of what is not, if terms are known and it is worth it:
    /// of the few rows that an index on metadata proposes, most pass.
    pub(crate) fn asking(mut self, terms: Option<&NamespaceTerms>) -> Self {
        self.uncanonical = match self.origin {
            Origin::Table | Origin::Fields | Origin::User | Origin::Namespace => terms.map(NamespaceTerms::uncanonical),
            Origin::Unlevel | Origin::Term(_) | Origin::Terms(_) | Origin::Entries(_) => None,
        };
        self
    }

    /// Adds what follows `FROM`, up to the conditions.
    pub(crate) fn push<'b>(&'b self, sql: &mut Sql<'b>, conditions: &Conditions<'_>) {
        self.origin.push(sql, conditions.created());
        let [of_index, of_table] = TALLIES;
        let (tally, level) = match self.origin {
            Origin::Table | Origin::Fields | Origin::User | Origin::Namespace => (of_table, ""),
            Origin::Unlevel => (of_table, "indexed_revision <> revision AND "),
            Origin::Term(_) => (of_index, OF_ITS_TIME),
            Origin::Terms(_) | Origin::Entries(_) => (of_index, "indexed_revision = revision AND "),
        };
        if self.tally {
            sql.push(tally);
        }
        sql.push(level);
    }
}

impl Origin {
    fn push<'b>(&'b self, sql: &mut Sql<'b>, created: Range) {
        match self {
            Self::Table | Self::Fields => {
                sql.push("polymnia_memories AS m WHERE ");
            }
            Self::User => {
                sql.push("polymnia_memories AS m INDEXED BY polymnia_memories_user_created WHERE ");
            }
            Self::Namespace => {
                sql.push("polymnia_memories AS m INDEXED BY polymnia_memories_created WHERE ");
            }
            Self::Unlevel => {
                sql.push("polymnia_memories AS m INDEXED BY polymnia_memories_unlevel WHERE ");
            }
            Self::Term(term) => {
                let [from, until] = milliseconds(created);
                sql.push("polymnia_postings AS p CROSS JOIN polymnia_memories AS m ON m.rid = p.rid WHERE p.term = ")
                    .bind(Value::Integer(i64::from(*term)))
                    .push(" AND p.created BETWEEN ")
                    .bind(from)
                    .push(" AND ")
                    .bind(until)
                    .push(" AND ");
            }
            Self::Terms(terms) => {
                sql.push("(SELECT DISTINCT rid FROM polymnia_postings WHERE term IN (SELECT value FROM json_each(")
                    .bind(Value::Text(&terms.json))
                    .push("))")
                    .push(JOINED);
            }
            Self::Entries(entries) => {
                let [number, space, from, until] = entries.values();
                sql.push("(SELECT DISTINCT rid FROM polymnia_index_entries WHERE number = ")
                    .bind(number)
                    .push(" AND space = ")
                    .bind(space)
                    .push(" AND value >= ")
                    .bind(from)
                    .push(" AND value <= ")
                    .bind(until)
                    .push(JOINED);
            }
        }
    }
}

impl Terms {
    /// Returns the terms, in any order and more than once.
    pub(crate) fn new(mut terms: Vec<i32>) -> Self {
        terms.sort_unstable();
        terms.dedup();
        let json = serde_json::to_string(&terms).expect("integers can be written as JSON");
        Self { terms, json }
    }

    /// Returns how many there are.
    pub(crate) fn len(&self) -> usize {
        self.terms.len()
    }

    /// Adds the postings of all terms as one list in order, each posting once, which SQLite merges as it goes.
    fn push_merged<'b>(&'b self, sql: &mut Sql<'b>, created: Range, direction: Direction) {
        let [from, until] = milliseconds(created);
        let last = self.terms.last();
        // The last is repeated up to a power of two, so that there are few texts; a union takes each posting once.
        let padding = self.terms.len().next_power_of_two() - self.terms.len();
        for (number, term) in self.terms.iter().chain(std::iter::repeat_n(last, padding).flatten()).enumerate() {
            sql.push(if number == 0 { "(SELECT created, rid" } else { " UNION SELECT created, rid" })
                .push(" FROM polymnia_postings WHERE term = ")
                .bind(Value::Integer(i64::from(*term)))
                .push(" AND created BETWEEN ")
                .bind(from)
                .push(" AND ")
                .bind(until);
        }
        sql.push(match direction {
            Direction::Ascending => " ORDER BY created, rid LIMIT -1",
            Direction::Descending => " ORDER BY created DESC, rid DESC LIMIT -1",
        });
        sql.push(JOINED);
    }
}

impl Entries {
    /// Returns what is bound: number, space, and both ends.
    pub(crate) fn values(&self) -> [Value<'_>; 4] {
        // No text comes after a blob.
        let until = self.until.as_ref().map_or(Value::Blob(&[0]), bound);
        [Value::Integer(self.number), Value::Integer(i64::from(self.space)), bound(&self.from), until]
    }
}

/// Returns a range of times in whole milliseconds, both ends included.
fn milliseconds(Range { from, until }: Range) -> [Value<'static>; 2] {
    let from = from.map_or(i64::MIN, |from| from.div_euclid(1000));
    let until = until.map_or(i64::MAX, |until| until.saturating_sub(1).div_euclid(1000));
    [from, until].map(Value::Integer)
}

fn bound(value: &IndexValue) -> Value<'_> {
    match value {
        IndexValue::Number(number) => Value::Real(*number),
        IndexValue::Text(text) => Value::Text(text),
    }
}

#[cfg(test)]
mod tests;
