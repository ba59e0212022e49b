//! What failures say, and what they leave.

use super::*;
use crate::schema::TxMode;
use crate::{ErrorKind, Timestamp};

const TWO: &str = "CREATE TABLE a (b);\n\n  INSERT INTO a VALUES (1);";

fn broken(bench: &Bench, part: &str) {
    bench.fake.world().broken.insert(part.to_owned(), "duplicate key".to_owned());
}

#[test]
fn of_a_transaction() {
    let mut bench =
        Bench::postgres(vec![one(V1, "CREATE TABLE z (b);", "DROP TABLE z;"), one(V2, TWO, "DROP TABLE a;")]);
    broken(&bench, "INSERT");
    let error = bench.up().unwrap_err();
    assert_eq!(error.message(), format!("migration {V2}_test failed: duplicate key"));
    assert_eq!((fault(&error), error.kind()), (Some(SchemaFault::RolledBack), ErrorKind::Migration));
    assert_eq!(context(&error, "version"), V2);
    assert_eq!(context(&error, "place"), format!("migrations/{V2}_test/up.sql:3:10"), "the database told the place");
    assert_eq!(context(&error, "statement"), "2 of 2");
    let state = format!("nothing of {V2} is applied; the migration before it in this run stays done");
    assert_eq!(context(&error, "state"), state);
    assert_eq!(error.hint(), Some("mend what it says and run `polymnia migrate upgrade`"));
    assert_eq!((bench.state(V1), bench.state(V2)), (Some(State::Applied), None));
    assert_eq!(bench.fake.events(), [format!("applied {V1}"), format!("failed {V2}")]);
    assert_eq!(bench.fake.world().data.log[1].detail, "up, statement 2 of 2: duplicate key");
    assert_eq!(bench.events.last().unwrap(), &format!("failed {V2}"));
}

#[test]
fn of_all_in_one() {
    let mut bench =
        Bench::postgres(vec![one(V1, "CREATE TABLE z (b);", "DROP TABLE z;"), one(V2, TWO, "DROP TABLE a;")]);
    bench.options.tx_mode = TxMode::All;
    broken(&bench, "INSERT");
    let error = bench.up().unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::RolledBack));
    assert_eq!(context(&error, "state"), "as it was before the run");
    assert!(!bench.events.iter().any(|event| event.starts_with("finished")), "{:?}", bench.events);
    assert_eq!(bench.state(V1), None);
    assert!(bench.fake.world().data.rows.is_empty());
    assert_eq!(bench.fake.events(), [format!("failed {V2}")]);
}

#[test]
fn of_the_first_statement_leave_nothing() {
    let mut bench = Bench::postgres(vec![piecewise(V1, TWO, "DROP TABLE a;")]);
    broken(&bench, "CREATE");
    let error = bench.up().unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::RolledBack));
    assert_eq!(context(&error, "state"), format!("nothing of {V1} is applied"));
    assert_eq!(bench.state(V1), None);
    assert_eq!(bench.fake.events(), [format!("failed {V1}")]);
}

#[test]
fn of_a_later_statement_are_gone_on_with() {
    let mut bench = Bench::postgres(vec![piecewise(V1, TWO, "DROP TABLE a;")]);
    broken(&bench, "INSERT");
    let error = bench.up().unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::PartlyApplied));
    assert_eq!(context(&error, "state"), format!("statement 1 of 2 of {V1} is done"));
    assert_eq!(
        error.hint(),
        Some("mend what it says and run `polymnia migrate upgrade`, which goes on where this stopped")
    );
    let entry = bench.fake.entry(V1).unwrap();
    assert_eq!((entry.state, entry.done, entry.error.as_deref()), (State::Failed, 1, Some("duplicate key")));
    assert!(!bench.fake.is_applied(V1));

    // It fails the same way again, and nothing is done twice.
    let error = bench.up().unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::PartlyApplied));
    assert_eq!(bench.effect("CREATE TABLE a (b)"), 1);

    bench.fake.heal();
    bench.up().unwrap();
    assert_eq!(bench.events[1], format!("started {V1} 1"));
    assert_eq!(bench.state(V1), Some(State::Applied));
    assert_eq!(bench.effect("CREATE TABLE a (b)"), 1);
}

#[test]
fn are_mended_in_the_statement_that_failed_only() {
    let mut bench = Bench::postgres(vec![piecewise(V1, TWO, "DROP TABLE a;")]);
    broken(&bench, "INSERT");
    bench.up().unwrap_err();
    bench.fake.heal();
    let with = |bench: &mut Bench, up: &str| {
        bench.fake = bench.fake.with_source(source("postgres", vec![piecewise(V1, up, "DROP TABLE a;")]));
        bench.up()
    };
    let error = with(&mut bench, "CREATE TABLE other (b);\nINSERT INTO a VALUES (1);").unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::ScriptChanged));
    assert_eq!(context(&error, "place"), format!("migrations/{V1}_test/up.sql:1:1"));
    with(&mut bench, "-- as before\nCREATE TABLE a (b);\nINSERT INTO a VALUES (7);").unwrap();
    assert_eq!(bench.effect("INSERT INTO a VALUES (7)"), 1);
    let entry = bench.fake.entry(V1).unwrap();
    assert!(entry.up.unwrap().contains("(7)"));
}

#[test]
fn within_batches_are_gone_on_with_by_the_same_statement() {
    let up = |set: &str| {
        format!(
            "CREATE TABLE a (b);\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\n-- polymnia:batch 1\nUPDATE a SET {set};"
        )
    };
    let mut bench = Bench::postgres(vec![piecewise(V1, &up("b = 1"), "DROP TABLE a;")]);
    bench.cancel_at = Some("batch 1/2");
    let error = bench.up().unwrap_err();
    assert!(context(&error, "state").contains("statement 4 has done part of its rows"), "{error}");
    bench.cancel_at = None;
    let same = bench.fake.clone();
    bench.fake = same.with_source(source("postgres", vec![piecewise(V1, &up("b = 2"), "DROP TABLE a;")]));
    let error = bench.up().unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::ScriptChanged));
    assert!(error.message().contains("stopped within statement 4, and statement 4 is not"), "{error}");
    bench.fake = same;
    bench.up().unwrap();
    assert_eq!(bench.rows("a"), [1, 1]);
}

#[test]
fn that_leave_an_index_invalid_name_it() {
    let first = one(V1, "CREATE TABLE a (b);", "DROP TABLE a;");
    let second = piecewise(V2, "CREATE UNIQUE INDEX CONCURRENTLY a_b ON a (b);", "DROP INDEX CONCURRENTLY a_b;");
    let mut bench = Bench::postgres(vec![first, second]);
    broken(&bench, "UNIQUE");
    for _ in 0..2 {
        let error = bench.up().unwrap_err();
        assert_eq!(fault(&error), Some(SchemaFault::PartlyApplied));
        assert!(context(&error, "state").contains("index fake.a_b is left INVALID"), "{error}");
        assert_eq!(bench.state(V2), Some(State::Failed));
        assert!(!bench.fake.is_applied(V2));
    }
    bench.fake.heal();
    bench.up().unwrap();
    let world = bench.fake.world();
    assert!(world.data.invalid.is_empty() && world.data.has_index("a_b"));
}

#[test]
fn an_index_without_a_name_is_refused_where_it_could_be_left_invalid() {
    let up = "CREATE TABLE a (b);\nCREATE UNIQUE INDEX CONCURRENTLY ON a (b);";
    let mut bench = Bench::postgres(vec![piecewise(V1, up, "DROP TABLE a;")]);
    let error = bench.up().unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::Malformed));
    assert!(context(&error, "place").ends_with("up.sql:2:1"), "{error}");
    assert_eq!(bench.fake.world().data, crate::schema::fake::Data::default());
}

#[test]
fn what_another_statement_leaves_invalid_is_named() {
    let first = one(V1, "CREATE TABLE a (b);", "DROP TABLE a;");
    let second = piecewise(V2, "REINDEX TABLE CONCURRENTLY a;", "-- polymnia:noop none");
    let mut bench = Bench::postgres(vec![first, second]);
    bench.fake.world().broken.insert("REINDEX".to_owned(), "no".to_owned());
    bench.fake.world().leaves_invalid = Some(("a_ccnew".to_owned(), "a".to_owned()));
    let error = bench.up().unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::PartlyApplied));
    assert!(context(&error, "state").contains("index fake.a_ccnew is left INVALID"), "{error}");
    bench.fake.heal();
    let error = bench.up().unwrap_err();
    assert_eq!(context(&error, "index"), "fake.a_ccnew", "never success while it is");
    bench.fake.world().data.invalid.clear();
    bench.up().unwrap();
}

#[test]
fn of_going_down_keep_what_is_applied() {
    let down = "DROP TABLE a;\nDROP TABLE z;";
    let up = "CREATE TABLE a (b);\nCREATE TABLE z (b);";
    let mut bench = Bench::postgres(vec![piecewise(V1, up, down)]);
    bench.up().unwrap();
    let before = bench.fake.entry(V1);
    broken(&bench, "DROP TABLE a");
    let error = bench.down(&Target::Base).unwrap_err();
    assert_eq!(error.message(), format!("taking back migration {V1}_test failed: duplicate key"));
    assert_eq!(fault(&error), Some(SchemaFault::RolledBack));
    assert_eq!(context(&error, "state"), format!("nothing of {V1} is taken back"));
    assert_eq!(bench.fake.entry(V1), before);

    bench.fake.heal();
    broken(&bench, "DROP TABLE z");
    let error = bench.down(&Target::Base).unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::PartlyApplied));
    assert!(error.hint().unwrap().contains("`polymnia migrate downgrade base`"), "{error:?}");
    assert_eq!(bench.state(V1), Some(State::Reverting));
    assert!(bench.fake.is_applied(V1));
    bench.fake.heal();
    bench.down(&Target::Base).unwrap();
    assert_eq!(bench.effect("DROP TABLE a"), 1);
}

#[test]
fn of_a_rebuild_that_loses_rows_or_orphans_some() {
    let cases = [
        ("INSERT INTO a_new VALUES (1);", "rows were lost or added: table a had 2 rows before and has 1 after"),
        ("INSERT INTO a_new SELECT FROM a;\nORPHAN child a;", "1 rows of child refer to rows of a that are not there"),
    ];
    for (copy, expected) in cases {
        let up = format!("CREATE TABLE a_new (b);\n{copy}\nDROP TABLE a;\nALTER TABLE a_new RENAME TO a;");
        let first =
            one(V1, "CREATE TABLE a (b);\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);", "DROP TABLE a;");
        let second = Script { metadata: metadata(false, true), ..one(V2, &up, "-- polymnia:noop x") };
        let mut bench = Bench::new("sqlite", vec![first, second]);
        let error = bench.up().unwrap_err();
        assert_eq!(fault(&error), Some(SchemaFault::RolledBack));
        assert!(error.message().ends_with(expected), "{error}");
        assert_eq!(bench.rows("a").len(), 2);
        assert!(!bench.fake.is_applied(V2));
    }
}

#[test]
fn a_run_that_is_cancelled_can_be_gone_on_with() {
    let up = "CREATE TABLE a (b);\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\nINSERT INTO a VALUES (3);\n\
              -- polymnia:batch 1\nUPDATE a SET b = 1;\nINSERT INTO a VALUES (4);";
    for (at, left) in [
        ("statement 2", Some(SchemaFault::PartlyApplied)),
        ("batch 2/3", Some(SchemaFault::PartlyApplied)),
        ("started", None),
    ] {
        let mut bench = Bench::postgres(vec![piecewise(V1, up, "DROP TABLE a;")]);
        bench.cancel_at = Some(at);
        let error = bench.up().unwrap_err();
        assert_eq!((error.kind(), fault(&error)), (ErrorKind::Cancelled, left), "{at}");
        assert!(error.message().contains("was stopped"), "{error}");
        assert_eq!(bench.state(V1), left.map(|_| State::Failed), "{at}");
        bench.cancel_at = None;
        bench.up().unwrap();
        assert_eq!(bench.rows("a"), [1, 1, 1, 0], "{at}");
    }
    let mut bench = Bench::postgres(vec![one(V1, TWO, "DROP TABLE a;")]);
    bench.cancel_at = Some("statement 1");
    let error = bench.up().unwrap_err();
    assert_eq!((error.kind(), fault(&error)), (ErrorKind::Cancelled, None));
    assert!(bench.fake.world().data.rows.is_empty());
    assert_eq!(bench.fake.events(), [format!("failed {V1}")]);
}

#[test]
fn what_the_engine_cannot_run_is_refused_before_anything_is() {
    let cases = [
        ("CREATE TABLE a (b);\nCOMMIT;", "COMMIT can't stand in a migration", true),
        ("PRAGMA foreign_keys = OFF;\nDROP TABLE a;", "can stand in a rebuild only", true),
        ("PRAGMA foreign_keys = OFF;\nDROP TABLE a;", "can stand in a rebuild only", false),
        ("CREATE TABLE a (b);\n-- polymnia:batch 5\nINSERT INTO a VALUES (1);", "only UPDATE and DELETE", false),
    ];
    for (up, expected, in_transaction) in cases {
        let script = Script { metadata: metadata(in_transaction, false), ..one(V1, up, "DROP TABLE a;") };
        let mut bench = Bench::new("sqlite", vec![script]);
        let error = bench.up().unwrap_err();
        assert_eq!(fault(&error), Some(SchemaFault::Malformed));
        assert!(error.message().contains(expected), "{error}");
        assert!(context(&error, "place").contains("up.sql:"), "{error}");
        assert_eq!(bench.fake.world().data, crate::schema::fake::Data::default());
    }
}

#[test]
fn what_is_no_transaction_is_refused_in_one() {
    let scripts = || vec![piecewise(V1, TWO, "DROP TABLE a;")];
    let mut bench = Bench::postgres(scripts());
    bench.options.tx_mode = TxMode::All;
    let error = bench.up().unwrap_err();
    assert_eq!((error.kind(), context(&error, "version")), (ErrorKind::InvalidInput, V1));
    let mut bench = Bench::postgres(scripts());
    bench.fake.world().pooled = true;
    let error = bench.up().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.hint().unwrap().contains("--migrate-url"), "{error:?}");
    assert!(bench.fake.world().data.diesel.is_none());
}

#[test]
fn of_a_commit_whose_answer_is_lost_say_so() {
    let mut unknown = 0;
    for nth in 0..12 {
        let mut bench = Bench::postgres(vec![one(V1, TWO, "DROP TABLE a;")]);
        bench.fake.fail(nth, crate::schema::fake::Failing::DiesAfter);
        let Err(error) = bench.up() else { continue };
        let told = context(&error, "state").starts_with("the answer was lost while");
        assert_eq!(told, bench.fake.is_applied(V1), "{nth}: {error}");
        if told {
            assert_eq!((error.retry(), fault(&error)), (crate::Retry::Ambiguous, None));
            assert!(error.hint().unwrap().starts_with("run `polymnia migrate status`"), "{error:?}");
            unknown += 1;
        }
    }
    assert_eq!(unknown, 1, "there is one commit");
}

#[test]
fn times_are_those_of_the_clock() {
    let mut bench = Bench::postgres(vec![one(V1, TWO, "DROP TABLE a;")]);
    let before = Timestamp::now();
    bench.up().unwrap();
    let entry = bench.fake.entry(V1).unwrap();
    assert!(entry.started_at >= before && entry.finished_at.unwrap() >= entry.started_at);
}
