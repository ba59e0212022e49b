//! Results in parts: put together, bounded, and their cursors closed.

use polymnia::{Call, CancelToken, Cursor, Error, ErrorKind, Memory, MemoryId, Order, Query, Selection, Tier};

use super::fake::{self, Answer, Fake, Reply};
use super::{ENGINE, call, engine, id, memory, memory_of, tenant};
use crate::abi::STATUS_OK;
use crate::message::Batch;
use crate::operation::{self, Operation};

const CURSOR: u64 = 0x7_0000_0009;

fn part(memories: Vec<Option<Memory>>, cursor: Option<u64>) -> Batch {
    Batch { memories, more: false, cursor }
}

#[expect(clippy::unnecessary_wraps, reason = "an entry of a part")]
fn some(number: u8) -> Option<Memory> {
    Some(memory(number))
}

fn ids(numbers: &[u8]) -> Vec<MemoryId> {
    numbers.iter().copied().map(id).collect()
}

/// Gets the memories 1 to 3 from parts.
fn get(parts: &[Batch]) -> Result<Vec<Option<Memory>>, Error> {
    let engine = engine(Fake::new());
    fake::requests();
    parts.iter().for_each(fake::push_batch);
    let got = engine.get(&call(), &tenant(), &ids(&[1, 2, 3]));
    fake::forget_answers();
    fake::assert_all_freed();
    got
}

/// Returns a query that numbers the memories of these tests in their order.
fn page_of(limit: u32) -> Query {
    Query::default().with_order(Order::CREATED_ASC).with_limit(limit).unwrap()
}

/// Queries for at most 3 memories from parts.
fn query(parts: &[Batch]) -> Result<(usize, bool), Error> {
    let engine = engine(Fake::new());
    fake::requests();
    parts.iter().for_each(fake::push_batch);
    let got = engine.query(&call(), &tenant(), &page_of(3));
    fake::forget_answers();
    fake::assert_all_freed();
    got.map(|rows| (rows.memories.len(), rows.more))
}

#[track_caller]
fn assert_nonsense<T: std::fmt::Debug>(result: Result<T, Error>, what: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Plugin, "{error}");
    assert!(error.message().ends_with(what), "{error}");
}

#[test]
fn parts_are_put_together() {
    let got = get(&[part(vec![some(1)], Some(CURSOR)), part(vec![None], Some(CURSOR)), part(vec![some(3)], None)]);
    assert_eq!(got.unwrap(), [some(1), None, some(3)]);
    let asked: Vec<(u64, u32)> = fake::requests().iter().map(|asked| (asked.handle, asked.operation)).collect();
    let more = (CURSOR, operation::More::CODE);
    assert_eq!(asked, [(ENGINE, operation::Get::CODE), more, more]);
    // The plugin closed it by itself.
    assert_eq!(fake::closed(), [ENGINE]);
}

#[test]
fn a_cursor_may_be_another_one_each_time() {
    let parts =
        vec![part(vec![some(1)], Some(CURSOR)), part(vec![some(2)], Some(CURSOR + 1)), part(vec![some(3)], None)];
    assert_eq!(query(&parts).unwrap(), (3, false));
    assert_eq!(fake::closed(), [CURSOR, ENGINE]);
}

#[test]
fn the_last_part_says_whether_there_is_more() {
    let first = part(vec![some(1)], Some(CURSOR));
    let last = Batch { more: true, ..part(vec![some(2)], None) };
    assert_eq!(query(&[first.clone(), last]).unwrap(), (2, true));
    let first = Batch { more: true, ..first };
    assert_eq!(query(&[first, part(vec![], None)]).unwrap(), (1, false));
    assert_eq!(query(&[part(vec![], None)]).unwrap(), (0, false));
}

#[test]
fn as_many_as_were_asked_for_and_the_same_ones() {
    assert_nonsense(get(&[part(vec![some(1)], None)]), "Get: 1 memories, where 3 were asked for");
    assert_nonsense(get(&[part(vec![None; 4], None)]), "Get: more than the 3 memories that were asked for");
    assert_nonsense(
        get(&[part(vec![some(1), some(3), None], None)]),
        "Get: a memory of another id than the one asked for",
    );
    assert_nonsense(query(&[part(vec![some(1); 4], None)]), "Query: more than the 3 memories that were asked for");
    assert_nonsense(query(&[part(vec![some(1), None], None)]), "Query: an entry without a memory");
    let none = Batch { more: true, ..Batch::default() };
    assert_nonsense(query(&[none]), "Query: no memory, and that there are more");
}

#[test]
fn a_result_without_end_ends() {
    let endless = vec![part(vec![some(1)], Some(CURSOR)); 9];
    assert_nonsense(query(&endless), "Query: more than the 3 memories that were asked for");
    assert_eq!(fake::requests().len(), 4);
    assert_eq!(fake::closed(), [CURSOR, ENGINE]);
    let empty = vec![part(vec![some(1)], Some(CURSOR)), part(vec![], Some(CURSOR)), part(vec![], Some(CURSOR))];
    assert_nonsense(get(&empty), "Get: a part without memories, and a cursor for further ones");
    assert_eq!(fake::closed(), [CURSOR, ENGINE]);
    assert_nonsense(get(&[part(vec![], Some(CURSOR))]), "and a cursor for further ones");
    assert_eq!(fake::closed(), [CURSOR, ENGINE]);
}

#[test]
fn a_page_that_is_too_long_in_bytes_is_refused() {
    let long = |number| vec![Some(memory_of(number, &"x".repeat(1 << 20)))];
    let mut parts: Vec<Batch> = (1..=18).map(|number| part(long(number), Some(CURSOR))).collect();
    let limit = page_of(100);
    let ask = |parts: &[Batch]| {
        let engine = engine(Fake::new());
        parts.iter().for_each(fake::push_batch);
        let rows = engine.query(&call(), &tenant(), &limit);
        fake::forget_answers();
        rows
    };
    assert_nonsense(ask(&parts), "Query: memories beyond the 16777216 bytes of a page");
    // The one that goes beyond is the last of the page.
    parts.truncate(15);
    parts.push(part(long(16), None));
    assert_eq!(ask(&parts).unwrap().memories.len(), 16);
}

#[test]
fn what_is_no_cursor() {
    for number in [0, ENGINE] {
        let what = format!("Query: handle {number} for what it opened");
        assert_nonsense(query(&[part(vec![some(1)], Some(number))]), &what);
        assert_eq!(fake::closed(), [ENGINE]);
        let parts = vec![part(vec![some(1)], Some(CURSOR)), part(vec![some(2)], Some(number))];
        assert_nonsense(query(&parts), &what);
        assert_eq!(fake::closed(), [CURSOR, ENGINE]);
    }
}

#[test]
fn a_cursor_is_closed_when_its_result_fails() {
    let engine = engine(Fake::new());
    for (answer, kind) in [
        (Answer::error(&Error::new(ErrorKind::Unavailable, "gone")), ErrorKind::Unavailable),
        (Answer::new(STATUS_OK, Reply::Bytes(vec![0xFF])), ErrorKind::Plugin),
    ] {
        fake::push_batch(&part(vec![some(1)], Some(CURSOR)));
        fake::push(answer);
        let error = engine.query(&call(), &tenant(), &Query::default()).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(fake::closed(), [CURSOR]);
    }
    fake::assert_all_freed();
}

#[test]
fn a_cancelled_call_asks_for_no_further_part() {
    let engine = engine(Fake::new());
    fake::requests();
    let token = CancelToken::new();
    let cancelled = token.clone();
    fake::push(Answer::ok(&part(vec![some(1)], Some(CURSOR))).during(move |_| cancelled.cancel()));
    let error = engine.query(&Call { cancel: Some(token), ..call() }, &tenant(), &Query::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(fake::operations(), [operation::Query::CODE]);
    assert_eq!(fake::closed(), [CURSOR]);
}

#[test]
fn a_page_that_would_go_round_for_ever_is_nonsense() {
    let wrong = |query: &Query, numbers: &[u8]| {
        let engine = engine(Fake::new());
        fake::push_batch(&part(numbers.iter().map(|number| some(*number)).collect(), None));
        let got = engine.query(&call(), &tenant(), query);
        fake::forget_answers();
        got.map(|rows| rows.memories.len())
    };
    assert_nonsense(wrong(&page_of(3), &[1, 1]), "Query: memories out of order, or one twice");
    assert_nonsense(wrong(&page_of(3), &[2, 1]), "Query: memories out of order, or one twice");
    let mut behind = [1; Cursor::BYTES];
    behind[9..17].copy_from_slice(&call().now.as_micros().to_be_bytes());
    behind[17..].copy_from_slice(id(2).as_bytes());
    let next = page_of(3).with_cursor(Cursor::from_bytes(behind).unwrap());
    for numbers in [[1, 3], [2, 3]] {
        assert_nonsense(wrong(&next, &numbers), "Query: a page that does not begin behind its cursor");
    }
    assert_eq!(wrong(&next, &[3, 4]).unwrap(), 2);
    let of_a_user = Query::new(Selection::default().with_user("bob".parse().unwrap()));
    assert_nonsense(wrong(&of_a_user, &[1]), "Query: a memory that the query leaves out");
    let of_a_tier = Query::new(Selection::default().with_tier(Tier::long_term()));
    assert_nonsense(wrong(&of_a_tier, &[1]), "Query: a memory that the query leaves out");
}
