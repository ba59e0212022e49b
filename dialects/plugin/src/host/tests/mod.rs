//! The host against a plugin that lies as told: hand-written functions, without the guest side.

mod answers;
mod callbacks;
mod fake;
mod fuzz;
mod nonsense;
mod parts;
mod round_trips;
mod writes;

use std::sync::Arc;

use polymnia::schema::{Event, Source};
use polymnia::spi::Engine;
use polymnia::{
    Call, Capability, Content, Error, Importance, Memory, MemoryId, Metadata, Namespace, RelatedThreads, Revision,
    Tier, Timestamp,
};

use self::fake::Fake;
use crate::message::Opened;

/// The time of every call.
fn call() -> Call {
    Call::at(Timestamp::from_micros(1_772_442_000_000_000).unwrap())
}

fn tenant() -> Namespace {
    Namespace::new("acme").unwrap()
}

fn id(number: u8) -> MemoryId {
    MemoryId::from_bytes([number; 16])
}

fn memory(number: u8) -> Memory {
    memory_of(number, "prefers calls after 14:00")
}

fn memory_of(number: u8, content: &str) -> Memory {
    Memory {
        id: id(number),
        user_id: None,
        agent_id: None,
        thread_id: None,
        tier: Tier::default(),
        content: Content::new(content).unwrap(),
        metadata: Metadata::default(),
        importance: Importance::default(),
        related_threads: RelatedThreads::default(),
        revision: Revision::FIRST,
        created_at: call().now,
        updated_at: call().now,
        expires_at: None,
    }
}

fn opened() -> Opened {
    let source = Source { prefix: String::new(), dialect: "fake".to_owned(), scripts: Vec::new() };
    Opened { capability: Capability::none(), source }
}

/// Opens an engine of the fake.
fn engine(fake: Fake) -> Arc<dyn Engine> {
    fake.open_as(ENGINE, &opened());
    polymnia::spi::Dialect::open(&fake.dialect(), &polymnia::OpenOptions::new("fake://x")).unwrap()
}

/// The handle of every engine here.
const ENGINE: u64 = 0x1_0000_0001;

/// Checks all that an application can see of an error.
#[track_caller]
fn assert_same(left: &Error, right: &Error) {
    assert_eq!(left.kind(), right.kind());
    assert_eq!(left.retry(), right.retry());
    assert_eq!(left.message(), right.message());
    assert_eq!(left.operation(), right.operation());
    assert_eq!(left.hint(), right.hint());
    assert_eq!(left.context().collect::<Vec<_>>(), right.context().collect::<Vec<_>>());
}

/// Is an observer that doesn't listen.
fn nobody(_: &Event<'_>) {}
