//! The plugin in C, in `c/`: compiled with the compiler that is here, loaded, and used as any dialect is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod library;
mod odd;
mod sanitized;

use std::thread;
use std::time::Duration;

use polymnia::spi::Dialect as _;
use polymnia::{
    CancelToken, ErrorKind, Expect, Filter, Importance, Json, MemoryId, MemoryStore, Mutation, Namespace, NewMemory,
    Order, Patch, Query, Registry, Result, Revision, Selection, Tier,
};
use polymnia_plugin::host::PluginDialect;

use crate::library::{PLUGIN, Plugin};

fn open(name: &str) -> MemoryStore {
    let store = opened(name).unwrap();
    store.migrate().unwrap();
    store
}

fn opened(name: &str) -> Result<MemoryStore> {
    Registry::new().try_with(PLUGIN.dialect()).unwrap().open(format!("mem-c://{name}"))
}

fn here() -> Namespace {
    Namespace::new("acme").unwrap()
}

fn id(number: u128) -> MemoryId {
    MemoryId::from_bytes(number.to_be_bytes())
}

fn new(content: &str) -> NewMemory {
    NewMemory::new(content).unwrap()
}

fn contents(store: &MemoryStore, query: &Query) -> Vec<String> {
    let page = store.query(&here(), query).unwrap();
    page.memories.into_iter().map(|memory| memory.content.into_string()).collect()
}

#[test]
fn it_describes_itself() {
    let dialect: PluginDialect = PLUGIN.dialect();
    assert_eq!((dialect.name(), dialect.url_schemes()), ("mem-c", &["mem-c"][..]));
    assert_eq!(dialect.description().features, 0);
    assert_eq!(dialect.source().unwrap().scripts.len(), 1);
}

#[test]
fn a_memory_comes_back_as_it_was_put() {
    let store = open("round-trip");
    let memory = new("prefers calls after 14:00")
        .with_user("mara".parse().unwrap())
        .with_thread("t".parse().unwrap())
        .with_tier(Tier::long_term())
        .with_metadata(r#"{"kind": "preference", "n": [1, 2.50, null]}"#.parse().unwrap());
    let outcome = store.put_at(&here(), id(7), memory.clone(), Expect::Absent).unwrap();
    let read = store.get(&here(), id(7)).unwrap().unwrap();
    assert_eq!((read.id, Some(read.revision)), (id(7), outcome.revision));
    assert_eq!((read.content, read.metadata), (memory.content, memory.metadata));
    assert_eq!((read.user_id, read.thread_id, read.tier), (memory.user_id, memory.thread_id, memory.tier));
    assert_eq!((read.agent_id, read.expires_at, read.created_at), (None, None, read.updated_at));
    assert_eq!(
        store.get_many(&here(), &[id(8), id(7)]).unwrap().iter().map(Option::is_some).collect::<Vec<_>>(),
        [false, true]
    );
    assert!(store.delete(&here(), id(7)).unwrap());
    assert!(store.get(&here(), id(7)).unwrap().is_none());
}

#[test]
fn pages_come_newest_first_and_in_every_order() {
    let store = open("pages");
    for number in 0..50_u8 {
        let importance = f64::from(number % 7) / 7.0;
        let memory = new(&format!("{number}")).with_importance(Importance::new(importance).unwrap());
        store.put_at(&here(), id(number.into()), memory, Expect::Any).unwrap();
    }
    let newest = Query::default().with_limit(3).unwrap();
    assert_eq!(contents(&store, &newest), ["49", "48", "47"]);
    for order in Order::ALL {
        let all = store.query(&here(), &Query::default().with_order(order).with_limit(100).unwrap()).unwrap().memories;
        assert!(all.is_sorted_by(|left, right| order.compare(left, right).is_lt()), "{order:?}");
        let paged: Vec<_> = store.iter(&here(), Query::default().with_order(order).with_limit(7).unwrap()).collect();
        assert_eq!(paged.into_iter().map(Result::unwrap).collect::<Vec<_>>(), all, "{order:?}");
    }
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), 50);
}

#[test]
fn conditions_are_honoured_and_filters_refused() {
    let store = open("conditions");
    store.put(&here(), new("a").with_user("mara".parse().unwrap())).unwrap();
    store.put(&here(), new("b").with_tier(Tier::long_term())).unwrap();
    let of = |selection: Selection| contents(&store, &Query::new(selection));
    assert_eq!(of(Selection::default().with_user("mara".parse().unwrap())), ["a"]);
    assert_eq!(of(Selection::default().with_tier(Tier::long_term())), ["b"]);
    assert_eq!(of(Selection { user: polymnia::Match::Absent, ..Selection::default() }), ["b"]);
    let contains = Filter::Contains(Json::parse(r#"{"a": 1}"#).unwrap());
    for selection in [
        Selection::default().with_filter(contains),
        Selection::default().with_filter(Filter::parse(r#"{"$user": "mara"}"#).unwrap()),
        Selection::default().with_related_thread("t".parse().unwrap()),
    ] {
        for error in [
            store.query(&here(), &Query::new(selection.clone())).unwrap_err(),
            store.count(&here(), &selection).unwrap_err(),
            store.delete_matching(&here(), &selection).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{selection:?}: {error:?}");
        }
    }
    assert_eq!(store.delete_matching(&here(), &Selection::default()).unwrap(), 2);
}

#[test]
fn a_batch_is_all_or_nothing() {
    let store = open("batch");
    store.put_at(&here(), id(1), new("first"), Expect::Any).unwrap();
    let put = |number, content: &str, expect| Mutation::Put { id: id(number), memory: new(content), expect };
    let batch = [
        put(1, "second", Expect::Any),
        Mutation::Delete { id: id(1), expect: Expect::Any },
        put(2, "new", Expect::Absent),
        put(2, "again", Expect::Any),
        put(2, "never", Expect::Absent),
    ];
    let error = store.apply(&here(), &batch).unwrap_err();
    assert_eq!((error.kind(), error.context_value("mutation")), (ErrorKind::Conflict, Some("4")), "{error:?}");
    assert_eq!(error.message(), polymnia::spi::refusal::exists(id(2)).message());
    assert_eq!(contents(&store, &Query::default()), ["first"]);
    let report = store.apply(&here(), &batch[..4]).unwrap();
    assert_eq!(
        report.outcomes.iter().map(|outcome| outcome.revision.map(Revision::as_i64)).collect::<Vec<_>>(),
        [Some(2), None, Some(1), Some(2)]
    );
    assert_eq!(contents(&store, &Query::default()), ["again"]);
}

#[test]
fn an_update_changes_what_it_names() {
    let store = open("update");
    let memory = new("a").with_user("mara".parse().unwrap()).with_agent("bot".parse().unwrap());
    store.put_at(&here(), id(1), memory, Expect::Any).unwrap();
    let patch = Patch {
        user_id: polymnia::Change::Set("tom".parse().unwrap()),
        agent_id: polymnia::Change::Clear,
        content: Some("b".parse().unwrap()),
        ..Patch::default()
    };
    let outcome = store.update(&here(), id(1), patch.clone(), Expect::Any).unwrap();
    let read = store.get(&here(), id(1)).unwrap().unwrap();
    assert_eq!((read.user_id.unwrap().as_str(), read.agent_id, read.content.as_str()), ("tom", None, "b"));
    assert_eq!(outcome.revision, Some(read.revision));
    let error = store.update(&here(), id(2), patch, Expect::Any).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn what_it_does_not_do_is_unsupported() {
    let store = open("unsupported");
    for error in [
        store.admin().changes(0, 1).unwrap_err(),
        store.admin().set_change_capture(true).unwrap_err(),
        store.load(&here(), &[Mutation::Delete { id: id(1), expect: Expect::Any }]).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
        assert!(error.message().contains("mem-c"), "{error:?}");
    }
}

#[test]
fn the_schema_goes_up_and_down() {
    let store = opened("schema").unwrap();
    let error = store.put(&here(), new("a")).unwrap_err();
    assert_eq!((error.kind(), error.hint()), (ErrorKind::Migration, Some("run `polymnia init`")));
    assert_eq!(store.admin().info().unwrap().schema_version, None);
    let report = store.migrate().unwrap();
    assert!(report.created && report.applied.len() == 1, "{report:?}");
    assert!(!store.migrate().unwrap().created);
    assert_eq!(store.admin().info().unwrap().schema_version, report.version);
    let history = store.schema().history().unwrap();
    assert!(history.iter().all(|one| one.applied), "{history:?}");
    store.schema().downgrade(&polymnia::schema::Target::Base).unwrap();
    assert_eq!(store.put(&here(), new("a")).unwrap_err().kind(), ErrorKind::Migration);
    let events: Vec<String> = store.schema().log(10).unwrap().into_iter().map(|line| line.event).collect();
    assert_eq!(events, ["reverted", "applied"]);
}

#[test]
fn one_of_many_migrates() {
    let reports: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| opened("crowd").unwrap().migrate().unwrap().created)).collect();
        // Kept open, or the database would go with the first.
        let _kept = opened("crowd").unwrap();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(reports.contains(&true), "{reports:?}");
}

#[test]
fn a_cancelled_call_ends() {
    let store = open("cancelled");
    let token = CancelToken::new();
    let cancelled = store.clone().with_cancel(token.clone());
    assert_eq!(cancelled.count(&here(), &Selection::default()).unwrap(), 0);
    token.cancel();
    assert_eq!(cancelled.count(&here(), &Selection::default()).unwrap_err().kind(), ErrorKind::Cancelled);
    let late = store.with_timeout(Duration::ZERO);
    assert_eq!(late.count(&here(), &Selection::default()).unwrap_err().kind(), ErrorKind::Timeout);
}

#[test]
fn many_threads_write_at_once() {
    let store = open("threads");
    thread::scope(|scope| {
        for thread in 0..8_u128 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..100 {
                    store.put_at(&here(), id(thread * 1_000 + number), new("m"), Expect::Absent).unwrap();
                    store.query(&here(), &Query::default()).unwrap();
                }
            });
        }
    });
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), 800);
}

#[test]
fn a_name_that_is_none_is_refused() {
    for url in ["", "a/b", "a?x=1"] {
        let error = opened(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{url}: {error:?}");
    }
}

#[test]
fn the_same_file_is_the_same_plugin() {
    let again = Plugin::at(PLUGIN.path()).dialect();
    assert_eq!(again.library(), PLUGIN.dialect().library());
}
