//! `migrate`

mod baseline;
mod check;
mod current;
mod ddl;
mod downgrade;
mod draft;
mod heads;
mod history;
mod lint;
mod merge;
mod outcome;
mod parity;
mod repair;
mod resolve;
mod revision;

mod show;
mod stamp;
mod status;
mod unlock;
mod upgrade;

use crate::args::{MigrateArgs, MigrateVerb};
use crate::context::Context;
use crate::failure::Outcome;

/// Runs a verb of `migrate`.
pub(crate) fn run(context: &mut Context, args: &MigrateArgs) -> Outcome {
    let MigrateArgs { verb, place } = args;
    match verb {
        MigrateVerb::Upgrade(args) => upgrade::run(context, place, args),
        MigrateVerb::Downgrade(args) => downgrade::run(context, place, args),
        MigrateVerb::Current(args) => current::run(context, place, *args),
        MigrateVerb::History => history::run(context, place),
        MigrateVerb::Heads => heads::run(context, place),
        MigrateVerb::Show { version } => show::run(context, place, version),
        MigrateVerb::Status(args) => status::run(context, place, *args),
        MigrateVerb::Revision(args) => revision::run(context, place, args),
        MigrateVerb::Merge(args) => merge::run(context, place, args),
        MigrateVerb::Stamp(args) => stamp::run(context, place, args),
        MigrateVerb::Baseline(args) => baseline::run(context, place, args),
        MigrateVerb::Resolve(args) => resolve::run(context, place, args),
        MigrateVerb::Repair(args) => repair::run(context, place, args),
        MigrateVerb::Unlock => unlock::run(context, place),
        MigrateVerb::Check => check::run(context, place),
        MigrateVerb::Lint(args) => lint::run(context, place, args),
        MigrateVerb::Parity => parity::run(context, place),
    }
}
