//! A host that does nothing but call.

#![allow(unsafe_code)]

use std::cell::Cell;

use polymnia::spi::Dialect;
use polymnia::{Error, OpenOptions};

use crate::abi::{Buffer, Bytes, Circumstances, HANDLE_DIALECT, Host, NO_DEADLINE, Plugin, STATUS_OK};
use crate::guest::{Export, Exported, Home, table_of};
use crate::operation::Operation;
use crate::wire::{self, Direction, Read};

/// Is a plugin of its own, by its table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    exported: &'static Exported,
}

/// Is what came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u32,
    pub(super) bytes: Vec<u8>,
}

thread_local! {
    /// Which plugin the table is of, on this thread.
    static CURRENT: Cell<Option<&'static Exported>> = const { Cell::new(None) };
}

enum This {}

impl Export for This {
    fn exported() -> &'static Exported {
        CURRENT.get().expect("the client says which")
    }
}

static TABLE: Plugin = table_of::<This>();

/// The time of every call.
pub(super) const NOW: i64 = 1_772_442_000_000_000;

/// Returns the circumstances of a call that nothing ends.
pub(super) fn circumstances() -> Circumstances {
    Circumstances {
        size: u32::try_from(size_of::<Circumstances>()).unwrap(),
        reserved: 0,
        needs: 0,
        now_micros: NOW,
        remaining_nanos: NO_DEADLINE,
        max_reply: 256 << 20,
        context: std::ptr::null_mut(),
        interrupted: None,
        event: None,
    }
}

impl Client {
    /// Returns a plugin of the dialect.
    pub(super) fn new(make: fn() -> Box<dyn Dialect>) -> Self {
        Self { exported: Box::leak(Box::new(Exported::new(make, "1.2.3", Home::Program))) }
    }

    pub(super) fn describe(self, host: *const Host) -> Answer {
        CURRENT.set(Some(self.exported));
        let mut reply = Buffer::NONE;
        // SAFETY: the host is null or a table, the reply a place.
        let status = unsafe { TABLE.describe.unwrap()(host, &raw mut reply) };
        Answer::take(status, reply)
    }

    pub(super) fn open_raw(self, request: &[u8], circumstances: &Circumstances) -> (Answer, u64) {
        CURRENT.set(Some(self.exported));
        let (mut reply, mut handle) = (Buffer::NONE, u64::MAX);
        // SAFETY: all of it is there until the call returns.
        let status = unsafe { TABLE.open.unwrap()(Bytes::of(request), circumstances, &raw mut handle, &raw mut reply) };
        (Answer::take(status, reply), handle)
    }

    /// Opens a database that is there.
    pub(super) fn open(self, url: &str) -> u64 {
        let (request, _) = wire::to_bytes(&(OpenOptions::new(url),)).unwrap();
        let (answer, handle) = self.open_raw(&request, &circumstances());
        answer.ok::<crate::message::Opened>();
        assert_ne!(handle, HANDLE_DIALECT);
        handle
    }

    pub(super) fn raw(
        self,
        handle: u64,
        operation: u32,
        request: Bytes,
        circumstances: *const Circumstances,
    ) -> Answer {
        CURRENT.set(Some(self.exported));
        let mut reply = Buffer::NONE;
        // SAFETY: each test passes null, or what is there.
        let status = unsafe { TABLE.call.unwrap()(handle, operation, request, circumstances, &raw mut reply) };
        Answer::take(status, reply)
    }

    pub(super) fn bytes(self, handle: u64, operation: u32, request: &[u8]) -> Answer {
        self.raw(handle, operation, Bytes::of(request), &circumstances())
    }

    /// Does one operation.
    pub(super) fn call<O: Operation>(self, handle: u64, arguments: O::Arguments<'_>) -> Result<O::Reply, (u32, Error)> {
        self.call_in::<O>(handle, arguments, circumstances())
    }

    #[expect(clippy::needless_pass_by_value, reason = "made for one call")]
    pub(super) fn call_in<O: Operation>(
        self,
        handle: u64,
        arguments: O::Arguments<'_>,
        circumstances: Circumstances,
    ) -> Result<O::Reply, (u32, Error)> {
        let (request, needs) = wire::to_bytes(&arguments).unwrap();
        let answer = self.raw(handle, O::CODE, Bytes::of(&request), &Circumstances { needs, ..circumstances });
        if answer.status == STATUS_OK { Ok(answer.ok()) } else { Err((answer.status, answer.error())) }
    }

    pub(super) fn close(self, handle: u64) -> Answer {
        CURRENT.set(Some(self.exported));
        let mut reply = Buffer::NONE;
        // SAFETY: the reply is a place.
        let status = unsafe { TABLE.close.unwrap()(handle, &raw mut reply) };
        Answer::take(status, reply)
    }

    /// Calls each function with null wherever there is a pointer, and returns what they say.
    pub(super) fn nulls(self) -> [u32; 4] {
        CURRENT.set(Some(self.exported));
        let nothing = || Bytes::NONE;
        let null = std::ptr::null_mut::<Buffer>;
        // SAFETY: null is what each of them may be given.
        unsafe {
            TABLE.free.unwrap()(Buffer::NONE);
            [
                TABLE.describe.unwrap()(std::ptr::null(), null()),
                TABLE.open.unwrap()(nothing(), std::ptr::null(), std::ptr::null_mut(), null()),
                TABLE.call.unwrap()(0, 17, nothing(), std::ptr::null(), null()),
                TABLE.close.unwrap()(1, null()),
            ]
        }
    }

    /// Returns how many handles are open.
    pub(super) fn open_handles(self) -> usize {
        self.exported.handles().len()
    }
}

impl Answer {
    fn take(status: u32, reply: Buffer) -> Self {
        let Buffer { data, len, .. } = reply;
        let bytes = if len == 0 {
            Vec::new()
        } else {
            // SAFETY: the plugin says that they are there, until they are given back.
            unsafe { std::slice::from_raw_parts(data, len) }.to_vec()
        };
        // SAFETY: given back as it came.
        unsafe { TABLE.free.unwrap()(reply) };
        Self { status, bytes }
    }

    /// Reads the reply of what went well.
    #[track_caller]
    pub(super) fn ok<T: Read>(&self) -> T {
        assert_eq!(self.status, STATUS_OK, "{}", self.error());
        wire::from_bytes(&self.bytes, Direction::Reply).unwrap()
    }

    /// Reads the error of what did not.
    #[track_caller]
    pub(super) fn error(&self) -> Error {
        assert_ne!(self.status, STATUS_OK);
        wire::from_bytes(&self.bytes, Direction::Reply).unwrap()
    }
}
