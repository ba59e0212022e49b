//! Real conversations, imported and asked on both dialects.
//!
//! The data (`LoCoMo`, CC BY-NC 4.0) is not part of this project. `POLYMNIA_LOCOMO_DIR` names a folder with
//! `conv-*.memories.jsonl`; without it and without the folder beside the workspace, these tests say so and pass.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "figures of a run")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use polymnia::{
    Filter, Json, Match, Memory, MemoryStore, Mutation, Namespace, OnConflict, Order, Query, Record, RecordLine,
    Result, Selection, TimeRange, Timestamp,
};
use polymnia_conformance::Subject;
use polymnia_tests::databases::{Postgres, SqliteFile, SqliteMemory};

#[test]
fn both_dialects_answer_alike() {
    let Some(conversations) = conversations() else { return };
    let subjects = [Subject::fresh::<SqliteFile>(), Subject::fresh::<Postgres>()];
    let stores = subjects.each_ref().map(|subject| import(subject, &conversations));
    let now = subjects[0].clock().now();
    let (mut asked, mut answered) = (0, 0);
    for (namespace, memories) in &conversations {
        for query in queries(memories) {
            let mut expected: Vec<Memory> =
                memories.iter().filter(|memory| query.selection.matches(memory, now)).cloned().collect();
            expected.sort_by(|left, right| query.order.compare(left, right));
            let lines = lines(namespace, &expected);
            for store in &stores {
                assert_eq!(store.count(namespace, &query.selection).unwrap(), expected.len() as u64, "{query:?}");
                let read: Vec<Memory> = store.iter(namespace, query.clone()).collect::<Result<_>>().unwrap();
                assert!(self::lines(namespace, &read) == lines, "{namespace}: {query:?}");
            }
            asked += 1;
            answered += usize::from(!expected.is_empty());
        }
        assert_eq!(stores[0].stats(namespace).unwrap(), stores[1].stats(namespace).unwrap());
    }
    println!("{asked} queries of {} conversations, {answered} of them with an answer", conversations.len());
    assert!(asked >= 40 && answered * 4 > asked * 3);
}

/// Each memory asked for by parts of its own metadata, in the words of containment and in those of filters.
#[test]
fn filters_from_the_data_count_alike() {
    let Some(conversations) = conversations() else { return };
    let subjects = [Subject::fresh::<SqliteFile>(), Subject::fresh::<Postgres>()];
    let stores = subjects.each_ref().map(|subject| import(subject, &conversations));
    let (mut asked, mut selected) = (0, 0);
    for (namespace, memories) in &conversations {
        // Some of each conversation, for they are asked about one by one.
        for memory in memories.iter().step_by(memories.len() / 8) {
            for filter in about(memory) {
                let expected = memories.iter().filter(|memory| filter.matches(memory)).count() as u64;
                let selection = Selection::default().with_filter(filter);
                for store in &stores {
                    assert_eq!(store.count(namespace, &selection).unwrap(), expected, "{namespace}: {selection:?}");
                }
                asked += 1;
                selected += expected;
            }
        }
    }
    println!("{asked} filters about the memories themselves select {selected}");
    assert!(selected > asked);
}

#[test]
fn a_known_question_has_its_known_answer() {
    let Some(conversations) = conversations() else { return };
    let namespace = Namespace::new("conv-26").unwrap();
    if !conversations.contains_key(&namespace) {
        return;
    }
    // Counted in the file by other means.
    for subject in [Subject::fresh::<SqliteMemory>(), Subject::fresh::<Postgres>()] {
        let store = import(&subject, &conversations);
        assert_eq!(store.count(&namespace, &Selection::default()).unwrap(), 419);
        let selection = contains(r#"{"speaker":"Caroline","session":3}"#);
        assert_eq!(store.count(&namespace, &selection).unwrap(), 12);
        assert_eq!(store.count(&namespace, &selection.with_user("Melanie".parse().unwrap())).unwrap(), 0);
        assert_eq!(store.count(&namespace, &filtered(r#"{"speaker":"Caroline","session":{"$in":[3]}}"#)).unwrap(), 12);
    }
}

#[test]
fn an_export_imported_elsewhere_is_equal() {
    let Some(conversations) = conversations() else { return };
    let first = Subject::fresh::<SqliteFile>();
    let mut exported = export(&import(&first, &conversations));
    for subject in [Subject::fresh::<Postgres>(), Subject::fresh::<SqliteMemory>(), Subject::fresh::<Postgres>()] {
        let parsed = exported.iter().map(|line| Record::parse(line).unwrap());
        let mut rows: BTreeMap<Namespace, Vec<Memory>> = BTreeMap::new();
        for record in parsed {
            let namespace = record.namespace.clone().unwrap();
            let memory = record.into_memory(Timestamp::MIN, || unreachable!("an exported line has an id"));
            rows.entry(namespace).or_default().push(memory);
        }
        let again = export(&import(&subject, &rows));
        assert!(again == exported, "an export differs from what was imported");
        exported = again;
    }
    let count: usize = conversations.values().map(Vec::len).sum();
    assert_eq!(exported.len(), count);
}

/// Reads the conversations, if they are there.
fn conversations() -> Option<BTreeMap<Namespace, Vec<Memory>>> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/locomo");
    let folder = std::env::var_os("POLYMNIA_LOCOMO_DIR").map_or_else(beside, PathBuf::from);
    let mut conversations: BTreeMap<Namespace, Vec<Memory>> = BTreeMap::new();
    for entry in folder.read_dir().into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !(name.starts_with("conv-") && name.ends_with(".memories.jsonl")) {
            continue;
        }
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let record = Record::parse(line).unwrap();
            let namespace = record.namespace.clone().unwrap();
            let memory = record.into_memory(Timestamp::MIN, || unreachable!("every line has an id"));
            conversations.entry(namespace).or_default().push(memory);
        }
    }
    if conversations.is_empty() {
        eprintln!(
            "no conversations in {}: nothing is tried; POLYMNIA_LOCOMO_DIR names another folder",
            folder.display()
        );
        return None;
    }
    Some(conversations)
}

fn import(subject: &Subject, conversations: &BTreeMap<Namespace, Vec<Memory>>) -> MemoryStore {
    let store = subject.store();
    for (namespace, memories) in conversations {
        for part in memories.chunks(250) {
            let restore = |memory: &Memory| Mutation::Restore { memory: memory.clone(), on_conflict: OnConflict::Fail };
            store.apply(namespace, &part.iter().map(restore).collect::<Vec<_>>()).unwrap();
        }
    }
    store.admin().analyze().unwrap();
    store
}

/// Returns some forty queries about a conversation.
fn queries(memories: &[Memory]) -> Vec<Query> {
    let mut users: Vec<_> = memories.iter().filter_map(|memory| memory.user_id.clone()).collect();
    users.sort();
    users.dedup();
    let all = Selection::default;
    let at = |part: usize| memories[memories.len() * part / 8].created_at;
    let mut selections = vec![
        all(),
        all().without_thread(),
        all().with_thread("session_3".parse().unwrap()),
        all().with_thread("SESSION_3".parse().unwrap()),
        Selection { user: Match::Absent, ..all() },
        all().with_tier("short_term".parse().unwrap()),
        all().with_created(TimeRange { from: Some(at(2)), until: Some(at(3)) }),
        all().with_created(TimeRange { from: Some(at(6)), until: None }),
        all().with_updated(TimeRange { from: None, until: Some(at(1)) }),
        contains("{}"),
        contains("[]"),
        contains(r#"{"session": 3}"#),
        contains(r#"{"session": 3.0, "turn": 1e0}"#),
        contains(r#"{"session": "3"}"#),
        contains(r#"{"dia_id": "D1:3"}"#),
        contains(r#"{"image": {}}"#),
        contains(r#"{"image": {"caption": "a photo of a dog walking past a wall with a painting of a woman"}}"#),
    ];
    selections.extend(
        [
            r#"{"session": {"$gte": 3, "$lt": 6}}"#,
            r#"{"session": {"$in": [1, 2.0, "3"]}, "turn": {"$lte": 4}}"#,
            r#"{"dia_id": {"$prefix": "D1:"}}"#,
            r#"{"dia_id": {"$gt": "D2:"}, "session": {"$lt": 10}}"#,
            r#"{"image": {"$exists": true}}"#,
            r#"{"image": {"caption": {"$prefix": "a photo of a dog"}}}"#,
            r#"{"$not": {"image": {"$exists": true}}, "turn": 1}"#,
            r#"{"$or": [{"session": 1}, {"image": {"query": {"$exists": true}}}]}"#,
            r#"{"speaker": {"$nin": ["Caroline", "Jon"]}, "session": {"$ne": 1}}"#,
            r#"{"$user": {"$gte": "J"}, "$thread": {"$prefix": "session_1"}}"#,
            r#"{"$created_at": {"$lt": "2023-06-01T00:00:00Z"}, "turn": {"$gt": 3}}"#,
        ]
        .map(filtered),
    );
    for user in &users {
        let speaker = Json::from_serialize(&BTreeMap::from([("speaker", user.as_str())])).unwrap();
        let said = all().with_user(user.clone());
        selections.extend([
            said.clone(),
            said.clone().with_thread("session_2".parse().unwrap()),
            said.clone().with_filter(Filter::Contains(Json::parse(r#"{"session": 1}"#).unwrap())),
            said.clone().with_filter(Filter::Contains(Json::parse(r#"{"image": {}}"#).unwrap())),
            said.with_created(TimeRange { from: Some(at(1)), until: Some(at(5)) }),
            all().with_filter(Filter::Contains(speaker)),
        ]);
    }
    let limits = [1_000, 10, 37, 3];
    let queries = selections.into_iter().enumerate().map(|(index, selection)| {
        let order = Order::ALL[index % Order::ALL.len()];
        Query::new(selection).with_order(order).with_limit(limits[index % limits.len()]).unwrap()
    });
    queries.collect()
}

/// Returns filters about each member of a memory's metadata, about all of them, and about its own fields.
fn about(memory: &Memory) -> Vec<Filter> {
    let metadata: serde_json::Map<String, serde_json::Value> = memory.metadata.as_json().deserialize().unwrap();
    let at = |key: &str| Filter::path([key]).unwrap();
    let mut filters = vec![
        Filter::Contains(memory.metadata.as_json().clone()),
        Filter::Contains(memory.metadata.as_json().clone()).not(),
    ];
    let mut every = Filter::All;
    for (key, value) in &metadata {
        let contains = Json::from_serialize(&BTreeMap::from([(key, value)])).unwrap();
        let equal = at(key).eq(value).unwrap();
        every = every.and(equal.clone());
        filters.extend([Filter::Contains(contains), equal.clone(), equal.not(), at(key).exists().not()]);
        filters.push(at(key).is_in([value, &serde_json::Value::Null]).unwrap());
        match value {
            serde_json::Value::String(text) => {
                let beginning: String = text.chars().take(text.chars().count() / 2).collect();
                filters.extend([at(key).prefix(beginning).unwrap(), at(key).gte(value).unwrap()]);
            }
            serde_json::Value::Number(_) => filters.extend([at(key).gt(value).unwrap(), at(key).lte(value).unwrap()]),
            serde_json::Value::Object(members) => {
                for (inner, value) in members {
                    filters.push(Filter::path([key.as_str(), inner.as_str()]).unwrap().eq(value).unwrap());
                }
            }
            _ => {}
        }
    }
    filters.push(every);
    filters
}

fn filtered(text: &str) -> Selection {
    Selection::default().with_filter(Filter::parse(text).unwrap())
}

fn contains(needle: &str) -> Selection {
    Selection::default().with_filter(Filter::Contains(Json::parse(needle).unwrap()))
}

/// Returns everything, namespace by namespace, as lines.
fn export(store: &MemoryStore) -> Vec<String> {
    let mut exported = Vec::new();
    for summary in store.admin().namespaces(None, 10_000).unwrap() {
        let query = Query::default().with_limit(100).unwrap();
        let memories: Vec<Memory> = store.iter(&summary.namespace, query).collect::<Result<_>>().unwrap();
        assert_eq!(memories.len() as u64, summary.memories);
        exported.extend(lines(&summary.namespace, &memories));
    }
    exported
}

fn lines(namespace: &Namespace, memories: &[Memory]) -> Vec<String> {
    memories.iter().map(|memory| serde_json::to_string(&RecordLine::new(namespace, memory)).unwrap()).collect()
}
