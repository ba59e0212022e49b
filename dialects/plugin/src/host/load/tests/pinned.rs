//! Where there is a list of plugins, what isn't on it is not loaded.

use std::fs;

use super::*;
use crate::host::PINS_FILE;

fn pin(folder: &Path, entries: &[(&str, &str)]) -> PathBuf {
    let text = entries
        .iter()
        .fold(String::new(), |text, (file, sum)| text + &format!("[[plugin]]\nfile = {file:?}\nsha256 = {sum:?}\n"));
    let list = folder.join(PINS_FILE);
    fs::write(&list, text).unwrap();
    list
}

fn sum_of(path: &Path) -> String {
    pins::hex(&pins::sum(&fs::read(path).unwrap()))
}

#[test]
fn a_pinned_library_is_loaded_from_the_bytes_that_were_summed() {
    let folder = folder();
    let path = Source::default().build(folder.path());
    let sum = sum_of(&path);
    pin(folder.path(), &[("small.so", &sum)]);
    let first = open(&path).unwrap();
    assert_eq!(first.sha256.map(|sum| pins::hex(&sum)).as_deref(), Some(&*sum));
    assert_eq!(first.library.path, path.canonicalize().unwrap());
    assert!(std::ptr::eq(first, open(&path).unwrap()), "twice is once");
    #[cfg(target_os = "linux")]
    {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        assert!(!maps.contains(path.to_str().unwrap()), "the file itself is not mapped");
    }
}

#[test]
fn two_pinned_libraries_are_two() {
    let folder = folder();
    let one = Source::default().build(folder.path());
    fs::rename(&one, folder.path().join("one.so")).unwrap();
    let two = Source { minor: 1, ..Source::default() }.build(folder.path());
    let one = folder.path().join("one.so");
    pin(folder.path(), &[("one.so", &sum_of(&one)), ("small.so", &sum_of(&two))]);
    let (one, two) = (open(&one).unwrap(), open(&two).unwrap());
    assert_eq!((one.table.prefix.minor, two.table.prefix.minor), (0, 1));
    assert_ne!(one.library.address, two.library.address);
}

#[test]
fn another_sum_is_refused_with_both() {
    let folder = folder();
    let path = Source::default().build(folder.path());
    let pinned = "0".repeat(64);
    pin(folder.path(), &[("small.so", &pinned)]);
    let error = refusal(&path, ErrorKind::PermissionDenied, &pinned);
    assert!(error.to_string().contains(&sum_of(&path)), "{error}");
    assert!(!ran(&folder));
}

#[test]
fn what_is_not_listed_is_refused() {
    let folder = folder();
    let path = Source::default().build(folder.path());
    for entries in [&[][..], &[("other.so", &*sum_of(&path))]] {
        pin(folder.path(), entries);
        let error = refusal(&path, ErrorKind::PermissionDenied, "doesn't list it");
        assert!(error.hint().unwrap().contains(&sum_of(&path)), "{error:?}");
    }
    assert!(!ran(&folder));
}

#[test]
fn a_list_that_cannot_be_read_lets_nothing_through() {
    let folder = folder();
    let path = Source::default().build(folder.path());
    let list = pin(folder.path(), &[("small.so", &sum_of(&path))]);
    let text = fs::read_to_string(&list).unwrap();
    fs::write(&list, text.replace("sha256", "sha265")).unwrap();
    let error = open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert_eq!(error.context_value("line"), Some("3"), "{error}");
    fs::remove_file(&list).unwrap();
    fs::create_dir(&list).unwrap();
    open(&path).unwrap_err();
    assert!(!ran(&folder));
}

#[test]
fn a_list_elsewhere_counts_as_well() {
    let (folder, elsewhere) = (folder(), folder());
    let path = Source::default().build(folder.path());
    let list = pin(elsewhere.path(), &[("small.so", &sum_of(&path))]);
    let options = LoadOptions::default().with_pins(&list);
    let error = load(&path, &options).unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::PermissionDenied,
        "the file of that name in the list's folder is meant: {error}"
    );
    pin(elsewhere.path(), &[(path.to_str().unwrap(), &sum_of(&path))]);
    assert!(load(&path, &options).unwrap().sha256.is_some());
    fs::remove_file(&list).unwrap();
    assert_eq!(load(&path, &options).unwrap_err().kind(), ErrorKind::NotFound);
}

#[cfg(unix)]
#[test]
fn links_are_pinned_by_what_they_lead_to() {
    let (folder, elsewhere) = (folder(), folder());
    let path = Source::default().build(folder.path());
    let link = elsewhere.path().join("link.so");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    pin(elsewhere.path(), &[("link.so", &sum_of(&path))]);
    assert!(open(&link).unwrap().sha256.is_some());
    pin(folder.path(), &[]);
    let error = open(&link).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "both folders' lists count: {error}");
}

#[cfg(unix)]
#[test]
fn a_list_that_others_can_write_is_not_trusted() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let path = Source::default().build(folder.path());
    let list = pin(folder.path(), &[("small.so", &sum_of(&path))]);
    fs::set_permissions(&list, fs::Permissions::from_mode(0o666)).unwrap();
    let error = open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.to_string().starts_with(list.to_str().unwrap()), "{error}");
    load(&path, &LoadOptions::default().with_allow_insecure(true)).unwrap();
}

#[test]
fn a_pinned_library_must_be_a_plugin_all_the_same() {
    let folder = folder();
    let path = folder.path().join("text.so");
    fs::write(&path, "this is no library, as anybody can read").unwrap();
    pin(folder.path(), &[("text.so", &sum_of(&path))]);
    refusal(&path, ErrorKind::Plugin, "it is no shared library");
}
