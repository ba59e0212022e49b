//! A real dialect through both sides, in this process, beside the same dialect without them.

use std::sync::Arc;
use std::time::Duration;

use polymnia::schema::{Event, SchemaFault, SessionOptions};
use polymnia::spi::Dialect;
use polymnia::{
    Call, CancelToken, Error, ErrorKind, Expect, Filter, Json, Memory, MemoryStore, NewMemory, OpenOptions, Query,
    Revision, Selection,
};
use polymnia_conformance::{TestClock, TestIds};
use polymnia_sqlite::Sqlite;

use super::super::PluginDialect;
use super::fake::Fake;
use super::{assert_same, call, id, tenant};
use crate::guest::table;

/// SQLite as a plugin.
fn plugin() -> PluginDialect {
    Fake::of(table!(Sqlite)).dialect()
}

/// Makes a store over a database in memory, the same in every run.
fn store(dialect: &dyn Dialect) -> MemoryStore {
    let engine = dialect.open(&OpenOptions::new("sqlite::memory:")).unwrap();
    let store = MemoryStore::new(engine).with_clock(TestClock::default()).with_ids(TestIds::default());
    store.migrate().unwrap();
    store
}

fn new(number: usize, content: &str) -> NewMemory {
    let metadata = Json::parse(&format!(r#"{{"number": {number}, "even": {}}}"#, number.is_multiple_of(2))).unwrap();
    NewMemory::new(format!("{number} {content}")).unwrap().with_metadata(metadata.try_into().unwrap())
}

/// Does everything that a tenant can, and returns what came of it.
fn everything(store: &MemoryStore) -> Vec<String> {
    let tenant = tenant();
    let long = "x".repeat(20_000);
    for number in 0..200 {
        store.put(&tenant, new(number, &long)).unwrap();
    }
    let even = Filter::Contains(Json::parse(r#"{"even": true}"#).unwrap());
    let even = Selection { filter: even, ..Selection::default() };
    let all: Vec<Memory> =
        store.iter(&tenant, Query::default().with_limit(70).unwrap()).collect::<Result<_, _>>().unwrap();
    assert_eq!(all.len(), 200);
    let ids: Vec<_> = all.iter().map(|memory| memory.id).chain([id(9), all[0].id]).collect();
    let got = store.get_many(&tenant, &ids).unwrap();
    assert_eq!(got.iter().flatten().count(), 201);
    let first = all[0].id;
    vec![
        format!("{all:?}"),
        format!("{got:?}"),
        format!("{:?}", store.query(&tenant, &Query::new(even.clone())).unwrap()),
        format!("{:?}", store.count(&tenant, &even)),
        format!("{:?}", store.put_at(&tenant, first, new(0, ""), Expect::Absent).unwrap_err()),
        format!("{:?}", store.put_at(&tenant, first, new(0, ""), Expect::Revision(Revision::FIRST)).unwrap()),
        format!("{:?}", store.update(&tenant, id(9), polymnia::Patch::default(), Expect::Any).unwrap_err()),
        format!("{:?}", store.delete(&tenant, first)),
        format!("{:?}", store.delete_matching(&tenant, &even)),
        format!("{:?}", store.stats(&tenant)),
        format!("{:?}", store.admin().namespaces(None, 9).unwrap()),
        format!("{:?}", store.admin().rename_namespace(&tenant, &tenant).unwrap_err()),
        format!("{:?}", store.capability()),
    ]
}

#[test]
fn answers_and_errors_are_the_same() {
    let (native, through) = (everything(&store(&Sqlite)), everything(&store(&plugin())));
    for (native, through) in native.iter().zip(&through) {
        assert_eq!(native, through);
    }
}

#[test]
fn a_dialect_says_the_same_of_itself() {
    let plugin = plugin();
    assert_eq!((plugin.name(), plugin.url_schemes()), (Sqlite.name(), Sqlite.url_schemes()));
    assert_eq!(plugin.abi_version(), (crate::abi::ABI_MAJOR, crate::abi::ABI_MINOR));
    assert_eq!(plugin.source().unwrap(), Sqlite.source().unwrap());
    for text in [":memory:", "host=localhost", ""] {
        assert_eq!(plugin.recognizes(&text.into()), Sqlite.recognizes(&text.into()), "{text}");
    }
    let file = OpenOptions::new("sqlite:///nowhere/x.db?mode=rw");
    assert_same(&plugin.open(&file).unwrap_err(), &Sqlite.open(&file).unwrap_err());
    let wrong = OpenOptions::new("sqlite::memory:?mode=what");
    assert_same(&plugin.open(&wrong).unwrap_err(), &Sqlite.open(&wrong).unwrap_err());
}

#[test]
fn a_database_without_a_schema_gives_the_same_error() {
    let error = |dialect: &dyn Dialect| -> Error {
        let engine = dialect.open(&OpenOptions::new("sqlite::memory:")).unwrap();
        engine.count(&call(), &tenant(), &Selection::default()).unwrap_err()
    };
    assert_same(&error(&plugin()), &error(&Sqlite));
}

#[test]
fn a_call_that_was_given_up_ends_the_same() {
    let token = CancelToken::new();
    token.cancel();
    for given_up in
        [Call { cancel: Some(token), ..call() }, Call { deadline: Some(std::time::Instant::now()), ..call() }]
    {
        let outcome = |dialect: &dyn Dialect| {
            let engine = dialect.open(&OpenOptions::new("sqlite::memory:")).unwrap();
            MemoryStore::new(Arc::clone(&engine)).migrate().unwrap();
            let page = format!("{:?}", engine.query(&given_up, &tenant(), &Query::default()));
            page + &format!("{:?}", engine.admin().verify(&given_up))
        };
        assert_eq!(outcome(&plugin()), outcome(&Sqlite));
    }
}

#[test]
fn whoever_waits_for_the_lock_is_told_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions::new(format!("sqlite://{}/a.db", folder.path().display()));
    let engine = plugin().open(&options).unwrap();
    let wait = SessionOptions { lock_wait: Duration::from_millis(50), ..SessionOptions::default() };
    let held = engine.schema().session(&call(), &wait, &mut |_: &Event<'_>| ()).unwrap();
    let mut told = Vec::new();
    let mut observer = |event: &Event<'_>| {
        if let Event::Waiting { holder, .. } = event {
            told.push(holder.map(|holder| holder.process));
        }
    };
    let error = engine.schema().session(&call(), &wait, &mut observer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(SchemaFault::of(&error).map(SchemaFault::code), Some("locked"));
    assert_eq!(told.first(), Some(&Some(i64::from(std::process::id()))));
    drop(held);
    engine.schema().session(&call(), &wait, &mut |_: &Event<'_>| ()).unwrap();
}
