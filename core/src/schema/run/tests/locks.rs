//! Locks that are not to be had.

use super::*;
use crate::ErrorKind;
use crate::schema::TxMode;

const TWO: &str = "CREATE TABLE a (b);\nINSERT INTO a VALUES (1);";

fn busy(bench: &Bench, part: &str, times: u32) {
    bench.fake.world().busy.insert(part.to_owned(), times);
}

#[test]
fn are_tried_again() {
    for (tx_mode, script) in [
        (TxMode::File, one(V1, TWO, "DROP TABLE a;")),
        (TxMode::All, one(V1, TWO, "DROP TABLE a;")),
        (TxMode::None, one(V1, TWO, "DROP TABLE a;")),
        (TxMode::File, piecewise(V1, TWO, "DROP TABLE a;")),
    ] {
        let mut bench = Bench::postgres(vec![script]);
        bench.options.tx_mode = tx_mode;
        busy(&bench, "INSERT", 1);
        bench.up().unwrap();
        assert!(bench.events.contains(&"retrying 2".to_owned()), "{:?}", bench.events);
        assert_eq!(bench.rows("a"), [0]);
        assert_eq!(bench.effect("CREATE TABLE a (b)"), 1);
        assert_eq!(bench.events.last().unwrap(), &format!("finished {V1}"));
    }
}

#[test]
fn are_given_up_after_the_wait() {
    for tx_mode in [TxMode::File, TxMode::All] {
        let mut bench = Bench::postgres(vec![one(V1, TWO, "DROP TABLE a;")]);
        bench.options.tx_mode = tx_mode;
        busy(&bench, "INSERT", u32::MAX);
        let error = bench.up().unwrap_err();
        assert_eq!((fault(&error), error.kind()), (Some(SchemaFault::Locked), ErrorKind::Unavailable));
        assert_eq!(context(&error, "statement"), "2 of 2");
        assert!(error.hint().unwrap().contains("--lock-wait"), "{error:?}");
        assert!(bench.events.iter().filter(|event| event.starts_with("retrying")).count() >= 2, "{:?}", bench.events);
        assert!(bench.fake.world().data.rows.is_empty());
        bench.fake.heal();
        bench.up().unwrap();
        assert_eq!(bench.rows("a"), [0]);
    }
}

#[test]
fn behind_a_pooler_are_tried_again_in_a_new_session() {
    let mut bench =
        Bench::postgres(vec![one(V1, TWO, "DROP TABLE a;"), one(V2, "CREATE TABLE c (d);", "DROP TABLE c;")]);
    bench.fake.world().pooled = true;
    busy(&bench, "CREATE TABLE c", 1);
    let report = bench.up().unwrap();
    assert_eq!(report.steps.len(), 2);
    assert_eq!(bench.fake.world().sessions, 2);
    assert_eq!(bench.rows("a"), [0]);
}

#[test]
fn of_the_first_statement_leave_no_entry() {
    let mut bench = Bench::postgres(vec![piecewise(V1, TWO, "DROP TABLE a;")]);
    busy(&bench, "CREATE", u32::MAX);
    let error = bench.up().unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::Locked));
    assert_eq!(bench.state(V1), None);
}

#[test]
fn another_process_migrates() {
    let mut bench = Bench::postgres(vec![one(V1, TWO, "DROP TABLE a;")]);
    bench.fake.world().locked = true;
    assert_eq!(fault(&bench.up().unwrap_err()), Some(SchemaFault::Locked));
    assert!(bench.fake.world().data.diesel.is_none());
}
