//! The verbs, one file each.

mod add;
mod backup;
mod check;
mod completions;
mod config;
mod count;
mod delete;
mod demo;
mod doctor;
mod explain;
mod get;
mod import;
mod index;
mod init;
mod migrate;
mod namespace;
mod optimize;
mod plugin;
mod reset;
mod schema;
mod search;
mod setup;
mod stats;
mod update;
mod write;

use crate::args::{Cli, Command, Format};
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{ColorChoice, Out, Paint};
use crate::schema::{Failed, of_schema};
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
    if let (Format::Ndjson, true, Err(failure)) = (context.format, cli.command.is_of_schema(), &done)
        && let Some(line) = Failed::of(failure)
    {
        context.out.json_line(&line)?;
    }
    context.out.flush()?;
    done
}

fn verb(context: &mut Context, cli: &Cli) -> Outcome {
    match &cli.command {
        Command::Demo(args) => demo::run(context, args),
        Command::Init(args) => init::run(context, args).map_err(of_schema),
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
        Command::Migrate(args) => migrate::run(context, args).map_err(of_schema),
        Command::Schema(args) => schema::run(context, args).map_err(of_schema),
        Command::Backup(args) => backup::run(context, args).map_err(of_schema),
        Command::Reset(args) => reset::run(context, args).map_err(of_schema),
        Command::Doctor(args) => doctor::run(context, args).map_err(of_schema),
        Command::Plugin(args) => plugin::run(context, args),
        Command::Setup(args) => setup::run(context, args),
        Command::Config(args) => config::run(context, args.verb),
        Command::Check(args) => check::run(context, args),
        Command::Completions(args) => completions::run(args, &mut context.out),
    }
}
