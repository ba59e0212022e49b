//! Every operation, to do something with each.

use std::fmt::Debug;

use polymnia::OpenOptions;
use polymnia_plugin::message::{Description, Opened, Waiting};
use polymnia_plugin::operation::{self, Operation};
use polymnia_plugin::wire::{Direction, Fault, Read, Write, from_bytes, to_bytes};

use crate::any::{Any, Rng, any};

/// Is one message of the interface: a request, or a reply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    /// The operation, or what else it is about.
    pub(crate) name: &'static str,
    /// Which way it goes.
    pub(crate) direction: Direction,
    /// Writes one that is made at random.
    pub(crate) any: fn(&mut Rng) -> Vec<u8>,
    /// Reads one, and returns how it looks and what writing it gives.
    pub(crate) again: fn(&[u8]) -> Result<Again, Fault>,
    /// Writes one at random, and checks that it reads back as it was.
    pub(crate) round_trip: fn(&mut Rng),
}

/// How a message looks, and what writing it gives.
pub(crate) type Again = (String, Vec<u8>);

/// Makes a list of messages: those of operations, and others.
macro_rules! messages {
    ($($operation:ident),* $(,)?; $($name:literal $direction:ident $type:ty),* $(,)?) => {
        /// Every message there is.
        pub(crate) fn messages() -> Vec<Message> {
            vec![
                $(
                    message::<<operation::$operation as Operation>::Owned>(stringify!($operation), Direction::Request),
                    message::<<operation::$operation as Operation>::Reply>(stringify!($operation), Direction::Reply),
                )*
                $(message::<$type>($name, Direction::$direction),)*
            ]
        }
    };
}

messages! {
    Nothing, Recognizes, Claims, Migrations, Get, Query, More, Count, Apply, Load, Explain, DeleteMatching, Stats, Ping,
    Info, Namespaces, RenameNamespace, DeleteNamespace, Sweep, Analyze, Optimize, Verify, Indexes, CreateIndex, DropIndex,
    SetChangeCapture, Changes, ReadLedger, ReadLog, ReadSnapshot, ForeignLedgers, OpenSession, FindLockHolder,
    EndLockHolder, WriteScript, Probes, CheckHealth, Backup, VerifyBackup, Restore, Scratch, SessionPrepare,
    SessionLedger, SessionSnapshot, SessionBegin, SessionCommit, SessionRollback, SessionExecute, SessionBatch,
    SessionRecord, SessionForget, SessionLog, SessionDismantle, SessionInvalidIndexes, SessionDropInvalidIndex,
    SessionHasIndex, SessionRowCounts, SessionOrphans;
    "describe" Reply Description,
    "open" Request (OpenOptions,),
    "open" Reply Opened,
    "waiting" Reply Waiting,
    "error" Reply polymnia::Error,
}

fn message<T: Any + Read + Write + Debug>(name: &'static str, direction: Direction) -> Message {
    Message {
        name,
        direction,
        any: |rng| bytes(&T::any(rng)),
        again: match direction {
            Direction::Request => again::<T, true>,
            Direction::Reply => again::<T, false>,
        },
        round_trip: match direction {
            Direction::Request => round_trip::<T, true>,
            Direction::Reply => round_trip::<T, false>,
        },
    }
}

fn direction(is_request: bool) -> Direction {
    if is_request { Direction::Request } else { Direction::Reply }
}

fn bytes(item: &impl Write) -> Vec<u8> {
    to_bytes(item).expect("every variant has a number").0
}

fn again<T: Read + Write + Debug, const IS_REQUEST: bool>(message: &[u8]) -> Result<Again, Fault> {
    let item: T = from_bytes(message, direction(IS_REQUEST))?;
    Ok((format!("{item:?}"), bytes(&item)))
}

fn round_trip<T: Any + Read + Write + Debug, const IS_REQUEST: bool>(rng: &mut Rng) {
    let item: T = any(rng);
    let written = bytes(&item);
    let read: T = from_bytes(&written, direction(IS_REQUEST)).unwrap_or_else(|fault| panic!("{fault}: {item:?}"));
    assert_eq!(bytes(&read), written, "{item:?}");
}

/// All operations are in the list above.
#[test]
fn no_operation_is_forgotten() {
    let named: Vec<&str> = messages().iter().map(|message| message.name).collect();
    for (_, name) in operation::ALL {
        assert!(named.contains(name), "{name}");
    }
}
