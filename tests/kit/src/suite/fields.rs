//! Filters on a memory's own fields.

use polymnia::filter::{FieldTest, Is, Prefix, Real, Relation, TextField, TimeField};
use polymnia::{Filter, Memory, Order, Query, Selection};

use super::prelude::*;
use crate::fixture::Subject;
use crate::generate::{self, Seed};

pub(super) fn of_text(subject: &Subject) {
    let store = subject.store();
    // By their bytes: neither letters nor languages have a say.
    let texts = [" a", "%", "B", "Z", "a", "a ", "a%", "ab", "a\u{301}", "b", "null", "Ä", "ä", "漢", "\u{ffff}", "😀"];
    let memories: Vec<Memory> = (0..)
        .zip(texts)
        .map(|(n, text)| {
            let mut memory = row(id(n), "m", subject.clock().now());
            memory.user_id = Some(user(text));
            memory.agent_id = Some(agent(text));
            memory.thread_id = Some(thread(text));
            memory.tier = tier(text);
            memory
        })
        .collect();
    restore(&store, &memories);
    put(&store, &here(), id(99), new("of nobody").with_tier(tier("~")));
    let last = texts.len();
    for field in ["$user", "$agent", "$thread", "$tier"] {
        // The tier is never absent.
        let nobody = if field == "$tier" { vec![] } else { vec![99] };
        let found = |test: &str| {
            let mut found = numbers(&all(&store, &here(), filtered(&format!(r#"{{"{field}": {test}}}"#))));
            found.sort_unstable();
            found
        };
        assert_eq!(found(r#"{"$exists": false}"#), nobody, "{field}");
        let opposite = |numbers: Vec<u64>| {
            let mut rest: Vec<u64> = (0..last as u64).chain([99]).filter(|n| !numbers.contains(n)).collect();
            rest.sort_unstable();
            rest
        };
        for (place, text) in texts.iter().enumerate() {
            let bound = serde_json::Value::from(*text);
            let expect = |holds: &dyn Fn(usize) -> bool, tilde: bool| -> Vec<u64> {
                let mut numbers: Vec<u64> = (0..last).filter(|n| holds(*n)).map(|n| n as u64).collect();
                // The last memory has a tier, too: `~`, which stands after all letters of ASCII.
                if field == "$tier" && tilde {
                    numbers.push(99);
                }
                numbers
            };
            let tilde = "~";
            assert_eq!(found(&bound.to_string()), expect(&|n| n == place, false), "{field} {text:?}");
            for (operator, holds, tilde) in [
                ("$lt", (&|n| n < place) as &dyn Fn(usize) -> bool, tilde < *text),
                ("$lte", &|n| n <= place, tilde <= *text),
                ("$gt", &|n| n > place, tilde > *text),
                ("$gte", &|n| n >= place, tilde >= *text),
            ] {
                let test = format!(r#"{{"{operator}": {bound}}}"#);
                let expected = expect(holds, tilde);
                assert_eq!(found(&test), expected, "{field} {test}");
                assert_eq!(found(&format!(r#"{{"$not": {test}}}"#)), opposite(expected), "{field} not {test}");
            }
            let starts = |n: usize| texts[n].starts_with(text);
            assert_eq!(found(&format!(r#"{{"$prefix": {bound}}}"#)), expect(&starts, false), "{field} {text:?}");
        }
        let wanted = r#"["a", "b", "nobody", "😀"]"#;
        assert_eq!(found(&format!(r#"{{"$in": {wanted}}}"#)), [4, 9, 15], "{field}");
        assert_eq!(found(&format!(r#"{{"$nin": {wanted}}}"#)), opposite(vec![4, 9, 15]), "{field}");
        assert_eq!(found(r#"{"$in": []}"#), Vec::<u64>::new(), "{field}");
        assert_eq!(found(r#"{"$prefix": ""}"#).len(), last + usize::from(field == "$tier"), "{field}");
        assert_eq!(found(r#"{"$gte": ""}"#).len(), last + usize::from(field == "$tier"), "{field}");
        assert_eq!(found(r#""""#), Vec::<u64>::new(), "{field}");
    }
    // What no field can hold is looked for like anything else.
    for is in [Is::Eq("a\0b".to_owned()), Is::In(vec!["\0".to_owned()]), Is::Eq("x".repeat(1_000))] {
        let filter = Filter::Field(FieldTest::Text(TextField::User, is));
        let Ok(()) = filter.check() else { continue };
        assert_eq!(store.count(&here(), &Selection::default().with_filter(filter)).unwrap(), 0);
    }
    let long = Filter::Field(FieldTest::Prefix(TextField::User, Prefix::new("a".repeat(1_000)).unwrap()));
    assert_eq!(store.count(&here(), &Selection::default().with_filter(long)).unwrap(), 0);
}

pub(super) fn of_importance(subject: &Subject) {
    let store = subject.store();
    let values = [0.0, f64::from_bits(1), 0.1, 0.1 + f64::EPSILON / 8.0, 0.5, 1.0 - f64::EPSILON, 1.0];
    for (number, value) in (0..).zip(values) {
        put(&store, &here(), id(number), new("m").with_importance(importance(value)));
    }
    let count = |is: Is<Real>| {
        let filter = Filter::Field(FieldTest::Importance(is));
        store.count(&here(), &Selection::default().with_filter(filter)).unwrap()
    };
    let bounds = [
        -1.0,
        -0.0,
        f64::MIN_POSITIVE,
        0.1,
        0.2,
        0.5,
        1.0,
        1.5,
        1e300,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    for bound in values.into_iter().chain(bounds) {
        let same = |value: f64| value.total_cmp(&(bound + 0.0)).is_eq();
        let real = Real::new(bound).unwrap();
        let expected = |holds: &dyn Fn(f64) -> bool| values.iter().filter(|value| holds(**value)).count() as u64;
        assert_eq!(count(Is::Eq(real)), expected(&same), "= {bound:e}");
        assert_eq!(count(Is::In(vec![real, Real::new(7.0).unwrap()])), expected(&same), "in {bound:e}");
        assert_eq!(count(Is::Compare(Relation::Less, real)), expected(&|value| value < bound), "< {bound:e}");
        assert_eq!(count(Is::Compare(Relation::LessOrEqual, real)), expected(&|value| value <= bound), "<= {bound:e}");
        assert_eq!(count(Is::Compare(Relation::Greater, real)), expected(&|value| value > bound), "> {bound:e}");
        assert_eq!(count(Is::Compare(Relation::GreaterOrEqual, real)), expected(&|value| value >= bound), ">= {bound:e}");
    }
    assert_eq!((count(Is::Present), count(Is::In(vec![]))), (values.len() as u64, 0));
    for (text, expected) in [
        (r#"{"$importance": 0.5}"#, 1),
        (r#"{"$importance": 0}"#, 1),
        (r#"{"$importance": -0.0}"#, 1),
        (r#"{"$importance": {"$gte": 0.1, "$lt": 1}}"#, 4),
        (r#"{"$importance": {"$ne": 0.5}}"#, 6),
        (r#"{"$importance": {"$in": [0, 1]}}"#, 2),
        (r#"{"$importance": {"$exists": true}}"#, 7),
    ] {
        assert_eq!(store.count(&here(), &filtered(text)).unwrap(), expected, "{text}");
    }
}

pub(super) fn of_time(subject: &Subject) {
    let store = subject.store();
    let start = time("2026-01-01");
    subject.clock().set(start);
    let memories: Vec<Memory> = (0..6_u64)
        .map(|n| {
            let step = i64::try_from(n).unwrap();
            let mut memory = row(id(n), "m", later(start, step));
            memory.updated_at = later(start, 100 + step);
            memory.expires_at = (n % 2 == 0).then(|| later(start, 1_000_000 + step));
            memory
        })
        .collect();
    restore(&store, &memories);
    for (text, expected) in [
        (r#"{"$created_at": "2026-01-01T00:00:00.000003Z"}"#, vec![3]),
        (r#"{"$created_at": "2026-01-01T01:00:00.000003+01:00"}"#, vec![3]),
        (r#"{"$created_at": {"$gt": "2026-01-01T00:00:00.000003Z"}}"#, vec![5, 4]),
        (r#"{"$created_at": {"$gte": "2026-01-01T00:00:00.000003Z"}}"#, vec![5, 4, 3]),
        (r#"{"$created_at": {"$lt": "2026-01-01T00:00:00.000001Z"}}"#, vec![0]),
        (r#"{"$created_at": {"$lte": "2026-01-01T00:00:00.000001Z"}}"#, vec![1, 0]),
        (r#"{"$created_at": {"$gt": "2026-01-01T00:00:00Z", "$lt": "2026-01-01T00:00:00.000003Z"}}"#, vec![2, 1]),
        (r#"{"$created_at": {"$ne": "2026-01-01T00:00:00Z"}}"#, vec![5, 4, 3, 2, 1]),
        (r#"{"$created_at": {"$in": ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000005Z"]}}"#, vec![5, 0]),
        (r#"{"$created_at": {"$exists": true}}"#, vec![5, 4, 3, 2, 1, 0]),
        (r#"{"$updated_at": {"$lt": "2026-01-01T00:00:00.000102Z"}}"#, vec![1, 0]),
        (r#"{"$updated_at": "2026-01-01T00:00:00.000104Z"}"#, vec![4]),
        (r#"{"$expires_at": {"$exists": true}}"#, vec![4, 2, 0]),
        (r#"{"$expires_at": {"$exists": false}}"#, vec![5, 3, 1]),
        (r#"{"$expires_at": {"$gt": "2026-01-01T00:00:01Z"}}"#, vec![4, 2]),
        (r#"{"$expires_at": {"$not": {"$gt": "2026-01-01T00:00:01Z"}}}"#, vec![5, 3, 1, 0]),
        (r#"{"$expires_at": {"$ne": "2026-01-01T00:00:01Z"}}"#, vec![5, 4, 3, 2, 1]),
        (r#"{"$expires_at": {"$lt": "9999-12-31T23:59:59.999999Z"}}"#, vec![4, 2, 0]),
        (r#"{"$created_at": {"$gte": "0001-01-01T00:00:00Z"}}"#, vec![5, 4, 3, 2, 1, 0]),
        (r#"{"$created_at": {"$lt": "0001-01-01T00:00:00Z"}}"#, vec![]),
    ] {
        assert_eq!(numbers(&all(&store, &here(), filtered(text))), expected, "{text}");
        assert_eq!(store.count(&here(), &filtered(text)).unwrap(), expected.len() as u64, "{text}");
    }
    let at = |is| Selection::default().with_filter(Filter::Field(FieldTest::Time(TimeField::Created, is)));
    let ends = [polymnia::Timestamp::MIN, polymnia::Timestamp::MAX];
    assert_eq!(store.count(&here(), &at(Is::In(ends.to_vec()))).unwrap(), 0);
    for (end, relation) in ends.into_iter().zip([Relation::GreaterOrEqual, Relation::LessOrEqual]) {
        assert_eq!(store.count(&here(), &at(Is::Compare(relation, end))).unwrap(), 6);
    }
}

pub(super) fn with_metadata_beside_them(subject: &Subject) {
    let store = subject.store();
    for n in 0..40_u64 {
        let metadata = metadata(&format!(r#"{{"n": {}, "$user": "u9"}}"#, n % 4));
        let memory = new("m").with_metadata(metadata).with_importance(importance([0.0, 1.0][usize::from(n % 8 == 0)]));
        put(&store, &here(), id(n), if n % 5 == 0 { memory } else { memory.with_user(user(&format!("u{}", n % 5))) });
    }
    for text in [
        r#"{"$user": "u2", "n": 2}"#,
        r#"{"$or": [{"$user": "u2"}, {"n": 2}]}"#,
        r#"{"$not": {"$or": [{"$user": "u2"}, {"n": 2}]}}"#,
        r#"{"$or": [{"$user": {"$exists": false}, "n": 3}, {"$importance": 1}]}"#,
        r#"{"$and": [{"$user": {"$in": ["u1", "u2"]}}, {"$not": {"n": {"$lte": 1}}}], "$importance": {"$lt": 0.5}}"#,
        r#"{"$$user": "u9", "$user": {"$prefix": "u"}, "n": {"$in": [0, 3]}}"#,
    ] {
        let selection = filtered(text);
        let now = subject.clock().now();
        let mut expected = all(&store, &here(), Selection::default());
        expected.retain(|memory| selection.matches(memory, now));
        assert!(!expected.is_empty() && expected.len() < 40, "{text}");
        assert_eq!(numbers(&all(&store, &here(), selection)), numbers(&expected), "{text}");
    }
    assert_eq!(store.count(&here(), &filtered(r#"{"$user": "u9"}"#)).unwrap(), 0, "a field is no key");
    assert_eq!(store.count(&here(), &filtered(r#"{"$$user": "u1"}"#)).unwrap(), 0, "a key is no field");
}

pub(super) fn lists_of_nothing_select_nothing(subject: &Subject) {
    let store = subject.store();
    for n in 0..30_u64 {
        let memory = new("m").with_user(user("u")).with_metadata(metadata(&format!(r#"{{"n": {}}}"#, n % 3)));
        put(&store, &here(), id(n), memory);
    }
    for field in ["$user", "$agent", "$thread", "$tier", "$importance", "$created_at", "$updated_at", "$expires_at"] {
        let nothing = format!(r#"{{"{field}": {{"$in": []}}}}"#);
        for (text, expected) in [
            (nothing.clone(), 0),
            (format!(r#"{{"n": 1, "{field}": {{"$in": []}}}}"#), 0),
            (format!(r#"{{"$and": [{{"n": {{"$gte": 1}}, "$user": "u"}}, {nothing}]}}"#), 0),
            (format!(r#"{{"$or": [{nothing}, {{"n": 1}}]}}"#), 10),
            (format!(r#"{{"$or": [{nothing}, {{"$user": "u"}}]}}"#), 30),
            (format!(r#"{{"n": 1, "$not": {nothing}}}"#), 10),
            (format!(r#"{{"$not": {{"$or": [{nothing}, {{"n": 1}}]}}}}"#), 20),
        ] {
            for selection in [filtered(&text), filtered(&text).with_user(user("u"))] {
                assert_eq!(all(&store, &here(), selection.clone()).len(), expected, "{text}");
                let few = Query::new(selection.clone()).with_order(Order::UPDATED_ASC).with_limit(3).unwrap();
                assert_eq!(store.query(&here(), &few).unwrap().memories.len(), expected.min(3), "{text}");
                assert_eq!(store.explain(&here(), &few).unwrap().rows, expected.min(3) as u64, "{text}");
                assert_eq!(store.count(&here(), &selection).unwrap(), expected as u64, "{text}");
                if expected == 0 {
                    assert_eq!(store.delete_matching(&here(), &selection).unwrap(), 0, "{text}");
                }
            }
        }
    }
}

pub(super) fn agree_with_the_conditions_of_selections(subject: &Subject) {
    let store = subject.store();
    let seed = Seed::new("fields::agree_with_the_conditions_of_selections");
    let mut rng = seed.rng();
    let now = subject.clock().now();
    let pool = generate::Pool::new(&mut rng, 5);
    let memories: Vec<Memory> = (0..80).map(|n| Memory { id: id(n), ..pool.memory(&mut rng, now) }).collect();
    restore(&store, &memories);
    let text = |field, is| Filter::Field(FieldTest::Text(field, is));
    for _ in 0..60 {
        let name = generate::text(&mut rng);
        for (plain, filter) in [
            (Selection::default().with_user(user(name)), text(TextField::User, Is::Eq(name.to_owned()))),
            (Selection::default().with_agent(agent(name)), text(TextField::Agent, Is::Eq(name.to_owned()))),
            (Selection::default().with_thread(thread(name)), text(TextField::Thread, Is::In(vec![name.to_owned()]))),
            (Selection::default().without_thread(), text(TextField::Thread, Is::Present).not()),
        ] {
            let filter = Selection::default().with_filter(filter);
            assert_eq!(all(&store, &here(), plain.clone()), all(&store, &here(), filter), "{plain:?}");
        }
        let generated = Filter::Field(generate::field_test(&mut rng, now));
        let selection = Selection::default().with_filter(generated.clone());
        let expected = memories.iter().filter(|memory| selection.matches(memory, now)).count() as u64;
        assert_eq!(store.count(&here(), &selection).unwrap(), expected, "{}", generated.to_json());
        let opposite = Selection::default().with_filter(generated.clone().not());
        let live = store.count(&here(), &Selection::default()).unwrap();
        assert_eq!(store.count(&here(), &opposite).unwrap(), live - expected, "not {}", generated.to_json());
    }
}
