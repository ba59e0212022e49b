//! `polymnia`: one memory store for AI agents, on the command line.

mod args;
mod commands;
mod config;
mod context;
mod dialects;
mod failure;
mod import;
mod interrupt;
mod logging;
mod moment;
mod output;
mod progress;
mod settings;
mod url;
mod usage;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use crate::args::{Cli, Format};
use crate::failure::{Exit, Failure};
use crate::output::{ColorChoice, Paint, block, excerpt, tell};

fn main() -> ExitCode {
    let cli = match usage::parse() {
        Ok(cli) => cli,
        Err(exit) => return exit.into(),
    };
    let colors = ColorChoice::new(cli.global.no_color);
    let paint = Paint::new(colors, std::io::stderr().is_terminal());
    logging::install(&cli.global, colors);
    interrupt::install();
    match commands::run(&cli, colors, paint) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            report(&failure, &cli, paint);
            failure.exit.into()
        }
    }
}

/// Says what failed, on which value, and what to do next.
fn report(failure: &Failure, cli: &Cli, paint: Paint) {
    let Some(error) = failure.error() else { return };
    // What an operation says of its end by Ctrl-C, the user knows.
    let interrupted = interrupt::is_set() && error.operation().is_some();
    let what = if interrupted { "interrupted".to_owned() } else { block(&error.to_string()) };
    tell(&format!("{} {what}\n", paint.error("error:")));
    if let (Format::Table, Some([line, mark])) = (cli.global.format, place(error, cli)) {
        tell(&format!("  {}\n  {}\n", paint.command(&line), paint.error(&mark)));
    }
    let hint = error.hint().or(match failure.exit {
        Exit::Busy => Some("try again, or give it more time with --timeout"),
        _ => None,
    });
    if let Some(hint) = hint {
        tell(&format!("{} {}\n", paint.command("hint:"), block(hint)));
    }
}

/// Returns the line of a condition that the error is about, and a mark below its place.
fn place(error: &polymnia::Error, cli: &Cli) -> Option<[String; 2]> {
    let number = |key| error.context_value(key)?.parse().ok();
    let text = cli.command.condition(error.context_value("option")?)?;
    excerpt(text, number("line")?, number("column")?)
}
