//! The operations across namespaces.

use std::ffi::CStr;
use std::ops::ControlFlow;

use diesel::row::Row;
use diesel::sqlite::Sqlite;
use polymnia::spi::AdminEngine;
use polymnia::{
    Call, ChangeOperation, ChangeRecord, DatabaseInfo, Extension, IndexDeclaration, IndexName, IndexStatus, Namespace,
    NamespaceSummary, OptimizeReport, Result, Upkeep, VerifyReport,
};

use crate::connection::Connection;
use crate::engine::{Limit, SqliteEngine};
use crate::error::damaged_row;
use crate::row::{self, FromRow, Integers, OneText};
use crate::statement::{Value, fixed, statements};
use crate::{derived, raw, schema, write};

statements! {
    Ping = "SELECT 1";
    /// The next namespace, by its oldest memory.
    NextNamespace =
        "SELECT namespace, created_at FROM polymnia_memories WHERE namespace > ? ORDER BY namespace, created_at LIMIT 1";
    Newest = "SELECT created_at FROM polymnia_memories WHERE namespace = ? ORDER BY created_at DESC LIMIT 1";
    CountOfNamespace = "SELECT count(*) FROM polymnia_memories WHERE namespace = ?";
    Count = "SELECT count(*) FROM polymnia_memories";
    SetCapture =
        "INSERT INTO polymnia_settings (name, value) VALUES ('change_capture', ?) ",
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    Changes = "SELECT seq, txid, namespace, id, op FROM polymnia_changes WHERE seq > ? ORDER BY seq LIMIT ?";
    PageCount = "PRAGMA page_count";
    PageSize = "PRAGMA page_size";
    JournalMode = "PRAGMA journal_mode";
    Synchronous = "PRAGMA synchronous";
}

/// Parts of SQLite that are worth naming, with the option that compiles them in.
const EXTENSIONS: [(&str, &CStr); 2] = [("fts5", c"ENABLE_FTS5"), ("rtree", c"ENABLE_RTREE")];

impl AdminEngine for SqliteEngine {
    fn ping(&self, call: &Call) -> Result<()> {
        self.with(call, Limit::Unlimited, |connection| {
            connection.one::<Integers<1>, _>(fixed::<Ping, 0>([])).map(|_| ())
        })
    }

    fn info(&self, call: &Call) -> Result<DatabaseInfo> {
        let mut info = self.with(call, Limit::Unlimited, |connection| connection.read(describe))?;
        info.pool = self.pool().status();
        Ok(info)
    }

    fn namespaces(&self, call: &Call, after: Option<&Namespace>, limit: u32) -> Result<Vec<NamespaceSummary>> {
        self.with(call, Limit::Unlimited, |connection| {
            connection.read(|connection| namespaces(connection, after, limit))
        })
    }

    fn rename_namespace(&self, call: &Call, from: &Namespace, to: &Namespace) -> Result<u64> {
        self.with(call, Limit::Unlimited, |connection| write::rename(connection, from, to))
    }

    fn delete_namespace(&self, call: &Call, namespace: &Namespace) -> Result<u64> {
        self.with(call, Limit::Unlimited, |connection| write::delete_namespace(connection, namespace))
    }

    fn sweep(&self, call: &Call, limit: u32) -> Result<u64> {
        self.with(call, Limit::Unlimited, |connection| write::sweep(connection, call.now, limit))
    }

    fn analyze(&self, call: &Call) -> Result<()> {
        // Ours only: the file may hold tables of the application.
        self.with(call, Limit::Unlimited, |connection| {
            connection.batch("ANALYZE polymnia_memories; ANALYZE polymnia_changes")
        })
    }

    fn optimize(&self, call: &Call, upkeep: Upkeep) -> Result<OptimizeReport> {
        self.with(call, Limit::Unlimited, |connection| derived::optimize(connection, upkeep))
    }

    fn verify(&self, call: &Call) -> Result<VerifyReport> {
        self.with(call, Limit::Unlimited, derived::verify)
    }

    fn indexes(&self, call: &Call) -> Result<Vec<IndexStatus>> {
        self.with(call, Limit::Unlimited, derived::indexes)
    }

    fn create_index(&self, call: &Call, declaration: &IndexDeclaration) -> Result<()> {
        self.with(call, Limit::Unlimited, |connection| derived::create_index(connection, declaration))
    }

    fn drop_index(&self, call: &Call, name: &IndexName) -> Result<bool> {
        self.with(call, Limit::Unlimited, |connection| derived::drop_index(connection, name))
    }

    fn set_change_capture(&self, call: &Call, on: bool) -> Result<()> {
        let value = Value::Text(if on { "on" } else { "off" });
        self.with(call, Limit::Unlimited, |connection| {
            connection.write(|connection| connection.execute(fixed::<SetCapture, 1>([value])).map(|_| ()))
        })
    }

    fn changes(&self, call: &Call, after: i64, limit: u32) -> Result<Vec<ChangeRecord>> {
        self.with(call, Limit::Unlimited, |connection| {
            connection.all(fixed::<Changes, 2>([Value::Integer(after), Value::Integer(limit.into())]))
        })
    }
}

/// Lists namespaces by leaps from one to the next: what is counted is walked over in an index, all else is looked up.
fn namespaces(connection: &mut Connection, after: Option<&Namespace>, limit: u32) -> Result<Vec<NamespaceSummary>> {
    let mut found: Vec<NamespaceSummary> = Vec::new();
    // No namespace is empty, so all stand after the empty text.
    let mut next = next_namespace(connection, after.map_or("", Namespace::as_str))?;
    while let Some((name, oldest)) = next.take_if(|_| found.len() < limit as usize) {
        next = next_namespace(connection, &name)?;
        // Of the last one, what is left of all: SQLite counts a whole table by its pages.
        let memories = if next.is_none() && after.is_none() {
            let all: Option<Integers<1>> = connection.one(fixed::<Count, 0>([]))?;
            number(all).saturating_sub(found.iter().map(|summary| summary.memories).sum())
        } else {
            number(connection.one(fixed::<CountOfNamespace, 1>([Value::Text(&name)]))?)
        };
        let newest: Option<Integers<1>> = connection.one(fixed::<Newest, 1>([Value::Text(&name)]))?;
        found.push(NamespaceSummary {
            memories,
            oldest: row::time(oldest, "created_at")?,
            newest: row::time(newest.map_or(oldest, |newest| newest.0[0]), "created_at")?,
            namespace: Namespace::from_stored(name),
        });
    }
    Ok(found)
}

/// Returns the first namespace after another, and when its oldest memory was created.
fn next_namespace(connection: &mut Connection, after: &str) -> Result<Option<(String, i64)>> {
    let mut next = None;
    connection.visit::<NextNamespace>(&[Value::Text(after)], |row| {
        next = Some((row.bytes(0).to_vec(), row.integer(1)));
        ControlFlow::Break(())
    })?;
    let Some((name, oldest)) = next else { return Ok(None) };
    let name = String::from_utf8(name).map_err(|_| damaged_row("namespace", "expected UTF-8"))?;
    Ok(Some((name, oldest)))
}

fn number(row: Option<Integers<1>>) -> u64 {
    row.map_or(0, |row| row.0[0].unsigned_abs())
}

fn describe(connection: &mut Connection) -> Result<DatabaseInfo> {
    let ledger = schema::read_ledger(connection)?;
    let is_applied = |version: &str| ledger.diesel.as_ref().is_some_and(|applied| applied.contains(version));
    let pages = number(connection.one(fixed::<PageCount, 0>([]))?);
    let page_size = number(connection.one(fixed::<PageSize, 0>([]))?);
    let synchronous = number(connection.one(fixed::<Synchronous, 0>([]))?);
    let journal: Option<OneText> = connection.one(fixed::<JournalMode, 0>([]))?;
    let mut details = vec![
        ("journal_mode".to_owned(), journal.map_or_else(String::new, |journal| journal.0)),
        ("synchronous".to_owned(), synchronous_name(synchronous).to_owned()),
        ("page_size".to_owned(), page_size.to_string()),
    ];
    if connection.immutable {
        let reason = "its folder can't be written, so nobody can change it: changes by others would not show";
        details.push(("immutable".to_owned(), reason.to_owned()));
    }
    let version = raw::version();
    Ok(DatabaseInfo {
        dialect: "sqlite".to_owned(),
        schema_version: schema::newest(&ledger),
        schema_pending: polymnia_migrations::sqlite().iter().filter(|script| !is_applied(script.version)).count(),
        read_only: connection.is_read_only(),
        bytes: Some(pages * page_size),
        extensions: EXTENSIONS
            .into_iter()
            .filter(|(_, option)| raw::has_compile_option(option))
            .map(|(name, _)| Extension { name: name.to_owned(), version: version.clone() })
            .collect(),
        server_version: version,
        unused_indexes: None,
        // The engine knows it.
        pool: polymnia::PoolStatus { connections: 0, idle: 0, max_size: 0 },
        details,
    })
}

fn synchronous_name(number: u64) -> &'static str {
    match number {
        0 => "off",
        1 => "normal",
        2 => "full",
        _ => "extra",
    }
}

impl FromRow for ChangeRecord {
    fn from_row<'a>(row: &impl Row<'a, Sqlite>) -> Result<Self> {
        let operation = row::text(row, 4, "op")?;
        Ok(Self {
            sequence: row::integer(row, 0),
            transaction: row::integer(row, 1),
            namespace: Namespace::from_stored(row::text(row, 2, "namespace")?),
            id: row::id(row, 3)?,
            operation: ChangeOperation::from_code(&operation)
                .ok_or_else(|| damaged_row("op", format!("{operation:?} is no operation")))?,
        })
    }
}
