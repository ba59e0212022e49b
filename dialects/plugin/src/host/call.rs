//! One way to ask a plugin for anything.
//!
//! A reply is read where the plugin left it and is given back at once; what it says is the host's own by then. The design
//! says that the host copies each buffer: this is the same promise without the copy.

use std::fmt::Display;
use std::path::Path;

use polymnia::{Call, Error, OpenOptions, Result, Timestamp};

use super::callback::{Context, HOST, Listener};
use super::complaint::{self, Asked, Who};
use super::reply::Reply;
use super::{LOG, Loaded};
use crate::abi::{Bytes, HANDLE_DIALECT, Plugin, STATUS_ERROR, STATUS_OK, STATUS_PANICKED, STATUS_UNSUPPORTED};
use crate::message::{Description, Opened};
use crate::operation::Operation;
use crate::wire::{self, Direction, Fault, Read};

/// The greatest description that is accepted, in bytes.
const MAX_DESCRIPTION: u64 = 4 << 20;

/// Is a plugin, for somebody who loaded it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    /// The plugin, which stays loaded.
    pub(crate) loaded: &'static Loaded,
    /// The greatest reply that is accepted, in bytes.
    pub(crate) max_reply: u64,
}

impl Caller {
    /// Does an operation on what a handle stands for.
    ///
    /// # Errors
    ///
    /// The plugin's own, as it gave it. [`Unsupported`](polymnia::ErrorKind::Unsupported) for an operation or a feature it
    /// doesn't know, [`Plugin`](polymnia::ErrorKind::Plugin) if it misbehaves, now or before.
    pub(crate) fn call<O: Operation>(self, handle: u64, call: &Call, arguments: &O::Arguments<'_>) -> Result<O::Reply> {
        self.call_with::<O>(handle, arguments, &Context::new(call, None))
    }

    /// Does an operation as [`call`](Self::call) does, and tells of its events, on this thread. The listener must not panic.
    pub(crate) fn call_and_listen<O: Operation>(
        self,
        handle: u64,
        call: &Call,
        arguments: &O::Arguments<'_>,
        listener: Listener<'_>,
    ) -> Result<O::Reply> {
        self.call_with::<O>(handle, arguments, &Context::new(call, Some(listener)))
    }

    fn call_with<O: Operation>(
        self,
        handle: u64,
        arguments: &O::Arguments<'_>,
        context: &Context<'_>,
    ) -> Result<O::Reply> {
        let asked = const { Asked::operation::<O>() };
        let Self { loaded, max_reply } = self;
        self.check()?;
        let function = loaded.table.call.filter(|_| loaded.operations.contains(O::CODE));
        let function = function.ok_or_else(|| complaint::unsupported(loaded.who(), asked, None))?;
        let (request, needs) = wire::to_bytes(arguments).map_err(|fault| self.unspeakable(asked, fault))?;
        let lacking = needs & !loaded.description.features;
        if lacking != 0 {
            return Err(complaint::features(loaded.who(), asked, lacking));
        }
        let circumstances = context.circumstances(needs, max_reply);
        let mut reply = Reply::of(&loaded.table);
        // SAFETY: the plugin's own function, with a request, circumstances and a place for the reply that outlive it.
        let status = unsafe { function(handle, O::CODE, Bytes::of(&request), &raw const circumstances, reply.place()) };
        self.answer(asked, status, &reply)
    }

    /// Opens a database and returns its handle, which is to be closed.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub(crate) fn open(self, options: &OpenOptions) -> Result<(u64, Opened)> {
        let Self { loaded, max_reply } = self;
        self.check()?;
        let function = loaded.table.open.ok_or_else(|| complaint::unsupported(loaded.who(), Asked::OPEN, None))?;
        let (request, needs) = wire::to_bytes(&(options,)).map_err(|fault| self.unspeakable(Asked::OPEN, fault))?;
        let call = Call::at(Timestamp::now());
        let circumstances = Context::new(&call, None).circumstances(needs, max_reply);
        let mut reply = Reply::of(&loaded.table);
        let mut handle = HANDLE_DIALECT;
        // SAFETY: as in `call_with`, and the handle's place outlives it, too.
        let status = unsafe { function(Bytes::of(&request), &raw const circumstances, &raw mut handle, reply.place()) };
        match self.answer(Asked::OPEN, status, &reply) {
            Ok(_) if handle == HANDLE_DIALECT => Err(self.nonsense(Asked::OPEN, "no handle")),
            Ok(opened) => Ok((handle, opened)),
            Err(error) => {
                if handle != HANDLE_DIALECT {
                    self.close(handle);
                }
                Err(error)
            }
        }
    }

    /// Closes a handle, even of a plugin that panicked: what it holds are files, connections and locks. What goes wrong is
    /// logged. Returns whether it is closed.
    pub(crate) fn close(self, handle: u64) -> bool {
        let table = &self.loaded.table;
        let Some(function) = table.close else { return false };
        let mut reply = Reply::of(table);
        // SAFETY: as in `call_with`.
        let status = unsafe { function(handle, reply.place()) };
        match self.answer::<()>(Asked::CLOSE, status, &reply) {
            Ok(()) => true,
            Err(error) => {
                log::warn!(target: LOG, "{} did not close what it had open: {error}", self.loaded.who());
                false
            }
        }
    }

    /// Returns the error for an answer to an operation that can't be one.
    #[cold]
    pub(crate) fn nonsense(self, asked: Asked, what: impl Display) -> Error {
        complaint::nonsense(self.loaded.who(), asked, what)
    }

    #[cold]
    fn unspeakable(self, asked: Asked, fault: Fault) -> Error {
        match fault {
            Fault::Invalid(error) => error,
            fault => complaint::unsupported(self.loaded.who(), asked, Some(&Error::invalid_input(fault.to_string()))),
        }
    }

    fn check(self) -> Result<()> {
        match self.loaded.poisoned.get() {
            None => Ok(()),
            Some(last_words) => Err(complaint::poisoned(last_words)),
        }
    }

    fn answer<T: Read>(self, asked: Asked, status: u32, reply: &Reply) -> Result<T> {
        let Self { loaded, max_reply } = self;
        read(loaded.who(), asked, status, reply, max_reply).map_err(|refusal| match refusal {
            Refusal::Error(error) => error,
            Refusal::Panicked(last_words) => complaint::panicked(loaded.poisoned.get_or_init(|| last_words), asked),
        })
    }
}

/// Asks a plugin that is being loaded what it is.
///
/// # Errors
///
/// [`Plugin`](polymnia::ErrorKind::Plugin) if it misbehaves.
pub(crate) fn describe(table: &Plugin, path: &Path) -> Result<Description> {
    let who = Who { name: None, path };
    let function = table.describe.ok_or_else(|| complaint::unsupported(who, Asked::DESCRIBE, None))?;
    let mut reply = Reply::of(table);
    // SAFETY: the plugin's own function; the host's table is valid for good, the place for the reply outlives the call.
    let status = unsafe { function(&raw const HOST, reply.place()) };
    read(who, Asked::DESCRIBE, status, &reply, MAX_DESCRIPTION).map_err(|refusal| match refusal {
        Refusal::Error(error) => error,
        Refusal::Panicked(last_words) => complaint::panicked(&last_words, Asked::DESCRIBE),
    })
}

/// Is why there is no result.
enum Refusal {
    Error(Error),
    Panicked(String),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

fn read<T: Read>(who: Who<'_>, asked: Asked, status: u32, reply: &Reply, max_reply: u64) -> Result<T, Refusal> {
    let bytes = reply.bytes(max_reply);
    let reason = || bytes.as_ref().ok().and_then(|bytes| wire::from_bytes::<Error>(bytes, Direction::Reply).ok());
    match status {
        STATUS_OK => match &bytes {
            Ok(bytes) => {
                wire::from_bytes(bytes, Direction::Reply).map_err(|fault| complaint::nonsense(who, asked, fault).into())
            }
            Err(what) => Err(complaint::nonsense(who, asked, what).into()),
        },
        STATUS_ERROR => match bytes.map(|bytes| wire::from_bytes::<Error>(bytes, Direction::Reply)) {
            // As the plugin gave it: an error is the same whether or not it crossed a boundary.
            Ok(Ok(error)) => Err(error.into()),
            Ok(Err(fault)) => Err(complaint::nonsense(who, asked, format_args!("in its error, {fault}")).into()),
            Err(what) => Err(complaint::nonsense(who, asked, what).into()),
        },
        STATUS_UNSUPPORTED => Err(complaint::unsupported(who, asked, reason().as_ref()).into()),
        STATUS_PANICKED => Err(Refusal::Panicked(complaint::last_words(who, asked, reason().as_ref()))),
        status => Err(complaint::nonsense(who, asked, format_args!("status {status}")).into()),
    }
}
