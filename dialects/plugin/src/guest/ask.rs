//! One call, and how it is answered.

use std::sync::{Mutex, MutexGuard};

use polymnia::{Call, Error, ErrorKind, Result};

use super::callback::EventSink;
use super::export::Exported;
use super::handles::{Handles, at_once, waiting};
use super::serve::Verb;
use crate::abi::{STATUS_ERROR, STATUS_PANICKED, STATUS_UNSUPPORTED};
use crate::operation::Operation;
use crate::wire::{self, Direction, Fault, Write};

/// Is what the host asks.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) exported: &'a Exported,
    pub(super) handle: u64,
    pub(super) verb: Verb,
    pub(super) request: &'a [u8],
    pub(super) call: Call,
    pub(super) max_reply: u64,
    /// Whether it comes out of a callback of another call, on the same thread.
    pub(super) is_nested: bool,
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
    /// Returns the code of the operation; opening has none.
    pub(super) fn operation(&self) -> u32 {
        if let Verb::Call(code) = self.verb { code } else { u32::MAX }
    }

    pub(super) fn handles(&self) -> &Handles {
        self.exported.handles()
    }

    /// Does an operation whose reply is all there is to it.
    pub(super) fn answer<O: Operation>(&self, work: impl FnOnce(O::Owned) -> Result<O::Reply>) -> Outcome {
        let arguments = self.arguments::<O>()?;
        self.reply(&work(arguments)?)
    }

    /// Reads the arguments. An empty list may be no bytes, and the other way round.
    pub(super) fn arguments<O: Operation>(&self) -> Result<O::Owned, Refusal> {
        read(if self.request == EMPTY_LIST { &[] } else { self.request }, self.verb)
    }

    /// Writes a reply.
    pub(super) fn reply(&self, reply: &(impl Write + ?Sized)) -> Outcome {
        written(reply, self.verb, self.max_reply)
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
        Refusal::unsupported(format!("{} is not for {what}: expected an operation that is", self.verb))
    }

    /// Returns the refusal of a handle that isn't open.
    pub(super) fn not_open(&self) -> Refusal {
        let message = format!("{} on handle {:#x}, which is not open: expected one that is", self.verb, self.handle);
        Error::invalid_input(message).into()
    }

    /// Takes what is used by one call after the other, once those before are done.
    pub(super) fn lock<'m, T>(&self, mutex: &'m Mutex<T>) -> Result<MutexGuard<'m, T>, Refusal> {
        // Within a callback, the call before may be the very one that waits for this one.
        let guard = if self.is_nested { at_once(mutex).ok_or_else(|| in_use(self.handle))? } else { waiting(mutex) };
        if self.exported.is_poisoned() { Err(Refusal::poisoned(self.exported)) } else { Ok(guard) }
    }
}

/// Returns the refusal of a handle that a call on this thread uses.
pub(super) fn in_use(handle: u64) -> Refusal {
    let message = format!("handle {handle:#x} is in use: expected its call to return first");
    Error::new(ErrorKind::Conflict, message).into()
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
pub(super) fn read<T: wire::Read>(bytes: &[u8], verb: Verb) -> Result<T, Refusal> {
    wire::from_bytes(bytes, Direction::Request).map_err(|fault| match fault {
        Fault::Malformed { .. } => Error::invalid_input(format!("malformed request of {verb}: {fault}")).into(),
        Fault::Unknown { .. } => Refusal::unsupported(format!("the request of {verb} is beyond this plugin: {fault}")),
        Fault::Invalid(error) => error.into(),
    })
}

/// Writes a reply, unless it is larger than the host takes.
pub(super) fn written(reply: &(impl Write + ?Sized), verb: Verb, max_reply: u64) -> Outcome {
    let (bytes, _) = wire::to_bytes(reply).map_err(|fault| {
        Error::new(ErrorKind::Unsupported, format!("the reply to {verb} is beyond this plugin's interface: {fault}"))
    })?;
    if bytes.len() as u64 > max_reply {
        let message = format!("the reply to {verb} has {} bytes: the host takes {max_reply}", bytes.len());
        return Err(Error::new(ErrorKind::Plugin, message).into());
    }
    Ok(bytes)
}
