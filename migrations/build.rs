//! Embeds the migrations and refuses a folder whose dialects are not in lock-step.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

const DIALECTS: [&str; 2] = ["sqlite", "postgres"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut code = String::new();
    let mut reference: Option<Vec<String>> = None;
    for dialect in DIALECTS {
        println!("cargo::rerun-if-changed={dialect}");
        let folders = folders(&root.join(dialect));
        let names: Vec<String> = folders.keys().cloned().collect();
        match &reference {
            None => reference = Some(names),
            Some(reference) => assert_eq!(
                *reference, names,
                "every version exists for every dialect under one name: {} and {dialect} differ",
                DIALECTS[0]
            ),
        }
        writeln!(code, "pub(crate) static {}: &[Script] = &[", dialect.to_uppercase()).expect("a String takes it");
        for (name, folder) in folders {
            writeln!(code, "{}", entry(&name, &folder)).expect("a String takes it");
        }
        code.push_str("];\n");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("scripts.rs"), code).expect("OUT_DIR can be written");
}

fn folders(dialect: &Path) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(dialect).unwrap_or_else(|error| panic!("{}: {error}", dialect.display()));
    entries
        .map(|entry| entry.expect("a folder that was opened can be listed").path())
        .filter(|path| path.is_dir())
        .map(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).expect("migration names are UTF-8");
            (name.to_owned(), path.clone())
        })
        .collect()
}

fn entry(folder_name: &str, folder: &Path) -> String {
    let (version, name) =
        folder_name.split_once('_').unwrap_or_else(|| panic!("{}: expected <version>_<name>", folder.display()));
    assert!(
        version.len() == 14 && version.bytes().all(|byte| byte.is_ascii_digit()),
        "{}: expected a version of 14 digits, YYYYMMDDHHMMSS",
        folder.display()
    );
    // A metadata file without its key turns transactions off in diesel: until there is a need for one, there is none.
    assert!(!folder.join("metadata.toml").exists(), "{}: metadata.toml is not supported yet", folder.display());
    for script in ["up.sql", "down.sql"] {
        let text = fs::read_to_string(folder.join(script))
            .unwrap_or_else(|error| panic!("{}: {error}", folder.join(script).display()));
        let empty = text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with("--"));
        assert!(!empty, "{}: expected at least one statement", folder.join(script).display());
    }
    let up = folder.join("up.sql");
    let down = folder.join("down.sql");
    format!(
        "    Script {{ version: {version:?}, name: {name:?}, up: include_str!({:?}), down: include_str!({:?}) }},",
        utf8(&up),
        utf8(&down)
    )
}

fn utf8(path: &Path) -> &str {
    path.to_str().expect("the project's path is UTF-8")
}
