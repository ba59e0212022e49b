//! Batches: as if one mutation after the other, all of it or nothing.

use std::time::Duration;

use polymnia::{
    ApplyReport, Change, Effect, ErrorKind, Expect, MemoryStore, Mutation, OnConflict, Outcome, Patch, Revision,
    Selection,
};

use super::prelude::*;
use crate::fixture::Subject;

const FIRST: Revision = Revision::FIRST;

pub(super) fn reports_one_outcome_a_mutation(subject: &Subject) {
    let store = subject.store();
    for number in 1..=3 {
        put(&store, &here(), id(number), new("before"));
    }
    let batch = [
        put_mutation(id(9), new("new")),
        put_mutation(id(1), new("over")),
        update_mutation(2, "x", Expect::Any),
        delete_mutation(id(3)),
        delete_mutation(id(8)),
        restore_mutation(1, OnConflict::Skip),
        Mutation::Restore { memory: row(id(7), "restored", subject.clock().now()), on_conflict: OnConflict::Fail },
    ];
    let report = store.apply(&here(), &batch).unwrap();
    let expected = [
        (9, Effect::Created, Some(1)),
        (1, Effect::Updated, Some(2)),
        (2, Effect::Updated, Some(2)),
        (3, Effect::Deleted, None),
        (8, Effect::Missing, None),
        (1, Effect::Skipped, None),
        (7, Effect::Created, Some(1)),
    ];
    assert_eq!(report.outcomes, expected.map(outcome));
}

pub(super) fn of_nothing_does_nothing(subject: &Subject) {
    let store = subject.store();
    assert_eq!(store.apply(&here(), &[]).unwrap(), ApplyReport::default());
    // The store answers that by itself; the engine must be able to.
    let call = polymnia::Call::at(subject.clock().now());
    assert_eq!(subject.engine().apply(&call, &here(), &[]).unwrap(), ApplyReport::default());
    assert_eq!(store.admin().namespaces(None, 10).unwrap(), []);
}

pub(super) fn fails_as_a_whole(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("one"));
    put(&store, &here(), id(2), new("two"));
    let before = all(&store, &here(), Selection::default());
    let faults = [
        update_mutation(50, "x", Expect::Any),
        Mutation::Put { id: id(1), memory: new("x"), expect: Expect::Absent },
        Mutation::Delete { id: id(2), expect: Expect::Revision(revision(9)) },
        restore_mutation(2, OnConflict::Fail),
        put_mutation(id(2), new("x").with_created_at(time("1999-01-01"))),
    ];
    for fault in faults {
        for place in [0, 3, 6] {
            let mut batch = vec![
                put_mutation(id(11), new("new")),
                put_mutation(id(1), new("over")),
                update_mutation(2, "x", Expect::Any),
                delete_mutation(id(1)),
                put_mutation(id(12), new("new")),
                put_mutation(id(1), new("again")),
            ];
            batch.insert(place, fault.clone());
            let error = store.apply(&here(), &batch).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound), "{error:?}");
            assert_eq!(all(&store, &here(), Selection::default()), before, "fault at {place}: {fault:?}");
        }
    }
}

pub(super) fn names_the_first_fault(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("one"));
    let missing = update_mutation(50, "x", Expect::Any);
    let taken = Mutation::Put { id: id(1), memory: new("x"), expect: Expect::Absent };
    let stale = Mutation::Delete { id: id(1), expect: Expect::Revision(revision(9)) };
    let restored = restore_mutation(1, OnConflict::Fail);
    let fine = put_mutation(id(2), new("fine"));
    let cases: [(&[&Mutation], usize, ErrorKind, u64); 7] = [
        (&[&fine, &missing], 1, ErrorKind::NotFound, 50),
        (&[&missing, &taken], 0, ErrorKind::NotFound, 50),
        (&[&taken, &missing], 0, ErrorKind::Conflict, 1),
        (&[&fine, &stale, &missing, &taken], 1, ErrorKind::Conflict, 1),
        (&[&fine, &fine, &missing, &stale, &restored], 2, ErrorKind::NotFound, 50),
        (&[&fine, &fine, &fine, &restored, &missing], 3, ErrorKind::Conflict, 1),
        (&[&fine, &fine, &fine, &fine, &taken, &restored], 4, ErrorKind::Conflict, 1),
    ];
    for (batch, place, kind, at) in cases {
        let batch: Vec<Mutation> = batch.iter().map(|mutation| (*mutation).clone()).collect();
        let error = refused(store.apply(&here(), &batch), kind);
        assert_eq!(error.context_value("mutation"), Some(place.to_string().as_str()), "{error:?} of {batch:?}");
        assert!(error.to_string().contains(&id(at).to_string()), "{error} names {}", id(at));
    }
}

pub(super) fn names_no_place_in_a_batch_of_one(subject: &Subject) {
    let store = subject.store();
    let error = refused(store.apply(&here(), &[update_mutation(1, "x", Expect::Any)]), ErrorKind::NotFound);
    assert_eq!(error.context_value("mutation"), None, "{error:?}");
}

pub(super) fn sees_its_own_writes(subject: &Subject) {
    let store = subject.store();
    let batch = [
        Mutation::Put { id: id(1), memory: new("a"), expect: Expect::Absent },
        Mutation::Put { id: id(1), memory: new("b"), expect: Expect::Revision(revision(1)) },
        update_mutation(1, "x", Expect::Revision(revision(2))),
        restore_mutation(1, OnConflict::Skip),
        Mutation::Delete { id: id(1), expect: Expect::Revision(revision(3)) },
        Mutation::Delete { id: id(1), expect: Expect::Absent },
        Mutation::Put { id: id(1), memory: new("c"), expect: Expect::Absent },
    ];
    let report = store.apply(&here(), &batch).unwrap();
    let expected = [
        (1, Effect::Created, Some(1)),
        (1, Effect::Updated, Some(2)),
        (1, Effect::Updated, Some(3)),
        (1, Effect::Skipped, None),
        (1, Effect::Deleted, None),
        (1, Effect::Missing, None),
        (1, Effect::Created, Some(1)),
    ];
    assert_eq!(report.outcomes, expected.map(outcome));
    same(&get(&store, &here(), id(1)), &row(id(1), "c", subject.clock().now()));
}

pub(super) fn writes_one_id_many_times(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("before"));
    let batch: Vec<_> = (0..500).map(|n| put_mutation(id(1), new(n.to_string()))).collect();
    let report = store.apply(&here(), &batch).unwrap();
    let revisions: Vec<i64> = report.outcomes.iter().map(|outcome| outcome.revision.unwrap().as_i64()).collect();
    assert_eq!(revisions, (2..=501).collect::<Vec<_>>());
    let memory = get(&store, &here(), id(1));
    assert_eq!((memory.content.as_str(), memory.revision), ("499", revision(501)));
}

pub(super) fn takes_away_and_puts_again(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("a").with_created_at(time("2001-01-01")));
    put(&store, &here(), id(2), new("a"));
    let now = subject.clock().advance(Duration::from_secs(1));
    let batch = [
        put_mutation(id(1), new("b")),
        delete_mutation(id(1)),
        put_mutation(id(1), new("c").with_created_at(time("2002-02-02"))),
        delete_mutation(id(2)),
        put_mutation(id(3), new("c")),
        delete_mutation(id(3)),
    ];
    store.apply(&here(), &batch).unwrap();
    let mut expected = row(id(1), "c", now);
    expected.created_at = time("2002-02-02");
    assert_eq!(all(&store, &here(), Selection::default()), [expected]);
}

pub(super) fn fails_by_its_own_writes(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("before"));
    let before = all(&store, &here(), Selection::default());
    let put_absent = |number| Mutation::Put { id: id(number), memory: new("x"), expect: Expect::Absent };
    let cases = [
        (vec![put_absent(2), put_absent(2)], ErrorKind::Conflict),
        (vec![delete_mutation(id(1)), update_mutation(1, "x", Expect::Any)], ErrorKind::NotFound),
        (vec![put_mutation(id(1), new("x")), update_mutation(1, "x", Expect::Revision(FIRST))], ErrorKind::Conflict),
        (
            vec![put_mutation(id(2), new("x")), put_mutation(id(2), new("x").with_created_at(time("2001-01-01")))],
            ErrorKind::Conflict,
        ),
        (vec![restore_mutation(2, OnConflict::Fail), restore_mutation(2, OnConflict::Fail)], ErrorKind::Conflict),
    ];
    for (batch, kind) in cases {
        let error = refused(store.apply(&here(), &batch), kind);
        assert_eq!(error.context_value("mutation"), Some("1"), "{error:?}");
        assert_eq!(all(&store, &here(), Selection::default()), before);
    }
}

pub(super) fn updates_what_it_has_just_put(subject: &Subject) {
    let store = subject.store();
    let patch = Patch { user_id: Change::Set(user("v")), metadata: Some(metadata(r#"{"a": 1}"#)), ..Patch::default() };
    let batch = [
        put_mutation(id(1), new("a").with_user(user("u")).with_agent(agent("g"))),
        Mutation::Update { id: id(1), patch, expect: Expect::Any },
        update_mutation(1, "x", Expect::Any),
    ];
    store.apply(&here(), &batch).unwrap();
    let mut expected = row(id(1), "a", subject.clock().now());
    expected.user_id = Some(user("v"));
    expected.agent_id = Some(agent("g"));
    expected.metadata = metadata(r#"{"a": 1}"#);
    expected.tier = tier("x");
    expected.revision = revision(3);
    same(&get(&store, &here(), id(1)), &expected);
}

pub(super) fn gives_every_write_the_same_time(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    let batch: Vec<_> = (0..100).map(|n| put_mutation(id(n), new("a"))).collect();
    store.apply(&here(), &batch).unwrap();
    let memories = all(&store, &here(), Selection::default());
    assert_eq!(memories.len(), 100);
    assert!(memories.iter().all(|memory| memory.created_at == now && memory.updated_at == now));
}

pub(super) fn at_its_greatest(subject: &Subject) {
    let store = subject.store();
    let most = MemoryStore::MAX_BATCH as u64;
    let batch: Vec<_> = (0..most).map(|n| put_mutation(id(n), new("a").with_user(user("u")))).collect();
    let report = store.apply(&here(), &batch).unwrap();
    assert!(report.outcomes.iter().enumerate().all(|(n, outcome)| outcome.id == id(n as u64)));
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), most);
    let mut batch: Vec<_> = (0..most).map(|n| update_mutation(n, "x", Expect::Revision(Revision::FIRST))).collect();
    batch[9_999] = update_mutation(most, "x", Expect::Any);
    let error = refused(store.apply(&here(), &batch), ErrorKind::NotFound);
    assert_eq!(error.context_value("mutation"), Some("9999"));
    assert_eq!(store.count(&here(), &Selection::default().with_tier(tier("x"))).unwrap(), 0);
    let batch: Vec<_> = (0..most).map(|n| delete_mutation(id(n))).collect();
    let report = store.apply(&here(), &batch).unwrap();
    assert!(report.outcomes.iter().all(|outcome| outcome.effect == Effect::Deleted));
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), 0);
}

pub(super) fn beyond_its_greatest_is_refused(subject: &Subject) {
    let store = subject.store();
    let batch = vec![delete_mutation(id(1)); MemoryStore::MAX_BATCH + 1];
    let error = refused(store.apply(&here(), &batch), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("10000"), "{error}");
}

pub(super) fn beyond_its_greatest_payload_is_refused(subject: &Subject) {
    let store = subject.store();
    let large = new("x".repeat(1 << 20));
    let mut batch: Vec<_> = (0..63).map(|n| put_mutation(id(n), large.clone())).collect();
    batch.push(put_mutation(id(63), new("x".repeat((1 << 20) - 63 * 2 - 2))));
    assert_eq!(batch.iter().map(Mutation::payload_bytes).sum::<usize>(), MemoryStore::MAX_BATCH_BYTES);
    store.apply(&here(), &batch).unwrap();
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), 64);
    batch.push(put_mutation(id(64), new("")));
    let error = refused(store.apply(&here(), &batch), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("67108864"), "{error}");
}

pub(super) fn of_large_rows(subject: &Subject) {
    let store = subject.store();
    let pad = "p".repeat(700_000);
    let batch: Vec<_> = (0..6)
        .map(|n| {
            let metadata = metadata(&format!(r#"{{"n": {n}, "pad": "{pad}"}}"#));
            put_mutation(id(n), new(format!("{n}{pad}")).with_metadata(metadata))
        })
        .collect();
    store.apply(&here(), &batch).unwrap();
    for n in 0..6 {
        let memory = get(&store, &here(), id(n));
        assert!(memory.content.as_str() == format!("{n}{pad}"));
        let selection = contains(&format!(r#"{{"n": {n}}}"#));
        if claimed(&store, &selection) {
            let found = all(&store, &here(), selection);
            assert_eq!(numbers(&found), [n]);
            same(&found[0], &memory);
        }
    }
    assert_eq!(all(&store, &here(), Selection::default()).len(), 6);
}

fn update_mutation(number: u64, to: &str, expect: Expect) -> Mutation {
    Mutation::Update { id: id(number), patch: Patch { tier: Some(tier(to)), ..Patch::default() }, expect }
}

fn restore_mutation(number: u64, on_conflict: OnConflict) -> Mutation {
    Mutation::Restore { memory: row(id(number), "restored", time("2020-01-01")), on_conflict }
}

fn outcome((number, effect, revision): (u64, Effect, Option<i64>)) -> Outcome {
    Outcome { id: id(number), effect, revision: revision.map(super::prelude::revision) }
}
