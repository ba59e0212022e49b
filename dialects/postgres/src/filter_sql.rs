//! Selections, orders and cursors to SQL.
//!
//! Every condition says what [`Selection::matches`] says.

use polymnia::{
    Direction, Filter, Match, Namespace, Order, OrderBy, Position, PositionKey, Query, Result, Selection, TimeRange,
    Timestamp,
};

use crate::sql::{Bind, JsonText, Statement};

/// Adds `WHERE` and the conditions: those of the selection, of the namespace, and of what has not expired.
pub(crate) fn push_selection<'a, Columns>(
    statement: &mut Statement<'a, Columns>,
    namespace: &'a Namespace,
    now: Timestamp,
    selection: &'a Selection,
) {
    let Selection { user, agent, thread, related_threads, tiers, created, updated, filter } = selection;
    statement.text(" WHERE namespace = ").bind(namespace.as_str());
    push_match(statement, user, [" AND user_id = ", " AND user_id IS NULL"]);
    push_match(statement, agent, [" AND agent_id = ", " AND agent_id IS NULL"]);
    push_match(statement, thread, [" AND thread_id = ", " AND thread_id IS NULL"]);
    match tiers.as_slice() {
        [] => {}
        [tier] => {
            statement.text(" AND tier = ").bind(tier.as_str());
        }
        tiers => {
            let tiers: Vec<&str> = tiers.iter().map(AsRef::as_ref).collect();
            statement.text(" AND tier = ANY (").bind(tiers).text(")").plan_each_time();
        }
    }
    push_range(statement, *created, [" AND created_at >= ", " AND created_at < "]);
    push_range(statement, *updated, [" AND updated_at >= ", " AND updated_at < "]);
    if !related_threads.is_empty() {
        let threads: Vec<&str> = related_threads.iter().map(AsRef::as_ref).collect();
        statement.text(" AND related_threads && ").bind(threads).plan_each_time();
    }
    push_filter(statement, filter);
    statement.text(" AND (expires_at IS NULL OR expires_at > ").bind(now).text(")");
}

/// Adds the condition that a memory stands after the query's cursor, if it has one.
pub(crate) fn push_cursor<Columns>(statement: &mut Statement<'_, Columns>, query: &Query) -> Result<()> {
    let Some(cursor) = &query.cursor else { return Ok(()) };
    let Position { key, id } = cursor.position(query.order)?;
    statement.text(match (query.order.by, query.order.direction) {
        (OrderBy::Created, Direction::Ascending) => " AND (created_at, id) > (",
        (OrderBy::Created, Direction::Descending) => " AND (created_at, id) < (",
        (OrderBy::Updated, Direction::Ascending) => " AND (updated_at, id) > (",
        (OrderBy::Updated, Direction::Descending) => " AND (updated_at, id) < (",
        (OrderBy::Importance, Direction::Ascending) => " AND (importance, id) > (",
        (OrderBy::Importance, Direction::Descending) => " AND (importance, id) < (",
        _ => return Err(unknown("order")),
    });
    let key = match key {
        PositionKey::Time(time) => Bind::from(time),
        PositionKey::Importance(importance) => Bind::from(importance.as_f64()),
        _ => return Err(unknown("cursor")),
    };
    // How much is left after a place depends on the place.
    statement.bind(key).text(", ").bind(uuid::Uuid::from(id)).text(")").plan_each_time();
    Ok(())
}

/// Returns `ORDER BY` and the columns.
pub(crate) fn order(order: Order) -> Result<&'static str> {
    Ok(match (order.by, order.direction) {
        (OrderBy::Created, Direction::Ascending) => " ORDER BY created_at, id",
        (OrderBy::Created, Direction::Descending) => " ORDER BY created_at DESC, id DESC",
        (OrderBy::Updated, Direction::Ascending) => " ORDER BY updated_at, id",
        (OrderBy::Updated, Direction::Descending) => " ORDER BY updated_at DESC, id DESC",
        (OrderBy::Importance, Direction::Ascending) => " ORDER BY importance, id",
        (OrderBy::Importance, Direction::Descending) => " ORDER BY importance DESC, id DESC",
        _ => return Err(unknown("order")),
    })
}

/// Refuses a filter that this engine can't honour.
pub(crate) fn check(selection: &Selection) -> Result<()> {
    match &selection.filter {
        Filter::All | Filter::Contains(_) => Ok(()),
        _ => Err(unknown("filter")),
    }
}

fn push_match<'a, T: AsRef<str>, Columns>(
    statement: &mut Statement<'a, Columns>,
    field: &'a Match<T>,
    [is, absent]: [&'static str; 2],
) {
    match field {
        Match::Any => {}
        Match::Absent => {
            statement.text(absent);
        }
        Match::Is(value) => {
            statement.text(is).bind(value.as_ref());
        }
    }
}

fn push_range<Columns>(statement: &mut Statement<'_, Columns>, range: TimeRange, [from, until]: [&'static str; 2]) {
    for (text, end) in [(from, range.from), (until, range.until)] {
        if let Some(time) = end {
            statement.text(text).bind(time).plan_each_time();
        }
    }
}

fn push_filter<'a, Columns>(statement: &mut Statement<'a, Columns>, filter: &'a Filter) {
    match filter {
        // Every object contains the empty one, and asking a GIN index for it reads all of it.
        Filter::Contains(needle) if needle.as_str() != "{}" => {
            statement.text(" AND metadata @> ").bind(JsonText(needle.as_str())).plan_each_time();
        }
        // What else there may be was refused by `check`.
        _ => {}
    }
}

fn unknown(what: &str) -> polymnia::Error {
    let message = format!("the dialect postgres doesn't know this kind of {what}");
    polymnia::Error::new(polymnia::ErrorKind::Unsupported, message)
}

#[cfg(test)]
mod tests {
    use polymnia::{Json, Tier};

    use super::*;

    fn sql(selection: &Selection) -> String {
        let namespace = Namespace::new("secret").unwrap();
        let mut statement: Statement<'_> = Statement::new("SELECT");
        push_selection(&mut statement, &namespace, Timestamp::from_micros(0).unwrap(), selection);
        format!("{statement:?}")
    }

    #[test]
    fn nothing_of_a_caller_is_text() {
        let selection = Selection::default()
            .with_user("secret".parse().unwrap())
            .with_agent("secret".parse().unwrap())
            .without_thread()
            .with_tier(Tier::new("secret").unwrap())
            .with_related_thread("secret".parse().unwrap())
            .with_created(TimeRange { from: Some(Timestamp::MIN), until: Some(Timestamp::MAX) })
            .with_updated(TimeRange { from: None, until: Some(Timestamp::MAX) })
            .with_filter(Filter::Contains(Json::parse(r#"{"secret": 1}"#).unwrap()));
        assert_eq!(
            sql(&selection),
            "SELECT WHERE namespace = $1 AND user_id = $2 AND agent_id = $3 AND thread_id IS NULL AND tier = $4 \
             AND created_at >= $5 AND created_at < $6 AND updated_at < $7 AND related_threads && $8 \
             AND metadata @> $9 AND (expires_at IS NULL OR expires_at > $10)"
        );
    }

    #[test]
    fn conditions_that_hold_for_all_are_left_out() {
        let everything = "SELECT WHERE namespace = $1 AND (expires_at IS NULL OR expires_at > $2)";
        assert_eq!(sql(&Selection::default()), everything);
        let empty = Selection::default().with_filter(Filter::Contains(Json::empty_object()));
        assert_eq!(sql(&empty), everything);
        let other = Selection::default().with_filter(Filter::Contains(Json::parse("[]").unwrap()));
        assert_eq!(
            sql(&other),
            "SELECT WHERE namespace = $1 AND metadata @> $2 AND (expires_at IS NULL OR expires_at > $3)"
        );
        let tiers = Selection::default().with_tier(Tier::short_term()).with_tier(Tier::long_term());
        assert_eq!(
            sql(&tiers),
            "SELECT WHERE namespace = $1 AND tier = ANY ($2) AND (expires_at IS NULL OR expires_at > $3)"
        );
    }

    #[test]
    fn orders() {
        for one in Order::ALL {
            let text = order(one).unwrap();
            assert_eq!(text.matches("DESC").count(), if one.direction == Direction::Descending { 2 } else { 0 });
            assert!(text.starts_with(" ORDER BY ") && text.contains(", id"));
        }
    }
}
