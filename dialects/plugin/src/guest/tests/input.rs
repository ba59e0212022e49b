//! Pointers and tables that aren't what they should be.

use polymnia::ErrorKind;

use super::client::{Client, circumstances};
use super::dialects::naive;
use super::requests::{id, namespace};
use crate::abi::{
    ABI_MAJOR, Bytes, Circumstances, FEATURE_CONTAINMENT, FEATURE_FILTERS, Host, MAGIC, Prefix, STATUS_ERROR,
    STATUS_OK, STATUS_UNSUPPORTED,
};
use crate::message::Description;
use crate::operation::{self as op, Operation};
use crate::wire;

#[test]
fn null_everywhere_is_refused() {
    assert_eq!(naive().nulls(), [STATUS_ERROR, STATUS_ERROR, STATUS_ERROR, STATUS_OK]);
}

#[test]
fn nothing_needs_no_circumstances_and_everything_else_does() {
    let client = naive();
    let database = client.open("naive:");
    let ask = |code| client.raw(database, code, Bytes::NONE, std::ptr::null());
    let answer = ask(op::Nothing::CODE);
    assert_eq!((answer.status, answer.bytes.len()), (STATUS_OK, 0));
    let answer = ask(op::Ping::CODE);
    assert_eq!((answer.status, answer.error().kind()), (STATUS_ERROR, ErrorKind::InvalidInput));
    assert!(answer.error().message().contains("Ping without circumstances"), "{}", answer.error());
}

#[test]
fn short_circumstances_are_refused_and_long_ones_are_not() {
    let client = naive();
    let database = client.open("naive:");
    let size = circumstances().size;
    let ask = |size| {
        let circumstances = Circumstances { size, ..circumstances() };
        client.raw(database, op::Ping::CODE, Bytes::NONE, &raw const circumstances)
    };
    for short in [0, 4, size - 1] {
        let answer = ask(short);
        assert_eq!(answer.status, STATUS_ERROR);
        assert!(answer.error().message().contains(&format!("of {short} bytes")), "{}", answer.error());
    }
    assert_eq!(ask(size).status, STATUS_OK);
    // A host of a later version has more fields, which aren't looked at.
    assert_eq!(ask(size + 8).status, STATUS_OK);
}

#[test]
fn an_unknown_need_is_refused_before_anything_is_read() {
    let client = naive();
    let database = client.open("naive:");
    let needs = FEATURE_CONTAINMENT | 1 << 40;
    let circumstances = Circumstances { needs, ..circumstances() };
    for code in [op::Nothing::CODE, op::Query::CODE] {
        let answer = client.raw(database, code, Bytes::of(b"nonsense"), &raw const circumstances);
        assert_eq!(answer.status, STATUS_UNSUPPORTED);
        assert!(answer.error().message().contains("0x10000000000"), "{}", answer.error());
    }
    let known = Circumstances { needs: FEATURE_FILTERS, ..circumstances };
    client.call_in::<op::Ping>(database, (), known).unwrap();
}

#[test]
fn bytes_that_can_not_be_there_are_refused() {
    let client = naive();
    let database = client.open("naive:");
    for request in [Bytes { data: std::ptr::null(), len: 5 }, Bytes { data: std::ptr::dangling(), len: usize::MAX }] {
        let answer = client.raw(database, op::Get::CODE, request, &circumstances());
        assert_eq!((answer.status, answer.error().kind()), (STATUS_ERROR, ErrorKind::InvalidInput));
    }
}

#[test]
fn a_malformed_request_is_told_by_its_place() {
    let client = naive();
    let database = client.open("naive:");
    let (mut request, _) = wire::to_bytes(&(&namespace(), &[id(1)][..])).unwrap();
    let whole = client.bytes(database, op::Get::CODE, &request);
    assert_ne!(whole.error().kind(), ErrorKind::InvalidInput, "it has no schema, but is understood");
    request.pop();
    for request in [&request[..], &[], &[0xff], b"\x82\x00\x80"] {
        let answer = client.bytes(database, op::Get::CODE, request);
        let error = answer.error();
        assert_eq!((answer.status, error.kind()), (STATUS_ERROR, ErrorKind::InvalidInput), "{error}");
        assert!(error.message().starts_with("malformed request of Get: byte "), "{error}");
    }
    // Operations without arguments take an empty list as well as nothing, and nothing else.
    assert_eq!(client.bytes(database, op::Ping::CODE, &[0x80]).status, STATUS_OK);
    assert_eq!(client.bytes(database, op::Ping::CODE, &[0x81, 0]).status, STATUS_ERROR);
}

#[test]
fn a_time_that_is_none_is_refused() {
    let client = naive();
    let database = client.open("naive:");
    let circumstances = Circumstances { now_micros: i64::MAX, ..circumstances() };
    let (status, error) = client.call_in::<op::Ping>(database, (), circumstances).unwrap_err();
    assert_eq!((status, error.kind()), (STATUS_ERROR, ErrorKind::InvalidInput));
}

#[test]
fn a_reply_or_an_error_larger_than_the_host_takes_is_not_sent() {
    let client = naive();
    let answer = |max_reply| {
        let circumstances = Circumstances { max_reply, ..circumstances() };
        client.raw(0, op::Migrations::CODE, Bytes::NONE, &raw const circumstances)
    };
    let whole = answer(u64::MAX);
    assert_eq!(whole.status, STATUS_OK);
    let len = whole.bytes.len() as u64;
    assert_eq!(answer(len).status, STATUS_OK);
    let less = answer(len - 1);
    assert_eq!((less.status, less.error().kind()), (STATUS_ERROR, ErrorKind::Plugin));
    assert!(less.error().message().contains(&format!("takes {}", len - 1)), "{}", less.error());
    let none = answer(3);
    assert_eq!((none.status, none.bytes.len()), (STATUS_ERROR, 0));
}

#[test]
fn a_handle_that_can_not_be_told_is_closed() {
    let client = naive();
    let database = client.open("naive:");
    let circumstances = Circumstances { max_reply: 5, ..circumstances() };
    let scratch = wire::to_bytes(&(false,)).unwrap().0;
    let answer = client.raw(database, op::Scratch::CODE, Bytes::of(&scratch), &raw const circumstances);
    assert_eq!((answer.status, client.open_handles()), (STATUS_ERROR, 1));
    let options = wire::to_bytes(&(polymnia::OpenOptions::new("naive:"),)).unwrap().0;
    let (answer, handle) = client.open_raw(&options, &circumstances);
    assert_eq!((answer.status, handle, client.open_handles()), (STATUS_ERROR, 0, 1));
}

fn host(prefix: Prefix) -> Host {
    Host { prefix, context: std::ptr::null_mut(), log_level: None, log: None }
}

#[test]
fn a_host_of_something_else_is_refused() {
    let client: Client = naive();
    let ours = Prefix::of::<Host>();
    let ask = |prefix| client.describe(&raw const *Box::leak(Box::new(host(prefix))));
    ask(ours).ok::<Description>();
    ask(Prefix { size: 16, ..ours }).ok::<Description>();
    ask(Prefix { minor: 9, size: 400, ..ours }).ok::<Description>();
    let answer = ask(Prefix { major: 2, ..ours });
    assert_eq!(answer.status, STATUS_UNSUPPORTED);
    let message = answer.error().message().to_owned();
    assert!(message.contains("version 2") && message.contains(&format!("version {ABI_MAJOR}")), "{message}");
    let answer = ask(Prefix { magic: [0; MAGIC.len()], ..ours });
    assert_eq!(answer.status, STATUS_ERROR);
}
