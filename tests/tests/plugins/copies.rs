//! Two copies of SQLite on one file lose what was committed, within a process: so a second one is refused. Processes have
//! locks of their own, and any of them may use either copy.

use std::path::{Path, PathBuf};

use polymnia::{ErrorKind, MemoryStore, Namespace, NewMemory, Registry, Result, Selection};
use polymnia_sqlite::Sqlite;
use polymnia_tests::cli;
use polymnia_tests::plugins::Plugin;
use tempfile::TempDir;

/// Opens a file by the built-in dialect or by the plugin.
type Way = fn(&Path) -> Result<MemoryStore>;

const ORDERS: [(&str, Way, Way); 2] = [("native first", native, plugin), ("plugin first", plugin, native)];

#[test]
fn a_second_copy_is_refused_by_whatever_name_it_comes() {
    for (order, first, second) in ORDERS {
        for name in NAMES {
            let place = Place::new();
            let file = place.file();
            // The file is there, and nobody has it.
            drop(first(&file).and_then(|store| store.migrate()).unwrap());
            let opened = first(&file).unwrap();
            let path = name.1(&place);
            let error = second(&path).expect_err(&format!("{order}, {}", name.0));
            assert_eq!(error.kind(), ErrorKind::Config, "{order}, {}: {error:?}", name.0);
            assert!(error.message().contains("two copies"), "{order}, {}: {error:?}", name.0);
            // Whoever has it goes on, and may open it again; the other may once it is closed. By the file's own name: SQLite
            // keeps the log of a hard link apart.
            put(&opened, "kept");
            put(&first(&file).unwrap(), "kept");
            drop(opened);
            let second = second(&file).unwrap();
            assert_eq!(second.count(&namespace(), &Selection::default()).unwrap(), 2, "{order}, {}", name.0);
        }
    }
}

#[test]
fn a_file_that_is_not_there_yet_is_one_file_all_the_same() {
    for (order, first, second) in ORDERS {
        for by_another in [false, true] {
            let place = Place::new();
            let opened = first(&place.file()).unwrap();
            let path = if by_another { in_a_linked_folder(&place) } else { place.file() };
            let error = second(&path).expect_err(order);
            assert_eq!(error.kind(), ErrorKind::Config, "{order}: {error:?}");
            opened.migrate().unwrap();
            second(&path).expect_err(order);
            drop(opened);
            assert_eq!(second(&path).unwrap().migrate().unwrap().applied, Vec::<String>::new(), "{order}");
        }
    }
}

#[test]
fn other_files_and_databases_in_memory_are_nobody_else_s() {
    let place = Place::new();
    let one = native(&place.file()).unwrap();
    let another = plugin(&place.0.path().join("another.db")).unwrap();
    let memories = [Registry::new().with(Sqlite), Registry::new().with(Plugin::Sqlite.load())]
        .map(|registry| registry.open(":memory:").unwrap());
    for store in [&one, &another, &memories[0], &memories[1]] {
        store.migrate().unwrap();
        put(store, "m");
        assert_eq!(store.count(&namespace(), &Selection::default()).unwrap(), 1);
    }
}

#[test]
fn processes_may_use_either_copy() {
    let place = Place::new();
    let store = native(&place.file()).unwrap();
    store.migrate().unwrap();
    let url = format!("sqlite://{}", place.file().display());
    let library = Plugin::Sqlite.library();
    for round in 1..=3_u64 {
        put(&store, "by this process");
        let mut command = cli::command(["--only-plugins", "--allow-insecure-plugin", "--plugin"]);
        command.arg(&library).args(["--database-url", &url, "--namespace", "acme", "add", "by the other"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(store.count(&namespace(), &Selection::default()).unwrap(), 2 * round);
    }
    assert!(store.admin().verify().unwrap().is_sound());
}

type Naming = fn(&Place) -> PathBuf;

/// Names of one file.
const NAMES: [(&str, Naming); 5] = [
    ("the same path", Place::file),
    ("a symbolic link", |place| {
        let link = place.0.path().join("link.db");
        std::os::unix::fs::symlink(place.file(), &link).unwrap();
        link
    }),
    ("a hard link", |place| {
        let link = place.0.path().join("hard.db");
        std::fs::hard_link(place.file(), &link).unwrap();
        link
    }),
    ("a linked folder", in_a_linked_folder),
    ("a path with dots", |place| place.0.path().join("folder/../folder/./memories.db")),
];

fn in_a_linked_folder(place: &Place) -> PathBuf {
    let link = place.0.path().join("elsewhere");
    std::os::unix::fs::symlink(place.0.path().join("folder"), &link).unwrap();
    link.join("memories.db")
}

/// Is a folder with a folder for the file.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("folder/memories.db")
    }
}

fn native(path: &Path) -> Result<MemoryStore> {
    Registry::new().with(Sqlite).open(format!("sqlite://{}", path.display()))
}

fn plugin(path: &Path) -> Result<MemoryStore> {
    Registry::new().with(Plugin::Sqlite.load()).open(format!("sqlite://{}", path.display()))
}

fn put(store: &MemoryStore, content: &str) {
    store.put(&namespace(), NewMemory::new(content).unwrap()).unwrap();
}

fn namespace() -> Namespace {
    Namespace::new("acme").unwrap()
}
