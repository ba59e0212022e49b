//! How queries are answered: the numbers must be true, the way is each dialect's own.

use std::time::Duration;

use polymnia::{Access, ErrorKind, Explanation, Filter, Memory, MemoryStore, Order, Query, Selection};

use super::prelude::*;
use crate::fixture::Subject;
use crate::generate::{self, Pool, Seed};

pub(super) fn tells_true_numbers(subject: &Subject) {
    let store = subject.store();
    fill(&store, subject);
    for text in [
        "{}",
        r#"{"n": 7}"#,
        r#"{"n": {"$in": [1, 2, 3]}}"#,
        r#"{"n": {"$gte": 390}}"#,
        r#"{"tags": {"$any": ["t1"]}}"#,
        r#"{"even": true}"#,
        r#"{"deep": {"exists": {"$exists": true}}}"#,
        r#"{"$not": {"even": true}}"#,
        r#"{"$user": "u1"}"#,
        r#"{"$created_at": {"$lt": "2026-03-01T00:00:00Z"}}"#,
        r#"{"absent": 1}"#,
        r#"{"$or": [{"n": 1}, {"$user": "u2"}]}"#,
        r#"{"$contains": []}"#,
    ] {
        for selection in [filtered(text), filtered(text).with_user(user("u1"))] {
            if !claimed(&store, &selection) {
                continue;
            }
            for order in Order::ALL {
                for limit in [1, 10, 10_000] {
                    let query = Query::new(selection.clone()).with_order(order).with_limit(limit).unwrap();
                    check(&store, &query);
                }
            }
        }
    }
    // The second page, too.
    let even = Query::new(filtered(r#"{"even": true}"#));
    let query = if claimed(&store, &even.selection) { even } else { Query::default() }.with_limit(30).unwrap();
    let next = store.query(&here(), &query).unwrap().next.unwrap();
    check(&store, &query.with_cursor(next));
}

pub(super) fn tells_of_every_generated_filter(subject: &Subject) {
    let store = subject.store();
    let seed = Seed::new("explain::tells_of_every_generated_filter");
    let mut rng = seed.rng();
    let pool = Pool::new(&mut rng, 50);
    let now = subject.clock().now();
    let memories: Vec<Memory> = (0..200).map(|n| Memory { id: id(n), ..pool.memory(&mut rng, now) }).collect();
    restore(&store, &memories);
    for _ in 0..150 {
        let query = Query::new(generate::selection(&mut rng, &pool, now)).with_order(generate::order(&mut rng));
        if !claimed(&store, &query.selection) {
            continue;
        }
        check(&store, &query.with_limit(generate::pick(&mut rng, &[1, 10, 1_000])).unwrap());
    }
}

pub(super) fn of_nothing_at_all(subject: &Subject) {
    let store = subject.store();
    for selection in [Selection::default(), filtered(r#"{"a": 1}"#), filtered(r#"{"$not": {"a": 1}}"#)] {
        assert_eq!(check(&store, &Query::new(selection)).rows, 0);
    }
    fill(&store, subject);
    for filter in [Filter::Or(vec![]), Filter::path(["n"]).unwrap().is_in(Vec::<u8>::new()).unwrap(), Filter::All.not()] {
        let told = check(&store, &Query::new(Selection::default().with_filter(filter)));
        assert_eq!(told.rows, 0);
        assert!(told.access != Access::Nothing || told.candidates == 0, "{told:?}");
    }
    let elsewhere = store.explain(&ns("elsewhere"), &Query::new(filtered(r#"{"n": 7}"#))).unwrap();
    assert_eq!(elsewhere.rows, 0);
}

pub(super) fn names_the_dialect_and_the_statement(subject: &Subject) {
    let store = subject.store();
    fill(&store, subject);
    let selection = filtered(r#"{"secret key": "secret value", "$user": {"$prefix": "secret user"}}"#);
    let told = check(&store, &Query::new(selection));
    assert_eq!(told.dialect, store.admin().info().unwrap().dialect);
    assert!(told.elapsed > Duration::ZERO && told.elapsed < Duration::from_mins(1), "{:?}", told.elapsed);
    // Values stand for themselves nowhere: neither in the statements nor in what else is told.
    assert!(!format!("{told:?}").contains("secret"), "{told:?}");
    let json = serde_json::to_value(&told).unwrap();
    assert_eq!(json["access"], told.access.as_str());
    assert_eq!(json["rows"], told.rows);
    assert!(json["elapsed_us"].is_u64(), "{json}");
}

pub(super) fn is_refused_where_the_query_is(subject: &Subject) {
    let store = subject.another();
    let query = Query::new(filtered(r#"{"n": 1}"#));
    let error = refused(store.explain(&here(), &query), ErrorKind::Migration);
    assert!(error.hint().is_some_and(|hint| hint.contains("polymnia init")), "{error:?}");
    let store = subject.store();
    fill(&store, subject);
    let first = store.query(&here(), &query.clone().with_limit(1).unwrap()).unwrap();
    let other = Query::new(filtered(r#"{"n": 2}"#)).with_cursor(first.next.unwrap());
    let refusals = [
        refused(store.explain(&here(), &other), ErrorKind::InvalidInput),
        refused(store.query(&here(), &other), ErrorKind::InvalidInput),
    ];
    assert_eq!(refusals[0].to_string(), refusals[1].to_string());
    let late = store.with_timeout(Duration::ZERO);
    refused(late.explain(&here(), &query), ErrorKind::Timeout);
}

/// Fails unless what is told agrees with what the query gives.
#[track_caller]
fn check(store: &MemoryStore, query: &Query) -> Explanation {
    let told = store.explain(&here(), query).unwrap_or_else(|error| panic!("{error:?}: {query:?}"));
    let rows = store.query(&here(), query).unwrap_or_else(|error| panic!("{error:?}: {query:?}")).memories.len() as u64;
    assert_eq!(told.rows, rows, "{query:?}\n{told:#?}");
    assert!(told.candidates >= rows, "{query:?}\n{told:#?}");
    assert!(told.rechecks <= told.candidates, "{query:?}\n{told:#?}");
    told
}

fn fill(store: &MemoryStore, subject: &Subject) {
    let now = subject.clock().now();
    let memories: Vec<Memory> = (0..400_u64)
        .map(|n| {
            let mut memory = row(id(n), "m", later(now, i64::try_from(n).unwrap() * -1_000_000));
            memory.user_id = (n % 3 != 0).then(|| user(&format!("u{}", n % 3)));
            let deep = if n % 100 == 0 { r#"{"exists": null}"# } else { "{}" };
            let text = format!(r#"{{"n": {}, "tags": ["t{}"], "even": {}, "deep": {deep}}}"#, n / 2 * 2, n % 9, n % 2 == 0);
            memory.metadata = metadata(&text.replace(r#""n": 390"#, r#""n": 391"#));
            memory
        })
        .collect();
    restore(store, &memories);
    put(store, &here(), id(9_000), new("m").with_metadata(metadata(r#"{"n": 1}"#)));
    put(store, &here(), id(9_001), new("m").with_metadata(metadata(r#"{"n": 1}"#)));
}
