//! What is no plugin is refused, with the reason, before any code of it runs.

use std::fs;

use super::*;

#[test]
fn a_name_without_a_folder_is_not_searched_for() {
    for name in ["libsmall.so", "small", "..", ""] {
        let error = open(Path::new(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{name}: {error}");
        assert!(error.hint().unwrap().starts_with(&format!("write ./{name} ")), "{name}");
    }
}

#[test]
fn what_is_no_library_is_refused() {
    let folder = folder();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    refusal(&file("empty.so", b""), ErrorKind::Plugin, "it is empty");
    refusal(
        &file("text.so", b"this is no library, as anybody can read\n"),
        ErrorKind::Plugin,
        "it is no shared library",
    );
    refusal(&file("short.so", b"\x7fELF"), ErrorKind::Plugin, "it is no shared library");
    refusal(&file("zero.so", &[0; 4096]), ErrorKind::Plugin, "it is no shared library");
    refusal(&folder.path().join("absent.so"), ErrorKind::NotFound, "does not exist");
    refusal(&folder.path().join("text.so/x.so"), ErrorKind::NotFound, "does not exist");
    let sub = folder.path().join("sub.so");
    fs::create_dir(&sub).unwrap();
    refusal(&sub, ErrorKind::Plugin, "it is a folder");
}

#[cfg(unix)]
#[test]
fn what_is_no_plain_file_is_refused_at_once() {
    let folder = folder();
    let fifo = folder.path().join("fifo.so");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    refusal(&fifo, ErrorKind::Plugin, "it is no plain file");
    refusal(Path::new("/dev/null"), ErrorKind::Plugin, "it is no plain file");
    assert!(crate::host::file::open_plain(&fifo).is_err(), "not even where it was plain a moment ago");
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_of_somebody_else_is_refused() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut libraries =
        maps.lines().filter_map(|line| line.split_whitespace().nth(5)).filter(|path| path.contains(".so"));
    let library = libraries.next_back().expect("a test that needs the system's libc has it mapped");
    refusal(Path::new(library), ErrorKind::Plugin, "it exports no polymnia_plugin_v1");
}

#[test]
fn a_library_that_only_mentions_the_entry_is_refused() {
    let folder = folder();
    let import = "extern int polymnia_plugin_v1[]; int *use(void) { return polymnia_plugin_v1; }";
    refusal(&compile(folder.path(), "import.so", import), ErrorKind::Plugin, "it exports no polymnia_plugin_v1");
    let hidden = "__attribute__((visibility(\"hidden\"))) int polymnia_plugin_v1[9] = { 1 };";
    refusal(&compile(folder.path(), "hidden.so", hidden), ErrorKind::Plugin, "it exports no polymnia_plugin_v1");
    let function = "void polymnia_plugin_v1(void) {}";
    refusal(&compile(folder.path(), "function.so", function), ErrorKind::Plugin, "its polymnia_plugin_v1 is no table");
    let named = "int polymnia_plugin_v1x[9] = { 1 }; int polymnia_plugin_v[9] = { 1 };";
    refusal(&compile(folder.path(), "named.so", named), ErrorKind::Plugin, "it exports no polymnia_plugin_v1");
}

#[test]
fn another_major_version_is_refused_with_both_numbers() {
    let folder = folder();
    let path = Source { symbol: "polymnia_plugin_v2", major: 2, ..Source::default() }.build(folder.path());
    let error = refusal(&path, ErrorKind::Plugin, "it has version 2 of the ABI: expected 1");
    assert!(error.hint().is_some());
    assert!(!ran(&folder), "its code never runs");
}

#[test]
fn a_library_that_was_cut_off_is_refused_wherever_it_was_cut() {
    let folder = folder();
    let whole = fs::read(Source::default().build(folder.path())).unwrap();
    let cut = folder.path().join("cut.so");
    let lengths = (1..200).chain((200..whole.len()).step_by(61)).chain([whole.len() - 1]);
    for length in lengths {
        fs::write(&cut, &whole[..length]).unwrap();
        let error = open(&cut).map(|_| length).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Plugin, "{length} bytes: {error}");
    }
    assert!(!ran(&folder));
    fs::write(&cut, &whole).unwrap();
    open(&cut).unwrap();
    assert!(ran(&folder), "the marker works");
}

#[test]
fn a_file_beyond_a_gibibyte_is_refused_unread() {
    let folder = folder();
    let path = folder.path().join("huge.so");
    fs::File::create(&path).unwrap().set_len((1 << 30) + 1).unwrap();
    refusal(&path, ErrorKind::Plugin, "it is 1073741825 bytes long: expected a shared library of 1073741824 at most");
}

#[test]
fn a_library_with_a_hole_is_refused() {
    let folder = folder();
    let whole = fs::read(Source::default().build(folder.path())).unwrap();
    let holed = folder.path().join("holed.so");
    // As an interrupted download leaves it: as long as it should be, with nothing in it from some place on.
    for from in [64, 512, 1024, whole.len() / 2] {
        let mut bytes = whole.clone();
        bytes[from..].fill(0);
        fs::write(&holed, bytes).unwrap();
        refusal(&holed, ErrorKind::Plugin, "");
    }
    assert!(!ran(&folder));
}

#[cfg(all(unix, target_pointer_width = "64"))]
#[test]
fn a_library_for_another_machine_is_refused() {
    let folder = folder();
    let whole = fs::read(Source::default().build(folder.path())).unwrap();
    let other = folder.path().join("other.so");
    for (place, value) in [(18, 0xf3), (4, 1), (5, 3 - whole[5])] {
        let mut bytes = whole.clone();
        bytes[place] = value;
        fs::write(&other, bytes).unwrap();
        refusal(&other, ErrorKind::Plugin, "it is for another machine: expected ");
    }
    let mut program = whole.clone();
    program[16] = 2;
    fs::write(&other, program).unwrap();
    refusal(&other, ErrorKind::Plugin, "it is no shared library, though an ELF file");
    assert!(!ran(&folder));
}

#[test]
fn what_the_system_cannot_load_is_told() {
    let folder = folder();
    let missing =
        "extern int not_there(void); int polymnia_plugin_v1[32] = { 1 }; int use(void) { return not_there(); }";
    let path = compile(folder.path(), "missing.so", missing);
    refusal(&path, ErrorKind::Plugin, "not_there");
}
