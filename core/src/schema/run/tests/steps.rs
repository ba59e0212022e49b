//! What runs do when nothing fails.

use super::*;
use crate::schema::{Origin, TxMode};

#[test]
fn all_that_happens_is_told() {
    let up = "CREATE TABLE a (b);\nINSERT INTO a VALUES (1);";
    let mut bench = Bench::postgres(vec![one(V1, up, "DROP TABLE a;")]);
    let report = bench.up().unwrap();
    assert!(report.created && report.from.is_none() && report.backup.is_none());
    assert_eq!(report.to.unwrap().as_str(), V1);
    assert_eq!(report.steps.iter().map(|step| step.version.as_str()).collect::<Vec<_>>(), [V1]);
    let started = format!("started {V1} 0");
    let finished = format!("finished {V1}");
    assert_eq!(bench.events, ["planned 1", &started, "statement 1/2 0", "statement 2/2 1", &finished]);
    assert_eq!(bench.fake.events(), [format!("applied {V1}")]);
    let entry = bench.fake.entry(V1).unwrap();
    assert_eq!((entry.origin, entry.by.as_str(), entry.name.as_str()), (Origin::Run, "tester@host", "test"));
    assert!(entry.finished_at.is_some() && entry.millis.is_some() && entry.up.as_deref() == Some(up));
}

#[test]
fn nothing_to_do_takes_no_lock() {
    let mut bench = Bench::postgres(vec![one(V1, "CREATE TABLE a (b);", "DROP TABLE a;")]);
    bench.up().unwrap();
    bench.fake.world().locked = true;
    let report = bench.up().unwrap();
    assert_eq!((report.steps.len(), report.to.unwrap().as_str()), (0, V1));
    assert_eq!(bench.events, ["planned 0"]);
    assert_eq!(bench.fake.world().sessions, 1);
}

#[test]
fn a_plan_that_is_refused_changes_nothing() {
    let mut bench = Bench::postgres(vec![one(V1, "CREATE TABLE a (b);", "DROP TABLE a;")]);
    let error = bench.go(false, |_, _| Err(SchemaFault::SeveralHeads.error("two heads"))).unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::SeveralHeads));
    assert_eq!(bench.fake.world().data, crate::schema::fake::Data::default());
}

#[test]
fn what_another_tool_did_is_taken_over() {
    let scripts =
        vec![one(V1, "CREATE TABLE a (b);", "DROP TABLE a;"), one(V2, "CREATE TABLE c (d);", "DROP TABLE c;")];
    let mut bench = Bench::postgres(scripts);
    bench.fake.world().data.diesel = Some([V1.to_owned()].into());
    let report = bench.up().unwrap();
    assert_eq!(report.adopted.iter().map(ToString::to_string).collect::<Vec<_>>(), [V1]);
    assert_eq!(bench.effect("CREATE TABLE a (b)"), 0);
    let (first, second) = (bench.fake.entry(V1).unwrap(), bench.fake.entry(V2).unwrap());
    assert_eq!((first.origin, first.state, first.position), (Origin::Adopted, State::Applied, 1));
    assert_eq!((second.origin, second.position), (Origin::Run, 2));
    assert_eq!(second.parents, [first.version]);
    assert_eq!(bench.fake.events(), [format!("adopted {V1}"), format!("applied {V2}")]);
    assert_eq!(bench.events[1], format!("adopted {V1} true"));

    // And it takes one back.
    bench.fake.world().data.diesel.as_mut().unwrap().remove(V2);
    bench.fake.world().data.schema.0.clear();
    let report = bench.up().unwrap();
    assert_eq!(report.adopted.len(), 1);
    assert_eq!(bench.events[1], format!("adopted {V2} false"));
    assert_eq!(bench.effect("CREATE TABLE c (d)"), 2);
    assert!(bench.fake.is_applied(V2));
}

#[test]
fn what_stopped_half_way_and_another_tool_completed_is_applied() {
    let up = "CREATE TABLE a (b);\nINSERT INTO a VALUES (1);";
    let mut bench = Bench::postgres(vec![piecewise(V1, up, "DROP TABLE a;")]);
    bench.fake.world().broken.insert("INSERT".to_owned(), "no".to_owned());
    bench.up().unwrap_err();
    bench.fake.heal();
    assert_eq!(bench.state(V1), Some(State::Failed));
    bench.fake.world().data.diesel.as_mut().unwrap().insert(V1.to_owned());
    bench.up().unwrap();
    assert_eq!(bench.state(V1), Some(State::Applied));
    assert_eq!(bench.effect("INSERT INTO a VALUES (1)"), 0);
}

#[test]
fn batches_tell_how_far_they_are() {
    let up = "CREATE TABLE a (b);\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\nINSERT INTO a VALUES (3);\n\
              -- polymnia:batch 2\nUPDATE a SET b = 1;";
    let mut bench = Bench::postgres(vec![piecewise(V1, up, "DROP TABLE a;")]);
    bench.up().unwrap();
    assert_eq!(bench.events[6..10], ["batch 2/3", "batch 3/3", "batch 3/3", "statement 5/5 3"]);
    assert_eq!(bench.rows("a"), [1, 1, 1]);
}

#[test]
fn a_rehearsal_leaves_the_database_alone() {
    let mut bench = Bench::postgres(vec![one(V1, "CREATE TABLE a (b);", "DROP TABLE a;")]);
    bench.options.backup = crate::schema::BackupMode::Always;
    let report = bench.rehearse().unwrap();
    assert_eq!(report.steps.len(), 1);
    assert!(report.backup.is_none());
    assert_eq!(bench.fake.world().data, crate::schema::fake::Data::default());
}

#[test]
fn a_rehearsal_that_fails_says_that_it_was_one() {
    let script = piecewise(V1, "CREATE TABLE a (b);\nDROP TABLE z;", "DROP TABLE a;");
    let mut bench = Bench::postgres(vec![script]);
    let error = bench.rehearse().unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::RolledBack));
    assert_eq!(context(&error, "state"), "as it was: this was rehearsed on a copy");
    assert!(error.hint().unwrap().ends_with("`polymnia migrate upgrade --rehearse`"), "{error:?}");
}

#[test]
fn a_script_without_statements_is_recorded() {
    let mut bench = Bench::postgres(vec![one(V1, "-- polymnia:noop built in", "-- polymnia:noop built in")]);
    bench.up().unwrap();
    assert!(bench.fake.is_applied(V1));
    bench.options.tx_mode = TxMode::None;
    bench.down(&Target::Base).unwrap();
    assert!(!bench.fake.is_applied(V1));
    assert_eq!(bench.fake.events(), [format!("applied {V1}"), format!("reverted {V1}")]);
}

#[test]
fn an_index_of_that_name_that_is_invalid_is_built_again() {
    let first = one(V1, "CREATE TABLE a (b);", "DROP TABLE a;");
    let second = piecewise(V2, "CREATE INDEX CONCURRENTLY a_b ON a (b);", "DROP INDEX CONCURRENTLY a_b;");
    let mut bench = Bench::postgres(vec![first, second]);
    bench.fake.world().data.invalid.insert("a_b".to_owned(), "a".to_owned());
    bench.up().unwrap();
    let world = bench.fake.world();
    assert!(world.data.invalid.is_empty() && world.data.has_index("a_b"));
}

#[test]
fn a_valid_index_that_nobody_recorded_is_an_error_at_first() {
    let first = one(V1, "CREATE TABLE a (b);\nCREATE INDEX a_b ON a (b);", "DROP TABLE a;");
    let second = piecewise(V2, "CREATE INDEX CONCURRENTLY a_b ON a (b);", "DROP INDEX CONCURRENTLY a_b;");
    let mut bench = Bench::postgres(vec![first, second]);
    let error = bench.up().unwrap_err();
    assert!(error.message().contains("already exists"), "{error}");
    assert_eq!(fault(&error), Some(SchemaFault::RolledBack));
    assert_eq!(bench.state(V2), None, "nothing of it is there");
}

#[test]
fn an_index_of_that_name_on_another_table_is_never_taken_for_it() {
    let up = "CREATE TABLE a (b);\nCREATE INDEX CONCURRENTLY a_b ON a (b);";
    for invalid in [false, true] {
        let first = one(V1, "CREATE TABLE z (b);", "DROP TABLE z;");
        let mut bench = Bench::postgres(vec![first, piecewise(V2, up, "DROP TABLE a;")]);
        {
            let mut world = bench.fake.world();
            if invalid {
                world.data.invalid.insert("a_b".to_owned(), "z".to_owned());
            } else {
                let index = crate::schema::ObjectName::within("z", crate::schema::ObjectKind::Index, "a_b");
                world.data.schema.0.insert(index, crate::schema::Object::default());
            }
        }
        for _ in 0..3 {
            let error = bench.up().unwrap_err();
            assert!(error.message().contains("already exists"), "{error}");
            assert_eq!(bench.state(V2), Some(State::Failed));
        }
        // Nor after a kill at any place.
        for nth in 0..40 {
            bench.fake.fail(nth, crate::schema::fake::Failing::DiesBefore);
            bench.up().unwrap_err();
            bench.fake.heal();
            assert!(!bench.fake.is_applied(V2), "{nth}");
        }
        let mut world = bench.fake.world();
        assert_eq!(world.data.invalid.contains_key("a_b"), invalid, "it is somebody else's");
        world.data.invalid.clear();
        world.data.schema.0.retain(|object, _| object.name != "a_b");
        drop(world);
        bench.up().unwrap();
        assert!(bench.fake.world().data.has_index("a_b"));
    }
}

#[test]
fn an_index_that_a_mended_script_no_longer_makes_is_told_of() {
    let script = |index: &str| {
        let up = format!("CREATE TABLE a (b);\nCREATE UNIQUE INDEX CONCURRENTLY {index} ON a (b);");
        piecewise(V1, &up, "DROP TABLE a;")
    };
    let mut bench = Bench::postgres(vec![script("a_b")]);
    bench.fake.world().broken.insert("UNIQUE".to_owned(), "duplicate key".to_owned());
    bench.up().unwrap_err();
    bench.fake.heal();
    bench.fake = bench.fake.with_source(source("postgres", vec![script("a_c")]));
    for _ in 0..2 {
        let error = bench.up().unwrap_err();
        assert_eq!((fault(&error), context(&error, "index")), (Some(SchemaFault::PartlyApplied), "fake.a_b"));
        assert!(error.hint().unwrap().starts_with("drop it by `DROP INDEX CONCURRENTLY fake.a_b`"), "{error:?}");
        assert!(!bench.fake.is_applied(V1));
    }
    bench.fake.world().data.invalid.clear();
    bench.up().unwrap();
}

#[test]
fn batches_cannot_move_their_key() {
    let up =
        "CREATE TABLE a (b);\nINSERT INTO a VALUES (1);\n-- polymnia:batch 2\nUPDATE a SET c = 1, rowid = rowid + 100;";
    let mut bench = Bench::new("sqlite", vec![piecewise(V1, up, "DROP TABLE a;")]);
    let error = bench.up().unwrap_err();
    assert!(error.message().contains("it sets rowid, which is of the key"), "{error}");
    assert_eq!((bench.state(V1), bench.rows("a")), (Some(State::Failed), vec![0]));
}
