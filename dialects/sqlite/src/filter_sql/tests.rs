//! The SQL, and SQLite's plans for it, with and without statistics.

use polymnia::filter::{FieldTest, Is, Prefix, Real, Relation, TextField, TimeField};
use polymnia::{
    Call, CancelToken, Direction, Filter, Json, Match, Namespace, OpenOptions, Order, Query, Selection, Tier,
    TimeRange, Timestamp,
};

use super::window::drop_implied;
use super::*;
use crate::config::Config;
use crate::connection::Connection;
use crate::drive::{self, Origin, Source};
use crate::engine::{Limit, SqliteEngine};
use crate::explain::Detail;
use crate::statement::{Sql, text};

const NEWEST: &str = "SELECT polymnia_decode(id, user_id, agent_id, thread_id, tier, content, metadata, importance, \
    related_threads, revision, created_at, updated_at, expires_at) FROM polymnia_memories AS m WHERE namespace = ? \
    AND (expires_at IS NULL OR expires_at > ?) ORDER BY created_at DESC, id DESC LIMIT ?";

const EVERYTHING: &str = "SELECT (SELECT count(*) FROM polymnia_memories AS m WHERE namespace = ? AND user_id = ? \
    AND thread_id IS NULL AND agent_id = ? AND tier IN (SELECT value FROM json_each(?)) AND created_at >= ? \
    AND created_at < ? AND updated_at >= ? AND updated_at < ? AND (expires_at IS NULL OR expires_at > ?) \
    AND EXISTS (SELECT 1 FROM json_each(related_threads) AS related WHERE related.value IN \
    (SELECT value FROM json_each(?))) AND polymnia_matches(metadata, ?) = 1)";

const BY_IMPORTANCE: &str = "SELECT polymnia_decode(id, user_id, agent_id, thread_id, tier, content, metadata, \
    importance, related_threads, revision, created_at, updated_at, expires_at) FROM (SELECT m.rid AS page_rid, \
    id AS page_id, importance AS key FROM polymnia_memories AS m WHERE namespace = ? AND tier = ? \
    AND (expires_at IS NULL OR expires_at > ?) ORDER BY importance, id LIMIT ?) AS page \
    CROSS JOIN polymnia_memories ON rid = page.page_rid ORDER BY page.key, page.page_id";

/// Rows enough that ANALYZE finds something to say.
const ROWS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO polymnia_memories (namespace, id, user_id, thread_id, tier, content, metadata, importance, revision,
        created_at, updated_at, expires_at)
    SELECT 'n' || (i % 3), randomblob(16), 'u' || (i % 50), 't' || (i % 200), 'tier' || (i % 3), 'c', '{}', 0.5, 1,
        i, i, iif(i % 7, NULL, i) FROM n;
    ANALYZE";

fn user() -> Selection {
    Selection::default().with_user("u1".parse().unwrap())
}

fn nobody() -> Selection {
    Selection { user: Match::Absent, ..Selection::default() }
}

fn range() -> TimeRange {
    TimeRange { from: Some(Timestamp::MIN), until: Some(Timestamp::MAX) }
}

const TABLE: Source = Source { origin: Origin::Table, tally: false, uncanonical: None };

/// Runs `check` with the statement that reads a window.
fn read<T>(window: &Window, conditions: &Conditions<'_>, check: impl FnOnce(Sql<'_>) -> T) -> T {
    if window.streams(conditions) {
        return check(window.streamed(&window.stream(conditions, false), conditions));
    }
    check(window.sorted(&TABLE, conditions))
}

fn statement(query: &Query) -> String {
    let namespace = Namespace::new("a").unwrap();
    let conditions = Conditions::new(&namespace, Timestamp::MIN, &query.selection).unwrap();
    let window = Window::new(query).unwrap();
    read(&window, &conditions, |sql| text(&sql))
}

/// Returns what SQLite would do, step by step.
fn plan(connection: &mut Connection, selection: &Selection, order: Order) -> Vec<String> {
    let namespace = Namespace::new("n1").unwrap();
    let conditions = Conditions::new(&namespace, Timestamp::MIN, selection).unwrap();
    let window = Window::new(&Query::new(selection.clone()).with_order(order)).unwrap();
    read(&window, &conditions, |statement| {
        let mut sql = Sql::new("EXPLAIN QUERY PLAN ");
        sql.append(statement);
        connection.all(sql).unwrap().into_iter().map(|Detail(detail)| detail).collect()
    })
}

/// Runs `check` on a fresh schema, and again on one with rows and statistics.
fn without_and_with_statistics(check: impl Fn(&mut Connection)) {
    let engine = SqliteEngine::open(Config::read(&OpenOptions::new(":memory:")).unwrap()).unwrap();
    let call = Call { cancel: Some(CancelToken::new()), ..Call::at(Timestamp::MIN) };
    engine.migrate(&call).unwrap();
    for statements in ["", ROWS] {
        let checked = engine.with(&call, Limit::Unlimited, |connection| {
            connection.batch(statements)?;
            check(connection);
            Ok(())
        });
        checked.unwrap();
    }
}

#[test]
fn the_newest_are_one_plain_statement() {
    assert_eq!(statement(&Query::default()), NEWEST);
}

#[test]
fn every_condition_is_bound() {
    let namespace = Namespace::new("a").unwrap();
    let selection = user()
        .with_agent("g".parse().unwrap())
        .without_thread()
        .with_tier(Tier::long_term())
        .with_tier(Tier::mid_term())
        .with_related_thread("r".parse().unwrap())
        .with_created(range())
        .with_updated(range())
        .with_filter(Filter::Contains(Json::parse("{\"needle\": 1}").unwrap()));
    let conditions = Conditions::new(&namespace, Timestamp::MIN, &selection).unwrap();
    assert_eq!(text(&drive::count(&[TABLE], &conditions)), EVERYTHING);
}

#[test]
fn what_is_sorted_is_sorted_by_keys() {
    let query = Query::new(Selection::default().with_tier(Tier::long_term())).with_order(Order::IMPORTANCE_ASC);
    assert_eq!(statement(&query), BY_IMPORTANCE);
}

/// However many tiers or threads are asked for, the text is one, and so is the prepared statement.
#[test]
fn lists_do_not_change_the_text() {
    let with_tiers = |count: usize| {
        let tiers = (0..count).map(|number| Tier::new(format!("tier{number}")).unwrap()).collect();
        statement(&Query::new(Selection { tiers, ..Selection::default() }))
    };
    assert_eq!(with_tiers(2), with_tiers(40));
}

#[test]
fn a_range_that_the_cursor_implies_is_left_out() {
    let range = Range { from: Some(10), until: Some(90) };
    for (direction, position, from, until) in [
        (Direction::Descending, 50, true, false),
        (Direction::Descending, 95, true, true),
        (Direction::Ascending, 50, false, true),
        (Direction::Ascending, 5, true, true),
    ] {
        let mut left = range;
        drop_implied(&mut left, direction, position);
        assert_eq!((left.from.is_some(), left.until.is_some()), (from, until), "{direction:?} {position}");
    }
}

#[test]
fn pages_stream_from_an_index() {
    let thread = || "t1".parse().unwrap();
    let contains = Filter::Contains(Json::parse("{\"a\": 1}").unwrap());
    let created = [Order::CREATED_DESC, Order::CREATED_ASC];
    let updated = [Order::UPDATED_DESC, Order::UPDATED_ASC];
    let cases = [
        (user().with_thread(thread()), created, "polymnia_memories_user_thread_created"),
        (user().without_thread(), created, "polymnia_memories_user_thread_created"),
        (user(), created, "polymnia_memories_user_created"),
        (nobody(), created, "polymnia_memories_user_created"),
        (user().with_filter(contains.clone()), created, "polymnia_memories_user_created"),
        (user().with_created(range()), created, "polymnia_memories_user_created"),
        (user().with_thread(thread()).with_tier(Tier::long_term()), created, "polymnia_memories_user_thread_created"),
        (user().with_thread(thread()).with_filter(contains.clone()), created, "polymnia_memories_user_thread_created"),
        (Selection::default(), created, "polymnia_memories_created"),
        (Selection::default().with_filter(contains), created, "polymnia_memories_created"),
        (Selection::default().with_created(range()), created, "polymnia_memories_created"),
        (Selection::default().with_related_thread(thread()), created, "polymnia_memories_created"),
        (Selection::default(), updated, "polymnia_memories_updated"),
        (Selection::default().with_tier(Tier::long_term()), updated, "polymnia_memories_tier_updated"),
        (user().with_tier(Tier::long_term()), updated, "polymnia_memories_user_tier_updated"),
    ];
    without_and_with_statistics(|connection| {
        for (selection, orders, index) in &cases {
            for order in *orders {
                let steps = plan(connection, selection, order);
                assert!(steps[0].contains(&format!("USING INDEX {index} (")), "{selection:?} {order:?}: {steps:?}");
                assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{selection:?} {order:?}: {steps:?}");
            }
        }
    });
}

#[test]
fn counts_of_what_an_index_covers_look_up_no_row() {
    let thread = || "t1".parse().unwrap();
    let agent = || user().with_agent("g".parse().unwrap());
    let tier = |selection: Selection| selection.with_tier(Tier::long_term());
    let two_tiers = tier(Selection::default().with_tier(Tier::mid_term()));
    let covered = [
        Selection::default(),
        user(),
        nobody(),
        user().with_thread(thread()).with_created(range()),
        user().with_created(range()),
        tier(Selection::default()),
        tier(user()).with_updated(range()),
        two_tiers,
        Selection::default().with_created(range()),
        Selection::default().with_updated(range()),
    ];
    without_and_with_statistics(|connection| {
        let namespace = Namespace::new("n1").unwrap();
        let now = Timestamp::from_micros(10_000).unwrap();
        for selection in &covered {
            let conditions = Conditions::new(&namespace, now, selection).unwrap();
            let mut sql = Sql::new("EXPLAIN QUERY PLAN ");
            sql.append(drive::count(&[TABLE], &conditions));
            let steps: Vec<String> = connection.all(sql).unwrap().into_iter().map(|Detail(detail)| detail).collect();
            assert!(steps.iter().any(|step| step.contains("USING COVERING INDEX")), "{selection:?}: {steps:?}");
            assert!(steps.iter().any(|step| step.contains("polymnia_memories_expiry")), "{selection:?}: {steps:?}");
        }
    });
    for selection in [agent(), tier(user().with_thread(thread())), user().with_updated(range())] {
        let namespace = Namespace::new("n1").unwrap();
        assert!(!Conditions::new(&namespace, Timestamp::MIN, &selection).unwrap().is_covered(), "{selection:?}");
    }
}

/// The outer ORDER BY asks for the order that the inner one has made, and SQLite must see that: sorting again would carry
/// the content of a whole page through the sorter.
#[test]
fn nothing_is_sorted_twice() {
    let selections =
        [Selection::default(), user(), user().with_tier(Tier::long_term()), Selection::default().with_updated(range())];
    without_and_with_statistics(|connection| {
        for selection in &selections {
            for order in Order::ALL {
                let steps = plan(connection, selection, order);
                let window = Window::new(&Query::new(selection.clone()).with_order(order)).unwrap();
                let namespace = Namespace::new("n1").unwrap();
                let conditions = Conditions::new(&namespace, Timestamp::MIN, selection).unwrap();
                let mut few = Sql::new("EXPLAIN QUERY PLAN ");
                let fields = Source::new(Origin::Fields, false);
                few.append(window.sorted(&fields, &conditions));
                let sorts = connection.all::<Detail, _>(few).unwrap();
                let sorts = sorts.iter().filter(|Detail(step)| step.contains("TEMP B-TREE")).count();
                assert_eq!(sorts, 1, "{selection:?} {order:?}");
                let Some(page) = steps.iter().position(|step| step == "SCAN page") else { continue };
                assert!(
                    !steps[page..].iter().any(|step| step.contains("TEMP B-TREE")),
                    "{selection:?} {order:?}: {steps:?}"
                );
            }
        }
    });
}

fn filtered(filter: Filter) -> String {
    statement(&Query::new(Selection::default().with_filter(filter)))
}

/// Returns what a filter adds to the statement of the newest.
fn added(filter: Filter) -> String {
    let text = filtered(filter);
    let (before, after) = NEWEST.split_at(NEWEST.find(" ORDER BY").unwrap());
    let added = text.strip_prefix(before).and_then(|text| text.strip_suffix(after));
    added.unwrap_or_else(|| panic!("{text}")).to_owned()
}

fn path(test: &str) -> Filter {
    Filter::Contains(Json::parse(&format!("{{\"a\": {test}}}")).unwrap())
}

fn agent(is: Is<String>) -> Filter {
    Filter::Field(FieldTest::Text(TextField::Agent, is))
}

#[test]
fn own_fields_are_never_null() {
    let reals = |count: u32| (0..count).map(|number| Real::new(f64::from(number)).unwrap()).collect();
    let importance = |is| Filter::Field(FieldTest::Importance(is));
    let expires = |is| Filter::Field(FieldTest::Time(TimeField::Expires, is));
    let prefix = |prefix| Filter::Field(FieldTest::Prefix(TextField::User, Prefix::new(prefix).unwrap()));
    let several = agent(Is::In(vec!["a".to_owned(), "b".to_owned()]));
    let time = Timestamp::MIN;
    for (filter, expected) in [
        (agent(Is::Present), " AND +agent_id IS NOT NULL"),
        (agent(Is::Eq("a".to_owned())).not(), " AND NOT (+agent_id IS ?)"),
        (agent(Is::Compare(Relation::Less, "a".to_owned())), " AND (+agent_id IS NOT NULL AND +agent_id < ?)"),
        (several, " AND (+agent_id IS NOT NULL AND +agent_id IN (SELECT value FROM json_each(?)))"),
        (prefix("é"), " AND ifnull(substr(CAST(+user_id AS BLOB), 1, ?) = ?, 0)"),
        (prefix(""), " AND +user_id IS NOT NULL"),
        (importance(Is::Eq(Real::new(0.5).unwrap())), " AND +importance IS ?"),
        (importance(Is::In(reals(0))), " AND ?"),
        (importance(Is::In(reals(1))), " AND +importance IN (?)"),
        (importance(Is::In(reals(3))), " AND +importance IN (?, ?, ?, ?)"),
        (expires(Is::Compare(Relation::Greater, time)), " AND (+expires_at IS NOT NULL AND +expires_at > ?)"),
        (
            expires(Is::In(vec![time])),
            " AND (+expires_at IS NOT NULL AND +expires_at IN (SELECT value FROM json_each(?)))",
        ),
    ] {
        assert_eq!(added(filter.clone()), expected, "{filter:?}");
    }
}

#[test]
fn metadata_is_asked_about_once() {
    let matches = "polymnia_matches(metadata, ?) = 1";
    let present = || agent(Is::Present);
    let plain = "+agent_id IS NOT NULL";
    for (filter, expected) in [
        (path("1").and(path("2").or(path("3")).not()), format!(" AND {matches}")),
        (path("1").and(present()).and(path("2")), format!(" AND {plain} AND {matches}")),
        (Filter::Or(vec![path("1"), present(), path("2")]), format!(" AND ({plain} OR {matches})")),
        (
            Filter::Or(vec![path("1"), path("3").and(present()), path("2")]),
            format!(" AND (({plain} AND {matches}) OR {matches})"),
        ),
        (
            Filter::Not(Box::new(Filter::And(vec![present(), present(), present()]))),
            format!(" AND NOT (({plain} AND ({plain} AND {plain})))"),
        ),
        (Filter::Or(vec![present(), Filter::All]), format!(" AND ({plain} OR ?)")),
        (Filter::Or(Vec::new()), format!(" AND {matches}")),
        (Filter::And(Vec::new()), String::new()),
    ] {
        assert_eq!(added(filter.clone()), expected, "{filter:?}");
    }
}

#[test]
fn what_an_index_serves_is_lifted_into_the_selection() {
    let text = |field, value: &str| Filter::Field(FieldTest::Text(field, Is::Eq(value.to_owned())));
    let created = |relation| Filter::Field(FieldTest::Time(TimeField::Created, Is::Compare(relation, Timestamp::MIN)));
    let all = text(TextField::User, "u")
        .and(text(TextField::Thread, "t"))
        .and(created(Relation::Greater))
        .and(created(Relation::LessOrEqual))
        .and(path("1"));
    let lifted = filtered(all);
    let conditions = "user_id = ? AND thread_id = ? AND created_at >= ? AND created_at < ? \
        AND (expires_at IS NULL OR expires_at > ?) AND polymnia_matches(metadata, ?) = 1";
    assert!(lifted.contains(conditions), "{lifted}");
    // There is room for one.
    let twice = filtered(text(TextField::User, "u").and(text(TextField::User, "v")));
    assert!(
        twice.contains("namespace = ? AND user_id = ? AND (expires_at IS NULL OR expires_at > ?) AND +user_id IS ?")
    );
    // Of a disjunction nothing is.
    let either = filtered(text(TextField::User, "u").or(text(TextField::Tier, "v")));
    assert!(either.contains(" AND (+user_id IS ? OR +tier IS ?)"), "{either}");
}

/// As large and as deep as filters may be, they are not too much for SQLite.
#[test]
fn the_largest_filters_can_be_prepared() {
    let wide = |joined: fn(Vec<Filter>) -> Filter| joined((0..990).map(|_| agent(Is::Present)).collect());
    let deep = (0..30).fold(agent(Is::Present), |inner, level| match level % 3 {
        0 => inner.not().or(agent(Is::Present)),
        1 => Filter::And(vec![agent(Is::Present), inner]),
        _ => Filter::Not(Box::new(inner)),
    });
    without_and_with_statistics(|connection| {
        for filter in [wide(Filter::And), wide(Filter::Or), deep.clone()] {
            plan(connection, &Selection::default().with_filter(filter), Order::CREATED_DESC);
        }
    });
}
