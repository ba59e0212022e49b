//! `get`

use polymnia::{Error, ErrorKind, Memory, MemoryId, MemoryStore, RecordLine, Result};
use serde::Serialize;

use crate::args::{Format, GetArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};

#[derive(Serialize)]
struct Found<'a> {
    memories: Vec<RecordLine<'a>>,
    missing: &'a [MemoryId],
}

/// Prints memories by id, and tells which aren't there.
pub(crate) fn run(context: &mut Context, args: &GetArgs) -> Outcome {
    let ids: Vec<MemoryId> = args.ids.iter().map(|text| text.parse()).collect::<Result<_>>()?;
    let namespace = context.namespace();
    let store = context.open()?;
    let mut found: Vec<Option<Memory>> = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(MemoryStore::MAX_IDS) {
        found.extend(store.get_many(&namespace, chunk)?);
    }
    let missing: Vec<MemoryId> =
        ids.iter().zip(&found).filter(|(_, memory)| memory.is_none()).map(|(id, _)| *id).collect();
    let memories = found.iter().flatten();
    let out = &mut context.out;
    match context.format {
        Format::Json => {
            let memories = memories.map(|memory| RecordLine::new(&namespace, memory)).collect();
            out.document(Found { memories, missing: &missing })?;
        }
        Format::Ndjson => {
            for memory in memories {
                out.json_line(&RecordLine::new(&namespace, memory))?;
            }
        }
        Format::Table => {
            for (index, memory) in memories.enumerate() {
                if index > 0 {
                    out.line("")?;
                }
                out.fields(&crate::output::memory_fields(&namespace, memory))?;
            }
        }
    }
    out.flush()?;
    match missing_error(&missing, &namespace) {
        Some(error) => Err(Failure::new(Exit::Failed, error)),
        None => Ok(Exit::Ok),
    }
}

/// Returns the error that names the ids that aren't there, if there are any.
pub(super) fn missing_error(missing: &[MemoryId], namespace: &polymnia::Namespace) -> Option<Error> {
    const SHOWN: usize = 10;
    let names: Vec<String> = missing.iter().take(SHOWN).map(ToString::to_string).collect();
    let (first, more) = (names.join(", "), missing.len().saturating_sub(SHOWN));
    let message = match (missing.len(), more) {
        (0, _) => return None,
        (1, _) => format!("memory {first} isn't there"),
        (count, 0) => format!("{count} memories aren't there: {first}"),
        (count, more) => format!("{count} memories aren't there: {first} and {more} more"),
    };
    Some(Error::new(ErrorKind::NotFound, message).with_context("namespace", namespace))
}
