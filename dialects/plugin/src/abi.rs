//! The binary interface: all that C sees. Major version 1.
//!
//! A plugin is a shared library that exports one table, [`Plugin`], under the name [`ENTRY`]. Tables grow at their end only;
//! the prefix of each says how long it is, and what lies beyond that end, or is null, is not there. Numbers are in the
//! machine's byte order, pointers and `size_t` in its width.
//!
//! Requests and replies are CBOR (RFC 8949), described in `docs/plugins/wire.md`.
//!
//! # Rules of memory
//!
//! - What the host passes (requests, [`Circumstances`]) is valid until the function returns. The [`Host`] table is valid for
//!   good.
//! - A reply belongs to the plugin. The host copies it and gives it back to [`Plugin::free`] at once, whatever the status.
//! - No exception and no panic may leave a function, of either side.
//!
//! # Rules of threads
//!
//! Any function may be called on any thread, and several at once. Calls on the handle of a session of migrating, or on a
//! cursor, come one after the other, on any thread.

use std::ffi::{c_char, c_void};

/// The first bytes of every table.
pub const MAGIC: [u8; 8] = *b"POLYMNIA";
/// The major version: another one is another symbol, and understands nothing of this one.
pub const ABI_MAJOR: u16 = 1;
/// The minor version: a higher one has more operations, features and fields at the end of tables.
pub const ABI_MINOR: u16 = 0;
/// The symbol of the [`Plugin`] table: `polymnia_plugin_v` and the major version.
pub const ENTRY: &str = "polymnia_plugin_v1";

/// The operation was done; the reply is its result.
pub const STATUS_OK: u32 = 0;
/// It failed; the reply is an error.
pub const STATUS_ERROR: u32 = 1;
/// The operation, or a feature that the request needs, is not known here. Nothing was done. There may be no reply.
pub const STATUS_UNSUPPORTED: u32 = 2;
/// The plugin panicked, now or before; the reply is an error. Nothing more should be asked of it.
pub const STATUS_PANICKED: u32 = 3;

/// The handle of the dialect itself, which is always open.
pub const HANDLE_DIALECT: u64 = 0;

/// No deadline.
pub const NO_DEADLINE: u64 = u64::MAX;

/// The call goes on.
pub const GO_ON: u32 = 0;
/// The caller cancelled.
pub const CANCELLED: u32 = 1;
/// The deadline passed.
pub const TIMED_OUT: u32 = 2;

/// The request has a condition that is `Filter::Contains`.
pub const FEATURE_CONTAINMENT: u64 = 1;
/// The request has a condition of the rest of the filter language.
pub const FEATURE_FILTERS: u64 = 1 << 1;
/// The request has a condition on related threads.
pub const FEATURE_RELATED_THREADS: u64 = 1 << 2;
/// Every feature of this minor version.
pub const FEATURES: u64 = FEATURE_CONTAINMENT | FEATURE_FILTERS | FEATURE_RELATED_THREADS;

/// Begins every table.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// [`ABI_MAJOR`].
    pub major: u16,
    /// [`ABI_MINOR`].
    pub minor: u16,
    /// The length of the whole table in bytes.
    pub size: u32,
}

/// Is bytes of somebody else, for the length of a call. `data` may be null if `len` is 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Bytes {
    /// The first byte.
    pub data: *const u8,
    /// How many there are.
    pub len: usize,
}

/// Is a reply: bytes that the plugin allocated, which [`Plugin::free`] takes back. `data` may be null if `len` is 0.
#[repr(C)]
#[derive(Debug)]
pub struct Buffer {
    /// The first byte.
    pub data: *mut u8,
    /// How many there are.
    pub len: usize,
    /// Whatever the plugin needs to free them, such as the capacity.
    pub extra: usize,
}

/// Is what the host offers. Valid for good.
#[repr(C)]
#[derive(Debug)]
pub struct Host {
    /// Begins the table.
    pub prefix: Prefix,
    /// To be passed to each function.
    pub context: *mut c_void,
    /// Returns the greatest level that is logged: 0 for nothing, 1 for errors, up to 5 for traces.
    pub log_level: Option<unsafe extern "C" fn(context: *mut c_void) -> u32>,
    /// Logs a message. Target and message are UTF-8, without content of memories and without passwords.
    pub log: Option<unsafe extern "C" fn(context: *mut c_void, level: u32, target: Bytes, message: Bytes)>,
}

/// Is the circumstances of one call. Valid until it returns.
#[repr(C)]
#[derive(Debug)]
pub struct Circumstances {
    /// The length of this table in bytes.
    pub size: u32,
    /// Not used: 0.
    pub reserved: u32,
    /// The features that the request needs. Any that the plugin does not know means [`STATUS_UNSUPPORTED`].
    pub needs: u64,
    /// What time it is: microseconds since 1970-01-01T00:00:00Z.
    pub now_micros: i64,
    /// The time left, in nanoseconds, or [`NO_DEADLINE`].
    pub remaining_nanos: u64,
    /// The greatest reply the host accepts, in bytes.
    pub max_reply: u64,
    /// To be passed to each function.
    pub context: *mut c_void,
    /// Returns [`GO_ON`], [`CANCELLED`] or [`TIMED_OUT`]. Null if nobody can cancel.
    pub interrupted: Option<unsafe extern "C" fn(context: *mut c_void) -> u32>,
    /// Takes an event of a long operation. Null if nobody listens.
    pub event: Option<unsafe extern "C" fn(context: *mut c_void, event: Bytes)>,
}

/// Is a plugin.
#[repr(C)]
#[derive(Debug)]
pub struct Plugin {
    /// Begins the table.
    pub prefix: Prefix,
    /// Describes the plugin; called first, once or more. The plugin may keep the host.
    pub describe: Option<unsafe extern "C" fn(host: *const Host, reply: *mut Buffer) -> u32>,
    /// Opens a database and gives it a handle, not 0.
    pub open: Option<
        unsafe extern "C" fn(
            request: Bytes,
            circumstances: *const Circumstances,
            handle: *mut u64,
            reply: *mut Buffer,
        ) -> u32,
    >,
    /// Does one operation on what a handle stands for.
    pub call: Option<
        unsafe extern "C" fn(
            handle: u64,
            operation: u32,
            request: Bytes,
            circumstances: *const Circumstances,
            reply: *mut Buffer,
        ) -> u32,
    >,
    /// Closes a handle, of whatever kind. One that isn't open is no error.
    pub close: Option<unsafe extern "C" fn(handle: u64, reply: *mut Buffer) -> u32>,
    /// Takes a reply back. One without bytes may be given back or not.
    pub free: Option<unsafe extern "C" fn(buffer: Buffer)>,
}

// SAFETY: the table holds functions only, which may be called on any thread.
unsafe impl Sync for Plugin {}
// SAFETY: as above.
unsafe impl Send for Plugin {}
// SAFETY: the context is the host's own, whose functions may be called on any thread.
unsafe impl Sync for Host {}
// SAFETY: as above.
unsafe impl Send for Host {}

impl Prefix {
    /// Returns the prefix of a table of this version.
    ///
    /// # Panics
    ///
    /// If the table is 4 GiB.
    pub const fn of<T>() -> Self {
        let size = size_of::<T>();
        assert!(size <= u32::MAX as usize);
        #[expect(clippy::cast_possible_truncation, reason = "asserted above")]
        let size = size as u32;
        Self { magic: MAGIC, major: ABI_MAJOR, minor: ABI_MINOR, size }
    }
}

impl Bytes {
    /// No bytes.
    pub const NONE: Self = Self { data: std::ptr::null(), len: 0 };

    /// Returns the bytes of a slice, which must outlive their use.
    pub fn of(slice: &[u8]) -> Self {
        Self { data: slice.as_ptr(), len: slice.len() }
    }
}

impl Buffer {
    /// No bytes.
    pub const NONE: Self = Self { data: std::ptr::null_mut(), len: 0, extra: 0 };
}

/// What a symbol's name looks like to `dlsym`.
pub type SymbolName = *const c_char;
