//! What concerns several namespaces, or the database.

use polymnia::{Admin, ErrorKind, Namespace, NamespaceSummary, Revision, Selection};

use super::Need;
use super::prelude::*;
use crate::fixture::Subject;

pub(super) fn lists_namespaces_by_their_bytes(subject: &Subject) {
    let store = subject.store();
    assert_eq!(store.admin().namespaces(None, 100).unwrap(), []);
    let names = ["b", "a", "B", "é", "z", "a b", "a\u{1}", "e\u{301}", "\u{10ffff}", "\u{ffff}", "%", " "];
    let names: Vec<&str> = names.into_iter().filter(|name| !name.trim().is_empty()).collect();
    for name in &names {
        put(&store, &ns(name), id(1), new("m"));
    }
    let mut expected = names;
    expected.sort_unstable();
    let listed = store.admin().namespaces(None, 100).unwrap();
    assert_eq!(listed.iter().map(|summary| summary.namespace.as_str()).collect::<Vec<_>>(), expected);

    put(&store, &ns("b"), id(2), new("m").with_created_at(time("2001-01-01")));
    put(&store, &ns("b"), id(3), new("m").with_created_at(time("2041-01-01")));
    store.delete(&ns("B"), id(1)).unwrap();
    let listed = store.admin().namespaces(None, 100).unwrap();
    let of_b = NamespaceSummary {
        namespace: ns("b"),
        memories: 3,
        oldest: time("2001-01-01"),
        newest: time("2041-01-01"),
    };
    assert!(listed.contains(&of_b), "{listed:?}");
    assert!(listed.iter().all(|summary| summary.namespace != ns("B")), "a namespace without memories is none");
}

pub(super) fn lists_namespaces_page_by_page(subject: &Subject) {
    let store = subject.store();
    for number in 0..25 {
        put(&store, &ns(&format!("n{number:02}")), id(1), new("m"));
    }
    let mut after: Option<Namespace> = None;
    let mut sizes = Vec::new();
    let mut names = Vec::new();
    loop {
        let page = store.admin().namespaces(after.as_ref(), 10).unwrap();
        sizes.push(page.len());
        assert!(sizes.len() <= 4, "a page comes twice: {sizes:?}");
        let Some(last) = page.last() else { break };
        after = Some(last.namespace.clone());
        names.extend(page.into_iter().map(|summary| summary.namespace));
    }
    assert_eq!(sizes, [10, 10, 5, 0]);
    assert_eq!(names, (0..25).map(|number| ns(&format!("n{number:02}"))).collect::<Vec<_>>());
    let between = store.admin().namespaces(Some(&ns("n07x")), 1).unwrap();
    assert_eq!(between[0].namespace, ns("n08"));
}

pub(super) fn renames_a_namespace(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    let (from, to) = (ns("from"), ns("to"));
    for number in 0..30 {
        let memory = new("m")
            .with_user(user("u"))
            .with_metadata(metadata(&format!(r#"{{"n": {number}}}"#)))
            .with_related_threads(threads(["r"]))
            .with_created_at(later(now, -1_000));
        put(&store, &from, id(number), memory.clone());
        put(&store, &from, id(number), memory);
    }
    put(&store, &from, id(99), new("over").with_expires_at(now));
    put(&store, &ns("other"), id(1), new("other"));
    let before = all(&store, &from, Selection::default());
    subject.clock().set(later(now, 5_000_000));
    assert_eq!(store.admin().rename_namespace(&from, &to).unwrap(), 31);
    assert_eq!(all(&store, &to, Selection::default()), before, "revisions and times stay");
    assert_eq!(before[0].revision, revision(2));
    assert_eq!(store.count(&from, &Selection::default()).unwrap(), 0);
    for (selection, expected) in
        [(contains(r#"{"n": 7}"#), 1), (Selection::default().with_related_thread(thread("r")), 30)]
    {
        if claimed(&store, &selection) {
            assert_eq!(store.count(&to, &selection).unwrap(), expected);
        }
    }
    let listed = store.admin().namespaces(None, 10).unwrap();
    let told: Vec<_> = listed.iter().map(|summary| (summary.namespace.as_str(), summary.memories)).collect();
    assert_eq!(told, [("other", 1), ("to", 31)]);
    assert_eq!(put(&store, &from, id(1), new("new")).revision, Some(Revision::FIRST), "the old name is free");
}

pub(super) fn renames_nothing_that_holds_nothing(subject: &Subject) {
    let store = subject.store();
    put(&store, &ns("other"), id(1), new("m"));
    let error = refused(store.admin().rename_namespace(&here(), &ns("to")), ErrorKind::NotFound);
    assert!(error.to_string().contains("acme"), "{error} names the namespace");
    // What holds nothing is not found, even if the other name is taken.
    refused(store.admin().rename_namespace(&here(), &ns("other")), ErrorKind::NotFound);
}

pub(super) fn renames_onto_nothing_that_holds_something(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    put(&store, &here(), id(1), new("m"));
    put(&store, &ns("live"), id(2), new("m"));
    put(&store, &ns("over"), id(3), new("m").with_expires_at(now));
    for to in ["live", "over"] {
        let error = refused(store.admin().rename_namespace(&here(), &ns(to)), ErrorKind::Conflict);
        assert!(error.to_string().contains(to), "{error} names the namespace");
    }
    assert_eq!(numbers(&all(&store, &here(), Selection::default())), [1]);
    assert_eq!(numbers(&all(&store, &ns("live"), Selection::default())), [2]);
}

pub(super) fn renames_nothing_onto_itself(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("m"));
    refused(store.admin().rename_namespace(&here(), &here()), ErrorKind::Conflict);
    assert_eq!(numbers(&all(&store, &here(), Selection::default())), [1]);
}

pub(super) fn deletes_a_namespace(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    for number in 0..20 {
        put(&store, &here(), id(number), new("m"));
    }
    put(&store, &here(), id(50), new("over").with_expires_at(now));
    put(&store, &ns("acme2"), id(1), new("other"));
    assert_eq!(store.admin().delete_namespace(&here()).unwrap(), 21);
    assert_eq!(store.admin().delete_namespace(&here()).unwrap(), 0);
    assert_eq!(store.admin().delete_namespace(&ns("never was")).unwrap(), 0);
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), 0);
    let listed = store.admin().namespaces(None, 10).unwrap();
    assert_eq!(listed.iter().map(|summary| summary.namespace.as_str()).collect::<Vec<_>>(), ["acme2"]);
    assert_eq!(put(&store, &here(), id(1), new("new")).revision, Some(Revision::FIRST));
}

pub(super) fn describes_the_database(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("m"));
    let info = store.admin().info().unwrap();
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    assert!(!info.dialect.is_empty() && info.dialect.chars().all(is_plain), "{:?}", info.dialect);
    assert!(info.server_version.starts_with(|c: char| c.is_ascii_digit()), "{:?}", info.server_version);
    let head = store.schema().history().unwrap().last().unwrap().version.to_string();
    assert_eq!((info.schema_version, info.schema_pending), (Some(head), 0));
    assert!(!info.read_only);
    assert!(info.bytes.is_none_or(|bytes| bytes > 0), "{:?}", info.bytes);
    assert!((1..=info.pool.max_size).contains(&info.pool.connections), "{:?}", info.pool);
    assert!(info.pool.idle <= info.pool.connections, "{:?}", info.pool);
    for (name, value) in &info.details {
        assert!(!name.is_empty() && !value.is_empty(), "{name:?}: {value:?}");
    }
}

pub(super) fn analyzes(subject: &Subject) {
    let store = subject.store();
    store.admin().analyze().unwrap();
    let batch: Vec<_> = (0..1_000)
        .map(|n| {
            let metadata = metadata(&format!(r#"{{"n": {}}}"#, n % 50));
            put_mutation(id(n), new("m").with_user(user(&format!("u{}", n % 10))).with_metadata(metadata))
        })
        .collect();
    store.apply(&here(), &batch).unwrap();
    let of_user = Selection::default().with_user(user("u7"));
    let filtered = contains(r#"{"n": 7}"#).with_user(user("u7"));
    let (selection, expected) = if claimed(&store, &filtered) { (filtered, 20) } else { (of_user, 100) };
    let before = all(&store, &here(), selection.clone());
    store.admin().analyze().unwrap();
    // Often enough for plans that are made once and kept.
    for _ in 0..12 {
        assert_eq!(all(&store, &here(), selection.clone()), before);
    }
    assert_eq!(before.len(), expected);
}

pub(super) fn pings(subject: &Subject) {
    let another = subject.another();
    another.admin().ping().unwrap();
    subject.store().admin().ping().unwrap();
}

pub(super) fn limits_have_bounds(subject: &Subject) {
    let store = subject.store();
    let admin = store.admin();
    for limit in [0, Admin::MAX_LIMIT + 1, u32::MAX] {
        refused(admin.namespaces(None, limit), ErrorKind::InvalidInput);
        refused(admin.sweep(limit), ErrorKind::InvalidInput);
        refused(admin.changes(0, limit), ErrorKind::InvalidInput);
    }
    for limit in [1, Admin::MAX_LIMIT] {
        admin.namespaces(None, limit).unwrap();
        admin.sweep(limit).unwrap();
        if claims(&store, Need::ChangeCapture) {
            admin.changes(0, limit).unwrap();
        }
    }
}
