//! `migrate unlock`

use polymnia::schema::LockHolder;
use serde::Serialize;

use crate::args::{Format, PlaceArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Outcome};
use crate::output::block;
use crate::schema::Place;

#[derive(Serialize)]
struct Unlocked {
    /// Whose session was ended; none if nobody was migrating.
    ended: Option<LockHolder>,
}

/// Ends the session of who is migrating now.
pub(super) fn run(context: &mut Context, place: &PlaceArgs) -> Outcome {
    let ended = Place::open(context, place, Missing::Refuse)?.schema.unlock()?;
    match (context.format, &ended) {
        (Format::Json | Format::Ndjson, _) => context.out.document(Unlocked { ended })?,
        (Format::Table, None) => context.out.line("nobody is migrating")?,
        (Format::Table, Some(LockHolder { process, description, .. })) => {
            context.out.line(format!("ended process {process} ({})", block(description)))?;
        }
    }
    Ok(Exit::Ok)
}
