//! What stopped half-way, changed or drifted.

use super::*;

#[test]
fn drift_is_found_and_named() {
    let fake = Fake::new(build(vec![one(), two()]));
    let schema = schema(&fake).with_source(shop()).unwrap();
    schema.upgrade(&Target::Head).unwrap();
    let clean = schema.validate().unwrap();
    assert!(clean.valid, "{clean:?}");
    assert_eq!(clean.fingerprint, clean.expected);
    assert_eq!(clean.version.as_ref().map(Version::as_str), Some(SHOP));
    let theirs = ObjectName::of(crate::schema::ObjectKind::Table, "anybodys");
    fake.world().data.schema.0.insert(theirs, crate::schema::Object::default());
    assert!(schema.validate().unwrap().valid, "what isn't ours may be anybody's");
    by_hand(&fake, &["CREATE TABLE stray"]);
    fake.world().data.schema.0.retain(|name, _| name.name != "b_x");
    let drifted = schema.validate().unwrap();
    assert!(!drifted.valid);
    assert_ne!(drifted.fingerprint, drifted.expected);
    let found: Vec<String> = drifted.drift.iter().map(|one| format!("{}: {}", one.object, one.what)).collect();
    assert_eq!(found, ["index b b_x: missing", "table stray: unexpected"]);
}

#[test]
fn what_stopped_half_way_is_told() {
    let (_, schema) = stopped();
    let status = schema.status().unwrap();
    assert_eq!(named(&status.unfinished), [TWO]);
    assert!(status.plan.unwrap().steps[0].resumes);
    let validation = schema.validate().unwrap();
    assert!(!validation.valid);
    assert_eq!(validation.problems[0].code, "unfinished");
    assert_eq!(schema.repair().unwrap().removed, [], "a statement of it is done");
    let advice = schema.health().unwrap().advice;
    assert!(advice[0].contains(TWO) && advice[0].contains("stopped after statement 1 of 2"), "{advice:?}");
    schema.upgrade(&Target::Head).unwrap();
    assert!(schema.validate().unwrap().valid);
}

#[test]
fn a_half_done_migration_is_resolved_by_hand() {
    let (fake, schema) = stopped();
    by_hand(&fake, &["CREATE INDEX b_x"]);
    schema.resolve(TWO, Resolution::Applied).unwrap();
    assert!(fake.is_applied(TWO));
    let entry = fake.entry(TWO).unwrap();
    assert_eq!((entry.state, entry.origin, entry.done), (State::Applied, Origin::Resolved, 2));
    assert_eq!(entry.delta.unwrap().0.len(), 2, "the table and its index");
    assert!(schema.validate().unwrap().valid);
    let again = schema.resolve(TWO, Resolution::Applied).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Conflict);

    let (fake, schema) = stopped();
    fake.world().data.schema.0.retain(|name, _| name.table != "b");
    schema.resolve(TWO, Resolution::RolledBack).unwrap();
    assert_eq!(named(&schema.pending().unwrap()), [TWO]);
    assert_eq!(schema.status().unwrap().unfinished, []);
}

#[test]
fn what_has_a_half_made_index_is_not_resolved_as_applied() {
    let mut second = two();
    second.metadata = metadata(false, false);
    second.up = second.up.replace("CREATE INDEX", "CREATE UNIQUE INDEX CONCURRENTLY");
    let fake = Fake::new(source("postgres", vec![one(), second]));
    let schema = schema(&fake);
    fake.world().broken.insert("CREATE UNIQUE INDEX".to_owned(), "there are duplicates".to_owned());
    assert_eq!(fault(&schema.upgrade(&Target::Head).unwrap_err()), Some(SchemaFault::PartlyApplied));
    fake.heal();
    let error = schema.resolve(TWO, Resolution::Applied).unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::PartlyApplied));
    assert!(error.message().ends_with("its index fake.b_x is INVALID"), "{error}");
    assert!(!fake.is_applied(TWO));
    for error in [schema.stamp(&Target::Head).unwrap_err(), schema.stamp(&Target::Base).unwrap_err()] {
        assert_eq!(fault(&error), Some(SchemaFault::Unfinished), "nor recorded by other words");
    }
    schema.upgrade(&Target::Head).unwrap();
    assert!(fake.world().data.invalid.is_empty() && fake.is_applied(TWO));
}

#[test]
fn a_repair_accepts_adopts_and_tidies() {
    let fake = Fake::new(build(vec![one(), two()]));
    schema(&fake).upgrade(&Target::Head).unwrap();
    let mut edited = one();
    edited.up = "CREATE TABLE a (x, y);".to_owned();
    let later = script(THREE, "CREATE TABLE c (x);", "DROP TABLE c;");
    let fake = fake.with_source(build(vec![edited, two(), later]));
    let schema = schema(&fake);
    fake.world().data.diesel.as_mut().unwrap().insert(THREE.to_owned());
    fake.world().data.schema.0.retain(|name, _| name.name != "b_x");
    fake.world().data.invalid.insert("b_x".to_owned(), "b".to_owned());
    fake.world().data.invalid.insert("anybodys".to_owned(), "z".to_owned());
    let changed: Vec<ChangedScript> = schema.status().unwrap().changed;
    assert_eq!(changed.len(), 1);
    assert!(changed[0].diff.contains("+CREATE TABLE a (x, y);"), "{}", changed[0].diff);
    assert_eq!(fault(&schema.upgrade(&Target::Head).unwrap_err()), Some(SchemaFault::ScriptChanged));
    let report = schema.repair().unwrap();
    assert_eq!(named(&report.accepted), [ONE]);
    assert_eq!(named(&report.adopted), [THREE]);
    assert_eq!(report.dropped_indexes, ["fake.b_x"], "and not that of anybody else");
    let status = schema.status().unwrap();
    assert!(status.changed.is_empty() && status.not_adopted.is_empty());
    assert_eq!(schema.repair().unwrap(), RepairReport::default(), "there is nothing left to repair");
}

#[test]
fn what_is_refused_leaves_an_empty_database_empty() {
    let fake = Fake::new(build(vec![one()]));
    let schema = schema(&fake);
    assert_eq!(schema.resolve(ONE, Resolution::Applied).unwrap_err().kind(), ErrorKind::Conflict);
    assert!(schema.stamp(&Target::Version("9".to_owned())).is_err());
    assert!(schema.downgrade(&Target::Steps(1)).is_err());
    assert!(schema.revert(ONE).is_err());
    assert!(schema.baseline(None).is_err());
    assert_eq!(schema.repair().unwrap(), RepairReport::default());
    assert_eq!(fake.world().data, crate::schema::fake::Data::default());
}

#[test]
fn the_holder_of_the_lock_is_told_and_ended() {
    let fake = Fake::new(build(vec![one()]));
    assert_eq!(schema(&fake).unlock().unwrap(), None);
    fake.world().locked = true;
    assert_eq!(schema(&fake).lock_holder().unwrap().unwrap().process, 1);
    let error = schema(&fake).upgrade(&Target::Head).unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::Locked));
    assert_eq!(schema(&fake).unlock().unwrap().unwrap().process, 1);
    schema(&fake).upgrade(&Target::Head).unwrap();
}
