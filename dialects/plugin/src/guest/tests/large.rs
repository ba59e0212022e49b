//! Results larger than a reply should be.

use polymnia::{Expect, MemoryId, Mutation, NewMemory, Query, Selection};

use super::client::{Client, circumstances};
use super::dialects::naive_with_schema;
use super::requests::namespace;
use crate::abi::{Bytes, Circumstances, STATUS_ERROR, STATUS_OK};
use crate::message::Batch;
use crate::operation::{self as op, Operation};
use crate::wire;

fn id(number: u16) -> MemoryId {
    let mut bytes = [0; 16];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    MemoryId::from_bytes(bytes)
}

/// Returns a plugin with a database of that many memories of that many bytes.
fn filled(memories: u16, bytes: usize) -> (Client, u64) {
    let (client, database) = naive_with_schema();
    let batch: Vec<Mutation> = (0..memories)
        .map(|number| Mutation::Put {
            id: id(number),
            memory: NewMemory::new("x".repeat(bytes)).unwrap(),
            expect: Expect::Any,
        })
        .collect();
    client.call::<op::Apply>(database, (&namespace(), &batch)).unwrap();
    (client, database)
}

/// Reads the rest of a result, and returns it whole with the number of its parts.
fn rest(client: Client, mut batch: Batch) -> (Batch, usize) {
    let mut whole = Batch { cursor: None, ..batch.clone() };
    let mut parts = 1;
    while let Some(cursor) = batch.cursor {
        batch = client.call::<op::More>(cursor, ()).unwrap();
        assert_eq!(batch.more, whole.more);
        whole.memories.extend(batch.memories.iter().cloned());
        parts += 1;
    }
    (whole, parts)
}

#[test]
fn a_large_result_comes_in_parts_of_a_mebibyte() {
    let (client, database) = filled(50, 100_000);
    let query = Query::new(Selection::default()).with_limit(49).unwrap();
    let first = client.call::<op::Query>(database, (&namespace(), &query)).unwrap();
    assert_eq!(first.memories.len(), 11, "the one that goes beyond a mebibyte ends the part");
    let cursor = first.cursor.unwrap();
    // It is of the moment it was read at.
    client.call::<op::DeleteMatching>(database, (&namespace(), &Selection::default())).unwrap();
    let (whole, parts) = rest(client, first);
    assert_eq!((whole.memories.len(), whole.more, parts), (49, true, 5));
    let ids: Vec<_> = whole.memories.iter().flatten().map(|memory| memory.id).collect();
    assert_eq!(ids, (1..50).rev().map(id).collect::<Vec<_>>());
    assert_eq!(client.bytes(cursor, op::More::CODE, &[]).status, STATUS_ERROR, "the last part closed it");
    assert_eq!(client.open_handles(), 1);
}

#[test]
fn a_part_has_ten_thousand_entries_at_most() {
    let (client, database) = filled(1, 1);
    let ids: Vec<MemoryId> = (0..25_000).map(id).collect();
    let first = client.call::<op::Get>(database, (&namespace(), &ids)).unwrap();
    assert_eq!(first.memories.len(), 10_000);
    let (whole, parts) = rest(client, first);
    assert_eq!((whole.memories.len(), parts), (25_000, 3));
    assert!(whole.memories[0].is_some() && whole.memories[1..].iter().all(Option::is_none));
}

#[test]
fn a_memory_larger_than_a_part_is_one() {
    let (client, database) = filled(3, 1 << 20);
    let answer = client.call::<op::Get>(database, (&namespace(), &[id(0), id(1), id(2)])).unwrap();
    assert_eq!(rest(client, answer).1, 3);
}

#[test]
fn parts_are_smaller_for_a_host_that_takes_less() {
    let (client, database) = filled(40, 1_000);
    let (request, _) = wire::to_bytes(&(&namespace(), &Query::new(Selection::default()))).unwrap();
    let circumstances = Circumstances { max_reply: 10_000, ..circumstances() };
    let answer = client.raw(database, op::Query::CODE, Bytes::of(&request), &raw const circumstances);
    assert!(answer.bytes.len() <= 10_000);
    assert_eq!(answer.ok::<Batch>().memories.len(), 5);
    // And where not even one fits, there is an error, and no cursor that nobody knows.
    let open = client.open_handles();
    let circumstances = Circumstances { max_reply: 500, ..circumstances };
    let answer = client.raw(database, op::Query::CODE, Bytes::of(&request), &raw const circumstances);
    assert_eq!((answer.status, client.open_handles()), (STATUS_ERROR, open));
}

#[test]
fn a_cursor_may_be_closed_before_its_end() {
    let (client, database) = filled(30, 100_000);
    let query = Query::new(Selection::default()).with_limit(30).unwrap();
    let cursor = client.call::<op::Query>(database, (&namespace(), &query)).unwrap().cursor.unwrap();
    assert!(client.bytes(cursor, op::Ping::CODE, &[]).error().message().contains("Ping is not for a cursor"));
    client.call::<op::More>(cursor, ()).unwrap();
    assert_eq!(client.close(cursor).status, STATUS_OK);
    assert_eq!(client.bytes(cursor, op::More::CODE, &[]).status, STATUS_ERROR);
    assert_eq!(client.open_handles(), 1);
}
