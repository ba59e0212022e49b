//! What is loaded, what is not, and what the user is told.

use std::fs;

use polymnia_tests::migrate::{Kind, Output, set_mode};
use serde_json::Value;

use crate::place::{Place, copy, library, name};

#[test]
fn a_plugin_brings_a_dialect() {
    let place = Place::new();
    place.by_plugin(&["stats"]).expect(9).tells("polymnia.db isn't there");
    place.by_plugin(&["init"]).expect(0);
    place.by_plugin(&["add", "hello"]).expect(0);
    // Both have the same file.
    assert_eq!(place.run(&["count"]).expect(0).out, place.by_plugin(&["count"]).expect(0).out);
    // What is loaded is logged, and nothing without -v.
    assert_eq!(place.by_plugin(&["count", "-v"]).expect(0).err.matches("loaded plugin sqlite").count(), 1);
    assert_eq!(place.by_plugin(&["count"]).expect(0).err, "");
    let relative = ["--only-plugins", "--plugin", &format!("./{}", name(Kind::Sqlite)), "count"];
    assert_eq!(place.run(&relative).expect(0).out, place.run(&["count"]).out);
}

#[test]
fn what_is_there_is_listed() {
    let place = Place::new();
    fs::write(place.path("text.so"), "hello").unwrap();
    let states = |arguments: &[&str]| -> Vec<String> {
        let listed = place.run(&[&["--format", "json", "plugin", "list"], arguments].concat()).expect(0).json();
        let row = |row: &Value| format!("{} {}", row["name"].as_str().unwrap_or("-"), row["state"].as_str().unwrap());
        listed["dialects"].as_array().unwrap().iter().map(row).collect()
    };
    let library = place.plugin(Kind::Sqlite);
    let plugin = ["--plugin", &library];
    assert_eq!(states(&[]), ["sqlite built_in", "postgres built_in"]);
    assert_eq!(states(&plugin), ["sqlite built_in", "postgres built_in", "sqlite refused"]);
    let only = [&plugin[..], &["--only-plugins"]].concat();
    assert_eq!(states(&only), ["sqlite left_out", "postgres left_out", "sqlite loaded"]);
    let broken = place.text("text.so");
    let text = [&only[..], &["--plugin", &broken, "--plugin", "./nowhere.so"]].concat();
    assert_eq!(states(&text)[2..], ["sqlite loaded", "- not_loaded", "- not_loaded"]);
    // The one that is named lies in the folder, too: it is one plugin.
    let folder = place.text("");
    let all = [&only[..], &["--plugin-path", &folder]].concat();
    assert_eq!(states(&all)[2..], ["sqlite loaded", "postgres loaded", "sqlite loaded", "- not_loaded"]);
    place.run(&[&all[..], &["init"]].concat()).expect(0).tells("warning: plugin ").tells("text.so is not loaded");

    let table = place.run(&[&["plugin", "list"], &text[..]].concat()).expect(0).out;
    for told in ["not loaded", "it is no shared library", "the file does not exist", "1.0", name(Kind::Sqlite)] {
        assert!(table.contains(told), "{told} is not in\n{table}");
    }
    let lines = place.run(&[&["--format", "ndjson", "plugin", "list"], &text[..]].concat()).expect(0).lines();
    assert_eq!(lines.len(), 5);
}

#[test]
fn a_scheme_has_one_owner() {
    let place = Place::new();
    let clash = place.run(&["--plugin", &place.plugin(Kind::Sqlite), "stats"]).expect(2);
    let clash = clash.tells("URL scheme \"sqlite\" of plugin sqlite").tells("the built-in dialect sqlite");
    clash.tells("hint: ").tells("--only-plugins");
    let other = place.path("libother.so");
    copy(&library(Kind::Sqlite), &other);
    let two = ["--only-plugins", "--plugin", &place.plugin(Kind::Sqlite), "--plugin", other.to_str().unwrap(), "stats"];
    place.run(&two).expect(2).tells("is taken by plugin sqlite").tells("leave one of the two out");
}

#[test]
fn what_is_no_plugin_is_refused() {
    let place = Place::new();
    let whole = fs::read(library(Kind::Sqlite)).unwrap();
    fs::write(place.path("text.so"), "hello").unwrap();
    fs::write(place.path("empty.so"), "").unwrap();
    fs::create_dir(place.path("folder.so")).unwrap();
    fs::write(place.path("cut.so"), &whole[..whole.len() / 2]).unwrap();
    // A library of the tests' own language that brings no dialect.
    let program = fs::read(std::env::current_exe().unwrap()).unwrap();
    fs::write(place.path("program.so"), program).unwrap();
    for file in ["text.so", "empty.so", "cut.so", "program.so"] {
        set_mode(&place.path(file), 0o755);
    }
    for (file, says) in [
        ("text.so", "it is no shared library"),
        ("empty.so", "it is empty"),
        ("folder.so", "it is a folder"),
        ("cut.so", "it is cut off"),
        ("program.so", "no plugin"),
        ("nowhere.so", "the file does not exist"),
    ] {
        let path = place.text(file);
        let output = place.run(&["--plugin", &path, "stats"]).expect(9);
        output.tells(&format!("error: plugin {path} is not loaded: ")).tells(says);
        place.run(&["plugin", "inspect", &path]).expect(9).tells(says);
        place.run(&["plugin", "verify", &path, "--url", "sqlite::memory:"]).expect(9).tells(says);
    }
    place.run(&["--plugin", "./a.so", "stats", "--plugin", "./b.so"]).expect(2).tells("write all of them on one side");
    place.run(&["--plugin", "text.so", "stats"]).expect(2).tells("hint: write ./text.so");
}

#[test]
fn a_broken_one_in_the_folder_is_a_warning_unless_it_is_needed() {
    let place = Place::new();
    fs::create_dir(place.path("plugins")).unwrap();
    set_mode(&place.path("plugins"), 0o755);
    fs::write(place.path("plugins/acme.so"), "hello").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.env("POLYMNIA_PLUGIN_PATH", place.path("plugins"));
        Output::of(command)
    };
    run(&["init"]).expect(0).tells("warning: plugin ").tells("acme.so is not loaded: it is no shared library");
    assert_eq!(run(&["count", "--quiet"]).expect(0).err, "");
    let needed = run(&["--quiet", "--database-url", "acme://x", "count"]).expect(2);
    needed.tells("unknown URL scheme \"acme\"").tells("acme.so is not loaded: it is no shared library");
    // A folder that isn't there, or is relative, is none to be silent about.
    place.run(&["--plugin-path", &place.text("nowhere"), "count"]).expect(9).tells("nowhere");
    place.run(&["--plugin-path", "plugins", "count"]).expect(2).tells("relative").tells("option --plugin-path");
}

#[test]
fn no_code_runs_for_help_and_configuration() {
    let place = Place::new();
    fs::write(place.path("text.so"), "hello").unwrap();
    let broken = ["--plugin", "./text.so"];
    for line in [&["config", "show"][..], &["completions", "bash"], &["--help"], &["plugin", "--help"], &["--version"]]
    {
        place.run(&[&broken, line].concat()).expect(0);
        let log = place.by_plugin(&[line, &["-v"]].concat()).expect(0).err;
        assert!(!log.contains("loaded plugin"), "{line:?}: {log}");
    }
    let shown = place.by_plugin(&["config", "show", "--format", "json"]).expect(0).json();
    let settings = shown["settings"].as_array().unwrap();
    let of = |name: &str| settings.iter().find(|row| row["setting"] == name).unwrap().clone();
    assert_eq!(of("plugins")["value"], place.plugin(Kind::Sqlite));
    assert_eq!(of("only_plugins")["from"], "option --only-plugins");
}

#[test]
fn a_library_is_inspected() {
    let place = Place::new();
    for kind in Kind::BOTH {
        let path = place.plugin(kind);
        let told = place.run(&["plugin", "inspect", &path, "--format", "json"]).expect(0).json();
        assert_eq!(told["name"], kind.name());
        assert_eq!(told["path"], path);
        assert_eq!((&told["trusted"], &told["pinned"]), (&true.into(), &false.into()));
        assert_eq!(told["bytes"], fs::metadata(&path).unwrap().len());
        assert_eq!(told["sha256"].as_str().unwrap().len(), 64);
        assert_eq!(told["missing"], serde_json::json!([]));
        assert_eq!(told["schema_version"], 1);
        assert_eq!(told["newest_schema"], "20261121000400");
    }
    let table = place.run(&["plugin", "inspect", &place.plugin(Kind::Postgres)]).expect(0).out;
    for told in ["postgres, postgresql", "containment, filters, related threads", "nobody else can change it", "1.0"] {
        assert!(table.contains(told), "{told} is not in\n{table}");
    }
}

#[test]
fn setup_remembers_plugins() {
    let place = Place::new();
    let done = place.by_plugin(&["setup", "--yes", "--database-url", "sqlite://kept.db"]);
    done.expect(0);
    let config = fs::read_to_string(place.path("home/.config/polymnia/config.toml")).unwrap();
    assert!(config.contains(name(Kind::Sqlite)) && config.contains("only_plugins = true"), "{config}");
    assert!(config.contains(&format!("sqlite://{}", place.text("kept.db"))), "{config}");
    let log = place.run(&["stats", "-v"]).expect(0).err;
    assert!(log.contains("loaded plugin sqlite"), "{log}");
    // A named one takes the place of those in the configuration.
    let named = place.run(&["stats", "--plugin", &place.plugin(Kind::Postgres)]).expect(2);
    named.tells("unknown URL scheme \"sqlite\"");
}
