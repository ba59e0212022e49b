//! Records on their way to the host.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fmt;
use std::sync::Mutex;

use log::{Level, Record};

use crate::abi::Bytes;
use crate::guest::callback::HostLog;
use crate::guest::log::forward;
use crate::guest::panic::caught;

/// Is what a host heard: levels, targets and messages.
type Heard = Mutex<Vec<(u32, String, String)>>;

unsafe extern "C" fn level(_: *mut c_void) -> u32 {
    5
}

unsafe extern "C" fn hear(context: *mut c_void, level: u32, target: Bytes, message: Bytes) {
    // SAFETY: the tests below put it there.
    let heard = unsafe { &*context.cast::<Heard>() };
    // SAFETY: the plugin passes texts that are there.
    let text = |bytes: Bytes| unsafe { std::slice::from_raw_parts(bytes.data, bytes.len) }.to_vec();
    let [target, message] = [target, message].map(|bytes| String::from_utf8(text(bytes)).unwrap());
    heard.lock().unwrap().push((level, target, message));
    // A program whose own log leads here again, as one would that has the plugin built in.
    forward(&host(heard), &Record::builder().args(format_args!("again")).build());
}

fn host(heard: &Heard) -> HostLog {
    HostLog::new(std::ptr::from_ref(heard).cast_mut().cast(), Some(level), Some(hear)).unwrap()
}

struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::fragile::boom()
    }
}

#[test]
fn a_record_arrives_once_with_its_target() {
    let heard = Heard::default();
    let record = |level| Record::builder().level(level).target("my_dialect").args(format_args!("opened")).build();
    forward(&host(&heard), &record(Level::Error));
    forward(&host(&heard), &record(Level::Trace));
    let said = |level| (level, "my_dialect".to_owned(), "opened".to_owned());
    assert_eq!(*heard.lock().unwrap(), [said(1), said(5)]);
}

#[test]
fn a_record_that_panics_when_shown_is_caught_and_the_next_one_arrives() {
    let heard = Heard::default();
    let host = host(&heard);
    assert!(caught(|| forward(&host, &Record::builder().args(format_args!("{Panics}")).build())).is_err());
    forward(&host, &Record::builder().args(format_args!("fine")).build());
    assert_eq!(heard.lock().unwrap().len(), 1);
}
