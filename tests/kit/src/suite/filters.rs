//! Filters beside all else that a query may say, at their limits, and of every generated kind.

use std::collections::BTreeMap;

use polymnia::filter::{Prefix, Step, Test};
use polymnia::{ErrorKind, Filter, Json, Memory, Order, Path, Query, Selection, Timestamp};

use super::prelude::*;
use crate::fixture::Subject;
use crate::generate::{self, Pool, Rng, Seed, json as generated};

pub(super) fn of_rust_and_of_json_are_one(subject: &Subject) {
    let store = subject.store();
    let seed = Seed::new("filters::of_rust_and_of_json_are_one");
    let mut rng = seed.rng();
    let pool = Pool::new(&mut rng, 60);
    let now = subject.clock().now();
    restore(&store, &generated_memories(&pool, &mut rng, now, 120));
    let stored = all(&store, &here(), Selection::default());
    for _ in 0..150 {
        let filter = generate::filter(&mut rng, &pool, now);
        let text = filter.to_json();
        let again = Filter::parse(text.as_str()).unwrap_or_else(|error| panic!("{error}: {text}"));
        // Lists of nothing have no form of their own; everything else comes back as it was.
        assert_eq!(again.to_json(), text);
        assert!(again == filter || has_empty_list(&filter), "{text}");
        let expected: Vec<_> = stored.iter().filter(|memory| filter.matches(memory)).map(|memory| memory.id).collect();
        let found = all(&store, &here(), Selection::default().with_filter(again));
        assert_eq!(found.iter().map(|memory| memory.id).collect::<Vec<_>>(), expected, "{text}");
    }
    // The same cursor belongs to both.
    let built = Filter::path(["a", "b"]).unwrap().gte(3).unwrap().and(Filter::path(["c"]).unwrap().exists());
    let read = Filter::parse(r#"{"a": {"b": {"$gte": 3}}, "c": {"$exists": true}}"#).unwrap();
    for (number, text) in (1_000..).zip([r#"{"a": {"b": 3}, "c": 1}"#, r#"{"a": {"b": 4}, "c": null}"#]) {
        put(&store, &here(), id(number), new("m").with_metadata(metadata(text)));
    }
    let one = Query::new(Selection::default().with_filter(built)).with_limit(1).unwrap();
    let first = store.query(&here(), &one).unwrap();
    let other = Query::new(Selection::default().with_filter(read)).with_cursor(first.next.unwrap());
    assert!(!store.query(&here(), &other).unwrap().memories.is_empty());
}

pub(super) fn go_with_conditions_orders_and_pages(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    let start = later(now, -1_000_000_000);
    let memories: Vec<Memory> = (0..300_u64)
        .map(|n| {
            let step = i64::try_from(n).unwrap();
            // Five memories share each time.
            let mut memory = row(id(n), "m", later(start, step / 5 * 1_000_000));
            memory.updated_at = later(start, 2_000_000_000 + (step * 7) % 100);
            memory.importance = importance([0.0, 0.25, 0.5, 1.0][usize::try_from(n % 4).unwrap()]);
            memory.user_id = (n % 3 != 0).then(|| user(&format!("u{}", n % 3)));
            let text = format!(
                r#"{{"n": {n}, "speaker": "{}", "tags": ["t{}", "x"], "deep": {{"score": {}.5}}}}"#,
                ["ann", "bob"][usize::try_from(n % 2).unwrap()],
                n % 10,
                n % 50
            );
            memory.metadata = metadata(&text);
            memory
        })
        .collect();
    restore(&store, &memories);
    let filters = [
        r#"{"speaker": "ann", "deep": {"score": {"$gte": 20}}}"#,
        r#"{"tags": {"$any": ["t3", "t4"]}}"#,
        r#"{"tags": {"$all": ["x", "t7"]}}"#,
        r#"{"$or": [{"n": 7}, {"n": {"$in": [8, 9, 290]}}, {"deep": {"score": 49.5}}]}"#,
        r#"{"$not": {"tags": {"$any": ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"]}}}"#,
        r#"{"speaker": {"$prefix": "b"}, "$importance": {"$gt": 0.25}}"#,
        r#"{"$user": {"$exists": false}, "n": {"$lt": 100}}"#,
        r#"{"n": {"$lt": 0}}"#,
    ];
    for text in filters {
        let filter = Filter::parse(text).unwrap();
        for selection in [
            Selection::default().with_filter(filter.clone()),
            Selection::default().with_filter(filter).with_user(user("u1")),
        ] {
            let mut expected: Vec<Memory> =
                memories.iter().filter(|memory| selection.matches(memory, now)).cloned().collect();
            assert_eq!(store.count(&here(), &selection).unwrap(), expected.len() as u64, "{text}");
            for order in Order::ALL {
                expected.sort_by(|left, right| order.compare(left, right));
                for limit in [1, 7, 400] {
                    let query = Query::new(selection.clone()).with_order(order).with_limit(limit).unwrap();
                    let first = store.query(&here(), &query).unwrap();
                    assert_eq!(first.memories.len(), expected.len().min(limit as usize), "a page is never short: {text}");
                    if limit > 1 || expected.len() < 30 {
                        let read = walk(&store, &here(), query);
                        assert_eq!(numbers(&read), numbers(&expected), "{text} in {order:?}, {limit} a page");
                    }
                }
            }
        }
    }
}

pub(super) fn go_through_many_of_one_time(subject: &Subject) {
    let store = subject.store();
    let at = subject.clock().now();
    // Ids in another order than that of the writes, and rows before and after in time.
    let memories: Vec<Memory> = (0..600_u64)
        .map(|n| {
            let time = if n % 50 == 0 { later(at, i64::try_from(n).unwrap() - 300) } else { at };
            let mut memory = row(id(n * 7_919 % 600), "m", time);
            memory.metadata = metadata(&format!(r#"{{"n": {}, "all": 1}}"#, n % 6));
            memory
        })
        .collect();
    restore(&store, &memories);
    for text in [r#"{"n": 3}"#, r#"{"all": 1}"#, r#"{"n": {"$in": [1, 2]}}"#, r#"{"n": {"$gte": 4}}"#] {
        let selection = Selection::default().with_filter(Filter::parse(text).unwrap());
        let mut expected: Vec<Memory> = memories.iter().filter(|m| selection.matches(m, at)).cloned().collect();
        for order in [Order::CREATED_DESC, Order::CREATED_ASC, Order::UPDATED_DESC] {
            expected.sort_by(|left, right| order.compare(left, right));
            for limit in [10, 33, 1_000] {
                let query = Query::new(selection.clone()).with_order(order).with_limit(limit).unwrap();
                assert_eq!(numbers(&walk(&store, &here(), query)), numbers(&expected), "{text}, {order:?}, {limit}");
            }
        }
    }
}

pub(super) fn times_within_one_millisecond_keep_their_order(subject: &Subject) {
    let store = subject.store();
    let at = time("1969-12-31T23:59:59.998Z");
    // Before and after 1970, several a millisecond, against the order of the ids.
    let memories: Vec<Memory> = (0..120_u64)
        .map(|n| {
            let mut memory = row(id(n * 71 % 120), "m", later(at, i64::try_from(n).unwrap() * 40));
            memory.metadata = metadata(r#"{"all": [1]}"#);
            memory
        })
        .collect();
    restore(&store, &memories);
    let selection = Selection::default().with_filter(Filter::parse(r#"{"all": {"$any": [1]}}"#).unwrap());
    let mut expected = memories;
    for order in [Order::CREATED_DESC, Order::CREATED_ASC] {
        expected.sort_by(|left, right| order.compare(left, right));
        for limit in [1, 7, 500] {
            let query = Query::new(selection.clone()).with_order(order).with_limit(limit).unwrap();
            assert_eq!(numbers(&walk(&store, &here(), query)), numbers(&expected), "{order:?}, {limit}");
        }
    }
}

pub(super) fn delete_what_they_select(subject: &Subject) {
    let store = subject.store();
    let seed = Seed::new("filters::delete_what_they_select");
    let mut rng = seed.rng();
    let pool = Pool::new(&mut rng, 30);
    let now = subject.clock().now();
    for round in 0..20 {
        let namespace = ns(&format!("n{round}"));
        let memories = generated_memories(&pool, &mut rng, now, 60);
        store.apply(&namespace, &rows(&memories)).unwrap();
        let selection = Selection::default().with_filter(generate::filter(&mut rng, &pool, now));
        let live: Vec<Memory> = all(&store, &namespace, Selection::default());
        let (gone, left): (Vec<Memory>, Vec<Memory>) = live.into_iter().partition(|m| selection.matches(m, now));
        assert_eq!(store.count(&namespace, &selection).unwrap(), gone.len() as u64, "{selection:?}");
        assert_eq!(store.delete_matching(&namespace, &selection).unwrap(), gone.len() as u64, "{selection:?}");
        assert_eq!(all(&store, &namespace, Selection::default()), left, "{selection:?}");
        assert_eq!(store.delete_matching(&namespace, &selection).unwrap(), 0, "{selection:?}");
    }
}

pub(super) fn never_select_what_expired(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    put(&store, &here(), id(1), new("a").with_metadata(metadata(r#"{"k": 1}"#)).with_expires_at(later(now, 10)));
    put(&store, &here(), id(2), new("b").with_metadata(metadata(r#"{"k": 1}"#)));
    let filters = [r#"{"k": 1}"#, r#"{"k": {"$gte": 0}}"#, r#"{"k": {"$ne": 2}}"#, r#"{"$expires_at": {"$exists": true}}"#];
    let found = |text: &str| numbers(&all(&store, &here(), filtered(text)));
    assert_eq!(filters.map(found), [vec![2, 1], vec![2, 1], vec![2, 1], vec![1]]);
    subject.clock().set(later(now, 10));
    assert_eq!(filters.map(found), [vec![2], vec![2], vec![2], vec![]]);
    assert_eq!(store.count(&here(), &filtered(filters[0])).unwrap(), 1);
    assert_eq!(store.delete_matching(&here(), &filtered(filters[0])).unwrap(), 1);
    subject.clock().set(now);
    assert_eq!(found(filters[0]), [1]);
}

pub(super) fn know_only_their_namespace(subject: &Subject) {
    let store = subject.store();
    let names = ["a", "A", "a ", "ab"];
    for (number, name) in (1..).zip(names) {
        put(&store, &ns(name), id(1), new("m").with_metadata(metadata(&format!(r#"{{"k": "same", "n": {number}}}"#))));
    }
    for (number, name) in (1..).zip(names) {
        assert_eq!(all(&store, &ns(name), filtered(r#"{"k": "same"}"#)).len(), 1, "{name:?}");
        for other in 1..=names.len() {
            let expected = u64::from(other == number);
            for text in [format!(r#"{{"n": {other}}}"#), format!(r#"{{"n": {{"$gte": {other}, "$lte": {other}}}}}"#)] {
                assert_eq!(store.count(&ns(name), &filtered(&text)).unwrap(), expected, "{name:?}, {text}");
            }
        }
    }
}

pub(super) fn past_their_limits_are_refused(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("m").with_metadata(metadata(r#"{"a": 1}"#)));
    let leaf = || Filter::path(["a"]).unwrap().exists();
    let nested = |depth: usize| (0..depth).fold(leaf(), |inner, _| Filter::And(vec![inner, leaf()]));
    let wide = |parts: usize| Filter::Or((0..parts).map(|_| leaf()).collect());
    let values = |parts: usize| Filter::path(["a"]).unwrap().is_in(0..parts).unwrap();
    for good in [nested(Filter::MAX_DEPTH - 2), wide(Filter::MAX_PARTS - 2), values(Filter::MAX_PARTS - 2)] {
        assert_eq!(store.count(&here(), &Selection::default().with_filter(good)).unwrap(), 1);
    }
    for bad in [
        nested(Filter::MAX_DEPTH + 1),
        nested(Filter::MAX_DEPTH * 10),
        wide(Filter::MAX_PARTS + 1),
        values(Filter::MAX_PARTS + 1),
        Filter::Not(Box::new(wide(Filter::MAX_PARTS + 1))),
    ] {
        let expected = bad.check().unwrap_err();
        let selection = Selection::default().with_filter(bad);
        let query = Query::new(selection.clone());
        for (error, operation) in [
            (refused(store.query(&here(), &query), ErrorKind::InvalidInput), "query"),
            (refused(store.count(&here(), &selection), ErrorKind::InvalidInput), "count"),
            (refused(store.explain(&here(), &query), ErrorKind::InvalidInput), "explain"),
            (refused(store.delete_matching(&here(), &selection), ErrorKind::InvalidInput), "delete"),
        ] {
            assert_eq!((error.to_string(), error.operation()), (expected.to_string(), Some(operation)));
        }
    }
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), 1);
}

pub(super) fn at_their_greatest(subject: &Subject) {
    let store = subject.store();
    let deep = format!("{}1{}", r#"{"k": "#.repeat(128), "}".repeat(128));
    let long = "x".repeat(100_000);
    put(&store, &here(), id(1), new("m").with_metadata(metadata(&deep)));
    put(&store, &here(), id(2), new("m").with_metadata(metadata(&format!(r#"{{"{long}": ["{long}", 1]}}"#))));
    let to_the_bottom = Path::new(vec!["k"; Path::MAX_STEPS]).unwrap();
    let of_one = Path::new([Step::from(long.as_str()), Step::from(0)]).unwrap();
    let whole = Json::from_serialize(&long).unwrap();
    for (path, test, expected) in [
        (to_the_bottom.clone(), Test::Exists, vec![1]),
        (to_the_bottom.clone(), Test::Eq(json("1.0")), vec![1]),
        (to_the_bottom, Test::Eq(json("2")), vec![]),
        (of_one.clone(), Test::Exists, vec![2]),
        (of_one.clone(), Test::Eq(whole.clone()), vec![2]),
        (of_one.clone(), Test::In(vec![json("1"), whole.clone()]), vec![2]),
        (of_one.clone(), Test::Prefix(Prefix::new(&long[1..]).unwrap()), vec![2]),
        (of_one, Test::Prefix(Prefix::new(format!("{long}x")).unwrap()), vec![]),
        (Path::new([long.as_str()]).unwrap(), Test::Any(vec![whole]), vec![2]),
    ] {
        let selection = Selection::default().with_filter(Filter::Metadata { path, test });
        assert_eq!(numbers(&all(&store, &here(), selection)), expected);
    }
    let thousand: Vec<String> = (0..900).map(|n| format!("v{n}")).collect();
    put(&store, &here(), id(3), new("m").with_metadata(metadata(r#"{"v": "v899", "tags": ["a", "v7"]}"#)));
    for filter in [
        Filter::path(["v"]).unwrap().is_in(&thousand).unwrap(),
        Filter::path(["tags"]).unwrap().any(&thousand).unwrap(),
        Filter::Or(thousand[500..].iter().map(|v| Filter::path(["v"]).unwrap().eq(v).unwrap()).collect()),
    ] {
        assert_eq!(numbers(&all(&store, &here(), Selection::default().with_filter(filter))), [3]);
    }
}

pub(super) fn of_every_generated_kind(subject: &Subject) {
    let seed = Seed::new("filters::of_every_generated_kind");
    let mut rng = seed.rng();
    let store = subject.store();
    let now = subject.clock().now();
    let pool = Pool::new(&mut rng, 100);
    let memories = generated_memories(&pool, &mut rng, now, 150);
    restore(&store, &memories);
    let live: BTreeMap<u64, &Memory> = memories
        .iter()
        .filter(|memory| memory.expires_at.is_none_or(|at| at > now))
        .map(|memory| (numbers(std::slice::from_ref(memory))[0], memory))
        .collect();
    let mut some = 0;
    for _ in 0..400 {
        let filter = generate::filter(&mut rng, &pool, now);
        let selection = Selection::default().with_filter(filter.clone());
        let mut found = numbers(&all(&store, &here(), selection.clone()));
        found.sort_unstable();
        let expected: Vec<u64> = live.iter().filter(|(_, memory)| filter.matches(memory)).map(|(n, _)| *n).collect();
        assert_eq!(found, expected, "{}\n{filter:?}", filter.to_json());
        assert_eq!(store.count(&here(), &selection).unwrap(), expected.len() as u64, "{}", filter.to_json());
        some += usize::from(!expected.is_empty() && expected.len() < live.len());
    }
    assert!(some > 100, "most filters select some of the memories, {some} did");
}

pub(super) fn containment_is_one_of_them(subject: &Subject) {
    let seed = Seed::new("filters::containment_is_one_of_them");
    let mut rng = seed.rng();
    let store = subject.store();
    let trees: Vec<_> = (0..80).map(|_| generated::object(&mut rng)).collect();
    let puts = (0..).zip(&trees).map(|(n, tree)| {
        let text = generated::spell(tree, &mut rng);
        put_mutation(id(n), new("m").with_metadata(metadata(&text)))
    });
    let puts: Vec<_> = puts.collect();
    store.apply(&here(), &puts).unwrap();
    for _ in 0..100 {
        let tree = rng.choice(&trees).unwrap();
        let needle = json(&generated::spell(&generated::needle(tree, &mut rng), &mut rng));
        let plain = Selection::default().with_filter(Filter::Contains(needle.clone()));
        let within = Filter::Or(vec![Filter::Contains(needle.clone()), Filter::Or(vec![])]);
        let twice = Filter::Contains(needle.clone()).not().not().and(Filter::All);
        let expected = numbers(&all(&store, &here(), plain));
        for filter in [within, twice] {
            assert_eq!(numbers(&all(&store, &here(), Selection::default().with_filter(filter))), expected, "{needle}");
        }
        let without = Selection::default().with_filter(Filter::Contains(needle.clone()).not());
        assert_eq!(store.count(&here(), &without).unwrap(), (trees.len() - expected.len()) as u64, "{needle}");
    }
}

/// Returns memories over the pool, each with an id of its own, of the last minutes.
fn generated_memories(pool: &Pool, rng: &mut Rng, now: Timestamp, count: u64) -> Vec<Memory> {
    (0..count).map(|n| Memory { id: id(n), ..pool.memory(rng, now) }).collect()
}

fn has_empty_list(filter: &Filter) -> bool {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => filters.is_empty() || filters.iter().any(has_empty_list),
        Filter::Not(inner) => has_empty_list(inner),
        _ => false,
    }
}
