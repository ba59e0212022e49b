//! The table of a library is believed as far as it goes.

use super::*;

#[track_caller]
fn check(source: &Source, part: &str) {
    let folder = folder();
    refusal(&source.build(folder.path()), ErrorKind::Plugin, part);
}

#[test]
fn a_sound_table_is_read_and_the_plugin_described() {
    let folder = folder();
    let path = Source::default().build(folder.path());
    let loaded = open(&path).unwrap();
    assert_eq!((&*loaded.description.name, &*loaded.description.version), ("small", "1.2.3"));
    assert_eq!(loaded.schemes, ["small"]);
    assert!(loaded.operations.contains(0) && !loaded.operations.contains(16));
    assert_eq!(loaded.library.path, path.canonicalize().unwrap());
    assert_ne!(loaded.library.address, 0);
    assert_eq!(loaded.sha256, None);
}

#[test]
fn a_library_is_loaded_once_whatever_its_names() {
    let folder = folder();
    let path = Source::default().build(folder.path());
    let first = open(&path).unwrap();
    assert!(std::ptr::eq(first, open(&path).unwrap()));
    std::fs::hard_link(&path, folder.path().join("hard.so")).unwrap();
    assert!(std::ptr::eq(first, open(&folder.path().join("hard.so")).unwrap()));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&path, folder.path().join("link.so")).unwrap();
        assert!(std::ptr::eq(first, open(&folder.path().join("link.so")).unwrap()));
    }
    let copy = folder.path().join("copy.so");
    std::fs::copy(&path, &copy).unwrap();
    let copy = open(&copy).unwrap();
    assert_ne!(first.library.address, copy.library.address, "a copy is another library");
}

#[test]
fn sixteen_threads_load_one_library() {
    let folder = folder();
    let path = Source::default().build(folder.path());
    let addresses: Vec<usize> = std::thread::scope(|scope| {
        let load = || std::ptr::from_ref(open(&path).unwrap()) as usize;
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(load)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(addresses.iter().all(|address| *address == addresses[0]));
}

#[test]
fn a_prefix_that_is_none_is_refused() {
    check(&Source { magic: "POLYMNIB", ..Source::default() }, "doesn't begin with the word");
    check(&Source { major: 2, ..Source::default() }, "it has version 2 of the ABI: expected 1");
    check(&Source { major: 0, ..Source::default() }, "it has version 0 of the ABI: expected 1");
    check(&Source { size: "8", ..Source::default() }, "8 bytes long, less than its prefix");
    check(&Source { size: "sizeof(struct table) + 1", ..Source::default() }, "more than there are");
    check(&Source { size: "0xffffffff", ..Source::default() }, "more than there are");
    let folder = folder();
    let tiny = compile(folder.path(), "tiny.so", "char polymnia_plugin_v1[8] = \"POLYMNIA\";");
    refusal(&tiny, ErrorKind::Plugin, "its table is no plugin's");
}

#[test]
fn a_table_that_ends_early_lacks_what_is_beyond() {
    for (functions, size) in [(0, "16"), (1, "24"), (2, "32"), (3, "40"), (4, "48"), (4, "55")] {
        let source = Source { size, ..Source::default() };
        let folder = folder();
        let error = refusal(&source.build(folder.path()), ErrorKind::Plugin, "it has no function ");
        let lacks = ["describe", "close", "close", "close", "free"][functions];
        assert!(error.to_string().ends_with(lacks), "{size}: {error}");
    }
}

#[test]
fn null_functions_are_not_there() {
    for (functions, lacks) in [
        ("0, open, call, close, take_back", "describe"),
        ("describe, open, call, 0, take_back", "close"),
        ("describe, open, call, close, 0", "free"),
    ] {
        check(&Source { functions, ..Source::default() }, &format!("it has no function {lacks}"));
    }
    let folder = folder();
    let source = Source { functions: "describe, 0, 0, close, take_back", ..Source::default() };
    let loaded = open(&source.build(folder.path())).unwrap();
    assert!(loaded.table.open.is_none() && loaded.table.call.is_none(), "these are told when they are asked for");
}

#[test]
fn a_newer_minor_version_is_read_as_far_as_it_is_known() {
    let folder = folder();
    let source = Source { minor: 7, after: "describe, open, call, close", ..Source::default() };
    let loaded = open(&source.build(folder.path())).unwrap();
    assert_eq!(loaded.table.prefix.minor, 7);
}

#[test]
fn a_description_that_is_nonsense_is_refused() {
    check(&Source { description: vec![0xff, 0x00], ..Source::default() }, "describe");
    check(&Source { description: Vec::new(), ..Source::default() }, "describe");
    check(&Source { status: 99, ..Source::default() }, "status 99");
    check(&Source { status: 3, ..Source::default() }, "panicked");
    let described = |name: &str, schemes: &[&str]| {
        let description = Description {
            name: name.to_owned(),
            version: "1".to_owned(),
            url_schemes: schemes.iter().map(|&scheme| scheme.to_owned()).collect(),
            ..Description::default()
        };
        wire::to_bytes(&description).unwrap().0
    };
    check(&Source { description: described("Small Db", &["small"]), ..Source::default() }, "its name is");
    check(&Source { description: described("small", &["Small"]), ..Source::default() }, "the URL scheme");
    check(&Source { description: described("small", &[]), ..Source::default() }, "0 URL schemes");
}
