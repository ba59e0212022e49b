//! Waiting for a condition instead of for a time.

use std::thread;
use std::time::{Duration, Instant};

/// Waits until a condition holds, and returns whether it did in time.
pub fn within(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until a condition holds, for a minute at most.
///
/// # Panics
///
/// If it doesn't, saying what was waited for.
#[track_caller]
pub fn until(what: &str, condition: impl FnMut() -> bool) {
    assert!(within(Duration::from_mins(1), condition), "waited a minute in vain until {what}");
}
