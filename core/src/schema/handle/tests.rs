//! Tests of the handle, over a database in memory that knows a few kinds of statements.

use std::sync::Arc;

use super::*;
use crate::schema::fake::{Fake, metadata, script, source};
use crate::schema::{BackupMode, Compatibility, RepairReport, Resolution, RunReport};
use crate::schema::{ChangedScript, ForeignLedger, ObjectName, Origin, State};
use crate::{MemoryId, Namespace, Selection, UuidV7};

const ONE: &str = "20261121000100";
const TWO: &str = "20261121000200";
const THREE: &str = "20261121000300";
const SHOP: &str = "shop20261121000100";

fn one() -> Script {
    script(ONE, "CREATE TABLE a (x);", "DROP TABLE a;")
}

fn two() -> Script {
    script(TWO, "CREATE TABLE b (x); CREATE INDEX b_x ON b (x);", "DROP TABLE b;")
}

fn build(scripts: Vec<Script>) -> Source {
    source("sqlite", scripts)
}

fn shop() -> Source {
    Source { prefix: "shop".to_owned(), ..build(vec![script(SHOP, "CREATE TABLE s (x);", "DROP TABLE s;")]) }
}

fn store(fake: &Fake) -> MemoryStore {
    MemoryStore::new(Arc::new(fake.clone()))
}

fn schema(fake: &Fake) -> Schema {
    store(fake).schema().with_options(RunOptions {
        allow_destructive: true,
        backup: BackupMode::Never,
        ..RunOptions::default()
    })
}

fn named(versions: &[Version]) -> Vec<&str> {
    versions.iter().map(Version::as_str).collect()
}

fn fault(error: &Error) -> Option<SchemaFault> {
    SchemaFault::of(error)
}

/// Makes the tables of both versions without a ledger, as a hand would.
fn by_hand(fake: &Fake, statements: &[&str]) {
    for statement in statements {
        let name = statement.split_whitespace().nth(2).unwrap();
        let object = crate::schema::Object { ours: true, ..Default::default() };
        let key = match statement.split_whitespace().nth(1).unwrap() {
            "TABLE" => ObjectName::of(crate::schema::ObjectKind::Table, name),
            _ => ObjectName::within("b", crate::schema::ObjectKind::Index, name),
        };
        fake.world().data.schema.0.insert(key, object);
    }
}

const TABLES: &[&str] = &["CREATE TABLE a", "CREATE TABLE b", "CREATE INDEX b_x"];

#[test]
fn initialising_makes_ledgers_and_no_more() {
    let fake = Fake::new(build(vec![one()]));
    let report = schema(&fake).initialize().unwrap();
    assert!(report.created && report.steps.is_empty() && report.to.is_none());
    let status = schema(&fake).status().unwrap();
    assert!(status.initialised);
    assert_eq!(named(&status.pending), [ONE]);
    let sessions = fake.world().sessions;
    assert!(!schema(&fake).initialize().unwrap().created);
    assert_eq!(fake.world().sessions, sessions, "a second time takes no lock");
}

#[test]
fn up_and_down_are_told_by_status_history_and_log() {
    let fake = Fake::new(build(vec![one(), two()]));
    let schema = schema(&fake);
    let report = schema.upgrade(&Target::Head).unwrap();
    assert_eq!(report.steps.len(), 2);
    assert_eq!(schema.current().unwrap(), report.to.into_iter().collect::<Vec<_>>());
    assert_eq!(schema.pending().unwrap(), []);
    let status = schema.status().unwrap();
    assert!(status.problems.is_empty() && status.plan.unwrap().steps.is_empty());
    let back = schema.downgrade(&Target::Steps(1)).unwrap();
    assert_eq!((back.from.unwrap().as_str(), back.to.unwrap().as_str()), (TWO, ONE));
    let history = schema.history().unwrap();
    assert_eq!(history.iter().map(|one| one.applied).collect::<Vec<_>>(), [true, false]);
    assert_eq!(history[0].origin, Some(Origin::Run));
    assert_eq!(schema.log(1).unwrap()[0].event, "reverted");
    assert_eq!(schema.plan_upgrade(&Target::Head).unwrap().steps.len(), 1);
    assert_eq!(schema.plan_downgrade(&Target::Base).unwrap().steps.len(), 1);
    let (told, script) = schema.show("202611210002").unwrap();
    assert_eq!((told.version.as_str(), script.unwrap().name.as_str()), (TWO, "test"));
}

#[test]
fn reverting_takes_back_one_that_nothing_stands_on() {
    let fake = Fake::new(build(vec![one(), two()]));
    let schema = schema(&fake);
    schema.upgrade(&Target::Head).unwrap();
    assert_eq!(fault(&schema.revert(ONE).unwrap_err()), Some(SchemaFault::NotNewest));
    assert_eq!(schema.revert(TWO).unwrap().steps.len(), 1);
    assert_eq!(named(&schema.current().unwrap()), [ONE]);
}

#[test]
fn sources_must_fit() {
    let fake = Fake::new(build(vec![one()]));
    let refused = |source: Source| store(&fake).schema().with_source(source).unwrap_err();
    assert_eq!(refused(Source { dialect: "postgres".to_owned(), ..shop() }).kind(), ErrorKind::Config);
    assert_eq!(refused(build(vec![two()])).kind(), ErrorKind::Config, "ours has no prefix already");
    assert!(refused(Source { prefix: "till".to_owned(), ..shop() }).message().contains(SHOP));
    let twice = store(&fake).schema().with_source(shop()).unwrap().with_source(shop());
    assert!(twice.unwrap_err().message().contains("\"shop\""));
    assert!(store(&fake).with_migrations(shop()).unwrap().with_migrations(shop()).is_err());
}

#[test]
fn migrating_applies_the_applications_too() {
    let fake = Fake::new(build(vec![one()]));
    let report = store(&fake).with_migrations(shop()).unwrap().migrate().unwrap();
    assert_eq!(report.applied, [ONE, SHOP]);
    assert_eq!(report.version.as_deref(), Some(SHOP));
}

#[test]
fn next_to_a_newer_build_migrating_is_content_with_what_it_may_use() {
    let levels = [Compatibility::Full, Compatibility::ReadOnly];
    for level in levels {
        let mut newer = two();
        newer.metadata.compatibility = level;
        let fake = Fake::new(build(vec![one(), newer]));
        store(&fake).migrate().unwrap();
        let old = fake.with_source(build(vec![one()]));
        match (level, store(&old).migrate()) {
            (Compatibility::Full, report) => assert_eq!(report.unwrap().version.as_deref(), Some(TWO)),
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
    let late = store(&fake);
    let error = late.delete(&tenant, crate::IdSource::next_id(&UuidV7)).unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::Newer));
}

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
fn what_is_expected_is_found_out_by_running() {
    let fake = Fake::new(build(vec![one(), two()]));
    let schema = schema(&fake);
    assert_eq!(schema.expected(Some(ONE)).unwrap().0.len(), 1);
    let all = schema.expected(None).unwrap();
    schema.upgrade(&Target::Head).unwrap();
    assert_eq!(all, schema.dump().unwrap());
    assert_eq!(fault(&schema.expected(Some("9")).unwrap_err()), Some(SchemaFault::UnknownTarget));
}

/// Leaves version two half-done.
fn stopped() -> (Fake, Schema) {
    let mut second = two();
    second.metadata = metadata(false, false);
    let fake = Fake::new(build(vec![one(), second]));
    let schema = schema(&fake);
    fake.world().broken.insert("CREATE INDEX".to_owned(), "there are duplicates".to_owned());
    assert_eq!(fault(&schema.upgrade(&Target::Head).unwrap_err()), Some(SchemaFault::PartlyApplied));
    fake.heal();
    (fake, schema)
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
fn a_repair_accepts_adopts_and_tidies() {
    let fake = Fake::new(build(vec![one(), two()]));
    schema(&fake).upgrade(&Target::Head).unwrap();
    let mut edited = one();
    edited.up = "CREATE TABLE a (x, y);".to_owned();
    let later = script(THREE, "CREATE TABLE c (x);", "DROP TABLE c;");
    let fake = fake.with_source(build(vec![edited, two(), later]));
    let schema = schema(&fake);
    fake.world().data.diesel.as_mut().unwrap().insert(THREE.to_owned());
    fake.world().data.invalid.insert("half".to_owned());
    let changed: Vec<ChangedScript> = schema.status().unwrap().changed;
    assert_eq!(changed.len(), 1);
    assert!(changed[0].diff.contains("+CREATE TABLE a (x, y);"), "{}", changed[0].diff);
    assert_eq!(fault(&schema.upgrade(&Target::Head).unwrap_err()), Some(SchemaFault::ScriptChanged));
    let report = schema.repair().unwrap();
    assert_eq!(named(&report.accepted), [ONE]);
    assert_eq!(named(&report.adopted), [THREE]);
    assert_eq!(report.dropped_indexes, ["fake.half"]);
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

#[test]
fn a_backup_is_verified_against_its_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::new(build(vec![one()]));
    let options = RunOptions { backup_folder: folder.path().to_owned(), ..RunOptions::default() };
    let schema = schema(&fake).with_options(options);
    schema.upgrade(&Target::Head).unwrap();
    let backup = schema.backup().unwrap();
    assert!(backup.path.to_str().unwrap().ends_with(&format!("-{ONE}.db")), "{}", backup.path.display());
    assert_eq!(schema.verify_backup(&backup.path).unwrap(), backup.info);
    schema.restore(&backup.path).unwrap();
    std::fs::write(&backup.path, b"BACKUP").unwrap();
    assert_eq!(schema.verify_backup(&backup.path).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(schema.restore(&backup.path).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(fake.world().restored.len(), 1, "a damaged backup is not put back");
    assert_eq!(schema.verify_backup(&folder.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_reset_leaves_nothing() {
    let fake = Fake::new(build(vec![one(), two()]));
    let schema = schema(&fake).with_source(shop()).unwrap();
    assert_eq!(schema.reset().unwrap(), RunReport::default(), "there is nothing to remove");
    schema.upgrade(&Target::Head).unwrap();
    fake.world().data.rows.get_mut("a").unwrap().push(0);
    let report = schema.reset().unwrap();
    assert_eq!(report.steps.iter().map(|step| step.version.as_str()).collect::<Vec<_>>(), [SHOP, TWO, ONE]);
    let world = fake.world();
    assert!(world.data.schema.0.is_empty() && world.data.diesel.is_none() && world.data.entries.is_none());
    drop(world);
    assert!(!schema.status().unwrap().initialised);
}

#[test]
fn a_rehearsal_leaves_the_database_alone() {
    let fake = Fake::new(build(vec![one(), two()]));
    schema(&fake).upgrade(&Target::Steps(1)).unwrap();
    let before = fake.world().data.clone();
    let report = schema(&fake).rehearse(&Target::Head).unwrap();
    assert_eq!(report.steps.len(), 1);
    assert_eq!(fake.world().data, before);
}

#[test]
fn reading_takes_no_lock() {
    let fake = Fake::new(build(vec![one(), two()]));
    schema(&fake).upgrade(&Target::Steps(1)).unwrap();
    let sessions = fake.world().sessions;
    fake.world().locked = true;
    let schema = schema(&fake);
    schema.status().unwrap();
    schema.history().unwrap();
    schema.validate().unwrap();
    let plan = schema.plan_upgrade(&Target::Head).unwrap();
    assert!(schema.script(&plan).unwrap().contains("CREATE TABLE b"));
    assert_eq!(fake.world().sessions, sessions);
    fake.world().locked = false;
}

/// Opens the fake.
#[derive(Debug)]
struct FakeDialect(Fake);

impl crate::spi::Dialect for FakeDialect {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn url_schemes(&self) -> &[&str] {
        &["fake"]
    }

    fn recognizes(&self, _: &crate::ConnectionString) -> bool {
        false
    }

    fn claims(&self, _: &crate::OpenOptions) -> Result<Vec<std::path::PathBuf>> {
        Ok(Vec::new())
    }

    fn open(&self, _: &crate::OpenOptions) -> Result<Arc<dyn crate::spi::Engine>> {
        Ok(Arc::new(self.0.clone()))
    }
}

#[test]
fn opening_migrates_on_request() {
    let fake = Fake::new(build(vec![one()]));
    let registry = crate::Registry::new().with(FakeDialect(fake.clone()));
    let options = crate::OpenOptions::new("fake:").with_migrations(shop());
    let store = registry.open_with(&options).unwrap();
    assert_eq!(named(&store.schema().pending().unwrap()), [ONE, SHOP]);
    let store = registry.open_with(&options.auto_migrate()).unwrap();
    assert_eq!(store.schema().pending().unwrap(), []);
    fake.world().data.diesel.as_mut().unwrap().insert("29990101000000".to_owned());
    let refused = registry.open_with(&crate::OpenOptions::new("fake:").auto_migrate()).unwrap_err();
    assert_eq!(fault(&refused), Some(SchemaFault::Newer));
    let wrong = crate::OpenOptions::new("fake:").with_migrations(build(vec![two()]));
    assert_eq!(registry.open_with(&wrong).unwrap_err().kind(), ErrorKind::Config);
}
