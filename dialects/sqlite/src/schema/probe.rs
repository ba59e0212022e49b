//! What the schema promises, tried in a transaction that is rolled back.

use std::collections::BTreeSet;

use polymnia::schema::{ObjectKind, Probe, Snapshot};
use polymnia::{
    Call, ErrorKind, Expect, Importance, Memory, MemoryId, Mutation, Namespace, NewMemory, Patch, Result, Timestamp,
};

use super::{catalog, snapshot, sql};
use crate::connection::Connection;
use crate::derived::deriver::NewRows;
use crate::statement::Value;
use crate::{read, write};

/// Is a row that a constraint is to refuse. `?` stands for an id that no memory has.
struct Refusal {
    kind: &'static str,
    constraint: &'static str,
    insert: &'static str,
}

/// What comes before the values of a memory, of which each constraint refuses one.
macro_rules! memory {
    ($values:literal) => {
        concat!(
            "INSERT INTO polymnia_memories (namespace, id, tier, content, metadata, importance, revision, created_at, ",
            "updated_at) SELECT 'polymnia probe', ",
            $values
        )
    };
}

/// What the constraints of our tables are there for.
const REFUSALS: [Refusal; 10] = [
    Refusal {
        kind: "check",
        constraint: "memories_id_length",
        insert: memory!("substr(?, 2), 'x', 'x', '{}', 0.5, 1, 0, 0"),
    },
    Refusal {
        kind: "check",
        constraint: "memories_importance_range",
        insert: memory!("?, 'x', 'x', '{}', 1.5, 1, 0, 0"),
    },
    Refusal {
        kind: "check",
        constraint: "memories_revision_range",
        insert: memory!("?, 'x', 'x', '{}', 0.5, 0, 0, 0"),
    },
    Refusal {
        kind: "unique",
        constraint: "memories_key",
        insert: memory!("?, 'x', 'x', '{}', 0.5, 1, 0, 0 FROM (SELECT 1 UNION ALL SELECT 2)"),
    },
    Refusal {
        kind: "primary key",
        constraint: "settings_key",
        insert: "INSERT INTO polymnia_settings (name, value) SELECT 'polymnia probe', hex(?) FROM (SELECT 1 UNION ALL SELECT 2)",
    },
    Refusal {
        kind: "check",
        constraint: "changes_op_known",
        insert: "INSERT INTO polymnia_changes (txid, namespace, id, op) VALUES (1, 'polymnia probe', ?, 'x')",
    },
    Refusal {
        kind: "primary key",
        constraint: "postings_key",
        insert: "INSERT INTO polymnia_postings (term, created, rid) SELECT 0, -1, -length(?) FROM (SELECT 1 UNION ALL SELECT 2)",
    },
    Refusal {
        kind: "primary key",
        constraint: "indexes_key",
        insert: "INSERT INTO polymnia_indexes (name, number, path, kind, ready) \
                 SELECT 'polymnia probe', -n, hex(?) || n, 'text', 0 FROM (SELECT 1 AS n UNION ALL SELECT 2)",
    },
    Refusal {
        kind: "unique",
        constraint: "indexes_number",
        insert: "INSERT INTO polymnia_indexes (name, number, path, kind, ready) \
                 SELECT 'polymnia probe ' || n, -1, hex(?) || n, 'text', 0 FROM (SELECT 1 AS n UNION ALL SELECT 2)",
    },
    Refusal {
        kind: "unique",
        constraint: "indexes_path_kind",
        insert: "INSERT INTO polymnia_indexes (name, number, path, kind, ready) \
                 SELECT 'polymnia probe ' || n, -n, hex(?), 'text', 0 FROM (SELECT 1 AS n UNION ALL SELECT 2)",
    },
];

/// Tries everything.
pub(super) fn run(connection: &mut Connection, call: &Call) -> Result<Vec<Probe>> {
    if connection.is_read_only() {
        let detail = "the database can't be written, so nothing was tried".to_owned();
        return Ok(vec![Probe { name: "what the schema promises".to_owned(), holds: true, detail }]);
    }
    let mut probes = Vec::new();
    let tried = connection.write(|connection| {
        probes = all(connection, call)?;
        // What a transaction returns an error from is rolled back.
        Err::<(), _>(polymnia::Error::new(ErrorKind::Cancelled, ROLLED_BACK))
    });
    match tried {
        Err(error) if error.message() != ROLLED_BACK => Err(error),
        _ => Ok(probes),
    }
}

const ROLLED_BACK: &str = "what was tried is rolled back";

fn all(connection: &mut Connection, call: &Call) -> Result<Vec<Probe>> {
    let mut id = [0; 16];
    fastrand::fill(&mut id);
    let snapshot = snapshot::read(connection)?;
    let constraints: BTreeSet<&str> = constraints(&snapshot);
    let mut probes = foreign_keys(connection)?;
    for refusal in REFUSALS.iter().filter(|refusal| constraints.contains(refusal.constraint)) {
        probes.push(refuses(connection, refusal, &id)?);
    }
    if constraints.contains("memories_key") {
        probes.push(types(connection, &id)?);
        probes.extend(foreign_write(connection, &snapshot, &id)?);
    }
    // The library writes to the newest schema only.
    if constraints.contains("indexes_key") {
        probes.push(times(connection, call, MemoryId::from_bytes(id))?);
    }
    Ok(probes)
}

fn constraints(snapshot: &Snapshot) -> BTreeSet<&str> {
    let ours = snapshot.0.iter().filter(|(name, object)| object.ours && name.kind == ObjectKind::Constraint);
    ours.map(|(name, _)| name.name.as_str()).collect()
}

/// Tries a foreign key of tables that are as temporary as the transaction, and looks at those there are.
fn foreign_keys(connection: &mut Connection) -> Result<Vec<Probe>> {
    for statement in [
        "CREATE TEMP TABLE polymnia_probe_parent (id INTEGER PRIMARY KEY)",
        "CREATE TEMP TABLE polymnia_probe_child (id INTEGER REFERENCES polymnia_probe_parent (id) ON DELETE CASCADE)",
        "INSERT INTO temp.polymnia_probe_parent VALUES (1)",
        "INSERT INTO temp.polymnia_probe_child VALUES (1)",
    ] {
        sql::run(connection, statement, &[]).map_err(|failure| failure.error)?;
    }
    let orphan = sql::run(connection, "INSERT INTO temp.polymnia_probe_child VALUES (2)", &[]);
    let enforced = probe("foreign keys are enforced", orphan.is_err(), "a row that leads nowhere was let in");
    let removed = sql::run(connection, "DELETE FROM temp.polymnia_probe_parent WHERE id = 1", &[]);
    removed.map_err(|failure| failure.error)?;
    let left = sql::integer(connection, "SELECT count(*) FROM temp.polymnia_probe_child WHERE id = 1", &[])?;
    let cascades = probe("cascades fire", left == 0, "a row stayed that should have gone with its parent");
    let mut probes = vec![enforced, cascades];
    for orphans in catalog::orphans(connection)? {
        let name = format!("foreign keys of {} lead to {}", orphans.table, orphans.parent);
        probes.push(Probe { name, holds: false, detail: format!("{} rows lead nowhere", orphans.rows) });
    }
    Ok(probes)
}

fn refuses(connection: &mut Connection, refusal: &Refusal, id: &[u8]) -> Result<Probe> {
    let Refusal { kind, constraint, insert } = refusal;
    let name = format!("{kind} {constraint} refuses");
    let Err(failure) = sql::run(connection, insert, &[Value::Blob(id)]) else {
        // It must not stand in the way of what is tried next.
        return Ok(Probe { name, holds: false, detail: "it let in a row that it is to refuse".to_owned() });
    };
    let message = failure.error.message();
    if failure.error.kind() != ErrorKind::Migration {
        return Err(failure.error);
    }
    // SQLite names a check, and the columns of a key.
    let by =
        if *kind == "check" { message.contains(constraint) } else { message.starts_with("UNIQUE constraint failed") };
    let detail = if by { String::new() } else { format!("something else refused the row: {message}") };
    Ok(Probe { name, holds: by, detail })
}

/// Tries whether a text is let into a column of integers.
fn types(connection: &mut Connection, id: &[u8]) -> Result<Probe> {
    let insert = memory!("?, 'x', 'x', '{}', 0.5, 1, 'x', 0");
    let holds = sql::run(connection, insert, &[Value::Blob(id)]).is_err();
    if !holds {
        remove(connection, id)?;
    }
    Ok(probe("types of memories are enforced", holds, "a text was let into a column of integers"))
}

/// Writes a memory as another program does, past the library.
fn foreign_write(connection: &mut Connection, snapshot: &Snapshot, id: &[u8]) -> Result<Option<Probe>> {
    let has_trigger = snapshot.0.keys().any(|name| name.name == "polymnia_memories_foreign_write");
    if !has_trigger {
        return Ok(None);
    }
    for statement in [
        memory!("?, 'x', 'x', '{}', 0.5, 1, 0, 0"),
        "UPDATE polymnia_memories SET content = 'y' WHERE namespace = 'polymnia probe' AND id = ?",
    ] {
        sql::run(connection, statement, &[Value::Blob(id)]).map_err(|failure| failure.error)?;
    }
    let query = "SELECT revision FROM polymnia_memories WHERE namespace = 'polymnia probe' AND id = ?";
    let revision = sql::integer(connection, query, &[Value::Blob(id)])?;
    remove(connection, id)?;
    let name = "the revision moves when another program writes";
    Ok(Some(probe(name, revision == 2, "a memory that another program changed counts as unchanged")))
}

fn remove(connection: &mut Connection, id: &[u8]) -> Result<()> {
    let statement = "DELETE FROM polymnia_memories WHERE namespace = 'polymnia probe' AND id = ?";
    sql::run(connection, statement, &[Value::Blob(id)]).map(|_| ()).map_err(|failure| failure.error)
}

/// Writes a memory twice, as the library does, and looks at its times.
fn times(connection: &mut Connection, call: &Call, id: MemoryId) -> Result<Probe> {
    const NAME: &str = "updated_at moves and created_at stays when a memory is written";
    let later = call.now.as_micros().saturating_add(1_000_000);
    let later = Timestamp::from_micros(later).unwrap_or(Timestamp::MAX);
    let put = Mutation::Put { id, memory: NewMemory::new("probe")?, expect: Expect::Any };
    let patch = Patch { importance: Some(Importance::new(0.25)?), ..Patch::default() };
    let update = Mutation::Update { id, patch, expect: Expect::Any };
    let first = written(connection, call.now, put)?;
    let second = written(connection, later, update)?;
    let (Some(first), Some(second)) = (first, second) else {
        return Ok(probe(NAME, false, "a memory that was written is not there"));
    };
    let holds = second.updated_at > first.updated_at
        && second.created_at == first.created_at
        && second.revision.as_i64() == first.revision.as_i64() + 1;
    Ok(probe(NAME, holds, "the times or the revision of a memory written twice are wrong"))
}

fn written(connection: &mut Connection, now: Timestamp, mutation: Mutation) -> Result<Option<Memory>> {
    let namespace = Namespace::new("polymnia probe")?;
    let id = mutation.id();
    write::apply_within(connection, now, &namespace, &[mutation], NewRows::Derive)?;
    Ok(read::get(connection, now, &namespace, &[id])?.into_iter().next().flatten())
}

fn probe(name: &str, holds: bool, otherwise: &str) -> Probe {
    Probe { name: name.to_owned(), holds, detail: if holds { String::new() } else { otherwise.to_owned() } }
}

#[cfg(test)]
mod tests {
    use polymnia::spi::SchemaEngine as _;

    use super::*;
    use crate::engine::SqliteEngine;
    use crate::schema::tests::{call, engine_with, file, open, run as run_on};

    fn failing(engine: &SqliteEngine) -> Vec<String> {
        let probes = engine.probe(&call()).unwrap();
        probes
            .into_iter()
            .filter(|probe| !probe.holds)
            .map(|probe| format!("{}: {}", probe.name, probe.detail))
            .collect()
    }

    #[test]
    fn our_schema_holds_what_it_promises_and_nothing_stays() {
        let engine = engine_with("");
        engine.migrate(&call()).unwrap();
        let before = engine.with(&call(), crate::engine::Limit::Unlimited, catalog::row_counts).unwrap();
        let probes = engine.probe(&call()).unwrap();
        assert!(probes.iter().all(|probe| probe.holds && probe.detail.is_empty()), "{probes:?}");
        for name in ["foreign keys are enforced", "cascades fire", "types of memories are enforced"] {
            assert!(probes.iter().any(|probe| probe.name == name), "{name}");
        }
        assert_eq!(probes.len(), REFUSALS.len() + 5);
        assert_eq!(engine.with(&call(), crate::engine::Limit::Unlimited, catalog::row_counts).unwrap(), before);
        assert_eq!(engine.probe(&call()).unwrap(), probes, "once more on the same connection");
    }

    #[test]
    fn what_is_weakened_is_named() {
        let engine = engine_with("");
        engine.migrate(&call()).unwrap();
        run_on(
            &engine,
            "DROP TABLE polymnia_changes;
             CREATE TABLE polymnia_changes (seq INTEGER PRIMARY KEY, txid, namespace, id, op,
                 CONSTRAINT changes_op_known CHECK (op IN ('w', 'd', 'x')));
             DROP TRIGGER polymnia_memories_foreign_write;
             CREATE TRIGGER polymnia_memories_foreign_write AFTER UPDATE ON polymnia_memories BEGIN SELECT 1; END;
             CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE child (id INTEGER REFERENCES parent);
             PRAGMA foreign_keys = OFF; INSERT INTO child VALUES (1), (2); PRAGMA foreign_keys = ON",
        );
        assert_eq!(
            failing(&engine),
            [
                "foreign keys of child lead to parent: 2 rows lead nowhere",
                "check changes_op_known refuses: it let in a row that it is to refuse",
                "the revision moves when another program writes: a memory that another program changed counts as unchanged",
            ]
        );
    }

    #[test]
    fn without_a_schema_or_the_right_to_write_there_is_little_to_try() {
        assert_eq!(engine_with("").probe(&call()).unwrap().len(), 2);
        let (_folder, url) = file();
        open(&url).migrate(&call()).unwrap();
        let reader = open(&format!("{url}?mode=ro"));
        assert_eq!(reader.probe(&call()).unwrap().len(), 1);
        assert!(failing(&reader).is_empty());
    }
}
