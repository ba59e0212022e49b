//! Next to a newer build.

use super::*;

#[test]
fn next_to_a_newer_build_migrating_is_content_with_what_it_may_use() {
    let levels = [Compatibility::Full, Compatibility::ReadOnly];
    for level in levels {
        let mut newer = two();
        newer.metadata.compatibility = level;
        let fake = Fake::new(build(vec![one(), newer]));
        store(&fake).migrate().unwrap();
        let old = fake.with_source(build(vec![one()]));
        let sessions = fake.world().sessions;
        match (level, store(&old).migrate()) {
            (Compatibility::Full, report) => {
                assert_eq!(report.unwrap().version.as_deref(), Some(TWO));
                assert_eq!(fake.world().sessions, sessions, "without a lock");
            }
            (_, report) => assert_eq!(fault(&report.unwrap_err()), Some(SchemaFault::Newer)),
        }
        let error = schema(&old).upgrade(&Target::Head).unwrap_err();
        assert_eq!(fault(&error), Some(SchemaFault::Newer), "on request it is told");
        let more = fake.with_source(build(vec![one(), script(THREE, "CREATE TABLE c (x);", "DROP TABLE c;")]));
        let error = store(&more).migrate().unwrap_err();
        assert_eq!(fault(&error), Some(SchemaFault::Newer), "there is something to do");
    }
}

#[test]
fn a_newer_schema_is_used_as_far_as_it_says() {
    let tenant = Namespace::new("a").unwrap();
    for (level, reads, writes) in
        [(Compatibility::Full, true, true), (Compatibility::ReadOnly, true, false), (Compatibility::None, false, false)]
    {
        let mut newer = two();
        newer.metadata.compatibility = level;
        let fake = Fake::new(build(vec![one(), newer]));
        store(&fake).migrate().unwrap();
        let old = store(&fake.with_source(build(vec![one()])));
        // What is let through meets the fake, which has no memories.
        let may = |error: Error| fault(&error) != Some(SchemaFault::Newer) && error.kind() == ErrorKind::Unsupported;
        assert_eq!(may(old.count(&tenant, &Selection::default()).unwrap_err()), reads, "{level:?}");
        let id: MemoryId = crate::IdSource::next_id(&UuidV7);
        assert_eq!(may(old.delete(&tenant, id).unwrap_err()), writes, "{level:?}");
        let knows = store(&fake);
        assert!(may(knows.delete(&tenant, id).unwrap_err()), "who knows it may");
    }
}

#[test]
fn whether_the_schema_is_newer_is_looked_up_once() {
    let tenant = Namespace::new("a").unwrap();
    let fake = Fake::new(build(vec![one()]));
    let early = store(&fake);
    let count = |store: &MemoryStore| store.count(&tenant, &Selection::default()).unwrap_err();
    assert_eq!(count(&early).kind(), ErrorKind::Unsupported);
    store(&fake).migrate().unwrap();
    assert_eq!(count(&early).kind(), ErrorKind::Unsupported);
    // From here on it isn't asked again: a rolling deployment stops nobody who runs.
    fake.world().data.diesel.as_mut().unwrap().insert("29990101000000".to_owned());
    assert_eq!(count(&early).kind(), ErrorKind::Unsupported);
    let empty = Fake::new(build(vec![one()]));
    let before = store(&empty);
    assert_eq!(count(&before).kind(), ErrorKind::Unsupported);
    let ledger = fake.world().data.clone();
    empty.world().data = ledger;
    let write = before.delete(&tenant, crate::IdSource::next_id(&UuidV7)).unwrap_err();
    assert_eq!(fault(&write), Some(SchemaFault::Newer), "of an empty database nothing is remembered");
    let late = store(&fake);
    let error = late.delete(&tenant, crate::IdSource::next_id(&UuidV7)).unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::Newer));
}
