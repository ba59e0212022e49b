//! How the database is, for those who operate it.

use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use polymnia::schema::{Health, IndexHealth, LockHealth, TableHealth};

use super::scratch;
use crate::error::Fault;
use crate::quote;
use crate::read::unsigned;
use crate::session::Session;
use crate::sql::Statement;

/// The most tables and indexes told of.
const MOST: i64 = 500;
/// Rows deleted or replaced and not cleaned up, from which on it is worth a word: so many, and a fifth of all.
const DEAD: i64 = 10_000;

/// Looks at it.
pub(super) fn read(session: &mut Session) -> Result<Health, Fault> {
    let (tables, mut advice) = tables(session)?;
    let indexes = indexes(session)?;
    // Not what somebody is building right now.
    for name in super::indexes::invalid(session)? {
        advice.push(format!("index {name} is INVALID: a build of it was not finished. Run `polymnia migrate repair`"));
    }
    advice.extend(long_transactions(session)?);
    for name in scratch::left_over(session)? {
        let drop = quote::drop_database(&name);
        advice.push(format!("database {name} was left over by a rehearsal that was ended: {drop}"));
    }
    Ok(Health { tables, indexes, locks: locks(session)?, advice })
}

/// A table that somebody has locked has no size: asking for it would wait.
fn tables(session: &mut Session) -> Result<(Vec<TableHealth>, Vec<String>), Fault> {
    let mut statement = Statement::<(Text, BigInt, Nullable<BigInt>, BigInt, BigInt, Bool)>::new(
        "SELECT format('%I.%I', one.schemaname, one.relname), class.reltuples::bigint, \
         CASE WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_locks AS lock WHERE lock.relation = one.relid \
         AND lock.mode = 'AccessExclusiveLock') THEN pg_total_relation_size(one.relid) END, one.n_live_tup, one.n_dead_tup, \
         one.last_analyze IS NULL AND one.last_autoanalyze IS NULL AND one.n_mod_since_analyze > 1000 \
         FROM pg_catalog.pg_stat_user_tables AS one JOIN pg_catalog.pg_class AS class ON class.oid = one.relid \
         ORDER BY 3 DESC NULLS LAST, 1 LIMIT ",
    );
    statement.bind(MOST).plan_each_time();
    let rows: Vec<(String, i64, Option<i64>, i64, i64, bool)> = session.load(statement)?;
    let mut advice = Vec::new();
    let mut tables = Vec::with_capacity(rows.len());
    for (name, estimate, bytes, live, dead, unknown) in rows {
        if unknown {
            advice.push(format!("table {name} has no statistics yet, queries may be planned badly: ANALYZE {name}"));
        }
        if dead >= DEAD && dead > live / 5 {
            advice.push(format!(
                "table {name} has {dead} dead rows beside {live}: VACUUM {name}, and see what keeps autovacuum"
            ));
        }
        let rows = (estimate >= 0).then(|| unsigned(estimate));
        tables.push(TableHealth { name, rows, bytes: bytes.map(unsigned) });
    }
    Ok((tables, advice))
}

fn indexes(session: &mut Session) -> Result<Vec<IndexHealth>, Fault> {
    let mut statement = Statement::<(Text, Text, Nullable<BigInt>, BigInt, Bool)>::new(
        "SELECT format('%I.%I', one.schemaname, one.indexrelname), format('%I.%I', one.schemaname, one.relname), \
         CASE WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_locks AS lock WHERE lock.relation = one.indexrelid \
         AND lock.mode = 'AccessExclusiveLock') THEN pg_relation_size(one.indexrelid) END, one.idx_scan, state.indisvalid \
         FROM pg_catalog.pg_stat_user_indexes AS one JOIN pg_catalog.pg_index AS state ON state.indexrelid = one.indexrelid \
         ORDER BY 3 DESC NULLS LAST, 1 LIMIT ",
    );
    statement.bind(MOST).plan_each_time();
    let rows: Vec<(String, String, Option<i64>, i64, bool)> = session.load(statement)?;
    let index = |(name, table, bytes, scans, valid): (String, String, Option<i64>, i64, bool)| IndexHealth {
        name,
        table,
        bytes: bytes.map(unsigned),
        scans: Some(unsigned(scans)),
        valid,
    };
    Ok(rows.into_iter().map(index).collect())
}

/// Lists what somebody waits for, once for each who holds it.
fn locks(session: &mut Session) -> Result<Vec<LockHealth>, Fault> {
    let mut statement = Statement::<(Text, Text, Text, Nullable<BigInt>, BigInt)>::new(
        "SELECT coalesce(format('%I.%I', schema.nspname, class.relname), waiting.locktype), waiting.mode, \
         concat_ws(', ', coalesce(nullif(holder.application_name, ''), 'an unnamed program'), 'role ' || holder.usename, \
         'process ' || holder.pid, holder.state), \
         (extract(epoch FROM clock_timestamp() - holder.xact_start) * 1000)::bigint, count(*) \
         FROM pg_catalog.pg_locks AS waiting CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) AS blocking (pid) \
         JOIN pg_catalog.pg_stat_activity AS holder ON holder.pid = blocking.pid \
         LEFT JOIN pg_catalog.pg_class AS class ON class.oid = waiting.relation \
         LEFT JOIN pg_catalog.pg_namespace AS schema ON schema.oid = class.relnamespace \
         WHERE NOT waiting.granted AND (waiting.database IS NULL \
         OR waiting.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())) \
         GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3",
    );
    statement.plan_each_time();
    let rows: Vec<(String, String, String, Option<i64>, i64)> = session.load(statement)?;
    let lock = |(object, mode, holder, millis, waiting): (String, String, String, Option<i64>, i64)| LockHealth {
        object,
        mode,
        holder,
        millis: millis.map(unsigned),
        waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
    };
    Ok(rows.into_iter().map(lock).collect())
}

/// Tells of transactions that hold locks for so long that migrations and VACUUM wait for them.
fn long_transactions(session: &mut Session) -> Result<Vec<String>, Fault> {
    let mut statement = Statement::<Text>::new(
        "SELECT format('process %s (%s, %s) has had a transaction open for %s minutes: migrations and VACUUM wait for it. \
         End it with SELECT pg_terminate_backend(%s)', pid, coalesce(nullif(application_name, ''), 'an unnamed program'), \
         coalesce(state, 'state unknown'), (extract(epoch FROM clock_timestamp() - xact_start) / 60)::bigint, pid) \
         FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
         AND backend_type = 'client backend' AND xact_start < clock_timestamp() - interval '10 minutes' ORDER BY xact_start",
    );
    statement.plan_each_time();
    session.load(statement)
}
