//! Pages, damage, deadlines.

use polymnia::{Call, CancelToken, ErrorKind, Filter, Json, OpenOptions, Order};

use super::*;
use crate::config::Config;
use crate::engine::{Limit, SqliteEngine};

const ROWS: &str = "INSERT INTO polymnia_memories (namespace, id, tier, content, metadata, importance, revision,
        created_at, updated_at)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
    SELECT 'a', randomblob(16), 'short_term', 'content', '{}', (i * 7919 % 1500) / 1500.0, 1,
        i * 7919 % 1500, 0 FROM n";

fn with_rows(statements: &str, check: impl FnOnce(&mut Connection)) {
    let engine = SqliteEngine::open(Config::read(&OpenOptions::new(":memory:")).unwrap()).unwrap();
    let call = Call { cancel: Some(CancelToken::new()), ..Call::at(Timestamp::MIN) };
    engine.migrate(&call).unwrap();
    let checked = engine.with(&call, Limit::Unlimited, |connection| {
        connection.batch(ROWS)?;
        connection.batch(statements)?;
        check(connection);
        Ok(())
    });
    checked.unwrap();
}

fn newest(connection: &mut Connection, limit: u32) -> Rows {
    let asked = Query::default().with_limit(limit).unwrap();
    query(connection, Timestamp::MIN, &Namespace::new("a").unwrap(), &asked).unwrap()
}

/// An order is an order, with or without the index that makes it cheap.
#[test]
fn pages_do_not_depend_on_indexes() {
    let few = "DELETE FROM polymnia_memories WHERE created_at >= 12";
    let no_indexes = "DROP INDEX polymnia_memories_created; DROP INDEX polymnia_memories_updated";
    for fewer in ["", few] {
        let answers = ["", no_indexes].map(|indexes| {
            let mut pages = Vec::new();
            with_rows(&format!("{fewer}; {indexes}"), |connection| {
                for limit in [1, 10, 11, 12, 13, 1_200] {
                    let Rows { memories, more } = newest(connection, limit);
                    assert!(memories.is_sorted_by(|left, right| Order::CREATED_DESC.compare(left, right).is_le()));
                    let times: Vec<Timestamp> = memories.iter().map(|memory| memory.created_at).collect();
                    pages.push((times, more));
                }
            });
            pages
        });
        assert_eq!(answers[0], answers[1], "{fewer}");
    }
}

#[test]
fn a_page_tells_whether_there_is_more() {
    with_rows("DELETE FROM polymnia_memories WHERE created_at >= 10", |connection| {
        for (limit, found, more) in [(9, 9, true), (10, 10, false), (11, 10, false)] {
            let page = newest(connection, limit);
            assert_eq!((page.memories.len(), page.more), (found, more), "{limit}");
        }
    });
}

#[test]
fn damaged_rows_are_told_and_nothing_is_made_up() {
    for (damage, column) in [
        ("content = CAST(x'61ff' AS TEXT)", "content"),
        ("user_id = CAST(x'c3' AS TEXT)", "user_id"),
        ("related_threads = '{}'", "related_threads"),
        ("related_threads = 'no json'", "related_threads"),
        ("created_at = 9223372036854775807", "created_at"),
    ] {
        with_rows(&format!("UPDATE polymnia_memories SET {damage}"), |connection| {
            let asked = Query::default();
            let error = query(connection, Timestamp::MIN, &Namespace::new("a").unwrap(), &asked).unwrap_err();
            assert_eq!((error.kind(), error.context_value("column")), (ErrorKind::Corrupt, Some(column)));
        });
    }
}

/// One step of SQLite's may look through a megabyte.
#[test]
fn a_deadline_ends_a_walk_through_large_metadata() {
    let large =
        "UPDATE polymnia_memories SET metadata = '{\"a\": \"' || hex(zeroblob(100000)) || '\"}' WHERE rid < 100";
    with_rows(large, |connection| {
        let deadline = std::time::Instant::now() + std::time::Duration::from_millis(1);
        connection.guard().begin(&Call { deadline: Some(deadline), ..Call::at(Timestamp::MIN) }, None);
        let filter = Filter::Contains(Json::parse("{\"a\": 1}").unwrap());
        let selection = Selection::default().with_filter(filter);
        let error = count(connection, Timestamp::MIN, &Namespace::new("a").unwrap(), &selection).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    });
}
