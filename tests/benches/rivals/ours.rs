//! Our side: the same calls through a [`MemoryStore`].

use std::time::{Duration, Instant};

use polymnia::spi::Dialect;
use polymnia::{
    Expect, Memory, MemoryStore, Mutation, Namespace, OnConflict, OpenOptions, Patch, PoolOptions, Query, Registry,
    Selection, Tier, Timestamp, Upkeep,
};
use polymnia_postgres::Postgres;
use polymnia_sqlite::Sqlite;
use serde_json::{Map, Value};

use crate::plan::{Call, LIMIT, Step};
use crate::{data, sample};

/// How many memories a sweep removes at most.
const SWEEP: u32 = 10_000;

/// Is our store on one database, on one connection.
pub(crate) struct Ours {
    store: MemoryStore,
    namespace: Namespace,
}

/// Is what a call gives, as it is on the clock.
enum Output {
    /// Each with its metadata parsed, as a rival's answer holds it.
    Memories(Vec<(Memory, Value)>),
    Counts(Vec<(Tier, u64)>),
    Names(Vec<Namespace>),
    Count(u64),
    Written,
}

/// Is a call with its arguments made.
type Prepared<'a> = Box<dyn FnOnce() -> polymnia::Result<Output> + 'a>;

impl Ours {
    pub(crate) fn sqlite(file: &str) -> Self {
        Self::open(Sqlite, format!("sqlite://{file}"))
    }

    pub(crate) fn postgres(url: &str) -> Self {
        Self::open(Postgres, url.to_owned())
    }

    fn open(dialect: impl Dialect, url: String) -> Self {
        let options = OpenOptions::new(url).with_pool(PoolOptions::single());
        let store = Registry::new().with(dialect).open_with(&options).expect("the database opens");
        store.migrate().expect("an empty database migrates");
        Self { store, namespace: data::namespace() }
    }

    /// Returns the version and how durably it writes.
    pub(crate) fn about(&self) -> String {
        let info = self.store.admin().info().expect("a database tells of itself");
        let details: Vec<String> = info.details.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        format!(
            "polymnia {}, {} {}, {}",
            env!("CARGO_PKG_VERSION"),
            info.dialect,
            info.server_version,
            details.join(", ")
        )
    }

    /// Stores memories in an empty database and returns how long it took.
    pub(crate) fn load(&self, numbers: &[usize]) -> Duration {
        let batch: Vec<Mutation> = numbers.iter().map(|number| restore(data::memory(*number))).collect();
        let started = Instant::now();
        self.store.load(&self.namespace, &batch).expect("the sample loads");
        started.elapsed()
    }

    /// Finishes a load and returns how long it took.
    pub(crate) fn settle(&self) -> Duration {
        let started = Instant::now();
        self.store.admin().optimize(Upkeep::Full).expect("a loaded database can be optimised");
        started.elapsed()
    }

    /// Runs steps and returns the time and the answer of each.
    pub(crate) fn run(&self, steps: &[Step]) -> Vec<(Duration, Value)> {
        let untimed = |call: &Option<Call>| {
            if let Some(call) = call {
                self.prepare(call)().expect("the call succeeds");
            }
        };
        steps
            .iter()
            .map(|Step { before, call, after }| {
                untimed(before);
                let timed = self.prepare(call);
                let started = Instant::now();
                let output = timed();
                let taken = started.elapsed();
                untimed(after);
                (taken, output.expect("the call succeeds").answer())
            })
            .collect()
    }

    fn prepare<'a>(&'a self, call: &Call) -> Prepared<'a> {
        let (store, namespace) = (&self.store, &self.namespace);
        match call {
            Call::Get(numbers) => {
                let ids: Vec<_> = numbers.iter().map(|number| data::id(*number)).collect();
                if let [id] = ids[..] {
                    return Box::new(move || Ok(Output::read(store.get(namespace, id)?)));
                }
                Box::new(move || Ok(Output::read(store.get_many(namespace, &ids)?.into_iter().flatten())))
            }
            Call::Search(search) => {
                let query = Query::new(search.selection()).with_limit(LIMIT).expect("in range");
                Box::new(move || Ok(Output::read(store.query(namespace, &query)?.memories)))
            }
            Call::CountTiers => {
                let tiers = [Tier::short_term(), Tier::mid_term(), Tier::long_term()];
                let selections = tiers.map(|tier| (tier.clone(), Selection::default().with_tier(tier)));
                Box::new(move || {
                    let count = |(tier, selection)| Ok((tier, store.count(namespace, &selection)?));
                    selections.into_iter().map(count).collect::<polymnia::Result<_>>().map(Output::Counts)
                })
            }
            Call::Namespaces => Box::new(move || {
                let listed = store.admin().namespaces(None, 100)?;
                Ok(Output::Names(listed.into_iter().map(|summary| summary.namespace).collect()))
            }),
            Call::Put(numbers) => self.written(numbers.iter().map(|number| data::put(*number)).collect()),
            Call::PutExpired(numbers) => {
                let expired = Timestamp::from_micros(1_700_000_000_000_001).expect("in range");
                let memory = |number: &usize| Memory { expires_at: Some(expired), ..data::memory(*number) };
                self.written(numbers.iter().map(|number| restore(memory(number))).collect())
            }
            Call::SetMetadata { number, of } => {
                let patch = Patch { metadata: Some(data::memory(*of).metadata), ..Patch::default() };
                self.written(vec![Mutation::Update { id: data::id(*number), patch, expect: Expect::Any }])
            }
            Call::SetTier { numbers, tier } => {
                let tier: Tier = tier.parse().expect("a valid name");
                let update = |number: &usize| Mutation::Update {
                    id: data::id(*number),
                    patch: Patch { tier: Some(tier.clone()), ..Patch::default() },
                    expect: Expect::Any,
                };
                self.written(numbers.iter().map(update).collect())
            }
            Call::Delete(numbers) => {
                let delete = |number: &usize| Mutation::Delete { id: data::id(*number), expect: Expect::Any };
                self.written(numbers.iter().map(delete).collect())
            }
            Call::Sweep => Box::new(move || store.admin().sweep(SWEEP).map(Output::Count)),
        }
    }

    fn written(&self, batch: Vec<Mutation>) -> Prepared<'_> {
        let (store, namespace) = (&self.store, &self.namespace);
        Box::new(move || {
            let report = store.apply(namespace, &batch)?;
            assert_eq!(report.outcomes.len(), batch.len());
            Ok(Output::Written)
        })
    }
}

impl Output {
    fn read(memories: impl IntoIterator<Item = Memory>) -> Self {
        let parsed = |memory: Memory| {
            let metadata = memory.metadata.as_json().deserialize().expect("metadata is JSON without huge numbers");
            (memory, metadata)
        };
        Self::Memories(memories.into_iter().map(parsed).collect())
    }

    fn answer(self) -> Value {
        match self {
            Self::Memories(memories) => {
                assert!(memories.iter().all(|(_, metadata)| metadata.is_object()), "metadata is an object");
                memories.iter().map(|(memory, _)| sample::number_of(memory.content.as_str())).collect()
            }
            Self::Counts(counts) => {
                let held = counts.into_iter().filter(|(_, count)| *count > 0);
                Value::Object(held.map(|(tier, count)| (tier.as_str().to_owned(), count.into())).collect::<Map<_, _>>())
            }
            Self::Names(names) => names.iter().map(Namespace::as_str).collect(),
            Self::Count(count) => count.into(),
            Self::Written => Value::Null,
        }
    }
}

fn restore(memory: Memory) -> Mutation {
    Mutation::Restore { memory, on_conflict: OnConflict::Fail }
}
