//! What bounds the work of one connection: the call's deadline, its cancel token, and the wait for locks.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use polymnia::{Call, CancelToken, Interruption};

/// Is asked by SQLite's callbacks, on the thread that uses the connection, whether to go on.
#[derive(Debug)]
pub(crate) struct Guard {
    busy_timeout: Duration,
    state: Mutex<State>,
}

/// Says why a guard ended the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The caller cancelled the call, or a deadline passed.
    Interrupted(Interruption),
    /// Another connection kept its lock for that long.
    Locked(Duration),
}

#[derive(Debug, Default)]
struct State {
    cancel: Option<CancelToken>,
    /// When the caller stops waiting.
    caller: Option<Instant>,
    /// When the statement timeout ends; it counts where the caller gave no deadline.
    statement: Option<Instant>,
    /// How long this call waits for a lock, where that is not as ever.
    busy: Option<Duration>,
    /// When the present wait for a lock began.
    waiting: Option<Instant>,
    end: Option<End>,
}

/// The longest pause between two tries for a lock.
const LONGEST_PAUSE: Duration = Duration::from_millis(15);

impl Guard {
    pub(crate) fn new(busy_timeout: Duration) -> Self {
        Self { busy_timeout, state: Mutex::default() }
    }

    /// Begins a call. `timeout` applies where the call has no deadline of its own.
    pub(crate) fn begin(&self, call: &Call, timeout: Option<Duration>) {
        let statement = match call.deadline {
            Some(_) => None,
            None => timeout.map(|timeout| Instant::now() + timeout),
        };
        let cancel = call.cancel.clone();
        *self.state() = State { cancel, caller: call.deadline, statement, ..State::default() };
    }

    /// Begins a call that nothing but its own deadline ends, and which waits so long for each lock.
    pub(crate) fn begin_waiting(&self, call: &Call, busy: Duration) {
        let cancel = call.cancel.clone();
        *self.state() = State { cancel, caller: call.deadline, busy: Some(busy), ..State::default() };
    }

    /// Ends the call: nothing bounds the connection any more.
    pub(crate) fn finish(&self) {
        *self.state() = State::default();
    }

    /// Returns why the work was ended, if it was.
    pub(crate) fn end(&self) -> Option<End> {
        self.state().end
    }

    /// Returns whether the work may go on. Called every few thousand steps of a statement.
    pub(crate) fn may_go_on(&self) -> bool {
        let mut state = self.state();
        let interruption = state.cancelled().or_else(|| {
            let deadline = state.caller.or(state.statement)?;
            (Instant::now() >= deadline).then_some(Interruption::TimedOut)
        });
        state.end = interruption.map(End::Interrupted).or(state.end);
        interruption.is_none()
    }

    /// Waits a little for another connection's lock and returns whether to try again. `tries` is 0 when a wait begins.
    pub(crate) fn wait(&self, tries: u32) -> bool {
        let now = Instant::now();
        let mut state = self.state();
        if tries == 0 {
            state.waiting = Some(now);
        }
        let began = *state.waiting.get_or_insert(now);
        let waited = now - began;
        let busy_timeout = state.busy.unwrap_or(self.busy_timeout);
        let passed = |deadline: Option<Instant>| deadline.is_some_and(|deadline| now >= deadline);
        let end = if let Some(interruption) = state.cancelled() {
            Some(End::Interrupted(interruption))
        } else if passed(state.caller) {
            Some(End::Interrupted(Interruption::TimedOut))
        } else if passed(state.statement) || waited >= busy_timeout {
            Some(End::Locked(waited))
        } else {
            None
        };
        if end.is_some() {
            state.end = end;
            return false;
        }
        let left = [state.caller, state.statement, began.checked_add(busy_timeout)]
            .into_iter()
            .flatten()
            .map(|end| end.saturating_duration_since(now))
            .min()
            .unwrap_or(LONGEST_PAUSE);
        drop(state);
        // Pauses are random, so that writers which met at the lock don't meet again, and grow from 1 ms: a commit
        // takes about that long where the disk is fast.
        let longest = LONGEST_PAUSE.min(Duration::from_millis(u64::from(tries) + 1));
        std::thread::sleep(longest.mul_f64(fastrand::f64()).max(Duration::from_micros(50)).min(left));
        true
    }

    /// The state is replaced as a whole, so a panic elsewhere leaves nothing half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn cancelled(&self) -> Option<Interruption> {
        self.cancel.as_ref().is_some_and(CancelToken::is_cancelled).then_some(Interruption::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use polymnia::Timestamp;

    use super::*;

    fn call(deadline: Option<Instant>) -> Call {
        Call { deadline, ..Call::at(Timestamp::MIN) }
    }

    #[test]
    fn a_callers_deadline_replaces_the_timeout() {
        let guard = Guard::new(Duration::from_secs(1));
        guard.begin(&call(Some(Instant::now() + Duration::from_mins(1))), Some(Duration::ZERO));
        assert!(guard.may_go_on());
        guard.begin(&call(None), Some(Duration::ZERO));
        assert!(!guard.may_go_on());
        assert_eq!(guard.end(), Some(End::Interrupted(Interruption::TimedOut)));
        guard.finish();
        assert!(guard.may_go_on());
        assert_eq!(guard.end(), None);
    }

    #[test]
    fn a_cancelled_call_ends() {
        let guard = Guard::new(Duration::from_secs(1));
        let token = CancelToken::new();
        guard.begin(&Call { cancel: Some(token.clone()), ..call(None) }, None);
        assert!(guard.may_go_on() && guard.wait(0));
        token.cancel();
        assert!(!guard.may_go_on() && !guard.wait(1));
        assert_eq!(guard.end(), Some(End::Interrupted(Interruption::Cancelled)));
    }

    #[test]
    fn a_wait_ends_with_the_busy_timeout() {
        let guard = Guard::new(Duration::from_millis(20));
        guard.begin(&call(None), Some(Duration::from_mins(1)));
        let began = Instant::now();
        let tries = (0..10_000).take_while(|tries| guard.wait(*tries)).count();
        assert!(tries > 1 && began.elapsed() >= Duration::from_millis(20));
        assert!(matches!(guard.end(), Some(End::Locked(waited)) if waited >= Duration::from_millis(20)));
    }
}
