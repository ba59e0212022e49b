//! `migrate baseline`

use polymnia::schema::Version;
use serde::Serialize;

use crate::args::{BaselineArgs, Format, PlaceArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Outcome};
use crate::schema::{Place, interruptible, versions};

#[derive(Serialize)]
struct Taken {
    baseline: Vec<Version>,
}

/// Takes over a database that has the tables and no ledger, after comparing its schema.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, args: &BaselineArgs) -> Outcome {
    let place = Place::open_to_run(context, place, Missing::Refuse, args.lock.options()?)?;
    let baseline = interruptible("polymnia migrate baseline", || place.schema.baseline(args.at.as_deref()))?;
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(Taken { baseline })?,
        Format::Table => {
            context.out.line(format!("the schema is as it should be; recorded: {}", versions(&baseline)))?;
        }
    }
    Ok(Exit::Ok)
}
