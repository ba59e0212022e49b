//! Looking after a database. What a dialect can't do here, it refuses as such: there is no capability that says so.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use polymnia::schema::{Event, SchemaFault, SessionOptions};
use polymnia::spi::Engine;
use polymnia::{Call, Error, ErrorKind, MemoryStore, Result, Selection};

use super::prelude::*;
use crate::fixture::Subject;

pub(super) fn a_backup_brings_everything_back(subject: &Subject) {
    let store = filled(subject);
    let before = all(&store, &here(), Selection::default());
    let engine = subject.engine();
    let (schema, call, options) = (engine.schema(), call(subject), SessionOptions::default());
    let folder = Folder::new();
    let file = folder.0.join("backup");
    let Some(made) = unless_unsupported(schema.backup(&call, &options, &file)) else { return };
    assert_eq!(made.dialect, store.admin().info().unwrap().dialect);
    assert_eq!(made.version, store.admin().info().unwrap().schema_version);
    assert!(made.bytes > 0 && made.sha256.len() == 64, "{made:?}");
    assert!(made.memories.is_none_or(|memories| memories == 30), "{made:?}");
    let verified = schema.verify_backup(&call, &file).unwrap();
    assert_eq!((&verified.sha256, verified.bytes), (&made.sha256, made.bytes));
    refused(schema.backup(&call, &options, &file), ErrorKind::Conflict);
    store.delete_matching(&here(), &Selection::default().with_user(user("u1"))).unwrap();
    put(&store, &ns("later"), id(1), new("written after the backup"));
    schema.restore(&call, &options, &file).unwrap();
    assert_eq!(all(&store, &here(), Selection::default()), before);
    assert_eq!(store.count(&ns("later"), &Selection::default()).unwrap(), 0);
    put(&store, &here(), id(99), new("connections stay usable"));
}

pub(super) fn what_is_no_backup_is_refused(subject: &Subject) {
    let store = filled(subject);
    let engine = subject.engine();
    let (schema, call, options) = (engine.schema(), call(subject), SessionOptions::default());
    let folder = Folder::new();
    let missing = folder.0.join("missing");
    let text = folder.0.join("text");
    std::fs::write(&text, "no backup of anything").unwrap();
    for (file, kind) in [(&missing, ErrorKind::NotFound), (&text, ErrorKind::Corrupt)] {
        for result in [schema.verify_backup(&call, file).map(drop), schema.restore(&call, &options, file)] {
            let error = result.unwrap_err();
            assert!(cannot(&error) || error.kind() == kind, "{}: {error:?}", file.display());
        }
    }
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), 30, "nothing was put back");
}

pub(super) fn a_scratch_database_is_apart(subject: &Subject) {
    let store = filled(subject);
    let Some(scratch) = scratch(subject, false) else { return };
    assert_eq!(scratch.capability(), store.capability());
    let other = MemoryStore::new(scratch).with_clock(subject.clock().clone());
    assert!(other.migrate().unwrap().created, "it has not even a schema");
    assert_eq!(other.count(&here(), &Selection::default()).unwrap(), 0);
    put(&other, &here(), id(500), new("only there"));
    assert_eq!(store.get(&here(), id(500)).unwrap(), None);
    drop(other);
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), 30);
}

pub(super) fn a_scratch_copy_holds_the_same(subject: &Subject) {
    let store = filled(subject);
    let before = all(&store, &here(), Selection::default());
    let Some(scratch) = scratch(subject, true) else { return };
    let copy = MemoryStore::new(scratch).with_clock(subject.clock().clone());
    assert_eq!(all(&copy, &here(), Selection::default()), before);
    copy.delete_matching(&here(), &Selection::default()).unwrap();
    drop(copy);
    assert_eq!(all(&store, &here(), Selection::default()), before);
}

pub(super) fn what_the_schema_promises_holds(subject: &Subject) {
    let store = filled(subject);
    for probe in subject.engine().schema().probe(&call(subject)).unwrap() {
        assert!(probe.holds && !probe.name.is_empty(), "{probe:?}");
    }
    assert_eq!(store.count(&here(), &Selection::default()).unwrap(), 30, "trying left nothing");
}

pub(super) fn health_is_told(subject: &Subject) {
    filled(subject);
    let health = subject.engine().schema().health(&call(subject)).unwrap();
    assert!(health.tables.iter().all(|table| !table.name.is_empty()), "{health:?}");
    assert!(health.locks.is_empty(), "nobody waits: {health:?}");
}

pub(super) fn nobody_holds_the_lock(subject: &Subject) {
    let store = subject.store();
    let engine = subject.engine();
    let (schema, call) = (engine.schema(), call(subject));
    assert_eq!(schema.lock_holder(&call).unwrap(), None);
    let session = schema.session(&call, &SessionOptions::default(), &mut |_: &Event<'_>| ()).unwrap();
    let holder = schema.lock_holder(&call).unwrap().expect("the session holds the lock");
    assert!(!holder.description.is_empty(), "{holder:?}");
    // The next waits as long as it said and is told who holds the lock.
    let wait = SessionOptions { lock_wait: std::time::Duration::from_millis(150), ..SessionOptions::default() };
    let error = schema.session(&call, &wait, &mut |_: &Event<'_>| ()).unwrap_err();
    assert_eq!(error.context_value("code"), Some(SchemaFault::Locked.code()), "{error:?}");
    drop(session);
    drop(schema.session(&call, &wait, &mut |_: &Event<'_>| ()).unwrap());
    assert_eq!(schema.lock_holder(&call).unwrap(), None);
    put(&store, &here(), id(1), new("m"));
}

/// Returns a store of 30 memories.
fn filled(subject: &Subject) -> MemoryStore {
    let store = subject.store();
    let memory = |n: u64| new("m").with_user(user(&format!("u{}", n % 3))).with_metadata(metadata(r#"{"a": [1, "b"]}"#));
    store.apply(&here(), &(0..30).map(|n| put_mutation(id(n), memory(n))).collect::<Vec<_>>()).unwrap();
    store
}

fn call(subject: &Subject) -> Call {
    Call::at(subject.clock().now())
}

#[track_caller]
fn scratch(subject: &Subject, copy: bool) -> Option<Arc<dyn Engine>> {
    unless_unsupported(subject.engine().schema().scratch(&call(subject), copy))
}

/// Returns nothing if the dialect, or this machine, has no way to do that and says so.
#[track_caller]
fn unless_unsupported<T>(result: Result<T>) -> Option<T> {
    match result {
        Ok(done) => Some(done),
        Err(error) if cannot(&error) => None,
        Err(error) => panic!("{error:?}"),
    }
}

fn cannot(error: &Error) -> bool {
    let no_tool = error.context_value("code") == Some(SchemaFault::NoBackup.code());
    no_tool || matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied)
}

/// Is a folder of its own for files, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("polymnia-kit-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _: std::io::Result<()> = std::fs::remove_dir_all(AsRef::<Path>::as_ref(&self.0));
    }
}
