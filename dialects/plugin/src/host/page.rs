//! Whether a page can be what was asked for: what is cheap to see of it, and would make a caller go round for ever.

use std::cmp::Ordering;

use polymnia::{Direction, Filter, Memory, Order, OrderBy, Position, PositionKey, Query, Result, Selection, Timestamp};

/// Returns what is wrong with a page: memories out of order or twice, not behind the cursor, or that the conditions on the
/// memory's own fields leave out. Whether a filter selects them is not looked at: that would cost as much as the query.
///
/// # Errors
///
/// [`InvalidInput`](polymnia::ErrorKind::InvalidInput) for a cursor that isn't one of the query's order.
pub(super) fn lie(memories: &[Memory], query: &Query, now: Timestamp) -> Result<Option<&'static str>> {
    let order = query.order;
    if let (Some(cursor), Some(first)) = (&query.cursor, memories.first()) {
        let position = cursor.position(order)?;
        if !is_behind(first, position, order) {
            return Ok(Some("a page that does not begin behind its cursor"));
        }
    }
    if !memories.is_sorted_by(|one, next| order.compare(one, next) == Ordering::Less) {
        return Ok(Some("memories out of order, or one twice"));
    }
    let own = Selection { filter: Filter::All, ..query.selection.clone() };
    if !memories.iter().all(|memory| own.matches(memory, now)) {
        return Ok(Some("a memory that the query leaves out"));
    }
    Ok(None)
}

fn is_behind(memory: &Memory, position: Position, order: Order) -> bool {
    let by_key = match (order.by, position.key) {
        (OrderBy::Created, PositionKey::Time(time)) => memory.created_at.cmp(&time),
        (OrderBy::Updated, PositionKey::Time(time)) => memory.updated_at.cmp(&time),
        (OrderBy::Importance, PositionKey::Importance(importance)) => {
            memory.importance.as_f64().total_cmp(&importance.as_f64())
        }
        // An order that a later version of the library has.
        _ => return true,
    };
    let ascending = by_key.then_with(|| memory.id.cmp(&position.id));
    ascending == if order.direction == Direction::Ascending { Ordering::Greater } else { Ordering::Less }
}
