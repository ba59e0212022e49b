//! What the five functions do.
//!
//! Whatever is the dialect's runs caught: its methods, its errors when they are written, and whatever of it is dropped. Where
//! a panic unwinds, nothing of the dialect is dropped that could panic once more.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use polymnia::{Call, Error, Timestamp};

use super::ask::{self, Ask, Outcome, Refusal};
use super::callback::{EventSink, HostLog, Watch};
use super::export::{Exported, Home};
use super::handles::{Open, at_once, waiting};
use super::panic::{be_quiet, caught};
use super::raw::{Input, Reply};
use super::{cursor, dialect, engine, log, session};
use crate::abi::{FEATURES, HANDLE_DIALECT, NO_DEADLINE, STATUS_OK};
use crate::operation::{self, Nothing, Operation};
use crate::wire;

/// Is what a function was called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Describe,
    Open,
    Call(u32),
    Close,
}

/// Describes the plugin.
pub(super) fn describe(exported: &Exported, host: Result<Option<HostLog>, Refusal>, reply: &Reply) -> u32 {
    let replying = Replying { exported, verb: Verb::Describe, reply, max_reply: u64::MAX };
    replying.run(|| {
        let host = host?;
        if exported.home() == Home::Library {
            log::install(host);
            be_quiet();
        }
        ask::written(&dialect::describe(exported), Verb::Describe, u64::MAX)
    })
}

/// Opens a database and returns its handle beside the status.
pub(super) fn open(exported: &Exported, input: Input<'_>, reply: &Reply, is_nested: bool) -> (u32, u64) {
    let replying = Replying { exported, verb: Verb::Open, reply, max_reply: input.max_reply() };
    let mut handle = HANDLE_DIALECT;
    let status = replying.run(|| {
        if exported.home() == Home::Library {
            log::refresh();
        }
        asked(exported, HANDLE_DIALECT, Verb::Open, input, is_nested, |ask| {
            let (options,) = ask::read(ask.request, ask.verb)?;
            let engine = exported.dialect().open(&options)?;
            let new = ask.handles().insert(Open::Engine(Arc::clone(&engine)));
            let outcome = ask.reply_opening(new, &dialect::opened(&*engine));
            if outcome.is_ok() {
                handle = new;
            }
            outcome
        })
    });
    (status, handle)
}

/// Does one operation.
pub(super) fn call(
    exported: &Exported,
    handle: u64,
    verb: Verb,
    input: Input<'_>,
    reply: &Reply,
    is_nested: bool,
) -> u32 {
    let replying = Replying { exported, verb, reply, max_reply: input.max_reply() };
    let open = exported.handles().find(handle);
    let outcome =
        replying.caught(|| asked(exported, handle, verb, input, is_nested, |ask| dispatch(ask, open.as_ref())));
    // Whoever uses last what was closed meanwhile drops it: here, and not where a panic unwinds.
    let dropped = Replying { verb: Verb::Close, ..replying }.caught_even_poisoned(|| {
        drop(open);
        Ok(Vec::new())
    });
    match dropped {
        Ok(_) => replying.finish(outcome),
        Err(refusal) => {
            let _ = caught(|| drop(outcome));
            replying.refuse(refusal)
        }
    }
}

/// Closes a handle.
pub(super) fn close(exported: &Exported, handle: u64, reply: Option<&Reply>, is_nested: bool) -> u32 {
    let nowhere = Reply::nowhere();
    let reply = reply.unwrap_or(&nowhere);
    let replying = Replying { exported, verb: Verb::Close, reply, max_reply: u64::MAX };
    // After a panic, too: what the dialect holds, such as a lock, may still be given back.
    let outcome = replying.caught_even_poisoned(|| {
        match exported.handles().find(handle) {
            None => {}
            Some(Open::Engine(_)) => drop(exported.handles().remove(handle)),
            Some(Open::Session(session)) => take(exported, handle, &session, is_nested)?,
            Some(Open::Cursor(cursor)) => take(exported, handle, &cursor, is_nested)?,
        }
        Ok(Vec::new())
    });
    replying.finish(outcome)
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Describe => f.write_str("describe"),
            Self::Open => f.write_str("open"),
            Self::Call(code) => match operation::ALL.iter().find(|(known, _)| known == code) {
                Some((_, name)) => f.write_str(name),
                None => write!(f, "operation {code}"),
            },
            Self::Close => f.write_str("close"),
        }
    }
}

/// Is how one function replies.
#[derive(Clone, Copy, Debug)]
struct Replying<'a> {
    exported: &'a Exported,
    verb: Verb,
    reply: &'a Reply,
    max_reply: u64,
}

impl Replying<'_> {
    fn run(&self, work: impl FnOnce() -> Outcome) -> u32 {
        self.finish(self.caught(work))
    }

    /// Does something of the dialect, unless it panicked earlier.
    fn caught(&self, work: impl FnOnce() -> Outcome) -> Outcome {
        if self.exported.is_poisoned() {
            return Err(Refusal::poisoned(self.exported));
        }
        self.caught_even_poisoned(work)
    }

    fn caught_even_poisoned(&self, work: impl FnOnce() -> Outcome) -> Outcome {
        caught(work).unwrap_or_else(|said| Err(self.poison(&said)))
    }

    fn poison(&self, said: &str) -> Refusal {
        self.exported.poison(format!("panicked in {} at {said}", self.verb));
        Refusal::poisoned(self.exported)
    }

    /// Passes on what came of it, and returns the status.
    fn finish(&self, outcome: Outcome) -> u32 {
        match outcome {
            Ok(bytes) => {
                self.reply.put(bytes);
                STATUS_OK
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn refuse(&self, refusal: Refusal) -> u32 {
        let status = refusal.status;
        // An error shows, and drops, what the dialect put into it. One after the other: the second is not to panic while the
        // first unwinds.
        let written = caught(|| error_bytes(&refusal.error, self.max_reply));
        let dropped = caught(|| drop(refusal));
        match dropped.and(written) {
            Ok(bytes) => {
                self.reply.put(bytes);
                status
            }
            Err(said) => {
                let refusal = self.poison(&said);
                self.reply.put(error_bytes(&refusal.error, self.max_reply));
                refusal.status
            }
        }
    }
}

/// Returns an error in the form of a reply: shorter, or none, if the host does not take it.
fn error_bytes(error: &Error, max_reply: u64) -> Vec<u8> {
    let write = |error: &Error| {
        let bytes = wire::to_bytes(error).map(|(bytes, _)| bytes).unwrap_or_default();
        if bytes.len() as u64 <= max_reply { Ok(bytes) } else { Err(bytes.len()) }
    };
    write(error)
        .or_else(|len| {
            let message = format!("an error of {len} bytes: the host takes {max_reply}");
            write(&Error::new(error.kind(), message).with_retry(error.retry()))
        })
        .unwrap_or_default()
}

/// Checks what came with a call, and does it.
fn asked(
    exported: &Exported,
    handle: u64,
    verb: Verb,
    input: Input<'_>,
    is_nested: bool,
    work: impl FnOnce(&Ask<'_>) -> Outcome,
) -> Outcome {
    let Some(circumstances) = input.circumstances? else {
        return Err(Error::invalid_input(format!("{verb} without circumstances: expected the time at least")).into());
    };
    let unknown = circumstances.needs & !FEATURES;
    if unknown != 0 {
        let message = format!("the request of {verb} needs feature {unknown:#x}: this plugin knows {FEATURES:#x}");
        return Err(Refusal::unsupported(message));
    }
    let Some(request) = input.request else {
        return Err(Error::invalid_input(format!("{verb} with a request that is nowhere: expected bytes")).into());
    };
    let watch = Watch::of(&circumstances);
    let ask = Ask {
        exported,
        handle,
        verb,
        request,
        call: Call {
            now: Timestamp::from_micros(circumstances.now_micros)?,
            deadline: deadline(circumstances.remaining_nanos),
            cancel: watch.token(),
        },
        max_reply: circumstances.max_reply,
        is_nested,
        events: EventSink::of(&circumstances),
    };
    work(&ask)
}

fn deadline(remaining_nanos: u64) -> Option<Instant> {
    let remaining = (remaining_nanos != NO_DEADLINE).then(|| Duration::from_nanos(remaining_nanos))?;
    Instant::now().checked_add(remaining)
}

fn dispatch(ask: &Ask<'_>, open: Option<&Open>) -> Outcome {
    if ask.operation() == Nothing::CODE {
        return ask.answer::<Nothing>(|()| Ok(()));
    }
    match open {
        None if ask.handle == HANDLE_DIALECT => dialect::dispatch(ask),
        None => Err(ask.not_open()),
        Some(Open::Engine(engine)) => engine::dispatch(&**engine, ask),
        Some(Open::Session(session)) => session::dispatch(session, ask),
        Some(Open::Cursor(cursor)) => cursor::dispatch(cursor, ask),
    }
}

/// Closes what calls use one after the other, once they are done with it.
fn take<T>(exported: &Exported, handle: u64, mutex: &Mutex<Option<T>>, is_nested: bool) -> Result<(), Refusal> {
    // Within a callback, the call that is to be done may be the very one that waits for this.
    let mut guard = if is_nested { at_once(mutex).ok_or_else(|| ask::in_use(handle))? } else { waiting(mutex) };
    let taken = guard.take();
    drop(guard);
    exported.handles().remove(handle);
    drop(taken);
    Ok(())
}
