//! `count`

use serde::Serialize;

use crate::args::{Format, SelectArgs};
use crate::context::Context;
use crate::failure::{Exit, Outcome};

#[derive(Serialize)]
struct Counted {
    memories: u64,
}

/// Prints how many memories the conditions select.
pub(crate) fn run(context: &mut Context, args: &SelectArgs) -> Outcome {
    let selection = args.selection.selection()?;
    let memories = context.open()?.count(&context.namespace(), &selection)?;
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(Counted { memories })?,
        // Without separators: scripts read it.
        Format::Table => context.out.line(memories.to_string())?,
    }
    Ok(Exit::Ok)
}
