//! What a run tells while it goes on: notes for people, lines of JSON for programs.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use polymnia::schema::{Event, Observer};

use super::notes::{note, title};
use crate::args::Format;
use crate::context::Context;
use crate::output::{Paint, grouped, tell};
use crate::progress::{DELAY, Waiting};

/// What goes on is told so often where there is no terminal to show it on.
const TOLD_EACH: Duration = Duration::from_secs(10);

/// Returns who is told what a run does: a line of JSON an event on standard output if that is the format, else notes on
/// standard error.
pub(crate) fn observer(context: &Context) -> Box<dyn FnMut(&Event<'_>) + Send> {
    if context.format == Format::Ndjson {
        return Box::new(write_line);
    }
    if context.quiet {
        return Box::new(|_| {});
    }
    let mut told = Told::new(context.paint, context.verbose, io::stderr().is_terminal());
    Box::new(move |event| told.event(event))
}

/// A reader that went away does not end a migration.
fn write_line(event: &Event<'_>) {
    let mut stdout = io::stdout().lock();
    if serde_json::to_writer(&mut stdout, event).is_ok() {
        let _ = stdout.write_all(b"\n").and_then(|()| stdout.flush());
    }
}

/// Tells people.
struct Told {
    paint: Paint,
    verbose: bool,
    terminal: bool,
    steps: usize,
    /// The step that goes on, from 1.
    step: usize,
    title: String,
    sign: Sign,
    /// When something that goes on was told last.
    last: Option<Instant>,
}

/// Is what moves on a terminal.
enum Sign {
    None,
    Waiting { _shown: Waiting },
    Bar(ProgressBar),
}

impl Told {
    fn new(paint: Paint, verbose: bool, terminal: bool) -> Self {
        Self { paint, verbose, terminal, steps: 0, step: 0, title: String::new(), sign: Sign::None, last: None }
    }

    fn wait(&mut self, what: String) {
        self.clear();
        self.sign = Sign::Waiting { _shown: Waiting::after(self.terminal, what, DELAY) };
    }

    fn clear(&mut self) {
        if let Sign::Bar(bar) = std::mem::replace(&mut self.sign, Sign::None) {
            bar.finish_and_clear();
        }
    }

    fn advance(&mut self, index: u32, done: u64, total: u64) {
        if !matches!(self.sign, Sign::Bar(_)) {
            self.clear();
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{prefix} [{bar:30}] {percent:>3} %  {msg}  {eta} left");
            bar.set_style(style.expect("the template is well-formed").progress_chars("=> "));
            bar.set_prefix(format!("{}, statement {index}", self.title));
            self.sign = Sign::Bar(bar);
        }
        if let Sign::Bar(bar) = &self.sign {
            bar.set_length(total.max(done));
            bar.set_position(done);
            bar.set_message(format!("{} rows", grouped(done)));
        }
    }

    /// Says whether something that goes on is due to be told again.
    fn is_due(&mut self) -> bool {
        let due = self.last.is_none_or(|last| last.elapsed() >= TOLD_EACH);
        if due {
            self.last = Some(Instant::now());
        }
        due
    }
}

impl Observer for Told {
    fn event(&mut self, event: &Event<'_>) {
        let text = match event {
            Event::Batch { index, done, total, .. } if self.terminal => {
                self.advance(*index, *done, *total);
                None
            }
            Event::Waiting { .. } | Event::Batch { .. } => {
                if self.is_due() {
                    note(event, self.step, self.steps, self.verbose)
                } else {
                    None
                }
            }
            _ => {
                self.clear();
                // What has just begun is no news; that somebody else holds the lock is.
                let begun = matches!(event, Event::StepStarted { .. } | Event::Statement { .. });
                self.last = begun.then(Instant::now);
                if let Event::StepStarted { step, .. } = event {
                    self.step += 1;
                    self.title = title(self.step, self.steps, step);
                }
                note(event, self.step, self.steps, self.verbose)
            }
        };
        if let Some(text) = text {
            self.clear();
            tell(&format!("{}\n", self.paint.dim(&text)));
        }
        match event {
            Event::Planned { steps } => (self.steps, self.step) = (steps.len(), 0),
            Event::BackupStarted { .. } => self.wait("backing up".to_owned()),
            Event::Waiting { .. } => self.wait("waiting for the lock".to_owned()),
            Event::StepStarted { done, step } if step.statements > *done => {
                self.wait(format!("{}, statement {} of {}", self.title, done + 1, step.statements));
            }
            Event::Statement { index, of, .. } if index < of => {
                self.wait(format!("{}, statement {} of {of}", self.title, index + 1));
            }
            _ => {}
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.clear();
    }
}
