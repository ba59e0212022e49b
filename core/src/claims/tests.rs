//! Tests with dialects that have nothing but names and files.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::*;
use crate::schema::Source;
use crate::schema::fake::{Fake, source};
use crate::spi::Engine;
use crate::{ConnectionString, MemoryStore, Registry};

/// Is a dialect that keeps a database in the file that its URL names after `://`, and a log beside it.
#[derive(Debug)]
pub(crate) struct Filed {
    pub(crate) name: &'static str,
    pub(crate) schemes: &'static [&'static str],
    pub(crate) library: Option<Library>,
    /// What its engines hold.
    held: Mutex<Option<Box<dyn std::any::Any + Send>>>,
}

impl Filed {
    pub(crate) fn built_in(name: &'static str, schemes: &'static [&'static str]) -> Self {
        Self { name, schemes, library: None, held: Mutex::default() }
    }

    pub(crate) fn plugin(name: &'static str, schemes: &'static [&'static str], path: &str, address: usize) -> Self {
        let library = Some(Library { path: path.into(), address });
        Self { library, ..Self::built_in(name, schemes) }
    }
}

impl Dialect for Filed {
    fn name(&self) -> &str {
        self.name
    }

    fn url_schemes(&self) -> &[&str] {
        self.schemes
    }

    fn recognizes(&self, _: &ConnectionString) -> bool {
        false
    }

    fn library(&self) -> Option<&Library> {
        self.library.as_ref()
    }

    fn source(&self) -> Result<Source> {
        Ok(source(self.name, Vec::new()))
    }

    fn claims(&self, options: &OpenOptions) -> Result<Vec<PathBuf>> {
        let (_, path) = options.url().expose().split_once("://").expect("a test gives a URL");
        let beside = ["", "-wal"].map(|suffix| PathBuf::from(format!("{path}{suffix}")));
        Ok(if path == ":memory:" { Vec::new() } else { beside.into() })
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        if options.url().expose().ends_with("broken.db") {
            return Err(Error::new(ErrorKind::Corrupt, "broken"));
        }
        let engine = Fake::new(source(self.name, Vec::new()));
        engine.world().held = self.held.lock().unwrap().take();
        Ok(Arc::new(engine))
    }
}

fn native() -> Filed {
    Filed::built_in("sqlite", &["sqlite"])
}

fn plugin() -> Filed {
    Filed::plugin("sqlite", &["sqlite"], "/lib/libone.so", 1)
}

fn options(path: &Path) -> OpenOptions {
    OpenOptions::new(format!("sqlite://{}", path.display()))
}

/// Claims a file and goes away with nothing but the claim.
fn claim(dialect: &Filed, path: &Path) -> Result<Arc<Claim>> {
    claiming(dialect, &options(path), |claim| Ok(Arc::clone(claim)))
}

#[track_caller]
fn refused(dialect: &Filed, path: &Path) -> Error {
    claim(dialect, path).map(|_| ()).unwrap_err()
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    (folder, file)
}

#[test]
fn a_second_owner_is_refused_with_the_reason() {
    let (_folder, file) = folder();
    let held = claim(&native(), &file).unwrap();
    let error = refused(&plugin(), &file);
    let expected = format!(
        "sqlite file {} is already open in this process through the built-in dialect sqlite: two copies of sqlite in one \
         process on one file lose data",
        file.display()
    );
    assert_eq!((error.kind(), error.message(), error.operation()), (ErrorKind::Config, &*expected, Some("connect")));
    assert_eq!(error.context_value("refused"), Some("plugin sqlite (/lib/libone.so)"));
    assert!(error.hint().is_some());
    drop(held);
    let held = claim(&plugin(), &file).unwrap();
    assert!(refused(&native(), &file).message().contains("through plugin sqlite (/lib/libone.so): two copies"));
    let other = Filed::plugin("sqlite", &["sqlite"], "/lib/libone.so", 2);
    refused(&other, &file);
    drop(held);
    claim(&other, &file).unwrap();
}

#[test]
fn the_same_code_shares_until_its_last_claim_is_gone() {
    let (_folder, file) = folder();
    let first = claim(&plugin(), &file).unwrap();
    let second = claim(&plugin(), &file).unwrap();
    drop(first);
    refused(&native(), &file);
    drop(second);
    claim(&native(), &file).unwrap();
}

#[test]
fn memory_is_claimed_by_nobody() {
    let memory = Path::new(":memory:");
    let _one = claim(&native(), memory).unwrap();
    claim(&plugin(), memory).unwrap();
}

#[test]
fn other_files_are_free() {
    let (folder, file) = folder();
    let _held = claim(&native(), &file).unwrap();
    claim(&plugin(), &folder.path().join("b.db")).unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    claim(&plugin(), &folder.path().join("sub/a.db")).unwrap();
}

#[test]
fn a_file_that_is_not_there_is_claimed_by_its_place() {
    let (folder, file) = folder();
    fs::create_dir(folder.path().join("sub")).unwrap();
    let _held = claim(&native(), &file).unwrap();
    refused(&plugin(), &folder.path().join("sub/../a.db"));
    let elsewhere = Path::new("/no/such/folder/a.db");
    let _nowhere = claim(&native(), elsewhere).unwrap();
    refused(&plugin(), elsewhere);
}

#[cfg(unix)]
#[test]
fn links_lead_to_the_file() {
    use std::os::unix::fs::symlink;
    let (folder, file) = folder();
    let path = |name: &str| folder.path().join(name);
    symlink(folder.path(), path("folder")).unwrap();
    symlink("a.db", path("soft.db")).unwrap();
    symlink("soft.db", path("soft-of-soft.db")).unwrap();
    let names = ["folder/a.db", "soft.db", "soft-of-soft.db", "folder/folder/soft.db"];
    let held = claim(&native(), &file).unwrap();
    for name in names {
        refused(&plugin(), &path(name));
    }
    drop(held);
    // The other way about: through a link to what isn't there yet.
    let held = claim(&native(), &path("soft-of-soft.db")).unwrap();
    refused(&plugin(), &file);
    drop(held);
    fs::write(&file, "").unwrap();
    fs::hard_link(&file, path("hard.db")).unwrap();
    let _held = claim(&native(), &path("hard.db")).unwrap();
    refused(&plugin(), &file);
    for name in names {
        refused(&plugin(), &path(name));
    }
}

#[cfg(unix)]
#[test]
fn links_that_lead_in_a_circle_end() {
    let (folder, _) = folder();
    let (one, two) = (folder.path().join("one.db"), folder.path().join("two.db"));
    std::os::unix::fs::symlink(&one, &two).unwrap();
    std::os::unix::fs::symlink(&two, &one).unwrap();
    claim(&native(), &one).unwrap();
}

/// Opens a database whose file is made while it opens.
fn create(dialect: &Filed, file: &Path) -> Arc<Claim> {
    let make = |claim: &Arc<Claim>| {
        fs::write(file, "").unwrap();
        Ok(Arc::clone(claim))
    };
    claiming(dialect, &options(file), make).unwrap()
}

#[cfg(unix)]
#[test]
fn a_new_file_keeps_its_claim_when_it_is_moved() {
    let (folder, file) = folder();
    let moved = folder.path().join("moved.db");
    let _held = create(&native(), &file);
    fs::rename(&file, &moved).unwrap();
    refused(&plugin(), &moved);
    // The place is not free either: what stands there may come back.
    refused(&plugin(), &file);
}

#[test]
fn a_file_made_anew_is_still_the_place_of_the_one_that_is_open() {
    let (_folder, file) = folder();
    let _held = create(&native(), &file);
    fs::remove_file(&file).unwrap();
    fs::write(&file, "").unwrap();
    refused(&plugin(), &file);
}

#[test]
fn what_stands_beside_a_database_is_claimed_by_its_place() {
    let (folder, file) = folder();
    let log = folder.path().join("a.db-wal");
    fs::write(&log, "").unwrap();
    let _held = create(&native(), &file);
    refused(&plugin(), &log);
    // Logs come and go: what one of them becomes later is nobody's.
    let later = folder.path().join("later.db");
    fs::rename(&log, &later).unwrap();
    claim(&plugin(), &later).unwrap();
}

#[cfg(unix)]
#[test]
fn nothing_is_opened() {
    let (_folder, file) = folder();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    // Opening it would wait for ever.
    let _held = claim(&native(), &file).unwrap();
    refused(&plugin(), &file);
}

#[test]
fn opening_that_fails_gives_the_claim_back() {
    let (folder, _) = folder();
    let file = folder.path().join("broken.db");
    let registry = Registry::new().with(native());
    assert_eq!(registry.open_with(&options(&file)).unwrap_err().message(), "broken");
    claim(&plugin(), &file).unwrap();
    let panicked = std::panic::catch_unwind(|| claiming(&native(), &options(&file), |_| -> Result<()> { panic!() }));
    assert!(panicked.is_err());
    claim(&plugin(), &file).unwrap();
}

#[test]
fn nobody_comes_in_while_a_database_is_being_opened() {
    let (_folder, file) = folder();
    claiming(&native(), &options(&file), |_| {
        refused(&plugin(), &file);
        claim(&native(), &file).map(|_| ())
    })
    .unwrap();
}

#[test]
fn of_many_threads_only_those_of_one_owner_are_in() {
    let (_folder, file) = folder();
    let inside = [AtomicU32::new(0), AtomicU32::new(0)];
    let entered = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (inside, entered, file) = (&inside, &entered, &file);
            let me = thread % 2;
            scope.spawn(move || {
                let dialect = if me == 0 { native() } else { plugin() };
                for _ in 0..20 {
                    if let Ok(held) = claim(&dialect, file) {
                        inside[me].fetch_add(1, Ordering::SeqCst);
                        assert_eq!(inside[1 - me].load(Ordering::SeqCst), 0);
                        entered.fetch_add(1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside[me].fetch_sub(1, Ordering::SeqCst);
                        drop(held);
                    }
                }
            });
        }
    });
    assert!(entered.into_inner() > 0);
    claim(&plugin(), &file).unwrap();
}

#[test]
fn what_closes_in_the_background_is_waited_for() {
    let (_folder, file) = folder();
    let held = claim(&native(), &file).unwrap();
    let (dialect, began) = (plugin(), std::time::Instant::now());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| claim(&dialect, &file).map(|_| began.elapsed()));
        while began.elapsed() < std::time::Duration::from_millis(20) {
            std::thread::yield_now();
        }
        drop(held);
        let waited = waiting.join().unwrap().unwrap();
        assert!(waited >= std::time::Duration::from_millis(20), "{waited:?}");
    });
}

#[test]
fn a_backup_is_read_only_where_no_database_is_open() {
    let (_folder, file) = folder();
    fs::write(&file, "").unwrap();
    let held = claim(&native(), &file).unwrap();
    let error = claim_backup(&file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.message().ends_with("is a database in use: expected a backup"), "{error}");
    drop(held);
    let reading = claim_backup(&file).unwrap();
    let also_reading = claim_backup(&file).unwrap();
    drop(reading);
    let error = refused(&native(), &file);
    assert!(error.message().ends_with("is being read as a backup in this process"), "{error}");
    drop(also_reading);
    claim(&native(), &file).unwrap();
}

/// Notes when it is dropped whether the file is still claimed.
struct Watch {
    file: PathBuf,
    seen: Arc<Mutex<Vec<bool>>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let is_claimed = claim(&plugin(), &self.file).is_err();
        self.seen.lock().unwrap().push(is_claimed);
    }
}

#[test]
fn a_store_keeps_its_claim_until_its_engine_is_closed() {
    let (_folder, file) = folder();
    let seen = Arc::default();
    let dialect = native();
    *dialect.held.lock().unwrap() = Some(Box::new(Watch { file: file.clone(), seen: Arc::clone(&seen) }));
    let registry = Registry::new().with(dialect);
    let store: MemoryStore = registry.open_with(&options(&file)).unwrap();
    let schema = store.clone().schema();
    drop(registry);
    drop(store);
    refused(&plugin(), &file);
    assert!(seen.lock().unwrap().is_empty());
    drop(schema);
    assert_eq!(*seen.lock().unwrap(), [true], "the engine goes first");
    claim(&plugin(), &file).unwrap();
}

#[test]
fn a_registry_refuses_what_another_copy_has_open() {
    let (_folder, file) = folder();
    let first = Registry::new().with(native()).open_with(&options(&file)).unwrap();
    let registry = Registry::new().with(plugin());
    let error = registry.open_with(&options(&file)).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Config, Some("connect")));
    assert!(error.message().contains("two copies of sqlite"), "{error}");
    drop(first);
    registry.open_with(&options(&file)).unwrap();
}
