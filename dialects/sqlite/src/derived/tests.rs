//! What is derived, compared with what a naive reading of all rows derives.

use std::collections::BTreeSet;

use fastrand::Rng;
use polymnia::filter::{DocumentTerms, IndexValue, PathReader, TermHasher};
use polymnia::spi::{AdminEngine as _, Engine as _};
use polymnia::{
    Call, ErrorKind, Expect, Filter, IndexDeclaration, IndexKind, Json, Memory, MemoryId, Metadata, Mutation,
    Namespace, NewMemory, OnConflict, OpenOptions, Patch, Path, Revision, Selection, Timestamp, Upkeep, VerifyReport,
};

use super::postings::created_of_micros;
use crate::config::Config;
use crate::connection::Connection;
use crate::engine::{Limit, SqliteEngine};
use crate::row::{FromRow, Integers, OneText};
use crate::statement::{Sql, Value};

/// Is a database and the time there.
pub(super) struct Database {
    engine: SqliteEngine,
    now: i64,
}

/// Is everything derived, by tables. Values of entries as SQLite writes them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Derived {
    postings: BTreeSet<[i64; 3]>,
    shapes: BTreeSet<[i64; 2]>,
    entries: BTreeSet<(i64, i64, String, i64)>,
}

struct StoredRow {
    rid: i64,
    namespace: String,
    metadata: String,
    created_at: i64,
    is_level: bool,
}

struct StoredEntry(i64, i64, String, i64);

impl FromRow for StoredRow {
    fn from_row<'a>(row: &impl diesel::row::Row<'a, diesel::sqlite::Sqlite>) -> polymnia::Result<Self> {
        Ok(Self {
            rid: crate::row::integer(row, 0),
            namespace: crate::row::text(row, 1, "namespace")?,
            metadata: crate::row::text(row, 2, "metadata")?,
            created_at: crate::row::integer(row, 3),
            is_level: crate::row::integer(row, 4) == 1,
        })
    }
}

impl FromRow for StoredEntry {
    fn from_row<'a>(row: &impl diesel::row::Row<'a, diesel::sqlite::Sqlite>) -> polymnia::Result<Self> {
        let number = |at| crate::row::integer(row, at);
        Ok(Self(number(0), number(1), crate::row::text(row, 2, "value")?, number(3)))
    }
}

impl Database {
    pub(super) fn new() -> Self {
        let engine = SqliteEngine::open(Config::read(&OpenOptions::new(":memory:")).unwrap()).unwrap();
        let database = Self { engine, now: 1_000_000 };
        database.engine.migrate(&database.call()).unwrap();
        database
    }

    fn call(&self) -> Call {
        Call::at(Timestamp::from_micros(self.now).unwrap())
    }

    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Connection) -> polymnia::Result<T>) -> T {
        self.engine.with(&self.call(), Limit::Unlimited, work).unwrap()
    }

    fn sql(&self, sql: &str) {
        self.with(|connection| connection.batch(sql));
    }

    pub(super) fn apply(&self, namespace: &str, batch: &[Mutation]) {
        self.engine.apply(&self.call(), &Namespace::new(namespace).unwrap(), batch).unwrap();
    }

    pub(super) fn load(&self, namespace: &str, batch: &[Mutation]) {
        self.engine.load(&self.call(), &Namespace::new(namespace).unwrap(), batch).unwrap();
    }

    pub(super) fn verify(&self) -> VerifyReport {
        self.engine.verify(&self.call()).unwrap()
    }

    fn optimize(&self, upkeep: Upkeep) -> [u64; 2] {
        let report = self.engine.optimize(&self.call(), upkeep).unwrap();
        [report.indexed, report.removed]
    }

    pub(super) fn create_index(&self, path: &str, kind: IndexKind) {
        let declaration = IndexDeclaration::new(path.parse().unwrap(), kind).unwrap();
        self.engine.create_index(&self.call(), &declaration).unwrap();
    }

    fn stored(&self) -> Derived {
        self.with(|connection| {
            let postings: Vec<Integers<3>> =
                connection.all(Sql::new("SELECT term, created, rid FROM polymnia_postings"))?;
            let shapes: Vec<Integers<2>> = connection.all(Sql::new("SELECT path, shape FROM polymnia_shapes"))?;
            let entries: Vec<StoredEntry> = connection.all(Sql::new(
                "SELECT number, space, typeof(value) || ' ' || CAST(value AS TEXT), rid FROM polymnia_index_entries",
            ))?;
            Ok(Derived {
                postings: postings.into_iter().map(|row| row.0).collect(),
                shapes: shapes.into_iter().map(|row| row.0).collect(),
                entries: entries.into_iter().map(|row| (row.0, row.1, row.2, row.3)).collect(),
            })
        })
    }

    /// Derives from all level rows anew, by core's means alone.
    fn expected(&self) -> Derived {
        let (rows, seed, declared) = self.with(|connection| {
            let rows: Vec<StoredRow> = connection.all(Sql::new(
                "SELECT rid, namespace, metadata, created_at, indexed_revision = revision FROM polymnia_memories",
            ))?;
            let seed: Option<OneText> =
                connection.one(Sql::new("SELECT value FROM polymnia_settings WHERE name = 'term_seed'"))?;
            Ok((rows, seed.unwrap().0, super::declared::list(connection)?))
        });
        let hasher = TermHasher::new(u128::from_str_radix(&seed, 16).unwrap().to_be_bytes());
        let mut derived = Derived::default();
        let mut terms = DocumentTerms::default();
        for row in rows.into_iter().filter(|row| row.is_level) {
            let namespace = hasher.namespace(&Namespace::new(row.namespace).unwrap());
            let created = created_of_micros(row.created_at);
            let is_object = namespace.read(row.metadata.as_bytes(), &mut terms);
            if !is_object || Json::parse(&row.metadata).is_ok_and(|json| json.as_str() != row.metadata) {
                derived.postings.insert([namespace.uncanonical().into(), created, row.rid]);
            }
            if !is_object {
                continue;
            }
            let shape = i64::from(u32::try_from(terms.shape & 0xffff_ffff).unwrap().cast_signed());
            for term in terms.leaves.iter().map(|leaf| i64::from(*leaf)).chain([shape]) {
                derived.postings.insert([term, created, row.rid]);
            }
            derived.shapes.extend(terms.paths.iter().map(|path| [i64::from(*path), terms.shape]));
            for index in &*declared {
                let value = match (PathReader::new(&index.path).read(row.metadata.as_bytes()), index.kind) {
                    (Some(IndexValue::Number(number)), IndexKind::Number) => {
                        let number = number.to_string();
                        format!("real {number}{}", if number.contains('.') { "" } else { ".0" })
                    }
                    (Some(IndexValue::Text(text)), IndexKind::Text) => format!("text {text}"),
                    _ => continue,
                };
                derived.entries.insert((index.number, i64::from(namespace.space()), value, row.rid));
            }
        }
        derived
    }

    /// Requires that what is derived is exactly what should be; shapes may be left over.
    pub(super) fn check(&self, story: &str) {
        let (stored, expected) = (self.stored(), self.expected());
        assert_eq!(stored.postings, expected.postings, "{story}");
        assert_eq!(stored.entries, expected.entries, "{story}");
        assert!(stored.shapes.is_superset(&expected.shapes), "{story}");
        let report = self.verify();
        assert!(report.is_sound(), "{story}: {:?}", report.faults);
        assert_eq!(report.entries, (stored.postings.len() + stored.entries.len()) as u64, "{story}");
    }
}

pub(super) fn id(number: u8) -> MemoryId {
    MemoryId::from_bytes([number; 16])
}

fn metadata(rng: &mut Rng) -> Metadata {
    let texts = [
        "{}".to_owned(),
        format!(r#"{{"a": {}}}"#, rng.u8(0..4)),
        format!(r#"{{"a": {}, "b": {{"c": "{}"}}}}"#, rng.u8(0..3), "x".repeat(rng.usize(0..3) * 40)),
        format!(r#"{{"b": {{"c": {}.5}}, "tags": ["t{}", "t{}", null]}}"#, rng.i8(..), rng.u8(0..4), rng.u8(0..4)),
        format!(r#"{{"b": {{"c": "{}"}}, "k{}": true, "e": [{{}}]}}"#, rng.u8(0..9), rng.u8(0..9)),
    ];
    Metadata::parse(rng.choice(&texts).unwrap()).unwrap()
}

pub(super) fn new_memory(rng: &mut Rng, now: i64) -> NewMemory {
    let mut memory = NewMemory::new("text").unwrap();
    memory.metadata = metadata(rng);
    memory.expires_at = rng.bool().then(|| Timestamp::from_micros(now + rng.i64(1..5_000)).unwrap());
    memory
}

fn mutation(rng: &mut Rng, now: i64) -> Mutation {
    let id = id(rng.u8(0..12));
    match rng.u8(0..10) {
        0..4 => Mutation::Put { id, memory: new_memory(rng, now), expect: Expect::Any },
        4..6 => {
            let metadata = rng.bool().then(|| metadata(rng));
            let patch = Patch { metadata, content: Some("other".parse().unwrap()), ..Patch::default() };
            Mutation::Update { id, patch, expect: Expect::Any }
        }
        6..8 => Mutation::Delete { id, expect: Expect::Any },
        _ => {
            let NewMemory { content, metadata, tier, importance, related_threads, expires_at, .. } =
                new_memory(rng, now);
            let memory = Memory {
                id,
                user_id: None,
                agent_id: None,
                thread_id: None,
                tier,
                content,
                metadata,
                importance,
                related_threads,
                revision: Revision::new(rng.i64(1..4)).unwrap(),
                created_at: Timestamp::from_micros(rng.i64(-5_000..now)).unwrap(),
                updated_at: Timestamp::from_micros(now).unwrap(),
                expires_at,
            };
            Mutation::Restore {
                memory,
                on_conflict: *rng.choice([OnConflict::Replace, OnConflict::Skip].iter()).unwrap(),
            }
        }
    }
}

/// Does something at random that is ours to do, and says what.
fn act(database: &mut Database, rng: &mut Rng) -> String {
    database.now += rng.i64(0..2_000);
    let call = database.call();
    let name = *rng.choice(["one", "two"].iter()).unwrap();
    let namespace = Namespace::new(name).unwrap();
    match rng.u8(0..20) {
        choice @ 0..13 => {
            let batch: Vec<Mutation> = (0..rng.usize(1..12)).map(|_| mutation(rng, database.now)).collect();
            // An update of what is not there refuses the whole batch, which must leave no trace either.
            let result = if choice < 9 {
                database.engine.apply(&call, &namespace, &batch)
            } else {
                database.engine.load(&call, &namespace, &batch)
            };
            if let Err(error) = result {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
            }
            format!("batch {choice} {batch:?}")
        }
        13 => format!("sweep {:?}", database.engine.sweep(&call, rng.u32(0..4))),
        14 => {
            let filter = Filter::Contains(Json::parse(r#"{"a": 1}"#).unwrap());
            let selection = Selection { filter, ..Selection::default() };
            format!("delete matching {:?}", database.engine.delete_matching(&call, &namespace, &selection))
        }
        15 => format!("delete namespace {:?}", database.engine.delete_namespace(&call, &namespace)),
        16 => {
            let to = Namespace::new(if name == "one" { "two" } else { "one" }).unwrap();
            format!("rename {:?}", database.engine.rename_namespace(&call, &namespace, &to).ok())
        }
        17 => format!("optimize {:?}", database.optimize(Upkeep::Index)),
        18 => {
            let (path, kind) = *rng
                .choice([("a", IndexKind::Number), ("b.c", IndexKind::Number), ("b.c", IndexKind::Text)].iter())
                .unwrap();
            database.create_index(path, kind);
            format!("create index {path} {kind}")
        }
        _ => {
            let name = IndexDeclaration::new(Path::new(["b", "c"]).unwrap(), IndexKind::Text).unwrap().name;
            format!("drop index {:?}", database.engine.drop_index(&call, &name).unwrap())
        }
    }
}

#[test]
fn writes_keep_exactly_what_a_naive_reading_derives() {
    for seed in 0..8 {
        let (mut database, rng) = (Database::new(), &mut Rng::with_seed(seed));
        for _ in 0..40 {
            let story = act(&mut database, rng);
            database.check(&story);
        }
        database.optimize(Upkeep::Full);
        database.check("in full");
        assert_eq!((database.verify().pending, database.stored().shapes), (0, database.expected().shapes));
    }
}

#[test]
fn upkeep_in_full_mends_what_others_do() {
    let rng = &mut Rng::with_seed(7);
    let mut database = Database::new();
    let foreign = [
        r#"UPDATE polymnia_memories SET metadata = '{"a": 77, "z": []}' WHERE rid % 3 = 0"#,
        "UPDATE polymnia_memories SET metadata = 'not JSON', revision = revision + 1 WHERE rid % 7 = 0",
        "UPDATE polymnia_memories SET created_at = created_at - 5000 WHERE rid % 4 = 0",
        "UPDATE polymnia_memories SET namespace = namespace || 'x' WHERE rid % 5 = 0",
        "DELETE FROM polymnia_memories WHERE rid % 6 = 0",
        "DELETE FROM polymnia_postings WHERE term % 3 = 0",
        "DELETE FROM polymnia_index_entries WHERE rid % 2 = 0",
        "DELETE FROM polymnia_shapes WHERE path % 4 = 0",
        "INSERT INTO polymnia_postings SELECT 5, 5, rid FROM polymnia_memories",
        "INSERT INTO polymnia_postings VALUES (5, 5, -5), (6, 6, 1000000000000), (7, 7, 9223372036854775807)",
        "INSERT INTO polymnia_index_entries VALUES (1, 2, 'x', 3), (99, 0, 1.5, 1)",
        "INSERT INTO polymnia_shapes VALUES (1, 2), (3, -4)",
        "UPDATE polymnia_memories SET indexed_revision = 0 WHERE rid % 2 = 0",
        "DELETE FROM polymnia_settings WHERE name = 'term_seed'",
        "UPDATE polymnia_settings SET value = '2' WHERE name = 'term_version'",
    ];
    let mut faults = 0;
    for _ in 0..3 {
        for sql in foreign {
            for _ in 0..4 {
                act(&mut database, rng);
            }
            database.sql(sql);
            database.sql("DELETE FROM polymnia_memories WHERE metadata = 'not JSON' AND rid % 2 = 0");
            faults += database.verify().fault_count;
            database.optimize(Upkeep::Full);
            database.sql("DELETE FROM polymnia_memories WHERE metadata = 'not JSON'");
            database.optimize(Upkeep::Full);
            database.check(sql);
            assert_eq!((database.verify().pending, database.stored().shapes), (0, database.expected().shapes), "{sql}");
        }
    }
    assert!(faults > 100, "{faults}");
}

#[test]
fn a_load_is_left_and_then_drained() {
    let database = Database::new();
    let rng = &mut Rng::with_seed(1);
    let puts: Vec<Mutation> = (0..200_u8)
        .map(|number| Mutation::Put {
            id: id(number),
            memory: new_memory(rng, i64::from(u32::MAX)),
            expect: Expect::Any,
        })
        .collect();
    database.load("one", &puts);
    assert_eq!(database.stored(), Derived::default());
    assert_eq!(database.verify().pending, 200);
    assert_eq!(database.optimize(Upkeep::Index), [200, 0]);
    assert_eq!(database.optimize(Upkeep::Index), [0, 0]);
    database.check("drained");
    // Rows that are level stay so; new ones don't become it.
    database.load("one", &puts[..100]);
    assert_eq!(database.verify().pending, 0);
    database.load("two", &puts[..10]);
    database.apply("two", &puts[..4]);
    assert_eq!(database.verify().pending, 6);
    database.check("loaded over");
}

#[test]
fn an_unchanged_document_costs_no_postings() {
    let database = Database::new();
    let memory = NewMemory { metadata: Metadata::parse(r#"{"a": [1, 2]}"#).unwrap(), ..NewMemory::new("x").unwrap() };
    let put = [Mutation::Put { id: id(1), memory, expect: Expect::Any }];
    database.apply("one", &put);
    // Whoever touched the postings would make them whole.
    database.sql("DELETE FROM polymnia_postings");
    database.apply("one", &put);
    let patch = Patch { content: Some("y".parse().unwrap()), ..Patch::default() };
    database.apply("one", &[Mutation::Update { id: id(1), patch, expect: Expect::Any }]);
    assert_eq!(database.stored().postings.len(), 0);
    let report = database.verify();
    assert_eq!((report.pending, report.fault_count), (0, 1));
    assert_eq!(report.faults[0].id, Some(id(1)));
    assert!(report.faults[0].problem.starts_with("3 index entries are missing"), "{:?}", report.faults);
}

#[test]
fn an_unfinished_index_is_finished_by_creating_it_again() {
    let database = Database::new();
    let rng = &mut Rng::with_seed(3);
    database.create_index("a", IndexKind::Number);
    database.sql("UPDATE polymnia_indexes SET ready = 0; DELETE FROM polymnia_index_entries");
    let put = |rng: &mut Rng, number| Mutation::Put {
        id: id(number),
        memory: new_memory(rng, i64::from(u32::MAX)),
        expect: Expect::Any,
    };
    let puts: Vec<Mutation> = (0..50).map(|number| put(rng, number)).collect();
    database.apply("one", &puts);
    database.sql("DELETE FROM polymnia_index_entries WHERE rid % 2 = 0");
    let statuses = database.engine.indexes(&database.call()).unwrap();
    assert_eq!((statuses.len(), statuses[0].ready), (1, false));
    assert!(database.verify().is_sound());
    database.create_index("a", IndexKind::Number);
    let statuses = database.engine.indexes(&database.call()).unwrap();
    assert_eq!((statuses[0].ready, statuses[0].entries), (true, Some(database.expected().entries.len() as u64)));
    database.check("finished");
}

#[test]
fn declarations_are_refused_and_dropped() {
    let database = Database::new();
    let declare = |name: &str, path: &str, kind| {
        let declaration = IndexDeclaration { name: name.parse().unwrap(), path: path.parse().unwrap(), kind };
        database.engine.create_index(&database.call(), &declaration).map_err(|error| error.kind())
    };
    assert_eq!(declare("x", "a.b", IndexKind::Text), Ok(()));
    assert_eq!(declare("x", r#"["a", "b"]"#, IndexKind::Text), Ok(()));
    assert_eq!(declare("x", "a.c", IndexKind::Text), Err(ErrorKind::Conflict));
    assert_eq!(declare("y", "a.b", IndexKind::Text), Err(ErrorKind::Conflict));
    assert_eq!(declare("y", "a.b", IndexKind::Number), Ok(()));
    let drop = |name: &str| database.engine.drop_index(&database.call(), &name.parse().unwrap()).unwrap();
    assert!(drop("x") && !drop("x") && drop("y"));
    for number in 0..IndexDeclaration::MAX {
        assert_eq!(declare(&format!("i{number}"), &format!("p{number}"), IndexKind::Number), Ok(()));
    }
    assert_eq!(declare("more", "more", IndexKind::Number), Err(ErrorKind::InvalidInput));
    // A number is never given again, whatever was dropped.
    let numbers = database.with(|connection| {
        connection.one::<Integers<2>, _>(Sql::new("SELECT min(number), max(number) FROM polymnia_indexes"))
    });
    assert_eq!(numbers.unwrap().0, [3, 34]);
}

#[test]
fn without_a_seed_nothing_is_level() {
    let database = Database::new();
    let rng = &mut Rng::with_seed(5);
    let put = |rng: &mut Rng, number| Mutation::Put {
        id: id(number),
        memory: new_memory(rng, i64::from(u32::MAX)),
        expect: Expect::Any,
    };
    database.apply("one", &[put(rng, 1), put(rng, 2)]);
    database.sql("UPDATE polymnia_settings SET value = '7' WHERE name = 'term_version'");
    database.apply("one", &[put(rng, 1), put(rng, 3), Mutation::Delete { id: id(2), expect: Expect::Any }]);
    let mut sql = Sql::new("SELECT count(*) FROM polymnia_memories WHERE indexed_revision = revision AND namespace = ");
    sql.bind(Value::Text("one"));
    assert_eq!(database.with(|connection| connection.one::<Integers<1>, _>(sql)).unwrap().0, [0]);
    assert_eq!(database.verify().pending, 2);
    assert_eq!(database.optimize(Upkeep::Index), [2, 0]);
    database.check("made anew");
}
