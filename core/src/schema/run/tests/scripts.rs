//! Plans written as scripts.

use super::*;
use crate::schema::TxMode;

fn written(bench: &Bench) -> Vec<String> {
    let sources = [bench.fake.source()];
    let ledger = bench.fake.world().data.diesel.clone();
    let ledger = Ledger { diesel: ledger, ..bench.fake.ledger(&Call::at(time())).unwrap() };
    let plan = History::new(&sources, &ledger).plan_up(&Target::Head, &bench.options).unwrap();
    let text = script(&bench.fake, &sources, &plan, &ledger, &bench.options, time()).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_step_is_a_transaction_with_its_record() {
    let bench = Bench::postgres(vec![one(V1, "CREATE TABLE a (b);", "DROP TABLE a;")]);
    let expected = [
        "GUARD ".to_owned(),
        format!("-- 1 migrations: from nothing to {V1}"),
        "PREPARE".to_owned(),
        format!("-- apply migration {V1}_test (migrations/{V1}_test/up.sql)"),
        "BEGIN Plain".to_owned(),
        "CREATE TABLE a (b);".to_owned(),
        format!("RECORD {V1} applied 1"),
        "LOG applied".to_owned(),
        "COMMIT".to_owned(),
    ];
    assert_eq!(written(&bench), expected);
}

#[test]
fn what_is_no_transaction_is_recorded_statement_by_statement() {
    let up = "CREATE TABLE a (b);\nCREATE INDEX CONCURRENTLY a_b ON a (b);\n-- polymnia:batch 5\nUPDATE a SET b = 1;";
    let bench = Bench::postgres(vec![piecewise(V1, up, "DROP TABLE a;")]);
    let lines = written(&bench);
    let expected = [
        "BEGIN Plain",
        "RECORD 20260101000000 running 0",
        "COMMIT",
        "BEGIN Plain",
        "CREATE TABLE a (b);",
        "RECORD 20260101000000 running 1",
        "COMMIT",
        "CREATE INDEX CONCURRENTLY a_b ON a (b);",
        "RECORD 20260101000000 running 2",
        "BEGIN Plain",
        "UPDATE a SET b = 1;",
        "RECORD 20260101000000 running 3",
        "COMMIT",
        "BEGIN Plain",
        "RECORD 20260101000000 applied 3",
        "LOG applied",
        "COMMIT",
    ];
    assert_eq!(lines[4..], expected);
}

#[test]
fn a_rebuild_leaves_the_pragmas_to_its_transaction() {
    let up = "PRAGMA foreign_keys = OFF;\nCREATE TABLE a (b);\nPRAGMA foreign_keys = ON;";
    let rebuild = Script { metadata: metadata(false, true), ..one(V1, up, "DROP TABLE a;") };
    let lines = written(&Bench::new("sqlite", vec![rebuild]));
    assert!(lines[4].starts_with("-- a run compares the numbers of rows"), "{}", lines[4]);
    assert_eq!(lines[5..7], ["BEGIN Rebuild", "CREATE TABLE a (b);"]);
    assert!(!lines.iter().any(|line| line.contains("PRAGMA")));
}

#[test]
fn one_transaction_holds_everything() {
    let scripts =
        vec![one(V1, "CREATE TABLE a (b);", "DROP TABLE a;"), one(V2, "CREATE TABLE c (d);", "DROP TABLE c;")];
    let mut bench = Bench::postgres(scripts);
    bench.options.tx_mode = TxMode::All;
    let lines = written(&bench);
    assert_eq!(lines.iter().filter(|line| line.starts_with("BEGIN")).count(), 1);
    assert_eq!(lines.last().unwrap(), "COMMIT");
}

#[test]
fn what_another_tool_did_is_written_down_first() {
    let scripts =
        vec![one(V1, "CREATE TABLE a (b);", "DROP TABLE a;"), one(V2, "CREATE TABLE c (d);", "DROP TABLE c;")];
    let bench = Bench::postgres(scripts);
    bench.fake.world().data.diesel = Some([V1.to_owned()].into());
    let lines = written(&bench);
    assert_eq!(lines[0], format!("GUARD {V1}"));
    assert_eq!(lines[3..7], ["BEGIN Plain", &format!("RECORD {V1} applied 0"), "LOG adopted", "COMMIT"]);
}

#[test]
fn what_stopped_half_way_is_refused() {
    let up = "CREATE TABLE a (b);\nINSERT INTO a VALUES (1);";
    let mut bench = Bench::postgres(vec![piecewise(V1, up, "DROP TABLE a;")]);
    bench.fake.world().broken.insert("INSERT".to_owned(), "no".to_owned());
    bench.up().unwrap_err();
    let sources = [bench.fake.source()];
    let ledger = bench.fake.ledger(&Call::at(time())).unwrap();
    let plan = History::new(&sources, &ledger).plan_up(&Target::Head, &bench.options).unwrap();
    let error = script(&bench.fake, &sources, &plan, &ledger, &bench.options, time()).unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::Unfinished));
    assert!(error.hint().unwrap().contains("without `--sql`"), "{error:?}");
}
