//! Each operation, once.

use std::collections::BTreeSet;

use polymnia::spi::Dialect;
use polymnia::{ErrorKind, Expect, MemoryStore, Mutation, OpenOptions, Query, Registry, Selection};
use polymnia_sqlite::Sqlite;

use super::client::{Answer, Client, circumstances};
use super::dialects::{Naive, naive, naive_with_schema, sqlite};
use super::requests::{On, Request, id, namespace, put, requests, session_options};
use crate::abi::{Bytes, Circumstances, FEATURES, HANDLE_DIALECT, STATUS_ERROR, STATUS_OK, STATUS_UNSUPPORTED};
use crate::message::Description;
use crate::operation::{self as op, ALL, Operation};

/// Asks everything of a database, and returns what was answered in the end.
fn ask_everything(client: Client, database: u64) -> Vec<(Request, Answer)> {
    let folder = tempfile::tempdir().unwrap();
    let mut session = None;
    let ask = |request: Request, handle| {
        let circumstances = Circumstances { needs: request.needs, ..circumstances() };
        let answer = client.raw(handle, request.code, Bytes::of(&request.bytes), &raw const circumstances);
        (request, answer)
    };
    let mut answers = Vec::new();
    for request in requests(folder.path()) {
        let handle = match request.on {
            On::Dialect => HANDLE_DIALECT,
            On::Database => database,
            On::Session => *session
                .get_or_insert_with(|| client.call::<op::OpenSession>(database, (&session_options(),)).unwrap().handle),
        };
        answers.push(ask(request, handle));
    }
    assert_eq!(client.close(session.unwrap()).status, STATUS_OK);
    assert_eq!(client.close(database).status, STATUS_OK);
    assert_eq!(client.open_handles(), 1, "the scratch database");
    answers
}

#[test]
fn every_operation_has_a_request_here() {
    let asked: BTreeSet<u32> = requests(std::path::Path::new("/")).iter().map(|request| request.code).collect();
    let elsewhere = [op::Nothing::CODE, op::More::CODE, op::OpenSession::CODE];
    let known: BTreeSet<u32> = ALL.iter().map(|(code, _)| *code).filter(|code| !elsewhere.contains(code)).collect();
    assert_eq!(asked, known);
}

#[test]
fn sqlite_does_every_operation() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("a.db").display());
    MemoryStore::new(Sqlite.open(&OpenOptions::new(&*url)).unwrap()).migrate().unwrap();
    let client = sqlite();
    for (request, answer) in ask_everything(client, client.open(&url)) {
        if request.name == "EndLockHolder" {
            let error = answer.error();
            assert!(error.kind() == ErrorKind::Unsupported && error.message().contains("1 (init)"), "{error}");
        } else {
            assert_eq!(answer.status, STATUS_OK, "{}: {}", request.name, answer.error());
        }
    }
}

#[test]
fn what_a_dialect_refuses_crosses_as_its_error() {
    let (client, database) = naive_with_schema();
    let mut refused = Vec::new();
    for (request, answer) in ask_everything(client, database) {
        if answer.status == STATUS_OK {
            continue;
        }
        assert_eq!((answer.status, answer.error().kind()), (STATUS_ERROR, ErrorKind::Unsupported), "{}", request.name);
        refused.push(request.name);
    }
    assert_eq!(refused, ["EndLockHolder", "WriteScript", "Backup", "VerifyBackup", "Restore"]);
}

#[test]
fn a_plugin_describes_itself() {
    let description: Description = naive().describe(std::ptr::null()).ok();
    let expected = Description {
        name: "naive".to_owned(),
        version: "1.2.3".to_owned(),
        url_schemes: vec!["naive".to_owned()],
        operations: ALL.iter().map(|(code, _)| *code).collect(),
        features: FEATURES,
    };
    assert_eq!(description, expected);
}

#[test]
fn the_dialect_answers_for_itself() {
    let client = naive();
    assert!(client.call::<op::Recognizes>(0, (&"naive".into(),)).unwrap());
    assert!(!client.call::<op::Recognizes>(0, (&"naive:".into(),)).unwrap());
    assert_eq!(client.call::<op::Claims>(0, (&OpenOptions::new("x:"),)).unwrap().len(), 1);
    assert_eq!(client.call::<op::Migrations>(0, ()).unwrap(), Naive.source().unwrap());
}

#[test]
fn answers_are_those_of_the_dialect() {
    let client = sqlite();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("a.db").display());
    let store = Registry::new().with(Sqlite).open(&*url).unwrap();
    store.migrate().unwrap();
    let database = client.open(&url);
    let ours = namespace();
    let batch = [put(1), put(2), Mutation::Delete { id: id(7), expect: Expect::Any }];
    let report = client.call::<op::Apply>(database, (&ours, &batch)).unwrap();
    assert_eq!(report.outcomes.len(), 3);

    let answer = client.call::<op::Get>(database, (&ours, &[id(2), id(7), id(1)])).unwrap();
    assert_eq!(answer.memories, store.get_many(&ours, &[id(2), id(7), id(1)]).unwrap());
    assert_eq!((answer.more, answer.cursor), (false, None));

    let query = Query::new(Selection::default()).with_limit(1).unwrap();
    let answer = client.call::<op::Query>(database, (&ours, &query)).unwrap();
    let page = store.query(&ours, &query).unwrap();
    assert_eq!(answer.memories.into_iter().flatten().collect::<Vec<_>>(), page.memories);
    assert!(answer.more);
    assert_eq!(client.call::<op::Count>(database, (&ours, &Selection::default())).unwrap(), 2);
}

#[test]
fn an_unknown_operation_is_refused_by_name() {
    let client = naive();
    let database = client.open("naive:");
    for handle in [HANDLE_DIALECT, database] {
        let answer = client.bytes(handle, 999, &[]);
        assert_eq!(answer.status, STATUS_UNSUPPORTED);
        assert!(answer.error().message().contains("operation 999"), "{}", answer.error());
    }
    let answer = client.bytes(database, op::SessionPrepare::CODE, &[]);
    assert_eq!(answer.status, STATUS_UNSUPPORTED);
    assert!(answer.error().message().contains("SessionPrepare is not for a database"), "{}", answer.error());
}
