//! `backup`

mod create;
mod list;
mod manifest;
mod restore;
mod verify;

use crate::args::{BackupVerb, BackupVerbArgs};
use crate::context::Context;
use crate::failure::Outcome;

/// Runs a verb of `backup`.
pub(crate) fn run(context: &mut Context, args: &BackupVerbArgs) -> Outcome {
    let BackupVerbArgs { verb, place } = args;
    match verb {
        BackupVerb::Create(args) => create::run(context, place, args),
        BackupVerb::List(args) => list::run(context, args),
        BackupVerb::Verify { path } => verify::run(context, place, path),
        BackupVerb::Restore { path, backup, lock } => restore::run(context, place, path, backup, lock),
    }
}
