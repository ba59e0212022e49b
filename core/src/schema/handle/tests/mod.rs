//! Tests of the handle, over a database in memory that knows a few kinds of statements.

mod adopting;
mod mending;
mod newer;
mod together;

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

    fn library(&self) -> Option<&crate::spi::Library> {
        None
    }

    fn source(&self) -> Result<Source> {
        Ok(crate::spi::SchemaEngine::source(&self.0))
    }

    fn claims(&self, _: &crate::OpenOptions) -> Result<Vec<std::path::PathBuf>> {
        Ok(Vec::new())
    }

    fn open(&self, _: &crate::OpenOptions) -> Result<Arc<dyn crate::spi::Engine>> {
        Ok(Arc::new(self.0.clone()))
    }
}

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
fn what_is_expected_is_found_out_by_running() {
    let fake = Fake::new(build(vec![one(), two()]));
    let schema = schema(&fake);
    assert_eq!(schema.expected(Some(ONE)).unwrap().0.len(), 1);
    let all = schema.expected(None).unwrap();
    schema.upgrade(&Target::Head).unwrap();
    assert_eq!(all, schema.dump().unwrap());
    assert_eq!(fault(&schema.expected(Some("9")).unwrap_err()), Some(SchemaFault::UnknownTarget));
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
