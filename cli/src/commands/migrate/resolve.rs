//! `migrate resolve`

use polymnia::schema::Resolution;
use serde::Serialize;

use crate::args::{Format, PlaceArgs, ResolveArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Outcome};
use crate::schema::{Place, interruptible};

#[derive(Serialize)]
struct Resolved<'a> {
    version: &'a str,
    applied: bool,
}

/// Declares a migration that stopped half-way to be resolved by hand.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, args: &ResolveArgs) -> Outcome {
    let place = Place::open_to_run(context, place, Missing::Refuse, args.lock.options()?)?;
    let (version, resolution) = (args.version.as_str(), args.resolution());
    interruptible("polymnia migrate resolve", || place.schema.resolve(version, resolution))?;
    let applied = resolution == Resolution::Applied;
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(Resolved { version, applied })?,
        Format::Table => {
            let what = if applied { "applied" } else { "not applied" };
            context.out.line(format!("{version} counts as {what}"))?;
        }
    }
    Ok(Exit::Ok)
}
