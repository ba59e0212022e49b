//! The operations across namespaces.

use std::ffi::CStr;

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
    Namespaces =
        "SELECT namespace, count(*), min(created_at), max(created_at) FROM polymnia_memories ",
        "WHERE namespace > ? GROUP BY namespace ORDER BY namespace LIMIT ?";
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
        // No namespace is empty, so all stand after the empty text.
        let after = after.map_or("", Namespace::as_str);
        self.with(call, Limit::Unlimited, |connection| {
            connection.all(fixed::<Namespaces, 2>([Value::Text(after), Value::Integer(limit.into())]))
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

fn describe(connection: &mut Connection) -> Result<DatabaseInfo> {
    let ledger = schema::read_ledger(connection)?;
    let is_applied = |version: &str| ledger.diesel.as_ref().is_some_and(|applied| applied.contains(version));
    let number = |row: Option<Integers<1>>| row.map_or(0, |row| row.0[0].unsigned_abs());
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

impl FromRow for NamespaceSummary {
    fn from_row<'a>(row: &impl Row<'a, Sqlite>) -> Result<Self> {
        Ok(Self {
            namespace: Namespace::from_stored(row::text(row, 0, "namespace")?),
            memories: row::integer(row, 1).unsigned_abs(),
            oldest: row::time(row::integer(row, 2), "created_at")?,
            newest: row::time(row::integer(row, 3), "created_at")?,
        })
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
