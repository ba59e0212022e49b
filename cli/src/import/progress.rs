//! How far an import is, on a terminal.

use std::io::IsTerminal as _;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::grouped;
use crate::progress::{DELAY, INTERVAL, Waiting};

/// Shows a bar with rate and time left once something takes longer than a second.
#[derive(Debug)]
pub(crate) struct Progress {
    on: bool,
    begun: Instant,
    phase: Option<Phase>,
}

#[derive(Debug)]
struct Phase {
    bar: ProgressBar,
    begun: Instant,
    told: Instant,
    shown: bool,
    memories: u64,
}

impl Progress {
    /// Returns the progress on standard error, if that is a terminal.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { on: !quiet && std::io::stderr().is_terminal(), begun: Instant::now(), phase: None }
    }

    /// Begins a phase: what is done, and how many bytes there are to read.
    pub(crate) fn begin(&mut self, what: &'static str, bytes: Option<u64>) {
        self.end();
        if !self.on {
            return;
        }
        let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::hidden());
        let template = match bytes {
            Some(_) => "{prefix} [{bar:30}] {percent:>3} %  {msg}  {eta} left",
            None => "{prefix} {spinner}  {msg}  {elapsed}",
        };
        let style = ProgressStyle::with_template(template).expect("the template is well-formed");
        bar.set_style(style.progress_chars("=> "));
        bar.set_prefix(what);
        let now = Instant::now();
        let mut phase = Phase { bar, begun: now, told: now, shown: false, memories: 0 };
        phase.tell();
        phase.show_if_due(self.begun);
        self.phase = Some(phase);
    }

    /// Tells how many bytes were read in all, and how many memories were found in them since the last time.
    pub(crate) fn advance(&mut self, bytes_read: u64, memories: usize) {
        let Some(phase) = &mut self.phase else { return };
        phase.memories += memories as u64;
        phase.bar.set_position(bytes_read);
        if phase.told.elapsed() >= INTERVAL {
            phase.told = Instant::now();
            phase.tell();
            phase.show_if_due(self.begun);
        }
    }

    /// Begins a phase that does not tell how far it is. It lasts until what is returned is dropped.
    pub(crate) fn wait(&mut self, what: &'static str) -> Waiting {
        self.end();
        Waiting::after(self.on, what, DELAY.saturating_sub(self.begun.elapsed()))
    }

    /// Takes the bar away.
    pub(crate) fn end(&mut self) {
        if let Some(phase) = self.phase.take() {
            phase.bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

impl Phase {
    fn show_if_due(&mut self, begun: Instant) {
        if !self.shown && begun.elapsed() >= DELAY {
            self.shown = true;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.tick();
        }
    }

    fn tell(&self) {
        // Exact enough for a rate.
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rate = (self.memories as f64 / self.begun.elapsed().as_secs_f64().max(1e-3)) as u64;
        self.bar.set_message(format!("{} memories, {}/s", grouped(self.memories), grouped(rate)));
    }
}
