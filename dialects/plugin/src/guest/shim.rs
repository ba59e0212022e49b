//! The five functions, as C calls them: pointers become what the rest of the plugin knows, and nothing unwinds out of them.

use super::export::{Export, Exported};
use super::panic::is_inside;
use super::raw::{self, Input, Reply};
use super::serve::{self, Verb};
use crate::abi::{Buffer, Bytes, Circumstances, HANDLE_DIALECT, Host, STATUS_ERROR, STATUS_OK};
use crate::operation::{Nothing, Operation};

/// [`Plugin::describe`](crate::abi::Plugin::describe).
pub(super) unsafe extern "C" fn describe<E: Export>(host: *const Host, reply: *mut Buffer) -> u32 {
    // SAFETY: the host passes null, or a place for the reply.
    let Some(reply) = (unsafe { Reply::new(reply) }) else { return STATUS_ERROR };
    // SAFETY: the host passes null, or its table, valid for good.
    let host = unsafe { raw::host(host) };
    serve::describe(E::exported(), host, &reply)
}

/// [`Plugin::open`](crate::abi::Plugin::open).
pub(super) unsafe extern "C" fn open<E: Export>(
    request: Bytes,
    circumstances: *const Circumstances,
    handle: *mut u64,
    reply: *mut Buffer,
) -> u32 {
    // SAFETY: the host passes null, or a place for the reply.
    let Some(reply) = (unsafe { Reply::new(reply) }) else { return STATUS_ERROR };
    if handle.is_null() {
        return STATUS_ERROR;
    }
    // SAFETY: the host passes what can be read until this returns.
    let input = unsafe { Input::read(request, circumstances) };
    let (status, opened) = serve::open(E::exported(), input, &reply, is_inside());
    // SAFETY: not null, so it is a place for a handle.
    unsafe { handle.write_unaligned(opened) };
    status
}

/// [`Plugin::call`](crate::abi::Plugin::call).
pub(super) unsafe extern "C" fn call<E: Export>(
    handle: u64,
    operation: u32,
    request: Bytes,
    circumstances: *const Circumstances,
    reply: *mut Buffer,
) -> u32 {
    // SAFETY: the host passes null, or a place for the reply.
    let Some(reply) = (unsafe { Reply::new(reply) }) else { return STATUS_ERROR };
    // SAFETY: the host passes what can be read until this returns.
    let input = unsafe { Input::read(request, circumstances) };
    let exported = E::exported();
    if operation == Nothing::CODE && input.is_plain() && !exported.is_poisoned() {
        return STATUS_OK;
    }
    serve::call(exported, handle, Verb::Call(operation), input, &reply, is_inside())
}

/// [`Plugin::close`](crate::abi::Plugin::close).
pub(super) unsafe extern "C" fn close<E: Export>(handle: u64, reply: *mut Buffer) -> u32 {
    // SAFETY: the host passes null, or a place for the reply.
    let reply = unsafe { Reply::new(reply) };
    let exported: &Exported = E::exported();
    if handle == HANDLE_DIALECT {
        return STATUS_OK;
    }
    serve::close(exported, handle, reply.as_ref(), is_inside())
}

/// [`Plugin::free`](crate::abi::Plugin::free).
pub(super) unsafe extern "C" fn free(buffer: Buffer) {
    // SAFETY: the host gives back what it got, once.
    unsafe { raw::free(buffer) }
}
