//! Selections as SQL.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use polymnia::filter::{FieldTest, Is, Relation, TextField, TimeField};
use polymnia::{Filter, Match, Namespace, Result, Selection, TimeRange, Timestamp};

use super::filter::FilterSql;
use crate::matches::Recheck;
use crate::statement::{Sql, Value};

/// Is a selection with what it needs in a form that can be bound. Statements borrow from it.
///
/// What a filter demands of the memory's own fields stands with the selection's conditions on them, wherever these have room
/// for it: an index serves it then.
#[derive(Debug)]
pub(crate) struct Conditions<'a> {
    pub(super) namespace: &'a Namespace,
    pub(super) now: i64,
    pub(super) user: Match<&'a str>,
    pub(super) agent: Match<&'a str>,
    pub(super) thread: Match<&'a str>,
    /// None means no condition.
    pub(super) tiers: Vec<&'a str>,
    pub(super) created: Range,
    pub(super) updated: Range,
    /// JSON arrays, bound as one value each, so that the text of a statement doesn't depend on how many there are.
    related_threads: Option<String>,
    several_tiers: Option<String>,
    filter: &'a Filter,
    filter_sql: FilterSql<'a>,
}

/// Is a range of times in microseconds: from `from` on, before `until`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Range {
    pub(crate) from: Option<i64>,
    pub(crate) until: Option<i64>,
}

impl<'a> Conditions<'a> {
    /// Readies a selection.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](polymnia::ErrorKind::Unsupported) for a filter that this version doesn't know.
    pub(crate) fn new(namespace: &'a Namespace, now: Timestamp, selection: &'a Selection) -> Result<Self> {
        let Selection { user, agent, thread, related_threads, tiers, created, updated, filter } = selection;
        let json = |texts: &[_]| serde_json::to_string(texts).expect("texts can be written as JSON");
        let mut conditions = Self {
            namespace,
            now: now.as_micros(),
            user: borrowed(user),
            agent: borrowed(agent),
            thread: borrowed(thread),
            tiers: tiers.iter().map(AsRef::as_ref).collect(),
            created: Range::of(created),
            updated: Range::of(updated),
            related_threads: (!related_threads.is_empty())
                .then(|| serde_json::to_string(related_threads).expect("texts can be written as JSON")),
            several_tiers: None,
            filter,
            filter_sql: FilterSql::default(),
        };
        let mut left = Vec::new();
        conditions.lift(filter, &mut left);
        conditions.filter_sql.push_all(&left)?;
        conditions.several_tiers = (conditions.tiers.len() > 1).then(|| json(&conditions.tiers));
        Ok(conditions)
    }

    pub(crate) fn namespace(&self) -> &'a Namespace {
        self.namespace
    }

    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    pub(crate) fn filter(&self) -> &'a Filter {
        self.filter
    }

    pub(crate) fn created(&self) -> Range {
        self.created
    }

    /// Adds to a hash what [`count_by_fields`](Self::count_by_fields) depends on.
    pub(crate) fn hash_fields(&self, hash: &mut impl Hasher) {
        let Self { namespace, user, thread, tiers, updated, .. } = self;
        namespace.as_str().hash(hash);
        for field in [user, thread] {
            match field {
                Match::Any => hash.write_u8(0),
                Match::Absent => hash.write_u8(1),
                Match::Is(value) => value.hash(hash),
            }
        }
        (tiers, updated).hash(hash);
    }

    /// Returns the filters that the statements of these conditions look for in the session.
    pub(crate) fn rechecks(&self) -> &[Arc<Recheck>] {
        &self.filter_sql.rechecks
    }

    /// Returns whether nothing is asked for but what the whole filter says of metadata, as one condition.
    pub(crate) fn is_metadata_alone(&self) -> bool {
        let Self { user, agent, thread, tiers, created, updated, related_threads, filter, filter_sql, .. } = self;
        [user, agent, thread].iter().all(|field| **field == Match::Any)
            && tiers.is_empty()
            && [created, updated].iter().all(|range| **range == Range::default())
            && related_threads.is_none()
            && filter_sql.rechecks.len() == 1
            && filter.is_metadata_only()
    }

    /// Returns whether no field but the one that orders is asked for, as far as an index could tell.
    pub(crate) fn is_order_alone(&self) -> bool {
        let Self { user, thread, tiers, created, updated, .. } = self;
        [user, thread].iter().all(|field| **field == Match::Any)
            && tiers.is_empty()
            && [created, updated].iter().all(|range| **range == Range::default())
    }

    /// Adds the conditions, without `WHERE`. If rows are many, `uncanonical` is the term of those whose metadata is not canonical.
    pub(crate) fn push<'b>(&'b self, sql: &mut Sql<'b>, uncanonical: Option<i32>) {
        self.push_within(sql, [self.created, self.updated], uncanonical);
    }

    pub(super) fn push_within<'b>(
        &'b self,
        sql: &mut Sql<'b>,
        [created, updated]: [Range; 2],
        uncanonical: Option<i32>,
    ) {
        self.push_fields(sql, created, updated);
        sql.push(" AND (expires_at IS NULL OR expires_at > ").bind(Value::Integer(self.now)).push(")");
        if let Some(related_threads) = &self.related_threads {
            sql.push(" AND EXISTS (SELECT 1 FROM json_each(related_threads) AS related WHERE related.value IN")
                .push(" (SELECT value FROM json_each(")
                .bind(Value::Text(related_threads))
                .push(")))");
        }
        self.filter_sql.parts.push_to(sql, Value::Text(self.namespace.as_str()), uncanonical);
    }

    /// Returns whether all conditions but expiry are on the columns of one index.
    pub(crate) fn is_covered(&self) -> bool {
        let Self { user, agent, thread, tiers, created, updated, related_threads, filter_sql, .. } = self;
        let [user, agent, thread] = [user, agent, thread].map(|field| *field != Match::Any);
        let [created, updated] = [created, updated].map(|range| *range != Range::default());
        let (by_tier, by_thread) = (!tiers.is_empty() || updated, thread || created);
        let is_only_updated = updated && tiers.is_empty() && !user;
        !agent
            && related_threads.is_none()
            && filter_sql.parts.is_empty()
            && !(by_tier && by_thread)
            && (!updated || is_only_updated || !tiers.is_empty())
    }

    /// Adds the conditions of a selection that is [covered](Self::is_covered), without expiry.
    pub(crate) fn push_covered<'b>(&'b self, sql: &mut Sql<'b>) {
        self.push_fields(sql, self.created, self.updated);
    }

    fn push_fields<'b>(&'b self, sql: &mut Sql<'b>, created: Range, updated: Range) {
        self.push_namespace(sql);
        push_match(sql, &self.user, " AND user_id = ", " AND user_id IS NULL");
        push_match(sql, &self.thread, " AND thread_id = ", " AND thread_id IS NULL");
        push_match(sql, &self.agent, " AND agent_id = ", " AND agent_id IS NULL");
        if let [tier] = self.tiers.as_slice() {
            sql.push(" AND tier = ").bind(Value::Text(tier));
        }
        if let Some(tiers) = &self.several_tiers {
            sql.push(" AND tier IN (SELECT value FROM json_each(").bind(Value::Text(tiers)).push("))");
        }
        created.push(sql, [" AND created_at >= ", " AND created_at < "]);
        updated.push(sql, [" AND updated_at >= ", " AND updated_at < "]);
    }

    /// Returns the statement that counts, up to a limit, the rows that an index on own fields would find, and whether there
    /// is any such index. Times of creation don't count: the postings are bounded by them too.
    pub(crate) fn count_by_fields(&self, limit: i64) -> Option<Sql<'_>> {
        let mut sql = Sql::new("SELECT count(*) FROM (SELECT 1 FROM polymnia_memories WHERE ");
        self.push_namespace(&mut sql);
        let tier = match self.tiers.as_slice() {
            [tier] => Some(tier),
            _ => None,
        };
        if self.user != Match::Any {
            push_match(&mut sql, &self.user, " AND user_id = ", " AND user_id IS NULL");
            if self.thread != Match::Any {
                push_match(&mut sql, &self.thread, " AND thread_id = ", " AND thread_id IS NULL");
            } else if let Some(tier) = tier {
                sql.push(" AND tier = ").bind(Value::Text(tier));
            }
        } else if let Some(tier) = tier {
            sql.push(" AND tier = ").bind(Value::Text(tier));
            self.updated.push(&mut sql, [" AND updated_at >= ", " AND updated_at < "]);
        } else if self.updated != Range::default() {
            self.updated.push(&mut sql, [" AND updated_at >= ", " AND updated_at < "]);
        } else {
            return None;
        }
        sql.push(" LIMIT ").bind(Value::Integer(limit)).push(")");
        Some(sql)
    }

    fn push_namespace<'b>(&'b self, sql: &mut Sql<'b>) {
        sql.push("namespace = ").bind(Value::Text(self.namespace.as_str()));
    }

    /// Takes what the conditions on fields have room for; the rest of the conjunction goes to `left`.
    fn lift(&mut self, filter: &'a Filter, left: &mut Vec<&'a Filter>) {
        let lifted = match filter {
            Filter::And(all) => {
                for filter in all {
                    self.lift(filter, left);
                }
                true
            }
            Filter::Field(FieldTest::Text(field, Is::Eq(wanted))) => self.lift_text(*field, wanted),
            Filter::Field(FieldTest::Time(TimeField::Created, is)) => self.created.lift(is),
            Filter::Field(FieldTest::Time(TimeField::Updated, is)) => self.updated.lift(is),
            _ => false,
        };
        if !lifted {
            left.push(filter);
        }
    }

    fn lift_text(&mut self, field: TextField, wanted: &'a str) -> bool {
        let place = match field {
            TextField::User => &mut self.user,
            TextField::Agent => &mut self.agent,
            TextField::Thread => &mut self.thread,
            TextField::Tier if self.tiers.is_empty() => {
                self.tiers.push(wanted);
                return true;
            }
            TextField::Tier => return false,
        };
        let free = *place == Match::Any;
        if free {
            *place = Match::Is(wanted);
        }
        free
    }
}

impl Range {
    fn of(range: &TimeRange) -> Self {
        Self { from: range.from.map(Timestamp::as_micros), until: range.until.map(Timestamp::as_micros) }
    }

    /// Narrows the range to the times that pass a test, if they are one.
    fn lift(&mut self, is: &Is<Timestamp>) -> bool {
        let (from, until) = match is {
            Is::Eq(time) => (Some(time.as_micros()), Some(time.as_micros() + 1)),
            Is::Compare(Relation::Less, time) => (None, Some(time.as_micros())),
            Is::Compare(Relation::LessOrEqual, time) => (None, Some(time.as_micros() + 1)),
            Is::Compare(Relation::Greater, time) => (Some(time.as_micros() + 1), None),
            Is::Compare(Relation::GreaterOrEqual, time) => (Some(time.as_micros()), None),
            Is::Present | Is::In(_) => return false,
        };
        self.from = self.from.max(from);
        self.until = match (self.until, until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        true
    }

    /// Adds its ends, each after its text.
    fn push(self, sql: &mut Sql<'_>, [from, until]: [&'static str; 2]) {
        for (text, time) in [(from, self.from), (until, self.until)] {
            if let Some(time) = time {
                sql.push(text).bind(Value::Integer(time));
            }
        }
    }
}

fn borrowed<T: AsRef<str>>(field: &Match<T>) -> Match<&str> {
    match field {
        Match::Any => Match::Any,
        Match::Absent => Match::Absent,
        Match::Is(value) => Match::Is(value.as_ref()),
    }
}

fn push_match<'b>(sql: &mut Sql<'b>, field: &Match<&'b str>, is: &'static str, absent: &'static str) {
    match field {
        Match::Any => {}
        Match::Absent => {
            sql.push(absent);
        }
        Match::Is(value) => {
            sql.push(is).bind(Value::Text(value));
        }
    }
}
