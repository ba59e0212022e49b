//! Databases that nobody recorded, and recording them.

use super::*;

#[test]
fn stamping_records_without_running() {
    let fake = Fake::new(build(vec![one(), two()]));
    let schema = schema(&fake);
    assert_eq!(named(&schema.stamp(&Target::Version(ONE.to_owned())).unwrap()), [ONE]);
    assert!(fake.world().data.schema.0.is_empty());
    assert_eq!(named(&schema.stamp(&Target::Head).unwrap()), [TWO]);
    assert_eq!(schema.history().unwrap()[1].origin, Some(Origin::Stamped));
    assert_eq!(named(&schema.stamp(&Target::Version(ONE.to_owned())).unwrap()), [TWO]);
    schema.stamp(&Target::Head).unwrap();
    assert_eq!(named(&schema.stamp(&Target::Base).unwrap()), [TWO, ONE], "as a downgrade would go");
    assert_eq!(schema.current().unwrap(), []);
    let wrong = schema.stamp(&Target::Version("9".to_owned())).unwrap_err();
    assert_eq!(fault(&wrong), Some(SchemaFault::UnknownTarget));
    assert_eq!(fake.events().len(), 6);
}

#[test]
fn tables_without_a_ledger_must_be_adopted_first() {
    let fake = Fake::new(build(vec![one(), two()]));
    by_hand(&fake, TABLES);
    let alembic = ForeignLedger {
        tool: "alembic".to_owned(),
        table: "public.alembic_version".to_owned(),
        version: Some("ae1027a6acf".to_owned()),
    };
    fake.world().foreign.push(alembic);
    let before = fake.world().data.clone();
    for error in [
        schema(&fake).upgrade(&Target::Head).unwrap_err(),
        schema(&fake).plan_upgrade(&Target::Head).unwrap_err(),
        schema(&fake).reset().unwrap_err(),
        store(&fake).migrate().unwrap_err(),
    ] {
        assert_eq!(fault(&error), Some(SchemaFault::NotAdopted), "{error}");
        assert!(error.message().contains("2 tables of ours"), "{error}");
        assert!(error.message().contains("alembic (public.alembic_version) at ae1027a6acf"), "{error}");
        assert!(error.hint().unwrap().contains("polymnia migrate baseline"));
    }
    assert_eq!(schema(&fake).status().unwrap().problems[0].code, "not_adopted");
    assert_eq!(fake.world().data, before, "the database is untouched");
}

#[test]
fn another_process_that_migrates_meanwhile_is_no_mistake() {
    let fake = Fake::new(build(vec![one()]));
    let blank = Ledger::default();
    schema(&fake).upgrade(&Target::Head).unwrap();
    let call = Call::at(crate::Timestamp::now());
    let sources = [build(vec![one()])];
    assert!(status::not_adopted(&fake, &call, &sources, &blank).unwrap().is_none());
}

#[test]
fn a_baseline_records_what_fits() {
    let fake = Fake::new(build(vec![one(), two()]));
    by_hand(&fake, TABLES);
    let schema = schema(&fake);
    assert_eq!(named(&schema.baseline(None).unwrap()), [ONE, TWO]);
    assert!(schema.status().unwrap().problems.is_empty());
    assert!(schema.validate().unwrap().valid);
    assert_eq!(schema.history().unwrap()[0].origin, Some(Origin::Baseline));
    let again = schema.baseline(None).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Conflict);
}

#[test]
fn a_baseline_that_does_not_fit_is_refused_with_the_difference() {
    let fake = Fake::new(build(vec![one(), two()]));
    by_hand(&fake, &TABLES[..1]);
    let error = schema(&fake).baseline(None).unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::Drift));
    assert_eq!(error.context_value("diff"), Some("- table b\n"));
    assert!(error.hint().unwrap().ends_with(&format!("run `polymnia migrate baseline --at {ONE}`")), "{error:?}");
    assert!(fake.world().data.diesel.is_none(), "nothing was written");
    assert_eq!(named(&schema(&fake).baseline(Some(ONE)).unwrap()), [ONE]);
    let empty = Fake::new(build(vec![one()]));
    assert_eq!(fault(&schema(&empty).baseline(None).unwrap_err()), Some(SchemaFault::NotAdopted));
}

#[test]
fn a_lost_ledger_of_diesel_is_made_anew_by_a_baseline() {
    let fake = Fake::new(build(vec![one(), two()]));
    let schema = schema(&fake);
    schema.upgrade(&Target::Head).unwrap();
    fake.world().data.diesel = None;
    for error in [
        schema.upgrade(&Target::Head).unwrap_err(),
        schema.initialize().unwrap_err(),
        schema.repair().unwrap_err(),
        schema.stamp(&Target::Head).unwrap_err(),
    ] {
        assert_eq!(fault(&error), Some(SchemaFault::NotAdopted), "{error}");
    }
    assert_eq!(named(&schema.baseline(None).unwrap()), [ONE, TWO]);
    assert!(fake.is_applied(TWO));
    assert!(schema.validate().unwrap().valid);
}
