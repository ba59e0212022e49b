//! The schema: creating it, and being without it.

use polymnia::schema::{BackupMode, Compatibility, Origin, RunOptions, Target};
use polymnia::{ErrorKind, Expect, MemoryStore, Patch, Query, Result, Selection};

use super::Need;
use super::prelude::*;
use crate::fixture::Subject;

pub(super) fn operations_before_migrating_say_what_to_do(subject: &Subject) {
    let store = subject.another();
    for (name, operation) in operations(&store) {
        let error = match operation(&store) {
            Ok(()) => panic!("{name} works without a schema"),
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::Migration, "{name}: {error:?}");
        let hint = error.hint().unwrap_or_else(|| panic!("{name} gives no hint: {error:?}"));
        assert!(hint.contains("polymnia init"), "{name}: {hint}");
    }
    store.migrate().unwrap();
    for (name, operation) in operations(&store) {
        match operation(&store) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{name}: {error:?}"),
        }
    }
}

pub(super) fn migrating_creates_and_reports(subject: &Subject) {
    let store = subject.another();
    let known: Vec<String> = store.schema().pending().unwrap().iter().map(ToString::to_string).collect();
    let report = store.migrate().unwrap();
    assert!(report.created);
    assert_eq!(report.applied, known);
    assert_eq!(report.version.as_ref(), known.last());
}

pub(super) fn migrating_twice_changes_nothing(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("kept"));
    let before = store.schema().history().unwrap();
    for handle in [&store, &subject.another()] {
        let report = handle.migrate().unwrap();
        assert!(!report.created);
        assert_eq!(report.applied, Vec::<String>::new());
        assert_eq!(report.version, before.last().map(|migration| migration.version.to_string()));
    }
    assert_eq!(store.schema().history().unwrap(), before);
    assert_eq!(get(&store, &here(), id(1)).content.as_str(), "kept");
}

pub(super) fn migrations_are_listed_in_order(subject: &Subject) {
    let store = subject.another();
    let before = store.schema().history().unwrap();
    assert!(!before.is_empty());
    assert!(before.iter().all(|migration| migration.known && !migration.applied), "{before:?}");
    assert!(before.iter().all(|migration| !migration.name.is_empty()), "{before:?}");
    assert!(before.is_sorted_by(|left, right| left.version < right.version), "{before:?}");
    let again = store.schema().history().unwrap();
    assert_eq!(again, before, "listing changes nothing");
    store.migrate().unwrap();
    let after = store.schema().history().unwrap();
    assert_eq!(after.len(), before.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((&before.version, &before.name), (&after.version, &after.name));
        assert!(after.known && after.applied, "{after:?}");
    }
}

pub(super) fn describing_works_without_a_schema(subject: &Subject) {
    let store = subject.another();
    let known = store.schema().history().unwrap().len();
    let info = store.admin().info().unwrap();
    assert_eq!((info.schema_version, info.schema_pending), (None, known));
    store.admin().ping().unwrap();
    let info = store.admin().info().unwrap();
    assert_eq!(info.schema_version, None, "describing changes nothing");
    store.migrate().unwrap();
    assert_eq!(store.admin().info().unwrap().schema_pending, 0);
}

pub(super) fn the_schema_is_described_and_valid(subject: &Subject) {
    let store = subject.another();
    let before = store.schema().database_info().unwrap();
    assert_eq!((before.versions, before.pending), (vec![], store.schema().pending().unwrap()));
    assert!(before.valid, "nothing is applied, and nothing is there");
    store.migrate().unwrap();
    put(&store, &here(), id(1), new("m"));
    let info = store.schema().database_info().unwrap();
    assert_eq!((&info.dialect, &info.server_version), (&info.database.dialect, &info.database.server_version));
    assert_eq!((&info.versions, info.pending), (&info.heads, vec![]));
    assert_eq!(info.access, Compatibility::Full);
    assert!(info.tables.iter().all(|table| !table.name.is_empty() && table.bytes != Some(0)), "{:?}", info.tables);
    let validation = store.schema().validate().unwrap();
    assert!(info.valid && validation.valid, "{validation:?}");
    assert_eq!(validation.fingerprint, validation.expected);
    assert_eq!(store.schema().dump().unwrap().part(true), store.schema().expected(None).unwrap());
}

pub(super) fn initialising_applies_nothing(subject: &Subject) {
    let schema = subject.another().schema();
    assert!(!schema.status().unwrap().initialised);
    assert!(schema.initialize().unwrap().created);
    assert!(!schema.initialize().unwrap().created, "it is there already");
    let status = schema.status().unwrap();
    assert!(status.initialised && status.problems.is_empty() && status.lock_holder.is_none(), "{status:?}");
    assert_eq!((status.current, status.pending), (vec![], status.plan.unwrap().steps.into_iter().map(|s| s.version).collect()));
}

pub(super) fn going_down_and_up_again_is_recorded(subject: &Subject) {
    let store = subject.store();
    let options = RunOptions { backup: BackupMode::Never, allow_destructive: true, ..RunOptions::default() };
    let schema = store.schema().with_options(options);
    let all = schema.current().unwrap();
    let down = schema.downgrade(&Target::Base).unwrap();
    assert_eq!((schema.current().unwrap(), down.to), (vec![], None));
    assert!(schema.validate().unwrap().valid, "nothing of ours is left");
    let up = schema.upgrade(&Target::Head).unwrap();
    assert!(!up.created, "the ledgers stayed");
    assert_eq!((schema.current().unwrap(), up.steps.len()), (all, down.steps.len()));
    assert!(schema.validate().unwrap().valid);
    let events: Vec<String> = schema.log(1_000).unwrap().into_iter().rev().map(|line| line.event).collect();
    let expected = ["applied", "reverted", "applied"].map(|event| vec![event; up.steps.len()]).concat();
    assert_eq!(events, expected);
    put(&store, &here(), id(1), new("m"));
    schema.reset().unwrap();
    assert!(!schema.status().unwrap().initialised, "nothing at all is left");
}

pub(super) fn stamping_runs_nothing(subject: &Subject) {
    let store = subject.another();
    let stamped = store.schema().stamp(&Target::Head).unwrap();
    assert_eq!(store.schema().pending().unwrap(), vec![]);
    let history = store.schema().history().unwrap();
    assert!(history.iter().all(|one| one.applied && one.origin == Some(Origin::Stamped)), "{history:?}");
    let taken_back: Vec<_> = store.schema().stamp(&Target::Base).unwrap().into_iter().rev().collect();
    assert_eq!(taken_back, stamped);
    assert_eq!(store.migrate().unwrap().applied.len(), stamped.len(), "only now it runs");
    put(&store, &here(), id(1), new("m"));
}

pub(super) fn many_migrate_at_once(subject: &Subject) {
    let stores: Vec<MemoryStore> = (0..6).map(|_| subject.another()).collect();
    let reports: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = stores.iter().map(|store| scope.spawn(|| store.migrate())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
    });
    let applied: usize = reports.iter().map(|report| report.applied.len()).sum();
    assert_eq!(applied, stores[0].schema().history().unwrap().len(), "each version is applied once: {reports:?}");
    assert_eq!(reports.iter().filter(|report| report.created).count(), 1, "one created the schema: {reports:?}");
    put(&stores[5], &here(), id(1), new("a"));
}

type Operation = fn(&MemoryStore) -> Result<()>;

/// Returns every operation that needs a schema and that the dialect claims.
fn operations(store: &MemoryStore) -> Vec<(&'static str, Operation)> {
    let needs = |name| match name {
        "query with a filter" => Some(Need::Containment),
        "set_change_capture" | "changes" => Some(Need::ChangeCapture),
        _ => None,
    };
    let mut operations = OPERATIONS.to_vec();
    operations.retain(|(name, _)| needs(*name).is_none_or(|need| claims(store, need)));
    operations
}

const OPERATIONS: [(&str, Operation); 16] = [
        ("put", |store| store.put(&here(), new("a")).map(drop)),
        ("update", |store| {
            let patch = Patch { tier: Some(tier("x")), ..Patch::default() };
            store.update(&here(), id(1), patch, Expect::Any).map(drop)
        }),
        ("delete", |store| store.delete(&here(), id(1)).map(drop)),
        ("get", |store| store.get(&here(), id(1)).map(drop)),
        ("get_many", |store| store.get_many(&here(), &[id(1), id(2)]).map(drop)),
        ("query", |store| store.query(&here(), &Query::default()).map(drop)),
        ("query with a filter", |store| store.query(&here(), &Query::new(contains(r#"{"a": 1}"#))).map(drop)),
        ("count", |store| store.count(&here(), &Selection::default()).map(drop)),
        ("delete_matching", |store| store.delete_matching(&here(), &Selection::default()).map(drop)),
        ("stats", |store| store.stats(&here()).map(drop)),
        ("namespaces", |store| store.admin().namespaces(None, 10).map(drop)),
        ("rename_namespace", |store| store.admin().rename_namespace(&here(), &ns("to")).map(drop)),
        ("delete_namespace", |store| store.admin().delete_namespace(&here()).map(drop)),
        ("sweep", |store| store.admin().sweep(10).map(drop)),
        ("set_change_capture", |store| store.admin().set_change_capture(false)),
        ("changes", |store| store.admin().changes(0, 10).map(drop)),
];
