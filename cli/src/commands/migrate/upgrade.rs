//! `migrate upgrade`

use super::outcome;
use crate::args::{PlaceArgs, UpgradeArgs};
use crate::context::{Context, Missing};
use crate::failure::Outcome;
use crate::schema::{Place, interruptible};

/// Applies migrations, or tells what that would do.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, args: &UpgradeArgs) -> Outcome {
    let UpgradeArgs { target, preview, rehearse, run } = args;
    let looks_only = preview.sql || preview.plan || *rehearse;
    let place = if looks_only {
        Place::open_to_look(context, place, run.options()?)?
    } else {
        if Place::is_absent(context, place)? {
            // What the history refuses is refused before there is a file.
            Place::open_to_look(context, place, run.options()?)?.schema.plan_upgrade(target)?;
        }
        Place::open_to_run(context, place, Missing::Create, run.options()?)?
    };
    if preview.sql {
        let plan = place.schema.plan_upgrade(target)?;
        return outcome::scripted(context, &place.schema, &plan);
    }
    if preview.plan {
        let plan = place.schema.plan_upgrade(target)?;
        return outcome::planned(context, &plan);
    }
    if *rehearse {
        let report = interruptible("polymnia migrate upgrade --rehearse", || place.schema.rehearse(target))?;
        return outcome::rehearsed(context, &report);
    }
    let report = interruptible("polymnia migrate upgrade", || place.schema.upgrade(target))?;
    outcome::done(context, &report, "applied")
}
