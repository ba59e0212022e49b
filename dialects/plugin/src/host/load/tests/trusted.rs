//! What others could change is not loaded.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

use super::*;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Makes a library two folders down.
fn nested() -> (TempDir, PathBuf) {
    let folder = folder();
    let inner = folder.path().join("lib");
    fs::create_dir(&inner).unwrap();
    set_mode(&inner, 0o755);
    let library = Source::default().build(&inner);
    (folder, library)
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    let (_folder, library) = nested();
    for (mode, who) in [(0o775, "its group can"), (0o757, "others can"), (0o666, "its group and others can")] {
        set_mode(&library, mode);
        let error = refusal(&library, ErrorKind::PermissionDenied, who);
        assert!(error.to_string().contains(&format!("mode {mode:04o}, owner ")), "{error}");
        let hint = error.hint().unwrap();
        assert!(hint.starts_with(&format!("chmod go-w {}", library.display())), "{hint}");
        assert!(hint.contains("--allow-insecure-plugin"), "{hint}");
    }
    assert!(!library.with_file_name("ran").exists());
    load(&library, &LoadOptions::default().with_allow_insecure(true)).unwrap();
    refusal(&library, ErrorKind::PermissionDenied, "can write");
    set_mode(&library, 0o755);
    open(&library).unwrap();
}

#[test]
fn a_folder_that_others_can_write_is_refused_however_far_up() {
    let (folder, library) = nested();
    let inner = library.parent().unwrap();
    for place in [inner, folder.path()] {
        set_mode(place, 0o777);
        let error = refusal(&library, ErrorKind::PermissionDenied, "can write");
        assert!(error.to_string().contains(&format!("folder {}, mode 0777", place.display())), "{error}");
        set_mode(place, 0o755);
    }
    open(&library).unwrap();
}

#[test]
fn a_sticky_folder_may_stand_above_but_not_hold_the_library() {
    let (folder, library) = nested();
    let inner = library.parent().unwrap();
    set_mode(folder.path(), 0o1777);
    open(&library).unwrap();
    set_mode(inner, 0o1777);
    let error = refusal(&library, ErrorKind::PermissionDenied, "mode 1777");
    assert!(error.hint().unwrap().starts_with("move the file into a folder of its own"), "{error:?}");
}

#[test]
fn a_link_is_followed_and_every_folder_on_its_way_is_looked_at() {
    let (_folder, library) = nested();
    let outer = folder();
    let (open_to_all, link) = (outer.path().join("all"), outer.path().join("link.so"));
    fs::create_dir(&open_to_all).unwrap();
    symlink(&library, open_to_all.join("inner.so")).unwrap();
    symlink("all/../all/inner.so", &link).unwrap();
    open(&link).unwrap();
    set_mode(&open_to_all, 0o777);
    let error = refusal(&link, ErrorKind::PermissionDenied, "can write");
    assert!(error.to_string().contains(&format!("{}, mode 0777", open_to_all.display())), "{error}");
    set_mode(&open_to_all, 0o755);
    let inner = library.parent().unwrap();
    set_mode(inner, 0o770);
    refusal(&link, ErrorKind::PermissionDenied, "its group can write");
    set_mode(inner, 0o755);
    let (one, two) = (outer.path().join("one.so"), outer.path().join("two.so"));
    symlink(&one, &two).unwrap();
    symlink(&two, &one).unwrap();
    open(&one).unwrap_err();
}

#[test]
fn what_belongs_to_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("NOT RUN: only root can give files away");
        return;
    }
    let (folder, library) = nested();
    let inner = library.parent().unwrap();
    for place in [&library, inner, folder.path()] {
        chown(place, Some(12_345), None).unwrap();
        let error = refusal(&library, ErrorKind::PermissionDenied, "it belongs to user 12345: expected root");
        assert!(error.to_string().contains("owner 12345"), "{error}");
        chown(place, Some(0), None).unwrap();
    }
    let link = folder.path().join("link.so");
    symlink(&library, &link).unwrap();
    std::os::unix::fs::lchown(&link, Some(12_345), None).unwrap();
    refusal(&link, ErrorKind::PermissionDenied, "it belongs to user 12345");
    open(&library).unwrap();
}

#[test]
fn a_folder_can_be_asked_about_too() {
    let folder = folder();
    check_trust(folder.path()).unwrap();
    set_mode(folder.path(), 0o777);
    assert_eq!(check_trust(folder.path()).unwrap_err().kind(), ErrorKind::PermissionDenied);
    set_mode(folder.path(), 0o1777);
    assert_eq!(check_trust(folder.path()).unwrap_err().kind(), ErrorKind::PermissionDenied);
    fs::write(folder.path().join("file"), "").unwrap();
    set_mode(folder.path(), 0o755);
    check_trust(&folder.path().join("file")).unwrap();
    assert_eq!(check_trust(&folder.path().join("file/within")).unwrap_err().kind(), ErrorKind::NotFound);
}
