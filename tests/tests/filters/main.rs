//! Random pairs of documents and filters, judged seven ways that must agree: by `Filter::matches`, by `FilterMatcher`, by
//! SQLite through its index, natively and by the plugin, by SQLite looking at every row, by PostgreSQL through our dialect,
//! and by SQL written for nothing else.
//!
//! `POLYMNIA_FILTER_PAIRS` says how many pairs, `POLYMNIA_TEST_SEED` which.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "figures of a run")]

mod judge;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use judge::Judge;
use polymnia::filter::FilterMatcher;
use polymnia::{
    Filter, IndexDeclaration, IndexKind, Memory, MemoryId, MemoryStore, Metadata, Mutation, Namespace, OnConflict,
    Order, Query, Selection, Timestamp,
};
use polymnia_conformance::generate::{self, Rng, Seed, json, percent, pick, times};
use polymnia_conformance::{Fixture, Subject};
use polymnia_tests::databases::{Postgres, SqliteFile, SqliteFilePlugin};

/// How many documents meet how many filters in one round.
const DOCUMENTS: u32 = 500;
const FILTERS: u32 = 40;
/// Takes some seconds in a debug build.
const PAIRS: u64 = 40_000;

#[test]
fn every_way_selects_the_same() {
    let seed = Seed::new("every_way_selects_the_same");
    let mut rng = seed.rng();
    let level = Subject::fresh::<SqliteFile>().store_of("SQLite through its index");
    let scanned_file = SqliteFile::fresh();
    let scanned = Way::new("SQLite looking at every row", migrated(&scanned_file));
    let postgres = Subject::fresh::<Postgres>().store_of("PostgreSQL");
    let plugin = Subject::fresh::<SqliteFilePlugin>().store_of("SQLite through its index, by the plugin");
    let mut judge = Judge::new();
    let pairs = times("POLYMNIA_FILTER_PAIRS", PAIRS);
    let rounds = pairs.div_ceil(u64::from(DOCUMENTS * FILTERS));
    let mut tally = Tally::default();
    for round in 0..rounds {
        let namespace = Namespace::new(format!("round {round}")).unwrap();
        let trees: Vec<json::Tree> = (0..DOCUMENTS).map(|_| json::object(&mut rng)).collect();
        let texts: Vec<String> = trees.iter().map(|tree| json::spell(tree, &mut rng)).collect();
        let memories = memories(&texts, &mut rng);
        for way in [&level, &scanned, &postgres, &plugin] {
            way.fill(&namespace, &memories, &mut rng);
        }
        unlevel(&scanned_file);
        assert_eq!(scanned.store.admin().verify().unwrap().pending, (round + 1) * u64::from(DOCUMENTS));
        assert_eq!(level.store.admin().verify().unwrap().pending, 0);
        if round % 2 == 1 {
            for way in [&level, &postgres, &plugin] {
                way.declare(&trees, &mut rng);
            }
        }
        judge.fill(&texts);
        let filters: Vec<Filter> = (0..FILTERS).map(|_| generate::metadata_filter(&mut rng, &trees)).collect();
        for filter in &filters {
            let expected: Vec<u32> = places(&memories, |memory| filter.matches(memory));
            let shown = || format!("round {round}: {}", filter.to_json());
            tally.note(expected.len());
            let matcher = FilterMatcher::new(filter).unwrap();
            let by_matcher = places(&memories, |memory| matcher.matches(memory.metadata.as_str().as_bytes()));
            agree("FilterMatcher", &by_matcher, &expected, &texts, &shown);
            agree("SQL of its own", &judge.ask(filter), &expected, &texts, &shown);
            for way in [&level, &scanned, &postgres, &plugin] {
                agree(way.name, &way.all(&namespace, filter), &expected, &texts, &shown);
                let (page, of) = way.page(&namespace, filter, &memories, &expected, &mut rng);
                assert_eq!(page, of, "{}, a page: {}", way.name, shown());
            }
        }
        for way in [&level, &postgres, &plugin] {
            way.drop_declared();
        }
    }
    println!("{} pairs in {rounds} rounds; {tally:?}", rounds * u64::from(DOCUMENTS * FILTERS));
    tally.check();
}

/// Is one of the engines.
struct Way {
    name: &'static str,
    store: MemoryStore,
    // After the store, which must close first.
    _subject: Option<Subject>,
}

trait StoreOf {
    fn store_of(self, name: &'static str) -> Way;
}

impl StoreOf for Subject {
    fn store_of(self, name: &'static str) -> Way {
        let store = self.store();
        Way { name, store, _subject: Some(self) }
    }
}

impl Way {
    fn new(name: &'static str, store: MemoryStore) -> Self {
        Self { name, store, _subject: None }
    }

    /// Stores the memories, some of them over others, so that what was derived of these must go.
    fn fill(&self, namespace: &Namespace, memories: &[Memory], rng: &mut Rng) {
        let before: Vec<Memory> = memories
            .iter()
            .filter(|_| percent(rng, 30))
            .map(|memory| Memory { metadata: memories[0].metadata.clone(), ..memory.clone() })
            .collect();
        for memories in [&before[..], memories] {
            let replace =
                |memory: &Memory| Mutation::Restore { memory: memory.clone(), on_conflict: OnConflict::Replace };
            self.store.apply(namespace, &memories.iter().map(replace).collect::<Vec<_>>()).unwrap();
        }
    }

    /// Declares indexes on paths that filters will ask about.
    fn declare(&self, trees: &[json::Tree], rng: &mut Rng) {
        let mut declared = 0;
        for number in 0..200 {
            let filter = generate::metadata_filter(rng, trees);
            let Filter::Metadata { path, .. } = filter else { continue };
            let kind = pick(rng, &[IndexKind::Number, IndexKind::Text]);
            let name = format!("declared_{number}").parse().unwrap();
            // Two names for one path are refused.
            declared += u32::from(self.store.admin().create_index(&IndexDeclaration { name, path, kind }).is_ok());
            if declared == 8 {
                break;
            }
        }
        assert!(declared > 0, "{}", self.name);
    }

    fn drop_declared(&self) {
        for status in self.store.admin().indexes().unwrap() {
            assert!(self.store.admin().drop_index(&status.declaration.name).unwrap());
        }
    }

    fn all(&self, namespace: &Namespace, filter: &Filter) -> Vec<u32> {
        let query = Query::new(Selection::default().with_filter(filter.clone())).with_limit(Query::MAX_LIMIT).unwrap();
        let page = self.store.query(namespace, &query).unwrap();
        assert!(page.next.is_none());
        let count = self.store.count(namespace, &query.selection).unwrap();
        assert_eq!(count, page.memories.len() as u64, "{} counts otherwise: {}", self.name, filter.to_json());
        let mut found: Vec<u32> = page.memories.iter().map(place).collect();
        found.sort_unstable();
        found
    }

    /// Returns a page in some order, and what it should be.
    fn page(
        &self,
        namespace: &Namespace,
        filter: &Filter,
        memories: &[Memory],
        expected: &[u32],
        rng: &mut Rng,
    ) -> (Vec<u32>, Vec<u32>) {
        let order = pick(rng, &[Order::CREATED_DESC, Order::CREATED_DESC, Order::CREATED_ASC, Order::UPDATED_DESC]);
        let limit = pick(rng, &[1, 10, 50]);
        let query = Query::new(Selection::default().with_filter(filter.clone())).with_order(order);
        let page = self.store.query(namespace, &query.with_limit(limit).unwrap()).unwrap();
        let mut of: Vec<&Memory> = expected.iter().map(|place| &memories[*place as usize]).collect();
        of.sort_by(|left, right| order.compare(left, right));
        of.truncate(limit as usize);
        (page.memories.iter().map(place).collect(), of.into_iter().map(place).collect())
    }
}

/// Counts what was found, for a run in which nothing is ever found proves nothing.
#[derive(Debug, Default)]
struct Tally {
    filters: u64,
    none: u64,
    every: u64,
    selected: u64,
}

impl Tally {
    fn note(&mut self, selected: usize) {
        self.filters += 1;
        self.none += u64::from(selected == 0);
        self.every += u64::from(selected == DOCUMENTS as usize);
        self.selected += selected as u64;
    }

    fn check(&self) {
        assert!((self.none + self.every) * 6 < self.filters * 5, "{self:?}");
    }
}

/// Fails with the first document that only one of both selects.
#[track_caller]
fn agree(name: &str, found: &[u32], expected: &[u32], texts: &[String], shown: &dyn Fn() -> String) {
    if found == expected {
        return;
    }
    let differs = |place: &u32| found.contains(place) != expected.contains(place);
    let at = (0..DOCUMENTS).find(differs);
    let document = at.map_or("a document twice", |at| &texts[at as usize]);
    let of = expected.contains(&at.unwrap_or(u32::MAX));
    panic!("{name}: {}\nDocument {at:?} should be selected: {of}\n{document}", shown());
}

fn places(memories: &[Memory], selects: impl Fn(&Memory) -> bool) -> Vec<u32> {
    memories.iter().filter(|memory| selects(memory)).map(place).collect()
}

/// Returns where among the documents a memory stands.
fn place(memory: &Memory) -> u32 {
    u32::try_from(u128::from_be_bytes(*memory.id.as_bytes())).unwrap()
}

/// Returns a memory for each text, in the order of the texts by id and in another one by time, several of one time.
fn memories(texts: &[String], rng: &mut Rng) -> Vec<Memory> {
    let now = 1_700_000_000_000_000;
    let memory = |(place, text): (u32, &String)| {
        let at = Timestamp::from_micros(now + rng.i64(-100..100) * pick(rng, &[1, 100, 60_000_000])).unwrap();
        Memory {
            id: MemoryId::from_bytes(u128::from(place).to_be_bytes()),
            user_id: None,
            agent_id: None,
            thread_id: None,
            tier: polymnia::Tier::default(),
            content: polymnia::Content::new("").unwrap(),
            metadata: Metadata::parse(text).unwrap(),
            importance: polymnia::Importance::default(),
            related_threads: polymnia::RelatedThreads::default(),
            revision: polymnia::Revision::FIRST,
            created_at: at,
            updated_at: at,
            expires_at: None,
        }
    };
    (0..).zip(texts).map(memory).collect()
}

fn migrated(fixture: &SqliteFile) -> MemoryStore {
    let store = MemoryStore::new(fixture.open(&fixture.options()).unwrap());
    store.migrate().unwrap();
    store
}

/// Takes from every row that anything is derived from it.
fn unlevel(fixture: &SqliteFile) {
    let path = fixture.folder().join("fresh.db");
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection.batch_execute("PRAGMA busy_timeout = 10000; UPDATE polymnia_memories SET indexed_revision = 0").unwrap();
}
