//! The engine and another tool on one database, in any order of turns.

use proptest::prelude::*;

use super::*;
use crate::schema::fake::Data;
use crate::schema::text::{Syntax, statements};

/// Is one turn of somebody.
#[derive(Clone, Debug)]
enum Turn {
    Upgrade(u32),
    Downgrade(u32),
    /// The diesel CLI applies the first version that isn't.
    DieselRuns,
    /// The diesel CLI takes back the greatest version that is applied.
    DieselReverts,
    Repair,
    Baseline,
    /// Somebody drops our two tables beside diesel's.
    LosesOurs,
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        3 => (0..3_u32).prop_map(Turn::Upgrade),
        3 => (0..3_u32).prop_map(Turn::Downgrade),
        2 => Just(Turn::DieselRuns),
        2 => Just(Turn::DieselReverts),
        1 => Just(Turn::Repair),
        1 => Just(Turn::Baseline),
        1 => Just(Turn::LosesOurs),
    ]
}

fn scripts() -> Vec<Script> {
    (1..=4)
        .map(|n| {
            let up = format!("CREATE TABLE t{n} (x); CREATE INDEX t{n}_x ON t{n} (x);");
            script(&format!("2026112100000{n}"), &up, &format!("DROP TABLE t{n};"))
        })
        .collect()
}

fn execute(data: &mut Data, text: &str) {
    for statement in statements(text, Syntax::Sqlite) {
        data.execute(statement.text).unwrap();
    }
}

fn take(turn: &Turn, fake: &Fake, schema: &Schema) {
    let applied =
        |data: &Data, script: &Script| data.diesel.as_ref().is_some_and(|rows| rows.contains(script.version.as_str()));
    match turn {
        Turn::Upgrade(steps) => {
            let left = u32::try_from(schema.pending().unwrap().len()).unwrap();
            schema.upgrade(&Target::Steps((*steps).min(left))).unwrap();
        }
        Turn::Downgrade(steps) => {
            let there = schema.history().unwrap().iter().filter(|one| one.applied).count();
            schema.downgrade(&Target::Steps((*steps).min(u32::try_from(there).unwrap()))).unwrap();
        }
        Turn::DieselRuns => {
            let data = &mut fake.world().data;
            data.diesel.get_or_insert_default();
            if let Some(next) = scripts().into_iter().find(|script| !applied(data, script)) {
                execute(data, &next.up);
                data.diesel.as_mut().unwrap().insert(next.version.to_string());
            }
        }
        Turn::DieselReverts => {
            let data = &mut fake.world().data;
            if let Some(last) = scripts().into_iter().rfind(|script| applied(data, script)) {
                execute(data, &last.down);
                data.diesel.as_mut().unwrap().remove(last.version.as_str());
            }
        }
        Turn::Repair => drop(schema.repair().unwrap()),
        Turn::Baseline => {
            if let Err(error) = schema.baseline(None) {
                let expected = error.kind() == ErrorKind::Conflict || fault(&error) == Some(SchemaFault::NotAdopted);
                assert!(expected, "{error}");
            }
        }
        Turn::LosesOurs => fake.world().data.entries = None,
    }
}

/// Checks what must hold whoever had the last turn.
fn check(fake: &Fake, schema: &Schema) {
    let history = schema.history().unwrap();
    let made: Vec<&str> = history.iter().filter(|one| one.applied).map(|one| one.version.as_str()).collect();
    let tables = fake.world().data.rows.len();
    assert_eq!(made.len(), tables, "what is told to be applied is what is there");
    let status = schema.status().unwrap();
    assert!(status.problems.is_empty() && status.changed.is_empty() && status.unfinished.is_empty(), "{status:?}");
    assert_eq!(status.current.first().map(Version::as_str), made.last().copied());
    let validation = schema.validate().unwrap();
    assert!(validation.valid, "{validation:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_keep_one_truth(turns in prop::collection::vec(turn(), 1..12)) {
        let fake = Fake::new(build(scripts()));
        let schema = schema(&fake);
        for turn in &turns {
            take(turn, &fake, &schema);
            check(&fake, &schema);
        }
        schema.upgrade(&Target::Head).unwrap();
        check(&fake, &schema);
        let status = schema.status().unwrap();
        prop_assert!(status.pending.is_empty() && status.not_adopted.is_empty(), "a run writes down what others did");
        let history = schema.history().unwrap();
        let positions: Vec<u64> = history.iter().map(|one| one.entry.as_ref().unwrap().position).collect();
        prop_assert!(positions.is_sorted(), "{:?}", positions);
        schema.reset().unwrap();
        prop_assert!(fake.world().data.rows.is_empty());
    }
}
