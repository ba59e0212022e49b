//! Orders and pages.

use std::time::Duration;

use polymnia::spi::Rows;
use polymnia::{
    Call, Cursor, ErrorKind, Memory, MemoryId, MemoryStore, Mutation, OnConflict, Order, Query, Selection,
    Timestamp,
};

use super::prelude::*;
use crate::fixture::Subject;

pub(super) fn every_order_is_total(subject: &Subject) {
    let store = subject.store();
    let memories = fill(&store);
    for order in Order::ALL {
        let mut expected = memories.clone();
        expected.sort_by(|left, right| order.compare(left, right));
        assert_eq!(page(&store, order, 1_000).memories, expected, "{order:?}");
    }
}

pub(super) fn ties_go_by_id(subject: &Subject) {
    let store = subject.store();
    for number in [5, 1, 4, 2, 3] {
        put(&store, &here(), id(number), new("same"));
    }
    for order in Order::ALL {
        let expected = match order.direction {
            polymnia::Direction::Ascending => [1, 2, 3, 4, 5],
            polymnia::Direction::Descending => [5, 4, 3, 2, 1],
        };
        assert_eq!(numbers(&page(&store, order, 10).memories), expected, "{order:?}");
    }
}

pub(super) fn ids_compare_as_unsigned_bytes(subject: &Subject) {
    let store = subject.store();
    let ids: Vec<MemoryId> = [
        "00000000-0000-0000-0000-000000000000",
        "00000000-0000-0000-0000-000000000001",
        "00000000-0000-0000-0000-0000000000ff",
        "00000000-0000-0000-8000-000000000000",
        "00000000-0001-0000-0000-000000000000",
        "0000007f-0000-0000-0000-000000000000",
        "00000080-0000-0000-0000-000000000000",
        "7fffffff-ffff-ffff-ffff-ffffffffffff",
        "80000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ]
    .map(|text| text.parse().unwrap())
    .to_vec();
    for id in ids.iter().rev() {
        put(&store, &here(), *id, new("same"));
    }
    for limit in [1, 3, 100] {
        let query = Query::default().with_order(Order::CREATED_ASC).with_limit(limit).unwrap();
        let read: Vec<MemoryId> = walk(&store, &here(), query).iter().map(|memory| memory.id).collect();
        assert_eq!(read, ids);
    }
}

pub(super) fn early_times_come_first(subject: &Subject) {
    let store = subject.store();
    let times = [
        Timestamp::MIN,
        time("0044-03-15T12:00:00Z"),
        later(time("1970-01-01"), -1),
        time("1970-01-01"),
        later(time("1970-01-01"), 1),
        time("9999-01-01"),
        Timestamp::MAX,
    ];
    for (number, at) in (1..).zip(times).collect::<Vec<_>>().into_iter().rev() {
        subject.clock().set(at);
        put(&store, &here(), id(number), new("then"));
    }
    for order in [Order::CREATED_ASC, Order::UPDATED_ASC] {
        assert_eq!(numbers(&page(&store, order, 10).memories), [1, 2, 3, 4, 5, 6, 7]);
        let query = Query::default().with_order(order).with_limit(1).unwrap();
        let read = walk(&store, &here(), query);
        assert_eq!(numbers(&read), [1, 2, 3, 4, 5, 6, 7]);
    }
}

pub(super) fn pages_of_every_size_make_the_whole(subject: &Subject) {
    let store = subject.store();
    let memories = fill(&store);
    let size = u32::try_from(memories.len()).unwrap();
    for order in Order::ALL {
        let mut expected = memories.clone();
        expected.sort_by(|left, right| order.compare(left, right));
        for limit in (1..=7).chain([size / 2, size - 1, size, size + 1]) {
            let pages = pages(&store, &Query::default().with_order(order).with_limit(limit).unwrap());
            assert_eq!(pages.concat(), expected, "{order:?}, {limit} a page");
            let (last, full) = pages.split_last().unwrap();
            assert!(full.iter().all(|page| page.len() == limit as usize), "{order:?}, {limit} a page");
            assert!((1..=limit as usize).contains(&last.len()), "{order:?}, {limit} a page");
        }
    }
}

pub(super) fn the_last_page_is_never_empty(subject: &Subject) {
    let store = subject.store();
    assert_eq!(pages(&store, &Query::default()), [vec![]], "nothing is one page");
    for number in 1..=6 {
        put(&store, &here(), id(number), new("a").with_user(user(if number % 2 == 0 { "even" } else { "odd" })));
        for limit in 1..=7 {
            for order in Order::ALL {
                let query = Query::default().with_order(order).with_limit(limit).unwrap();
                let expected = number.div_ceil(u64::from(limit));
                assert_eq!(pages(&store, &query).len() as u64, expected, "{number} memories, {limit} a page");
            }
        }
    }
    // What follows the page but isn't selected, or has expired, is nothing more.
    let now = subject.clock().now();
    put(&store, &here(), id(0), new("over").with_user(user("even")).with_expires_at(now));
    let even = Query::new(Selection::default().with_user(user("even"))).with_limit(3).unwrap();
    let page = store.query(&here(), &even).unwrap();
    assert_eq!((numbers(&page.memories), page.next), (vec![6, 4, 2], None));
}

pub(super) fn a_cursor_survives_its_memory(subject: &Subject) {
    let store = subject.store();
    for number in 1..=6 {
        put(&store, &here(), id(number), new("a"));
    }
    let query = Query::default().with_limit(2).unwrap();
    let next = store.query(&here(), &query).unwrap().next.unwrap();
    for gone in [6, 5, 4] {
        store.delete(&here(), id(gone)).unwrap();
    }
    let page = store.query(&here(), &query.with_cursor(next)).unwrap();
    assert_eq!(numbers(&page.memories), [3, 2]);
}

pub(super) fn a_cursor_survives_as_text(subject: &Subject) {
    let store = subject.store();
    let memories = fill(&store);
    for order in Order::ALL {
        let mut query = Query::default().with_order(order).with_limit(5).unwrap();
        let mut read = Vec::new();
        loop {
            let page = store.query(&here(), &query).unwrap();
            read.extend(page.memories);
            assert!(read.len() <= memories.len(), "a page comes twice");
            let Some(next) = page.next else { break };
            query.cursor = Some(next.to_string().parse::<Cursor>().unwrap());
        }
        assert_eq!(read.len(), memories.len());
    }
}

pub(super) fn a_cursor_of_another_query_is_refused(subject: &Subject) {
    let store = subject.store();
    for number in 1..=4 {
        put(&store, &here(), id(number), new("a").with_user(user("u")));
        put(&store, &ns("elsewhere"), id(number), new("a").with_user(user("u")));
    }
    let query = Query::new(Selection::default().with_user(user("u"))).with_limit(2).unwrap();
    let next = store.query(&here(), &query).unwrap().next.unwrap();
    let others = [
        Query::default(),
        Query::new(Selection::default().with_user(user("v"))),
        Query::new(query.selection.clone().without_thread()),
        Query::new(query.selection.clone().with_tier(tier("short_term"))),
        query.clone().with_order(Order::CREATED_ASC),
        query.clone().with_order(Order::UPDATED_DESC),
        query.clone().with_order(Order::IMPORTANCE_DESC),
    ];
    for other in others {
        let error = refused(store.query(&here(), &other.with_cursor(next)), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("another query"), "{error}");
    }
    refused(store.query(&ns("elsewhere"), &query.clone().with_cursor(next)), ErrorKind::InvalidInput);
    assert_eq!(numbers(&store.query(&here(), &query.with_cursor(next)).unwrap().memories), [2, 1]);
}

pub(super) fn a_cursor_with_another_limit_goes_on(subject: &Subject) {
    let store = subject.store();
    for number in 1..=9 {
        put(&store, &here(), id(number), new("a"));
    }
    let query = |limit| Query::default().with_limit(limit).unwrap();
    let next = store.query(&here(), &query(2)).unwrap().next.unwrap();
    let page = store.query(&here(), &query(5).with_cursor(next)).unwrap();
    assert_eq!(numbers(&page.memories), [7, 6, 5, 4, 3]);
}

pub(super) fn what_is_written_behind_the_cursor_stays_out(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    for number in [20, 40, 60, 80] {
        put(&store, &here(), id(number), new("a"));
    }
    let query = Query::default().with_limit(2).unwrap();
    let next = store.query(&here(), &query).unwrap().next.unwrap();
    // Equal times go by id: 90 and 70 stand before the cursor at 60, 50 after it; a newer one before, an older one after.
    for number in [90, 70, 50] {
        put(&store, &here(), id(number), new("b"));
    }
    put(&store, &here(), id(1), new("newer").with_created_at(later(now, 1)));
    put(&store, &here(), id(99), new("older").with_created_at(later(now, -1)));
    let page = store.query(&here(), &query.with_limit(10).unwrap().with_cursor(next)).unwrap();
    assert_eq!(numbers(&page.memories), [50, 40, 20, 99]);
}

pub(super) fn the_limit_has_bounds(subject: &Subject) {
    let store = subject.store();
    for limit in [0, 10_001, u32::MAX] {
        refused(Query::default().with_limit(limit), ErrorKind::InvalidInput);
    }
    let batch: Vec<_> = (0..10_000).map(|n| put_mutation(id(n), new(""))).collect();
    store.apply(&here(), &batch).unwrap();
    let most = Query::default().with_limit(Query::MAX_LIMIT).unwrap();
    let page = store.query(&here(), &most).unwrap();
    assert_eq!((page.memories.len(), page.next), (10_000, None));
    put(&store, &here(), id(10_000), new(""));
    let page = store.query(&here(), &most).unwrap();
    assert_eq!(page.memories.len(), 10_000);
    let page = store.query(&here(), &most.with_cursor(page.next.unwrap())).unwrap();
    assert_eq!((numbers(&page.memories), page.next), (vec![0], None));
    assert_eq!(store.query(&here(), &Query::default()).unwrap().memories.len(), 10, "10 unless given");
}

pub(super) fn a_page_ends_by_its_bytes(subject: &Subject) {
    let store = subject.store();
    // 16 of these hold just over 16 MiB: content of 1 MiB each, and metadata of 2 bytes.
    for number in 0..20 {
        put(&store, &here(), id(number), new("x".repeat(1 << 20)));
    }
    let query = Query::default().with_order(Order::CREATED_ASC).with_limit(100).unwrap();
    let pages = pages(&store, &query);
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [16, 4]);
    assert_eq!(numbers(&pages.concat()), (0..20).collect::<Vec<_>>());
    // Exactly 16 MiB is not more than 16 MiB.
    let even = "x".repeat((1 << 20) - 2);
    for number in 0..17 {
        put(&store, &ns("even"), id(number), new(even.clone()));
    }
    let call = Call::at(subject.clock().now());
    let rows = subject.engine().query(&call, &ns("even"), &query).unwrap();
    assert_eq!((rows.memories.len(), rows.more), (17, false));
    assert_eq!(16 * (even.len() + 2), Rows::MAX_BYTES);
}

pub(super) fn a_page_holds_one_row_however_large(subject: &Subject) {
    let store = subject.store();
    let metadata = metadata(&format!(r#"{{"pad": "{}"}}"#, "m".repeat((1 << 20) - 11)));
    for number in 0..3 {
        put(&store, &here(), id(number), new("c".repeat(1 << 20)).with_metadata(metadata.clone()));
    }
    let query = Query::default().with_limit(1).unwrap();
    assert_eq!(numbers(&pages(&store, &query).concat()), [2, 1, 0]);
}

pub(super) fn iteration_walks_every_page(subject: &Subject) {
    let store = subject.store();
    let memories = fill(&store);
    let query = Query::new(Selection::default().with_user(user("u1"))).with_limit(3).unwrap();
    let read = walk(&store, &here(), query.clone());
    let mut expected: Vec<Memory> = memories.into_iter().filter(|m| m.user_id == Some(user("u1"))).collect();
    expected.sort_by(|left, right| query.order.compare(left, right));
    assert_eq!(read, expected);
    let other = store.query(&here(), &query).unwrap().next.unwrap();
    let mut wrong = store.iter(&here(), Query::default().with_cursor(other));
    assert!(wrong.next().unwrap().is_err());
    assert!(wrong.next().is_none(), "an iteration ends after an error");
    subject.clock().advance(Duration::from_secs(1));
}

/// Stores 60 memories with many equal times and importances and returns them.
fn fill(store: &MemoryStore) -> Vec<Memory> {
    let start = time("2026-01-01T00:00:00Z");
    let memories: Vec<Memory> = (0..60_u64)
        .map(|n| {
            let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let step = |shift: u32, of: u64| i64::try_from((mixed >> shift) % of).unwrap();
            let mut memory = row(MemoryId::from_bytes((u128::from(mixed) << 64).to_be_bytes()), "m", start);
            memory.created_at = later(start, step(8, 6));
            memory.updated_at = later(start, step(24, 5));
            memory.importance = importance([0.0, 0.1, 0.5, 1.0][usize::try_from(step(40, 4)).unwrap()]);
            memory.user_id = Some(user(&format!("u{}", n % 3)));
            memory
        })
        .collect();
    let restore = |memory: &Memory| Mutation::Restore { memory: memory.clone(), on_conflict: OnConflict::Fail };
    store.apply(&here(), &memories.iter().map(restore).collect::<Vec<_>>()).unwrap();
    memories
}

#[track_caller]
fn page(store: &MemoryStore, order: Order, limit: u32) -> polymnia::Page {
    store.query(&here(), &Query::default().with_order(order).with_limit(limit).unwrap()).unwrap()
}

/// Reads page after page until there is no next one.
#[track_caller]
fn pages(store: &MemoryStore, query: &Query) -> Vec<Vec<Memory>> {
    let mut query = query.clone();
    let mut pages: Vec<Vec<Memory>> = Vec::new();
    loop {
        let page = store.query(&here(), &query).unwrap();
        // An engine that goes in circles would never end.
        assert!(!pages.iter().any(|earlier| earlier.first() == page.memories.first()), "a page comes twice");
        pages.push(page.memories);
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => return pages,
        }
    }
}
