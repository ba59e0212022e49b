//! `schema`

mod diff;
mod dump;
mod side;
mod validate;

use crate::args::{SchemaArgs, SchemaVerb};
use crate::context::Context;
use crate::failure::Outcome;

/// Runs a verb of `schema`.
pub(crate) fn run(context: &mut Context, args: &SchemaArgs) -> Outcome {
    let SchemaArgs { verb, place } = args;
    match verb {
        SchemaVerb::Validate => validate::run(context, place),
        SchemaVerb::Dump { delta: Some(version), .. } => dump::run_delta(context, place, version),
        SchemaVerb::Dump { at, .. } => dump::run(context, place, at.as_deref()),
        SchemaVerb::Diff { first, second } => diff::run(context, place, [first, second]),
    }
}
