//! Every way to an answer against the naive one, on random memories and filters, with rows level and not.

use std::sync::Arc;

use polymnia::filter::{
    Bound, DocumentTerms, FieldTest, Is, Prefix, Real, Relation, SizeTest, Step, Test, TextField, TimeField,
};
use polymnia::spi::Engine;
use polymnia::{
    Access, Call, CancelToken, Filter, IndexDeclaration, IndexKind, Json, Memory, MemoryStore, Namespace, OpenOptions,
    Order, Path, Query, Selection, TimeRange, Timestamp,
};

use super::*;
use crate::config::Config;
use crate::derived::hasher;
use crate::engine::{Limit, SqliteEngine};
use crate::row::OneText;

const NOW: i64 = 1_000_000;

/// Is a database with random memories of two namespaces.
pub(crate) struct Corpus {
    pub(crate) engine: Arc<SqliteEngine>,
    pub(crate) store: MemoryStore,
    pub(crate) namespace: Namespace,
    random: fastrand::Rng,
}

/// How many rows are level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    All,
    Half,
    None,
}

impl Corpus {
    pub(crate) fn new(seed: u64, memories: usize, level: Level) -> Self {
        let engine = Arc::new(SqliteEngine::open(Config::read(&OpenOptions::new(":memory:")).unwrap()).unwrap());
        engine.migrate(&call()).unwrap();
        let store = MemoryStore::new(Arc::clone(&engine) as Arc<dyn Engine>).with_clock(Fixed);
        let mut corpus =
            Self { engine, store, namespace: Namespace::new("a").unwrap(), random: fastrand::Rng::with_seed(seed) };
        corpus.with(|corpus, connection| {
            connection.batch("BEGIN").unwrap();
            for number in 0..memories {
                corpus.insert(connection, number);
            }
            connection.batch("COMMIT").unwrap();
            match level {
                Level::All => make_level(connection, "1"),
                Level::Half => make_level(connection, "rid % 2"),
                Level::None => {}
            }
        });
        corpus
    }

    pub(crate) fn with<T>(&mut self, body: impl FnOnce(&mut Self, &mut Connection) -> T) -> T {
        let engine = Arc::clone(&self.engine);
        engine.with(&call(), Limit::Unlimited, |connection| Ok(body(self, connection))).unwrap()
    }

    fn insert(&mut self, connection: &mut Connection, number: usize) {
        let random = &mut self.random;
        let namespace = if random.u8(..8) == 0 { "b" } else { "a" };
        let mut sql =
            Sql::new("INSERT INTO polymnia_memories (namespace, id, user_id, thread_id, tier, content, metadata,");
        let id = random.u128(..).to_be_bytes();
        let user = ["u", "v", "w"][random.usize(..3)];
        let metadata = if number == 0 { "{}".to_owned() } else { object(random, 0) };
        let metadata = Json::parse(&metadata).unwrap();
        // Many share a millisecond, and a microsecond; some lie before 1970.
        let created = random.i64(-20..20) * 500 + random.i64(0..2);
        let expires = if random.u8(..10) == 0 { Value::Integer(random.i64(NOW - 1..NOW + 2)) } else { Value::Null };
        sql.push(" importance, revision, created_at, updated_at, expires_at) VALUES (")
            .bind(Value::Text(namespace))
            .push(", ")
            .bind(Value::Blob(&id))
            .push(", ")
            .bind(if random.bool() { Value::Text(user) } else { Value::Null })
            .push(", ")
            .bind(if random.bool() { Value::Text("t") } else { Value::Null })
            .push(", ")
            .bind(Value::Text(["x", "y", "z"][random.usize(..3)]))
            .push(", 'c', ")
            .bind(Value::Text(metadata.as_str()))
            .push(", ")
            .bind(Value::Real(f64::from(random.u8(..8)) / 7.0))
            .push(", 3, ")
            .bind(Value::Integer(created))
            .push(", ")
            .bind(Value::Integer(random.i64(0..50)))
            .push(", ")
            .bind(expires)
            .push(")");
        connection.execute(sql).unwrap();
    }

    /// Returns what is selected, in order, found without any filter.
    pub(crate) fn naive(&self, selection: &Selection, order: Order) -> Vec<Memory> {
        let all = Query::new(Selection::default()).with_limit(Query::MAX_LIMIT).unwrap();
        let mut memories = self.store.query(&self.namespace, &all).unwrap().memories;
        memories.retain(|memory| selection.matches(memory, Timestamp::from_micros(NOW).unwrap()));
        memories.sort_by(|left, right| order.compare(left, right));
        memories
    }

    /// Compares pages, counts and rows with the naive answer, and returns how the first page was found.
    pub(crate) fn check(&mut self, selection: &Selection, order: Order) -> Access {
        let expected = self.naive(selection, order);
        let shown = || format!("{order:?} {selection:?}");
        assert_eq!(self.store.count(&self.namespace, selection).unwrap(), expected.len() as u64, "{}", shown());
        let mut rids = self.with(|corpus, connection| {
            let now = Timestamp::from_micros(NOW).unwrap();
            matching(connection, now, &corpus.namespace, selection).unwrap()
        });
        rids.sort_unstable();
        rids.dedup();
        assert_eq!(rids.len(), expected.len(), "{}", shown());
        let limit = [1, 3, 10, 1_000][self.random.usize(..4)];
        let mut query = Query::new(selection.clone()).with_order(order).with_limit(limit).unwrap();
        let explanation = self.store.explain(&self.namespace, &query).unwrap();
        assert!(explanation.rows <= expected.len() as u64);
        assert!(explanation.candidates >= explanation.rows, "{explanation:?}");
        let mut found = Vec::new();
        loop {
            let page = self.store.query(&self.namespace, &query).unwrap();
            assert!(page.memories.len() <= limit as usize);
            assert_eq!(page.next.is_some(), found.len() + page.memories.len() < expected.len(), "{}", shown());
            found.extend(page.memories);
            match page.next {
                Some(next) => query = query.with_cursor(next),
                None => break,
            }
        }
        let ids = |memories: &[Memory]| memories.iter().map(|memory| memory.id).collect::<Vec<_>>();
        assert_eq!(ids(&found), ids(&expected), "{}\n{explanation:?}", shown());
        assert_eq!(found, expected);
        explanation.access
    }
}

/// Writes what is derived from rows, as plainly as can be.
pub(crate) fn make_level(connection: &mut Connection, which: &'static str) {
    let mut sql = Sql::new("SELECT json_array(rid, namespace, metadata, created_at) FROM polymnia_memories WHERE ");
    sql.push(which);
    let rows: Vec<OneText> = connection.all(sql).unwrap();
    connection.batch("BEGIN").unwrap();
    for row in rows {
        let (rid, namespace, metadata, created): (i64, String, String, i64) = serde_json::from_str(&row.0).unwrap();
        let terms = hasher::terms(connection, &Namespace::new(namespace).unwrap()).unwrap().unwrap();
        let mut document = DocumentTerms::default();
        assert!(terms.read(metadata.as_bytes(), &mut document));
        let created = created.div_euclid(1000);
        let shape = document.shape;
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is the term")]
        let of_shape = shape as i32;
        for term in document.leaves.iter().chain([&of_shape]) {
            connection
                .batch(&format!("INSERT OR IGNORE INTO polymnia_postings VALUES ({term}, {created}, {rid})"))
                .unwrap();
        }
        for path in &document.paths {
            connection.batch(&format!("INSERT OR IGNORE INTO polymnia_shapes VALUES ({path}, {shape})")).unwrap();
        }
        connection
            .batch(&format!("UPDATE polymnia_memories SET indexed_revision = revision WHERE rid = {rid}"))
            .unwrap();
    }
    connection.batch("COMMIT").unwrap();
}

#[derive(Debug)]
struct Fixed;

impl polymnia::Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(NOW).unwrap()
    }
}

pub(crate) fn call() -> Call {
    Call { cancel: Some(CancelToken::new()), ..Call::at(Timestamp::from_micros(NOW).unwrap()) }
}

fn scalar(random: &mut fastrand::Rng) -> String {
    ["0", "1", "1.0", "-2", "2.5", "1e2", "\"\"", "\"a\"", "\"ab\"", "\"b\"", "true", "false", "null"]
        [random.usize(..13)]
    .to_owned()
}

fn value(random: &mut fastrand::Rng, depth: usize) -> String {
    match random.u8(..8) {
        0 if depth < 3 => object(random, depth + 1),
        1 if depth < 3 => array(random, depth + 1),
        _ => scalar(random),
    }
}

fn array(random: &mut fastrand::Rng, depth: usize) -> String {
    let elements: Vec<String> = (0..random.usize(..4)).map(|_| value(random, depth)).collect();
    format!("[{}]", elements.join(","))
}

fn object(random: &mut fastrand::Rng, depth: usize) -> String {
    let members: Vec<String> = (0..random.usize(..4))
        .map(|_| format!("{}:{}", ["\"a\"", "\"b\"", "\"c\""][random.usize(..3)], value(random, depth)))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

fn relation(random: &mut fastrand::Rng) -> Relation {
    [Relation::Less, Relation::LessOrEqual, Relation::Greater, Relation::GreaterOrEqual][random.usize(..4)]
}

fn filter(random: &mut fastrand::Rng, depth: usize) -> Filter {
    let several = |random: &mut fastrand::Rng| (0..random.usize(..4)).map(|_| filter(random, depth + 1)).collect();
    match random.u8(..10) {
        0 if depth < 3 => Filter::And(several(random)),
        1 if depth < 3 => Filter::Or(several(random)),
        2 if depth < 3 => filter(random, depth + 1).not(),
        3 | 4 => Filter::Contains(json(&object(random, 0))),
        5 => field(random),
        _ => metadata(random),
    }
}

fn metadata(random: &mut fastrand::Rng) -> Filter {
    let steps = (0..random.usize(1..3)).map(|number| match random.u8(..6) {
        0 if number > 0 => Step::Index(random.u32(..2)),
        _ => Step::from(["a", "b", "c"][random.usize(..3)]),
    });
    let path = Path::new(steps.collect::<Vec<_>>()).unwrap();
    let values = |random: &mut fastrand::Rng| (0..random.usize(..3)).map(|_| json(&value(random, 1))).collect();
    let test = match random.u8(..8) {
        0 => Test::Exists,
        1 | 2 => Test::Eq(json(&value(random, 1))),
        3 => Test::In(values(random)),
        4 => {
            let bound = ["0", "1", "2.5", "\"a\"", "\"b\""][random.usize(..5)];
            Test::Compare(relation(random), Bound::new(json(bound)).unwrap())
        }
        5 => Test::Prefix(Prefix::new(["", "a", "ab", "b"][random.usize(..4)]).unwrap()),
        6 => Test::Any(values(random)),
        _ if random.bool() => Test::All(values(random)),
        _ => Test::Size(SizeTest::Compare(relation(random), random.u32(..3))),
    };
    Filter::Metadata { path, test }
}

fn field(random: &mut fastrand::Rng) -> Filter {
    fn is<T>(random: &mut fastrand::Rng, mut one: impl FnMut(&mut fastrand::Rng) -> T) -> Is<T> {
        match random.u8(..6) {
            0 => Is::Present,
            1 | 2 => Is::Eq(one(random)),
            3 => Is::In((0..random.usize(..4)).map(|_| one(random)).collect()),
            _ => Is::Compare(relation(random), one(random)),
        }
    }
    let text = |random: &mut fastrand::Rng| ["u", "v", "x", "t", ""][random.usize(..5)].to_owned();
    let time = |random: &mut fastrand::Rng| Timestamp::from_micros(random.i64(-3000..3000) / 2).unwrap();
    let now = |random: &mut fastrand::Rng| Timestamp::from_micros(NOW + random.i64(-1..3)).unwrap();
    let real = |random: &mut fastrand::Rng| Real::new(f64::from(random.u8(..8)) / 7.0).unwrap();
    let own = [TextField::User, TextField::Agent, TextField::Thread, TextField::Tier][random.usize(..4)];
    Filter::Field(match random.u8(..6) {
        0 | 1 => FieldTest::Text(own, is(random, text)),
        2 => FieldTest::Prefix(own, Prefix::new(["", "u", "uu"][random.usize(..3)]).unwrap()),
        3 => FieldTest::Importance(is(random, real)),
        4 => FieldTest::Time([TimeField::Created, TimeField::Updated][random.usize(..2)], is(random, time)),
        _ => FieldTest::Time(TimeField::Expires, is(random, now)),
    })
}

fn selection(random: &mut fastrand::Rng) -> Selection {
    let filter = if random.u8(..8) == 0 { Filter::All } else { filter(random, 0) };
    let mut selection = Selection::default().with_filter(filter);
    if random.u8(..4) == 0 {
        selection = selection.with_user("u".parse().unwrap());
    }
    if random.u8(..6) == 0 {
        selection = selection.with_thread("t".parse().unwrap());
    }
    if random.u8(..6) == 0 {
        selection = selection.with_tier("x".parse().unwrap());
    }
    if random.u8(..6) == 0 {
        let from = Timestamp::from_micros(random.i64(-4000..4000)).unwrap();
        selection = selection.with_created(TimeRange { from: Some(from), until: None });
    }
    if random.u8(..6) == 0 {
        let until = Timestamp::from_micros(random.i64(-4000..4000)).unwrap();
        selection.created.until = Some(until);
    }
    selection
}

fn random_selections_agree(level: Level) {
    let mut found = std::collections::HashMap::<&str, u32>::new();
    for seed in 0..6 {
        let mut corpus = Corpus::new(seed, 200, level);
        for _ in 0..250 {
            let selection = selection(&mut corpus.random);
            let order = Order::ALL[corpus.random.usize(..6)];
            *found.entry(corpus.check(&selection, order).as_str()).or_default() += 1;
        }
    }
    for access in ["metadata_index", "field_index", "order_walk", "nothing"] {
        assert!(found.get(access).is_some_and(|count| *count > 10), "{access}: {found:?}");
    }
}

/// SQLite finds out by itself that nothing can be selected, and that must not trouble the statements that name an index.
#[test]
fn answers_agree_where_fields_rule_everything_out() {
    let mut corpus = Corpus::new(7, 100, Level::Half);
    let leaf = || Filter::Contains(json("{\"a\": 1}"));
    let nothing = [
        Filter::Or(Vec::new()),
        Filter::Field(FieldTest::Importance(Is::In(Vec::new()))),
        Filter::Field(FieldTest::Text(TextField::User, Is::In(Vec::new()))),
        Filter::Field(FieldTest::Time(TimeField::Created, Is::In(Vec::new()))),
        Filter::Or(vec![Filter::Field(FieldTest::Importance(Is::Present)), Filter::All]).not(),
    ];
    for nothing in nothing {
        for filter in
            [leaf().and(nothing.clone()), leaf().or(nothing.clone()), nothing.clone().not().and(leaf()), nothing]
        {
            for selection in [Selection::default(), Selection::default().with_user("u".parse().unwrap())] {
                for order in Order::ALL {
                    corpus.check(&selection.clone().with_filter(filter.clone()), order);
                }
            }
        }
    }
}

/// Ranges and prefixes at two paths, on which indexes are declared.
#[test]
fn answers_agree_with_declared_indexes() {
    let mut by_index = 0;
    for (seed, level) in [(1, Level::All), (2, Level::Half)] {
        let mut corpus = Corpus::new(seed, 300, level);
        for (path, kind) in
            [("a", IndexKind::Number), ("a", IndexKind::Text), ("b", IndexKind::Number), ("b", IndexKind::Text)]
        {
            let declaration = IndexDeclaration::new(path.parse().unwrap(), kind).unwrap();
            corpus.engine.admin().create_index(&call(), &declaration).unwrap();
        }
        for _ in 0..200 {
            let random = &mut corpus.random;
            let ranges = (0..random.usize(1..4)).map(|_| range(random));
            let mut all: Vec<Filter> = ranges.collect();
            if random.bool() {
                all.push(filter(random, 2));
            }
            let order = Order::ALL[random.usize(..6)];
            let access = corpus.check(&Selection::default().with_filter(Filter::And(all)), order);
            by_index += u32::from(access == Access::DeclaredIndex);
        }
    }
    assert!(by_index > 100, "{by_index}");
}

fn range(random: &mut fastrand::Rng) -> Filter {
    let path = ["a", "b"][random.usize(..2)].parse().unwrap();
    let bounds = ["-2", "0", "1", "1.5", "2.5", "100", "\"\"", "\"a\"", "\"ab\"", "\"b\""];
    let test = match random.u8(..4) {
        0 => Test::Prefix(Prefix::new(["", "a", "ab", "b"][random.usize(..4)]).unwrap()),
        _ => Test::Compare(relation(random), Bound::new(json(bounds[random.usize(..10)])).unwrap()),
    };
    Filter::Metadata { path, test }
}

/// Other programs write, the trigger makes the row not level, and what is left behind must not be believed.
#[test]
fn answers_agree_after_foreign_writes() {
    let mut corpus = Corpus::new(5, 200, Level::All);
    for foreign in [
        "UPDATE polymnia_memories SET metadata = '{\"a\": 1}' WHERE rid % 5 = 0",
        "UPDATE polymnia_memories SET created_at = created_at + 1234567 WHERE rid % 7 = 0",
        "UPDATE polymnia_memories SET namespace = 'b' WHERE rid % 11 = 0",
        "DELETE FROM polymnia_memories WHERE rid % 13 = 0",
    ] {
        corpus.with(|_, connection| connection.batch(foreign).unwrap());
        for round in 0..2 {
            for _ in 0..40 {
                let selection = selection(&mut corpus.random);
                let order = Order::ALL[corpus.random.usize(..6)];
                corpus.check(&selection, order);
            }
            if round == 0 {
                // The terms of old are still there.
                corpus.with(|_, connection| make_level(connection, "indexed_revision <> revision"));
            }
        }
    }
}

#[test]
fn answers_agree_where_all_rows_are_level() {
    random_selections_agree(Level::All);
}

#[test]
fn answers_agree_where_half_of_the_rows_are_level() {
    random_selections_agree(Level::Half);
}

#[test]
fn answers_agree_where_no_row_is_level() {
    random_selections_agree(Level::None);
}
