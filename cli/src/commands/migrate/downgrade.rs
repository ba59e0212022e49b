//! `migrate downgrade`

use polymnia::schema::{RunOptions, Target};

use super::outcome;
use crate::args::{DowngradeArgs, PlaceArgs};
use crate::context::{Context, Missing};
use crate::failure::Outcome;
use crate::schema::{Place, interruptible};

/// Takes migrations back, or tells what that would do.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, args: &DowngradeArgs) -> Outcome {
    let DowngradeArgs { target, only, preview, use_stored_down, run } = args;
    let options = RunOptions { use_stored_down: *use_stored_down, ..run.options()? };
    let place = Place::open_to_run(context, place, Missing::Refuse, options)?;
    if let Some(version) = only {
        let report = interruptible("polymnia migrate downgrade --only", || place.schema.revert(version))?;
        return outcome::done(context, &report, "taken back");
    }
    // clap asks for a target or --only.
    let target = target.as_ref().unwrap_or(&Target::Steps(1));
    if preview.sql || preview.plan {
        let plan = place.schema.plan_downgrade(target)?;
        return if preview.sql {
            outcome::scripted(context, &place.schema, &plan)
        } else {
            outcome::planned(context, &plan)
        };
    }
    let report = interruptible("polymnia migrate downgrade", || place.schema.downgrade(target))?;
    outcome::done(context, &report, "taken back")
}
