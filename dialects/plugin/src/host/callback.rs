//! What a plugin may call back: logging, for good, and what one call offers while it lasts.
//!
//! No callback unwinds: a panic of the program's own logger, token or observer ends here.

use std::cell::RefCell;
use std::ffi::c_void;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{null, null_mut};
use std::thread::{self, ThreadId};

use polymnia::{Call, Interruption};

use super::LOG;
use crate::abi::{Bytes, CANCELLED, Circumstances, GO_ON, Host, NO_DEADLINE, Prefix, TIMED_OUT};
use crate::message::Waiting;
use crate::wire::{self, Direction};

/// What this process offers to every plugin.
pub(crate) static HOST: Host =
    Host { prefix: Prefix::of::<Host>(), context: null_mut(), log_level: Some(log_level), log: Some(log) };

/// The longest target that is logged, in bytes. The rest is left out.
const MAX_TARGET: usize = 256;
/// The longest message that is logged, in bytes. The rest is left out.
const MAX_MESSAGE: usize = 64 << 10;
/// The longest event that is read, in bytes.
const MAX_EVENT: usize = 1 << 20;

/// Is who listens to the events of one call.
pub(crate) type Listener<'a> = &'a mut dyn FnMut(Waiting);

/// Is what the callbacks of one call work on. It stays on the caller's stack until the call returns.
pub(crate) struct Context<'a> {
    call: &'a Call,
    events: Option<Events<'a>>,
}

struct Events<'a> {
    /// The one thread on which the listener may be called: it need not be `Send`.
    thread: ThreadId,
    listener: RefCell<Listener<'a>>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(call: &'a Call, listener: Option<Listener<'a>>) -> Self {
        let events =
            listener.map(|listener| Events { thread: thread::current().id(), listener: RefCell::new(listener) });
        Self { call, events }
    }

    /// Returns the circumstances of the call, which point here.
    pub(crate) fn circumstances(&self, needs: u64, max_reply: u64) -> Circumstances {
        let Call { now, deadline: _, cancel } = self.call;
        let can_cancel = cancel.is_some();
        let listens = self.events.is_some();
        let context: *const Self = if can_cancel || listens { self } else { null() };
        Circumstances {
            size: Prefix::of::<Circumstances>().size,
            reserved: 0,
            needs,
            now_micros: now.as_micros(),
            remaining_nanos: self.call.remaining().map_or(NO_DEADLINE, |left| {
                u64::try_from(left.as_nanos()).map_or(NO_DEADLINE - 1, |nanos| nanos.min(NO_DEADLINE - 1))
            }),
            max_reply,
            context: context.cast_mut().cast(),
            interrupted: can_cancel.then_some(interrupted as _),
            event: listens.then_some(event as _),
        }
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("call", self.call).finish_non_exhaustive()
    }
}

unsafe extern "C" fn log_level(_: *mut c_void) -> u32 {
    log::max_level() as u32
}

unsafe extern "C" fn log(_: *mut c_void, level: u32, target: Bytes, message: Bytes) {
    let Some(level) = level_of(level).filter(|level| *level <= log::max_level()) else { return };
    // A logger that panics loses the line, which is all that can be lost here.
    let _ = catch_unwind(|| {
        // SAFETY: the plugin passes bytes that are valid until this function returns.
        let (target, message) = unsafe { (beginning(&target, MAX_TARGET), beginning(&message, MAX_MESSAGE)) };
        let (target, message) = (String::from_utf8_lossy(target), String::from_utf8_lossy(message));
        // A target is one word of a line; what a logger does about lines within messages is its own affair.
        let target = target.replace(|c: char| c.is_control(), "?");
        log::log!(target: &target, level, "{message}");
    });
}

/// Returns the level with a number: nothing for 0, and the least for what is beyond all.
fn level_of(number: u32) -> Option<log::Level> {
    match number {
        0 => None,
        1 => Some(log::Level::Error),
        2 => Some(log::Level::Warn),
        3 => Some(log::Level::Info),
        4 => Some(log::Level::Debug),
        _ => Some(log::Level::Trace),
    }
}

unsafe extern "C" fn interrupted(context: *mut c_void) -> u32 {
    if context.is_null() {
        return GO_ON;
    }
    // SAFETY: `circumstances` is where the pointer comes from, and the context outlives the call. Here, perhaps on another
    // thread, only the `Call` is touched, which is `Sync`.
    let call = unsafe { (*context.cast::<Context<'_>>()).call };
    match catch_unwind(AssertUnwindSafe(|| call.interruption())) {
        Ok(None) => GO_ON,
        Ok(Some(Interruption::TimedOut)) => TIMED_OUT,
        // A token whose source panics can't be asked any more: the work ends.
        Ok(Some(Interruption::Cancelled)) | Err(_) => CANCELLED,
    }
}

unsafe extern "C" fn event(context: *mut c_void, event: Bytes) {
    if context.is_null() {
        return;
    }
    // SAFETY: `circumstances` is where the pointer comes from, and the context outlives the call. On another thread only
    // `Events::thread` is touched, which nobody writes.
    let Some(events) = (unsafe { &(*context.cast::<Context<'_>>()).events }) else { return };
    if events.thread != thread::current().id() {
        return;
    }
    // A listener that panics has to remember that itself.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if event.len > MAX_EVENT {
            log::debug!(target: LOG, "a plugin's event of {} bytes is left out", event.len);
            return;
        }
        // SAFETY: the plugin passes bytes that are valid until this function returns.
        let bytes = unsafe { beginning(&event, MAX_EVENT) };
        match wire::from_bytes::<Waiting>(bytes, Direction::Reply) {
            // Borrowed already only if the listener itself asks the plugin something, which then tells of that.
            Ok(waiting) => events.listener.try_borrow_mut().into_iter().for_each(|mut listen| listen(waiting.clone())),
            Err(fault) => log::debug!(target: LOG, "a plugin's event can't be read: {fault}"),
        }
    }));
}

/// Returns the bytes, `most` of them at most; none where there is no first one.
///
/// # Safety
///
/// They must be valid, and stay as they are, while the slice is used.
unsafe fn beginning(bytes: &Bytes, most: usize) -> &[u8] {
    if bytes.data.is_null() {
        return &[];
    }
    // SAFETY: the caller's, for `len` bytes; `most` is far below `isize::MAX`.
    unsafe { std::slice::from_raw_parts(bytes.data, bytes.len.min(most)) }
}
