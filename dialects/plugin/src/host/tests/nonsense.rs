//! Replies that can't be: an error that names plugin, operation and place, and the reply given back.

use polymnia::{Error, ErrorKind, Retry, Selection};

use super::fake::{self, Answer, Fake, Reply};
use super::{call, engine, opened, tenant};
use crate::abi::{STATUS_ERROR, STATUS_OK, STATUS_PANICKED, STATUS_UNSUPPORTED};
use crate::wire;

/// What a count answers to a reply.
fn count(status: u32, reply: Reply) -> Error {
    let engine = engine(Fake::new());
    fake::push(Answer::new(status, reply));
    let error = engine.count(&call(), &tenant(), &Selection::default()).unwrap_err();
    fake::assert_all_freed();
    // Nothing but this call failed.
    engine.admin().ping(&call()).unwrap();
    error
}

#[track_caller]
fn assert_nonsense(error: &Error, what: &str) {
    assert_eq!(error.kind(), ErrorKind::Plugin);
    assert_eq!(error.message(), format!("plugin fake (/lib/fake.so) answered nonsense to Count: {what}"));
    assert_eq!(error.retry(), Retry::Never);
}

#[test]
fn a_reply_that_is_no_item_of_its_kind() {
    for (bytes, what) in [
        (vec![], "byte 0: expected a number from 0"),
        (vec![0x1B, 0, 0], "byte 0: expected a number from 0"),
        (vec![0x61, b'a'], "byte 0: expected a number from 0"),
        (vec![0x07, 0x07], "byte 1: expected the end"),
    ] {
        assert_nonsense(&count(STATUS_OK, Reply::Bytes(bytes)), what);
    }
    for reply in [Reply::Unwritten, Reply::Empty] {
        assert_nonsense(&count(STATUS_OK, reply), "byte 0: expected a number from 0");
    }
}

#[test]
fn an_unknown_status() {
    let seven = Reply::Bytes(vec![7]);
    for status in [4, 99, u32::MAX] {
        assert_nonsense(&count(status, seven.clone()), &format!("status {status}"));
    }
}

#[test]
fn more_bytes_than_were_allowed_are_not_read() {
    let max = 256 << 20;
    for len in [max + 1, isize::MAX.cast_unsigned() + 1, usize::MAX] {
        let what = format!("a reply of {len} bytes: expected {max} at most");
        assert_nonsense(&count(STATUS_OK, Reply::Lie(len)), &what);
        assert_nonsense(&count(STATUS_ERROR, Reply::Lie(len)), &what);
        assert_eq!(count(STATUS_UNSUPPORTED, Reply::Lie(len)).kind(), ErrorKind::Unsupported);
    }
    // However much is allowed, no length is believed that no allocation has.
    let dialect = Fake::new().dialect_with(u64::MAX);
    fake::push(Answer::new(STATUS_OK, Reply::Lie(usize::MAX)));
    assert_eq!(dialect.nothing(&call()).unwrap_err().kind(), ErrorKind::Plugin);
    let dialect = Fake::new().dialect_with(3);
    fake::push(Answer::new(STATUS_OK, Reply::Bytes(vec![0; 4])));
    let error = dialect.nothing(&call()).unwrap_err();
    assert!(error.message().ends_with("Nothing: a reply of 4 bytes: expected 3 at most"), "{error}");
    fake::assert_all_freed();
}

#[test]
fn bytes_at_no_address_are_not_read() {
    for len in [1, 4096, usize::MAX >> 1] {
        let error = count(STATUS_OK, Reply::Nowhere(len));
        assert_eq!(error.kind(), ErrorKind::Plugin, "{error}");
    }
    assert_nonsense(&count(STATUS_OK, Reply::Nowhere(9)), "a reply of 9 bytes at no address");
    assert_nonsense(&count(STATUS_ERROR, Reply::Nowhere(9)), "a reply of 9 bytes at no address");
}

#[test]
fn an_error_that_is_none() {
    let error = count(STATUS_ERROR, Reply::Unwritten);
    assert!(error.message().contains("answered nonsense to Count: in its error, byte 0: expected"), "{error}");
    assert_eq!(count(STATUS_ERROR, Reply::Bytes(vec![0xFF])).kind(), ErrorKind::Plugin);
}

#[test]
fn a_panic_without_words() {
    for reply in [Reply::Unwritten, Reply::Bytes(vec![0xFF]), Reply::Lie(usize::MAX), Reply::Nowhere(1)] {
        let fake = Fake::new();
        fake::push(Answer::new(STATUS_PANICKED, reply));
        let error = fake.dialect().nothing(&call()).unwrap_err();
        assert_eq!(error.message(), "plugin fake (/lib/fake.so) panicked in Nothing; it is not used again");
        fake::assert_all_freed();
    }
}

#[test]
fn text_that_is_no_utf_8() {
    let engine = engine(Fake::new());
    fake::push(Answer::new(STATUS_OK, Reply::Bytes(vec![0x62, 0xC3, 0x28])));
    let error = engine.schema().script(&[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Plugin);
    assert!(error.message().contains("nonsense to WriteScript: byte "), "{error}");
    assert!(error.message().contains("expected a text"), "{error}");
}

#[test]
fn every_cut_of_a_reply_is_told_from_it() {
    let whole = wire::to_bytes(&opened()).unwrap().0;
    for len in 0..whole.len() {
        let fake = Fake::new();
        fake::push(Answer::ok(&Vec::<std::path::PathBuf>::new()));
        fake::push(Answer::new(STATUS_OK, Reply::Bytes(whole[..len].to_vec())).with_handle(5));
        let error = polymnia::spi::Dialect::open(&fake.dialect(), &polymnia::OpenOptions::new("fake://x")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Plugin, "{len}: {error}");
        assert_eq!(fake::closed(), [5]);
    }
    fake::assert_all_freed();
}

#[test]
fn after_nonsense_in_a_write_nobody_knows_what_was_written() {
    let engine = engine(Fake::new());
    fake::push(Answer::new(STATUS_OK, Reply::Bytes(vec![0xFF])));
    let error = engine.delete_matching(&call(), &tenant(), &Selection::default()).unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Plugin, Retry::Ambiguous));
}
