//! Other programs that write our tables by plain SQL: what they wrote is found at once, and upkeep takes it in.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Binary, Text};
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
use polymnia::{
    Expect, Filter, IndexDeclaration, IndexKind, Memory, MemoryId, MemoryStore, Metadata, Namespace, NewMemory,
    OptimizeReport, Order, Patch, Query, Revision, Selection, Timestamp, Upkeep, VerifyReport,
};
use polymnia_conformance::generate::{self, Pool, Rng, Seed, json, pick};
use polymnia_conformance::{Fixture, Subject};
use polymnia_tests::databases::{Postgres, SqliteFile};

#[test]
fn sqlite_finds_what_others_wrote() {
    finds_what_others_wrote::<SqliteFile>();
}

#[test]
fn postgres_finds_what_others_wrote() {
    finds_what_others_wrote::<Postgres>();
}

#[test]
fn sqlite_finds_generated_foreign_writes() {
    finds_generated_writes::<SqliteFile>();
}

#[test]
fn postgres_finds_generated_foreign_writes() {
    finds_generated_writes::<Postgres>();
}

/// Metadata that our own writes would have brought into canonical form, or refused, stands in SQLite as it was written.
#[test]
fn sqlite_finds_json_of_any_spelling_and_leaves_what_is_none() {
    let subject = Subject::fresh::<SqliteFile>();
    let store = subject.store();
    let mut foreign = Foreign::of(&subject);
    let texts = [
        r#"{"b":[ 1,2 ],"a":1.0}"#,
        "\t{\"a\" : 5 , \"a\":1e0}\n",
        r#"{"\u0061":10e-1}"#,
        r#"{"a":2}"#,
        r#"{"a": {"b": {"c": "\ud83d\ude00"}}}"#,
        "not json",
        "",
        "[1]",
        "1",
        r#"{"a":1"#,
        r#"{"a":1}}"#,
    ];
    for (number, text) in (1..).zip(texts) {
        foreign.insert("shared", id(number), number, text);
    }
    for upkeep in [None, Some(Upkeep::Index), Some(Upkeep::Full)] {
        if let Some(upkeep) = upkeep {
            store.admin().optimize(upkeep).unwrap();
        }
        for (text, expected) in [
            (r#"{"a": 1}"#, vec![3, 2, 1]),
            (r#"{"b": {"$any": [2]}}"#, vec![1]),
            (r#"{"a": {"$gte": 2}}"#, vec![4]),
            (r#"{"a": {"b": {"c": {"$prefix": "😀"}}}}"#, vec![5]),
            // No index serves these: what is canonical is looked at in another way.
            (r#"{"$not": {"a": 1}}"#, vec![5, 4]),
            (r#"{"$not": {"b": {"$any": [2]}}}"#, vec![5, 4, 3, 2]),
        ] {
            let selection = filtered(text);
            assert_eq!(store.count(&shared(), &selection).unwrap(), expected.len() as u64, "{text} after {upkeep:?}");
            assert_eq!(found(&store, &selection), expected, "{text} after {upkeep:?}");
        }
    }
    // What is no metadata is told, and nothing else.
    let report = store.admin().verify().unwrap();
    let mut told: Vec<MemoryId> = report.faults.iter().filter_map(|fault| fault.id).collect();
    told.sort_unstable();
    assert_eq!(told, (6..=11).map(id).collect::<Vec<_>>(), "{report:#?}");
    assert_eq!(report.fault_count, 6, "{report:#?}");
}

/// What `verify` finds it tells, and upkeep mends; answers suffer from nothing that is too much.
#[test]
fn sqlite_tells_and_mends_damage() {
    let subject = Subject::fresh::<SqliteFile>();
    let store = subject.store();
    let admin = store.admin();
    admin.create_index(&IndexDeclaration::new("n".parse().unwrap(), IndexKind::Number).unwrap()).unwrap();
    for number in 1..=50 {
        let text = format!(r#"{{"n": {number}, "odd": {}, "deep": {{"k{}": []}}}}"#, number % 2 == 1, number % 3);
        let memory = NewMemory::new("m").unwrap().with_metadata(Metadata::parse(&text).unwrap());
        store.put_at(&shared(), id(number), memory, Expect::Any).unwrap();
    }
    let questions = [
        r#"{"n": 7}"#,
        r#"{"n": {"$gte": 45}}"#,
        r#"{"odd": true}"#,
        r#"{"deep": {"k1": {"$exists": true}}}"#,
        r#"{"deep": {"k2": []}}"#,
    ];
    let ask = || questions.map(|text| found(&store, &filtered(text)));
    let before = ask();
    // Damage, and whether it is only too much of what is derived.
    for (damage, harmless) in [
        ("DELETE FROM polymnia_postings", false),
        ("DELETE FROM polymnia_postings WHERE rid % 7 = 0", false),
        ("DELETE FROM polymnia_shapes", false),
        ("DELETE FROM polymnia_shapes WHERE path % 2 = 0", false),
        ("DELETE FROM polymnia_index_entries WHERE rid = 7", false),
        ("UPDATE polymnia_postings SET created = created + 1 WHERE rid = 5", false),
        ("UPDATE polymnia_index_entries SET value = value + 100.0 WHERE rid = 46", false),
        ("UPDATE polymnia_memories SET indexed_revision = 0", true),
        ("INSERT INTO polymnia_postings SELECT term, created - 1, rid FROM polymnia_postings WHERE rid = 9", true),
        (
            "INSERT INTO polymnia_postings SELECT DISTINCT term, created, 9999 FROM polymnia_postings WHERE rid = 9",
            true,
        ),
        (
            "INSERT INTO polymnia_postings SELECT DISTINCT term, created, 9 FROM polymnia_postings WHERE rid = 8 ON CONFLICT DO NOTHING",
            true,
        ),
        ("INSERT INTO polymnia_index_entries SELECT number, space, value + 0.5, rid FROM polymnia_index_entries", true),
    ] {
        let mut connection = match Foreign::of(&subject) {
            Foreign::Sqlite(connection) => connection,
            Foreign::Postgres(_) => unreachable!("the subject is a file of SQLite"),
        };
        connection.batch_execute(damage).unwrap();
        let report = admin.verify().unwrap();
        if harmless {
            assert_eq!(ask(), before, "{damage}");
        } else {
            assert!(!report.is_sound() && !report.faults.is_empty(), "{damage}: {report:?}");
            assert!(report.fault_count >= report.faults.len() as u64, "{damage}: {report:?}");
        }
        admin.optimize(Upkeep::Full).unwrap();
        let report = admin.verify().unwrap();
        assert!(report.is_sound() && report.pending == 0, "{damage}: {report:#?}");
        assert_eq!(ask(), before, "{damage}, mended");
    }
}

fn finds_what_others_wrote<F: Fixture>() {
    let subject = Subject::fresh::<F>();
    let store = subject.store();
    let mut foreign = Foreign::of(&subject);
    for kind in [IndexKind::Number, IndexKind::Text] {
        store.admin().create_index(&IndexDeclaration::new("n".parse().unwrap(), kind).unwrap()).unwrap();
    }
    for number in 1..=40 {
        let memory = NewMemory::new("ours").unwrap().with_metadata(numbered(number));
        let memory = memory.with_created_at(at(number));
        store.put_at(&shared(), id(number), memory, Expect::Any).unwrap();
    }
    assert_eq!(store.admin().verify().unwrap().pending, 0);
    let ask = |text: &str| found(&store, &filtered(text));
    let sound = || harmless(&store);

    foreign.insert("shared", id(100), 100, r#"{"n": 7, "who": "other"}"#);
    assert_eq!(ask(r#"{"n": 7}"#), [100, 7], "a row that another program inserted");
    assert_eq!(ask(r#"{"who": {"$exists": true}}"#), [100]);
    sound();

    foreign.set_metadata(id(5), r#"{"n": 8, "who": "other"}"#);
    assert_eq!((ask(r#"{"n": 5}"#), ask(r#"{"n": 8}"#)), (vec![], vec![8, 5]), "metadata that another program changed");
    assert_eq!(ask(r#"{"n": {"$lte": 5}}"#), [4, 3, 2, 1]);
    assert_eq!(ask(r#"{"who": "other"}"#), [100, 5]);
    sound();

    foreign.set_created(id(1), 500);
    assert_eq!(ask(r#"{"n": {"$in": [1, 2]}}"#), [1, 2], "a time that another program changed");
    let newest = Query::new(filtered(r#"{"n": {"$gte": 0}}"#)).with_limit(1).unwrap();
    assert_eq!(numbers(&store.query(&shared(), &newest).unwrap().memories), [1]);
    let oldest = newest.clone().with_order(Order::CREATED_ASC).with_limit(2).unwrap();
    assert_eq!(numbers(&store.query(&shared(), &oldest).unwrap().memories), [2, 3]);
    sound();

    foreign.delete(id(3));
    assert_eq!((ask(r#"{"n": 3}"#), ask(r#"{"n": {"$lt": 4}}"#)), (vec![], vec![1, 2]), "a row that is gone");
    sound();

    foreign.set_namespace(id(10), "moved");
    assert_eq!(ask(r#"{"n": 10}"#), Vec::<u64>::new(), "a row that another program moved");
    assert_eq!(store.count(&Namespace::new("moved").unwrap(), &filtered(r#"{"n": 10}"#)).unwrap(), 1);
    sound();

    foreign.set_metadata_and_revision(id(20), r#"{"n": 21.0}"#);
    assert_eq!((ask(r#"{"n": 20}"#), ask(r#"{"n": 21}"#)), (vec![], vec![21, 20]), "a revision kept with care");
    assert_eq!(store.get(&shared(), id(20)).unwrap().unwrap().revision, Revision::new(2).unwrap());
    sound();

    // Deleted by us although nothing was derived of it yet; written by us, it is level again.
    assert_eq!(store.delete_matching(&shared(), &filtered(r#"{"n": 8}"#)).unwrap(), 2);
    foreign.set_metadata(id(30), r#"{"n": -1}"#);
    let patch = Patch { metadata: Some(numbered(31)), ..Patch::default() };
    store.update(&shared(), id(30), patch, Expect::Any).unwrap();
    assert_eq!((ask(r#"{"n": -1}"#), ask(r#"{"n": 31}"#)), (vec![], vec![31, 30]));

    let questions =
        [r#"{"n": {"$gte": 0}}"#, r#"{"n": 7}"#, r#"{"n": {"$exists": true}}"#, r#"{"$not": {"n": 2}}"#, "{}"];
    let before = questions.map(ask);
    for upkeep in [Upkeep::Index, Upkeep::Full] {
        store.admin().optimize(upkeep).unwrap();
        assert_eq!(sound().pending, 0);
        assert_eq!(questions.map(ask), before, "after {upkeep:?}");
        assert_eq!(store.admin().optimize(upkeep).unwrap(), OptimizeReport::default());
    }
    let report = store.admin().verify().unwrap();
    assert!(report.is_sound(), "{report:#?}");
}

/// Fails if anything that is derived is wrong, but for what is too much: another program leaves it behind.
#[track_caller]
fn harmless(store: &MemoryStore) -> VerifyReport {
    let report = store.admin().verify().unwrap();
    assert!(report.faults.iter().all(|fault| fault.problem.contains("stale")), "{report:#?}");
    report
}

fn finds_generated_writes<F: Fixture>() {
    let seed = Seed::new(std::any::type_name::<F>());
    let mut rng = seed.rng();
    let subject = Subject::fresh::<F>();
    let store = subject.store();
    let mut foreign = Foreign::of(&subject);
    let pool = Pool::new(&mut rng, 25);
    let mut next = 1_000;
    for round in 0..generate::times("POLYMNIA_FOREIGN_ROUNDS", 60) {
        let now = subject.clock().now();
        // Some can't be applied; what a batch says of it is not the point here.
        let _ = store.apply(&shared(), &generate::batch(&mut rng, &pool, now));
        for _ in 0..rng.usize(0..4) {
            let stored = everything(&store);
            next += 1;
            let text = metadata(&pool, &mut rng);
            match (rng.u32(0..6), stored.is_empty()) {
                (0, _) | (_, true) => foreign.insert("shared", id(next), rng.u64(0..1_000), &text),
                (1 | 2, _) => foreign.set_metadata(pick(&mut rng, &stored), &text),
                (3, _) => foreign.set_created(pick(&mut rng, &stored), rng.u64(0..1_000)),
                (4, _) => foreign.delete(pick(&mut rng, &stored)),
                _ => foreign.set_metadata_and_revision(pick(&mut rng, &stored), &text),
            }
        }
        let live = read(&store, &Selection::default());
        for _ in 0..4 {
            let selection = generate::selection(&mut rng, &pool, now);
            let expected: Vec<MemoryId> =
                live.iter().filter(|memory| selection.matches(memory, now)).map(|memory| memory.id).collect();
            let found: Vec<MemoryId> = read(&store, &selection).iter().map(|memory| memory.id).collect();
            assert_eq!(found, expected, "round {round}: {selection:?}");
        }
        if round % 10 == 9 {
            harmless(&store);
            let upkeep = if round % 20 == 9 { Upkeep::Index } else { Upkeep::Full };
            store.admin().optimize(upkeep).unwrap();
            let report = harmless(&store);
            assert_eq!(report.pending, 0, "round {round}");
            assert!(upkeep == Upkeep::Index || report.is_sound(), "round {round}: {report:#?}");
        }
    }
}

/// Is another program.
enum Foreign {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Foreign {
    fn of(subject: &Subject) -> Self {
        let url = subject.options().url().expose().to_owned();
        if let Some(path) = url.strip_prefix("sqlite://") {
            let mut connection = SqliteConnection::establish(path).unwrap();
            connection.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
            return Self::Sqlite(connection);
        }
        Self::Postgres(PgConnection::establish(&url).unwrap())
    }

    fn insert(&mut self, namespace: &str, id: MemoryId, second: u64, metadata: &str) {
        let created = at(second).as_micros();
        let rows = match self {
            Self::Sqlite(connection) => diesel::sql_query(
                "INSERT INTO polymnia_memories
                 (namespace, id, tier, content, metadata, importance, revision, created_at, updated_at)
                 VALUES (?1, ?2, 'short_term', 'theirs', ?3, 0.5, 1, ?4, ?4)",
            )
            .bind::<Text, _>(namespace)
            .bind::<Binary, _>(&id.as_bytes()[..])
            .bind::<Text, _>(metadata)
            .bind::<BigInt, _>(created)
            .execute(connection),
            Self::Postgres(connection) => diesel::sql_query(
                "INSERT INTO polymnia.memories
                 (namespace, id, tier, content, metadata, importance, revision, created_at, updated_at)
                 SELECT $1, $2::uuid, 'short_term', 'theirs', $3::jsonb, 0.5, 1, at, at
                 FROM (SELECT timestamptz 'epoch' + $4 * interval '1 microsecond') AS given (at)",
            )
            .bind::<Text, _>(namespace)
            .bind::<Text, _>(id.to_string())
            .bind::<Text, _>(metadata)
            .bind::<BigInt, _>(created)
            .execute(connection),
        };
        assert_eq!(rows.unwrap(), 1);
    }

    fn set_metadata(&mut self, id: MemoryId, metadata: &str) {
        self.set(id, metadata, "metadata = ?1", "metadata = $1::jsonb");
    }

    fn set_metadata_and_revision(&mut self, id: MemoryId, metadata: &str) {
        let both = ["metadata = ?1, revision = revision + 1", "metadata = $1::jsonb, revision = revision + 1"];
        self.set(id, metadata, both[0], both[1]);
    }

    fn set_namespace(&mut self, id: MemoryId, namespace: &str) {
        self.set(id, namespace, "namespace = ?1", "namespace = $1");
    }

    fn set_created(&mut self, id: MemoryId, second: u64) {
        let (number, text) = (at(second).as_micros().to_string(), at(second).to_string());
        match self {
            Self::Sqlite(_) => self.set(id, &number, "created_at = CAST(?1 AS INTEGER)", ""),
            Self::Postgres(_) => self.set(id, &text, "", "created_at = $1::timestamptz"),
        }
    }

    fn set(&mut self, id: MemoryId, value: &str, sqlite: &str, postgres: &str) {
        let rows = match self {
            Self::Sqlite(connection) => {
                diesel::sql_query(format!("UPDATE polymnia_memories SET {sqlite} WHERE id = ?2"))
                    .bind::<Text, _>(value)
                    .bind::<Binary, _>(&id.as_bytes()[..])
                    .execute(connection)
            }
            Self::Postgres(connection) => {
                diesel::sql_query(format!("UPDATE polymnia.memories SET {postgres} WHERE id = $2::uuid"))
                    .bind::<Text, _>(value)
                    .bind::<Text, _>(id.to_string())
                    .execute(connection)
            }
        };
        assert_eq!(rows.unwrap(), 1);
    }

    fn delete(&mut self, id: MemoryId) {
        let rows = match self {
            Self::Sqlite(connection) => diesel::sql_query("DELETE FROM polymnia_memories WHERE id = ?1")
                .bind::<Binary, _>(&id.as_bytes()[..])
                .execute(connection),
            Self::Postgres(connection) => diesel::sql_query("DELETE FROM polymnia.memories WHERE id = $1::uuid")
                .bind::<Text, _>(id.to_string())
                .execute(connection),
        };
        assert_eq!(rows.unwrap(), 1);
    }
}

fn shared() -> Namespace {
    Namespace::new("shared").unwrap()
}

fn id(number: u64) -> MemoryId {
    MemoryId::from_bytes(u128::from(number).to_be_bytes())
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + i64::try_from(second).unwrap() * 1_000_000).unwrap()
}

fn numbered(number: u64) -> Metadata {
    Metadata::parse(&format!(r#"{{"n": {number}}}"#)).unwrap()
}

/// Returns metadata as another program would write it: our readers want it canonical.
fn metadata(pool: &Pool, rng: &mut Rng) -> String {
    let tree = generate::any(rng, &pool.documents).clone();
    let text = json::spell(&tree, rng);
    Metadata::parse(&text).unwrap().as_str().to_owned()
}

fn filtered(text: &str) -> Selection {
    Selection::default().with_filter(Filter::parse(text).unwrap())
}

fn found(store: &MemoryStore, selection: &Selection) -> Vec<u64> {
    numbers(&read(store, selection))
}

fn numbers(memories: &[Memory]) -> Vec<u64> {
    memories.iter().map(|memory| u64::try_from(u128::from_be_bytes(*memory.id.as_bytes())).unwrap()).collect()
}

/// Reads all that is selected, newest first, in small pages.
fn read(store: &MemoryStore, selection: &Selection) -> Vec<Memory> {
    let query = Query::new(selection.clone()).with_limit(7).unwrap();
    store.iter(&shared(), query).collect::<polymnia::Result<_>>().unwrap()
}

fn everything(store: &MemoryStore) -> Vec<MemoryId> {
    read(store, &Selection::default()).iter().map(|memory| memory.id).collect()
}
