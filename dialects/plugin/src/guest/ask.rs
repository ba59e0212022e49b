//! One call, and how it is answered.

use polymnia::{Call, Error, ErrorKind, Result};

use super::callback::EventSink;
use super::exported::Exported;
use super::handles::Handles;
use crate::abi::{STATUS_ERROR, STATUS_PANICKED, STATUS_UNSUPPORTED};
use crate::operation::{ALL, Operation};
use crate::wire::{self, Direction, Fault, Write};

/// Is what the host asks.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) exported: &'a Exported,
    pub(super) handle: u64,
    pub(super) operation: u32,
    pub(super) request: &'a [u8],
    pub(super) call: Call,
    pub(super) max_reply: u64,
    pub(super) events: EventSink<'a>,
}

/// The bytes of a reply, or why there is none.
pub(super) type Outcome = Result<Vec<u8>, Refusal>;

/// Is a status that isn't well, with its error.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u32,
    pub(super) error: Error,
}

impl Ask<'_> {
    pub(super) fn operation(&self) -> u32 {
        self.operation
    }

    pub(super) fn handle(&self) -> u64 {
        self.handle
    }

    pub(super) fn handles(&self) -> &Handles {
        self.exported.handles()
    }

    pub(super) fn max_reply(&self) -> u64 {
        self.max_reply
    }

    /// Does an operation whose reply is all there is to it.
    pub(super) fn answer<O: Operation>(&self, work: impl FnOnce(O::Owned) -> Result<O::Reply>) -> Outcome {
        let arguments = self.arguments::<O>()?;
        self.reply(&work(arguments)?)
    }

    /// Reads the arguments. An empty list may be no bytes, and the other way round.
    pub(super) fn arguments<O: Operation>(&self) -> Result<O::Owned, Refusal> {
        read(if self.request == EMPTY_LIST { &[] } else { self.request }, O::NAME)
    }

    /// Writes a reply.
    pub(super) fn reply(&self, reply: &(impl Write + ?Sized)) -> Outcome {
        let (bytes, _) = wire::to_bytes(reply).map_err(|fault| {
            let message = format!("the reply to {} can't be written: {fault}", name(self.operation));
            Refusal::from(Error::new(ErrorKind::Unsupported, message))
        })?;
        if bytes.len() as u64 > self.max_reply {
            let name = name(self.operation);
            let message = format!("the reply to {name} has {} bytes: the host takes {}", bytes.len(), self.max_reply);
            return Err(Error::new(ErrorKind::Plugin, message).into());
        }
        Ok(bytes)
    }

    /// Writes a reply that tells a new handle, which is closed again if the host can't be told.
    pub(super) fn reply_opening(&self, handle: u64, reply: &impl Write) -> Outcome {
        let outcome = self.reply(reply);
        if outcome.is_err() {
            self.handles().remove(handle);
        }
        outcome
    }

    /// Returns the refusal of an operation that isn't there, or isn't for what the handle stands for.
    pub(super) fn unknown(&self, what: &str) -> Refusal {
        let known = ALL.iter().find(|(code, _)| *code == self.operation);
        let message = match known {
            Some((_, name)) => format!("the operation {name} is not for {what}"),
            None => format!("unknown operation {}", self.operation),
        };
        Refusal { status: STATUS_UNSUPPORTED, error: Error::new(ErrorKind::Unsupported, message) }
    }

    /// Returns the refusal of a handle that isn't open.
    pub(super) fn not_open(&self) -> Refusal {
        let message = format!("handle {:#x} is not open: {} needs one that is", self.handle, name(self.operation));
        Error::invalid_input(message).into()
    }

    /// Checks that nothing panicked meanwhile, after a wait for a lock.
    pub(super) fn check_poison(&self) -> Result<(), Refusal> {
        if self.exported.is_poisoned() { Err(Refusal::poisoned(self.exported)) } else { Ok(()) }
    }
}

/// A list without items.
const EMPTY_LIST: &[u8] = &[0x80];

impl Refusal {
    pub(super) fn poisoned(exported: &Exported) -> Self {
        Self { status: STATUS_PANICKED, error: exported.poisoned() }
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self { status: STATUS_UNSUPPORTED, error: Error::new(ErrorKind::Unsupported, message) }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { status: STATUS_ERROR, error }
    }
}

/// Reads what an operation takes.
pub(super) fn read<T: wire::Read>(bytes: &[u8], name: &str) -> Result<T, Refusal> {
    wire::from_bytes(bytes, Direction::Request).map_err(|fault| match fault {
        Fault::Malformed { .. } => Error::invalid_input(format!("malformed request of {name}: {fault}")).into(),
        Fault::Unknown { .. } => Refusal::unsupported(format!("the request of {name} has an {fault}")),
        Fault::Invalid(error) => error.into(),
    })
}

/// Returns an operation's name, for messages.
pub(super) fn name(operation: u32) -> String {
    let known = ALL.iter().find(|(code, _)| *code == operation);
    known.map_or_else(|| format!("operation {operation}"), |(_, name)| (*name).to_owned())
}
