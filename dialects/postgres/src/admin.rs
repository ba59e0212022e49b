//! What concerns the database as a whole, or several namespaces.

use std::collections::BTreeMap;

use diesel::pg::data_types::PgTimestamp;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid};
use polymnia::spi::{AdminEngine, refusal};
use polymnia::{
    Call, ChangeOperation, ChangeRecord, DatabaseInfo, Error, ErrorKind, Extension, IndexDeclaration, IndexName,
    IndexStatus, Namespace, NamespaceSummary, OptimizeReport, Result, Upkeep, VerifyReport,
};

use crate::engine::{Patience, PgEngine};
use crate::error::Fault;
use crate::read::{stored_time, unsigned};
use crate::session::{Scope, Session};
use crate::sql::Statement;
use crate::write::{Capture, Claim, capture_transaction};
use crate::{declared, upkeep};

impl AdminEngine for PgEngine {
    fn ping(&self, call: &Call) -> Result<()> {
        self.run(call, Patience::Endless, |session| Ok(session.ping()?))
    }

    fn info(&self, call: &Call) -> Result<DatabaseInfo> {
        let (applied, server, bytes, extensions, unused_indexes) =
            self.run_within(call, Patience::Endless, Scope::Snapshot, |session| {
                let server = server(session)?;
                let bytes = session.load_one(Statement::<BigInt>::new("SELECT pg_database_size(current_database())"));
                // A role may lack the right to ask for the size, and is no worse off.
                let bytes: Option<i64> = if server.may_connect { Some(bytes?) } else { None };
                let applied = crate::schema::applied(session)?;
                Ok((applied, server, bytes, extensions(session)?, unused_indexes(session)?))
            })?;
        let known = polymnia_migrations::postgres_source().scripts;
        let pending = known.iter().filter(|script| !applied.contains(script.version.as_str()));
        let Server { version, read_only, details, may_connect: _ } = server;
        Ok(DatabaseInfo {
            dialect: "postgres".to_owned(),
            server_version: version,
            schema_version: crate::schema::newest(&applied),
            schema_pending: pending.count(),
            read_only,
            bytes: bytes.map(unsigned),
            extensions,
            unused_indexes: (!applied.is_empty()).then_some(unused_indexes),
            pool: self.pool.status(),
            details,
        })
    }

    fn namespaces(&self, call: &Call, after: Option<&Namespace>, limit: u32) -> Result<Vec<NamespaceSummary>> {
        self.run_within(call, Patience::Endless, Scope::Read, |session| {
            let mut statement = Statement::<(Text, BigInt, Timestamptz, Timestamptz)>::new(
                "SELECT namespace, count(*), min(created_at), max(created_at) FROM polymnia.memories",
            );
            if let Some(after) = after {
                statement.text(" WHERE namespace > ").bind(after.as_str());
            }
            statement.text(" GROUP BY namespace ORDER BY namespace LIMIT ").bind(i64::from(limit));
            // Whether to stream groups from an index depends on how many are wanted.
            statement.plan_each_time();
            let rows: Vec<(String, i64, PgTimestamp, PgTimestamp)> = session.load(statement)?;
            let summary = |(namespace, memories, oldest, newest)| {
                Ok(NamespaceSummary {
                    namespace: Namespace::from_stored(namespace),
                    memories: unsigned(memories),
                    oldest: stored_time(oldest)?,
                    newest: stored_time(newest)?,
                })
            };
            rows.into_iter().map(summary).collect()
        })
    }

    fn rename_namespace(&self, call: &Call, from: &Namespace, to: &Namespace) -> Result<u64> {
        if from == to {
            return Err(refusal::namespace_same(from));
        }
        // Of one moment: a memory written meanwhile makes it fail, to be tried again, or stays under the old name.
        self.run_within(call, Patience::Endless, Scope::Exact, |session| rename(session, from, to))
    }

    fn delete_namespace(&self, call: &Call, namespace: &Namespace) -> Result<u64> {
        self.run_within(call, Patience::Endless, Scope::Transaction, |session| {
            let capture = Capture::claim(session, namespace, Claim::Whole)?;
            let mut statement = Statement::<Uuid>::new("DELETE FROM polymnia.memories WHERE namespace = ");
            statement.bind(namespace.as_str());
            if capture.is_off() {
                return Ok(session.execute(&statement)? as u64);
            }
            statement.text(" RETURNING id");
            let ids: Vec<uuid::Uuid> = session.load(statement)?;
            let count = ids.len() as u64;
            capture.record(session, namespace, ids.into_iter().map(|id| (id, ChangeOperation::Delete)))?;
            Ok(count)
        })
    }

    fn sweep(&self, call: &Call, limit: u32) -> Result<u64> {
        self.run_within(call, Patience::Endless, Scope::Transaction, |session| sweep(session, call, limit))
    }

    fn analyze(&self, call: &Call) -> Result<()> {
        self.run_within(call, Patience::Endless, Scope::Write, |session| {
            let mut statement: Statement<'_> = Statement::new("ANALYZE polymnia.memories");
            statement.plan_each_time();
            session.execute(&statement)?;
            Ok(())
        })
    }

    fn optimize(&self, call: &Call, upkeep: Upkeep) -> Result<OptimizeReport> {
        self.run(call, Patience::Endless, upkeep::clean)?;
        if upkeep == Upkeep::Full {
            self.analyze(call)?;
        }
        self.samples.forget();
        Ok(OptimizeReport::default())
    }

    fn verify(&self, call: &Call) -> Result<VerifyReport> {
        self.run(call, Patience::Endless, |session| upkeep::verify(session, call, |text| self.config.scrub(text)))
    }

    fn indexes(&self, call: &Call) -> Result<Vec<IndexStatus>> {
        self.run_within(call, Patience::Endless, Scope::Read, declared::list)
    }

    fn create_index(&self, call: &Call, declaration: &IndexDeclaration) -> Result<()> {
        self.declarations.forget();
        // A connection of its own: should the process die, its lock goes with it.
        let done = self.run_apart(call, Patience::Endless, |session| {
            declared::create(session, call, declaration, self.config.sessions)
        });
        self.declarations.forget();
        done.map_err(|error| error.with_context("index", &declaration.name))
    }

    fn drop_index(&self, call: &Call, name: &IndexName) -> Result<bool> {
        self.declarations.forget();
        let done = self
            .run_apart(call, Patience::Endless, |session| declared::remove(session, call, name, self.config.sessions));
        self.declarations.forget();
        done.map_err(|error| error.with_context("index", name))
    }

    fn set_change_capture(&self, call: &Call, on: bool) -> Result<()> {
        self.run_within(call, Patience::Endless, Scope::Write, |session| {
            let mut statement: Statement<'_> =
                Statement::new("INSERT INTO polymnia.settings (name, value) VALUES ('change_capture', ");
            statement
                .bind(if on { "on" } else { "off" })
                .text(") ON CONFLICT (name) DO UPDATE SET value = excluded.value");
            session.execute(&statement)?;
            Ok(())
        })
    }

    fn changes(&self, call: &Call, after: i64, limit: u32) -> Result<Vec<ChangeRecord>> {
        self.run_within(call, Patience::Endless, Scope::Read, |session| {
            let mut statement = Statement::<(BigInt, BigInt, Text, Uuid, Text)>::new(
                "SELECT seq, txid, namespace, id, op FROM polymnia.changes WHERE seq > ",
            );
            statement.bind(after).text(" ORDER BY seq LIMIT ").bind(i64::from(limit));
            let rows: Vec<(i64, i64, String, uuid::Uuid, String)> = session.load(statement)?;
            Ok(rows.into_iter().map(change).collect::<Result<_>>()?)
        })
    }
}

fn change((sequence, transaction, namespace, id, op): (i64, i64, String, uuid::Uuid, String)) -> Result<ChangeRecord> {
    let operation = ChangeOperation::from_code(&op).ok_or_else(|| {
        Error::new(ErrorKind::Corrupt, format!("change {sequence} has the operation {op:?}: expected \"w\" or \"d\""))
    })?;
    Ok(ChangeRecord { sequence, transaction, namespace: Namespace::from_stored(namespace), id: id.into(), operation })
}

fn rename(session: &mut Session, from: &Namespace, to: &Namespace) -> Result<u64, Fault> {
    if !holds_any(session, from)? {
        return Err(refusal::namespace_missing(from).into());
    }
    if holds_any(session, to)? {
        return Err(refusal::namespace_exists(to).into());
    }
    let capture = Capture::claim(session, from, Claim::Whole)?;
    // The namespace is the key that distributes the table, which can't be updated.
    let mut copy = Statement::<Uuid>::new(
        "INSERT INTO polymnia.memories (namespace, id, user_id, agent_id, thread_id, tier, content, metadata, importance, \
         related_threads, revision, created_at, updated_at, expires_at) SELECT ",
    );
    copy.bind(to.as_str());
    copy.text(
        ", id, user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, revision, created_at, \
         updated_at, expires_at FROM polymnia.memories WHERE namespace = ",
    );
    copy.bind(from.as_str());
    let mut remove: Statement<'_> = Statement::new("DELETE FROM polymnia.memories WHERE namespace = ");
    remove.bind(from.as_str());
    if capture.is_off() {
        let copied = session.execute(&copy).map_err(|fault| collision(fault, to))?;
        session.execute(&remove)?;
        return Ok(copied as u64);
    }
    copy.text(" RETURNING id");
    let ids: Vec<uuid::Uuid> = session.load(copy).map_err(|fault| collision(fault, to))?;
    session.execute(&remove)?;
    capture.record(session, from, ids.iter().map(|id| (*id, ChangeOperation::Delete)))?;
    capture.record(session, to, ids.iter().map(|id| (*id, ChangeOperation::Write)))?;
    Ok(ids.len() as u64)
}

fn holds_any(session: &mut Session, namespace: &Namespace) -> Result<bool, Fault> {
    let mut statement = Statement::<Bool>::new("SELECT EXISTS (SELECT FROM polymnia.memories WHERE namespace = ");
    statement.bind(namespace.as_str()).text(")");
    session.load_one(statement)
}

/// Somebody put a memory of the same id there since it was found to be empty.
fn collision(fault: Fault, to: &Namespace) -> Fault {
    match fault {
        Fault::Database { error: DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _), .. } => {
            refusal::namespace_exists(to).into()
        }
        fault => fault,
    }
}

fn sweep(session: &mut Session, call: &Call, limit: u32) -> Result<u64, Fault> {
    let (capture, expired) = look_for_expired(session, call, limit)?;
    match expired {
        Expired::None => Ok(0),
        Expired::AllOf(namespace) => remove_expired(session, call, capture, &namespace, None),
        Expired::OfSeveral => {
            // One namespace a statement: each is one shard's.
            let mut swept = 0;
            for (namespace, ids) in first_expired(session, call, limit)? {
                call.check()?;
                swept += remove_expired(session, call, capture, &Namespace::from_stored(namespace), Some(ids))?;
            }
            Ok(swept)
        }
    }
}

/// Is what there is to sweep.
enum Expired {
    None,
    /// All that has expired is of one namespace, and well within the limit.
    AllOf(Namespace),
    OfSeveral,
}

/// Says what has expired and whether to record that it goes, in one round trip.
fn look_for_expired(session: &mut Session, call: &Call, limit: u32) -> Result<(Capture, Expired), Fault> {
    type Row = (Option<i64>, i64, Option<String>, Option<String>);
    let mut statement = Statement::<(Nullable<BigInt>, BigInt, Nullable<Text>, Nullable<Text>)>::new(concat!(
        "SELECT ",
        capture_transaction!(),
        ", count(*), min(n.namespace), max(n.namespace) FROM \
         (SELECT namespace FROM polymnia.memories WHERE expires_at <= "
    ));
    // More may expire until they are removed, but hardly as many again.
    let most = i64::from(limit / 2);
    statement.bind(call.now).text(" LIMIT ").bind(most + 1).text(") AS n").plan_each_time();
    let (transaction, count, first, last): Row = session.load_one(statement)?;
    let expired = match (first, last) {
        (Some(first), Some(last)) if first == last && count <= most => Expired::AllOf(Namespace::from_stored(first)),
        (None, _) => Expired::None,
        _ => Expired::OfSeveral,
    };
    Ok((Capture::of(transaction), expired))
}

/// Returns the ids of what is to be swept, the first to expire first, by namespace.
fn first_expired(session: &mut Session, call: &Call, limit: u32) -> Result<BTreeMap<String, Vec<uuid::Uuid>>, Fault> {
    let mut expired =
        Statement::<(Text, Uuid)>::new("SELECT namespace, id FROM polymnia.memories WHERE expires_at <= ");
    expired.bind(call.now).text(" ORDER BY expires_at LIMIT ").bind(i64::from(limit)).plan_each_time();
    let rows: Vec<(String, uuid::Uuid)> = session.load(expired)?;
    let mut by_namespace: BTreeMap<String, Vec<uuid::Uuid>> = BTreeMap::new();
    for (namespace, id) in rows {
        by_namespace.entry(namespace).or_default().push(id);
    }
    Ok(by_namespace)
}

/// Removes what has expired of a namespace, of these ids if they are given, and returns how much there was.
fn remove_expired(
    session: &mut Session,
    call: &Call,
    capture: Capture,
    namespace: &Namespace,
    ids: Option<Vec<uuid::Uuid>>,
) -> Result<u64, Fault> {
    let mut remove = Statement::<Uuid>::new("DELETE FROM polymnia.memories WHERE namespace = ");
    remove.bind(namespace.as_str());
    if let Some(ids) = ids {
        remove.text(" AND id = ANY (").bind(ids).text(")");
    }
    // With ids this is asked again: what they name may have been put anew since.
    remove.text(" AND expires_at <= ").bind(call.now).plan_each_time();
    if capture.is_off() {
        return Ok(session.execute(&remove)? as u64);
    }
    remove.text(" RETURNING id");
    let removed: Vec<uuid::Uuid> = session.load(remove)?;
    let count = removed.len() as u64;
    capture.record(session, namespace, removed.into_iter().map(|id| (id, ChangeOperation::Delete)))?;
    Ok(count)
}

struct Server {
    version: String,
    read_only: bool,
    may_connect: bool,
    details: Vec<(String, String)>,
}

fn server(session: &mut Session) -> Result<Server, Fault> {
    // The transaction is read-only of itself, so the default is asked for.
    let row: (String, bool, bool, Vec<String>, Vec<Option<String>>) =
        session.load_one(Statement::<(Text, Bool, Bool, Array<Text>, Array<Nullable<Text>>)>::new(
            "SELECT current_setting('server_version'), \
             pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on', \
             has_database_privilege(current_database(), 'CONNECT'), \
             ARRAY['database', 'user', 'server_encoding', 'in_recovery', 'tls', 'max_connections', \
             'available_extensions'], \
             ARRAY[current_database()::text, current_user::text, current_setting('server_encoding'), \
             CASE WHEN pg_is_in_recovery() THEN 'yes' ELSE 'no' END, \
             (SELECT CASE WHEN ssl THEN version || ' ' || cipher ELSE 'off' END FROM pg_catalog.pg_stat_ssl \
             WHERE pid = pg_backend_pid()), current_setting('max_connections'), \
             (SELECT string_agg(name || ' ' || default_version, ', ' ORDER BY name) FROM pg_catalog.pg_available_extensions \
             WHERE name IN ('citus', 'vector') AND installed_version IS NULL)]",
        ))?;
    let (version, read_only, may_connect, names, values) = row;
    let details = names.into_iter().zip(values).filter_map(|(name, value)| Some((name, value?))).collect();
    Ok(Server { version, read_only, may_connect, details })
}

/// Returns what is installed.
fn extensions(session: &mut Session) -> Result<Vec<Extension>, Fault> {
    let rows: Vec<(String, String)> = session.load(Statement::<(Text, Text)>::new(
        "SELECT extname::text, extversion FROM pg_catalog.pg_extension ORDER BY extname::text COLLATE \"C\"",
    ))?;
    Ok(rows.into_iter().map(|(name, version)| Extension { name, version }).collect())
}

/// Returns the indexes that no query used. Unique ones are of use without.
fn unused_indexes(session: &mut Session) -> Result<Vec<String>, Fault> {
    session.load(Statement::<Text>::new(
        "SELECT indexrelname::text FROM pg_catalog.pg_stat_user_indexes JOIN pg_catalog.pg_index USING (indexrelid) \
         WHERE schemaname = 'polymnia' AND idx_scan = 0 AND NOT indisunique ORDER BY indexrelname::text COLLATE \"C\"",
    ))
}
