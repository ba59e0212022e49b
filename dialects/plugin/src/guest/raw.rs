//! Bytes and tables that come and go as pointers.

use std::mem::offset_of;

use polymnia::Error;

use super::ask::Refusal;
use crate::abi::{ABI_MAJOR, Buffer, Bytes, Circumstances, Host, MAGIC, NO_DEADLINE, Prefix};
use super::callback::HostLog;

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

    /// Puts bytes there, to be given back to [`free`].
    pub(super) fn put(&self, bytes: Vec<u8>) {
        if bytes.capacity() == 0 {
            return;
        }
        let (data, len, extra) = bytes.into_raw_parts();
        // SAFETY: whoever made this said so.
        unsafe { self.0.write_unaligned(Buffer { data, len, extra }) };
    }
}

/// Frees a reply.
///
/// # Safety
///
/// The buffer is as [`Reply::put`] made it, and nobody uses it any more.
pub(super) unsafe fn free(buffer: Buffer) {
    let Buffer { data, len, extra } = buffer;
    if !data.is_null() && extra > 0 {
        // SAFETY: these are the parts of a Vec<u8>, as the caller says.
        drop(unsafe { Vec::from_raw_parts(data, len, extra) });
    }
}

/// Returns the bytes of a request; none if they can't be any.
///
/// # Safety
///
/// Unless `data` is null or `len` is 0, `len` bytes can be read from there for as long as `'a`.
pub(super) unsafe fn slice<'a>(bytes: Bytes) -> Option<&'a [u8]> {
    if bytes.len == 0 {
        return Some(&[]);
    }
    if bytes.data.is_null() || isize::try_from(bytes.len).is_err() {
        return None;
    }
    // SAFETY: the caller says so, and it is no more than can be addressed.
    Some(unsafe { std::slice::from_raw_parts(bytes.data, bytes.len) })
}

/// Reads the circumstances of a call; none if there are none.
///
/// # Errors
///
/// A table shorter than the first version's.
///
/// # Safety
///
/// `circumstances` is null, or as many bytes can be read from there as it says.
pub(super) unsafe fn circumstances(circumstances: *const Circumstances) -> Result<Option<Circumstances>, Refusal> {
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
    // SAFETY: there are as many bytes as this version's table has; what a newer one adds is not looked at.
    Ok(Some(unsafe { circumstances.read_unaligned() }))
}

/// Circumstances where there are none: nothing is known, and nothing is in the way.
pub(super) const NO_CIRCUMSTANCES: Circumstances = Circumstances {
    size: 0,
    reserved: 0,
    needs: 0,
    now_micros: 0,
    remaining_nanos: NO_DEADLINE,
    max_reply: u64::MAX,
    context: std::ptr::null_mut(),
    interrupted: None,
    event: None,
};

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
