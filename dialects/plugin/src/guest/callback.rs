//! Functions of the host.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use polymnia::CancelToken;

use crate::abi::{Bytes, CANCELLED, Circumstances, NO_DEADLINE, TIMED_OUT};
use crate::wire::{self, Write};

/// Is where records of the log go.
#[derive(Clone, Copy, Debug)]
pub(super) struct HostLog {
    context: *mut c_void,
    level: unsafe extern "C" fn(*mut c_void) -> u32,
    log: unsafe extern "C" fn(*mut c_void, u32, Bytes, Bytes),
}

// SAFETY: the functions may be called on any thread, with their context.
unsafe impl Send for HostLog {}
// SAFETY: as above.
unsafe impl Sync for HostLog {}

impl HostLog {
    /// Returns the log of a host that has both functions, which are valid for good.
    pub(super) fn new(
        context: *mut c_void,
        level: Option<unsafe extern "C" fn(*mut c_void) -> u32>,
        log: Option<unsafe extern "C" fn(*mut c_void, u32, Bytes, Bytes)>,
    ) -> Option<Self> {
        Some(Self { context, level: level?, log: log? })
    }

    /// Asks for the greatest level that is logged: 0 for none, 5 for all.
    pub(super) fn level(&self) -> u32 {
        // SAFETY: the host's table says that it may be called, with this context.
        unsafe { (self.level)(self.context) }
    }

    /// Passes a record on.
    pub(super) fn log(&self, level: u32, target: &str, message: &str) {
        // SAFETY: as above; the texts outlive the call.
        unsafe { (self.log)(self.context, level, Bytes::of(target.as_bytes()), Bytes::of(message.as_bytes())) }
    }
}

/// Is where the events of a call go, if anywhere.
#[derive(Debug)]
pub(super) struct EventSink<'a> {
    context: *mut c_void,
    event: Option<unsafe extern "C" fn(*mut c_void, Bytes)>,
    call: PhantomData<&'a Circumstances>,
}

impl<'a> EventSink<'a> {
    pub(super) fn of(circumstances: &'a Circumstances) -> Self {
        Self { context: circumstances.context, event: circumstances.event, call: PhantomData }
    }

    /// Passes an event on. One that can't be written is left out.
    pub(super) fn send(&self, event: &impl Write) {
        if let (Some(send), Ok((bytes, _))) = (self.event, wire::to_bytes(event)) {
            // SAFETY: the call is not over, as the lifetime says, and the bytes outlive this one.
            unsafe { send(self.context, Bytes::of(&bytes)) }
        }
    }
}

/// Asks the host whether a call goes on, until it is over.
///
/// What a dialect keeps of the token beyond the call asks nobody any more.
#[derive(Debug)]
pub(super) struct Watch(Option<Arc<Mutex<Option<Question>>>>);

#[derive(Debug)]
struct Question {
    context: *mut c_void,
    interrupted: unsafe extern "C" fn(*mut c_void) -> u32,
    is_timed: bool,
}

// SAFETY: the function may be called on any thread, with its context.
unsafe impl Send for Question {}

impl Watch {
    /// Returns a watch of a call that must not be over before this is dropped.
    pub(super) fn of(circumstances: &Circumstances) -> Self {
        let question = |interrupted| Question {
            context: circumstances.context,
            interrupted,
            is_timed: circumstances.remaining_nanos != NO_DEADLINE,
        };
        Self(circumstances.interrupted.map(|interrupted| Arc::new(Mutex::new(Some(question(interrupted))))))
    }

    /// Returns a token that is cancelled when the host says so; none if nobody can cancel.
    pub(super) fn token(&self) -> Option<CancelToken> {
        let question = Arc::clone(self.0.as_ref()?);
        Some(CancelToken::watching(move || {
            let question = question.lock().unwrap_or_else(PoisonError::into_inner);
            question.as_ref().is_some_and(Question::is_cancelled)
        }))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(question) = &self.0 {
            *question.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

impl Question {
    fn is_cancelled(&self) -> bool {
        // SAFETY: the call is not over, since the question was not taken away, which waits for the lock held here.
        match unsafe { (self.interrupted)(self.context) } {
            CANCELLED => true,
            // The call has its deadline already, and says by itself that it passed.
            TIMED_OUT => !self.is_timed,
            _ => false,
        }
    }
}
