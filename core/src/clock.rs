//! Where times and ids come from.

use std::fmt::Debug;

use uuid::Uuid;

use crate::{MemoryId, Timestamp};

/// Tells the time. Tests and replays bring their own.
pub trait Clock: Send + Sync + Debug + 'static {
    /// Returns the present time.
    fn now(&self) -> Timestamp;
}

/// Is the system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Makes ids for new memories. Tests and replays bring their own.
pub trait IdSource: Send + Sync + Debug + 'static {
    /// Returns an id that was never returned before.
    fn next_id(&self) -> MemoryId;
}

/// Makes UUIDs of version 7 (RFC 9562): ordered by time, random beyond it.
#[derive(Clone, Copy, Debug, Default)]
pub struct UuidV7;

impl IdSource for UuidV7 {
    fn next_id(&self) -> MemoryId {
        Uuid::now_v7().into()
    }
}
