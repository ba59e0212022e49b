//! `completions`

use clap::CommandFactory as _;

use crate::args::{Cli, CompletionsArgs};
use crate::failure::{Exit, Outcome};
use crate::output::Out;

/// Prints the script.
pub(crate) fn run(args: &CompletionsArgs, out: &mut Out) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "polymnia", &mut script);
    out.text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}
