//! Results that come in parts.

use polymnia::spi::Rows;
use polymnia::{Call, Memory, MemoryId, Namespace, Query, Result};

use super::handle::Handle;
use super::page;
use crate::message::Batch;
use crate::operation::{self, Operation};

/// Reads memories by id.
pub(crate) fn get(
    engine: &Handle,
    call: &Call,
    namespace: &Namespace,
    ids: &[MemoryId],
) -> Result<Vec<Option<Memory>>> {
    let (entries, _) = collect::<operation::Get>(engine, call, &(namespace, ids), ids.len(), usize::MAX)?;
    if entries.len() != ids.len() {
        let what = format_args!("{} memories, where {} were asked for", entries.len(), ids.len());
        return Err(engine.nonsense::<operation::Get>(what));
    }
    let others = |(entry, id): (&Option<Memory>, &MemoryId)| entry.as_ref().is_some_and(|memory| memory.id != *id);
    if entries.iter().zip(ids).any(others) {
        return Err(engine.nonsense::<operation::Get>("a memory of another id than the one asked for"));
    }
    Ok(entries)
}

/// Reads a page.
pub(crate) fn query(engine: &Handle, call: &Call, namespace: &Namespace, query: &Query) -> Result<Rows> {
    let most = usize::try_from(query.limit()).unwrap_or(usize::MAX);
    let (entries, more) = collect::<operation::Query>(engine, call, &(namespace, query), most, Rows::MAX_BYTES)?;
    let memories: Option<Vec<Memory>> = entries.into_iter().collect();
    let Some(memories) = memories else {
        return Err(engine.nonsense::<operation::Query>("an entry without a memory"));
    };
    if more && memories.is_empty() {
        return Err(engine.nonsense::<operation::Query>("no memory, and that there are more"));
    }
    if let Some(lie) = page::lie(&memories, query, call.now)? {
        return Err(engine.nonsense::<operation::Query>(lie));
    }
    Ok(Rows { memories, more })
}

/// Puts the parts of a result together: `most` entries at most, and no further one once they hold more than `most_bytes`.
fn collect<O: Operation<Reply = Batch>>(
    engine: &Handle,
    call: &Call,
    arguments: &O::Arguments<'_>,
    most: usize,
    most_bytes: usize,
) -> Result<(Vec<Option<Memory>>, bool)> {
    let batch = engine.call::<O>(call, arguments)?;
    let mut cursor = batch.cursor.map(|number| engine.derived::<O>(number)).transpose()?;
    let mut entries = batch.memories;
    let mut more = batch.more;
    let mut bytes = 0;
    let mut counted = 0;
    loop {
        if entries.len() > most {
            return Err(engine.nonsense::<O>(format_args!("more than the {most} memories that were asked for")));
        }
        for memory in entries[counted..].iter().flatten() {
            if bytes > most_bytes {
                return Err(engine.nonsense::<O>(format_args!("memories beyond the {most_bytes} bytes of a page")));
            }
            bytes += memory.content.as_str().len() + memory.metadata.as_str().len();
        }
        let Some(open) = cursor else { return Ok((entries, more)) };
        if entries.len() == counted {
            return Err(engine.nonsense::<O>("a part without memories, and a cursor for further ones"));
        }
        counted = entries.len();
        call.check()?;
        let batch = open.call::<operation::More>(call, &())?;
        cursor = match batch.cursor {
            Some(number) if number == open.number() => Some(open),
            Some(number) => Some(engine.derived::<O>(number)?),
            None => {
                open.closed();
                None
            }
        };
        entries.extend(batch.memories);
        more = batch.more;
    }
}
