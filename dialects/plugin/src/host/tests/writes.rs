//! Reports and lists that contradict what was asked.

use polymnia::schema::SessionOptions;
use polymnia::{
    ApplyReport, ChangeOperation, ChangeRecord, Effect, Error, ErrorKind, Expect, Mutation, Outcome, Retry,
};

use super::fake::{self, Answer, Fake};
use super::{ENGINE, call, engine, id, nobody, opened, tenant};
use crate::message::{ScratchOpened, SessionOpened};

fn outcome(number: u8) -> Outcome {
    Outcome { id: id(number), effect: Effect::Deleted, revision: None }
}

/// Deletes 1 and 2.
fn apply(reported: &[u8], load: bool) -> Result<ApplyReport, Error> {
    let engine = engine(Fake::new());
    fake::push(Answer::ok(&ApplyReport { outcomes: reported.iter().copied().map(outcome).collect() }));
    let batch = [1, 2].map(|number| Mutation::Delete { id: id(number), expect: Expect::Any });
    if load { engine.load(&call(), &tenant(), &batch) } else { engine.apply(&call(), &tenant(), &batch) }
}

#[test]
fn a_report_has_an_outcome_for_each_mutation() {
    assert_eq!(apply(&[1, 2], false).unwrap().outcomes.len(), 2);
    for reported in [&[][..], &[1], &[1, 2, 3], &[2, 1], &[1, 3]] {
        for load in [false, true] {
            let error = apply(reported, load).unwrap_err();
            assert_eq!((error.kind(), error.retry()), (ErrorKind::Plugin, Retry::Ambiguous), "{reported:?}");
        }
    }
    fake::assert_all_freed();
}

#[test]
fn lists_go_on_where_they_should() {
    let engine = engine(Fake::new());
    let change = |sequence| ChangeRecord {
        sequence,
        transaction: 1,
        namespace: tenant(),
        id: id(1),
        operation: ChangeOperation::Write,
    };
    for (sequences, is_right) in
        [(&[8, 9][..], true), (&[], true), (&[7, 8], false), (&[9, 8], false), (&[8, 8], false), (&[8, 9, 10], false)]
    {
        fake::push(Answer::ok(&sequences.iter().copied().map(change).collect::<Vec<_>>()));
        let changes = engine.admin().changes(&call(), 7, 2);
        assert_eq!(changes.is_ok(), is_right, "{sequences:?}");
        assert!(changes.err().is_none_or(|error| error.kind() == ErrorKind::Plugin));
    }
    fake::assert_all_freed();
}

#[test]
fn a_scratch_engine_and_a_session_are_closed_before_their_engine() {
    let engine = engine(Fake::new());
    fake::push(Answer::ok(&ScratchOpened { handle: 5, opened: opened() }));
    let scratch = engine.schema().scratch(&call(), false).unwrap();
    fake::push(Answer::ok(&SessionOpened { handle: 6, is_one_transaction: true }));
    let session = scratch.schema().session(&call(), &SessionOptions::default(), &mut nobody).unwrap();
    assert!(session.is_one_transaction());
    assert_eq!(fake::requests().last().unwrap().handle, 5);
    drop(session);
    drop(scratch);
    drop(engine);
    assert_eq!(fake::closed(), [6, 5, ENGINE]);
}

#[test]
fn what_is_no_handle_is_not_used() {
    let engine = engine(Fake::new());
    for handle in [0, ENGINE] {
        fake::push(Answer::ok(&ScratchOpened { handle, opened: opened() }));
        assert_eq!(engine.schema().scratch(&call(), false).unwrap_err().kind(), ErrorKind::Plugin);
        fake::push(Answer::ok(&SessionOpened { handle, is_one_transaction: false }));
        let session = engine.schema().session(&call(), &SessionOptions::default(), &mut nobody);
        assert_eq!(session.unwrap_err().kind(), ErrorKind::Plugin);
    }
    assert!(fake::closed().is_empty());
}
