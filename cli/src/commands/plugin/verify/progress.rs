//! How far the suite is: on a terminal a bar, for programs a line a case.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use polymnia_conformance::runner::CaseResult;

use super::report::CaseLine;
use crate::args::Format;
use crate::context::Context;
use crate::progress::INTERVAL;

/// Tells how far the suite is.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    failed: usize,
}

impl Progress {
    /// Begins with so many cases to come.
    pub(super) fn new(context: &Context, cases: usize) -> Self {
        let shown = !context.quiet && context.format != Format::Ndjson && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(cases as u64), target);
        let style = ProgressStyle::with_template("verifying [{bar:30}] {pos}/{len}  {msg}  {elapsed}");
        bar.set_style(style.expect("the template is well-formed").progress_chars("=> "));
        if shown {
            bar.enable_steady_tick(INTERVAL.max(Duration::from_millis(100)));
        }
        Self { bar, failed: 0 }
    }

    /// Tells how a case went.
    pub(super) fn tell(&mut self, context: &mut Context, result: &CaseResult) {
        let line = CaseLine::of(result);
        self.failed += usize::from(line.is_failure());
        let failed = if self.failed == 0 { String::new() } else { format!(", {} failed", self.failed) };
        self.bar.set_message(format!("{}{failed}", result.case));
        self.bar.inc(1);
        if context.format == Format::Ndjson {
            // A reader that went away hears of it at the end.
            let _ = context.out.json_line(&line).and_then(|()| context.out.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
