//! Selecting memories, and cutting pages from what is selected.

use polymnia::spi::{Rows, refusal};
use polymnia::{Call, Direction, Memory, Order, OrderBy, Position, PositionKey, Query, Result, Selection, Timestamp};

use crate::NAME;
use crate::database::Memories;

/// Returns whether a memory has not expired.
pub(crate) fn is_live(memory: &Memory, now: Timestamp) -> bool {
    memory.expires_at.is_none_or(|at| at > now)
}

/// Returns what is selected, in no order.
///
/// The library itself tells what matches, so that every condition there is, is understood, now and later.
pub(crate) fn select<'a>(call: &Call, memories: &'a Memories, selection: &Selection) -> Result<Vec<&'a Memory>> {
    let mut selected = Vec::new();
    for memory in memories.values() {
        call.check()?;
        if selection.matches(memory, call.now) {
            selected.push(memory);
        }
    }
    Ok(selected)
}

/// Returns the page of the selected memories that the query asks for.
pub(crate) fn page(mut selected: Vec<&Memory>, query: &Query) -> Result<Rows> {
    if let Some(cursor) = &query.cursor {
        let position = cursor.position(query.order)?;
        let mut later = Vec::new();
        for memory in selected {
            if is_after(memory, position, query.order)? {
                later.push(memory);
            }
        }
        selected = later;
    }
    selected.sort_unstable_by(|left, right| query.order.compare(left, right));
    let mut rows = Rows::default();
    let mut bytes = 0;
    for memory in selected {
        if rows.memories.len() >= query.limit() as usize || bytes > Rows::MAX_BYTES {
            rows.more = true;
            break;
        }
        bytes += memory.content.as_str().len() + memory.metadata.as_str().len();
        rows.memories.push(memory.clone());
    }
    Ok(rows)
}

/// Returns whether a memory stands after a position.
fn is_after(memory: &Memory, position: Position, order: Order) -> Result<bool> {
    let by_key = match (order.by, position.key) {
        (OrderBy::Created, PositionKey::Time(time)) => memory.created_at.cmp(&time),
        (OrderBy::Updated, PositionKey::Time(time)) => memory.updated_at.cmp(&time),
        (OrderBy::Importance, PositionKey::Importance(key)) => memory.importance.as_f64().total_cmp(&key.as_f64()),
        _ => return Err(refusal::unknown(NAME, "order")),
    };
    let compared = by_key.then_with(|| memory.id.cmp(&position.id));
    Ok(match order.direction {
        Direction::Ascending => compared.is_gt(),
        Direction::Descending => compared.is_lt(),
    })
}
