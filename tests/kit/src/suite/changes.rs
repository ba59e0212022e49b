//! The recording of changes, for those who follow.

use std::collections::BTreeSet;

use polymnia::{ChangeOperation, ChangeRecord, Effect, Expect, MemoryStore, Mutation, OnConflict, Selection};

use super::prelude::*;
use crate::fixture::Subject;

use ChangeOperation::{Delete, Write};

pub(super) fn are_not_recorded_unless_asked_for(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("a"));
    store.delete(&here(), id(1)).unwrap();
    assert_eq!(changes(&store), []);
}

pub(super) fn are_recorded_in_order(subject: &Subject) {
    let store = capturing(subject);
    put(&store, &here(), id(1), new("a"));
    put(&store, &ns("elsewhere"), id(1), new("b"));
    put(&store, &here(), id(1), new("c"));
    store.update(&here(), id(1), polymnia::Patch { tier: Some(tier("x")), ..Default::default() }, Expect::Any).unwrap();
    store.delete(&here(), id(1)).unwrap();
    let restore = Mutation::Restore { memory: row(id(2), "d", time("2020-01-01")), on_conflict: OnConflict::Fail };
    store.apply(&here(), &[restore]).unwrap();
    let expected = [
        ("acme", 1, Write),
        ("elsewhere", 1, Write),
        ("acme", 1, Write),
        ("acme", 1, Write),
        ("acme", 1, Delete),
        ("acme", 2, Write),
    ];
    let recorded = changes(&store);
    assert_eq!(told(&recorded), expected);
    let transactions: BTreeSet<i64> = recorded.iter().map(|change| change.transaction).collect();
    assert_eq!(transactions.len(), expected.len(), "each call was a transaction");
}

pub(super) fn of_one_transaction_share_it(subject: &Subject) {
    let store = capturing(subject);
    put(&store, &here(), id(9), new("before"));
    let batch: Vec<_> = (1..=5).map(|n| put_mutation(id(n), new("a"))).chain([delete_mutation(id(9))]).collect();
    store.apply(&here(), &batch).unwrap();
    put(&store, &here(), id(7), new("after"));
    let recorded = changes(&store);
    assert_eq!(recorded.len(), 8);
    let of_batch = &recorded[1..7];
    assert!(of_batch.iter().all(|change| change.transaction == of_batch[0].transaction), "{recorded:?}");
    assert_ne!(recorded[0].transaction, of_batch[0].transaction);
    assert_ne!(recorded[7].transaction, of_batch[0].transaction);
    let ids: BTreeSet<(u64, bool)> = told(of_batch).iter().map(|(_, id, op)| (*id, *op == Delete)).collect();
    let expected = [(1, false), (2, false), (3, false), (4, false), (5, false), (9, true)];
    assert_eq!(ids, BTreeSet::from(expected));
}

pub(super) fn end_with_the_last_of_an_id(subject: &Subject) {
    let store = capturing(subject);
    let batch = [
        put_mutation(id(1), new("a")),
        put_mutation(id(2), new("a")),
        delete_mutation(id(1)),
        put_mutation(id(2), new("b")),
        delete_mutation(id(2)),
        put_mutation(id(2), new("c")),
    ];
    store.apply(&here(), &batch).unwrap();
    // An engine may record every change of the batch or what became of each memory; the last is what counts.
    let recorded = changes(&store);
    let last = |number| told(&recorded).into_iter().rfind(|(_, id, _)| *id == number).map(|(_, _, op)| op);
    assert_eq!(last(2), Some(Write));
    assert!(matches!(last(1), None | Some(Delete)), "{recorded:?}");
}

pub(super) fn of_what_was_left_alone_are_none(subject: &Subject) {
    let store = capturing(subject);
    put(&store, &here(), id(1), new("a"));
    let batch = [
        Mutation::Restore { memory: row(id(1), "skipped", time("2020-01-01")), on_conflict: OnConflict::Skip },
        delete_mutation(id(2)),
    ];
    let effects: Vec<_> = store.apply(&here(), &batch).unwrap().outcomes.iter().map(|outcome| outcome.effect).collect();
    assert_eq!(effects, [Effect::Skipped, Effect::Missing]);
    store.delete_matching(&here(), &Selection::default().with_user(user("nobody"))).unwrap();
    assert_eq!(told(&changes(&store)), [("acme", 1, Write)]);
}

/// Those who follow carry expired rows until they hear that they went.
pub(super) fn of_an_expired_row_that_a_delete_removes(subject: &Subject) {
    let store = capturing(subject);
    let now = subject.clock().now();
    put(&store, &here(), id(1), new("over").with_expires_at(now));
    assert!(!store.delete(&here(), id(1)).unwrap());
    assert!(!store.delete(&here(), id(1)).unwrap());
    assert_eq!(told(&changes(&store)), [("acme", 1, Write), ("acme", 1, Delete)]);
}

pub(super) fn of_a_failed_batch_are_none(subject: &Subject) {
    let store = capturing(subject);
    let batch = [put_mutation(id(1), new("a")), Mutation::Delete { id: id(2), expect: Expect::Revision(revision(1)) }];
    store.apply(&here(), &batch).unwrap_err();
    assert_eq!(changes(&store), []);
}

pub(super) fn of_delete_matching(subject: &Subject) {
    let store = subject.store();
    for number in 1..=4 {
        put(&store, &here(), id(number), new("a").with_user(user(if number < 4 { "u" } else { "v" })));
    }
    store.admin().set_change_capture(true).unwrap();
    assert_eq!(store.delete_matching(&here(), &Selection::default().with_user(user("u"))).unwrap(), 3);
    let recorded = changes(&store);
    let ids: BTreeSet<_> = told(&recorded).into_iter().map(|(_, id, op)| (id, op == Delete)).collect();
    assert_eq!(ids, BTreeSet::from([(1, true), (2, true), (3, true)]));
    assert!(recorded.iter().all(|change| change.transaction == recorded[0].transaction));
}

pub(super) fn of_a_sweep(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    put(&store, &here(), id(1), new("over").with_expires_at(now));
    put(&store, &ns("elsewhere"), id(2), new("over").with_expires_at(now));
    put(&store, &here(), id(3), new("still"));
    store.admin().set_change_capture(true).unwrap();
    assert_eq!(store.admin().sweep(10).unwrap(), 2);
    let recorded = changes(&store);
    let ids: BTreeSet<_> = told(&recorded).into_iter().map(|(name, id, op)| (name, id, op == Delete)).collect();
    assert_eq!(ids, BTreeSet::from([("acme", 1, true), ("elsewhere", 2, true)]));
}

pub(super) fn of_a_rename(subject: &Subject) {
    let store = capturing(subject);
    for number in 1..=3 {
        put(&store, &here(), id(number), new("a"));
    }
    store.admin().rename_namespace(&here(), &ns("moved")).unwrap();
    let recorded = changes(&store).split_off(3);
    let ids: BTreeSet<_> = told(&recorded).into_iter().map(|(name, id, op)| (name, id, op == Delete)).collect();
    let expected = [1, 2, 3].map(|id| [("acme", id, true), ("moved", id, false)]);
    assert_eq!(ids, BTreeSet::from_iter(expected.concat()));
    assert!(recorded.iter().all(|change| change.transaction == recorded[0].transaction), "{recorded:?}");
}

pub(super) fn of_a_deleted_namespace(subject: &Subject) {
    let store = capturing(subject);
    let now = subject.clock().now();
    put(&store, &here(), id(1), new("a"));
    put(&store, &here(), id(2), new("over").with_expires_at(now));
    put(&store, &ns("elsewhere"), id(1), new("a"));
    assert_eq!(store.admin().delete_namespace(&here()).unwrap(), 2);
    let recorded = changes(&store).split_off(3);
    let ids: BTreeSet<_> = told(&recorded).into_iter().map(|(name, id, op)| (name, id, op == Delete)).collect();
    assert_eq!(ids, BTreeSet::from([("acme", 1, true), ("acme", 2, true)]));
}

pub(super) fn are_read_page_by_page(subject: &Subject) {
    let store = capturing(subject);
    for number in 1..=23 {
        put(&store, &here(), id(number), new("a"));
    }
    let admin = store.admin();
    let mut read: Vec<ChangeRecord> = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let after = read.last().map_or(0, |change| change.sequence);
        let page = admin.changes(after, 10).unwrap();
        if page.is_empty() {
            break;
        }
        sizes.push(page.len());
        assert!(sizes.len() <= 3, "a page comes twice: {sizes:?}");
        read.extend(page);
    }
    assert_eq!(sizes, [10, 10, 3]);
    assert_eq!(read.iter().map(number).collect::<Vec<_>>(), (1..=23).collect::<Vec<_>>());
    assert!(read.is_sorted_by(|left, right| left.sequence < right.sequence));
    assert_eq!(admin.changes(i64::MAX, 10).unwrap(), []);
    assert_eq!(admin.changes(i64::MIN, 10_000).unwrap().len(), 23);
}

pub(super) fn stop_when_switched_off(subject: &Subject) {
    let store = capturing(subject);
    put(&store, &here(), id(1), new("a"));
    store.admin().set_change_capture(true).unwrap();
    store.admin().set_change_capture(false).unwrap();
    put(&store, &here(), id(2), new("a"));
    store.admin().set_change_capture(false).unwrap();
    store.admin().set_change_capture(true).unwrap();
    put(&store, &here(), id(3), new("a"));
    assert_eq!(told(&changes(&store)), [("acme", 1, Write), ("acme", 3, Write)]);
}

pub(super) fn are_switched_for_every_handle(subject: &Subject) {
    let store = subject.store();
    let another = subject.another();
    // Each handle has written before, so that whatever it keeps of the setting is stale.
    put(&another, &here(), id(1), new("a"));
    put(&store, &here(), id(2), new("a"));
    store.admin().set_change_capture(true).unwrap();
    put(&another, &here(), id(3), new("a"));
    another.admin().set_change_capture(false).unwrap();
    put(&store, &here(), id(4), new("a"));
    another.admin().set_change_capture(true).unwrap();
    put(&store, &here(), id(5), new("a"));
    assert_eq!(told(&changes(&another)), [("acme", 3, Write), ("acme", 5, Write)]);
}

fn capturing(subject: &Subject) -> MemoryStore {
    let store = subject.store();
    store.admin().set_change_capture(true).unwrap();
    store
}

#[track_caller]
fn changes(store: &MemoryStore) -> Vec<ChangeRecord> {
    let changes = store.admin().changes(0, 10_000).unwrap();
    assert!(changes.is_sorted_by(|left, right| left.sequence < right.sequence), "{changes:?}");
    changes
}

fn number(change: &ChangeRecord) -> u64 {
    u64::try_from(u128::from_be_bytes(*change.id.as_bytes())).unwrap()
}

fn told(changes: &[ChangeRecord]) -> Vec<(&str, u64, ChangeOperation)> {
    changes.iter().map(|change| (change.namespace.as_str(), number(change), change.operation)).collect()
}
