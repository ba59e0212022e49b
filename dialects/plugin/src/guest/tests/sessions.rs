//! Calls on one session from several threads.

use std::sync::Barrier;
use std::time::Duration;

use super::dialects::naive;
use super::requests::session_options;
use crate::abi::{STATUS_ERROR, STATUS_OK};
use crate::operation::{self as op, Operation};

#[test]
fn calls_of_several_threads_come_one_after_the_other() {
    let client = naive();
    let database = client.open("naive:");
    let session = client.call::<op::OpenSession>(database, (&session_options(),)).unwrap().handle;
    let together = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                together.wait();
                for _ in 0..200 {
                    client.call::<op::SessionLedger>(session, ()).unwrap();
                }
            });
        }
    });
    client.close(session);
}

#[test]
fn closing_waits_for_the_call_and_later_calls_find_nothing() {
    let client = naive();
    let database = client.open("naive:");
    for _ in 0..50 {
        let session = client.call::<op::OpenSession>(database, (&session_options(),)).unwrap().handle;
        std::thread::scope(|scope| {
            let calls = scope.spawn(|| {
                loop {
                    let answer = client.bytes(session, op::SessionSnapshot::CODE, &[]);
                    if answer.status != STATUS_OK {
                        return answer;
                    }
                }
            });
            std::thread::sleep(Duration::from_micros(200));
            assert_eq!(client.close(session).status, STATUS_OK);
            // The lock is free at once.
            let next = client.call::<op::OpenSession>(database, (&session_options(),)).unwrap().handle;
            client.close(next);
            let last = calls.join().unwrap();
            assert_eq!(last.status, STATUS_ERROR);
            assert!(last.error().message().contains("not open"), "{}", last.error());
        });
    }
}
