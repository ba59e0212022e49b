//! Bytes and tables that come and go as pointers.

use std::mem::offset_of;

use polymnia::Error;

use super::ask::Refusal;
use super::callback::HostLog;
use crate::abi::{ABI_MAJOR, Buffer, Bytes, Circumstances, Host, MAGIC, Prefix};

/// Is where a reply goes.
#[derive(Debug)]
pub(super) struct Reply(*mut Buffer);

impl Reply {
    /// Returns the place of a reply, for now without bytes; none if there is no such place.
    ///
    /// # Safety
    ///
    /// `place` is null or can be written for as long as this is used.
    pub(super) unsafe fn new(place: *mut Buffer) -> Option<Self> {
        if place.is_null() {
            return None;
        }
        // SAFETY: not null, so the caller says that it can be written; whatever is there needs no drop.
        unsafe { place.write_unaligned(Buffer::NONE) };
        Some(Self(place))
    }

    /// Returns a place that forgets what is put there.
    pub(super) fn nowhere() -> Self {
        Self(std::ptr::null_mut())
    }

    /// Puts bytes there, to be given back to [`free`].
    pub(super) fn put(&self, bytes: Vec<u8>) {
        if self.0.is_null() || bytes.capacity() == 0 {
            return;
        }
        let (data, len, extra) = bytes.into_raw_parts();
        // SAFETY: not null, so whoever made this said that it can be written.
        unsafe { self.0.write_unaligned(Buffer { data, len, extra }) };
    }
}

/// Frees a reply.
///
/// # Safety
///
/// The buffer is as [`Reply::put`] made it, and nobody uses it any more.
pub(super) unsafe fn free(Buffer { data, len, extra }: Buffer) {
    if !data.is_null() && extra > 0 {
        // SAFETY: these are the parts of a Vec<u8>, as the caller says.
        drop(unsafe { Vec::from_raw_parts(data, len, extra) });
    }
}

/// Is what the host passes, as far as it can be read.
#[derive(Debug)]
pub(super) struct Input<'a> {
    /// The request; none if it can't be one.
    pub(super) request: Option<&'a [u8]>,
    /// The circumstances; none if there are none, an error if they are no such table.
    pub(super) circumstances: Result<Option<Circumstances>, Refusal>,
}

impl Input<'_> {
    /// Reads it.
    ///
    /// # Safety
    ///
    /// `request` leads to as many bytes as it says unless it is null, and `circumstances` is null, or a table as long as it
    /// says. Both can be read for as long as this is used.
    pub(super) unsafe fn read(request: Bytes, circumstances: *const Circumstances) -> Self {
        // SAFETY: the caller says so, of both.
        unsafe { Self { request: slice(request), circumstances: table(circumstances) } }
    }

    /// Returns whether nothing stands in the way of an operation that does nothing.
    pub(super) fn is_plain(&self) -> bool {
        match &self.circumstances {
            Ok(Some(circumstances)) => circumstances.needs == 0,
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// Returns the greatest reply that the host takes.
    pub(super) fn max_reply(&self) -> u64 {
        match &self.circumstances {
            Ok(Some(circumstances)) => circumstances.max_reply,
            _ => u64::MAX,
        }
    }
}

/// # Safety
///
/// As [`Input::read`].
unsafe fn slice<'a>(bytes: Bytes) -> Option<&'a [u8]> {
    if bytes.len == 0 {
        return Some(&[]);
    }
    if bytes.data.is_null() || isize::try_from(bytes.len).is_err() {
        return None;
    }
    // SAFETY: the caller says so, and it is no more than can be addressed.
    Some(unsafe { std::slice::from_raw_parts(bytes.data, bytes.len) })
}

/// # Safety
///
/// As [`Input::read`].
unsafe fn table(circumstances: *const Circumstances) -> Result<Option<Circumstances>, Refusal> {
    // The first version's table; fields that a later one adds are for a later version to read.
    const LEAST: usize = offset_of!(Circumstances, event) + size_of::<usize>();
    if circumstances.is_null() {
        return Ok(None);
    }
    // SAFETY: not null, so the caller says that it begins with its size.
    let size = unsafe { (&raw const (*circumstances).size).read_unaligned() };
    if (size as usize) < LEAST {
        let message = format!("circumstances of {size} bytes: expected {LEAST} at least");
        return Err(Error::invalid_input(message).into());
    }
    // SAFETY: there are as many bytes as this version's table has.
    Ok(Some(unsafe { circumstances.read_unaligned() }))
}

/// Reads what the host offers; none if there is no host.
///
/// # Errors
///
/// A table of something else, or of another major version.
///
/// # Safety
///
/// `host` is null, or a table as long as it says, valid for good.
pub(super) unsafe fn host(host: *const Host) -> Result<Option<HostLog>, Refusal> {
    if host.is_null() {
        return Ok(None);
    }
    // SAFETY: not null, so the caller says that it begins with a prefix.
    let Prefix { magic, major, minor: _, size } = unsafe { host.cast::<Prefix>().read_unaligned() };
    if magic != MAGIC {
        return Err(Error::invalid_input("the host's table does not begin with POLYMNIA").into());
    }
    if major != ABI_MAJOR {
        let message = format!("the host speaks version {major} of the interface, this plugin version {ABI_MAJOR}");
        return Err(Refusal::unsupported(message));
    }
    let has = |end: usize| size as usize >= end;
    if !has(offset_of!(Host, log) + size_of::<usize>()) {
        return Ok(None);
    }
    // SAFETY: the table is as long as this version's at least.
    let Host { prefix: _, context, log_level, log } = unsafe { host.read_unaligned() };
    Ok(HostLog::new(context, log_level, log))
}
