//! That something is waited for, on a terminal.

use std::borrow::Cow;
use std::io::IsTerminal as _;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is done sooner needs no sign.
pub(crate) const DELAY: Duration = Duration::from_secs(1);
/// How often signs change.
pub(crate) const INTERVAL: Duration = Duration::from_millis(100);

/// Shows what goes on and since when, until dropped: for one operation that does not tell how far it is.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Dropped, it ends the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Waiting {
    /// Shows it on standard error once it takes longer than a second, if that is a terminal.
    pub(crate) fn begin(quiet: bool, what: impl Into<Cow<'static, str>>) -> Self {
        Self::after(!quiet && std::io::stderr().is_terminal(), what, DELAY)
    }

    /// Shows it after a while, if it is to be shown.
    pub(crate) fn after(on: bool, what: impl Into<Cow<'static, str>>, delay: Duration) -> Self {
        let what = what.into();
        if !on {
            return Self { stop: None, thread: None };
        }
        let (stop, stopped) = channel::<()>();
        let show = move || {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            let style = ProgressStyle::with_template("{prefix} {spinner}  {elapsed}");
            bar.set_style(style.expect("the template is well-formed"));
            bar.set_prefix(what);
            let goes_on = |within| stopped.recv_timeout(within) == Err(RecvTimeoutError::Timeout);
            if goes_on(delay) {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.tick();
            }
            while goes_on(INTERVAL) {
                bar.tick();
            }
            bar.finish_and_clear();
        };
        // Without a thread it is done unseen.
        Self { stop: Some(stop), thread: std::thread::Builder::new().name("progress".to_owned()).spawn(show).ok() }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Nothing in it panics; if it did, there would be nothing to do about it here.
            let _ = thread.join();
        }
    }
}
