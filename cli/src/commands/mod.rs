//! The verbs, one file each.

mod add;
mod check;
mod completions;
mod config;
mod count;
mod delete;
mod demo;
mod explain;
mod get;
mod import;
mod index;
mod init;
mod namespace;
mod optimize;
mod search;
mod setup;
mod stats;
mod update;
mod write;

use crate::args::{Cli, Command};
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{ColorChoice, Out, Paint};
use crate::settings::ConfigNeed;

/// Runs the verb and hands on what it printed, whether it succeeded or not.
pub(crate) fn run(cli: &Cli, colors: ColorChoice, paint: Paint) -> Outcome {
    let mut out = Out::stdout(colors);
    if let Command::Completions(args) = &cli.command {
        let done = completions::run(args, &mut out);
        out.flush()?;
        return done;
    }
    let need = match &cli.command {
        Command::Setup(_) => ConfigNeed::Optional,
        _ => ConfigNeed::Required,
    };
    let mut context = Context::new(&cli.global, need, paint, out)?;
    let done = verb(&mut context, cli);
    context.out.flush()?;
    done
}

fn verb(context: &mut Context, cli: &Cli) -> Outcome {
    match &cli.command {
        Command::Demo(args) => demo::run(context, args),
        Command::Init => init::run(context),
        Command::Add(args) => add::run(context, args),
        Command::Import(args) => import::run(context, args),
        Command::Get(args) => get::run(context, args),
        Command::Delete(args) => delete::run(context, args),
        Command::Update(args) => update::run(context, args),
        Command::Search(args) => search::run(context, args),
        Command::Explain(args) => explain::run(context, args),
        Command::Count(args) => count::run(context, args),
        Command::Stats => stats::run(context),
        Command::Namespace(args) => namespace::run(context, &args.verb),
        Command::Index(args) => index::run(context, &args.verb),
        Command::Optimize(args) => optimize::run(context, args),
        Command::Setup(args) => setup::run(context, args),
        Command::Config(args) => config::run(context, args.verb),
        Command::Check(args) => check::run(context, args),
        Command::Completions(args) => completions::run(args, &mut context.out),
    }
}
