//! Our form, of memories that look like real ones.

use std::hint::black_box;

use polymnia::{
    Expect, Memory, MemoryId, Metadata, Mutation, Namespace, NewMemory, RelatedThreads, Revision, Timestamp,
};
use polymnia_plugin::message::Batch;
use polymnia_plugin::operation::{Apply, Operation};
use polymnia_plugin::wire::{Direction, from_bytes, to_bytes};

use crate::Form;

/// Returns so many memories.
pub(crate) fn memories(count: u32) -> Vec<Memory> {
    (0..count).map(memory).collect()
}

fn memory(number: u32) -> Memory {
    let created_at = Timestamp::from_micros(1_770_000_000_000_000 + i64::from(number) * 977_123).expect("a time");
    Memory {
        id: MemoryId::from_bytes(
            (0x0195_6f2e_8c3a_7d11_9b52_0000_0000_0000 + u128::from(number) * 77_777).to_be_bytes(),
        ),
        user_id: Some(format!("user-{:05}", number % 997).parse().expect("a short text")),
        agent_id: Some("assistant".parse().expect("a short text")),
        thread_id: Some(format!("thread-{:06}", number % 4_999).parse().expect("a short text")),
        tier: "short_term".parse().expect("a short text"),
        content: format!(
            "Mara prefers calls after 14:00 on weekdays and asked not to be written to about invoice {number} again."
        )
        .parse()
        .expect("a short text"),
        metadata: metadata(number),
        importance: "0.7".parse().expect("in range"),
        related_threads: RelatedThreads::default(),
        revision: Revision::FIRST,
        created_at,
        updated_at: created_at,
        expires_at: None,
    }
}

/// Returns metadata of 14 leaves and 255 bytes.
fn metadata(number: u32) -> Metadata {
    let of_length = |length: usize| {
        let text = format!(
            r#"{{"kind": "preference", "channel": "call", "session": {}, "turn": 17, "speaker": "Caroline",
               "tags": ["calls", "mail", "invoice"], "customer": {{"score": 9.25, "plan": "pro", "since": "2024-03-02"}},
               "lang": "en", "seen": true, "note": "{}"}}"#,
            100_000 + number,
            "x".repeat(length)
        );
        Metadata::parse(&text).expect("an object")
    };
    let rest = 255 - of_length(0).as_str().len();
    let metadata = of_length(rest);
    assert_eq!(metadata.as_str().len(), 255);
    metadata
}

/// Returns the reply that holds these memories.
pub(crate) fn reply(memories: Vec<Memory>) -> Form {
    let batch = Batch { memories: memories.into_iter().map(Some).collect(), more: true, cursor: None };
    Form {
        name: "ours: CBOR, numbers",
        write: Box::new(move || to_bytes(&batch).expect("it can be written").0),
        read: Box::new(|bytes| {
            let batch: Batch = from_bytes(bytes, Direction::Reply).expect("it can be read");
            black_box(batch).memories.len()
        }),
    }
}

/// Returns the request that puts these memories.
pub(crate) fn request(memories: &[Memory]) -> Form {
    let namespace = Namespace::new("acme").expect("a namespace");
    let puts = memories.iter().cloned().map(|memory| {
        let Memory { id, user_id, agent_id, thread_id, tier, content, metadata, importance, .. } = memory;
        let created_at = Some(memory.created_at);
        let related_threads = RelatedThreads::default();
        let memory = NewMemory {
            user_id,
            agent_id,
            thread_id,
            tier,
            content,
            metadata,
            importance,
            related_threads,
            created_at,
            expires_at: None,
        };
        Mutation::Put { id, memory, expect: Expect::Any }
    });
    let puts: Vec<Mutation> = puts.collect();
    Form {
        name: "ours: CBOR, numbers",
        write: Box::new(move || {
            let arguments: <Apply as Operation>::Arguments<'_> = (&namespace, &puts);
            to_bytes(&arguments).expect("it can be written").0
        }),
        read: Box::new(|bytes| {
            let (_, puts): <Apply as Operation>::Owned = from_bytes(bytes, Direction::Request).expect("it can be read");
            black_box(puts).len()
        }),
    }
}
