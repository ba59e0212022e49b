//! What cases are written with: short ways to make values, and assertions that tell what they were about.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};

use polymnia::{
    AgentId, ApplyReport, Content, Error, ErrorKind, Expect, Filter, Importance, Json, Memory, MemoryId, MemoryStore,
    Metadata, Mutation, Namespace, NewMemory, OnConflict, Outcome, Query, RelatedThreads, Result, Revision, Selection,
    ThreadId, Tier, Timestamp, UserId,
};

use super::Need;

/// Returns whether the dialect claims to do that.
pub(super) fn claims(store: &MemoryStore, need: Need) -> bool {
    need.is_met(&store.capability())
}

/// Returns whether the dialect claims to do all that the selection asks.
pub(super) fn claimed(store: &MemoryStore, selection: &Selection) -> bool {
    Need::of(selection).into_iter().all(|need| claims(store, need))
}

/// Loads in bulk, if the dialect claims that it can, and else as any other batch.
pub(super) fn load(store: &MemoryStore, namespace: &Namespace, batch: &[Mutation]) -> Result<ApplyReport> {
    if claims(store, Need::BulkLoad) { store.load(namespace, batch) } else { store.apply(namespace, batch) }
}

/// Sets a flag when it goes, so that threads that wait for it end even if the case fails.
pub(super) struct Done<'a>(pub(super) &'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

pub(super) fn ns(text: &str) -> Namespace {
    Namespace::new(text).unwrap()
}

/// Returns the namespace that a case uses when one will do.
pub(super) fn here() -> Namespace {
    ns("acme")
}

pub(super) fn id(number: u64) -> MemoryId {
    MemoryId::from_bytes(u128::from(number).to_be_bytes())
}

pub(super) fn user(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

pub(super) fn agent(text: &str) -> AgentId {
    AgentId::new(text).unwrap()
}

pub(super) fn thread(text: &str) -> ThreadId {
    ThreadId::new(text).unwrap()
}

pub(super) fn threads<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> RelatedThreads {
    RelatedThreads::new(texts.into_iter().map(|text| thread(text.as_ref()))).unwrap()
}

pub(super) fn tier(text: &str) -> Tier {
    Tier::new(text).unwrap()
}

pub(super) fn content(text: impl Into<String>) -> Content {
    Content::new(text).unwrap()
}

#[track_caller]
pub(super) fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

#[track_caller]
pub(super) fn metadata(text: &str) -> Metadata {
    Metadata::parse(text).unwrap()
}

pub(super) fn importance(value: f64) -> Importance {
    Importance::new(value).unwrap()
}

pub(super) fn revision(number: i64) -> Revision {
    Revision::new(number).unwrap()
}

#[track_caller]
pub(super) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Returns the time so many microseconds later.
pub(super) fn later(time: Timestamp, micros: i64) -> Timestamp {
    Timestamp::from_micros(time.as_micros() + micros).unwrap()
}

pub(super) fn new(content: impl Into<String>) -> NewMemory {
    NewMemory::new(content).unwrap()
}

/// Returns a whole row that says `content`, created and written at that time.
pub(super) fn row(id: MemoryId, content: &str, at: Timestamp) -> Memory {
    Memory {
        id,
        user_id: None,
        agent_id: None,
        thread_id: None,
        tier: Tier::default(),
        content: self::content(content),
        metadata: Metadata::default(),
        importance: Importance::default(),
        related_threads: RelatedThreads::default(),
        revision: Revision::FIRST,
        created_at: at,
        updated_at: at,
        expires_at: None,
    }
}

pub(super) fn put_mutation(id: MemoryId, memory: NewMemory) -> Mutation {
    Mutation::Put { id, memory, expect: Expect::Any }
}

pub(super) fn delete_mutation(id: MemoryId) -> Mutation {
    Mutation::Delete { id, expect: Expect::Any }
}

pub(super) fn contains(needle: &str) -> Selection {
    Selection::default().with_filter(Filter::Contains(json(needle)))
}

/// Selects by a filter in its JSON form.
#[track_caller]
pub(super) fn filtered(text: &str) -> Selection {
    let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    Selection::default().with_filter(filter)
}

/// Stores whole rows that are not there yet.
#[track_caller]
pub(super) fn restore(store: &MemoryStore, memories: &[Memory]) {
    store.apply(&here(), &rows(memories)).unwrap();
}

/// Returns mutations that store whole rows that are not there yet.
pub(super) fn rows(memories: &[Memory]) -> Vec<Mutation> {
    let restore = |memory: &Memory| Mutation::Restore { memory: memory.clone(), on_conflict: OnConflict::Fail };
    memories.iter().map(restore).collect()
}

/// Puts under that id, whatever is there.
#[track_caller]
pub(super) fn put(store: &MemoryStore, namespace: &Namespace, id: MemoryId, memory: NewMemory) -> Outcome {
    store.put_at(namespace, id, memory, Expect::Any).unwrap()
}

#[track_caller]
pub(super) fn get(store: &MemoryStore, namespace: &Namespace, id: MemoryId) -> Memory {
    store.get(namespace, id).unwrap().unwrap_or_else(|| panic!("memory {id} is not there"))
}

/// Reads all that is selected, in the default order.
#[track_caller]
pub(super) fn all(store: &MemoryStore, namespace: &Namespace, selection: Selection) -> Vec<Memory> {
    walk(store, namespace, Query::new(selection).with_limit(Query::MAX_LIMIT).unwrap())
}

/// Reads all that a query selects, page by page. Fails if a memory comes twice: an engine that goes in circles would
/// never end.
#[track_caller]
pub(super) fn walk(store: &MemoryStore, namespace: &Namespace, query: Query) -> Vec<Memory> {
    let mut seen = HashSet::new();
    let mut read = Vec::new();
    for memory in store.iter(namespace, query) {
        let memory = memory.unwrap();
        assert!(seen.insert(memory.id), "memory {} comes twice", memory.id);
        read.push(memory);
    }
    read
}

/// Returns the ids of memories, as numbers.
pub(super) fn numbers(memories: &[Memory]) -> Vec<u64> {
    memories.iter().map(|memory| u64::try_from(u128::from_be_bytes(*memory.id.as_bytes())).unwrap()).collect()
}

/// Fails unless the result is an error of that kind, and returns it.
#[track_caller]
pub(super) fn refused<T: Debug>(result: Result<T>, kind: ErrorKind) -> Error {
    let error = match result {
        Ok(value) => panic!("expected an error of kind {kind:?}, got {value:?}"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), kind, "{error:?}");
    let message = error.message();
    assert!(!message.is_empty() && !message.ends_with('.'), "message {message:?}");
    assert!(!message.starts_with(char::is_uppercase), "message {message:?}");
    error
}

/// Fails unless two memories are equal, field by field, with a short report for long fields.
#[track_caller]
pub(super) fn same(left: &Memory, right: &Memory) {
    assert!(
        left.metadata == right.metadata,
        "metadata of {}: {:.200} and {:.200}",
        left.id,
        left.metadata.as_str(),
        right.metadata.as_str()
    );
    assert!(left.content == right.content, "content of {}: {:.200} and {:.200}", left.id, left.content, right.content);
    assert_eq!(left, right);
}
