//! What a plugin has open, and when it is closed.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use polymnia::spi::Claim;
use polymnia::{Call, Error, Result};

use super::call::Caller;
use super::callback::Listener;
use super::complaint::Asked;
use crate::abi::HANDLE_DIALECT;
use crate::operation::Operation;

/// The claims that never end, where a leak checker sees them.
static KEPT: Mutex<Vec<Arc<Claim>>> = Mutex::new(Vec::new());

/// Is an engine, a session or a cursor that a plugin has open; dropped, it is closed.
#[derive(Debug)]
pub(crate) struct Handle {
    caller: Caller,
    number: u64,
    // Behind the rest: `drop` closes what owns the files before the claim on them ends.
    claim: Arc<Claim>,
}

impl Handle {
    /// Takes over what was opened under a number that isn't 0.
    pub(crate) fn new(caller: Caller, number: u64, claim: Arc<Claim>) -> Self {
        Self { caller, number, claim }
    }

    /// Returns a handle to what an operation on this one opened.
    ///
    /// # Errors
    ///
    /// [`Plugin`](polymnia::ErrorKind::Plugin) for what is no handle.
    pub(crate) fn derived<O: Operation>(&self, number: u64) -> Result<Self> {
        if number == HANDLE_DIALECT || number == self.number {
            return Err(self.nonsense::<O>(format_args!("handle {number} for what it opened")));
        }
        Ok(Self::new(self.caller, number, Arc::clone(&self.claim)))
    }

    /// Returns its number.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Does an operation on it.
    ///
    /// # Errors
    ///
    /// As [`Caller::call`].
    pub(crate) fn call<O: Operation>(&self, call: &Call, arguments: &O::Arguments<'_>) -> Result<O::Reply> {
        self.caller.call::<O>(self.number, call, arguments)
    }

    /// Does an operation on it and tells of its events.
    ///
    /// # Errors
    ///
    /// As [`Caller::call_and_listen`].
    pub(crate) fn call_and_listen<O: Operation>(
        &self,
        call: &Call,
        arguments: &O::Arguments<'_>,
        listener: Listener<'_>,
    ) -> Result<O::Reply> {
        self.caller.call_and_listen::<O>(self.number, call, arguments, listener)
    }

    /// Returns the error for an answer to an operation that can't be one.
    #[cold]
    pub(crate) fn nonsense<O: Operation>(&self, what: impl Display) -> Error {
        self.caller.nonsense(Asked::operation::<O>(), what)
    }

    /// Forgets the handle, which the plugin has closed by itself.
    pub(crate) fn closed(mut self) {
        self.number = HANDLE_DIALECT;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.number != HANDLE_DIALECT && !self.caller.close(self.number) {
            // Files may still be open: nobody else may ever open them in this process.
            KEPT.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&self.claim));
        }
    }
}
