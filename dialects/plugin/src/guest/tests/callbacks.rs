//! What the plugin asks and tells the host during a call.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use polymnia::schema::SessionOptions;
use polymnia::{CancelToken, ErrorKind};

use super::client::{Client, circumstances};
use super::dialects::{naive, sqlite};
use super::requests::session_options;
use crate::abi::{Bytes, CANCELLED, Circumstances, GO_ON, STATUS_ERROR, STATUS_OK, TIMED_OUT};
use crate::guest::callback::Watch;
use crate::message::Waiting;
use crate::operation::{self as op, Operation};
use crate::wire::{self, Direction};

/// Answers what stands at the context.
unsafe extern "C" fn answer(context: *mut c_void) -> u32 {
    // SAFETY: the tests below put an AtomicU32 there.
    unsafe { &*context.cast::<AtomicU32>() }.load(Ordering::SeqCst)
}

fn answering(answers: &AtomicU32) -> Circumstances {
    Circumstances {
        context: std::ptr::from_ref(answers).cast_mut().cast(),
        interrupted: Some(answer),
        ..circumstances()
    }
}

#[test]
fn a_call_ends_when_the_host_says_so() {
    let client = naive();
    let database = client.open("naive:");
    let answers = AtomicU32::new(GO_ON);
    client.call_in::<op::Ping>(database, (), answering(&answers)).unwrap();
    answers.store(CANCELLED, Ordering::SeqCst);
    let (status, error) = client.call_in::<op::Ping>(database, (), answering(&answers)).unwrap_err();
    assert_eq!((status, error.kind()), (STATUS_ERROR, ErrorKind::Cancelled));
    answers.store(77, Ordering::SeqCst);
    client.call_in::<op::Ping>(database, (), answering(&answers)).unwrap();
}

#[test]
fn a_deadline_ends_a_call_by_itself() {
    let client = naive();
    let database = client.open("naive:");
    let ask = |remaining_nanos| {
        client.call_in::<op::Ping>(database, (), Circumstances { remaining_nanos, ..circumstances() })
    };
    assert_eq!(ask(0).unwrap_err().1.kind(), ErrorKind::Timeout);
    ask(60_000_000_000).unwrap();
    ask(u64::MAX - 1).unwrap();
}

#[test]
fn a_host_that_says_timed_out_is_believed_unless_it_gave_a_deadline() {
    let client = naive();
    let database = client.open("naive:");
    let answers = AtomicU32::new(TIMED_OUT);
    let ask = |remaining_nanos| {
        let circumstances = Circumstances { remaining_nanos, ..answering(&answers) };
        client.call_in::<op::Ping>(database, (), circumstances)
    };
    ask(60_000_000_000).unwrap();
    assert_eq!(ask(u64::MAX).unwrap_err().1.kind(), ErrorKind::Cancelled);
}

#[test]
fn a_long_call_is_cancelled_from_another_thread() {
    let client = sqlite();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("a.db").display());
    let database = client.open(&url);
    let holding = client.call::<op::OpenSession>(database, (&session_options(),)).unwrap().handle;
    let answers = AtomicU32::new(GO_ON);
    let options = SessionOptions { lock_wait: Duration::from_mins(1), ..session_options() };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            answers.store(CANCELLED, Ordering::SeqCst);
        });
        let began = Instant::now();
        let (_, error) = client.call_in::<op::OpenSession>(database, (&options,), answering(&answers)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert!(began.elapsed() < Duration::from_secs(5));
    });
    client.close(holding);
}

#[test]
fn a_token_that_outlives_its_call_asks_nobody() {
    let answers = AtomicU32::new(CANCELLED);
    let watch = Watch::of(&answering(&answers));
    let token = watch.token().unwrap();
    assert!(token.is_cancelled());
    drop(watch);
    assert!(!token.is_cancelled());
    assert!(Watch::of(&circumstances()).token().is_none());
}

/// The tokens that a thread goes on asking.
static KEPT: Mutex<Vec<CancelToken>> = Mutex::new(Vec::new());

#[test]
fn a_thread_that_asks_on_after_the_call_does_no_harm() {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let kept = KEPT.lock().unwrap().clone();
                for token in kept {
                    token.is_cancelled();
                }
            }
        });
        for _ in 0..2_000 {
            // Gone right after its watch: asking it then would read freed memory, and valgrind would tell.
            let answers = Box::new(AtomicU32::new(GO_ON));
            let watch = Watch::of(&answering(&answers));
            let mut kept = KEPT.lock().unwrap();
            kept.clear();
            kept.extend(watch.token());
            drop(kept);
            drop(watch);
            drop(answers);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// Is told events and asked whether to go on, with a plugin at hand.
struct Inside {
    client: Client,
    session: u64,
    events: Mutex<Vec<Waiting>>,
    nested: OnceLock<[u32; 3]>,
}

unsafe extern "C" fn take_event(context: *mut c_void, event: Bytes) {
    // SAFETY: the test below puts it there.
    let inside = unsafe { &*context.cast::<Inside>() };
    // SAFETY: the plugin passes bytes that are there.
    let bytes = unsafe { std::slice::from_raw_parts(event.data, event.len) };
    inside.events.lock().unwrap().push(wire::from_bytes(bytes, Direction::Reply).unwrap());
    // A call from within a call: another handle is fine, and the lock is given back.
    inside.nested.get_or_init(|| {
        let Inside { client, session, .. } = inside;
        [
            client.bytes(*session, op::SessionLedger::CODE, &[]).status,
            client.bytes(0, op::Migrations::CODE, &[]).status,
            client.close(*session).status,
        ]
    });
}

#[test]
fn who_waits_for_the_lock_is_told_and_may_call_meanwhile() {
    let client = sqlite();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("a.db").display());
    let database = client.open(&url);
    let session = client.call::<op::OpenSession>(database, (&session_options(),)).unwrap().handle;
    client.call::<op::SessionPrepare>(session, ()).unwrap();
    let inside = Inside { client, session, events: Mutex::default(), nested: OnceLock::new() };
    let told = Circumstances {
        context: std::ptr::from_ref(&inside).cast_mut().cast(),
        event: Some(take_event),
        ..circumstances()
    };
    let options = SessionOptions { lock_wait: Duration::from_secs(20), ..session_options() };
    let opened = client.call_in::<op::OpenSession>(database, (&options,), told).unwrap();
    assert_eq!(inside.nested.get(), Some(&[STATUS_OK; 3]));
    assert!(!inside.events.lock().unwrap().is_empty());
    client.close(opened.handle);
}

/// Asks, from within a call on a session, for the same session.
struct Again {
    client: Client,
    session: u64,
    statuses: Mutex<Vec<(u32, ErrorKind)>>,
}

unsafe extern "C" fn ask_again(context: *mut c_void) -> u32 {
    // SAFETY: the test below puts it there.
    let again = unsafe { &*context.cast::<Again>() };
    let answers = [again.client.bytes(again.session, op::SessionLedger::CODE, &[]), again.client.close(again.session)];
    again.statuses.lock().unwrap().extend(answers.map(|answer| (answer.status, answer.error().kind())));
    GO_ON
}

#[test]
fn a_session_in_use_is_refused_to_a_call_within_its_call() {
    let client = naive();
    let database = client.open("naive:");
    let session = client.call::<op::OpenSession>(database, (&session_options(),)).unwrap().handle;
    let again = Again { client, session, statuses: Mutex::default() };
    let asking = Circumstances {
        context: std::ptr::from_ref(&again).cast_mut().cast(),
        interrupted: Some(ask_again),
        ..circumstances()
    };
    client.call_in::<op::SessionLedger>(session, (), asking).unwrap();
    let statuses = again.statuses.lock().unwrap().clone();
    assert!(!statuses.is_empty());
    assert!(statuses.iter().all(|status| *status == (STATUS_ERROR, ErrorKind::Conflict)), "{statuses:?}");
    client.call::<op::SessionLedger>(session, ()).unwrap();
    assert_eq!(client.close(session).status, STATUS_OK);
}
