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
use polymnia_conformance::databases::{Postgres, SqliteFile, SqliteMemory};

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
