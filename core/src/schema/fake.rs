//! A database in memory for tests of running: it does what a few kinds of statements say, and fails where it is told to.
//!
//! Every call of a session is counted, and any one of them can fail ([`Fake::fail`]): before it does anything or after, with
//! the session dead or alive. A dead session loses its transaction, as a process that is killed does.

mod engine;
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::schema::{
    Entry, ForeignLedger, Ledger, LogEntry, Metadata, Object, ObjectKind, ObjectName, Orphans, Script, Snapshot,
    Source, Version,
};
use crate::{Error, ErrorKind, Result};

/// Is a database in memory. Clones are the same database.
#[derive(Clone, Debug)]
pub(crate) struct Fake {
    source: Arc<Source>,
    world: Arc<Mutex<World>>,
}

/// Is everything that there is, and how it is to behave.
#[allow(clippy::struct_excessive_bools, reason = "each is one thing that is so or not")]
#[derive(Debug, Default)]
pub(crate) struct World {
    /// What is committed.
    pub(crate) data: Data,
    /// Whether a session holds the lock.
    pub(crate) locked: bool,
    /// How many sessions were opened.
    pub(crate) sessions: usize,
    /// How many calls sessions had so far.
    pub(crate) calls: usize,
    /// Which call is to fail, counted from 0, and how.
    pub(crate) fail: Option<(usize, Failing)>,
    /// Whether the call that was to fail has come.
    pub(crate) failed: bool,
    /// Statements that can't have their lock, by a part of them, and how often.
    pub(crate) busy: BTreeMap<String, u32>,
    /// Statements that fail, by a part of them, with what the database says.
    pub(crate) broken: BTreeMap<String, String>,
    /// The index, with its table, that a `REINDEX` which fails leaves half-made.
    pub(crate) leaves_invalid: Option<(String, String)>,
    /// Whether sessions are one transaction each.
    pub(crate) pooled: bool,
    /// Whether a session has a transaction open.
    pub(crate) in_transaction: bool,
    /// Backups made, with whether a transaction was open meanwhile.
    pub(crate) backups: Vec<(PathBuf, bool)>,
    /// Backups put back.
    pub(crate) restored: Vec<PathBuf>,
    /// Ledgers of other tools.
    pub(crate) foreign: Vec<ForeignLedger>,
    /// What a backup fails with.
    pub(crate) no_backup: Option<ErrorKind>,
    /// Whatever is to be dropped when the database is closed.
    pub(crate) held: Option<Box<dyn std::any::Any + Send>>,
}

/// Says how a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failing {
    /// The process dies before it, or in the middle of what no transaction holds.
    DiesBefore,
    /// The process dies after it.
    DiesAfter,
    /// The database refuses it.
    Refused,
}

/// Is what the database holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Data {
    pub(crate) diesel: Option<BTreeSet<String>>,
    pub(crate) entries: Option<BTreeMap<Version, Entry>>,
    pub(crate) log: Vec<LogEntry>,
    pub(crate) schema: Snapshot,
    /// Indexes that are half-made, with their tables.
    pub(crate) invalid: BTreeMap<String, String>,
    /// Each table's rows, as the number of times each was changed.
    pub(crate) rows: BTreeMap<String, Vec<u32>>,
    pub(crate) orphans: Vec<Orphans>,
    /// How often each statement took effect.
    pub(crate) effects: BTreeMap<String, u32>,
}

impl Fake {
    /// Returns an empty database whose dialect brings these migrations.
    pub(crate) fn new(source: Source) -> Self {
        Self { source: Arc::new(source), world: Arc::default() }
    }

    /// Returns the same database as a build with other migrations sees it.
    pub(crate) fn with_source(&self, source: Source) -> Self {
        Self { source: Arc::new(source), world: Arc::clone(&self.world) }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the call with that number fail, counted from now.
    pub(crate) fn fail(&self, nth: usize, how: Failing) {
        let mut world = self.world();
        world.calls = 0;
        world.failed = false;
        world.fail = Some((nth, how));
    }

    /// Lets nothing fail from now on, and returns whether the call that was to fail has come.
    pub(crate) fn heal(&self) -> bool {
        let mut world = self.world();
        world.fail = None;
        world.busy.clear();
        world.broken.clear();
        std::mem::take(&mut world.failed)
    }

    /// Returns the entry of a version.
    pub(crate) fn entry(&self, version: &str) -> Option<Entry> {
        let version = Version::new(version).unwrap();
        self.world().data.entries.as_ref()?.get(&version).cloned()
    }

    /// Returns whether diesel's ledger has a version.
    pub(crate) fn is_applied(&self, version: &str) -> bool {
        self.world().data.diesel.as_ref().is_some_and(|rows| rows.contains(version))
    }

    /// Returns the events of the log, oldest first: `applied 20260101000000`.
    pub(crate) fn events(&self) -> Vec<String> {
        let line = |line: &LogEntry| match &line.version {
            Some(version) => format!("{} {version}", line.event),
            None => line.event.clone(),
        };
        self.world().data.log.iter().map(line).collect()
    }
}

/// Returns a source of ours for SQLite or PostgreSQL from versions with their scripts.
pub(crate) fn source(dialect: &str, scripts: Vec<Script>) -> Source {
    Source { prefix: String::new(), dialect: dialect.to_owned(), scripts }
}

/// Returns a migration that is one transaction.
pub(crate) fn script(version: &str, up: &str, down: &str) -> Script {
    Script {
        version: Version::new(version).unwrap(),
        name: "test".to_owned(),
        up: up.to_owned(),
        down: down.to_owned(),
        metadata: metadata(true, false),
        delta: None,
        folder: format!("migrations/{version}_test"),
    }
}

/// Returns what metadata says of nothing but transactions and rebuilds.
pub(crate) fn metadata(run_in_transaction: bool, rebuild: bool) -> Metadata {
    Metadata {
        run_in_transaction,
        parents: Vec::new(),
        compatibility: crate::schema::Compatibility::Full,
        rebuild,
        apart: BTreeMap::new(),
    }
}

impl Data {
    fn ledger(&self) -> Ledger {
        let entries = self.entries.as_ref().map(|entries| {
            let mut entries: Vec<Entry> = entries.values().cloned().collect();
            entries.sort_by_key(|entry| entry.position);
            entries
        });
        Ledger { diesel: self.diesel.clone(), entries }
    }

    /// Returns the schema with the indexes that are half-made.
    fn snapshot(&self) -> Snapshot {
        let mut schema = self.schema.clone();
        for (name, table) in &self.invalid {
            let attributes = BTreeMap::from([("valid".to_owned(), "false".to_owned())]);
            let object = Object { ours: true, attributes };
            schema.0.insert(ObjectName::within(table, ObjectKind::Index, name), object);
        }
        schema
    }

    /// Does what a statement says, all or nothing.
    pub(crate) fn execute(&mut self, statement: &str) -> Result<u64> {
        let plain = statement.trim().trim_end_matches(';');
        let words: Vec<&str> =
            plain.split_whitespace().filter(|word| !matches!(*word, "CONCURRENTLY" | "UNIQUE")).collect();
        let table = |name: &str| ObjectName::of(ObjectKind::Table, name);
        let index = |name: &str, of: &str| ObjectName::within(of, ObjectKind::Index, name);
        let ours = Object { ours: true, attributes: BTreeMap::new() };
        let mut changed = 0;
        match *words {
            ["CREATE", "TABLE", name, ..] => {
                if self.schema.0.insert(table(name), ours).is_some() {
                    return Err(Error::new(ErrorKind::Conflict, format!("table {name} already exists")));
                }
                self.rows.insert(name.to_owned(), Vec::new());
            }
            ["DROP", "TABLE", name] => {
                self.rows.remove(name).ok_or_else(|| missing(name))?;
                self.schema.0.retain(|object, _| object.table != name);
            }
            ["ALTER", "TABLE", name, "RENAME", "TO", new] => {
                let rows = self.rows.remove(name).ok_or_else(|| missing(name))?;
                self.rows.insert(new.to_owned(), rows);
                self.schema.0.remove(&table(name));
                self.schema.0.insert(table(new), ours);
            }
            ["CREATE", "INDEX", name, "ON", of, ..] => {
                if self.has_index(name) || self.invalid.contains_key(name) {
                    return Err(Error::new(ErrorKind::Conflict, format!("index {name} already exists")));
                }
                self.schema.0.insert(index(name, of), ours);
            }
            ["DROP", "INDEX", name] => {
                if !self.has_index(name) && self.invalid.remove(name).is_none() {
                    return Err(missing(name));
                }
                self.schema.0.retain(|object, _| object.name != name);
            }
            ["INSERT", "INTO", name, "SELECT", "FROM", other] => {
                let rows = self.rows.get(other).ok_or_else(|| missing(other))?.clone();
                changed = rows.len() as u64;
                self.rows.get_mut(name).ok_or_else(|| missing(name))?.extend(rows);
            }
            ["INSERT", "INTO", name, ..] => {
                self.rows.get_mut(name).ok_or_else(|| missing(name))?.push(0);
                changed = 1;
            }
            ["UPDATE", name, ..] => {
                let rows = self.rows.get_mut(name).ok_or_else(|| missing(name))?;
                for times in &mut *rows {
                    *times += 1;
                }
                changed = rows.len() as u64;
            }
            ["DELETE", "FROM", name, ..] => {
                self.rows.get_mut(name).ok_or_else(|| missing(name))?.pop();
            }
            ["ORPHAN", name, parent] => {
                self.orphans.push(Orphans { table: name.to_owned(), parent: parent.to_owned(), rows: 1 });
            }
            _ => {}
        }
        *self.effects.entry(plain.to_owned()).or_default() += 1;
        Ok(changed)
    }

    pub(crate) fn has_index(&self, name: &str) -> bool {
        self.schema.0.keys().any(|object| object.kind == ObjectKind::Index && object.name == name)
    }
}

fn missing(name: &str) -> Error {
    Error::new(ErrorKind::Unexpected, format!("there is no {name}"))
}
