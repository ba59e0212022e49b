//! How a page of filtered memories is found: by the index on metadata, or in the order asked for until there are enough.
//!
//! The server's own choice is of no use here: it knows nothing of metadata beyond 1,024 bytes, takes each needle for one row
//! in a hundred, and then walks all of a table for a value that isn't there. So the choice is made [by a sample](crate::sample),
//! and the statement leaves none.

use polymnia::{Match, Namespace, OrderBy, Query};

use crate::filter_sql;
use crate::sample::{Estimate, Sample};

/// Is how the rows of a page are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// As the server likes.
    Free,
    /// In order, by whatever index gives it, with the filter as a test.
    Walk,
    /// In order, among so many only: the place in [`WINDOWS`].
    Window(usize),
    /// All that the index on metadata finds, sorted.
    Index,
}

impl Route {
    /// Returns whether it may leave out memories, so that a page with none after it has to be found in another way.
    pub(crate) fn leaves_out(self) -> bool {
        matches!(self, Self::Window(_))
    }

    /// Says it for people.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Free => "the server's choice",
            Self::Walk => "in order",
            Self::Window(_) => "in order, among the first",
            Self::Index => "by the index on metadata, then sorted",
        }
    }
}

/// How many rows to look at before another way is taken. Each is a text of its own, for the server to know it.
pub(crate) const WINDOWS: [(u32, &str); 6] = [
    (256, " LIMIT 256"),
    (1_024, " LIMIT 1024"),
    (4_096, " LIMIT 4096"),
    (16_384, " LIMIT 16384"),
    (65_536, " LIMIT 65536"),
    (262_144, " LIMIT 262144"),
];

/// Returns how to find a page, and what is expected to be looked at, if that is known.
pub(crate) fn choose(
    namespace: &Namespace,
    query: &Query,
    declared: bool,
    sample: Option<&Sample>,
) -> (Route, Option<u64>) {
    let filter = &query.selection.filter;
    if filter.is_all() || declared {
        return (Route::Free, None);
    }
    let walkable = is_walkable(query);
    if !filter_sql::is_indexable(filter) {
        return (if walkable { Route::Walk } else { Route::Free }, None);
    }
    let Some(sample) = sample else {
        return if walkable { (Route::Window(0), Some(u64::from(WINDOWS[0].0))) } else { (Route::Index, None) };
    };
    let wanted = f64::from(query.limit()) + 1.0;
    let estimate = sample.estimate(namespace, &query.selection);
    let Estimate { memories, share, found, compared, row_cost, sets_apart: _ } = estimate;
    let walked = if walkable { (wanted / share).min(memories) } else { memories };
    // In microseconds, as measured: a row that an index finds costs a page of its own.
    let walk_cost = walked * (0.15 + row_cost);
    let index_cost = 20.0 + 0.25 * compared + found * (0.5 + row_cost);
    if index_cost < walk_cost {
        return (Route::Index, Some(whole(found)));
    }
    if !walkable {
        return (Route::Free, Some(whole(found)));
    }
    // What was asked for may be rarer among the first rows than elsewhere.
    let window = WINDOWS.iter().position(|(rows, _)| f64::from(*rows) >= 8.0 * walked && f64::from(*rows) < memories);
    (window.map_or(Route::Walk, Route::Window), Some(whole(walked)))
}

/// Returns whether an index gives the rows in the order asked for.
fn is_walkable(query: &Query) -> bool {
    let absent_user = query.selection.user == Match::Absent;
    match query.order.by {
        OrderBy::Created => true,
        OrderBy::Updated => !absent_user,
        _ => false,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate, not negative")]
fn whole(rows: f64) -> u64 {
    rows.ceil() as u64
}

#[cfg(test)]
mod tests {
    use polymnia::{Filter, Json, Order, Selection};

    use super::*;
    use crate::sample::tests::sample;

    fn route(needle: &str, order: Order, sample: Option<&Sample>) -> Route {
        let filter = Filter::Contains(Json::parse(needle).unwrap());
        let query = Query::new(Selection::default().with_filter(filter)).with_order(order);
        choose(&Namespace::new("a").unwrap(), &query, false, sample).0
    }

    #[test]
    fn rare_values_are_looked_up_and_common_ones_walked_to() {
        let (common, absent, bare) = (r#"{"kind": "common"}"#, r#"{"kind": "absent"}"#, r#"{"kind": {}}"#);
        let newest = Order::CREATED_DESC;
        let large = sample(1_000.0);
        assert_eq!(route(common, newest, Some(&large)), Route::Window(1));
        assert_eq!(route(r#"{"tags": ["all"]}"#, newest, Some(&large)), Route::Window(0));
        assert_eq!(route(absent, newest, Some(&large)), Route::Index);
        assert_eq!(route(bare, newest, Some(&large)), Route::Walk, "no index finds it");
        assert_eq!(route(absent, Order::IMPORTANCE_DESC, Some(&large)), Route::Index);
        assert_eq!(route(common, Order::IMPORTANCE_DESC, Some(&large)), Route::Free, "no index gives the order");
        assert_eq!(route(common, newest, None), Route::Window(0));
        assert_eq!(route(common, newest, Some(&sample(1.0))), Route::Walk, "all of a small namespace costs little");
    }
}
