//! Whole rows, as import and copy write them.

use std::time::Duration;

use polymnia::{ApplyReport, Effect, ErrorKind, Memory, MemoryStore, Mutation, OnConflict, Result, Selection};

use super::prelude::*;
use crate::fixture::Subject;

pub(super) fn takes_times_and_revision_as_they_are(subject: &Subject) {
    let store = subject.store();
    let memory = full();
    let report = restore(&store, &memory, OnConflict::Fail).unwrap();
    assert_eq!(report.outcomes[0].effect, Effect::Created);
    assert_eq!(report.outcomes[0].revision, Some(revision(41)));
    same(&get(&store, &here(), id(1)), &memory);
    // Written before it was created, in the future, at the ends of time: the row says so.
    let mut odd = row(id(2), "odd", polymnia::Timestamp::MAX);
    odd.updated_at = polymnia::Timestamp::MIN;
    odd.revision = revision(i64::MAX);
    restore(&store, &odd, OnConflict::Fail).unwrap();
    same(&get(&store, &here(), id(2)), &odd);
}

pub(super) fn fails_over_another(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("stored"));
    let before = get(&store, &here(), id(1));
    let error = refused(restore(&store, &full(), OnConflict::Fail), ErrorKind::Conflict);
    assert!(error.to_string().contains(&id(1).to_string()), "{error} names the id");
    refused(restore(&store, &before, OnConflict::Fail), ErrorKind::Conflict);
    same(&get(&store, &here(), id(1)), &before);
    let elsewhere = [Mutation::Restore { memory: full(), on_conflict: OnConflict::Fail }];
    store.apply(&ns("elsewhere"), &elsewhere).unwrap();
}

pub(super) fn skips_another(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("stored"));
    let before = get(&store, &here(), id(1));
    let batch = [
        Mutation::Restore { memory: full(), on_conflict: OnConflict::Skip },
        Mutation::Restore { memory: row(id(2), "new", before.created_at), on_conflict: OnConflict::Skip },
    ];
    let outcomes = store.apply(&here(), &batch).unwrap().outcomes;
    assert_eq!(outcomes.iter().map(|outcome| outcome.effect).collect::<Vec<_>>(), [Effect::Skipped, Effect::Created]);
    assert_eq!(outcomes[0].revision, None);
    same(&get(&store, &here(), id(1)), &before);
}

pub(super) fn replaces_another(subject: &Subject) {
    let store = subject.store();
    for _ in 0..50 {
        put(&store, &here(), id(1), new("stored").with_user(user("other")));
    }
    let report = restore(&store, &full(), OnConflict::Replace).unwrap();
    assert_eq!(report.outcomes[0].effect, Effect::Updated);
    assert_eq!(report.outcomes[0].revision, Some(revision(41)));
    same(&get(&store, &here(), id(1)), &full());
    let bare = row(id(1), "bare", time("1970-01-01"));
    restore(&store, &bare, OnConflict::Replace).unwrap();
    same(&get(&store, &here(), id(1)), &bare);
}

pub(super) fn goes_on_counting_from_the_revision(subject: &Subject) {
    let store = subject.store();
    restore(&store, &full(), OnConflict::Fail).unwrap();
    let outcome = put(&store, &here(), id(1), new("next"));
    assert_eq!((outcome.effect, outcome.revision), (Effect::Updated, Some(revision(42))));
    let memory = get(&store, &here(), id(1));
    assert_eq!(memory.created_at, full().created_at);
    // The row was written in the future, and a memory's last writing never goes back.
    assert_eq!(memory.updated_at, full().updated_at);
}

pub(super) fn over_an_expired_row_counts_as_new(subject: &Subject) {
    let store = subject.store();
    for on_conflict in [OnConflict::Fail, OnConflict::Skip, OnConflict::Replace] {
        let now = subject.clock().now();
        let over = Memory { expires_at: Some(now), ..row(id(1), "over", now) };
        restore(&store, &over, OnConflict::Replace).unwrap();
        let next = row(id(1), "next", later(now, -5));
        let report = restore(&store, &next, on_conflict).unwrap();
        assert_eq!(report.outcomes[0].effect, Effect::Created, "{on_conflict:?}");
        same(&get(&store, &here(), id(1)), &next);
    }
}

pub(super) fn of_an_expired_row_keeps_it_hidden(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().advance(Duration::from_secs(1));
    let over = Memory { expires_at: Some(later(now, -1)), ..full() };
    restore(&store, &over, OnConflict::Fail).unwrap();
    assert_eq!(store.get(&here(), id(1)).unwrap(), None);
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), 0);
    assert_eq!(store.admin().namespaces(None, 10).unwrap()[0].memories, 1, "the row is carried");
    subject.clock().set(later(now, -2));
    same(&get(&store, &here(), id(1)), &over);
}

pub(super) fn twice_in_one_batch(subject: &Subject) {
    let store = subject.store();
    let other = Memory { revision: revision(7), ..row(id(1), "other", time("2020-01-01")) };
    let both = |on_conflict| {
        [
            Mutation::Restore { memory: full(), on_conflict: OnConflict::Fail },
            Mutation::Restore { memory: other.clone(), on_conflict },
        ]
    };
    refused(store.apply(&here(), &both(OnConflict::Fail)), ErrorKind::Conflict);
    assert_eq!(store.get(&here(), id(1)).unwrap(), None);
    let outcomes = store.apply(&here(), &both(OnConflict::Skip)).unwrap().outcomes;
    assert_eq!(outcomes[1].effect, Effect::Skipped);
    same(&get(&store, &here(), id(1)), &full());
    store.delete(&here(), id(1)).unwrap();
    let outcomes = store.apply(&here(), &both(OnConflict::Replace)).unwrap().outcomes;
    assert_eq!((outcomes[1].effect, outcomes[1].revision), (Effect::Updated, Some(revision(7))));
    same(&get(&store, &here(), id(1)), &other);
}

fn restore(store: &MemoryStore, memory: &Memory, on_conflict: OnConflict) -> Result<ApplyReport> {
    store.apply(&here(), &[Mutation::Restore { memory: memory.clone(), on_conflict }])
}

fn full() -> Memory {
    Memory {
        id: id(1),
        user_id: Some(user("u")),
        agent_id: Some(agent("a")),
        thread_id: Some(thread("t")),
        tier: tier("long_term"),
        content: content("full"),
        metadata: metadata(r#"{"n": 1.50, "a": [null, {}]}"#),
        importance: importance(0.1),
        related_threads: threads(["x", "y"]),
        revision: revision(41),
        created_at: time("1999-12-31T23:59:59.999999Z"),
        updated_at: time("2099-01-01T00:00:00.000001Z"),
        expires_at: Some(time("2100-01-01T00:00:00Z")),
    }
}
