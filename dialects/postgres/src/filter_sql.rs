//! Selections, orders and cursors to SQL.
//!
//! Every condition says what [`Selection::matches`] says.

mod condition;
mod needle;

use polymnia::spi::refusal;
use polymnia::{
    Direction, Filter, IndexKind, Match, Namespace, Order, OrderBy, Path, Position, PositionKey, Query, Result,
    Selection, TimeRange, Timestamp,
};

pub(crate) use self::condition::Hints;
pub(crate) use self::needle::{is_indexable, is_one_needle};

use crate::sql::{Bind, Statement};

/// Adds `WHERE` and all conditions.
pub(crate) fn push_selection<'a, Columns>(
    statement: &mut Statement<'a, Columns>,
    namespace: &'a Namespace,
    now: Timestamp,
    selection: &'a Selection,
    hints: Hints<'_>,
    tenants: Tenants,
) -> Result<()> {
    push_fields(statement, namespace, now, selection);
    push_filter(statement, namespace, &selection.filter, hints, tenants)
}

/// Says whether the index on metadata is asked for the namespace as well.
///
/// That spares the rows of others that have the same metadata, and costs a look into the list of all rows of the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tenants {
    Apart,
    Together,
}

/// Adds `WHERE` and the conditions except the filter: those of the selection, of the namespace, and of what has not expired.
pub(crate) fn push_fields<'a, Columns>(
    statement: &mut Statement<'a, Columns>,
    namespace: &'a Namespace,
    now: Timestamp,
    selection: &'a Selection,
) {
    let Selection { user, agent, thread, related_threads, tiers, created, updated, filter: _ } = selection;
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
            statement.text(" AND tier = ANY (").bind(tiers).text(")");
        }
    }
    push_range(statement, *created, [" AND created_at >= ", " AND created_at < "]);
    push_range(statement, *updated, [" AND updated_at >= ", " AND updated_at < "]);
    if !related_threads.is_empty() {
        let threads: Vec<&str> = related_threads.iter().map(AsRef::as_ref).collect();
        statement.text(" AND related_threads && ").bind(threads);
    }
    statement.text(" AND (expires_at IS NULL OR expires_at > ").bind(now).text(")");
}

/// Adds the filter, in a way that indexes can serve.
pub(crate) fn push_filter<'a, Columns>(
    statement: &mut Statement<'a, Columns>,
    namespace: &'a Namespace,
    filter: &'a Filter,
    hints: Hints<'_>,
    tenants: Tenants,
) -> Result<()> {
    if filter.is_all() {
        return Ok(());
    }
    statement.text(" AND ");
    condition::push(statement, filter, hints)?;
    if tenants == Tenants::Apart && is_indexable(filter) && matches!(hints, Hints::All(_)) {
        // The namespace once more, as the index on metadata holds it.
        statement.text(" AND ARRAY[namespace] @> ARRAY[").bind(namespace.as_str()).text("]");
    }
    Ok(())
}

/// Adds the filter such that no index on metadata serves it, for rows that come in order anyway.
pub(crate) fn push_hidden_filter<'a, Columns>(
    statement: &mut Statement<'a, Columns>,
    filter: &'a Filter,
) -> Result<()> {
    push_own_conditions(statement, filter)?;
    for metadata in conjuncts(filter).into_iter().filter(|one| one.is_metadata_only() && !one.is_all()) {
        statement.text(" AND CASE WHEN ");
        condition::push(statement, metadata, Hints::None)?;
        statement.text(" THEN true ELSE false END");
    }
    Ok(())
}

/// Adds what the filter says of the memory's own fields, as far as it stands apart.
pub(crate) fn push_own_conditions<'a, Columns>(
    statement: &mut Statement<'a, Columns>,
    filter: &'a Filter,
) -> Result<()> {
    for own in conjuncts(filter).into_iter().filter(|one| !one.is_metadata_only()) {
        statement.text(" AND ");
        condition::push(statement, own, Hints::None)?;
    }
    Ok(())
}

/// Adds ` WHERE` and what [`push_own_conditions`] leaves.
pub(crate) fn push_metadata_conditions<'a, Columns>(
    statement: &mut Statement<'a, Columns>,
    filter: &'a Filter,
) -> Result<()> {
    statement.text(" WHERE true");
    for metadata in conjuncts(filter).into_iter().filter(|one| one.is_metadata_only() && !one.is_all()) {
        statement.text(" AND ");
        condition::push(statement, metadata, Hints::None)?;
    }
    Ok(())
}

/// Returns which of the declared indexes could find what the filter selects.
pub(crate) fn serving(filter: &Filter, declared: &[(Path, IndexKind)]) -> Vec<(Path, IndexKind)> {
    match filter {
        Filter::Metadata { path, test } => {
            let serves = |(of, kind): &&(Path, IndexKind)| of == path && condition::serves(*kind, test);
            declared.iter().filter(serves).cloned().collect()
        }
        Filter::And(all) => all.iter().flat_map(|one| serving(one, declared)).collect(),
        Filter::Or(any) => {
            let each: Vec<Vec<_>> = any.iter().map(|one| serving(one, declared)).collect();
            let all_found = any.iter().zip(&each).all(|(one, found)| !found.is_empty() || is_indexable(one));
            if all_found { each.into_iter().flatten().collect() } else { Vec::new() }
        }
        _ => Vec::new(),
    }
}

/// Returns whether the filter has a condition that a declared index could serve.
pub(crate) fn is_servable(filter: &Filter) -> bool {
    match filter {
        Filter::Metadata { test, .. } => {
            [IndexKind::Number, IndexKind::Text].iter().any(|kind| condition::serves(*kind, test))
        }
        Filter::And(filters) | Filter::Or(filters) => filters.iter().any(is_servable),
        _ => false,
    }
}

/// Returns the filters that must all hold.
fn conjuncts(filter: &Filter) -> Vec<&Filter> {
    match filter {
        Filter::And(all) => all.iter().flat_map(conjuncts).collect(),
        one => vec![one],
    }
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
    statement.bind(key).text(", ").bind(uuid::Uuid::from(id)).text(")");
    Ok(())
}

/// Adds `ORDER BY`, such that an index which serves the conditions gives the rows in order.
pub(crate) fn push_order<Columns>(statement: &mut Statement<'_, Columns>, query: &Query) -> Result<()> {
    let Query { selection: Selection { user, thread, .. }, order: Order { by, direction }, .. } = query;
    // The server knows that an equality takes a column out of the order, but not that IS NULL does.
    let absent = |field: bool| *by == OrderBy::Created && field;
    let user_absent = absent(*user == Match::Absent);
    let thread_absent = absent(*thread == Match::Absent && *user != Match::Any);
    if !user_absent && !thread_absent {
        statement.text(order(query.order)?);
        return Ok(());
    }
    statement.text(match (user_absent, thread_absent, direction) {
        (true, false, Direction::Ascending) => " ORDER BY user_id, created_at, id",
        (true, false, Direction::Descending) => " ORDER BY user_id DESC, created_at DESC, id DESC",
        (false, _, Direction::Ascending) => " ORDER BY thread_id, created_at, id",
        (false, _, Direction::Descending) => " ORDER BY thread_id DESC, created_at DESC, id DESC",
        (true, true, Direction::Ascending) => " ORDER BY user_id, thread_id, created_at, id",
        (true, true, Direction::Descending) => " ORDER BY user_id DESC, thread_id DESC, created_at DESC, id DESC",
    });
    Ok(())
}

/// Returns whether one index serves the conditions and the order, whatever the values.
///
/// Then the server may keep its plan. For any other query the best plan depends on how rare the values are, and a plan made
/// without looking at them may be a thousand times slower.
pub(crate) fn is_served(query: &Query) -> bool {
    let Selection { user, agent, thread, related_threads, tiers, created, updated, filter } = &query.selection;
    let rest = *agent == Match::Any
        && related_threads.is_empty()
        && *created == TimeRange::default()
        && *updated == TimeRange::default()
        && filter.is_all();
    let one_tier = tiers.len() == 1;
    rest && match query.order.by {
        OrderBy::Created => tiers.is_empty() && (*user != Match::Any || *thread == Match::Any),
        OrderBy::Updated => {
            *thread == Match::Any
                && match user {
                    Match::Any => tiers.is_empty() || one_tier,
                    Match::Is(_) => one_tier,
                    Match::Absent => false,
                }
        }
        _ => false,
    }
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
            statement.text(text).bind(time);
        }
    }
}

fn unknown(what: &str) -> polymnia::Error {
    refusal::unknown("postgres", what)
}

#[cfg(test)]
mod tests {
    use polymnia::{Json, Tier};

    use super::*;

    fn sql(selection: &Selection) -> String {
        let namespace = Namespace::new("secret").unwrap();
        let mut statement: Statement<'_> = Statement::new("SELECT");
        let now = Timestamp::from_micros(0).unwrap();
        push_selection(&mut statement, &namespace, now, selection, Hints::All(&[]), Tenants::Apart).unwrap();
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
             AND (expires_at IS NULL OR expires_at > $9) AND metadata @> $10 AND ARRAY[namespace] @> ARRAY[$11]"
        );
    }

    #[test]
    fn conditions_that_hold_for_all_are_left_out() {
        let everything = "SELECT WHERE namespace = $1 AND (expires_at IS NULL OR expires_at > $2)";
        assert_eq!(sql(&Selection::default()), everything);
        let empty = Selection::default().with_filter(Filter::Contains(Json::empty_object()));
        assert_eq!(sql(&empty), format!("{everything} AND true"));
        let other = Selection::default().with_filter(Filter::Contains(Json::parse("[]").unwrap()));
        assert_eq!(
            sql(&other),
            "SELECT WHERE namespace = $1 AND (expires_at IS NULL OR expires_at > $2) AND metadata @> $3"
        );
        let tiers = Selection::default().with_tier(Tier::short_term()).with_tier(Tier::long_term());
        assert_eq!(
            sql(&tiers),
            "SELECT WHERE namespace = $1 AND tier = ANY ($2) AND (expires_at IS NULL OR expires_at > $3)"
        );
    }

    #[test]
    fn what_is_absent_stays_in_the_order_of_its_index() {
        let text = |query: &Query| {
            let mut statement: Statement<'_> = Statement::new("");
            push_order(&mut statement, query).unwrap();
            format!("{statement:?}")
        };
        let of_user = Selection::default().with_user("u".parse().unwrap());
        let threadless = Query::new(of_user.without_thread());
        assert_eq!(text(&threadless), " ORDER BY thread_id DESC, created_at DESC, id DESC");
        assert_eq!(text(&threadless.clone().with_order(Order::UPDATED_ASC)), " ORDER BY updated_at, id");
        let any_user = Query::new(Selection::default().without_thread());
        assert_eq!(text(&any_user), " ORDER BY created_at DESC, id DESC");
        let nobody = Query::new(Selection { user: Match::Absent, ..Selection::default() });
        assert_eq!(text(&nobody), " ORDER BY user_id DESC, created_at DESC, id DESC");
        let neither = Selection { user: Match::Absent, thread: Match::Absent, ..Selection::default() };
        let neither = Query::new(neither).with_order(Order::CREATED_ASC);
        assert_eq!(text(&neither), " ORDER BY user_id, thread_id, created_at, id");
    }

    #[test]
    fn plans_are_kept_where_an_index_fits() {
        let user = || Selection::default().with_user("u".parse().unwrap());
        let tier = |selection: Selection| selection.with_tier(Tier::short_term());
        for (selection, order, expected) in [
            (Selection::default(), Order::CREATED_DESC, true),
            (Selection::default(), Order::UPDATED_ASC, true),
            (Selection::default(), Order::IMPORTANCE_DESC, false),
            (user().without_thread(), Order::CREATED_DESC, true),
            (user(), Order::CREATED_DESC, true),
            (Selection::default().without_thread(), Order::CREATED_DESC, false),
            (user(), Order::UPDATED_DESC, false),
            (tier(user()), Order::UPDATED_DESC, true),
            (tier(Selection::default()), Order::UPDATED_DESC, true),
            (tier(user().without_thread()), Order::CREATED_DESC, false),
            (user().without_thread().with_agent("a".parse().unwrap()), Order::CREATED_DESC, false),
        ] {
            let query = Query::new(selection).with_order(order);
            assert_eq!(is_served(&query), expected, "{query:?}");
        }
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
