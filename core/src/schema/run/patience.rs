//! Trying again where a lock was not to be had.

use std::time::{Duration, Instant};

use crate::{Call, Result};

/// The first pause; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(5);
/// How often a pause looks whether the caller gave up.
const GLANCE: Duration = Duration::from_millis(50);

/// Counts how long a run has waited for locks that its statements need.
#[derive(Debug)]
pub(super) struct Patience {
    left: Duration,
    pause: Duration,
    /// Attempts made at what is tried now.
    pub(super) attempts: u32,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self { left: limit, pause: FIRST, attempts: 0 }
    }

    /// Takes what a failed attempt has waited, and returns how long to pause before the next; none if all has been waited.
    pub(super) fn next(&mut self, waited: Duration) -> Option<Duration> {
        self.left = self.left.saturating_sub(waited);
        if self.left.is_zero() {
            return None;
        }
        // Half of it by chance, so that two who wait for each other's locks part ways.
        let pause = self.pause.mul_f64(0.5 + fastrand::f64() / 2.0).min(self.left);
        self.left -= pause;
        self.pause = (self.pause * 2).min(LONGEST);
        self.attempts += 1;
        Some(pause)
    }

    /// Begins anew with short pauses, for something else. What was waited stays waited.
    pub(super) fn relax(&mut self) {
        self.pause = FIRST;
        self.attempts = 0;
    }
}

/// Sleeps, unless the caller gives up.
pub(super) fn sleep(call: &Call, pause: Duration) -> Result<()> {
    let until = Instant::now() + pause;
    loop {
        call.check()?;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(GLANCE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let mut patience = Patience::new(Duration::from_mins(1));
        let mut pauses = Vec::new();
        while let Some(pause) = patience.next(Duration::from_secs(2)) {
            pauses.push(pause);
        }
        assert!(pauses[0] <= FIRST && pauses.iter().all(|pause| *pause <= LONGEST), "{pauses:?}");
        assert!((10..30).contains(&pauses.len()), "{pauses:?}");
        assert_eq!(Patience::new(Duration::ZERO).next(Duration::ZERO), None);
    }

    #[test]
    fn a_pause_ends_when_the_caller_gives_up() {
        let token = crate::CancelToken::new();
        token.cancel();
        let call = Call { cancel: Some(token), ..Call::at(crate::Timestamp::MIN) };
        let started = Instant::now();
        assert!(sleep(&call, Duration::from_mins(1)).is_err());
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
