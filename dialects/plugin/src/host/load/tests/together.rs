//! Folders of plugins, and looking at one.

use std::fs;

use super::*;
use crate::host::{Inspection, PINS_FILE, PluginDialect, folder as load_folder, inspect};

fn names(found: &[(PathBuf, Result<PluginDialect>)]) -> Vec<&str> {
    found.iter().map(|(path, _)| path.file_name().unwrap().to_str().unwrap()).collect()
}

#[test]
fn a_folder_is_loaded_in_order_and_each_fault_stands_for_itself() {
    let folder = folder();
    let path = Source::default().build(folder.path());
    fs::rename(&path, folder.path().join("b.so")).unwrap();
    fs::write(folder.path().join("a.so"), "no library").unwrap();
    fs::write(folder.path().join("c.dylib"), "no library").unwrap();
    fs::write(folder.path().join("d.dll"), "no library").unwrap();
    fs::create_dir(folder.path().join("e.so")).unwrap();
    let found = load_folder(folder.path(), &LoadOptions::default()).unwrap();
    assert_eq!(names(&found), ["a.so", "b.so", "c.dylib", "d.dll", "e.so"]);
    let is_loaded: Vec<bool> = found.iter().map(|(_, plugin)| plugin.is_ok()).collect();
    assert_eq!(is_loaded, [false, true, false, false, false]);
}

#[test]
fn a_folder_that_is_none_is_refused() {
    let folder = folder();
    let refused = |path: &Path, kind| {
        let error = load_folder(path, &LoadOptions::default()).map(|found| found.len()).unwrap_err();
        assert_eq!((error.kind(), error.operation()), (kind, Some("load")), "{error}");
    };
    refused(Path::new("plugins"), ErrorKind::Config);
    refused(Path::new("./plugins"), ErrorKind::Config);
    refused(&folder.path().join("none"), ErrorKind::NotFound);
    fs::write(folder.path().join("file"), "").unwrap();
    refused(&folder.path().join("file"), ErrorKind::Config);
    assert!(load_folder(folder.path(), &LoadOptions::default()).unwrap().is_empty());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        refused(folder.path(), ErrorKind::PermissionDenied);
        assert!(load_folder(folder.path(), &LoadOptions::default().with_allow_insecure(true)).unwrap().is_empty());
    }
}

#[test]
fn inspecting_tells_what_to_pin_and_then_that_it_is() {
    let folder = folder();
    let path = Source::default().build(folder.path());
    let Inspection { path: real, bytes, sha256, trust, plugin } = inspect(&path, &LoadOptions::default()).unwrap();
    assert_eq!((real, bytes), (path.canonicalize().unwrap(), fs::metadata(&path).unwrap().len()));
    trust.unwrap();
    assert_eq!(plugin.unwrap().abi_version(), (1, 0));
    let list = format!("[[plugin]]\nfile = \"small.so\"\nsha256 = \"{sha256}\"\n");
    fs::write(folder.path().join(PINS_FILE), list).unwrap();
    assert!(inspect(&path, &LoadOptions::default()).unwrap().is_pinned());
}

#[test]
fn inspecting_keeps_to_the_rules() {
    let folder = folder();
    let path = Source::default().build(folder.path());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        let told = inspect(&path, &LoadOptions::default()).unwrap();
        assert_eq!(told.trust.unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!(told.plugin.unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert!(!ran(&folder), "nothing of it runs");
        let told = inspect(&path, &LoadOptions::default().with_allow_insecure(true)).unwrap();
        assert!(told.trust.is_err() && told.plugin.is_ok(), "it is told all the same");
    }
    fs::write(folder.path().join("text.so"), "no library").unwrap();
    let told = inspect(&folder.path().join("text.so"), &LoadOptions::default()).unwrap();
    assert_eq!(told.plugin.unwrap_err().kind(), ErrorKind::Plugin);
    assert_eq!(inspect(folder.path(), &LoadOptions::default()).unwrap_err().kind(), ErrorKind::Plugin);
}
