//! Puts, over nothing and over something.

use std::time::Duration;

use polymnia::{Effect, ErrorKind, Expect, Mutation, OnConflict, Revision};

use super::prelude::*;
use crate::fixture::Subject;

pub(super) fn takes_the_time_of_the_call(subject: &Subject) {
    let store = subject.store();
    // Far from any clock of the machine or of a server.
    let now = time("1815-12-10T12:00:00.000001Z");
    subject.clock().set(now);
    put(&store, &here(), id(1), new("a"));
    let memory = get(&store, &here(), id(1));
    assert_eq!((memory.created_at, memory.updated_at), (now, now));
}

pub(super) fn takes_a_created_at_of_its_own(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    for (number, at) in (1..).zip([time("2020-02-02T02:02:02.020202Z"), later(now, 1), later(now, -1), now]) {
        put(&store, &here(), id(number), new("a").with_created_at(at));
        let memory = get(&store, &here(), id(number));
        assert_eq!((memory.created_at, memory.updated_at), (at, now));
    }
}

pub(super) fn over_another_replaces_every_field(subject: &Subject) {
    let store = subject.store();
    let created = subject.clock().now();
    let full = new("before")
        .with_user(user("u"))
        .with_agent(agent("a"))
        .with_thread(thread("t"))
        .with_tier(tier("long_term"))
        .with_metadata(metadata(r#"{"a": 1}"#))
        .with_importance(importance(1.0))
        .with_related_threads(threads(["x", "y"]))
        .with_expires_at(later(created, 60_000_000));
    put(&store, &here(), id(1), full);
    let now = subject.clock().advance(Duration::from_secs(1));
    let outcome = put(&store, &here(), id(1), new("after"));
    assert_eq!((outcome.effect, outcome.revision), (Effect::Updated, Some(revision(2))));
    let mut expected = row(id(1), "after", created);
    expected.revision = revision(2);
    expected.updated_at = now;
    same(&get(&store, &here(), id(1)), &expected);
}

pub(super) fn over_another_keeps_created_at(subject: &Subject) {
    let store = subject.store();
    let given = time("2001-01-01T00:00:00Z");
    put(&store, &here(), id(1), new("a").with_created_at(given));
    let now = subject.clock().advance(Duration::from_micros(1));
    put(&store, &here(), id(1), new("b"));
    let memory = get(&store, &here(), id(1));
    assert_eq!((memory.created_at, memory.updated_at), (given, now));
}

pub(super) fn with_the_same_created_at_is_fine(subject: &Subject) {
    let store = subject.store();
    let created = subject.clock().now();
    put(&store, &here(), id(1), new("a"));
    subject.clock().advance(Duration::from_secs(5));
    let outcome = put(&store, &here(), id(1), new("b").with_created_at(created));
    assert_eq!(outcome.revision, Some(revision(2)));
    assert_eq!(get(&store, &here(), id(1)).created_at, created);
}

pub(super) fn with_another_created_at_conflicts(subject: &Subject) {
    let store = subject.store();
    let created = subject.clock().now();
    put(&store, &here(), id(1), new("a"));
    let before = get(&store, &here(), id(1));
    for other in [later(created, 1), later(created, -1), time("1999-01-01")] {
        for expect in [Expect::Any, Expect::Revision(Revision::FIRST)] {
            let memory = new("b").with_created_at(other);
            let error = refused(store.put_at(&here(), id(1), memory, expect), ErrorKind::Conflict);
            assert!(error.to_string().contains(&id(1).to_string()), "{error} names the id");
        }
    }
    same(&get(&store, &here(), id(1)), &before);
}

pub(super) fn never_sets_updated_at_back(subject: &Subject) {
    let store = subject.store();
    let late = subject.clock().now();
    put(&store, &here(), id(1), new("a"));
    subject.clock().set(later(late, -1_000_000));
    put(&store, &here(), id(1), new("b"));
    let memory = get(&store, &here(), id(1));
    assert_eq!((memory.updated_at, memory.revision), (late, revision(2)));
    subject.clock().set(later(late, 1));
    put(&store, &here(), id(1), new("c"));
    assert_eq!(get(&store, &here(), id(1)).updated_at, later(late, 1));
}

pub(super) fn counts_revisions(subject: &Subject) {
    let store = subject.store();
    for number in 1..=20 {
        let outcome = put(&store, &here(), id(1), new("same"));
        assert_eq!(outcome.effect, if number == 1 { Effect::Created } else { Effect::Updated });
        assert_eq!(outcome.revision, Some(revision(number)));
        assert_eq!(get(&store, &here(), id(1)).revision, revision(number));
    }
    store.delete(&here(), id(1)).unwrap();
    assert_eq!(put(&store, &here(), id(1), new("again")).revision, Some(Revision::FIRST));
}

pub(super) fn expecting_absence(subject: &Subject) {
    let store = subject.store();
    let first = store.put_at(&here(), id(1), new("a"), Expect::Absent).unwrap();
    assert_eq!((first.effect, first.revision), (Effect::Created, Some(Revision::FIRST)));
    let error = refused(store.put_at(&here(), id(1), new("b"), Expect::Absent), ErrorKind::Conflict);
    assert!(error.to_string().contains(&id(1).to_string()), "{error} names the id");
    assert_eq!(get(&store, &here(), id(1)).content.as_str(), "a");
    store.put_at(&ns("elsewhere"), id(1), new("c"), Expect::Absent).unwrap();
}

pub(super) fn expecting_a_revision(subject: &Subject) {
    let store = subject.store();
    refused(store.put_at(&here(), id(1), new("a"), Expect::Revision(Revision::FIRST)), ErrorKind::Conflict);
    assert_eq!(store.get(&here(), id(1)).unwrap(), None);
    put(&store, &here(), id(1), new("a"));
    let second = store.put_at(&here(), id(1), new("b"), Expect::Revision(Revision::FIRST)).unwrap();
    assert_eq!((second.effect, second.revision), (Effect::Updated, Some(revision(2))));
    for stale in [1, 3, i64::MAX] {
        let expect = Expect::Revision(revision(stale));
        let error = refused(store.put_at(&here(), id(1), new("c"), expect), ErrorKind::Conflict);
        assert!(error.to_string().contains(&id(1).to_string()), "{error} names the id");
    }
    assert_eq!(get(&store, &here(), id(1)).content.as_str(), "b");
}

pub(super) fn past_the_last_revision_fails(subject: &Subject) {
    let store = subject.store();
    let mut last = row(id(1), "last", subject.clock().now());
    last.revision = revision(i64::MAX);
    let restore = Mutation::Restore { memory: last.clone(), on_conflict: OnConflict::Fail };
    store.apply(&here(), &[restore]).unwrap();
    // There is no revision after it: whatever the error, the memory stays, and nothing wraps around.
    let error = store.put_at(&here(), id(1), new("beyond"), Expect::Any).unwrap_err();
    assert_ne!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    same(&get(&store, &here(), id(1)), &last);
    let found = all(&store, &here(), polymnia::Selection::default());
    assert_eq!(found, [last]);
}
