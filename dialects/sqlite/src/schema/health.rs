//! How the database is: sizes, statistics, the log, locks.

use std::collections::BTreeMap;
use std::ffi::CStr;

use polymnia::schema::{Health, IndexHealth, LockHealth, Orphans, TableHealth};
use polymnia::{Call, Result};

use super::catalog::{self, Kind};
use super::{ledger, normal, quote, sql};
use crate::claims;
use crate::config::Location;
use crate::connection::Connection;
use crate::connector::Connector;
use crate::raw;

/// The size up to which the file is read as a whole, for the sizes of its parts and for errors in it.
const MAX_READ: u64 = 1 << 30;
/// The size of the log that is worth a look.
const LARGE_LOG: u64 = 64 << 20;
/// The part of the pages that is free, worth a look.
const FREE_SHARE: u64 = 4;

const DBSTAT: &CStr = c"ENABLE_DBSTAT_VTAB";

/// Describes the database, in the transaction that is open.
pub(super) fn read(connection: &mut Connection, connector: &Connector, call: &Call) -> Result<Health> {
    let pragma =
        |connection: &mut Connection, pragma: &str| sql::integer(connection, pragma, &[]).map(i64::unsigned_abs);
    let (pages, free) = (pragma(connection, "PRAGMA page_count")?, pragma(connection, "PRAGMA freelist_count")?);
    let page_size = pragma(connection, "PRAGMA page_size")?;
    let is_small = pages * page_size <= MAX_READ;
    let statistics = statistics(connection)?;
    let sizes = if is_small && raw::has_compile_option(DBSTAT) { Some(sizes(connection)?) } else { None };
    let (tables, indexes) = objects(connection, sizes.as_ref(), &statistics, is_small)?;
    let mut health = Health { tables, indexes, locks: locks(connector, call), advice: Vec::new() };
    if !is_small {
        health.advice.push(format!(
            "sizes and errors were not looked for, as the file is larger than {} MiB: run `PRAGMA integrity_check` in the \
             sqlite3 shell",
            MAX_READ >> 20
        ));
    }
    health.advice.extend(advice(connection, connector, is_small, &statistics)?);
    if free > 0 && free >= pages / FREE_SHARE && free * page_size >= 1 << 20 {
        let mib = (free * page_size) >> 20;
        health.advice.push(format!("{mib} MiB of the file are free: `VACUUM` in the sqlite3 shell gives them back"));
    }
    Ok(health)
}

/// Returns bytes by the name of table or index. Reads the whole file.
fn sizes(connection: &mut Connection) -> Result<BTreeMap<String, u64>> {
    let query = "SELECT name, pgsize FROM dbstat('main', 1)";
    let rows = sql::rows(connection, query, &[], |row| (row.text(0).to_owned(), row.integer(1).unsigned_abs()))?;
    Ok(rows.into_iter().collect())
}

/// Returns rows by the name of the table, as ANALYZE found them.
fn statistics(connection: &mut Connection) -> Result<BTreeMap<String, u64>> {
    if !ledger::exists(connection, "sqlite_stat1")? {
        return Ok(BTreeMap::new());
    }
    let query = "SELECT tbl, max(CAST(stat AS INTEGER)) FROM sqlite_stat1 GROUP BY tbl";
    let rows = sql::rows(connection, query, &[], |row| (row.text(0).to_owned(), row.integer(1).unsigned_abs()))?;
    Ok(rows.into_iter().collect())
}

fn objects(
    connection: &mut Connection,
    sizes: Option<&BTreeMap<String, u64>>,
    statistics: &BTreeMap<String, u64>,
    count: bool,
) -> Result<(Vec<TableHealth>, Vec<IndexHealth>)> {
    let query = "SELECT name, tbl_name FROM sqlite_schema WHERE type = 'index' ORDER BY name";
    let listed = sql::rows(connection, query, &[], |row| (row.text(0).to_owned(), row.text(1).to_owned()))?;
    let size = |name: &str| sizes.map(|sizes| sizes.get(name).copied().unwrap_or_default());
    let mut tables = Vec::new();
    for table in catalog::tables(connection)?.into_iter().filter(|table| table.kind == Kind::Table) {
        let rows = if count {
            let query = format!("SELECT count(*) FROM main.{}", quote::name(&table.name));
            Some(sql::integer(connection, &query, &[])?.unsigned_abs())
        } else {
            statistics.get(&table.name).copied()
        };
        let of_indexes = listed.iter().filter(|(_, of)| *of == table.name).filter_map(|(name, _)| size(name));
        let bytes = size(&table.name).map(|bytes| bytes + of_indexes.sum::<u64>());
        tables.push(TableHealth { name: normal::name(&table.name), rows, bytes });
    }
    let mut indexes: Vec<IndexHealth> = listed
        .iter()
        .filter(|(_, table)| !catalog::is_ledger(table))
        .map(|(name, table)| IndexHealth {
            name: normal::name(name),
            table: normal::name(table),
            bytes: size(name),
            scans: None,
            valid: true,
        })
        .collect();
    tables.sort_by_key(|table: &TableHealth| std::cmp::Reverse((table.bytes, table.rows)));
    indexes.sort_by_key(|index| std::cmp::Reverse(index.bytes));
    Ok((tables, indexes))
}

/// Tells of the lock of migrating. Of SQLite's own locks nobody else can tell whose they are.
fn locks(connector: &Connector, call: &Call) -> Vec<LockHealth> {
    let held = connector.seat().holder().map(|holder| LockHealth {
        object: "the schema".to_owned(),
        mode: "migrating".to_owned(),
        holder: format!("process {} ({})", holder.process, holder.description),
        millis: holder.since.map(|since| (call.now.as_micros() - since.as_micros()).max(0).unsigned_abs() / 1_000),
        waiting: 0,
    });
    held.into_iter().collect()
}

fn advice(
    connection: &mut Connection,
    connector: &Connector,
    check: bool,
    statistics: &BTreeMap<String, u64>,
) -> Result<Vec<String>> {
    let mut advice = Vec::new();
    if check {
        let found = sql::texts(connection, "PRAGMA quick_check(1)", &[])?;
        if let Some(error) = found.first().filter(|found| *found != "ok") {
            advice.push(format!("the file is damaged: {error}: restore a backup by `polymnia backup restore`"));
        }
        for orphans in catalog::orphans(connection)? {
            let Orphans { table, parent, rows } = orphans;
            advice.push(format!(
                "{rows} rows of {table} lead to nothing in {parent}: `PRAGMA foreign_key_check` lists them"
            ));
        }
    }
    let has_memories = ledger::exists(connection, "polymnia_memories")?
        && sql::integer(connection, "SELECT EXISTS (SELECT 1 FROM polymnia_memories)", &[])? == 1;
    if has_memories && !statistics.contains_key("polymnia_memories") {
        advice.push("there are no statistics on the memories: run `polymnia optimize`".to_owned());
    }
    let Location::File { .. } = connector.config().location else { return Ok(advice) };
    let mode = sql::texts(connection, "PRAGMA journal_mode", &[])?;
    if mode.iter().any(|mode| mode != "wal") && !connection.immutable {
        advice.push("the journal is not in WAL mode, so readers and writers wait for each other".to_owned());
    }
    // By `stat` alone: opening it would drop SQLite's locks.
    let main = claims::files(&connector.config().location);
    let log = main.first().and_then(|main| std::fs::metadata(claims::beside(main, "-wal")).ok());
    if let Some(log) = log.filter(|log| log.len() >= LARGE_LOG) {
        let mib = log.len() >> 20;
        advice.push(format!(
            "the write-ahead log is of {mib} MiB: a reader that never ends its transaction keeps it from being emptied"
        ));
    }
    if connection.immutable {
        advice.push("the folder can't be written, so the file was opened as one that nobody changes".to_owned());
    }
    Ok(advice)
}

#[cfg(test)]
mod tests {
    use polymnia::schema::{Event, SessionOptions};
    use polymnia::spi::{AdminEngine as _, Engine as _, SchemaEngine as _};
    use polymnia::{Expect, MemoryId, Mutation, Namespace, NewMemory, Upkeep};

    use crate::schema::tests::{call, engine_with, file, open, run};

    #[test]
    fn sizes_and_rows_are_those_of_the_file() {
        let engine = engine_with(
            "CREATE TABLE small (a); CREATE TABLE large (a); CREATE INDEX \"of large\" ON large (a);
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
             INSERT INTO large SELECT hex(randomblob(500)) FROM n",
        );
        let health = engine.health(&call()).unwrap();
        let tables: Vec<_> = health.tables.iter().map(|table| (table.name.as_str(), table.rows)).collect();
        assert_eq!(tables, [("large", Some(100)), ("small", Some(0))]);
        let index = &health.indexes[0];
        assert_eq!((index.name.as_str(), index.table.as_str(), index.valid), ("\"of large\"", "large", true));
        assert!(index.bytes.unwrap() > 100_000 && health.tables[0].bytes.unwrap() > index.bytes.unwrap() + 100_000);
        assert_eq!((health.locks.len(), health.advice.len()), (0, 0), "{:?}", health.advice);
    }

    #[test]
    fn what_is_worth_a_look_is_said() {
        let (_folder, url) = file();
        let engine = open(&url);
        engine.migrate(&call()).unwrap();
        let memory = NewMemory::new("content").unwrap();
        let put = Mutation::Put { id: MemoryId::from_bytes([1; 16]), memory, expect: Expect::Any };
        engine.apply(&call(), &Namespace::new("a").unwrap(), &[put]).unwrap();
        let says = |what: &str| engine.health(&call()).unwrap().advice.iter().any(|advice| advice.contains(what));
        assert!(says("run `polymnia optimize`"));
        engine.optimize(&call(), Upkeep::Full).unwrap();
        assert!(!says("run `polymnia optimize`"));
        run(
            &engine,
            "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER REFERENCES p);
             PRAGMA foreign_keys = OFF; INSERT INTO c VALUES (1); PRAGMA foreign_keys = ON",
        );
        assert!(says("1 rows of c lead to nothing in p"));
        run(&engine, "CREATE TABLE big AS SELECT zeroblob(4000000) AS b; DROP TABLE big");
        assert!(says("MiB of the file are free"));
        run(&engine, "PRAGMA wal_checkpoint(TRUNCATE)");
        run(&engine, "CREATE TABLE big AS SELECT zeroblob(70000000) AS b");
        assert!(says("the write-ahead log is of"));
    }

    #[test]
    fn who_migrates_is_told() {
        let engine = engine_with("");
        let _session = engine.session(&call(), &SessionOptions::default(), &mut |_: &Event<'_>| {}).unwrap();
        let locks = engine.health(&call()).unwrap().locks;
        assert_eq!((locks.len(), locks[0].millis), (1, Some(0)));
        assert!(locks[0].holder.starts_with(&format!("process {}", std::process::id())));
    }
}
