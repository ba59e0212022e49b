//! Calls on one session from several threads, and from within a call.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::sync::{Barrier, Mutex};
use std::time::Duration;

use polymnia::ErrorKind;
use polymnia::schema::SessionOptions;

use super::client::{Client, circumstances};
use super::dialects::{naive, sqlite};
use super::requests::session_options;
use crate::abi::{Bytes, Circumstances, GO_ON, STATUS_ERROR, STATUS_OK};
use crate::message::Waiting;
use crate::operation::{self as op, Operation};
use crate::wire::{self, Direction};

#[test]
fn calls_of_several_threads_come_one_after_the_other() {
    let client = naive();
    let database = client.open("naive:");
    let session = client.call::<op::OpenSession>(database, (&session_options(),)).unwrap().handle;
    let together = Barrier::new(9);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                together.wait();
                for _ in 0..200 {
                    client.call::<op::SessionLedger>(session, ()).unwrap();
                }
            });
        }
        together.wait();
    });
    client.close(session);
}
