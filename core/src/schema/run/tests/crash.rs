//! A run that ends at any call, in any way, is completed by the next; each statement takes effect once.

use super::*;
use crate::schema::fake::Failing;
use crate::schema::{Begin, TxMode};

/// Ends a run at every call there is, in every way, each on a database of its own, and looks at it before and after the run
/// that follows.
fn at_every_call(
    make: impl Fn() -> Bench,
    act: impl Fn(&mut Bench) -> Result<RunReport>,
    between: impl Fn(&Bench, &Error),
    whole: impl Fn(&Bench),
) {
    for how in [Failing::DiesBefore, Failing::DiesAfter, Failing::Refused] {
        for nth in 0.. {
            let mut bench = make();
            bench.fake.fail(nth, how);
            let first = act(&mut bench);
            let failed = bench.fake.heal();
            if !failed {
                first.unwrap_or_else(|error| panic!("{how:?} {nth}: {error}"));
                assert!(nth > 5, "{how:?}: only {nth} calls");
                whole(&bench);
                break;
            }
            match first {
                Err(error) => between(&bench, &error),
                // What can't be written down after all is done is no failure.
                Ok(_) => whole(&bench),
            }
            assert!(!bench.fake.world().locked, "{how:?} {nth}: the lock is kept");
            act(&mut bench).unwrap_or_else(|error| panic!("{how:?} {nth}, the run after: {error}"));
            whole(&bench);
        }
    }
}

fn never_called_done(bench: &Bench, version: &str, last: &str) {
    if bench.fake.is_applied(version) {
        assert_eq!(bench.effect(last), 1, "{version} is called applied and is not");
        assert_eq!(bench.state(version), Some(State::Applied));
    }
}

fn transactional() -> Bench {
    let first = one(V1, "CREATE TABLE a (b);\nCREATE INDEX a_b ON a (b);\nINSERT INTO a VALUES (1);", "DROP TABLE a;");
    Bench::postgres(vec![first, one(V2, "CREATE TABLE c (d);\nINSERT INTO a VALUES (2);", "DROP TABLE c;")])
}

#[test]
fn of_transactional_steps() {
    at_every_call(
        transactional,
        Bench::up,
        |bench, error| {
            never_called_done(bench, V1, "INSERT INTO a VALUES (1)");
            never_called_done(bench, V2, "INSERT INTO a VALUES (2)");
            for (version, first) in [(V1, "CREATE TABLE a (b)"), (V2, "CREATE TABLE c (d)")] {
                assert_eq!(bench.effect(first) == 1, bench.fake.is_applied(version), "half-applied: {error}");
            }
            assert_ne!(fault(error), Some(SchemaFault::PartlyApplied));
        },
        |bench| {
            assert!(bench.fake.is_applied(V1) && bench.fake.is_applied(V2));
            assert_eq!(bench.rows("a"), [0, 0]);
            assert_eq!(bench.fake.world().data.effects.values().max(), Some(&1));
            let entry = bench.fake.entry(V2).unwrap();
            assert_eq!((entry.state, entry.position, entry.done, entry.statements), (State::Applied, 2, 2, 2));
            assert_eq!(entry.delta.unwrap().0.len(), 1, "table c");
        },
    );
}

#[test]
fn of_all_in_one_transaction() {
    for pooled in [false, true] {
        let make = || {
            let mut bench = transactional();
            bench.options.tx_mode = if pooled { TxMode::File } else { TxMode::All };
            bench.fake.world().pooled = pooled;
            bench
        };
        at_every_call(
            make,
            Bench::up,
            |bench, _| assert_eq!(bench.fake.is_applied(V1), bench.fake.is_applied(V2), "one without the other"),
            |bench| {
                assert!(bench.fake.is_applied(V1) && bench.fake.is_applied(V2));
                assert_eq!(bench.rows("a"), [0, 0]);
            },
        );
    }
}

const LONG: &str = "CREATE TABLE a (b);\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\nINSERT INTO a VALUES (3);\n\
                    CREATE INDEX CONCURRENTLY a_b ON a (b);\n-- polymnia:batch 2\nUPDATE a SET b = 1;\n\
                    DROP INDEX CONCURRENTLY a_b;\nCREATE UNIQUE INDEX CONCURRENTLY a_c ON a (b);\nINSERT INTO a VALUES (4);";

#[test]
fn of_steps_that_are_not_transactions() {
    at_every_call(
        || Bench::postgres(vec![piecewise(V1, LONG, "DROP TABLE a;")]),
        Bench::up,
        |bench, _| {
            never_called_done(bench, V1, "INSERT INTO a VALUES (4)");
            if bench.effect("CREATE TABLE a (b)") == 1 {
                assert!(bench.fake.entry(V1).is_some_and(|entry| entry.done > 0), "what is done is recorded");
            }
        },
        |bench| {
            assert_eq!(bench.state(V1), Some(State::Applied));
            assert_eq!(bench.rows("a"), [1, 1, 1, 0], "each row once");
            let world = bench.fake.world();
            assert!(world.data.invalid.is_empty() && world.data.has_index("a_c") && !world.data.has_index("a_b"));
            let once = |text: &&String| !text.contains("CONCURRENTLY");
            assert!(world.data.effects.iter().filter(|(text, _)| once(text)).all(|(_, times)| *times == 1));
            drop(world);
            let entry = bench.fake.entry(V1).unwrap();
            assert_eq!((entry.done, entry.statements, entry.batch_key, entry.error), (9, 9, None, None));
            let delta: Vec<String> = entry.delta.unwrap().0.keys().map(ToString::to_string).collect();
            assert_eq!(delta, ["table a", "index a a_c"], "what an earlier run did is part of it");
        },
    );
}

#[test]
fn of_transactional_steps_run_without_transactions() {
    let make = || {
        let mut bench = transactional();
        bench.options.tx_mode = TxMode::None;
        bench
    };
    at_every_call(
        make,
        Bench::up,
        |_, _| {},
        |bench| {
            assert!(bench.fake.is_applied(V1) && bench.fake.is_applied(V2));
            assert_eq!(bench.rows("a"), [0, 0]);
        },
    );
}

#[test]
fn of_going_down() {
    let make = || {
        let mut bench = transactional();
        bench.up().unwrap();
        bench
    };
    let down = |bench: &mut Bench| bench.down(&Target::Base);
    at_every_call(
        make,
        down,
        |bench, _| {
            for (version, table) in [(V1, "a"), (V2, "c")] {
                let there = bench.fake.world().data.rows.contains_key(table);
                assert_eq!(there, bench.fake.is_applied(version));
            }
        },
        |bench| {
            assert!(bench.fake.world().data.rows.is_empty());
            assert!(bench.fake.entry(V1).is_none() && bench.fake.entry(V2).is_none());
        },
    );
}

#[test]
fn of_going_down_step_by_step() {
    let down = "DROP INDEX CONCURRENTLY a_b;\nINSERT INTO log VALUES (1);\n-- polymnia:batch 1\nUPDATE log SET a = 1;\nDROP TABLE a;";
    let make = || {
        let first = one(V1, "CREATE TABLE log (a);\nINSERT INTO log VALUES (0);", "DROP TABLE log;");
        let second = piecewise(V2, "CREATE TABLE a (b);\nCREATE INDEX CONCURRENTLY a_b ON a (b);", down);
        let mut bench = Bench::postgres(vec![first, second]);
        bench.up().unwrap();
        bench
    };
    at_every_call(
        make,
        |bench| bench.down(&Target::Version(V1.to_owned())),
        |bench, _| {
            let done = bench.effect("DROP TABLE a") == 1;
            assert!(bench.fake.is_applied(V2) || done, "it is applied until all of it is taken back");
        },
        |bench| {
            assert_eq!(bench.state(V2), None);
            assert!(!bench.fake.is_applied(V2) && bench.fake.is_applied(V1));
            assert_eq!(bench.rows("log"), [1, 1]);
            assert_eq!(bench.effect("DROP TABLE a"), 1);
        },
    );
}

#[test]
fn of_rebuilds() {
    let rebuild = Script {
        metadata: metadata(false, true),
        ..one(
            V2,
            "PRAGMA foreign_keys = OFF;\nCREATE TABLE a_new (b, c);\nINSERT INTO a_new SELECT FROM a;\nDROP TABLE a;\n\
             ALTER TABLE a_new RENAME TO a;\nPRAGMA foreign_keys = ON;",
            "-- polymnia:noop nothing",
        )
    };
    let make = || {
        let first =
            one(V1, "CREATE TABLE a (b);\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);", "DROP TABLE a;");
        Bench::new("sqlite", vec![first, rebuild.clone()])
    };
    at_every_call(
        make,
        Bench::up,
        |bench, _| assert!(!bench.fake.world().data.rows.contains_key("a_new"), "half-made"),
        |bench| {
            assert_eq!(bench.rows("a").len(), 2);
            assert_eq!(bench.effect("PRAGMA foreign_keys = OFF"), 0, "the engine's own business");
            assert_eq!(bench.state(V2), Some(State::Applied));
        },
    );
    // The kind of transaction is the dialect's to act on.
    assert_ne!(Begin::Plain, Begin::Rebuild);
}

#[test]
fn of_runs_that_crash_again_and_again() {
    let mut bench = Bench::postgres(vec![piecewise(V1, LONG, "DROP TABLE a;")]);
    // Each run gets a little further than the last: at least one call of a step, or the way there.
    let mut runs = 0;
    loop {
        bench.fake.fail(22, Failing::DiesBefore);
        let done = bench.up();
        runs += 1;
        bench.fake.heal();
        if done.is_ok() {
            break;
        }
        assert!(runs < 100, "it doesn't get on");
    }
    assert!(runs > 2, "{runs}");
    assert_eq!(bench.rows("a"), [1, 1, 1, 0]);
    assert_eq!(bench.state(V1), Some(State::Applied));
}

#[test]
fn of_two_runs_in_a_row() {
    const SHORT: &str = "CREATE TABLE a (b);\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\n\
                         CREATE INDEX CONCURRENTLY a_b ON a (b);\n-- polymnia:batch 1\nUPDATE a SET b = 1;\n\
                         DROP INDEX CONCURRENTLY a_b;";
    let calls = {
        let mut bench = Bench::postgres(vec![piecewise(V1, SHORT, "DROP TABLE a;")]);
        bench.up().unwrap();
        bench.fake.world().calls
    };
    let ways = [Failing::DiesBefore, Failing::DiesAfter, Failing::Refused];
    for (first, second) in (0..calls).flat_map(|first| (first % 2..calls).step_by(2).map(move |second| (first, second)))
    {
        // Every second pair of places, with the ways taking turns.
        let (one_way, other_way) = (ways[(first + second) % 3], ways[(first * 2 + second / 3) % 3]);
        let mut bench = Bench::postgres(vec![piecewise(V1, SHORT, "DROP TABLE a;")]);
        for (nth, how) in [(first, one_way), (second, other_way)] {
            bench.fake.fail(nth, how);
            // It may be done by now: the second run has less to do.
            let _ = bench.up();
            bench.fake.heal();
        }
        let place = format!("{one_way:?} {first}, then {other_way:?} {second}");
        bench.up().unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(bench.rows("a"), [1, 1], "{place}");
        let world = bench.fake.world();
        assert!(world.data.invalid.is_empty() && !world.data.has_index("a_b"), "{place}");
        let most =
            world.data.effects.iter().filter(|(text, _)| !text.contains("CONCURRENTLY")).map(|(_, times)| *times);
        assert_eq!(most.max(), Some(1), "{place}");
        drop(world);
        assert_eq!(bench.state(V1), Some(State::Applied), "{place}");
    }
}
