//! Memories whose time is over: `expires_at <= now`.

use std::time::Duration;

use polymnia::{
    Change, Effect, ErrorKind, Expect, Memory, MemoryStore, Mutation, Order, Patch, Query, Revision, Selection,
    Timestamp,
};

use super::prelude::*;
use crate::fixture::Subject;

pub(super) fn hides_from_every_read(subject: &Subject) {
    let store = subject.store();
    let (over, _) = with_expired(subject, &store);
    assert_eq!(store.get(&here(), over).unwrap(), None);
    let both = store.get_many(&here(), &[over, id(2)]).unwrap();
    assert_eq!(both.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
    for order in Order::ALL {
        let page = store.query(&here(), &Query::default().with_order(order)).unwrap();
        assert_eq!(numbers(&page.memories), [2]);
        assert_eq!(page.next, None);
    }
    for selection in [Selection::default(), Selection::default().with_user(user("u")), contains(r#"{"a": 1}"#)] {
        if !claimed(&store, &selection) {
            continue;
        }
        assert_eq!(numbers(&all(&store, &here(), selection.clone())), [2]);
        assert_eq!(store.count(&here(), &selection).unwrap(), 1);
    }
    let stats = store.stats(&here()).unwrap();
    assert_eq!((stats.memories, stats.content_bytes, stats.threads), (1, 5, 0));
    assert_eq!(stats.by_tier.iter().map(|group| group.memories).sum::<u64>(), 1);
}

pub(super) fn hides_at_the_very_moment(subject: &Subject) {
    let store = subject.store();
    let end = later(subject.clock().now(), 1_000);
    put(&store, &here(), id(1), new("short").with_expires_at(end));
    for (now, there) in [(later(end, -1), true), (end, false), (later(end, 1), false), (later(end, -1), true)] {
        subject.clock().set(now);
        assert_eq!(store.get(&here(), id(1)).unwrap().is_some(), there);
        assert_eq!(store.count(&here(), &Selection::default()).unwrap(), u64::from(there));
        assert_eq!(all(&store, &here(), Selection::default()).len(), usize::from(there));
        assert_eq!(store.stats(&here()).unwrap().memories, u64::from(there));
    }
}

pub(super) fn leaves_what_never_expires(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("for ever"));
    put(&store, &here(), id(2), new("nearly").with_expires_at(Timestamp::MAX));
    subject.clock().set(later(Timestamp::MAX, -1));
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), 2);
    subject.clock().set(Timestamp::MAX);
    assert_eq!(numbers(&all(&store, &here(), Selection::default())), [1]);
}

pub(super) fn lets_a_put_count_as_new(subject: &Subject) {
    let store = subject.store();
    let (over, end) = with_expired(subject, &store);
    let now = subject.clock().now();
    assert!(now >= end);
    let outcome = put(&store, &here(), over, new("new"));
    assert_eq!((outcome.effect, outcome.revision), (Effect::Created, Some(Revision::FIRST)));
    same(&get(&store, &here(), over), &row(over, "new", now));
    // What was there does not come back when the clock does.
    subject.clock().set(later(end, -1));
    assert_eq!(get(&store, &here(), over).content.as_str(), "new");
}

pub(super) fn lets_a_put_bring_another_created_at(subject: &Subject) {
    let store = subject.store();
    let (over, _) = with_expired(subject, &store);
    let created = time("1986-04-26T01:23:45Z");
    put(&store, &here(), over, new("new").with_created_at(created));
    let memory = get(&store, &here(), over);
    assert_eq!((memory.created_at, memory.updated_at), (created, subject.clock().now()));
}

pub(super) fn is_absence_for_expectations(subject: &Subject) {
    let store = subject.store();
    let (over, _) = with_expired(subject, &store);
    for number in [1, 2] {
        let expect = Expect::Revision(revision(number));
        refused(store.put_at(&here(), over, new("x"), expect), ErrorKind::Conflict);
        refused(store.apply(&here(), &[Mutation::Delete { id: over, expect }]), ErrorKind::Conflict);
    }
    let outcome = store.put_at(&here(), over, new("new"), Expect::Absent).unwrap();
    assert_eq!((outcome.effect, outcome.revision), (Effect::Created, Some(Revision::FIRST)));
}

pub(super) fn is_absence_for_update_and_delete(subject: &Subject) {
    let store = subject.store();
    let (over, end) = with_expired(subject, &store);
    let patch = Patch { expires_at: Change::Clear, ..Patch::default() };
    refused(store.update(&here(), over, patch, Expect::Any), ErrorKind::NotFound);
    assert_eq!(store.get(&here(), over).unwrap(), None);
    let delete = [Mutation::Delete { id: over, expect: Expect::Absent }];
    assert_eq!(store.apply(&here(), &delete).unwrap().outcomes[0].effect, Effect::Missing);
    assert!(!store.delete(&here(), over).unwrap());
    assert_eq!(numbers(&all(&store, &here(), Selection::default())), [2]);
    subject.clock().set(later(end, 1));
    assert_eq!(store.get(&here(), over).unwrap(), None);
}

pub(super) fn of_a_memory_that_is_put_expired(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    for (number, end) in (1..).zip([Timestamp::MIN, later(now, -1), now]) {
        let outcome = put(&store, &here(), id(number), new("late").with_expires_at(end));
        assert_eq!((outcome.effect, outcome.revision), (Effect::Created, Some(Revision::FIRST)));
        assert_eq!(store.get(&here(), id(number)).unwrap(), None);
        let again = put(&store, &here(), id(number), new("later").with_expires_at(later(now, 1)));
        assert_eq!((again.effect, again.revision), (Effect::Created, Some(Revision::FIRST)));
        let ended = put(&store, &here(), id(number), new("ended").with_expires_at(end));
        assert_eq!((ended.effect, ended.revision), (Effect::Updated, Some(revision(2))));
        assert_eq!(store.get(&here(), id(number)).unwrap(), None);
    }
}

pub(super) fn within_a_batch(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    let over = |expect| Mutation::Put { id: id(1), memory: new("over").with_expires_at(now), expect };
    let end = |expires_at| Mutation::Update {
        id: id(1),
        patch: Patch { expires_at, ..Patch::default() },
        expect: Expect::Any,
    };
    let batch = [
        over(Expect::Absent),
        over(Expect::Absent),
        delete_mutation(id(1)),
        put_mutation(id(1), new("live")),
        end(Change::Set(later(now, 1))),
        end(Change::Set(now)),
        Mutation::Put { id: id(1), memory: new("new").with_created_at(time("2001-01-01")), expect: Expect::Absent },
    ];
    let outcomes = store.apply(&here(), &batch).unwrap().outcomes;
    let told: Vec<_> = outcomes.iter().map(|outcome| (outcome.effect, outcome.revision.map(Revision::as_i64))).collect();
    let expected = [
        (Effect::Created, Some(1)),
        (Effect::Created, Some(1)),
        (Effect::Missing, None),
        (Effect::Created, Some(1)),
        (Effect::Updated, Some(2)),
        (Effect::Updated, Some(3)),
        (Effect::Created, Some(1)),
    ];
    assert_eq!(told, expected);
    let error = refused(store.apply(&here(), &[end(Change::Set(now)), end(Change::Clear)]), ErrorKind::NotFound);
    assert_eq!(error.context_value("mutation"), Some("1"));
    let memory = get(&store, &here(), id(1));
    assert_eq!((memory.content.as_str(), memory.revision, memory.expires_at), ("new", Revision::FIRST, None));
}

pub(super) fn can_be_put_off_and_cleared(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    for number in 1..=3 {
        put(&store, &here(), id(number), new("short").with_expires_at(later(now, 10)));
    }
    let expire = |expires_at| Patch { expires_at, ..Patch::default() };
    store.update(&here(), id(1), expire(Change::Set(later(now, 20))), Expect::Any).unwrap();
    store.update(&here(), id(2), expire(Change::Clear), Expect::Any).unwrap();
    subject.clock().set(later(now, 10));
    assert_eq!(numbers(&all(&store, &here(), Selection::default())), [2, 1]);
    subject.clock().set(later(now, 20));
    assert_eq!(numbers(&all(&store, &here(), Selection::default())), [2]);
}

pub(super) fn is_not_what_delete_matching_removes(subject: &Subject) {
    let store = subject.store();
    let (over, end) = with_expired(subject, &store);
    assert_eq!(store.delete_matching(&here(), &Selection::default().with_user(user("u"))).unwrap(), 1);
    assert_eq!(store.delete_matching(&here(), &Selection::default()).unwrap(), 0);
    subject.clock().set(later(end, -1));
    assert_eq!(get(&store, &here(), over).content.as_str(), "over");
}

/// Whoever deletes a memory may rely on nothing of it being left.
pub(super) fn a_delete_removes_the_expired_row(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    for (number, expect) in [(1, Expect::Any), (2, Expect::Absent)] {
        put(&store, &here(), id(number), new("over").with_expires_at(now));
        let outcome = store.apply(&here(), &[Mutation::Delete { id: id(number), expect }]).unwrap().outcomes[0];
        assert_eq!((outcome.effect, outcome.revision), (Effect::Missing, None));
        assert_eq!(store.admin().namespaces(None, 10).unwrap(), [], "{expect:?}");
    }
    assert_eq!(store.admin().sweep(10).unwrap(), 0);
}

pub(super) fn sweep_removes_what_expired(subject: &Subject) {
    let store = subject.store();
    let (over, end) = with_expired(subject, &store);
    put(&store, &ns("elsewhere"), id(9), new("over too").with_expires_at(end));
    assert_eq!(store.admin().sweep(100).unwrap(), 2);
    assert_eq!(store.admin().sweep(100).unwrap(), 0);
    subject.clock().set(later(end, -1));
    assert_eq!(store.get(&here(), over).unwrap(), None);
    assert_eq!(store.get(&ns("elsewhere"), id(9)).unwrap(), None);
    assert_eq!(get(&store, &here(), id(2)).content.as_str(), "still");
}

pub(super) fn sweep_keeps_its_limit(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    for (name, count) in [("a", 7_u64), ("b", 6)] {
        let batch: Vec<_> = (0..count).map(|n| put_mutation(id(n), new("over").with_expires_at(now))).collect();
        store.apply(&ns(name), &batch).unwrap();
    }
    put(&store, &ns("a"), id(100), new("still").with_expires_at(later(now, 1)));
    let swept: Vec<u64> = (0..5).map(|_| store.admin().sweep(5).unwrap()).collect();
    assert_eq!(swept, [5, 5, 3, 0, 0]);
    assert_eq!(get(&store, &ns("a"), id(100)).content.as_str(), "still");
}

pub(super) fn is_counted_in_the_list_of_namespaces(subject: &Subject) {
    let store = subject.store();
    let (_, end) = with_expired(subject, &store);
    put(&store, &ns("over"), id(1), new("over").with_expires_at(end));
    let listed = store.admin().namespaces(None, 10).unwrap();
    let told: Vec<_> = listed.iter().map(|summary| (summary.namespace.as_str(), summary.memories)).collect();
    assert_eq!(told, [("acme", 2), ("over", 1)]);
}

/// Puts memory 1, which expires, and memory 2, which goes on; waits; returns the first one's id and its end.
fn with_expired(subject: &Subject, store: &MemoryStore) -> (polymnia::MemoryId, Timestamp) {
    let begin = subject.clock().now();
    let end = later(begin, 5_000_000);
    let data = metadata(r#"{"a": 1, "b": 2}"#);
    let over = new("over").with_user(user("u")).with_thread(thread("t")).with_metadata(data.clone());
    put(store, &here(), id(1), over.clone().with_expires_at(end));
    put(store, &here(), id(1), over.with_expires_at(end));
    put(store, &here(), id(2), new("still").with_user(user("u")).with_metadata(data));
    let memory: Memory = get(store, &here(), id(1));
    assert_eq!(memory.revision, revision(2));
    subject.clock().advance(Duration::from_secs(5));
    (id(1), end)
}
