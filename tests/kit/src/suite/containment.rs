//! Filters on metadata: PostgreSQL's `jsonb @> jsonb`, on every dialect.

use polymnia::{Change, Expect, Filter, Json, MemoryStore, Order, Patch, Query, Selection};

use super::prelude::*;
use crate::fixture::Subject;
use crate::generate::{Rng, Seed, json as generate};

/// Metadata, a needle, and whether the one contains the other. The rules are numbered as PostgreSQL's manual would put
/// them, section 8.14.3.
const RULES: &[(&str, &str, bool)] = &[
    // 1. One root alone is an object: false.
    (r#"{"a": 1}"#, "[]", false),
    (r#"{"a": 1}"#, r#"[{"a": 1}]"#, false),
    (r#"{"a": 1}"#, "1", false),
    (r#"{"a": 1}"#, r#""a""#, false),
    ("{}", "null", false),
    // 2. Each key, with the same type; scalars equal, containers recurse; missing isn't null; no deep search.
    (r#"{"a": 1, "b": 2}"#, r#"{"b": 2}"#, true),
    (r#"{"a": 1, "b": 2}"#, r#"{"b": 2, "a": 1}"#, true),
    (r#"{"a": 1}"#, r#"{"a": 2}"#, false),
    (r#"{"a": 1}"#, r#"{"a": 1, "b": 2}"#, false),
    (r#"{"a": 1}"#, r#"{"a": "1"}"#, false),
    (r#"{"a": 1}"#, r#"{"a": [1]}"#, false),
    (r#"{"a": [1]}"#, r#"{"a": 1}"#, false),
    (r#"{"a": {"b": 1, "c": 2}}"#, r#"{"a": {"c": 2}}"#, true),
    (r#"{"a": {"b": 1}}"#, r#"{"a": {"c": 1}}"#, false),
    (r#"{"a": {"b": 1}}"#, r#"{"b": 1}"#, false),
    (r#"{"a": null}"#, r#"{"a": null}"#, true),
    (r#"{"a": 1}"#, r#"{"b": null}"#, false),
    ("{}", r#"{"a": null}"#, false),
    (r#"{"a": null}"#, r#"{"a": false}"#, false),
    (r#"{"": 1}"#, r#"{"": 1}"#, true),
    (r#"{"a.b": 1, "a": {"b": 2}}"#, r#"{"a.b": 1}"#, true),
    (r#"{"a.b": 1, "a": {"b": 2}}"#, r#"{"a": {"b": 1}}"#, false),
    (r#"{"A": 1}"#, r#"{"a": 1}"#, false),
    (r#"{"0": "x"}"#, r#"{"0": "x"}"#, true),
    (r#"{"a": ["x"]}"#, r#"{"a": {"0": "x"}}"#, false),
    (r#"{"a": {"0": "x"}}"#, r#"{"a": ["x"]}"#, false),
    // 3. Arrays: order, duplicates and counts don't matter; one element may serve several, none is split over two.
    (r#"{"a": [1, 2, 3]}"#, r#"{"a": [3, 1]}"#, true),
    (r#"{"a": [1, 2, 3]}"#, r#"{"a": [1, 1, 1, 1]}"#, true),
    (r#"{"a": [1, 1]}"#, r#"{"a": [1]}"#, true),
    (r#"{"a": [1, 2]}"#, r#"{"a": [1, 4]}"#, false),
    (r#"{"a": [[1, 2]]}"#, r#"{"a": [1]}"#, false),
    (r#"{"a": [[1, 2]]}"#, r#"{"a": [[1]]}"#, true),
    (r#"{"a": [[1], [2]]}"#, r#"{"a": [[1, 2]]}"#, false),
    (r#"{"a": [[1, 2]]}"#, r#"{"a": [[1], [2]]}"#, true),
    (r#"{"a": [{"b": 1, "c": 2}]}"#, r#"{"a": [{"b": 1}, {"c": 2}]}"#, true),
    (r#"{"a": [{"b": 1}, {"c": 2}]}"#, r#"{"a": [{"b": 1, "c": 2}]}"#, false),
    (r#"{"a": [{"b": 1}, {"b": 1, "c": 2}]}"#, r#"{"a": [{"c": 2, "b": 1}]}"#, true),
    (r#"{"a": [null]}"#, r#"{"a": [null]}"#, true),
    (r#"{"a": []}"#, r#"{"a": [null]}"#, false),
    (r#"{"a": [{"b": [1, {"c": [2, 3]}]}, 4]}"#, r#"{"a": [{"b": [{"c": [3]}]}]}"#, true),
    // 4. An array contains a scalar at the root only, and no metadata is an array.
    (r#"{"a": [1, [2]]}"#, r#"{"a": [[2]]}"#, true),
    (r#"{"a": ["x"]}"#, r#"{"a": "x"}"#, false),
    // 5. An empty container is in any of its kind, and in nothing else.
    ("{}", "{}", true),
    (r#"{"a": 1}"#, "{}", true),
    (r#"{"a": {}}"#, r#"{"a": {}}"#, true),
    (r#"{"a": {"b": 1}}"#, r#"{"a": {}}"#, true),
    (r#"{"a": [1]}"#, r#"{"a": []}"#, true),
    (r#"{"a": []}"#, r#"{"a": []}"#, true),
    (r#"{"a": 1}"#, r#"{"a": {}}"#, false),
    (r#"{"a": 1}"#, r#"{"a": []}"#, false),
    (r#"{"a": {}}"#, r#"{"a": []}"#, false),
    (r#"{"a": []}"#, r#"{"a": {}}"#, false),
    (r#"{"a": [1]}"#, r#"{"a": [[]]}"#, false),
    (r#"{"a": [[]]}"#, r#"{"a": [[]]}"#, true),
    (r#"{"a": [{}]}"#, r#"{"a": [[]]}"#, false),
    (r#"{"a": [{"b": 1}]}"#, r#"{"a": [{}]}"#, true),
    // 7. Of duplicate keys the last counts; true isn't 1.
    (r#"{"a": 1, "a": 2}"#, r#"{"a": 2}"#, true),
    (r#"{"a": 1, "a": 2}"#, r#"{"a": 1}"#, false),
    (r#"{"a": 2}"#, r#"{"a": 1, "a": 2}"#, true),
    (r#"{"a": true}"#, r#"{"a": 1}"#, false),
    (r#"{"a": true}"#, r#"{"a": true}"#, true),
    (r#"{"a": true}"#, r#"{"a": false}"#, false),
    (r#"{"a": true}"#, r#"{"a": "true"}"#, false),
];

pub(super) fn the_rules_of_postgresql(subject: &Subject) {
    check_table(subject, RULES);
}

pub(super) fn numbers_are_exact_decimals(subject: &Subject) {
    let groups: &[&[&str]] = &[
        &["0", "-0", "0.0", "0e5", "-0.000", "0e-10"],
        &["1", "1.0", "1e0", "10e-1", "0.1e1", "1.000000000000000000000"],
        &["-1", "-1.0", "-10e-1"],
        &["0.1", "1e-1", "0.10"],
        &["0.1000000000000000055511151231257827"],
        &["100", "1e2", "1E+2", "100.00"],
        &["9007199254740992", "9007199254740992.0"],
        &["9007199254740993", "9.007199254740993e15"],
        &["18446744073709551616"],
        &["18446744073709551617"],
        &["1e400", "10e399"],
        &["1e401"],
        &["1e-400"],
        &["1e-401"],
        &["1.5", "15e-1"],
    ];
    let mut table = Vec::new();
    for (left, group) in groups.iter().enumerate() {
        for (right, other) in groups.iter().enumerate() {
            for (number, wanted) in group.iter().flat_map(|number| other.iter().map(move |wanted| (number, wanted))) {
                let pair = (format!(r#"{{"n": [{number}, "x"]}}"#), format!(r#"{{"n": [{wanted}]}}"#));
                table.push((pair.0, pair.1, left == right));
            }
        }
    }
    let table: Vec<_> = table.iter().map(|(doc, needle, expected)| (&**doc, &**needle, *expected)).collect();
    check_table(subject, &table);
}

pub(super) fn strings_are_equal_by_their_bytes(subject: &Subject) {
    let groups: &[&[&str]] = &[
        &["A", "\\u0041"],
        &["a", "\\u0061"],
        &["é", "\\u00e9", "\\u00E9"],
        &["e\u{301}", "e\\u0301"],
        &["😀", "\\ud83d\\ude00"],
        &["/", "\\/", "\\u002f"],
        &["\\n", "\\u000a"],
        &["\\\\n"],
        &["\\\"", "\\u0022"],
        &["\\\\", "\\u005c"],
        &[""],
        &[" "],
        &["a "],
        &["%"],
        &["_"],
        &["*"],
        &["$.a"],
        &["'"],
        &["null"],
        &["1"],
        &["ß"],
        &["ss"],
        &["\u{7f}", "\\u007f"],
        &["\\u0001"],
        &["\u{2028}", "\\u2028"],
        &["\u{ffff}"],
    ];
    let mut table = Vec::new();
    for (left, group) in groups.iter().enumerate() {
        for (right, other) in groups.iter().enumerate() {
            let (text, wanted) = (group[group.len() - 1], other[0]);
            table.push((format!(r#"{{"s": "{text}"}}"#), format!(r#"{{"s": "{wanted}"}}"#), left == right));
            // Keys keep the same rule.
            table.push((format!(r#"{{"{text}": 1}}"#), format!(r#"{{"{wanted}": 1}}"#), left == right));
        }
    }
    let table: Vec<_> = table.iter().map(|(doc, needle, expected)| (&**doc, &**needle, *expected)).collect();
    check_table(subject, &table);
}

pub(super) fn roots_that_are_no_object_select_nothing(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("a").with_metadata(metadata(r#"{"a": [1, "x", null, true], "b": {}}"#)));
    put(&store, &here(), id(2), new("b"));
    for needle in ["[]", "[1]", "1", r#""x""#, "null", "true", r#"["a"]"#, "[{}]", r#"[{"a": [1]}]"#] {
        assert_eq!(store.count(&here(), &contains(needle)).unwrap(), 0, "{needle}");
        assert_eq!(store.query(&here(), &Query::new(contains(needle))).unwrap().memories, [], "{needle}");
        assert_eq!(store.delete_matching(&here(), &contains(needle)).unwrap(), 0, "{needle}");
    }
    assert_eq!(store.count(&here(), &contains("{}")).unwrap(), 2);
}

pub(super) fn combined_with_conditions_orders_and_pages(subject: &Subject) {
    let store = subject.store();
    let batch: Vec<_> = (0..400)
        .map(|n| {
            let text = format!(r#"{{"speaker": "{}", "session": {}, "n": {n}}}"#, ["ann", "bob"][n % 2], n % 7);
            let memory = new("m").with_metadata(metadata(&text)).with_importance(importance([0.0, 0.5, 1.0][n % 3]));
            let n = n as u64;
            put_mutation(id(n), memory.with_user(user(&format!("u{}", n % 3))))
        })
        .collect();
    store.apply(&here(), &batch).unwrap();
    for needle in [r#"{"session": 3}"#, r#"{"speaker": "ann"}"#, r#"{"session": 3.0, "speaker": "bob"}"#, r#"{"n": 7}"#] {
        for selection in [contains(needle), contains(needle).with_user(user("u1"))] {
            let now = subject.clock().now();
            let mut expected = all(&store, &here(), Selection::default());
            expected.retain(|memory| selection.matches(memory, now));
            assert!(!expected.is_empty(), "{needle} selects something");
            for order in Order::ALL {
                expected.sort_by(|left, right| order.compare(left, right));
                for limit in [1, 7, 400] {
                    let query = Query::new(selection.clone()).with_order(order).with_limit(limit).unwrap();
                    let first = store.query(&here(), &query).unwrap();
                    assert_eq!(first.memories.len(), expected.len().min(limit as usize), "a page is never short");
                    if limit > 1 || expected.len() < 30 {
                        let read = walk(&store, &here(), query);
                        assert_eq!(numbers(&read), numbers(&expected), "{needle} in {order:?}, {limit} a page");
                    }
                }
            }
        }
    }
}

pub(super) fn follows_every_write(subject: &Subject) {
    let store = subject.store();
    let ids = |needle: &str| numbers(&all(&store, &here(), contains(needle)));
    put(&store, &here(), id(1), new("a").with_metadata(metadata(r#"{"k": "old"}"#)));
    assert_eq!(ids(r#"{"k": "old"}"#), [1]);
    put(&store, &here(), id(1), new("a").with_metadata(metadata(r#"{"k": "new"}"#)));
    assert_eq!((ids(r#"{"k": "old"}"#), ids(r#"{"k": "new"}"#)), (vec![], vec![1]));
    let patch = Patch { metadata: Some(metadata(r#"{"k": "patched"}"#)), ..Patch::default() };
    store.update(&here(), id(1), patch, Expect::Any).unwrap();
    assert_eq!((ids(r#"{"k": "new"}"#), ids(r#"{"k": "patched"}"#)), (vec![], vec![1]));
    let patch = Patch { user_id: Change::Set(user("u")), ..Patch::default() };
    store.update(&here(), id(1), patch, Expect::Any).unwrap();
    assert_eq!(ids(r#"{"k": "patched"}"#), [1]);
    let moved = store.admin().rename_namespace(&here(), &ns("moved")).unwrap();
    assert_eq!((moved, ids(r#"{"k": "patched"}"#)), (1, vec![]));
    assert_eq!(numbers(&all(&store, &ns("moved"), contains(r#"{"k": "patched"}"#))), [1]);
    store.delete(&ns("moved"), id(1)).unwrap();
    assert_eq!(store.count(&ns("moved"), &contains(r#"{"k": "patched"}"#)).unwrap(), 0);
}

pub(super) fn over_large_documents(subject: &Subject) {
    let store = subject.store();
    let members: Vec<String> = (0..20_000).map(|n| format!(r#""key{n}": ["value {n}", {n}]"#)).collect();
    let large = metadata(&format!("{{{}}}", members.join(",")));
    assert!(large.as_str().len() > 600_000);
    put(&store, &here(), id(1), new("large").with_metadata(large.clone()));
    put(&store, &here(), id(2), new("small").with_metadata(metadata(r#"{"key7": ["value 7"]}"#)));
    for (needle, expected) in [
        (r#"{"key7": ["value 7"]}"#.to_owned(), vec![2, 1]),
        (r#"{"key19999": [19999.0]}"#.to_owned(), vec![1]),
        (r#"{"key19999": [19998]}"#.to_owned(), vec![]),
        (large.as_str().to_owned(), vec![1]),
        (format!(r#"{{"key0": [], {}}}"#, &members[1..].join(",")), vec![1]),
        (format!(r#"{{"more": 1, {}}}"#, &members[1..].join(",")), vec![]),
    ] {
        assert_eq!(numbers(&all(&store, &here(), contains(&needle))), expected, "{needle:.80}");
    }
}

pub(super) fn of_generated_documents(subject: &Subject) {
    let seed = Seed::new("containment::of_generated_documents");
    let mut rng = seed.rng();
    let store = subject.store();
    let trees: Vec<_> = (0..150).map(|_| generate::object(&mut rng)).collect();
    let documents: Vec<Json> = trees.iter().map(|tree| parsed(tree, &mut rng)).collect();
    put_documents(&store, &documents);
    let mut found = 0;
    for _ in 0..300 {
        let tree = rng.choice(&trees).unwrap();
        let needle = parsed(&generate::needle(tree, &mut rng), &mut rng);
        let mut expected: Vec<u64> = (0..).zip(&documents).filter(|(_, d)| d.contains(&needle)).map(|(n, _)| n).collect();
        expected.reverse();
        let selection = Selection::default().with_filter(Filter::Contains(needle.clone()));
        assert_eq!(numbers(&all(&store, &here(), selection.clone())), expected, "{needle}");
        assert_eq!(store.count(&here(), &selection).unwrap(), expected.len() as u64, "{needle}");
        found += usize::from(!expected.is_empty());
    }
    assert!(found > 100, "most needles are found somewhere, {found} were");
}

fn parsed(tree: &generate::Tree, rng: &mut Rng) -> Json {
    json(&generate::spell(tree, rng))
}

/// Stores each document under its place.
fn put_documents(store: &MemoryStore, documents: &[Json]) {
    let puts = (0..).zip(documents).map(|(n, document)| {
        put_mutation(id(n), new("m").with_metadata(document.clone().try_into().unwrap()))
    });
    store.apply(&here(), &puts.collect::<Vec<_>>()).unwrap();
}

/// Asks the dialect for each row of the table by a needle of its own, over all different documents of the table at once.
fn check_table(subject: &Subject, table: &[(&str, &str, bool)]) {
    let store = subject.store();
    let mut documents: Vec<Json> = table.iter().map(|(document, ..)| json(document)).collect();
    documents.sort_by(|left, right| left.as_str().cmp(right.as_str()));
    documents.dedup();
    put_documents(&store, &documents);
    let mut needles: Vec<&str> = table.iter().map(|(_, needle, _)| *needle).collect();
    needles.sort_unstable();
    needles.dedup();
    for needle in needles {
        let found = numbers(&all(&store, &here(), contains(needle)));
        for (document, _, expected) in table.iter().filter(|row| row.1 == needle) {
            let parsed = json(document);
            let place = documents.iter().position(|other| *other == parsed).unwrap() as u64;
            assert_eq!(found.contains(&place), *expected, "{document} @> {needle}");
            assert_eq!(parsed.contains(&json(needle)), *expected, "{document} @> {needle}, by Json::contains");
        }
    }
}
