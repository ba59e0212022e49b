//! A host that asks whatever it likes.

use std::path::PathBuf;
use std::sync::Arc;

use polymnia::schema::Source;
use polymnia::spi::{Dialect, Engine, Library, SchemaEngine};
use polymnia::{ConnectionString, Error, OpenOptions, Result};
use polymnia_conformance::{Fixture, Oracle};
use polymnia_plugin::abi::{
    Buffer, Bytes, Circumstances, FEATURES, HANDLE_DIALECT, Plugin, STATUS_OK, STATUS_UNSUPPORTED,
};
use polymnia_plugin::operation;
use polymnia_plugin::wire::{Direction, from_bytes, to_bytes};

/// Calls one function after the other, as the input says.
///
/// A step is the number of a function, a handle, an operation, what the call needs, the length of the request in two bytes,
/// and the request.
pub(crate) fn run(mut data: &[u8]) {
    let plugin = polymnia_plugin::guest::table!(Naive);
    // One that is open, for an input that opens none.
    let mut handles = vec![HANDLE_DIALECT];
    open(plugin, &to_bytes(&(OpenOptions::new("naive:"),)).expect("it can be written").0, &mut handles);
    while let [function, handle, code, needs, low, high, rest @ ..] = data {
        let len = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (request, rest) = rest.split_at(len);
        data = rest;
        let handle = handles.get(usize::from(*handle)).copied().unwrap_or(u64::from(*handle) << 28 | 1);
        let (code, _) = operation::ALL.get(usize::from(*code)).copied().unwrap_or((u32::from(*code), ""));
        match function % 8 {
            0 => open(plugin, request, &mut handles),
            1 => close(plugin, handle),
            2 => drop(answered(plugin, |reply| {
                // SAFETY: no host is what a plugin may be given; the reply is a place.
                unsafe { plugin.describe.expect("it is there")(std::ptr::null(), reply) }
            })),
            _ => call(plugin, handle, code, u64::from(*needs), request, &mut handles),
        }
    }
    // A handle that is derived from another one comes later.
    for handle in handles.into_iter().rev() {
        close(plugin, handle);
    }
}

fn open(plugin: &Plugin, request: &[u8], handles: &mut Vec<u64>) {
    let mut handle = HANDLE_DIALECT;
    let circumstances = circumstances(FEATURES);
    let (status, _) = answered(plugin, |reply| {
        // SAFETY: all of it outlives the call.
        unsafe {
            plugin.open.expect("it is there")(Bytes::of(request), &raw const circumstances, &raw mut handle, reply)
        }
    });
    if status == STATUS_OK {
        assert_ne!(handle, HANDLE_DIALECT, "what is open has a handle");
        handles.push(handle);
    }
}

fn call(plugin: &Plugin, handle: u64, code: u32, needs: u64, request: &[u8], handles: &mut Vec<u64>) {
    use polymnia_plugin::message::{Batch, ScratchOpened, SessionOpened};
    use polymnia_plugin::operation::{Get, More, OpenSession, Operation, Query, Scratch};

    let circumstances = circumstances(needs);
    let (status, reply) = answered(plugin, |reply| {
        let request = Bytes::of(request);
        // SAFETY: as above.
        unsafe { plugin.call.expect("it is there")(handle, code, request, &raw const circumstances, reply) }
    });
    if status != STATUS_OK {
        return;
    }
    let opened = match code {
        OpenSession::CODE => Some(from_bytes::<SessionOpened>(&reply, Direction::Reply).expect("a reply").handle),
        Scratch::CODE => Some(from_bytes::<ScratchOpened>(&reply, Direction::Reply).expect("a reply").handle),
        Get::CODE | Query::CODE | More::CODE => from_bytes::<Batch>(&reply, Direction::Reply).expect("a reply").cursor,
        _ => None,
    };
    handles.extend(opened.filter(|opened| !handles.contains(opened)));
}

fn close(plugin: &Plugin, handle: u64) {
    // SAFETY: the reply is a place.
    answered(plugin, |reply| unsafe { plugin.close.expect("it is there")(handle, reply) });
}

/// Calls a function and takes its reply.
fn answered(plugin: &Plugin, function: impl FnOnce(*mut Buffer) -> u32) -> (u32, Vec<u8>) {
    let mut reply = Buffer::NONE;
    let status = function(&raw mut reply);
    let Buffer { data, len, .. } = reply;
    // SAFETY: the plugin says that they are there until they are given back.
    let bytes = if len == 0 { Vec::new() } else { unsafe { std::slice::from_raw_parts(data, len) }.to_vec() };
    // SAFETY: given back as it came.
    unsafe { plugin.free.expect("it is there")(reply) };
    assert!(status <= STATUS_UNSUPPORTED, "nothing panics: status {status}");
    if status != STATUS_OK && !bytes.is_empty() {
        from_bytes::<Error>(&bytes, Direction::Reply).expect("a failure is told");
    }
    (status, bytes)
}

fn circumstances(needs: u64) -> Circumstances {
    Circumstances {
        size: u32::try_from(size_of::<Circumstances>()).expect("it is small"),
        reserved: 0,
        needs,
        now_micros: 1_770_000_000_000_000,
        remaining_nanos: 20_000_000,
        max_reply: 1 << 20,
        context: std::ptr::null_mut(),
        interrupted: None,
        event: None,
    }
}

/// Opens an [`Oracle`] of its own each time.
#[derive(Debug)]
struct Naive;

impl Dialect for Naive {
    fn name(&self) -> &'static str {
        "naive"
    }

    fn url_schemes(&self) -> &[&str] {
        &["naive"]
    }

    fn recognizes(&self, text: &ConnectionString) -> bool {
        text.scheme().is_none()
    }

    fn library(&self) -> Option<&Library> {
        None
    }

    fn source(&self) -> Result<Source> {
        Ok(SchemaEngine::source(&Oracle::default()))
    }

    fn claims(&self, _: &OpenOptions) -> Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        Oracle::default().open(options)
    }
}
