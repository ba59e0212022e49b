//! The SQL, and SQLite's plans for it, with and without statistics.

use diesel::row::Row;
use diesel::sqlite::Sqlite;
use polymnia::{Call, CancelToken, Json, OpenOptions, Order, Tier};

use super::*;
use crate::config::Config;
use crate::connection::Connection;
use crate::engine::{Limit, SqliteEngine};
use crate::row::{self, FromRow};
use crate::statement::text;

const NEWEST: &str = "SELECT polymnia_decode(id, user_id, agent_id, thread_id, tier, content, metadata, importance, \
    related_threads, revision, created_at, updated_at, expires_at) FROM polymnia_memories WHERE namespace = ? \
    AND (expires_at IS NULL OR expires_at > ?) ORDER BY created_at DESC, id DESC LIMIT ?";

const EVERYTHING: &str = "SELECT count(*) FROM polymnia_memories WHERE namespace = ? AND user_id = ? \
    AND thread_id IS NULL AND agent_id = ? AND tier IN (SELECT value FROM json_each(?)) AND created_at >= ? \
    AND created_at < ? AND updated_at >= ? AND updated_at < ? AND (expires_at IS NULL OR expires_at > ?) \
    AND EXISTS (SELECT 1 FROM json_each(related_threads) AS related WHERE related.value IN \
    (SELECT value FROM json_each(?))) AND polymnia_contains(metadata, ?) = 1";

const BY_IMPORTANCE: &str = "SELECT polymnia_decode(id, user_id, agent_id, thread_id, tier, content, metadata, \
    importance, related_threads, revision, created_at, updated_at, expires_at) FROM (SELECT rid AS page_rid, id AS page_id, \
    importance AS key FROM polymnia_memories WHERE namespace = ? AND tier = ? \
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

fn range() -> TimeRange {
    TimeRange { from: Some(Timestamp::MIN), until: Some(Timestamp::MAX) }
}

fn read<'a>(window: &'a Window, conditions: &'a Conditions<'_>) -> Sql<'a> {
    if window.streams(conditions) { window.stream(conditions) } else { window.sort(conditions) }
}

fn statement(query: &Query) -> String {
    let namespace = Namespace::new("a").unwrap();
    let conditions = Conditions::new(&namespace, Timestamp::MIN, &query.selection).unwrap();
    let window = Window::new(query).unwrap();
    text(&read(&window, &conditions))
}

/// Returns what SQLite would do, step by step.
fn plan(connection: &mut Connection, selection: &Selection, order: Order) -> Vec<String> {
    struct Detail(String);

    impl FromRow for Detail {
        fn from_row<'a>(row: &impl Row<'a, Sqlite>) -> Result<Self> {
            Ok(Self(row::text(row, 3, "detail")?))
        }
    }

    let namespace = Namespace::new("n1").unwrap();
    let conditions = Conditions::new(&namespace, Timestamp::MIN, selection).unwrap();
    let window = Window::new(&Query::new(selection.clone()).with_order(order)).unwrap();
    let mut sql = Sql::new("EXPLAIN QUERY PLAN ");
    sql.append(read(&window, &conditions));
    connection.all(sql).unwrap().into_iter().map(|Detail(detail)| detail).collect()
}

/// Runs `check` on a fresh schema, and again on one with rows and statistics.
fn without_and_with_statistics(check: impl Fn(&mut Connection)) {
    let engine = SqliteEngine::open(Config::read(&OpenOptions::new(":memory:")).unwrap()).unwrap();
    let call = Call { cancel: Some(CancelToken::new()), ..Call::at(Timestamp::MIN) };
    polymnia::spi::SchemaEngine::migrate(&engine, &call).unwrap();
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
    assert_eq!(text(&conditions.count()), EVERYTHING);
    assert_eq!(text(&conditions.delete()), EVERYTHING.replace("SELECT count(*)", "DELETE"));
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
    let at = |micros| Timestamp::from_micros(micros).unwrap();
    let range = TimeRange { from: Some(at(10)), until: Some(at(90)) };
    for (direction, position, from, until) in [
        (Direction::Descending, 50, true, false),
        (Direction::Descending, 95, true, true),
        (Direction::Ascending, 50, false, true),
        (Direction::Ascending, 5, true, true),
    ] {
        let mut left = range;
        drop_implied(&mut left, direction, at(position));
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
                let Some(page) = steps.iter().position(|step| step == "SCAN page") else { continue };
                assert!(
                    !steps[page..].iter().any(|step| step.contains("TEMP B-TREE")),
                    "{selection:?} {order:?}: {steps:?}"
                );
            }
        }
    });
}
