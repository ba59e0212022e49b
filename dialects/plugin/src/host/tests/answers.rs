//! What each status means.

use polymnia::spi::Dialect;
use polymnia::{Error, ErrorKind, Filter, Json, Match, OpenOptions, Query, Retry, Selection, ThreadId};

use super::fake::{self, Answer, Fake, Reply};
use super::{ENGINE, assert_same, call, engine, id, opened, tenant};
use crate::abi::{
    FEATURE_CONTAINMENT, FEATURE_RELATED_THREADS, FEATURES, HANDLE_DIALECT, STATUS_OK, STATUS_PANICKED,
    STATUS_UNSUPPORTED,
};
use crate::operation::{self, Operation};

fn needle() -> Selection {
    Selection { filter: Filter::Contains(Json::parse(r#"{"a": 1}"#).unwrap()), ..Selection::default() }
}

#[test]
fn a_result_is_read_and_given_back() {
    let engine = engine(Fake::new());
    fake::push(Answer::ok(&7_u64));
    assert_eq!(engine.count(&call(), &tenant(), &needle()).unwrap(), 7);
    let [_, open, count] = &fake::requests()[..] else { panic!("expected claims, open and count") };
    assert_eq!((open.operation, open.handle), (u32::MAX, HANDLE_DIALECT));
    assert_eq!((count.operation, count.handle), (operation::Count::CODE, ENGINE));
    assert_eq!(count.needs, FEATURE_CONTAINMENT);
    assert_eq!(fake::assert_all_freed(), 3);
    drop(engine);
    assert_eq!(fake::closed(), [ENGINE]);
}

#[test]
fn an_error_is_the_one_that_the_plugin_gave() {
    let engine = engine(Fake::new());
    let given = Error::new(ErrorKind::Unavailable, "the database is busy")
        .with_retry(Retry::Safe)
        .with_operation("count")
        .with_hint("wait")
        .with_context("mutation", 3)
        .with_context("mutation", 4);
    fake::push(Answer::error(&given));
    assert_same(&engine.admin().ping(&call()).unwrap_err(), &given);
    let bare = Error::new(ErrorKind::NotFound, "");
    fake::push(Answer::error(&bare));
    assert_same(&engine.admin().ping(&call()).unwrap_err(), &bare);
    assert_eq!(fake::assert_all_freed(), 4);
}

#[test]
fn an_unknown_operation_is_unsupported_by_name() {
    let engine = engine(Fake::new());
    fake::push(Answer::new(STATUS_UNSUPPORTED, Reply::Unwritten));
    let error = engine.admin().analyze(&call()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.message(), "plugin fake (/lib/fake.so) does not support Analyze");
    let reason = Error::new(ErrorKind::Unsupported, "unknown field of Upkeep 9");
    fake::push(Answer::error(&reason).with_status(STATUS_UNSUPPORTED));
    let error = engine.admin().analyze(&call()).unwrap_err();
    assert_eq!(error.message(), "plugin fake (/lib/fake.so) does not support Analyze: unknown field of Upkeep 9");
    // Without words of its own, or with garbled ones, it means the same.
    fake::push(Answer::new(STATUS_UNSUPPORTED, Reply::Bytes(vec![0xFF; 9])));
    assert_eq!(engine.admin().analyze(&call()).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(fake::assert_all_freed(), 4);
}

#[test]
fn what_an_older_plugin_lacks_is_not_asked_of_it() {
    let without = |code: u32| Fake::with(|_, description| description.operations.retain(|known| *known != code));
    let engine = engine(without(operation::Verify::CODE));
    fake::requests();
    let error = engine.admin().verify(&call()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.message(), "plugin fake (/lib/fake.so) does not support Verify");
    assert!(fake::requests().is_empty());
    engine.admin().ping(&call()).unwrap();
    assert!(!without(operation::Recognizes::CODE).dialect().recognizes(&":memory:".into()));
    assert!(without(operation::Claims::CODE).dialect().claims(&OpenOptions::new("fake://x")).unwrap().is_empty());
}

#[test]
fn a_missing_function_is_unsupported() {
    let open = |fake: Fake| fake.dialect().open(&OpenOptions::new("fake://x")).unwrap_err();
    let without = Fake::with(|table, description| {
        table.open = None;
        description.operations.retain(|code| *code != operation::Claims::CODE);
    });
    let error = open(without);
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.message(), "plugin fake (/lib/fake.so) does not support open");
    let error = open(Fake::with(|table, _| table.call = None));
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.message(), "plugin fake (/lib/fake.so) does not support Claims");
}

#[test]
fn a_feature_that_the_plugin_lacks_is_refused_before_it_is_asked() {
    let engine = engine(Fake::with(|_, description| description.features = FEATURES & !FEATURE_RELATED_THREADS));
    fake::requests();
    let selection =
        Selection { related_threads: vec![ThreadId::new("t").unwrap()], user: Match::Absent, ..Selection::default() };
    let error = engine.query(&call(), &tenant(), &Query::new(selection)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.message(), "plugin fake (/lib/fake.so) does not support conditions on related threads in Query");
    assert!(fake::requests().is_empty());
    fake::push(Answer::ok(&7_u64));
    assert_eq!(engine.count(&call(), &tenant(), &needle()).unwrap(), 7);
}

#[test]
fn a_panic_poisons_the_plugin_and_no_other() {
    let (fake, other) = (Fake::new(), Fake::new());
    let engines = [engine(fake), engine(fake)];
    fake::push(Answer::panicked("panicked in Get at src/x.rs:10: it broke"));
    let error = engines[0].get(&call(), &tenant(), &[id(1)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Plugin);
    assert_eq!(error.retry(), Retry::Never);
    let words = "plugin fake (/lib/fake.so) panicked in Get at src/x.rs:10: it broke; it is not used again";
    assert_eq!(error.message(), words);
    assert_eq!(error.hint(), Some("restart the process"));
    fake::requests();
    for engine in &engines {
        assert_same(&engine.admin().ping(&call()).unwrap_err(), &error);
    }
    assert_same(&fake.dialect().open(&OpenOptions::new("fake://x")).unwrap_err(), &error.with_operation("connect"));
    assert!(!fake.dialect().recognizes(&":memory:".into()));
    assert!(fake::requests().is_empty());
    // What it has open are files and locks.
    drop(engines);
    assert_eq!(fake::closed(), [ENGINE, ENGINE]);
    other.dialect().nothing(&call()).unwrap();
    assert_eq!(fake::assert_all_freed(), 5);
}

#[test]
fn after_a_panic_in_a_write_nobody_knows_what_was_written() {
    let engine = engine(Fake::new());
    fake::push(Answer::new(STATUS_PANICKED, Reply::Unwritten));
    let error = engine.admin().sweep(&call(), 9).unwrap_err();
    assert_eq!(error.message(), "plugin fake (/lib/fake.so) panicked in Sweep; it is not used again");
    assert_eq!(error.retry(), Retry::Ambiguous);
    let error = engine.admin().sweep(&call(), 9).unwrap_err();
    assert_eq!(error.retry(), Retry::Never);
}

#[test]
fn a_panic_on_closing_ends_nothing_but_the_plugin() {
    let fake = Fake::new();
    let first = engine(fake);
    fake::push_close(Answer::panicked("panicked in close at src/x.rs:11"));
    drop(first);
    let error = fake.dialect().nothing(&call()).unwrap_err();
    assert_eq!(error.message(), "plugin fake (/lib/fake.so) panicked in close at src/x.rs:11; it is not used again");
    fake::push_close(Answer::error(&Error::new(ErrorKind::Unavailable, "busy")));
    drop(engine(Fake::new()));
    assert_eq!(fake::closed(), [ENGINE, ENGINE]);
    fake::assert_all_freed();
}

#[test]
fn opening_takes_a_handle() {
    let fake = Fake::new();
    let open = || fake.dialect().open(&OpenOptions::new("fake://x")).unwrap_err();
    let claims = || fake::push(Answer::ok(&Vec::<std::path::PathBuf>::new()));
    claims();
    fake::push(Answer::ok(&opened()));
    let error = open();
    assert_eq!(error.message(), "plugin fake (/lib/fake.so) answered nonsense to open: no handle");
    assert_eq!(error.operation(), Some("connect"));
    assert!(fake::closed().is_empty());
    // A handle that came with nonsense is closed.
    claims();
    fake::push(Answer::new(STATUS_OK, Reply::Bytes(vec![0xA1])).with_handle(ENGINE));
    assert_eq!(open().kind(), ErrorKind::Plugin);
    assert_eq!(fake::closed(), [ENGINE]);
    claims();
    fake::push(Answer::error(&Error::new(ErrorKind::NotFound, "no such file")));
    assert_eq!(open().kind(), ErrorKind::NotFound);
    fake::assert_all_freed();
}

#[test]
fn claims_are_what_the_plugin_says() {
    let paths = vec![std::path::PathBuf::from("/var/lib/a.db"), "b.db".into()];
    fake::push(Answer::ok(&paths));
    assert_eq!(Fake::new().dialect().claims(&OpenOptions::new("fake://x")).unwrap(), paths);
    fake::push(Answer::error(&Error::new(ErrorKind::Config, "no such option")));
    let error = Fake::new().dialect().open(&OpenOptions::new("fake://x")).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Config, Some("connect")));
    assert_eq!(fake::operations(), [operation::Claims::CODE; 2]);
}

#[test]
fn a_description_is_asked_of_the_table() {
    let table = &Fake::new().loaded().table;
    let path = std::path::Path::new("/lib/fake.so");
    let describe = || super::super::call::describe(table, path);
    fake::push(Answer::ok(&Fake::new().loaded().description));
    assert_eq!(describe().unwrap(), Fake::new().loaded().description);
    fake::push(Answer::new(STATUS_OK, Reply::Lie(5 << 20)));
    let error = describe().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Plugin);
    assert_eq!(
        error.message(),
        "plugin /lib/fake.so answered nonsense to describe: a reply of 5242880 bytes: expected 4194304 at most"
    );
    fake::push(Answer::panicked("panicked in describe at src/x.rs:1"));
    assert_eq!(describe().unwrap_err().kind(), ErrorKind::Plugin);
    assert_eq!(fake::assert_all_freed(), 3);
}
