//! `migrate heads`

use polymnia::schema::Version;
use serde::Serialize;

use crate::args::{Format, PlaceArgs};
use crate::context::Context;
use crate::failure::{Exit, Outcome};
use crate::schema;

#[derive(Serialize)]
struct Heads {
    heads: Vec<Version>,
}

/// Prints the newest versions that this build knows. It needs no database.
pub(super) fn run(context: &mut Context, place: &PlaceArgs) -> Outcome {
    let heads = schema::heads_of_all(&schema::sources_of_settings(context, place)?);
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(Heads { heads })?,
        Format::Table => {
            for version in heads {
                context.out.line(version.as_str())?;
            }
        }
    }
    Ok(Exit::Ok)
}
