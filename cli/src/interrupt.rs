//! Ctrl-C: the first ends the work in an orderly way, the second at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use polymnia::{CancelToken, Error, ErrorKind, Result};

use crate::failure::Exit;
use crate::output::{plural, tell};

/// How long the work has to end by itself once no batch is in flight: it may wait for input or for a connection.
const GRACE: Duration = Duration::from_millis(700);

static TOKEN: LazyLock<CancelToken> = LazyLock::new(CancelToken::new);
/// Held while a batch is applied that must not be cut off.
static IN_FLIGHT: Mutex<()> = Mutex::new(());
/// One more than what is stored, while something is imported.
static STORED: AtomicU64 = AtomicU64::new(0);
/// How to go on, while something is imported.
static HINT: Mutex<Option<&str>> = Mutex::new(None);

/// Installs the handler.
pub(crate) fn install() {
    let handler = || {
        if TOKEN.is_cancelled() {
            std::process::exit(i32::from(Exit::Interrupted as u8));
        }
        TOKEN.cancel();
        // On a thread of its own, or the second Ctrl-C would wait for the first.
        std::thread::spawn(|| {
            drop(in_flight());
            std::thread::sleep(GRACE);
            let error = error();
            let hint = error.hint().map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
            tell(&format!("error: {error}\n{hint}"));
            std::process::exit(i32::from(Exit::Interrupted as u8));
        });
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        log::debug!("Ctrl-C can't be handled: {error}");
    }
}

/// Returns the token that Ctrl-C cancels.
pub(crate) fn token() -> CancelToken {
    TOKEN.clone()
}

/// Returns whether Ctrl-C was pressed.
pub(crate) fn is_set() -> bool {
    TOKEN.is_cancelled()
}

/// Ends with an error if Ctrl-C was pressed.
pub(crate) fn check() -> Result<()> {
    if is_set() { Err(error()) } else { Ok(()) }
}

/// Keeps the process from ending by the first Ctrl-C until dropped.
pub(crate) fn in_flight() -> MutexGuard<'static, ()> {
    IN_FLIGHT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes how many memories an import has stored.
pub(crate) fn note_stored(memories: u64) {
    STORED.store(memories + 1, Ordering::Release);
}

/// Notes how to go on after an interruption from now on.
pub(crate) fn note_hint(hint: &'static str) {
    *HINT.lock().unwrap_or_else(PoisonError::into_inner) = Some(hint);
}

/// Notes that an import is over: what it stored says nothing of what comes after.
pub(crate) fn note_end() {
    STORED.store(0, Ordering::Release);
    *HINT.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Returns the error for an interruption now.
pub(crate) fn error() -> Error {
    let message = match STORED.load(Ordering::Acquire) {
        0 => "interrupted".to_owned(),
        stored => format!("interrupted: {} stored", plural(stored - 1, "memory is", "memories are")),
    };
    let error = Error::new(ErrorKind::Cancelled, message);
    match *HINT.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}
