//! What a plugin may call back, and when.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use polymnia::schema::{Event, LockHolder, SessionOptions};
use polymnia::{Call, CancelToken};

use super::fake::{self, Answer, Fake};
use super::{ENGINE, call, engine};
use crate::abi::{Bytes, CANCELLED, Circumstances, GO_ON, NO_DEADLINE, TIMED_OUT};
use crate::message::{SessionOpened, Waiting};
use crate::wire;

/// Passes an empty call on and looks at its circumstances.
fn look(call: &Call, look: impl FnOnce(&Circumstances) + 'static) {
    fake::push(Answer::ok(&()).during(look));
    Fake::new().dialect().nothing(call).unwrap();
}

#[test]
fn a_plain_call_has_nothing_to_call_back() {
    look(&call(), |seen| {
        assert_eq!(usize::try_from(seen.size).unwrap(), size_of::<Circumstances>());
        assert_eq!(seen.now_micros, call().now.as_micros());
        assert_eq!((seen.remaining_nanos, seen.max_reply), (NO_DEADLINE, 256 << 20));
        assert!(seen.context.is_null() && seen.interrupted.is_none() && seen.event.is_none());
    });
}

#[test]
fn a_deadline_crosses_as_the_time_left() {
    let left = |deadline: Instant, low: Duration, high: Duration| {
        look(&Call { deadline: Some(deadline), ..call() }, move |seen| {
            assert!((low..=high).contains(&Duration::from_nanos(seen.remaining_nanos)), "{}", seen.remaining_nanos);
            assert!(seen.interrupted.is_none());
        });
    };
    let now = Instant::now();
    left(now + Duration::from_mins(1), Duration::from_secs(30), Duration::from_mins(1));
    left(now, Duration::ZERO, Duration::ZERO);
    // Longer than the numbers go, which isn't the same as none.
    let ages = Duration::from_nanos(NO_DEADLINE - 1);
    left(now + ages * 2, ages, ages);
}

#[test]
fn a_token_is_asked_for_as_long_as_the_call_lasts() {
    let token = CancelToken::new();
    let cancel = token.clone();
    look(&Call { cancel: Some(token), ..call() }, move |seen| {
        assert_eq!(fake::interrupted(seen), Some(GO_ON));
        cancel.cancel();
        assert_eq!(fake::interrupted(seen), Some(CANCELLED));
    });
    let expired = Call { cancel: Some(CancelToken::new()), deadline: Some(Instant::now()), ..call() };
    look(&expired, |seen| assert_eq!(fake::interrupted(seen), Some(TIMED_OUT)));
    let broken = CancelToken::watching(|| panic!("a token's own panic"));
    look(&Call { cancel: Some(broken), ..call() }, |seen| assert_eq!(fake::interrupted(seen), Some(CANCELLED)));
}

#[test]
fn a_token_may_be_asked_on_any_thread() {
    let token = CancelToken::new();
    token.cancel();
    look(&Call { cancel: Some(token), ..call() }, |seen| {
        let (interrupted, context) = (seen.interrupted.unwrap(), seen.context as usize);
        let told = std::thread::spawn(move || fake::ask(interrupted, context)).join().unwrap();
        assert_eq!(told, CANCELLED);
    });
}

/// Opens a session while the plugin does something, and returns what the observer was told.
fn session(during: impl FnOnce(&Circumstances) + 'static) -> Vec<(Option<String>, u64)> {
    let engine = engine(Fake::new());
    fake::push(Answer::ok(&SessionOpened { handle: 6, is_one_transaction: false }).during(during));
    let mut told = Vec::new();
    let mut observer = |event: &Event<'_>| {
        let Event::Waiting { holder, millis } = event else { panic!("unexpected {event:?}") };
        told.push((holder.map(|holder| holder.description.clone()), *millis));
    };
    engine.schema().session(&call(), &SessionOptions::default(), &mut observer).unwrap();
    told
}

fn waiting(holder: Option<&str>, millis: u64) -> Vec<u8> {
    let holder = holder.map(|holder| LockHolder { process: 7, description: holder.to_owned(), since: None });
    wire::to_bytes(&Waiting { holder, millis }).unwrap().0
}

#[test]
fn an_observer_is_told_of_the_wait() {
    let told = session(|seen| {
        fake::tell(seen, &waiting(Some("ci"), 0));
        // What can't be read is left out.
        fake::tell(seen, &[0xFF]);
        fake::tell(seen, &[]);
        fake::tell(seen, &vec![0; (1 << 20) + 1]);
        fake::tell(seen, &waiting(None, 1_000));
    });
    assert_eq!(told, [(Some("ci".to_owned()), 0), (None, 1_000)]);
}

#[test]
fn an_event_of_another_thread_is_left_out() {
    let told = session(|seen| {
        let (event, context) = (seen.event.unwrap(), seen.context as usize);
        std::thread::spawn(move || fake::tell_by(event, context, &waiting(None, 1))).join().unwrap();
    });
    assert_eq!(told, []);
}

#[test]
fn an_observer_that_panics_panics_in_its_own_house() {
    let engine = engine(Fake::new());
    let opens = SessionOpened { handle: 6, is_one_transaction: false };
    fake::push(Answer::ok(&opens).during(|seen| {
        fake::tell(seen, &waiting(None, 1));
        fake::tell(seen, &waiting(None, 2));
    }));
    let mut events = 0;
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let mut observer = |_: &Event<'_>| {
            events += 1;
            panic!("an observer's own panic");
        };
        engine.schema().session(&call(), &SessionOptions::default(), &mut observer).map(|_| ())
    }));
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"an observer's own panic"));
    assert_eq!(events, 1);
    // The lock is given back.
    assert_eq!(fake::closed(), [6]);
    engine.admin().ping(&call()).unwrap();
    drop(engine);
    assert_eq!(fake::closed(), [ENGINE]);
    fake::assert_all_freed();
}

/// Keeps what is logged under the targets of this test.
struct Lines(Mutex<Vec<(log::Level, String, String)>>);

impl log::Log for Lines {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("fake")
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        assert!(record.target() != "fake_panics", "a logger's own panic");
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push((record.level(), record.target().to_owned(), record.args().to_string()));
    }

    fn flush(&self) {}
}

#[test]
fn what_a_plugin_logs_is_logged_under_its_own_target() {
    static LINES: OnceLock<&'static Lines> = OnceLock::new();
    let lines = LINES.get_or_init(|| {
        let lines = Box::leak(Box::new(Lines(Mutex::default())));
        // Another test of this process may have a logger of its own: then there is nothing to see here.
        log::set_logger(lines).expect("no other test sets a logger");
        log::set_max_level(log::LevelFilter::Trace);
        lines
    });
    let long = "x".repeat(70_000);
    for (level, message) in [(0, "none"), (1, "error"), (2, "warn"), (3, "info"), (4, "debug"), (5, "trace"), (99, "?")]
    {
        fake::log(level, b"fake_target", Bytes::of(message.as_bytes()));
    }
    fake::log(1, b"fake_\xC3", Bytes::of(b"caf\xC3\xA9 \xC3\x28"));
    fake::log(1, b"fake_long", Bytes::of(long.as_bytes()));
    fake::log(1, b"fake_null", Bytes { data: std::ptr::null(), len: 9 });
    fake::log(1, b"fake_panics", Bytes::of(b"lost"));
    fake::log(1, b"else", Bytes::of(b"not wanted"));
    let lines = std::mem::take(&mut *lines.0.lock().unwrap());
    let texts: Vec<&str> = lines.iter().map(|(_, _, text)| text.as_str()).collect();
    assert_eq!(texts, ["error", "warn", "info", "debug", "trace", "?", "café \u{FFFD}(", &long[..64 << 10], ""]);
    assert_eq!(lines[0].0, log::Level::Error);
    assert_eq!(lines[5].0, log::Level::Trace);
    assert_eq!((lines[0].1.as_str(), lines[6].1.as_str()), ("fake_target", "fake_\u{FFFD}"));
}
