//! `migrate stamp`

use polymnia::schema::Version;
use serde::Serialize;

use crate::args::{Format, PlaceArgs, StampArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Outcome};
use crate::schema::{Place, versions};

#[derive(Serialize)]
struct Stamped {
    stamped: Vec<Version>,
}

/// Records versions as applied, without running them.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, args: &StampArgs) -> Outcome {
    let place = Place::open_to_run(context, place, Missing::Refuse, args.lock.options()?)?;
    let stamped = place.schema.stamp(&args.target)?;
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(Stamped { stamped })?,
        Format::Table if stamped.is_empty() => context.out.line("nothing to record")?,
        Format::Table => context.out.line(format!("recorded without running: {}", versions(&stamped)))?,
    }
    Ok(Exit::Ok)
}
