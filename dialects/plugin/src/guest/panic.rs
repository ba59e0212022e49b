//! Panics: caught where they would leave the plugin, and told by their place.
//!
//! A panic's message may hold what a caller wrote, unless it stands in the source as it is.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// How many functions of the plugin are being run, one in the other.
    static INSIDE: Cell<u32> = const { Cell::new(0) };
    /// Where the last panic was.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Whether panics within a function are told by the function's error alone.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Keeps panics that are caught from being printed, which they would be with their message. In a library, whose hook is
/// nobody else's.
pub(super) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Runs something of the dialect. A panic is where it happened, if that is known, with its message if it is literal.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    install();
    INSIDE.with(|inside| inside.set(inside.get() + 1));
    let result = catch_unwind(AssertUnwindSafe(work));
    INSIDE.with(|inside| inside.set(inside.get() - 1));
    result.map_err(|payload| {
        // The drop of anything but a message could panic again, with nobody left to catch it.
        if !payload.is::<&'static str>() && !payload.is::<String>() {
            std::mem::forget(payload);
        }
        PLACE.try_with(RefCell::take).ok().flatten().unwrap_or_else(|| "an unknown place".to_owned())
    })
}

/// Returns whether this thread runs a function of the plugin.
pub(super) fn is_inside() -> bool {
    INSIDE.with(Cell::get) > 0
}

/// Notes where panics are, before whoever told of them so far does, if anybody.
fn install() {
    static INSTALLED: Once = Once::new();
    // In a thread that panics, hooks can't be changed.
    if INSTALLED.is_completed() || std::thread::panicking() {
        return;
    }
    INSTALLED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if is_inside() {
                note(info);
                if QUIET.load(Ordering::Relaxed) {
                    return;
                }
            }
            before(info);
        }));
    });
}

fn note(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|location| format!("{}:{}", location.file(), location.line()));
    let place = place.unwrap_or_else(|| "an unknown place".to_owned());
    let said = match info.payload().downcast_ref::<&'static str>() {
        Some(literal) => format!("{place}: {literal}"),
        None => place,
    };
    // A thread that ends has no place left for it.
    let _ = PLACE.try_with(|place| place.replace(Some(said)));
}
