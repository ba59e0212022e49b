//! What a dialect does not claim: asking for it is an error that says so, and nothing else happens.

use polymnia::{ErrorKind, IndexDeclaration, IndexKind, IndexName, MemoryStore, Query, Result, Selection};

use super::prelude::*;
use crate::fixture::Subject;

pub(super) fn containment(subject: &Subject) {
    refuses(subject, [r#"{"$contains": {"a": 1}}"#, r#"{"$contains": {}}"#].map(filtered));
    let inside = [
        r#"{"$not": {"$contains": {"a": 1}}}"#,
        r#"{"$or": [{"$contains": {"a": 1}}, {"$contains": {"a": 2}}]}"#,
        r#"{"$and": [{"$contains": {"a": 1}}, {"$contains": {"b": 2}}]}"#,
    ];
    refuses(subject, inside.map(filtered));
    refuses(subject, [contains(r#"{"a": 1}"#).with_user(user("u"))]);
}

pub(super) fn filters(subject: &Subject) {
    let filters = [
        r#"{"a": 1}"#,
        r#"{"a": {"$gte": 1}}"#,
        r#"{"a": {"$exists": false}}"#,
        r#"{"$user": "u"}"#,
        r#"{"$not": {"$importance": {"$gt": 0.5}}}"#,
        r#"{"$or": [{"a": 1}, {"b": 2}]}"#,
        r#"{"a": 1, "$created_at": {"$lt": "2026-03-01T00:00:00Z"}}"#,
    ];
    refuses(subject, filters.map(filtered));
    refuses(subject, [filtered(r#"{"a": {"$in": [1, 2]}}"#).with_user(user("u"))]);
}

pub(super) fn related_threads(subject: &Subject) {
    refuses(subject, [
        Selection::default().with_related_thread(thread("r")),
        Selection::default().with_related_thread(thread("r")).with_user(user("u")),
    ]);
    // They are kept all the same.
    let store = subject.store();
    put(&store, &here(), id(70), new("m").with_related_threads(threads(["r", "s"])));
    assert_eq!(get(&store, &here(), id(70)).related_threads, threads(["r", "s"]));
}

pub(super) fn declared_indexes(subject: &Subject) {
    let store = subject.store();
    let name = IndexName::new("by_a").unwrap();
    let declaration =
        IndexDeclaration { name: name.clone(), path: r#"["a"]"#.parse().unwrap(), kind: IndexKind::Number };
    unsupported(&store, store.admin().create_index(&declaration));
    // There are none, whether it says so or that it can't have any.
    for (count, of) in [(store.admin().indexes().map(|listed| listed.len()), "indexes"), (
        store.admin().drop_index(&name).map(usize::from),
        "drop_index",
    )] {
        match count {
            Ok(count) => assert_eq!(count, 0, "{of}"),
            Err(error) => unsupported::<()>(&store, Err(error)),
        }
    }
}

pub(super) fn bulk_load(subject: &Subject) {
    let store = subject.store();
    unsupported(&store, store.load(&here(), &[put_mutation(id(1), new("m"))]));
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), 0);
}

pub(super) fn change_capture(subject: &Subject) {
    let store = subject.store();
    unsupported(&store, store.admin().set_change_capture(true));
    put(&store, &here(), id(1), new("m"));
    // A follower must not take silence for peace.
    unsupported(&store, store.admin().changes(0, 10));
}

/// Fails unless each operation that selects refuses each of these, and leaves everything as it was.
#[track_caller]
fn refuses<const N: usize>(subject: &Subject, selections: [Selection; N]) {
    let store = subject.store();
    for n in 0..4 {
        put(&store, &here(), id(n), new("m").with_user(user("u")).with_metadata(metadata(r#"{"a": 1, "b": 2}"#)));
    }
    for selection in selections {
        let query = Query::new(selection.clone());
        unsupported(&store, store.query(&here(), &query));
        unsupported(&store, store.explain(&here(), &query));
        unsupported(&store, store.count(&here(), &selection));
        unsupported(&store, store.count(&ns("holds nothing"), &selection));
        unsupported(&store, store.delete_matching(&here(), &selection));
        assert_eq!(store.count(&here(), &Selection::default()).unwrap(), 4, "nothing was removed");
    }
}

/// Fails unless the result is an error that says what was asked and of which dialect.
#[track_caller]
fn unsupported<T: std::fmt::Debug>(store: &MemoryStore, result: Result<T>) {
    let error = refused(result, ErrorKind::Unsupported);
    let dialect = store.admin().info().unwrap().dialect;
    assert!(error.message().contains(&dialect), "{error:?} names the dialect {dialect}");
    assert!(error.operation().is_some(), "{error:?} names the operation");
}
