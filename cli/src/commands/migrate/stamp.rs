//! `migrate stamp`

use polymnia::schema::Version;
use serde::Serialize;

use crate::args::{Format, PlaceArgs, StampArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Outcome};
use crate::schema::{Place, interruptible, versions};

#[derive(Serialize)]
struct Stamped {
    /// Versions recorded as applied now, which they were not.
    applied: Vec<Version>,
    /// Versions recorded as not applied now, which they were.
    not_applied: Vec<Version>,
}

/// Records versions as applied, without running them.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, args: &StampArgs) -> Outcome {
    let place = Place::open_to_run(context, place, Missing::Refuse, args.lock.options()?)?;
    let changed = interruptible("polymnia migrate stamp", || place.schema.stamp(&args.target))?;
    let history = place.schema.history()?;
    let is_applied = |version: &Version| history.iter().any(|entry| entry.version == *version && entry.applied);
    let (applied, not_applied): (Vec<Version>, Vec<Version>) = changed.into_iter().partition(is_applied);
    if context.format != Format::Table {
        context.out.document(Stamped { applied, not_applied })?;
        return Ok(Exit::Ok);
    }
    if applied.is_empty() && not_applied.is_empty() {
        context.out.line("nothing to record")?;
    }
    for (what, list) in [("applied", &applied), ("not applied", &not_applied)] {
        if !list.is_empty() {
            context.out.line(format!("recorded as {what}, without running: {}", versions(list)))?;
        }
    }
    Ok(Exit::Ok)
}
