//! What the schema promises, tried in a transaction that is rolled back.

use diesel::connection::SimpleConnection as _;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Bool, Text};
use polymnia::schema::Probe;
use polymnia::{Call, Expect, Importance, Memory, MemoryId, Mutation, Namespace, NewMemory, Patch, Result, Timestamp};

use crate::error::Fault;
use crate::session::Session;
use crate::sql::Statement;
use crate::{read, write};

/// Is a row that a constraint is to refuse.
struct Refusal {
    constraint: &'static str,
    kind: &'static str,
    insert: &'static str,
}

/// What the constraints of our tables are there for.
const REFUSALS: [Refusal; 7] = [
    Refusal {
        constraint: "memories_importance_range",
        kind: "check",
        insert: "INSERT INTO polymnia.memories \
                 (namespace, id, tier, content, metadata, importance, revision, created_at, updated_at) \
                 VALUES ('polymnia probe', '00000000-0000-4000-8000-000000000001', 'x', 'x', '{}', 1.5, 1, now(), now())",
    },
    Refusal {
        constraint: "memories_revision_range",
        kind: "check",
        insert: "INSERT INTO polymnia.memories \
                 (namespace, id, tier, content, metadata, importance, revision, created_at, updated_at) \
                 VALUES ('polymnia probe', '00000000-0000-4000-8000-000000000001', 'x', 'x', '{}', 0.5, 0, now(), now())",
    },
    Refusal {
        constraint: "memories_key",
        kind: "primary key",
        insert: "INSERT INTO polymnia.memories \
                 (namespace, id, tier, content, metadata, importance, revision, created_at, updated_at) \
                 SELECT 'polymnia probe', '00000000-0000-4000-8000-000000000001', 'x', 'x', '{}', 0.5, 1, now(), now() \
                 FROM generate_series(1, 2)",
    },
    Refusal {
        constraint: "changes_op_known",
        kind: "check",
        insert: "INSERT INTO polymnia.changes (namespace, txid, id, op) \
                 VALUES ('polymnia probe', 1, '00000000-0000-4000-8000-000000000001', 'x')",
    },
    Refusal {
        constraint: "settings_key",
        kind: "primary key",
        insert: "INSERT INTO polymnia.settings (name, value) SELECT 'polymnia probe', 'x' FROM generate_series(1, 2)",
    },
    Refusal {
        constraint: "indexes_key",
        kind: "primary key",
        insert: "INSERT INTO polymnia.indexes (name, path, kind) \
                 SELECT 'polymnia probe', place::text, 'text' FROM generate_series(1, 2) AS place",
    },
    Refusal {
        constraint: "indexes_path_kind",
        kind: "unique constraint",
        insert: "INSERT INTO polymnia.indexes (name, path, kind) \
                 SELECT 'polymnia probe ' || place, 'x', 'text' FROM generate_series(1, 2) AS place",
    },
];

/// Tries what can be tried: on a database that takes no writes, only what the catalog says of foreign keys.
pub(super) fn run(session: &mut Session, call: &Call) -> Result<Vec<Probe>, Fault> {
    session.in_vain(|session| {
        let mut probes = foreign_keys(session)?;
        if !takes_writes(session)? {
            return Ok(probes);
        }
        let constraints = constraints(session)?;
        for refusal in REFUSALS {
            call.check()?;
            if constraints.iter().any(|name| name == refusal.constraint) {
                probes.push(refused(session, &refusal)?);
            }
        }
        if constraints.iter().any(|name| name == "indexes_key") {
            probes.extend(times_move(session, call)?);
        }
        Ok(probes)
    })
}

/// The server enforces foreign keys by triggers, which a superuser can switch off.
fn foreign_keys(session: &mut Session) -> Result<Vec<Probe>, Fault> {
    let mut statement = Statement::<(Text, Bool, Bool)>::new(
        "SELECT format('%I.%I %I', schema.nspname, child.relname, one.conname), \
         current_setting('session_replication_role') <> 'replica' AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger \
         WHERE tgconstraint = one.oid AND tgenabled IN ('D', 'R')) \
         AND pg_get_constraintdef(one.oid) NOT LIKE '% NOT ENFORCED', one.convalidated \
         FROM pg_catalog.pg_constraint AS one JOIN pg_catalog.pg_class AS child ON child.oid = one.conrelid \
         JOIN pg_catalog.pg_namespace AS schema ON schema.oid = child.relnamespace \
         WHERE one.contype = 'f' AND schema.nspname !~ '^pg_' ORDER BY 1",
    );
    statement.plan_each_time();
    let rows: Vec<(String, bool, bool)> = session.load(statement)?;
    Ok(rows
        .into_iter()
        .map(|(name, enforced, validated)| {
            let detail = match (enforced, validated) {
                (false, _) => "its triggers are switched off, or it is not enforced",
                (true, false) => "rows from before it were never checked: ALTER TABLE ... VALIDATE CONSTRAINT",
                (true, true) => "",
            };
            Probe { name: format!("foreign key {name} is enforced"), holds: enforced, detail: detail.to_owned() }
        })
        .collect())
}

fn takes_writes(session: &mut Session) -> Result<bool, Fault> {
    let mut statement = Statement::<Bool>::new(
        "SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AND coalesce(( \
         SELECT has_schema_privilege(one.relnamespace, 'USAGE') AND has_table_privilege(one.oid, 'SELECT') \
         AND has_table_privilege(one.oid, 'INSERT') AND has_table_privilege(one.oid, 'UPDATE') FROM pg_catalog.pg_class AS one \
         JOIN pg_catalog.pg_namespace AS schema ON schema.oid = one.relnamespace AND schema.nspname = 'polymnia' \
         WHERE one.relname = 'memories'), false)",
    );
    statement.plan_each_time();
    session.load_one(statement)
}

/// Lists the constraints that there are: which, depends on the version.
fn constraints(session: &mut Session) -> Result<Vec<String>, Fault> {
    let mut statement = Statement::<Text>::new(
        "SELECT one.conname::text FROM pg_catalog.pg_constraint AS one \
         JOIN pg_catalog.pg_class AS of ON of.oid = one.conrelid \
         JOIN pg_catalog.pg_namespace AS schema ON schema.oid = of.relnamespace AND schema.nspname = 'polymnia' \
         WHERE has_table_privilege(of.oid, 'INSERT')",
    );
    statement.plan_each_time();
    session.load(statement)
}

fn refused(session: &mut Session, refusal: &Refusal) -> Result<Probe, Fault> {
    let Refusal { constraint, kind, insert } = refusal;
    let name = format!("{kind} {constraint} refuses");
    session.connection.batch_execute("SAVEPOINT polymnia_probe")?;
    let mut statement: Statement<'_> = Statement::new(insert);
    statement.plan_each_time();
    let tried = session.execute(&statement);
    session.connection.batch_execute("ROLLBACK TO SAVEPOINT polymnia_probe; RELEASE SAVEPOINT polymnia_probe")?;
    match tried {
        Ok(_) => Ok(Probe { name, holds: false, detail: "it let in a row that it is to refuse".to_owned() }),
        Err(Fault::Database { error: DieselError::DatabaseError(_, information), .. }) => {
            let by = information.constraint_name().unwrap_or_default();
            // On distributed tables it is the name of a shard's.
            let holds = by.starts_with(constraint) || (by.is_empty() && information.message().contains(constraint));
            let detail = if holds { String::new() } else { "something else refused the row".to_owned() };
            Ok(Probe { name, holds, detail })
        }
        Err(fault) => Err(fault),
    }
}

/// Writes a memory twice, as the library does, and looks at its times.
fn times_move(session: &mut Session, call: &Call) -> Result<Option<Probe>, Fault> {
    let namespace = Namespace::new("polymnia probe")?;
    let id = MemoryId::from_bytes(*uuid::Uuid::now_v7().as_bytes());
    let later = Timestamp::from_micros(call.now.as_micros().saturating_add(1_000_000)).unwrap_or(Timestamp::MAX);
    let put = Mutation::Put { id, memory: NewMemory::new("probe")?, expect: Expect::Any };
    let patch = Patch { importance: Some(Importance::new(0.25)?), ..Patch::default() };
    let update = Mutation::Update { id, patch, expect: Expect::Any };
    let first = written(session, call, &namespace, put)?;
    let second = written(session, &Call { now: later, ..call.clone() }, &namespace, update)?;
    let (Some(first), Some(second)) = (first, second) else {
        return Ok(Some(probe_of_times(false, "a memory that was written is not there")));
    };
    let holds = second.updated_at > first.updated_at
        && second.created_at == first.created_at
        && second.revision.as_i64() == first.revision.as_i64() + 1;
    Ok(Some(probe_of_times(
        holds,
        if holds { "" } else { "the times or the revision of a memory written twice are wrong" },
    )))
}

fn probe_of_times(holds: bool, detail: &str) -> Probe {
    Probe {
        name: "updated_at moves and created_at stays when a memory is written".to_owned(),
        holds,
        detail: detail.to_owned(),
    }
}

fn written(
    session: &mut Session,
    call: &Call,
    namespace: &Namespace,
    mutation: Mutation,
) -> Result<Option<Memory>, Fault> {
    let id = mutation.id();
    write::apply(session, call, namespace, &[mutation])?;
    Ok(read::get(session, call.now, namespace, &[id])?.into_iter().next().flatten())
}
