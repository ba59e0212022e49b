//! Indexes declared on one path of the metadata.

use polymnia::filter::Step;
use polymnia::spi::refusal;
use polymnia::{
    Error, ErrorKind, Expect, Filter, IndexDeclaration, IndexKind, IndexName, Memory, MemoryStore, OptimizeReport, Order,
    Patch, Path, Query, Selection, Upkeep,
};

use super::prelude::*;
use crate::fixture::Subject;
use crate::generate::{self, Seed, json as generated, percent};

const KINDS: [IndexKind; 2] = [IndexKind::Number, IndexKind::Text];

pub(super) fn is_listed_until_dropped(subject: &Subject) {
    let store = subject.store();
    let admin = store.admin();
    assert_eq!(admin.indexes().unwrap(), []);
    let declarations = [
        declare(r#"["z"]"#, IndexKind::Text),
        declare(r#"["customer", "score"]"#, IndexKind::Number),
        IndexDeclaration {
            name: IndexName::new("first_price").unwrap(),
            path: r#"["items", 0, "price"]"#.parse().unwrap(),
            kind: IndexKind::Number,
        },
    ];
    for declaration in &declarations {
        admin.create_index(declaration).unwrap();
    }
    let listed = admin.indexes().unwrap();
    let mut expected = declarations.to_vec();
    expected.sort_by(|left, right| left.name.cmp(&right.name));
    assert!(listed.iter().all(|status| status.ready), "{listed:?}");
    assert_eq!(listed.iter().map(|status| status.declaration.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(subject.another().admin().indexes().unwrap().len(), 3, "another handle sees them");
    assert!(admin.drop_index(&declarations[1].name).unwrap());
    assert!(!admin.drop_index(&declarations[1].name).unwrap());
    assert!(!admin.drop_index(&IndexName::new("never_was").unwrap()).unwrap());
    assert_eq!(admin.indexes().unwrap().len(), 2);
    // What was dropped can come again, under another name.
    let again = IndexDeclaration { name: IndexName::new("again").unwrap(), ..declarations[1].clone() };
    admin.create_index(&again).unwrap();
    assert_eq!(admin.indexes().unwrap()[0].declaration, again);
}

pub(super) fn declaring_twice_does_nothing(subject: &Subject) {
    let store = subject.store();
    let declaration = declare(r#"["n"]"#, IndexKind::Number);
    for n in 0..20 {
        put(&store, &here(), id(n), new("m").with_metadata(metadata(&format!(r#"{{"n": {n}}}"#))));
    }
    for _ in 0..3 {
        store.admin().create_index(&declaration).unwrap();
        assert_eq!(store.admin().indexes().unwrap().len(), 1);
        sound(&store);
    }
    subject.another().admin().create_index(&declaration).unwrap();
    assert_eq!(store.count(&here(), &filtered(r#"{"n": {"$lt": 5}}"#)).unwrap(), 5);
}

pub(super) fn conflicts_are_refused(subject: &Subject) {
    let store = subject.store();
    let admin = store.admin();
    let first = declare(r#"["a"]"#, IndexKind::Number);
    admin.create_index(&first).unwrap();
    let told = |error: Error| (error.kind(), error.message().to_owned());
    let mut other_path = declare(r#"["b"]"#, IndexKind::Number);
    other_path.name = first.name.clone();
    let other_kind = IndexDeclaration { kind: IndexKind::Text, ..first.clone() };
    for taken in [other_path, other_kind] {
        let error = refused(admin.create_index(&taken), ErrorKind::Conflict);
        assert_eq!(told(error), told(refusal::index_name_taken(&first.name)));
    }
    let other_name = IndexDeclaration { name: IndexName::new("other").unwrap(), ..first.clone() };
    let error = refused(admin.create_index(&other_name), ErrorKind::Conflict);
    assert_eq!(error.operation(), Some("create index"));
    assert_eq!(told(error), told(refusal::index_exists(&first.name)));
    // The same path with another type is another index, and so is the key `0` beside the index 0.
    for text in [r#"["a"]"#, r#"["a", 0]"#, r#"["a", "0"]"#] {
        let mut declaration = declare(text, IndexKind::Text);
        declaration.name = IndexName::new(format!("t{}", admin.indexes().unwrap().len())).unwrap();
        admin.create_index(&declaration).unwrap();
    }
    assert_eq!(admin.indexes().unwrap().len(), 4);
}

pub(super) fn too_many_are_refused(subject: &Subject) {
    let store = subject.store();
    let admin = store.admin();
    let numbered = |n: usize| declare(&format!(r#"["k{n}"]"#), KINDS[n % 2]);
    for n in 0..IndexDeclaration::MAX {
        admin.create_index(&numbered(n)).unwrap();
    }
    admin.create_index(&numbered(0)).unwrap();
    let error = refused(admin.create_index(&numbered(IndexDeclaration::MAX)), ErrorKind::InvalidInput);
    assert_eq!(error.message(), refusal::too_many_indexes().message());
    assert_eq!(admin.indexes().unwrap().len(), IndexDeclaration::MAX);
    admin.drop_index(&numbered(7).name).unwrap();
    admin.create_index(&numbered(IndexDeclaration::MAX)).unwrap();
}

pub(super) fn answers_are_the_same_with_and_without(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    let memories: Vec<Memory> = (0..500_u64)
        .map(|n| {
            let mut memory = row(id(n), "m", later(now, -i64::try_from(n / 3).unwrap()));
            memory.user_id = Some(user(&format!("u{}", n % 4)));
            let value = match n % 10 {
                0 => "null".to_owned(),
                1 => format!(r#""{n}""#),
                2 => format!("[{n}]"),
                3 => format!("{}.5", n % 50),
                _ => (n % 50).to_string(),
            };
            let text = format!(r#"{{"customer": {{"score": {value}, "name": "name {}"}}}}"#, n % 97);
            memory.metadata = metadata(if n % 11 == 0 { "{}" } else { &text });
            memory
        })
        .collect();
    restore(&store, &memories);
    let filters = [
        r#"{"customer": {"score": {"$gte": 45}}}"#,
        r#"{"customer": {"score": {"$gt": 44.5, "$lte": 47}}}"#,
        r#"{"customer": {"score": {"$lt": 3}}}"#,
        r#"{"customer": {"score": 7}}"#,
        r#"{"customer": {"score": 3.50}}"#,
        r#"{"customer": {"score": {"$in": [1, "1", "11", null]}}}"#,
        r#"{"customer": {"score": {"$gte": "3"}}}"#,
        r#"{"customer": {"score": {"$not": {"$gte": 2}}}}"#,
        r#"{"customer": {"score": {"$gte": 1e400}}}"#,
        r#"{"customer": {"name": {"$prefix": "name 9"}}}"#,
        r#"{"customer": {"name": {"$prefix": ""}}}"#,
        r#"{"customer": {"name": {"$gt": "name 90"}}}"#,
        r#"{"customer": {"name": {"$lte": "name 10"}}}"#,
        r#"{"customer": {"name": "name 17"}}"#,
        r#"{"customer": {"score": {"$gte": 40}, "name": {"$prefix": "name 1"}}}"#,
        r#"{"$or": [{"customer": {"score": {"$gte": 48}}}, {"customer": {"name": {"$prefix": "name 96"}}}]}"#,
    ];
    let answers = || {
        let mut answers = Vec::new();
        for text in filters {
            for selection in [filtered(text), filtered(text).with_user(user("u1"))] {
                let mut expected: Vec<Memory> =
                    memories.iter().filter(|memory| selection.matches(memory, now)).cloned().collect();
                assert_eq!(store.count(&here(), &selection).unwrap(), expected.len() as u64, "{text}");
                for order in [Order::CREATED_DESC, Order::CREATED_ASC, Order::IMPORTANCE_DESC] {
                    expected.sort_by(|left, right| order.compare(left, right));
                    let query = Query::new(selection.clone()).with_order(order).with_limit(23).unwrap();
                    let told = store.explain(&here(), &query).unwrap();
                    assert_eq!(told.rows, expected.len().min(23) as u64, "{text}: {told:?}");
                    let found = numbers(&walk(&store, &here(), query));
                    assert_eq!(found, numbers(&expected), "{text} in {order:?}");
                    answers.push(found);
                }
            }
        }
        answers
    };
    let before = answers();
    let declarations =
        [declare(r#"["customer", "score"]"#, IndexKind::Number), declare(r#"["customer", "name"]"#, IndexKind::Text)];
    for declaration in &declarations {
        store.admin().create_index(declaration).unwrap();
        assert!(answers() == before, "with {}", declaration.name);
        sound(&store);
    }
    store.admin().optimize(Upkeep::Full).unwrap();
    assert!(answers() == before, "with both, after upkeep");
    for declaration in &declarations {
        assert!(store.admin().drop_index(&declaration.name).unwrap());
        assert!(answers() == before, "without {}", declaration.name);
        sound(&store);
    }
}

pub(super) fn follows_every_write(subject: &Subject) {
    let store = subject.store();
    store.admin().create_index(&declare(r#"["n"]"#, IndexKind::Number)).unwrap();
    store.admin().create_index(&declare(r#"["n"]"#, IndexKind::Text)).unwrap();
    let found = |namespace: &str, text: &str| {
        sound(&store);
        let mut found = numbers(&all(&store, &ns(namespace), filtered(text)));
        found.sort_unstable();
        found
    };
    let above = r#"{"n": {"$gte": 10}}"#;
    let with = |text: &str| new("m").with_metadata(metadata(text));
    for n in 0..15 {
        put(&store, &here(), id(n), with(&format!(r#"{{"n": {n}}}"#)));
    }
    assert_eq!(found("acme", above), [10, 11, 12, 13, 14]);
    put(&store, &here(), id(10), with(r#"{"n": 1}"#));
    put(&store, &here(), id(11), with(r#"{"n": "11"}"#));
    put(&store, &here(), id(12), with("{}"));
    put(&store, &here(), id(1), with(r#"{"n": 10.0}"#));
    assert_eq!(found("acme", above), [1, 13, 14]);
    assert_eq!(found("acme", r#"{"n": {"$gte": "1"}}"#), [11]);
    let patch = Patch { metadata: Some(metadata(r#"{"n": 99}"#)), ..Patch::default() };
    store.update(&here(), id(2), patch, Expect::Any).unwrap();
    store.delete(&here(), id(13)).unwrap();
    assert_eq!(found("acme", above), [1, 2, 14]);
    load(&store, &here(), &(20..25).map(|n| put_mutation(id(n), with(r#"{"n": 50}"#))).collect::<Vec<_>>()).unwrap();
    load(&store, &here(), &[put_mutation(id(1), with(r#"{"n": 2}"#))]).unwrap();
    assert_eq!(found("acme", above), [2, 14, 20, 21, 22, 23, 24]);
    store.admin().optimize(Upkeep::Index).unwrap();
    assert_eq!(found("acme", above), [2, 14, 20, 21, 22, 23, 24]);
    store.admin().rename_namespace(&here(), &ns("there")).unwrap();
    assert_eq!((found("acme", above), found("there", above)), (vec![], vec![2, 14, 20, 21, 22, 23, 24]));
    store.admin().optimize(Upkeep::Full).unwrap();
    assert_eq!((found("acme", above), found("there", above)), (vec![], vec![2, 14, 20, 21, 22, 23, 24]));
    assert_eq!(store.delete_matching(&ns("there"), &filtered(above)).unwrap(), 7);
    assert_eq!(found("there", above), Vec::<u64>::new());
    store.admin().delete_namespace(&ns("there")).unwrap();
    store.admin().optimize(Upkeep::Full).unwrap();
    assert_eq!(store.admin().optimize(Upkeep::Full).unwrap(), OptimizeReport::default());
    sound(&store);
}

pub(super) fn paths_of_every_kind(subject: &Subject) {
    let store = subject.store();
    let long = "k".repeat(3_000);
    let keys = [
        "", " ", "a.b", "a b", "a'b", "''", "a\"b", "\"", "a\\b", "\\", "\\'", "a\nb", "\t\r", "\u{1}", "\u{7f}", "$", "$eq", "$1",
        "$$", "$body$", "%", "%s", "%I%L", "?", "??", ":a", "@>", "--", "/*", ";", "'; DROP TABLE polymnia_memories; --", "{}",
        "{a,b}", "[0]", "0", "-1", "null", "é", "e\u{301}", "漢", "😀", "\u{202e}", "\u{10ffff}", "E'a'", "U&'a'", &long,
    ];
    let mut paths: Vec<Path> = keys.iter().map(|key| Path::new([*key]).unwrap()).collect();
    paths.push(Path::new([Step::from("'"), Step::from(0), Step::from("\"")]).unwrap());
    paths.push(Path::new([Step::from("\\"), Step::from("0")]).unwrap());
    paths.push(Path::new([Step::from("$"), Step::from(2)]).unwrap());
    paths.push(Path::new(vec!["'\\\""; 30]).unwrap());
    // Each path has a number in one memory, a string in another, and something else in a third.
    for (n, path) in (0..).zip(&paths) {
        for (kind, value) in (0..).zip(["5", r#""text""#, "[5]"]) {
            put(&store, &here(), id(n * 10 + kind), new("m").with_metadata(metadata(&nest(path, value))));
        }
    }
    for (n, path) in (0..).zip(&paths) {
        for kind in KINDS {
            let name = IndexName::new(format!("x{n}_{kind}")).unwrap();
            let declaration = IndexDeclaration { name: name.clone(), path: path.clone(), kind };
            store.admin().create_index(&declaration).unwrap_or_else(|error| panic!("{path}: {error:?}"));
let listed = store.admin().indexes().unwrap();
            assert!(listed.iter().any(|status| status.ready && status.declaration == declaration), "{path}: {listed:?}");
        }
        let at = || Filter::path(path.steps().iter().cloned()).unwrap();
        let (number, text) = (vec![n * 10], vec![n * 10 + 1]);
        for (filter, expected) in [
            (at().gte(5).unwrap(), &number),
            (at().lt(5.5).unwrap(), &number),
            (at().eq(5).unwrap(), &number),
            (at().gt("tex").unwrap(), &text),
            (at().prefix("te").unwrap(), &text),
            (at().eq("text").unwrap(), &text),
            (at().lt(5).unwrap(), &vec![]),
            (at().gt("text").unwrap(), &vec![]),
        ] {
            let found = numbers(&all(&store, &here(), Selection::default().with_filter(filter.clone())));
            assert_eq!(&found, expected, "{path}: {}", filter.to_json());
        }
        // Written while it is declared.
        put(&store, &here(), id(9_999), new("m").with_metadata(metadata(&nest(path, "77"))));
        let filter = Selection::default().with_filter(at().gt(50).unwrap());
        assert_eq!(numbers(&all(&store, &here(), filter)), [9_999], "{path}");
        for kind in KINDS {
            assert!(store.admin().drop_index(&IndexName::new(format!("x{n}_{kind}")).unwrap()).unwrap(), "{path}");
        }
    }
    assert_eq!(store.admin().indexes().unwrap(), []);
    sound(&store);
}

pub(super) fn values_past_what_an_index_holds(subject: &Subject) {
    let store = subject.store();
    let digits: String = (0..6_000).map(|n| char::from(b'1' + u8::try_from(n % 9).unwrap())).collect();
    // Text that no compression makes small.
    let seed = Seed::new("declared::values_past_what_an_index_holds");
    let mut rng = seed.rng();
    let noise: String = std::iter::repeat_with(|| rng.alphanumeric()).take(20_000).collect();
    let wide: String = std::iter::repeat_with(|| generate::pick(&mut rng, &['漢', '字', '😀', 'é', '\u{10ffff}'])).take(5_000).collect();
    let values = [
        "1e400".to_owned(),
        "-1e400".to_owned(),
        "1e401".to_owned(),
        "1e-400".to_owned(),
        "9e131071".to_owned(),
        digits.clone(),
        format!("{digits}0"),
        format!("{digits}.{digits}"),
        format!("0.{digits}"),
        format!("-0.{digits}"),
        "9007199254740993".to_owned(),
        "9007199254740992".to_owned(),
        "18446744073709551617".to_owned(),
        format!("\"{noise}\""),
        format!("\"{noise}x\""),
        format!("\"{}\"", &noise[..64]),
        format!("\"{}\"", &noise[..65]),
        format!("\"{}!\"", &noise[..64]),
        format!("\"{wide}\""),
        format!("\"{wide}a\""),
        "\"\"".to_owned(),
    ];
    let documents: Vec<String> = values.iter().map(|value| format!(r#"{{"v": {value}}}"#)).collect();
    for round in 0..2 {
        // First the values, then the indexes; then the other way round.
        if round == 1 {
            store.admin().delete_namespace(&here()).unwrap();
        }
        for (n, document) in (0..).zip(&documents) {
            put(&store, &here(), id(n), new("m").with_metadata(metadata(document)));
        }
        for kind in KINDS {
            store.admin().create_index(&declare(r#"["v"]"#, kind)).unwrap();
        }
        sound(&store);
        let memories = all(&store, &here(), Selection::default());
        for value in &values {
            for operator in ["$lt", "$gte", "$eq", "$prefix"] {
                if operator == "$prefix" && !value.starts_with('"') {
                    continue;
                }
                let selection = filtered(&format!(r#"{{"v": {{"{operator}": {value}}}}}"#));
                let expected: Vec<Memory> =
                    memories.iter().filter(|memory| selection.filter.matches(memory)).cloned().collect();
                let found = numbers(&all(&store, &here(), selection.clone()));
                assert_eq!(found, numbers(&expected), "{operator} {value:.80}");
                assert_eq!(store.count(&here(), &selection).unwrap(), expected.len() as u64, "{operator} {value:.80}");
            }
        }
    }
}

pub(super) fn of_generated_documents(subject: &Subject) {
    let seed = Seed::new("declared::of_generated_documents");
    let mut rng = seed.rng();
    let store = subject.store();
    let now = subject.clock().now();
    for round in 0..4_u64 {
        let namespace = ns(&format!("n{round}"));
        let trees: Vec<_> = (0..40).map(|_| generated::object(&mut rng)).collect();
        let pool = generate::Pool { documents: trees };
        let mut memories: Vec<Memory> = (0..120).map(|n| Memory { id: id(n), ..pool.memory(&mut rng, now) }).collect();
        for memory in &mut memories {
            memory.expires_at = None;
        }
        let half = memories.len() / 2;
        store.apply(&namespace, &rows(&memories[..half])).unwrap();
        // Paths that filters of these documents ask about.
        let filters: Vec<Filter> = (0..150)
            .map(|_| generate::metadata_filter(&mut rng, &pool.documents))
            .filter(|filter| claimed(&store, &Selection::default().with_filter(filter.clone())))
            .collect();
        for filter in &filters {
            if let Filter::Metadata { path, .. } = filter
                && store.admin().indexes().unwrap().len() < 12
                && percent(&mut rng, 30)
            {
                let name = IndexName::new(format!("g{}", rng.u32(..))).unwrap();
                let declaration = IndexDeclaration { name, path: path.clone(), kind: generate::pick(&mut rng, &KINDS) };
                match store.admin().create_index(&declaration) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::Conflict => {}
                    Err(error) => panic!("{declaration:?}: {error:?}"),
                }
            }
        }
        load(&store, &namespace, &rows(&memories[half..])).unwrap();
        for pass in 0..2 {
            for filter in &filters {
                let mut found =
                    numbers(&all(&store, &namespace, Selection::default().with_filter(filter.clone())));
                found.sort_unstable();
                let expected: Vec<u64> =
                    (0..).zip(&memories).filter(|(_, memory)| filter.matches(memory)).map(|(n, _)| n).collect();
                assert_eq!(found, expected, "pass {pass}: {}", filter.to_json());
            }
            store.admin().optimize(Upkeep::Full).unwrap();
            sound(&store);
        }
        for status in store.admin().indexes().unwrap() {
            store.admin().drop_index(&status.declaration.name).unwrap();
        }
    }
}

fn declare(path: &str, kind: IndexKind) -> IndexDeclaration {
    IndexDeclaration::new(path.parse().unwrap(), kind).unwrap()
}

/// Returns metadata with this value at the path, where indexes are passed over by nulls.
fn nest(path: &Path, value: &str) -> String {
    path.steps().iter().rev().fold(value.to_owned(), |inner, step| match step {
        Step::Key(key) => format!("{{{}: {inner}}}", serde_json::Value::from(key.as_str())),
        Step::Index(index) => format!("[{}{inner}]", "null, ".repeat(*index as usize)),
    })
}

#[track_caller]
fn sound(store: &MemoryStore) {
    let report = store.admin().verify().unwrap();
    assert!(report.is_sound(), "{report:#?}");
}
