//! Declared indexes: a row in `polymnia.indexes` and an index of the server's each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{Bool, Double, Nullable, Text};
use polymnia::filter::Path;
use polymnia::spi::refusal;
use polymnia::{Call, Error, ErrorKind, Filter, IndexDeclaration, IndexKind, IndexName, IndexStatus, Result};

use crate::config::Sessions;
use crate::error::Fault;
use crate::filter_sql;
use crate::quote;
use crate::session::{Scope, Session};
use crate::sql::Statement;

/// The advisory lock that whoever makes or removes an index holds: "polyinde" in ASCII.
const LOCK: i64 = 0x706f_6c79_696e_6465;
/// How long to wait between two tries for the lock. A blocking wait would deadlock with CREATE INDEX CONCURRENTLY.
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// How long what was read of the declarations holds. Nothing depends on it but speed.
const LIFETIME: Duration = Duration::from_secs(5);

/// Remembers which indexes are ready.
#[derive(Debug, Default)]
pub(crate) struct Declarations(Mutex<Option<Known>>);

#[derive(Debug, Clone)]
struct Known {
    since: Instant,
    ready: Arc<[(Path, IndexKind)]>,
}

impl Declarations {
    /// Returns the indexes that could serve the filter.
    pub(crate) fn serving(&self, session: &mut Session, filter: &Filter) -> Result<Vec<(Path, IndexKind)>, Fault> {
        if !filter_sql::is_servable(filter) {
            return Ok(Vec::new());
        }
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known.since.elapsed() < LIFETIME) {
            return Ok(filter_sql::serving(filter, &known.ready));
        }
        let since = Instant::now();
        let ready = list(session)?.into_iter().filter(|index| index.ready);
        let ready: Arc<[_]> = ready.map(|index| (index.declaration.path, index.declaration.kind)).collect();
        let known = Known { since, ready: Arc::clone(&ready) };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(filter_sql::serving(filter, &ready))
    }

    /// Has the declarations read anew.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Lists the declared indexes by name.
pub(crate) fn list(session: &mut Session) -> Result<Vec<IndexStatus>, Fault> {
    let mut statement = Statement::<(Text, Text, Text, Bool, Nullable<Double>)>::new(
        "SELECT declared.name, declared.path, declared.kind, coalesce(state.indisvalid, false), \
         there.reltuples::double precision FROM polymnia.indexes AS declared \
         LEFT JOIN pg_catalog.pg_class AS there ON there.relname = ",
    );
    statement.bind(quote::PREFIX).text(
        " || declared.name AND there.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'polymnia') \
         LEFT JOIN pg_catalog.pg_index AS state ON state.indexrelid = there.oid ORDER BY declared.name",
    );
    statement.plan_each_time();
    let rows: Vec<(String, String, String, bool, Option<f64>)> = session.load(statement)?;
    let status = |(name, path, kind, ready, entries): (String, String, String, bool, Option<f64>)| {
        Ok(IndexStatus {
            declaration: declaration(&name, &path, &kind)?,
            ready,
            entries: entries.filter(|entries| ready && *entries >= 0.0).map(whole),
        })
    };
    Ok(rows.into_iter().map(status).collect::<Result<_>>()?)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count as the server estimates it")]
fn whole(entries: f64) -> u64 {
    entries as u64
}

fn declaration(name: &str, path: &str, kind: &str) -> Result<IndexDeclaration> {
    let read = || Ok(IndexDeclaration { name: name.parse()?, path: path.parse()?, kind: kind.parse()? });
    read().map_err(|error: Error| Error::new(ErrorKind::Corrupt, "a declared index can't be read").with_source(error))
}

/// Declares an index and makes it.
pub(crate) fn create(
    session: &mut Session,
    call: &Call,
    declaration: &IndexDeclaration,
    sessions: Sessions,
) -> Result<(), Fault> {
    lock(session, call, sessions)?;
    session.within(Scope::Transaction, |session| declare(session, declaration))?;
    match state(session, &declaration.name)? {
        Some(true) => return Ok(()),
        // What a build that failed or was ended leaves behind: writes keep it, and queries don't use it.
        Some(false) => session.connection.batch_execute(&quote::drop_index(&declaration.name))?,
        None => {}
    }
    session.connection.batch_execute(&quote::create_index(declaration))?;
    // The server knows nothing of the values of an expression until then.
    session.connection.batch_execute("ANALYZE polymnia.memories")?;
    Ok(())
}

/// Removes an index, and returns whether it was declared.
pub(crate) fn remove(session: &mut Session, call: &Call, name: &IndexName, sessions: Sessions) -> Result<bool, Fault> {
    lock(session, call, sessions)?;
    session.connection.batch_execute(&quote::drop_index(name))?;
    session.within(Scope::Write, |session| {
        let mut statement: Statement<'_> = Statement::new("DELETE FROM polymnia.indexes WHERE name = ");
        statement.bind(name.as_str());
        Ok(session.execute(&statement)? > 0)
    })
}

/// Waits for the lock, which ends with the connection. A pooler's sessions can't keep one.
fn lock(session: &mut Session, call: &Call, sessions: Sessions) -> Result<(), Fault> {
    if sessions == Sessions::Shared {
        return Ok(());
    }
    loop {
        call.check()?;
        let mut statement = Statement::<Bool>::new("SELECT pg_try_advisory_lock(");
        statement.bind(LOCK).text(")");
        if session.load_one(statement)? {
            return Ok(());
        }
        std::thread::sleep(LOCK_PAUSE);
    }
}

/// Writes the declaration, unless it is there.
fn declare(session: &mut Session, declaration: &IndexDeclaration) -> Result<(), Fault> {
    let IndexDeclaration { name, path, kind } = declaration;
    session.connection.batch_execute("LOCK TABLE polymnia.indexes IN SHARE ROW EXCLUSIVE MODE")?;
    let declared = list(session)?;
    let same = |other: &IndexDeclaration| other.path == *path && other.kind == *kind;
    if let Some(other) = declared.iter().find(|other| other.declaration.name == *name) {
        return if same(&other.declaration) { Ok(()) } else { Err(refusal::index_name_taken(name).into()) };
    }
    if let Some(other) = declared.iter().find(|other| same(&other.declaration)) {
        return Err(refusal::index_exists(&other.declaration.name).into());
    }
    if declared.len() >= IndexDeclaration::MAX {
        return Err(refusal::too_many_indexes().into());
    }
    let path = path.to_string();
    let mut statement: Statement<'_> = Statement::new("INSERT INTO polymnia.indexes (name, path, kind) VALUES (");
    statement.bind(name.as_str()).text(", ").bind(path).text(", ").bind(kind.as_str()).text(")");
    session.execute(&statement)?;
    Ok(())
}

/// Returns whether the server's index is sound; none if there is no such index.
fn state(session: &mut Session, name: &IndexName) -> Result<Option<bool>, Fault> {
    let mut statement = Statement::<Bool>::new(
        "SELECT state.indisvalid FROM pg_catalog.pg_class AS there \
         JOIN pg_catalog.pg_namespace AS schema ON schema.oid = there.relnamespace AND schema.nspname = 'polymnia' \
         JOIN pg_catalog.pg_index AS state ON state.indexrelid = there.oid WHERE there.relname = ",
    );
    statement.bind(quote::index_name(name));
    let rows: Vec<bool> = session.load(statement)?;
    Ok(rows.into_iter().next())
}
