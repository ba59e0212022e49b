//! Updates and removals.

use std::time::Duration;

use polymnia::{Change, Effect, ErrorKind, Expect, Memory, MemoryStore, Mutation, NewMemory, Patch, Revision};

use super::prelude::*;
use crate::fixture::Subject;

pub(super) fn sets_every_field(subject: &Subject) {
    let store = subject.store();
    let before = put_full(subject, &store);
    let now = subject.clock().advance(Duration::from_secs(3));
    let patch = Patch {
        user_id: Change::Set(user("v")),
        agent_id: Change::Set(agent("b")),
        thread_id: Change::Set(thread("s")),
        tier: Some(tier("own")),
        content: Some(content("after")),
        metadata: Some(metadata(r#"{"b": 2}"#)),
        importance: Some(importance(0.0)),
        related_threads: Some(threads(["z"])),
        expires_at: Change::Set(later(now, 1)),
    };
    let outcome = store.update(&here(), id(1), patch, Expect::Any).unwrap();
    assert_eq!((outcome.id, outcome.effect, outcome.revision), (id(1), Effect::Updated, Some(revision(2))));
    let expected = Memory {
        id: id(1),
        user_id: Some(user("v")),
        agent_id: Some(agent("b")),
        thread_id: Some(thread("s")),
        tier: tier("own"),
        content: content("after"),
        metadata: metadata(r#"{"b": 2}"#),
        importance: importance(0.0),
        related_threads: threads(["z"]),
        revision: revision(2),
        created_at: before.created_at,
        updated_at: now,
        expires_at: Some(later(now, 1)),
    };
    same(&get(&store, &here(), id(1)), &expected);
}

pub(super) fn clears_what_may_be_absent(subject: &Subject) {
    let store = subject.store();
    let before = put_full(subject, &store);
    let patch = Patch {
        user_id: Change::Clear,
        agent_id: Change::Clear,
        thread_id: Change::Clear,
        related_threads: Some(threads::<&str>([])),
        expires_at: Change::Clear,
        ..Patch::default()
    };
    store.update(&here(), id(1), patch, Expect::Any).unwrap();
    let expected = Memory {
        user_id: None,
        agent_id: None,
        thread_id: None,
        related_threads: threads::<&str>([]),
        expires_at: None,
        revision: revision(2),
        ..before
    };
    same(&get(&store, &here(), id(1)), &expected);
}

pub(super) fn keeps_what_it_does_not_name(subject: &Subject) {
    let store = subject.store();
    let mut expected = put_full(subject, &store);
    let patches: [(Patch, Edit); 9] = [
        (Patch { user_id: Change::Set(user("x")), ..Patch::default() }, |m| m.user_id = Some(user("x"))),
        (Patch { agent_id: Change::Clear, ..Patch::default() }, |m| m.agent_id = None),
        (Patch { thread_id: Change::Set(thread("x")), ..Patch::default() }, |m| m.thread_id = Some(thread("x"))),
        (Patch { tier: Some(tier("x")), ..Patch::default() }, |m| m.tier = tier("x")),
        (Patch { content: Some(content("")), ..Patch::default() }, |m| m.content = content("")),
        (Patch { metadata: Some(metadata("{}")), ..Patch::default() }, |m| m.metadata = metadata("{}")),
        (Patch { importance: Some(importance(0.25)), ..Patch::default() }, |m| m.importance = importance(0.25)),
        (Patch { related_threads: Some(threads(["q"])), ..Patch::default() }, |m| m.related_threads = threads(["q"])),
        (Patch { expires_at: Change::Clear, ..Patch::default() }, |m| m.expires_at = None),
    ];
    for (patch, change) in patches {
        expected.updated_at = subject.clock().advance(Duration::from_micros(1));
        expected.revision = revision(expected.revision.as_i64() + 1);
        change(&mut expected);
        store.update(&here(), id(1), patch, Expect::Any).unwrap();
        same(&get(&store, &here(), id(1)), &expected);
    }
}

pub(super) fn never_sets_updated_at_back(subject: &Subject) {
    let store = subject.store();
    let before = put_full(subject, &store);
    subject.clock().set(later(before.updated_at, -1));
    store.update(&here(), id(1), retier("x"), Expect::Any).unwrap();
    assert_eq!(get(&store, &here(), id(1)).updated_at, before.updated_at);
}

pub(super) fn of_nothing_is_not_found(subject: &Subject) {
    let store = subject.store();
    put(&store, &ns("elsewhere"), id(1), new("a"));
    for expect in [Expect::Any, Expect::Absent, Expect::Revision(Revision::FIRST)] {
        let error = refused(store.update(&here(), id(1), retier("x"), expect), ErrorKind::NotFound);
        assert!(error.to_string().contains(&id(1).to_string()), "{error} names the id");
    }
    assert_eq!(store.get(&here(), id(1)).unwrap(), None);
    assert_eq!(get(&store, &ns("elsewhere"), id(1)).revision, Revision::FIRST);
}

pub(super) fn that_changes_nothing_is_refused(subject: &Subject) {
    let store = subject.store();
    put_full(subject, &store);
    let error = refused(store.update(&here(), id(1), Patch::default(), Expect::Any), ErrorKind::InvalidInput);
    assert!(error.to_string().contains(&id(1).to_string()), "{error} names the id");
    assert_eq!(get(&store, &here(), id(1)).revision, Revision::FIRST);
}

pub(super) fn to_the_same_value_counts(subject: &Subject) {
    let store = subject.store();
    let before = put_full(subject, &store);
    let now = subject.clock().advance(Duration::from_secs(1));
    let patch = Patch { content: Some(before.content.clone()), ..Patch::default() };
    let outcome = store.update(&here(), id(1), patch, Expect::Any).unwrap();
    assert_eq!((outcome.effect, outcome.revision), (Effect::Updated, Some(revision(2))));
    same(&get(&store, &here(), id(1)), &Memory { revision: revision(2), updated_at: now, ..before });
}

pub(super) fn expecting_a_revision(subject: &Subject) {
    let store = subject.store();
    put_full(subject, &store);
    for stale in [2, 7, i64::MAX] {
        let expect = Expect::Revision(revision(stale));
        let error = refused(store.update(&here(), id(1), retier("x"), expect), ErrorKind::Conflict);
        assert!(error.to_string().contains(&id(1).to_string()), "{error} names the id");
    }
    for number in 1..5 {
        let outcome = store.update(&here(), id(1), retier("x"), Expect::Revision(revision(number))).unwrap();
        assert_eq!(outcome.revision, Some(revision(number + 1)));
    }
}

pub(super) fn expecting_absence(subject: &Subject) {
    let store = subject.store();
    put_full(subject, &store);
    refused(store.update(&here(), id(1), retier("x"), Expect::Absent), ErrorKind::Conflict);
    assert_eq!(get(&store, &here(), id(1)).revision, Revision::FIRST);
}

pub(super) fn replaces_metadata_as_a_whole(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("a").with_metadata(metadata(r#"{"a": {"x": 1}, "b": 2}"#)));
    let patch = Patch { metadata: Some(metadata(r#"{"a": {"y": null}}"#)), ..Patch::default() };
    store.update(&here(), id(1), patch, Expect::Any).unwrap();
    assert_eq!(get(&store, &here(), id(1)).metadata.as_str(), r#"{"a": {"y": null}}"#);
}

pub(super) fn delete_tells_whether_it_was_there(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("a"));
    put(&store, &here(), id(2), new("b"));
    put(&store, &ns("elsewhere"), id(1), new("c"));
    assert!(store.delete(&here(), id(1)).unwrap());
    assert!(!store.delete(&here(), id(1)).unwrap());
    assert_eq!(store.get(&here(), id(1)).unwrap(), None);
    assert_eq!(get(&store, &here(), id(2)).content.as_str(), "b");
    assert_eq!(get(&store, &ns("elsewhere"), id(1)).content.as_str(), "c");
}

pub(super) fn delete_expecting_a_revision(subject: &Subject) {
    let store = subject.store();
    let delete = |number| [Mutation::Delete { id: id(1), expect: Expect::Revision(revision(number)) }];
    refused(store.apply(&here(), &delete(1)), ErrorKind::Conflict);
    put(&store, &here(), id(1), new("a"));
    put(&store, &here(), id(1), new("b"));
    for stale in [1, 3] {
        let error = refused(store.apply(&here(), &delete(stale)), ErrorKind::Conflict);
        assert!(error.to_string().contains(&id(1).to_string()), "{error} names the id");
    }
    assert_eq!(get(&store, &here(), id(1)).content.as_str(), "b");
    let outcome = store.apply(&here(), &delete(2)).unwrap().outcomes[0];
    assert_eq!((outcome.id, outcome.effect, outcome.revision), (id(1), Effect::Deleted, None));
    assert_eq!(store.get(&here(), id(1)).unwrap(), None);
}

pub(super) fn delete_expecting_absence(subject: &Subject) {
    let store = subject.store();
    let delete = [Mutation::Delete { id: id(1), expect: Expect::Absent }];
    let outcome = store.apply(&here(), &delete).unwrap().outcomes[0];
    assert_eq!((outcome.effect, outcome.revision), (Effect::Missing, None));
    put(&store, &here(), id(1), new("a"));
    refused(store.apply(&here(), &delete), ErrorKind::Conflict);
    assert_eq!(get(&store, &here(), id(1)).content.as_str(), "a");
}

/// What a patch does to a memory.
type Edit = fn(&mut Memory);

fn retier(text: &str) -> Patch {
    Patch { tier: Some(tier(text)), ..Patch::default() }
}

/// Puts memory 1 with every field given, and returns it as stored.
fn put_full(subject: &Subject, store: &MemoryStore) -> Memory {
    let memory: NewMemory = new("before")
        .with_user(user("u"))
        .with_agent(agent("a"))
        .with_thread(thread("t"))
        .with_tier(tier("long_term"))
        .with_metadata(metadata(r#"{"a": 1}"#))
        .with_importance(importance(1.0))
        .with_related_threads(threads(["x", "y"]))
        .with_expires_at(later(subject.clock().now(), 3_600_000_000));
    put(store, &here(), id(1), memory);
    get(store, &here(), id(1))
}
