//! What is measured: the operations, and the calls that one is made of.

use polymnia::{Filter, Json, Selection};
use serde_json::{Value, json};

use crate::{data, sample};

/// How many memories are asked for.
pub(crate) const LIMIT: u32 = 10;
/// How many memories are in a batch.
const BATCH: usize = 1_000;
/// How many memories are read in a batch: no more than a thread of 10,000 memories has.
const READ_BATCH: usize = 50;
/// How many threads the memories are of, each of one user: a memory and the one after so many are of the same.
const PLACES: usize = 200;
/// Leads from one memory to ask for to the next.
const STRIDE: usize = 7_919;

/// Is something that is measured.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Makes the step of a round among so many memories.
    pub(crate) step: fn(usize, usize) -> Step,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
}

/// Is one call on the clock, with what must be done before and after it.
pub(crate) struct Step {
    pub(crate) before: Option<Call>,
    pub(crate) call: Call,
    pub(crate) after: Option<Call>,
}

/// Is a call of a store.
pub(crate) enum Call {
    Get(Vec<usize>),
    Search(Search),
    CountTiers,
    Namespaces,
    Put(Vec<usize>),
    PutExpired(Vec<usize>),
    /// Gives a memory the metadata of another.
    SetMetadata {
        number: usize,
        of: usize,
    },
    SetTier {
        numbers: Vec<usize>,
        tier: &'static str,
    },
    Delete(Vec<usize>),
    Sweep,
}

/// Asks for the newest [`LIMIT`] memories.
#[derive(Default)]
pub(crate) struct Search {
    pub(crate) user: Option<String>,
    pub(crate) thread: Option<String>,
    /// What must all hold.
    pub(crate) conditions: Vec<Condition>,
}

/// Is a condition on the value at a path of the metadata.
pub(crate) enum Condition {
    Is(Vec<&'static str>, Value),
    /// It is a list that has this element.
    Has(Vec<&'static str>, Value),
    AtLeast(Vec<&'static str>, i64),
}

/// Returns the operations: reads first, for writes leave memories other than they were.
pub(crate) fn operations() -> Vec<Operation> {
    let read = |name, step| Operation { name, kind: Kind::Read, step };
    let write = |name, step| Operation { name, kind: Kind::Write, step };
    vec![
        read("get one", |memories, round| Call::Get(vec![asked(memories, round)]).into()),
        read("get 50 of a thread", |memories, round| {
            let first = asked(memories, round);
            Call::Get((0..READ_BATCH).map(|of| (first + of * PLACES) % memories).collect()).into()
        }),
        read("newest 10", |_, _| Search::default().into()),
        read("newest 10 of a user", |memories, round| Search::of_user(asked(memories, round)).into()),
        read("newest 10 of a user and thread", |memories, round| {
            let (user, thread) = data::place(asked(memories, round));
            Search { user: Some(user), thread: Some(thread), conditions: Vec::new() }.into()
        }),
        read("filter: all have it", |_, _| Search::default().with(is("lang", "en")).into()),
        read("filter: 1 in 40", |memories, round| {
            Search::default().with(is("turn", asked(memories, round) % 40)).into()
        }),
        read("filter: 1 in 10,000", |memories, round| Search::default().with(customer(asked(memories, round))).into()),
        read("filter: none has it", |_, round| {
            Search::default().with(is("customer", format!("nobody-{round}"))).into()
        }),
        read("filter: two conditions", |memories, round| {
            let number = asked(memories, round);
            Search::default().with(topic(number)).with(is("turn", number % 40)).into()
        }),
        read("filter: of a user, 1 in 6", |memories, round| {
            let number = asked(memories, round);
            Search::of_user(number).with(topic(number)).into()
        }),
        read("filter: of a user, 1 in 10,000", |memories, round| {
            let number = asked(memories, round);
            Search::of_user(number).with(customer(number)).into()
        }),
        read("filter: of a user, none has it", |memories, round| {
            Search::of_user(asked(memories, round)).with(is("customer", format!("nobody-{round}"))).into()
        }),
        read("filter: below a key, 1 in 1,000", |memories, round| {
            let build = (asked(memories, round) % 1_000).to_string();
            Search::default().with(Condition::Is(vec!["source", "build"], build.into())).into()
        }),
        read("filter: list has element, 1 in 50", |memories, round| {
            let tag = format!("t{}", asked(memories, round) % 50);
            Search::default().with(Condition::Has(vec!["tags"], tag.into())).into()
        }),
        read("filter: range, 1 in 100", |_, _| Search::default().with(Condition::AtLeast(vec!["score"], 99)).into()),
        read("count by tier", |_, _| Call::CountTiers.into()),
        read("list namespaces", |_, _| Call::Namespaces.into()),
        write("put one", |memories, round| put_and_remove(vec![memories + round])),
        write("put 1,000", |memories, round| put_and_remove(fresh(memories, round))),
        write("change the metadata of one", |memories, round| {
            let number = asked(memories, round);
            Call::SetMetadata { number, of: number + 1 + round }.into()
        }),
        write("move 1,000 to another tier", |memories, round| {
            let start = round * BATCH;
            let tier = ["mid_term", "long_term"][start / memories % 2];
            Call::SetTier { numbers: (start..start + BATCH).map(|of| of % memories).collect(), tier }.into()
        }),
        write("delete one", |memories, round| put_before_delete(vec![memories + round])),
        write("delete 1,000", |memories, round| put_before_delete(fresh(memories, round))),
        write("sweep 1,000 expired", |memories, round| Step {
            before: Some(Call::PutExpired(fresh(memories, round))),
            call: Call::Sweep,
            after: None,
        }),
    ]
}

fn asked(memories: usize, round: usize) -> usize {
    round.wrapping_mul(STRIDE) % memories
}

/// Returns numbers of memories that are not stored.
fn fresh(memories: usize, round: usize) -> Vec<usize> {
    let start = memories + round * BATCH;
    (start..start + BATCH).collect()
}

fn put_and_remove(numbers: Vec<usize>) -> Step {
    Step { before: None, call: Call::Put(numbers.clone()), after: Some(Call::Delete(numbers)) }
}

fn put_before_delete(numbers: Vec<usize>) -> Step {
    Step { before: Some(Call::Put(numbers.clone())), call: Call::Delete(numbers), after: None }
}

fn is(key: &'static str, value: impl Into<Value>) -> Condition {
    Condition::Is(vec![key], value.into())
}

fn customer(number: usize) -> Condition {
    is("customer", format!("c{:06}", number % 10_000))
}

fn topic(number: usize) -> Condition {
    is("topic", format!("topic-{}", number % 6))
}

impl From<Call> for Step {
    fn from(call: Call) -> Self {
        Self { before: None, call, after: None }
    }
}

impl From<Search> for Step {
    fn from(search: Search) -> Self {
        Call::Search(search).into()
    }
}

impl Step {
    /// Returns what a rival is sent.
    pub(crate) fn to_json(&self) -> Value {
        let call = |call: &Option<Call>| call.as_ref().map_or(Value::Null, Call::to_json);
        json!({"before": call(&self.before), "call": self.call.to_json(), "after": call(&self.after)})
    }
}

impl Call {
    fn to_json(&self) -> Value {
        let many = |name: &str, numbers: &[usize]| {
            let memories: Vec<Value> = numbers.iter().map(|number| sample::memory(*number, *number)).collect();
            json!({"do": name, "memories": memories})
        };
        match self {
            Self::Get(numbers) => many("get", numbers),
            Self::Search(search) => search.to_json(),
            Self::CountTiers => json!({"do": "count_tiers"}),
            Self::Namespaces => json!({"do": "namespaces"}),
            Self::Put(numbers) => many("put", numbers),
            Self::PutExpired(numbers) => many("put_expired", numbers),
            Self::SetMetadata { number, of } => {
                json!({"do": "set_metadata", "memories": [sample::memory(*number, *of)]})
            }
            Self::SetTier { numbers, tier } => {
                let mut call = many("set_tier", numbers);
                call["tier"] = (*tier).into();
                call
            }
            Self::Delete(numbers) => many("delete", numbers),
            Self::Sweep => json!({"do": "sweep"}),
        }
    }
}

impl Search {
    fn of_user(number: usize) -> Self {
        Self { user: Some(data::place(number).0), ..Self::default() }
    }

    fn with(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Returns the same as we are asked for it.
    pub(crate) fn selection(&self) -> Selection {
        let mut selection = Selection::default();
        if let Some(user) = &self.user {
            selection = selection.with_user(user.parse().expect("a valid name"));
        }
        if let Some(thread) = &self.thread {
            selection = selection.with_thread(thread.parse().expect("a valid name"));
        }
        let filters: Vec<Filter> = self.conditions.iter().map(Condition::filter).collect();
        match filters.len() {
            0 => selection,
            _ => selection.with_filter(filters.into_iter().reduce(Filter::and).expect("at least one")),
        }
    }

    fn to_json(&self) -> Value {
        let conditions: Vec<Value> = self.conditions.iter().map(Condition::to_json).collect();
        json!({"do": "search", "user": self.user, "thread": self.thread, "where": conditions, "limit": LIMIT})
    }
}

impl Condition {
    fn filter(&self) -> Filter {
        let filter = match self {
            Self::Is(path, value) => Filter::path(path.iter().copied()).and_then(|path| path.eq(value)),
            Self::Has(path, value) => {
                let needle = path.iter().rev().fold(json!([value]), |inner, key| json!({ *key: inner }));
                Json::from_serialize(&needle).map(Filter::Contains)
            }
            Self::AtLeast(path, bound) => Filter::path(path.iter().copied()).and_then(|path| path.gte(bound)),
        };
        filter.expect("a valid condition")
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Is(path, value) => json!({"path": path, "is": value}),
            Self::Has(path, value) => json!({"path": path, "has": value}),
            Self::AtLeast(path, bound) => json!({"path": path, "at_least": bound}),
        }
    }
}
