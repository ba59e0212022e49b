//! Panics, wherever the dialect's code runs.

#![allow(unsafe_code)]

use std::ffi::c_void;

use polymnia::spi::Dialect;
use polymnia::{Error, ErrorKind, OpenOptions};

use super::client::{Client, circumstances};
use super::dialects::naive;
use super::fragile::{Fragile, SAID, SECRET, Weak};
use super::requests::{On, requests, session_options};
use crate::abi::{Bytes, Circumstances, GO_ON, HANDLE_DIALECT, STATUS_ERROR, STATUS_OK, STATUS_PANICKED};
use crate::operation::{self as op, Operation};
use crate::wire;

macro_rules! fragile {
    ($weak:ident) => {
        Client::new(|| Box::new(Fragile(Weak::$weak)))
    };
}

/// Checks that the plugin tells of the panic, now and from now on, and that the process and other plugins go on.
#[track_caller]
fn check(client: Client, operation: &str, status: u32, error: &Error) {
    assert_eq!(status, STATUS_PANICKED);
    assert_eq!(error.kind(), ErrorKind::Plugin);
    let message = error.message();
    assert!(message.starts_with(&format!("panicked in {operation} at ")), "{message}");
    assert!(message.contains("fragile.rs:") && message.ends_with(SAID), "{message}");

    for answer in [
        client.bytes(HANDLE_DIALECT, op::Nothing::CODE, &[]),
        client.bytes(HANDLE_DIALECT, op::Migrations::CODE, &[]),
        client.describe(std::ptr::null()),
        client.open_raw(&[], &circumstances()).0,
    ] {
        assert_eq!((answer.status, answer.error().message()), (STATUS_PANICKED, message));
    }
    let other = naive();
    other.call::<op::Ping>(other.open("naive:"), ()).unwrap();
}

#[test]
fn in_every_operation() {
    for request in requests(std::path::Path::new("/nowhere")) {
        let client = if request.on == On::Session { fragile!(Sessions) } else { fragile!(Operations) };
        let database = client.open("fragile:");
        let handle = match request.on {
            On::Dialect => HANDLE_DIALECT,
            On::Database => database,
            On::Session => client.call::<op::OpenSession>(database, (&session_options(),)).unwrap().handle,
        };
        let circumstances = Circumstances { needs: request.needs, ..circumstances() };
        let answer = client.raw(handle, request.code, Bytes::of(&request.bytes), &raw const circumstances);
        check(client, request.name, answer.status, &answer.error());
        for handle in [handle, database] {
            assert_eq!(client.close(handle).status, STATUS_OK);
        }
        assert_eq!(client.open_handles(), 0);
    }
}

#[test]
fn in_opening_a_session() {
    for client in [fragile!(Operations), fragile!(IsOneTransaction)] {
        let database = client.open("fragile:");
        let (status, error) = client.call::<op::OpenSession>(database, (&session_options(),)).unwrap_err();
        check(client, "OpenSession", status, &error);
    }
}

#[test]
fn in_describing() {
    for client in [fragile!(Dialect), Client::new(panicking_constructor)] {
        let answer = client.describe(std::ptr::null());
        check(client, "describe", answer.status, &answer.error());
    }
}

fn panicking_constructor() -> Box<dyn Dialect> {
    // Where it is built, not in what it does.
    super::fragile::boom()
}

#[test]
fn in_opening() {
    for client in [fragile!(Open), fragile!(Capability)] {
        let (request, _) = wire::to_bytes(&(OpenOptions::new("fragile:"),)).unwrap();
        let (answer, handle) = client.open_raw(&request, &circumstances());
        assert_eq!(handle, HANDLE_DIALECT);
        check(client, "open", answer.status, &answer.error());
    }
}

#[test]
fn in_closing_a_database() {
    let client = fragile!(DropEngine);
    let database = client.open("fragile:");
    let answer = client.close(database);
    check(client, "close", answer.status, &answer.error());
    assert_eq!(client.close(database).status, STATUS_OK, "it is closed");
}

#[test]
fn in_closing_a_session() {
    let client = fragile!(DropSession);
    let database = client.open("fragile:");
    let session = client.call::<op::OpenSession>(database, (&session_options(),)).unwrap().handle;
    let answer = client.close(session);
    check(client, "close", answer.status, &answer.error());
    assert_eq!(client.close(session).status, STATUS_OK, "it is closed");
}

#[test]
fn in_a_call_and_again_in_closing() {
    let client = fragile!(DropSession);
    let database = client.open("fragile:");
    let session = client.call::<op::OpenSession>(database, (&session_options(),)).unwrap().handle;
    let answer = client.bytes(session, op::SessionPrepare::CODE, &[]);
    check(client, "SessionPrepare", answer.status, &answer.error());
    let answer = client.close(session);
    check(client, "SessionPrepare", answer.status, &answer.error());
}

unsafe extern "C" fn close_it(context: *mut c_void) -> u32 {
    // SAFETY: the test below puts it there.
    let (client, database) = unsafe { &*context.cast::<(Client, u64)>() };
    assert_eq!(client.close(*database).status, STATUS_OK);
    GO_ON
}

#[test]
fn in_a_call_and_in_dropping_what_it_was_the_last_to_use() {
    let client = fragile!(DropEngine);
    let both = (client, client.open("fragile:"));
    let closing = Circumstances {
        context: std::ptr::from_ref(&both).cast_mut().cast(),
        interrupted: Some(close_it),
        ..circumstances()
    };
    let (status, error) = client.call_in::<op::Info>(both.1, (), closing).unwrap_err();
    check(client, "Info", status, &error);
    assert_eq!(client.open_handles(), 0);
}

#[test]
fn in_showing_or_dropping_an_error() {
    for client in [fragile!(ShowError), fragile!(DropError)] {
        let database = client.open("fragile:");
        let (status, error) = client.call::<op::Ping>(database, ()).unwrap_err();
        check(client, "Ping", status, &error);
    }
}

#[test]
fn a_payload_is_never_dropped() {
    let client = fragile!(DropPayload);
    let database = client.open("fragile:");
    let (status, error) = client.call::<op::Ping>(database, ()).unwrap_err();
    assert_eq!(status, STATUS_PANICKED);
    assert!(error.message().contains("fragile.rs:"), "{error}");
}

#[test]
fn what_a_panic_says_stays_where_it_is() {
    let client = fragile!(Content);
    let database = client.open("fragile:");
    let (status, error) = client.call::<op::Ping>(database, ()).unwrap_err();
    assert_eq!(status, STATUS_PANICKED);
    assert!(error.message().contains("panicked in Ping at ") && !error.message().contains(SECRET), "{error}");
}

#[test]
fn a_refusal_is_no_panic() {
    let client = naive();
    assert_eq!(client.bytes(77, op::Ping::CODE, &[]).status, STATUS_ERROR);
    assert_eq!(client.bytes(0, op::Nothing::CODE, &[]).status, STATUS_OK);
}
