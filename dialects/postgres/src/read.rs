//! What reads one tenant's memories.

use std::collections::HashMap;

use diesel::pg::data_types::PgTimestamp;
use diesel::pg::{Pg, PgConnection};
use diesel::query_builder::{AstPass, Query as DieselQuery, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid};
use diesel::{QueryResult, RunQueryDsl};
use polymnia::{
    Error, ErrorKind, Group, Memory, MemoryId, Namespace, NamespaceStats, Result, Selection, ThreadId, Tier, Timestamp,
    UserId,
};

use crate::error::Fault;
use crate::filter_sql::{self, Hints, Tenants};
use crate::row::{MemoryColumns, MemoryRow, columns};
use crate::session::Session;
use crate::sql::{Statement, pg_time, time};

/// Reads memories by id, in the order of `ids`.
pub(crate) fn get(
    session: &mut Session,
    now: Timestamp,
    namespace: &Namespace,
    ids: &[MemoryId],
) -> Result<Vec<Option<Memory>>, Fault> {
    match ids {
        [] => Ok(Vec::new()),
        [id] => {
            let statement = GetOne { namespace: namespace.as_str(), id: (*id).into(), now: pg_time(now) };
            let rows: Vec<MemoryRow> = session.load(statement)?;
            Ok(vec![rows.into_iter().next().map(MemoryRow::into_memory).transpose()?])
        }
        ids => get_many(session, now, namespace, ids),
    }
}

fn get_many(
    session: &mut Session,
    now: Timestamp,
    namespace: &Namespace,
    ids: &[MemoryId],
) -> Result<Vec<Option<Memory>>, Fault> {
    let mut statement =
        Statement::<MemoryColumns>::new(concat!("SELECT ", columns!(), " FROM polymnia.memories WHERE namespace = "));
    let uuids: Vec<uuid::Uuid> = ids.iter().map(|id| (*id).into()).collect();
    statement.bind(namespace.as_str()).text(" AND id = ANY (").bind(uuids);
    statement.text(") AND (expires_at IS NULL OR expires_at > ").bind(now).text(")");
    let rows: Vec<MemoryRow> = session.load(statement)?;
    let mut found: HashMap<MemoryId, Memory> = HashMap::with_capacity(rows.len());
    for row in rows {
        let memory = row.into_memory()?;
        found.insert(memory.id, memory);
    }
    // An id asked for twice is cloned, all others are moved.
    let mut left: HashMap<MemoryId, usize> = HashMap::with_capacity(ids.len());
    for id in ids {
        *left.entry(*id).or_default() += 1;
    }
    let take = |id: &MemoryId| {
        let left = left.get_mut(id).expect("every id was counted");
        *left -= 1;
        if *left == 0 { found.remove(id) } else { found.get(id).cloned() }
    };
    Ok(ids.iter().map(take).collect())
}

/// Reads one memory. Of its own type, so that the statement is found without comparing its text.
#[derive(Debug)]
struct GetOne<'a> {
    namespace: &'a str,
    id: uuid::Uuid,
    now: PgTimestamp,
}

impl QueryFragment<Pg> for GetOne<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(concat!("SELECT ", columns!(), " FROM polymnia.memories WHERE namespace = "));
        out.push_bind_param::<Text, _>(self.namespace)?;
        out.push_sql(" AND id = ");
        out.push_bind_param::<Uuid, _>(&self.id)?;
        out.push_sql(" AND (expires_at IS NULL OR expires_at > ");
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for GetOne<'_> {
    type QueryId = GetOne<'static>;
}

impl DieselQuery for GetOne<'_> {
    type SqlType = MemoryColumns;
}

impl RunQueryDsl<PgConnection> for GetOne<'_> {}

/// Counts the selected memories.
pub(crate) fn count(
    session: &mut Session,
    now: Timestamp,
    namespace: &Namespace,
    selection: &Selection,
    hints: Hints<'_>,
    tenants: Tenants,
) -> Result<u64, Fault> {
    let mut statement = Statement::<BigInt>::new("SELECT count(*) FROM polymnia.memories");
    filter_sql::push_selection(&mut statement, namespace, now, selection, hints, tenants)?;
    // By the index on metadata whatever the needle is: planning would take as long as counting.
    let is_one_plan = filter_sql::is_one_needle(&selection.filter)
        && *selection == Selection { filter: selection.filter.clone(), ..Selection::default() };
    if !is_one_plan {
        statement.plan_each_time();
    }
    statement.check()?;
    Ok(unsigned(session.load_one(statement)?))
}

/// Counts what the namespace holds. Of one moment if `session` is in a snapshot.
pub(crate) fn stats(session: &mut Session, now: Timestamp, namespace: &Namespace) -> Result<NamespaceStats, Fault> {
    type Totals = (BigInt, BigInt, BigInt, Nullable<Timestamptz>, Nullable<Timestamptz>, BigInt, BigInt);
    type TotalValues = (i64, i64, i64, Option<PgTimestamp>, Option<PgTimestamp>, i64, i64);
    let everything = Selection::default();
    let mut totals = Statement::<Totals>::new(
        "SELECT count(*), coalesce(sum(octet_length(content)), 0)::bigint, \
         coalesce(sum(octet_length(metadata::text)), 0)::bigint, min(created_at), max(created_at), \
         count(DISTINCT user_id), count(DISTINCT thread_id) FROM polymnia.memories",
    );
    filter_sql::push_fields(&mut totals, namespace, now, &everything);
    let (memories, content_bytes, metadata_bytes, oldest, newest, users, threads): TotalValues =
        session.load_one(totals)?;
    Ok(NamespaceStats {
        memories: unsigned(memories),
        content_bytes: unsigned(content_bytes),
        metadata_bytes: unsigned(metadata_bytes),
        oldest: oldest.map(stored_time).transpose()?,
        newest: newest.map(stored_time).transpose()?,
        users: unsigned(users),
        threads: unsigned(threads),
        by_tier: groups(
            session,
            now,
            namespace,
            ["SELECT tier, count(*) FROM polymnia.memories", " GROUP BY tier ORDER BY count(*) DESC, tier"],
        )?
        .into_iter()
        .filter_map(|(value, memories)| Some(Group { value: Tier::from_stored(value?), memories }))
        .collect(),
        by_user: first_groups(
            session,
            now,
            namespace,
            [
                "SELECT user_id, count(*) FROM polymnia.memories",
                " GROUP BY user_id ORDER BY count(*) DESC, user_id NULLS LAST LIMIT ",
            ],
        )?
        .into_iter()
        .map(|(value, memories)| Group { value: value.map(UserId::from_stored), memories })
        .collect(),
        by_thread: first_groups(
            session,
            now,
            namespace,
            [
                "SELECT thread_id, count(*) FROM polymnia.memories",
                " GROUP BY thread_id ORDER BY count(*) DESC, thread_id NULLS LAST LIMIT ",
            ],
        )?
        .into_iter()
        .map(|(value, memories)| Group { value: value.map(ThreadId::from_stored), memories })
        .collect(),
    })
}

type Groups = Vec<(Option<String>, u64)>;

fn groups(
    session: &mut Session,
    now: Timestamp,
    namespace: &Namespace,
    [select, order]: [&'static str; 2],
) -> Result<Groups, Fault> {
    let everything = Selection::default();
    let mut statement = Statement::<(Nullable<Text>, BigInt)>::new(select);
    filter_sql::push_fields(&mut statement, namespace, now, &everything);
    statement.text(order);
    let rows: Vec<(Option<String>, i64)> = session.load(statement)?;
    Ok(rows.into_iter().map(|(value, count)| (value, unsigned(count))).collect())
}

fn first_groups(
    session: &mut Session,
    now: Timestamp,
    namespace: &Namespace,
    [select, order]: [&'static str; 2],
) -> Result<Groups, Fault> {
    let everything = Selection::default();
    let mut statement = Statement::<(Nullable<Text>, BigInt)>::new(select);
    filter_sql::push_fields(&mut statement, namespace, now, &everything);
    statement.text(order).bind(i64::from(NamespaceStats::MAX_GROUPS));
    let rows: Vec<(Option<String>, i64)> = session.load(statement)?;
    Ok(rows.into_iter().map(|(value, count)| (value, unsigned(count))).collect())
}

/// Returns a time that an aggregate gave.
pub(crate) fn stored_time(stored: PgTimestamp) -> Result<Timestamp> {
    time(stored).ok_or_else(|| Error::new(ErrorKind::Corrupt, "a stored time is outside the years 1 to 9999"))
}

/// Returns a count, which is never negative.
pub(crate) fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
