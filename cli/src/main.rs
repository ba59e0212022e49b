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
mod settings;
mod url;
mod usage;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use crate::failure::{Exit, Failure};
use crate::output::{ColorChoice, Paint, block};

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
            report(&failure, paint);
            failure.exit.into()
        }
    }
}

/// Says what failed, on which value, and what to do next.
fn report(failure: &Failure, paint: Paint) {
    let Some(error) = failure.error() else { return };
    eprintln!("{} {}", paint.error("error:"), block(&error.to_string()));
    let hint = error.hint().or(match failure.exit {
        Exit::Busy => Some("try again, or give it more time with --timeout"),
        _ => None,
    });
    if let Some(hint) = hint {
        eprintln!("{} {}", paint.command("hint:"), block(hint));
    }
}
