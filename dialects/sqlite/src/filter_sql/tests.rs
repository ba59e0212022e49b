//! The SQL and SQLite's plans for it, with and without statistics.

use diesel::row::Row;
use diesel::sqlite::Sqlite;
use polymnia::{Call, Direction, Json, Order, Tier};

use super::*;
use crate::config::Config;
use crate::connection::Connection;
use crate::engine::{Limit, SqliteEngine};
use crate::row::{self, FromRow};
use crate::statement::text;

/// Is what a plan does, without its numbers.
struct Detail(String);

impl FromRow for Detail {
    fn from_row<'a>(row: &impl Row<'a, Sqlite>) -> Result<Self> {
        Ok(Self(row::text(row, 3, "detail")?))
    }
}

fn engine() -> SqliteEngine {
    let engine = SqliteEngine::open(Config::read(&polymnia::OpenOptions::new(":memory:")).unwrap()).unwrap();
    let call = Call::at(Timestamp::MIN);
    polymnia::spi::SchemaEngine::migrate(&engine, &call).unwrap();
    engine
}

fn plan(connection: &mut Connection, selection: &Selection, order: Order) -> String {
    let namespace = Namespace::new("a").unwrap();
    let conditions = Conditions::new(&namespace, Timestamp::MIN, selection).unwrap();
    let query = Query::new(selection.clone()).with_order(order);
    let window = Window::new(&query).unwrap();
    let mut sql = window.read(&conditions);
    sql.pieces_mut().insert(0, crate::statement::Piece::Text("EXPLAIN QUERY PLAN "));
    let details: Vec<Detail> = connection.all(sql).unwrap();
    details.into_iter().map(|detail| detail.0).collect::<Vec<_>>().join("; ")
}

#[test]
fn scratch() {
    let engine = engine();
    engine.with(&Call::at(Timestamp::MIN), Limit::Unlimited, |connection| {
        for analyzed in [false, true] {
            if analyzed {
                connection.batch("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
                    INSERT INTO polymnia_memories (namespace, id, user_id, thread_id, tier, content, metadata, importance, revision, created_at, updated_at, expires_at)
                    SELECT 'n' || (i % 3), randomblob(16), 'u' || (i % 50), 't' || (i % 200), 't' || (i % 3), 'c', '{}', 0.5, 1, i, i, iif(i % 7, NULL, i) FROM n;
                    ANALYZE").unwrap();
            }
            let user = || Selection::default().with_user("u".parse().unwrap());
            for (name, selection) in [
                ("all", Selection::default()),
                ("user thread", user().with_thread("t".parse().unwrap())),
                ("user no thread", user().without_thread()),
                ("user thread tier", user().with_thread("t".parse().unwrap()).with_tier(Tier::long_term())),
                ("user", user()),
                ("thread", Selection::default().with_thread("t".parse().unwrap())),
                ("agent", Selection::default().with_agent("t".parse().unwrap())),
                ("tier", Selection::default().with_tier(Tier::long_term())),
                ("tiers", Selection::default().with_tier(Tier::long_term()).with_tier(Tier::short_term())),
                ("user tier", user().with_tier(Tier::long_term())),
                ("filter", Selection::default().with_filter(Filter::Contains(Json::parse("{}").unwrap()))),
                ("created", Selection::default().with_created(TimeRange { from: Some(Timestamp::MIN), until: Some(Timestamp::MAX) })),
                ("updated", Selection::default().with_updated(TimeRange { from: Some(Timestamp::MIN), until: Some(Timestamp::MAX) })),
                ("related", Selection::default().with_related_thread("x".parse().unwrap())),
            ] {
                for order in [Order::CREATED_DESC, Order::UPDATED_ASC, Order::IMPORTANCE_DESC] {
                    println!("{analyzed} {name} {order:?}\n   {}", plan(connection, &selection, order));
                }
            }
        }
        Ok(())
    }).unwrap();
}
