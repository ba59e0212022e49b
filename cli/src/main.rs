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
mod plugins;
mod progress;
mod report;
mod schema;
mod settings;
mod url;
mod usage;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use crate::output::{ColorChoice, Paint};

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
            report::report(&failure, &cli, paint);
            failure.exit.into()
        }
    }
}
