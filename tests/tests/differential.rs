//! The same random operations on every dialect, natively and through its plugin, and on the oracle: every answer, order,
//! effect, revision and error must be equal.
//!
//! `POLYMNIA_DIFFERENTIAL_ROUNDS` says how many rounds, `POLYMNIA_TEST_SEED` which.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "figures of a run")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use polymnia::{
    ChangeOperation, ChangeRecord, Cursor, Error, Expect, Filter, IndexDeclaration, IndexKind, IndexName, Memory,
    MemoryId, MemoryStore, Mutation, Namespace, NewMemory, Order, Query, RecordLine, Result, Selection, Timestamp,
    Upkeep,
};
use polymnia_conformance::generate::{self, Pool, Rng, Seed, percent, pick};
use polymnia_conformance::{Oracle, Subject};
use polymnia_tests::databases::{
    Postgres, PostgresPlugin, SqliteFile, SqliteFilePlugin, SqliteMemory, SqliteMemoryPlugin,
};

/// Takes some 35 s in a debug build on two cores.
const ROUNDS: u64 = 70;
const OPERATIONS: usize = 60;

#[test]
fn every_dialect_answers_as_the_oracle_does() {
    let seed = Seed::new("every_dialect_answers_as_the_oracle_does");
    let mut rng = seed.rng();
    let engines = [
        Engine::fresh::<Oracle>("oracle"),
        Engine::fresh::<SqliteFile>("sqlite file"),
        Engine::fresh::<SqliteMemory>("sqlite memory"),
        Engine::fresh::<Postgres>("postgres"),
        Engine::fresh::<SqliteFilePlugin>("sqlite file, plugin"),
        Engine::fresh::<SqliteMemoryPlugin>("sqlite memory, plugin"),
        Engine::fresh::<PostgresPlugin>("postgres, plugin"),
    ];
    let mut tally = Tally::default();
    for round in 0..generate::times("POLYMNIA_DIFFERENTIAL_ROUNDS", ROUNDS) {
        let mut world = World::new(&mut rng, round);
        for step in 0..OPERATIONS {
            let operation = if step == 0 { world.fill(&mut rng) } else { world.operation(&mut rng) };
            let answers: Vec<Answer> = engines.iter().map(|engine| world.perform(engine, &operation)).collect();
            for (engine, answer) in engines.iter().zip(&answers).skip(1) {
                let place = format!("round {round}, step {step}, {}: {operation:#?}", engine.name);
                answers[0].compare(answer, &place);
            }
            tally.note(&answers[0]);
            world.learn(&operation, &answers[0]);
        }
        for engine in &engines {
            let report = engine.store.admin().verify().unwrap();
            assert!(report.is_sound(), "after round {round}, {}: {report:#?}", engine.name);
        }
        for namespace in &world.namespaces {
            // What is left goes, or a long run would be about old rounds.
            let walk = Operation::Walk { namespace: namespace.clone(), query: whole() };
            for last in [walk, Operation::DeleteNamespace { namespace: namespace.clone() }] {
                let expected = world.perform(&engines[0], &last);
                for engine in &engines[1..] {
                    let place = format!("at the end of round {round}, {}", engine.name);
                    expected.compare(&world.perform(engine, &last), &place);
                }
            }
        }
    }
    tally.check();
}

struct Engine {
    name: &'static str,
    subject: Subject,
    store: MemoryStore,
    /// The last change that was read.
    followed: Cell<i64>,
}

impl Engine {
    fn fresh<F: polymnia_conformance::Fixture>(name: &'static str) -> Self {
        let subject = Subject::fresh::<F>();
        let store = subject.store();
        Self { name, subject, store, followed: Cell::new(0) }
    }
}

/// Is what one round is about: its namespaces, which no other round knows, its documents, and its time.
struct World {
    namespaces: [Namespace; 3],
    pool: Pool,
    now: Timestamp,
    left_off: Option<(Namespace, Query)>,
}

#[derive(Debug)]
enum Operation {
    Apply {
        namespace: Namespace,
        batch: Vec<Mutation>,
    },
    /// The same, as a bulk load.
    Load {
        namespace: Namespace,
        batch: Vec<Mutation>,
    },
    Get {
        namespace: Namespace,
        ids: Vec<MemoryId>,
    },
    /// A query, page after page.
    Walk {
        namespace: Namespace,
        query: Query,
    },
    /// The page after one that was read earlier, whatever was written since.
    GoOn {
        namespace: Namespace,
        query: Query,
    },
    Explain {
        namespace: Namespace,
        query: Query,
    },
    Count {
        namespace: Namespace,
        selection: Selection,
    },
    DeleteMatching {
        namespace: Namespace,
        selection: Selection,
    },
    Stats {
        namespace: Namespace,
    },
    Namespaces {
        after: Option<Namespace>,
        limit: u32,
    },
    Rename {
        from: Namespace,
        to: Namespace,
    },
    DeleteNamespace {
        namespace: Namespace,
    },
    Sweep,
    Optimize {
        upkeep: Upkeep,
    },
    CreateIndex {
        declaration: IndexDeclaration,
    },
    DropIndex {
        name: IndexName,
    },
    SetCapture {
        on: bool,
    },
    /// What was recorded since the last time.
    Follow,
    SetTime {
        now: Timestamp,
    },
}

impl World {
    fn new(rng: &mut Rng, round: u64) -> Self {
        // Names that are easily taken for one another.
        let namespaces = ["a", "A", "a "].map(|name| Namespace::new(format!("{round:04} {name}")).unwrap());
        let now = Timestamp::from_micros(1_700_000_000_000_000 + rng.i64(-1_000_000_000..1_000_000_000)).unwrap();
        Self { namespaces, pool: Pool::new(rng, 12), now, left_off: None }
    }

    /// Returns a batch that can't fail and leaves something to find.
    fn fill(&self, rng: &mut Rng) -> Operation {
        let put = |rng: &mut Rng| Mutation::Put {
            id: self.pool.id(rng),
            memory: NewMemory { created_at: None, ..self.pool.new_memory(rng, self.now) },
            expect: Expect::Any,
        };
        Operation::Apply { namespace: self.namespaces[0].clone(), batch: (0..40).map(|_| put(rng)).collect() }
    }

    fn operation(&self, rng: &mut Rng) -> Operation {
        let namespace = self.namespace(rng);
        match rng.u32(0..100) {
            0..40 => Operation::Apply { namespace, batch: generate::batch(rng, &self.pool, self.now) },
            40..45 => Operation::Load { namespace, batch: generate::batch(rng, &self.pool, self.now) },
            45..52 => {
                let ids = (0..rng.usize(0..12)).map(|_| self.pool.id(rng)).collect();
                Operation::Get { namespace, ids }
            }
            52 => Operation::Explain { namespace, query: self.query(rng) },
            53..72 => match &self.left_off {
                Some((namespace, query)) if percent(rng, 20) => {
                    Operation::GoOn { namespace: namespace.clone(), query: query.clone() }
                }
                _ => Operation::Walk { namespace, query: self.query(rng) },
            },
            72..79 => Operation::Count { namespace, selection: self.selection(rng) },
            79..82 => match self.selection(rng) {
                selection if selection.is_all() && percent(rng, 80) => Operation::Count { namespace, selection },
                selection => Operation::DeleteMatching { namespace, selection },
            },
            82..85 => Operation::Stats { namespace },
            85..88 => {
                let after = percent(rng, 50).then(|| self.namespace(rng));
                Operation::Namespaces { after, limit: rng.u32(1..5) }
            }
            88..90 => Operation::Rename { from: namespace, to: self.namespace(rng) },
            90 => Operation::DeleteNamespace { namespace },
            91 => Operation::Sweep,
            92 => Operation::SetCapture { on: percent(rng, 70) },
            93 => Operation::Follow,
            94 => Operation::Optimize { upkeep: pick(rng, &[Upkeep::Index, Upkeep::Index, Upkeep::Full]) },
            95 => self.index(rng),
            _ => {
                let step = pick(rng, &[1, 1, 3, 1_000_000, 60_000_000, -2]);
                Operation::SetTime { now: Timestamp::from_micros(self.now.as_micros() + step).unwrap() }
            }
        }
    }

    /// Declares an index on a path that a filter may ask about, or drops one.
    fn index(&self, rng: &mut Rng) -> Operation {
        // Few, so that some are declared twice, or otherwise.
        let name: IndexName = pick(rng, &["one", "two", "three"]).parse().unwrap();
        match generate::metadata_filter(rng, &self.pool.documents) {
            Filter::Metadata { path, .. } => {
                let kind = pick(rng, &[IndexKind::Number, IndexKind::Text]);
                Operation::CreateIndex { declaration: IndexDeclaration { name, path, kind } }
            }
            _ => Operation::DropIndex { name },
        }
    }

    fn namespace(&self, rng: &mut Rng) -> Namespace {
        // Mostly one, so that it fills.
        self.namespaces[usize::try_from(pick(rng, &[0, 0, 0, 0, 1, 2])).unwrap()].clone()
    }

    fn selection(&self, rng: &mut Rng) -> Selection {
        generate::selection(rng, &self.pool, self.now)
    }

    fn query(&self, rng: &mut Rng) -> Query {
        let limit = pick(rng, &[1, 2, 3, 7, 20, 100, 10_000]);
        Query::new(self.selection(rng)).with_order(generate::order(rng)).with_limit(limit).unwrap()
    }

    fn perform(&self, engine: &Engine, operation: &Operation) -> Answer {
        let store = &engine.store;
        engine.subject.clock().set(self.now);
        match operation {
            Operation::Apply { namespace, batch } => {
                Answer::of(store.apply(namespace, batch), |answer, report| answer.debug(&report.outcomes))
            }
            Operation::Load { namespace, batch } => {
                Answer::of(store.load(namespace, batch), |answer, report| answer.debug(&report.outcomes))
            }
            Operation::Explain { namespace, query } => Answer::of(store.explain(namespace, query), |answer, told| {
                assert!(told.candidates >= told.rows, "{}: {query:#?}\n{told:#?}", engine.name);
                answer.debug(&told.rows);
            }),
            Operation::Get { namespace, ids } => Answer::of(store.get_many(namespace, ids), |answer, memories| {
                for memory in memories {
                    match memory {
                        Some(memory) => answer.memory(namespace, &memory),
                        None => answer.debug(&()),
                    }
                }
            }),
            Operation::Walk { namespace, query } => Answer::of(walk(store, namespace, query, 6), |answer, pages| {
                answer.pages(namespace, pages);
                if query.cursor.is_none() {
                    answer.check_against_selection(engine, namespace, query, self.now);
                }
            }),
            Operation::GoOn { namespace, query } => {
                Answer::of(walk(store, namespace, query, 1), |answer, pages| answer.pages(namespace, pages))
            }
            Operation::Count { namespace, selection } => {
                Answer::of(store.count(namespace, selection), |answer, count| answer.debug(&count))
            }
            Operation::DeleteMatching { namespace, selection } => {
                Answer::of(store.delete_matching(namespace, selection), |answer, count| answer.debug(&count))
            }
            Operation::Stats { namespace } => Answer::of(store.stats(namespace), |answer, stats| answer.debug(&stats)),
            Operation::Namespaces { after, limit } => {
                let listed = store.admin().namespaces(after.as_ref(), *limit);
                Answer::of(listed, |answer, summaries| answer.debug(&summaries))
            }
            Operation::Rename { from, to } => {
                Answer::of(store.admin().rename_namespace(from, to), |answer, count| answer.debug(&count))
            }
            Operation::DeleteNamespace { namespace } => {
                Answer::of(store.admin().delete_namespace(namespace), |answer, count| answer.debug(&count))
            }
            Operation::Sweep => Answer::of(store.admin().sweep(10_000), |answer, count| answer.debug(&count)),
            // What it has to do is each engine's own affair.
            Operation::Optimize { upkeep } => Answer::of(store.admin().optimize(*upkeep), |_, _| ()),
            Operation::CreateIndex { declaration } => {
                let mut answer = Answer::of(store.admin().create_index(declaration), |answer, ()| answer.debug(&()));
                // One may add the name of the index, which the words have already.
                if let Some(fault) = &mut answer.fault {
                    *fault = fault.replace(&format!(" (index: {})", declaration.name), "");
                }
                answer
            }
            Operation::DropIndex { name } => {
                Answer::of(store.admin().drop_index(name), |answer, was_there| answer.debug(&was_there))
            }
            Operation::SetCapture { on } => {
                Answer::of(store.admin().set_change_capture(*on), |answer, ()| answer.debug(on))
            }
            Operation::Follow => Answer::of(follow(engine), |answer, transactions| answer.debug(&transactions)),
            Operation::SetTime { .. } => Answer::default(),
        }
    }

    fn learn(&mut self, operation: &Operation, answer: &Answer) {
        match operation {
            Operation::SetTime { now } => self.now = *now,
            Operation::Walk { namespace, query } => {
                if let Some(cursor) = answer.first_cursor {
                    self.left_off = Some((namespace.clone(), query.clone().with_cursor(cursor)));
                }
            }
            _ => {}
        }
    }
}

/// Is what an operation gave, as text, so that all of it is compared.
#[derive(Debug, Default)]
struct Answer {
    text: String,
    found: usize,
    first_cursor: Option<Cursor>,
    /// Kind, retry, operation, message, context and hint: all of it is promised to be the same.
    fault: Option<String>,
}

impl Answer {
    fn of<T>(result: Result<T>, tell: impl FnOnce(&mut Self, T)) -> Self {
        let mut answer = Self::default();
        match result {
            Ok(value) => tell(&mut answer, value),
            Err(error) => answer.fail(&error),
        }
        answer
    }

    fn fail(&mut self, error: &Error) {
        let (kind, retry, operation, hint) = (error.kind(), error.retry(), error.operation(), error.hint());
        self.fault = Some(format!("{error}; {kind:?}, {retry:?}, {operation:?}, {hint:?}"));
    }

    fn debug(&mut self, value: &impl std::fmt::Debug) {
        writeln!(self.text, "{value:?}").unwrap();
    }

    fn memory(&mut self, namespace: &Namespace, memory: &Memory) {
        self.found += 1;
        writeln!(self.text, "{}", serde_json::to_string(&RecordLine::new(namespace, memory)).unwrap()).unwrap();
    }

    fn pages(&mut self, namespace: &Namespace, pages: Vec<polymnia::Page>) {
        self.first_cursor = pages.first().and_then(|page| page.next);
        for page in pages {
            for memory in &page.memories {
                self.memory(namespace, memory);
            }
            self.debug(&page.next);
        }
    }

    /// Compares the first pages with what [`Selection::matches`] and [`Order::compare`] make of all there is.
    fn check_against_selection(&self, engine: &Engine, namespace: &Namespace, query: &Query, now: Timestamp) {
        let mut all: Vec<Memory> = engine.store.iter(namespace, whole()).collect::<Result<_>>().unwrap();
        all.retain(|memory| query.selection.matches(memory, now));
        all.sort_by(|left, right| query.order.compare(left, right));
        let lines = self.text.lines().filter(|line| line.starts_with('{'));
        for (line, memory) in lines.zip(&all) {
            assert_eq!(line, serde_json::to_string(&RecordLine::new(namespace, memory)).unwrap(), "{}", engine.name);
        }
        let most = 6 * query.limit() as usize;
        assert_eq!(self.found, all.len().min(most), "{}: {query:#?}", engine.name);
    }

    #[track_caller]
    fn compare(&self, other: &Self, place: &str) {
        assert_eq!(self.fault, other.fault, "{place}");
        assert!(self.text == other.text, "{place}\nexpected:\n{:.4000}\nanswered:\n{:.4000}", self.text, other.text);
    }
}

/// Counts what happened, for a run in which nothing is ever found proves nothing.
#[derive(Debug, Default)]
struct Tally {
    operations: u32,
    failed: u32,
    found: usize,
}

impl Tally {
    fn note(&mut self, answer: &Answer) {
        self.operations += 1;
        self.failed += u32::from(answer.fault.is_some());
        self.found += answer.found;
    }

    fn check(&self) {
        println!("{self:?}");
        assert!(
            self.operations < 500 || (self.failed * 4 < self.operations && self.failed * 100 > self.operations),
            "{self:?}"
        );
        assert!(self.found * 2 > self.operations as usize, "{self:?}");
    }
}

/// Reads the changes recorded since the last time: for each transaction, what became of each memory. How an engine numbers
/// them is its own affair, and whether it records what a later change of the same transaction undid.
fn follow(engine: &Engine) -> Result<Vec<BTreeMap<(Namespace, MemoryId), ChangeOperation>>> {
    let mut transactions: Vec<(i64, BTreeMap<_, _>)> = Vec::new();
    loop {
        let changes = engine.store.admin().changes(engine.followed.get(), 1_000)?;
        let Some(last) = changes.last() else { break };
        assert!(last.sequence > engine.followed.get(), "{}: a change comes twice", engine.name);
        engine.followed.set(last.sequence);
        for ChangeRecord { transaction, namespace, id, operation, .. } in changes {
            if transactions.last().is_none_or(|(open, _)| *open != transaction) {
                transactions.push((transaction, BTreeMap::new()));
            }
            let (_, open) = transactions.last_mut().expect("one was pushed");
            open.insert((namespace, id), operation);
        }
    }
    Ok(transactions.into_iter().map(|(_, changes)| changes).collect())
}

fn whole() -> Query {
    Query::default().with_order(Order::CREATED_ASC).with_limit(Query::MAX_LIMIT).unwrap()
}

/// Reads up to so many pages.
fn walk(store: &MemoryStore, namespace: &Namespace, query: &Query, most: usize) -> Result<Vec<polymnia::Page>> {
    let mut query = query.clone().with_limit(query.limit())?;
    let mut pages = Vec::new();
    while pages.len() < most {
        let page = store.clone().with_timeout(Duration::from_secs(20)).query(namespace, &query)?;
        let next = page.next;
        pages.push(page);
        match next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    Ok(pages)
}
