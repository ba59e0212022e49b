//! What every operation carries beside its arguments: the time, a deadline and a way to cancel it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::{Error, ErrorKind, Result, Timestamp};

/// Is the circumstances of one call of the SPI.
#[derive(Clone, Debug)]
pub struct Call {
    /// What time it is: no engine reads a clock of its own or the server's.
    pub now: Timestamp,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// How the caller gives up earlier.
    pub cancel: Option<CancelToken>,
}

impl Call {
    /// Returns a call at the time `now` that nothing ends early.
    pub fn at(now: Timestamp) -> Self {
        Self { now, deadline: None, cancel: None }
    }

    /// Returns how long there is left; none if there is no deadline.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Checks whether the call should go on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Cancelled`] if the caller cancelled it, [`ErrorKind::Timeout`] past the deadline.
    pub fn check(&self) -> Result<()> {
        match self.interruption() {
            None => Ok(()),
            Some(Interruption::Cancelled) => Err(Error::new(ErrorKind::Cancelled, "cancelled by the caller")),
            Some(Interruption::TimedOut) => Err(Error::new(ErrorKind::Timeout, "the deadline passed")),
        }
    }

    /// Returns why the call should not go on, if so. Cheap enough for a progress callback.
    pub fn interruption(&self) -> Option<Interruption> {
        if self.cancel.as_ref().is_some_and(CancelToken::is_cancelled) {
            return Some(Interruption::Cancelled);
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Some(Interruption::TimedOut),
            _ => None,
        }
    }
}

/// Is a reason to end a call early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// The caller cancelled it.
    Cancelled,
    /// The deadline passed.
    TimedOut,
}

/// Cancels calls from another thread. Clones share one flag, which once set stays set.
///
/// # Examples
///
/// ```
/// let token = polymnia::CancelToken::new();
/// let for_the_signal_handler = token.clone();
/// for_the_signal_handler.cancel();
/// assert!(token.is_cancelled());
/// ```
#[derive(Clone, Default)]
pub struct CancelToken(Arc<Flag>);

#[derive(Default)]
struct Flag {
    set: AtomicBool,
    source: Option<Box<dyn Fn() -> bool + Send + Sync>>,
}

impl CancelToken {
    /// Returns a token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a token that is cancelled, too, once `source` says so, which is asked each time and must answer within a
    /// microsecond or so.
    pub fn watching(source: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(Flag { set: AtomicBool::new(false), source: Some(Box::new(source)) }))
    }

    /// Cancels what carries this token.
    pub fn cancel(&self) {
        self.0.set.store(true, Ordering::Release);
    }

    /// Returns whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.set.load(Ordering::Acquire) || self.0.source.as_ref().is_some_and(|cancelled| cancelled())
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").field("cancelled", &self.is_cancelled()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watching_token_is_cancelled_by_either() {
        let set = Arc::new(AtomicBool::new(false));
        let source = Arc::clone(&set);
        let token = CancelToken::watching(move || source.load(Ordering::Acquire));
        assert!(!token.is_cancelled());
        set.store(true, Ordering::Release);
        assert!(token.is_cancelled());
        set.store(false, Ordering::Release);
        assert!(!token.is_cancelled());
        token.cancel();
        assert!(token.clone().is_cancelled());
    }
}
