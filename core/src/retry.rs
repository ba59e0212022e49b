//! Trying again what may succeed later.

use std::time::{Duration, Instant};

use crate::{Call, Error, Result, Retry};

/// Says how often and how long an operation that failed with [`Retry::Safe`] is tried again: with exponential backoff and
/// jitter, and never past the caller's deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many times an operation is tried in all, at least once. 6 unless given.
    pub attempts: u32,
    /// The longest first pause; each next one may be twice as long. 20 ms unless given.
    pub base: Duration,
    /// The longest pause. 1 s unless given.
    pub max: Duration,
}

impl RetryPolicy {
    /// Tries once.
    pub const NEVER: Self = Self { attempts: 1, base: Duration::ZERO, max: Duration::ZERO };

    /// Returns how long to wait after `failures` failed attempts: a random part of base * 2^(failures - 1).
    ///
    /// The whole range is random ("full jitter"), so that clients which failed together don't come back together.
    pub fn pause(&self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let longest = self.base.saturating_mul(factor).min(self.max);
        longest.mul_f64(fastrand::f64())
    }

    /// Runs `attempt` until it succeeds, fails for good, or there is no try or time left.
    pub(crate) fn run<T>(&self, call: &Call, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
        let mut failures = 0;
        loop {
            let error = match attempt() {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if error.retry() != Retry::Safe {
                return Err(error);
            }
            failures += 1;
            let pause = self.pause(failures);
            let too_late = call.deadline.is_some_and(|deadline| Instant::now() + pause >= deadline);
            if failures >= self.attempts || too_late {
                return Err(exhausted(error, failures));
            }
            log::debug!("attempt {failures} failed, next in {pause:?}: {error}");
            std::thread::sleep(pause);
            call.check()?;
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 6, base: Duration::from_millis(20), max: Duration::from_secs(1) }
    }
}

fn exhausted(error: Error, failures: u32) -> Error {
    error.with_retry(Retry::Exhausted).with_context("attempts", failures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, Timestamp};

    fn quick() -> RetryPolicy {
        RetryPolicy { attempts: 3, base: Duration::from_micros(10), max: Duration::from_micros(20) }
    }

    fn call() -> Call {
        Call::at(Timestamp::from_micros(0).unwrap())
    }

    fn failing(retry: Retry) -> (u32, Error) {
        let mut attempts = 0;
        let result: Result<()> = quick().run(&call(), || {
            attempts += 1;
            Err(Error::new(ErrorKind::Unavailable, "busy").with_retry(retry))
        });
        (attempts, result.unwrap_err())
    }

    #[test]
    fn only_what_is_safe_is_tried_again() {
        let (attempts, error) = failing(Retry::Safe);
        assert_eq!((attempts, error.retry()), (3, Retry::Exhausted));
        assert_eq!(failing(Retry::Ambiguous).0, 1);
        assert_eq!(failing(Retry::Never).0, 1);
    }

    #[test]
    fn it_ends_with_the_first_success() {
        let mut attempts = 0;
        let result = quick().run(&call(), || {
            attempts += 1;
            if attempts < 2 {
                Err(Error::new(ErrorKind::Unavailable, "busy").with_retry(Retry::Safe))
            } else {
                Ok(attempts)
            }
        });
        assert_eq!(result.unwrap(), 2);
    }

    #[test]
    fn it_does_not_pass_the_deadline() {
        let late = Call { deadline: Some(Instant::now()), ..call() };
        let policy = RetryPolicy { base: Duration::from_mins(1), max: Duration::from_mins(1), ..quick() };
        let result: Result<()> =
            policy.run(&late, || Err(Error::new(ErrorKind::Unavailable, "busy").with_retry(Retry::Safe)));
        assert_eq!(result.unwrap_err().context_value("attempts"), Some("1"));
    }

    #[test]
    fn pauses_grow_to_the_greatest() {
        let policy = RetryPolicy { attempts: 9, base: Duration::from_millis(10), max: Duration::from_millis(25) };
        for failures in 1..40 {
            assert!(policy.pause(failures) <= Duration::from_millis(25));
        }
    }
}
