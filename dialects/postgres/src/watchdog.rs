//! Ends calls on time: asks the server to cancel what a caller no longer waits for.
//!
//! libpq is blocked while a statement runs, so another connection carries the request.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use polymnia::Call;

/// Sends cancel requests.
pub(crate) trait Cancel: Send + 'static {
    /// Asks the server to cancel what this process of its does, and returns whether it was asked.
    fn cancel(&mut self, backend: i32) -> bool;

    /// Gives back what it holds: nothing is to be cancelled for now.
    fn rest(&mut self);
}

/// How often the thread looks at the calls under way.
const POLL: Duration = Duration::from_millis(10);
/// How long to wait after a cancel request before the next: the server drops one that finds it between two statements.
const AGAIN: Duration = Duration::from_millis(100);
/// How long to wait after a cancel request that could not be sent.
const PAUSE: Duration = Duration::from_secs(1);
/// After how many polls without a call under way the thread goes to sleep.
const IDLE_POLLS: u32 = 100;

/// Watches the calls of one engine. Its thread starts with the first call to be watched and ends with the engine.
pub(crate) struct Watchdog {
    shared: Arc<Shared>,
    thread: OnceLock<Option<Thread>>,
}

/// Is a connection's place on the watchdog's list.
#[derive(Debug, Default)]
pub(crate) struct Slot(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    call: Option<Call>,
    /// The server's process behind the connection; none while it isn't known, or must not be disturbed.
    backend: Option<i32>,
    /// Whether a cancel request was sent.
    fired: bool,
    /// When to send another.
    again: Option<Instant>,
}

struct Shared {
    slots: Mutex<Vec<Weak<Slot>>>,
    cancel: Mutex<Box<dyn Cancel>>,
    asleep: AtomicBool,
    ended: AtomicBool,
}

/// Is a call under watch, until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch(Arc<Slot>);

impl Watchdog {
    /// Returns a watchdog that cancels by these means.
    pub(crate) fn new(cancel: impl Cancel) -> Self {
        let shared = Shared {
            slots: Mutex::default(),
            cancel: Mutex::new(Box::new(cancel)),
            asleep: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared), thread: OnceLock::new() }
    }

    /// Watches a call until the returned guard is dropped.
    pub(crate) fn watch(&self, slot: &Arc<Slot>, call: &Call) -> Watch {
        {
            let mut state = slot.lock();
            state.call = Some(call.clone());
            state.fired = false;
            state.again = None;
        }
        let thread = self.thread.get_or_init(|| self.start());
        // A thread that is awake sees the call at its next poll.
        if self.shared.asleep.load(Ordering::SeqCst)
            && let Some(thread) = thread
        {
            thread.unpark();
        }
        Watch(Arc::clone(slot))
    }

    /// Puts a new connection on the list.
    pub(crate) fn enlist(&self, slot: &Arc<Slot>) {
        let mut slots = lock(&self.shared.slots);
        slots.retain(|slot| slot.strong_count() > 0);
        slots.push(Arc::downgrade(slot));
    }

    fn start(&self) -> Option<Thread> {
        let shared = Arc::clone(&self.shared);
        match thread::Builder::new().name("polymnia-watchdog".to_owned()).spawn(move || shared.run()) {
            Ok(handle) => Some(handle.thread().clone()),
            Err(error) => {
                log::warn!("no thread to end calls on time: {error}");
                None
            }
        }
    }
}

impl Slot {
    /// Names the server's process to cancel, or none while it must not be disturbed.
    ///
    /// Returns once no cancel request is under way.
    pub(crate) fn set_backend(&self, backend: Option<i32>) {
        self.lock().backend = backend;
    }

    /// Returns whether a call is under watch.
    pub(crate) fn is_watched(&self) -> bool {
        self.lock().call.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl Watch {
    /// Ends the watch and returns whether the call was cancelled.
    pub(crate) fn end(self) -> bool {
        let mut state = self.0.lock();
        state.call = None;
        state.fired
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.lock().call = None;
    }
}

impl Shared {
    fn run(&self) {
        let mut idle = 0;
        while !self.ended.load(Ordering::SeqCst) {
            let watched = self.poll();
            idle = if watched { 0 } else { idle + 1 };
            if idle > IDLE_POLLS {
                self.asleep.store(true, Ordering::SeqCst);
                // A call that came in before the flag was up is seen here, one that comes later unparks.
                if !self.poll() {
                    lock(&self.cancel).rest();
                    thread::park();
                }
                self.asleep.store(false, Ordering::SeqCst);
                idle = 0;
            }
            thread::park_timeout(POLL);
        }
    }

    /// Cancels what is to end, and returns whether any call is under watch.
    fn poll(&self) -> bool {
        let slots: Vec<Arc<Slot>> = lock(&self.slots).iter().filter_map(Weak::upgrade).collect();
        let mut watched = false;
        for slot in slots {
            // The lock is held while the request is sent, so that the call can't end and another one be hit.
            let mut state = slot.lock();
            let Some(call) = &state.call else { continue };
            watched = true;
            if let Some(backend) = state.backend
                && call.interruption().is_some()
                && state.again.is_none_or(|again| Instant::now() >= again)
            {
                let sent = lock(&self.cancel).cancel(backend);
                state.fired |= sent;
                state.again = Some(Instant::now() + if sent { AGAIN } else { PAUSE });
            }
        }
        watched
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        if let Some(Some(thread)) = self.thread.get() {
            thread.unpark();
        }
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog").field("connections", &lock(&self.shared.slots).len()).finish_non_exhaustive()
    }
}

/// What is behind these locks is replaced as a whole, so a panic elsewhere leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use polymnia::{CancelToken, Timestamp};

    use super::*;

    impl Cancel for mpsc::Sender<i32> {
        fn cancel(&mut self, backend: i32) -> bool {
            self.send(backend).is_ok()
        }

        fn rest(&mut self) {}
    }

    fn watchdog() -> (Watchdog, mpsc::Receiver<i32>) {
        let (sender, receiver) = mpsc::channel();
        (Watchdog::new(sender), receiver)
    }

    fn slot(watchdog: &Watchdog, backend: Option<i32>) -> Arc<Slot> {
        let slot = Arc::new(Slot::default());
        slot.set_backend(backend);
        watchdog.enlist(&slot);
        slot
    }

    fn call() -> Call {
        Call::at(Timestamp::from_micros(0).unwrap())
    }

    #[test]
    fn a_call_is_cancelled_from_its_deadline_until_it_ends() {
        let (watchdog, cancelled) = watchdog();
        let slot = slot(&watchdog, Some(7));
        let deadline = Instant::now() + Duration::from_millis(30);
        let watch = watchdog.watch(&slot, &Call { deadline: Some(deadline), ..call() });
        assert_eq!(cancelled.recv_timeout(Duration::from_secs(5)).unwrap(), 7);
        assert!(Instant::now() >= deadline);
        assert_eq!(cancelled.recv_timeout(Duration::from_secs(5)).unwrap(), 7);
        assert!(Instant::now() >= deadline + AGAIN);
        assert!(watch.end());
        while cancelled.try_recv().is_ok() {}
        assert!(cancelled.recv_timeout(AGAIN * 2).is_err());
    }

    #[test]
    fn a_call_that_ended_is_left_alone() {
        let (watchdog, cancelled) = watchdog();
        let slot = slot(&watchdog, Some(7));
        let token = CancelToken::new();
        let watch = watchdog.watch(&slot, &Call { cancel: Some(token.clone()), ..call() });
        assert!(!watch.end());
        token.cancel();
        assert!(cancelled.recv_timeout(POLL * 5).is_err());
    }

    #[test]
    fn it_wakes_up_after_a_sleep() {
        let (watchdog, cancelled) = watchdog();
        let slot = slot(&watchdog, Some(7));
        watchdog.watch(&slot, &call()).end();
        while !watchdog.shared.asleep.load(Ordering::SeqCst) {
            thread::sleep(POLL);
        }
        let token = CancelToken::new();
        token.cancel();
        let _watch = watchdog.watch(&slot, &Call { cancel: Some(token), ..call() });
        assert_eq!(cancelled.recv_timeout(Duration::from_secs(5)).unwrap(), 7);
    }

    #[test]
    fn without_a_backend_nobody_is_disturbed() {
        let (watchdog, cancelled) = watchdog();
        let slot = slot(&watchdog, None);
        let token = CancelToken::new();
        token.cancel();
        let _watch = watchdog.watch(&slot, &Call { cancel: Some(token), ..call() });
        assert!(cancelled.recv_timeout(POLL * 5).is_err());
        slot.set_backend(Some(9));
        assert_eq!(cancelled.recv_timeout(Duration::from_secs(5)).unwrap(), 9);
    }
}
