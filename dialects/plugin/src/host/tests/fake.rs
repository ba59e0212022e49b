//! A plugin by hand: it answers what it was told to, and remembers what it was asked.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::c_void;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use polymnia::spi::Library;

use super::super::call::Caller;
use super::super::{LoadOptions, Loaded, OperationSet, PluginDialect};
use crate::abi::{
    Buffer, Bytes, Circumstances, FEATURES, HANDLE_DIALECT, Host, Plugin, Prefix, STATUS_ERROR, STATUS_OK,
    STATUS_PANICKED,
};
use crate::message::{Batch, Description, Opened};
use crate::operation::{self, Operation};
use crate::wire::{self, Write};

/// Is one answer.
pub(super) struct Answer {
    status: u32,
    reply: Reply,
    handle: u64,
    during: Option<During>,
}

/// Is what a plugin does before it answers.
type During = Box<dyn FnOnce(&Circumstances)>;

/// Is what an answer leaves in the place for the reply.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// The place is not touched.
    Unwritten,
    /// Bytes.
    Bytes(Vec<u8>),
    /// No bytes, in an allocation.
    Empty,
    /// One byte that is said to be that many.
    Lie(usize),
    /// That many bytes at no address.
    Nowhere(usize),
}

/// Is what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) handle: u64,
    pub(super) operation: u32,
    pub(super) bytes: Vec<u8>,
    pub(super) needs: u64,
}

#[derive(Default)]
struct Script {
    answers: VecDeque<Answer>,
    to_close: VecDeque<Answer>,
    requests: Vec<Request>,
    closed: Vec<u64>,
    given: usize,
    freed: usize,
}

thread_local! {
    /// Every test is a thread.
    static SCRIPT: RefCell<Script> = RefCell::default();
}

/// Is a plugin of this process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fake(&'static Loaded);

impl Fake {
    /// Returns a plugin that does everything.
    pub(super) fn new() -> Self {
        Self::with(|_, _| ())
    }

    /// Returns a plugin with another table or description.
    pub(super) fn with(change: impl FnOnce(&mut Plugin, &mut Description)) -> Self {
        let mut table = Plugin {
            prefix: Prefix::of::<Plugin>(),
            describe: Some(describe),
            open: Some(open),
            call: Some(call),
            close: Some(close),
            free: Some(free),
        };
        let mut description = Description {
            name: "fake".to_owned(),
            version: "1.2.3".to_owned(),
            url_schemes: vec!["fake".to_owned()],
            operations: operation::ALL.iter().map(|(code, _)| *code).collect(),
            features: FEATURES,
        };
        change(&mut table, &mut description);
        Self::loaded_from(table, description)
    }

    /// Returns a real plugin, whose table is in this process: its other side, which has no list of claims of its own as that
    /// of a library has, claims its files there.
    pub(super) fn of(table: &Plugin) -> Self {
        let mut description = super::super::call::describe(table, "/lib/fake.so".as_ref()).unwrap();
        description.operations.retain(|code| *code != operation::Claims::CODE);
        // SAFETY: functions and a prefix, which are `Copy` one by one.
        let table = unsafe { std::ptr::read(table) };
        Self::loaded_from(table, description)
    }

    fn loaded_from(table: Plugin, description: Description) -> Self {
        // Never closed, as libraries aren't, and never lost, so that a leak checker finds real ones.
        static ALL: Mutex<Vec<&'static Loaded>> = Mutex::new(Vec::new());
        let schemes = description.url_schemes.iter().map(|scheme| &*scheme.clone().leak()).collect();
        let loaded = Box::leak(Box::new(Loaded {
            table,
            schemes,
            operations: OperationSet::of(&description.operations),
            description,
            library: Library { path: PathBuf::from("/lib/fake.so"), address: 0 },
            sha256: None,
            poisoned: OnceLock::new(),
        }));
        ALL.lock().unwrap().push(loaded);
        Self(loaded)
    }

    /// Returns its dialect.
    pub(super) fn dialect(self) -> PluginDialect {
        self.dialect_with(LoadOptions::DEFAULT_MAX_REPLY)
    }

    /// Returns its dialect, which is allowed replies of that many bytes.
    pub(super) fn dialect_with(self, max_reply: u64) -> PluginDialect {
        PluginDialect { caller: Caller { loaded: self.0, max_reply } }
    }

    /// Returns the functions and what is known of it.
    pub(super) fn loaded(self) -> &'static Loaded {
        self.0
    }

    /// Lets the dialect, which owns no files, open an engine.
    pub(super) fn open_as(self, handle: u64, opened: &Opened) {
        if self.0.operations.contains(operation::Claims::CODE) {
            push(Answer::ok(&Vec::<PathBuf>::new()));
        }
        push(Answer { handle, ..Answer::ok(opened) });
    }
}

impl Answer {
    pub(super) fn new(status: u32, reply: Reply) -> Self {
        Self { status, reply, handle: HANDLE_DIALECT, during: None }
    }

    pub(super) fn ok(reply: &(impl Write + ?Sized)) -> Self {
        Self::new(STATUS_OK, Reply::Bytes(wire::to_bytes(reply).unwrap().0))
    }

    pub(super) fn error(error: &polymnia::Error) -> Self {
        Self { status: STATUS_ERROR, ..Self::ok(error) }
    }

    pub(super) fn panicked(words: &str) -> Self {
        let error = polymnia::Error::new(polymnia::ErrorKind::Plugin, words);
        Self { status: STATUS_PANICKED, ..Self::ok(&error) }
    }

    pub(super) fn with_status(self, status: u32) -> Self {
        Self { status, ..self }
    }

    pub(super) fn with_handle(self, handle: u64) -> Self {
        Self { handle, ..self }
    }

    /// Does something before it answers.
    pub(super) fn during(self, during: impl FnOnce(&Circumstances) + 'static) -> Self {
        Self { during: Some(Box::new(during)), ..self }
    }
}

/// Lets the next call be answered so. What nobody said an answer to is done, without a reply.
pub(super) fn push(answer: Answer) {
    script(|script| script.answers.push_back(answer));
}

/// Lets the next call be answered with a part of a result.
pub(super) fn push_batch(batch: &Batch) {
    push(Answer::ok(batch));
}

/// Forgets the answers that nobody asked for.
pub(super) fn forget_answers() {
    script(|script| script.answers.clear());
}

/// Lets the next handle be closed so.
pub(super) fn push_close(answer: Answer) {
    script(|script| script.to_close.push_back(answer));
}

/// Returns what was asked since the last time.
pub(super) fn requests() -> Vec<Request> {
    script(|script| std::mem::take(&mut script.requests))
}

/// Returns the codes of the operations asked for since the last time.
pub(super) fn operations() -> Vec<u32> {
    requests().into_iter().map(|request| request.operation).collect()
}

/// Returns the handles that were closed since the last time.
pub(super) fn closed() -> Vec<u64> {
    script(|script| std::mem::take(&mut script.closed))
}

/// Checks that every reply was given back once, and returns how many there were.
#[track_caller]
pub(super) fn assert_all_freed() -> usize {
    script(|script| {
        assert_eq!(script.freed, script.given, "replies given back, of those given");
        script.given
    })
}

/// Calls back as a plugin does.
pub(super) fn interrupted(circumstances: &Circumstances) -> Option<u32> {
    // SAFETY: the host's own function, during the call.
    circumstances.interrupted.map(|interrupted| unsafe { interrupted(circumstances.context) })
}

/// Tells an event as a plugin does.
pub(super) fn tell(circumstances: &Circumstances, event: &[u8]) {
    let tell = circumstances.event.expect("the host listens");
    // SAFETY: as above.
    unsafe { tell(circumstances.context, Bytes::of(event)) };
}

/// Asks on another thread: pointers don't cross by themselves.
pub(super) fn ask(interrupted: unsafe extern "C" fn(*mut c_void) -> u32, context: usize) -> u32 {
    // SAFETY: as above.
    unsafe { interrupted(context as *mut c_void) }
}

/// Tells an event on another thread.
pub(super) fn tell_by(tell: unsafe extern "C" fn(*mut c_void, Bytes), context: usize, event: &[u8]) {
    // SAFETY: as above.
    unsafe { tell(context as *mut c_void, Bytes::of(event)) };
}

/// Logs as a plugin does.
pub(super) fn log(level: u32, target: &[u8], message: Bytes) {
    let host = &super::super::callback::HOST;
    // SAFETY: the host's own function; the bytes are valid.
    unsafe { host.log.unwrap()(host.context, level, Bytes::of(target), message) };
}

fn script<T>(run: impl FnOnce(&mut Script) -> T) -> T {
    SCRIPT.with_borrow_mut(run)
}

fn answer(answer: Option<Answer>, circumstances: Option<&Circumstances>, reply: *mut Buffer) -> (u32, u64) {
    let Some(Answer { status, reply: shape, handle, during }) = answer else { return (STATUS_OK, HANDLE_DIALECT) };
    if let Some((during, circumstances)) = during.zip(circumstances) {
        during(circumstances);
    }
    let buffer = match shape {
        Reply::Unwritten => return (status, handle),
        Reply::Bytes(bytes) => allocate(bytes, None),
        Reply::Empty => allocate(vec![0], Some(0)),
        Reply::Lie(len) => allocate(vec![0], Some(len)),
        Reply::Nowhere(len) => Buffer { len, ..Buffer::NONE },
    };
    // SAFETY: the host's place for the reply.
    unsafe { reply.write(buffer) };
    (status, handle)
}

/// Makes a reply of bytes, of which `len` are told of.
fn allocate(bytes: Vec<u8>, len: Option<usize>) -> Buffer {
    if bytes.is_empty() {
        return Buffer::NONE;
    }
    script(|script| script.given += 1);
    let bytes = Box::leak(bytes.into_boxed_slice());
    Buffer { data: bytes.as_mut_ptr(), len: len.unwrap_or(bytes.len()), extra: bytes.len() }
}

unsafe extern "C" fn describe(_: *const Host, reply: *mut Buffer) -> u32 {
    answer(script(|script| script.answers.pop_front()), None, reply).0
}

unsafe extern "C" fn open(
    request: Bytes,
    circumstances: *const Circumstances,
    handle: *mut u64,
    reply: *mut Buffer,
) -> u32 {
    // SAFETY: the host's.
    let circumstances = unsafe { &*circumstances };
    let (status, opened) = answer(next(HANDLE_DIALECT, u32::MAX, request, circumstances), Some(circumstances), reply);
    // SAFETY: the host's place for the handle.
    unsafe { handle.write(opened) };
    status
}

unsafe extern "C" fn call(
    handle: u64,
    operation: u32,
    request: Bytes,
    circumstances: *const Circumstances,
    reply: *mut Buffer,
) -> u32 {
    // SAFETY: the host's.
    let circumstances = unsafe { &*circumstances };
    answer(next(handle, operation, request, circumstances), Some(circumstances), reply).0
}

fn next(handle: u64, operation: u32, request: Bytes, circumstances: &Circumstances) -> Option<Answer> {
    // SAFETY: the host's bytes, which are never null.
    let bytes = unsafe { std::slice::from_raw_parts(request.data, request.len) }.to_vec();
    script(|script| {
        script.requests.push(Request { handle, operation, bytes, needs: circumstances.needs });
        script.answers.pop_front()
    })
}

unsafe extern "C" fn close(handle: u64, reply: *mut Buffer) -> u32 {
    let next = script(|script| {
        script.closed.push(handle);
        script.to_close.pop_front()
    });
    answer(next, None, reply).0
}

unsafe extern "C" fn free(buffer: Buffer) {
    script(|script| script.freed += 1);
    let Buffer { data, len: _, extra } = buffer;
    // SAFETY: what `allocate` made; a second time would be seen by the counts and by every checker of memory.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(data, extra)) });
}
