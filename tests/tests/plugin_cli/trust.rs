//! Who may have written a plugin.

use std::fs;

use polymnia_tests::migrate::{Kind, Output, set_mode};

use crate::place::{Place, name};

#[test]
fn what_others_can_write_to_is_refused() {
    let place = Place::new();
    place.by_plugin(&["init"]).expect(0);
    let plugin = place.path(name(Kind::Sqlite));
    set_mode(&plugin, 0o775);
    let refused = place.by_plugin(&["count"]).expect(10).tells("is not trusted: its group can write to it");
    refused.tells("hint: chmod go-w").tells("--allow-insecure-plugin");
    place.by_plugin(&["--allow-insecure-plugin", "count"]).expect(0);
    let inspected = place.run(&["plugin", "inspect", &place.plugin(Kind::Sqlite), "--format", "json"]).expect(10);
    let told = inspected.json();
    assert_eq!(told["trusted"], false);
    assert!(told["distrust"].as_str().unwrap().contains("its group can write"), "{told}");
    assert_eq!((&told["name"], told["sha256"].as_str().unwrap().len()), (&serde_json::Value::Null, 64));
    set_mode(&plugin, 0o755);
    set_mode(&place.path(""), 0o777);
    place.by_plugin(&["count"]).expect(10).tells("others can write to it");
    set_mode(&place.path(""), 0o755);
    place.by_plugin(&["count"]).expect(0);
}

#[test]
fn pins_hold_for_what_is_loaded() {
    let place = Place::new();
    place.by_plugin(&["init"]).expect(0);
    let told = place.run(&["plugin", "inspect", &place.plugin(Kind::Sqlite), "--format", "json"]).expect(0).json();
    let sum = told["sha256"].as_str().unwrap();
    let pins = place.path("plugins.toml");
    let list = |sum: &str| {
        fs::write(&pins, format!("[[plugin]]\nfile = {:?}\nsha256 = \"{sum}\"\n", name(Kind::Sqlite))).unwrap();
        set_mode(&pins, 0o644);
    };
    list(sum);
    place.by_plugin(&["count", "-v"]).expect(0).tells(sum);
    let pinned = place.run(&["plugin", "inspect", &place.plugin(Kind::Sqlite), "--format", "json"]).expect(0).json();
    assert_eq!(pinned["pinned"], true);
    // What is not on the list is not loaded.
    let other = ["--only-plugins", "--plugin", &place.plugin(Kind::Postgres), "count"];
    place.run(&other).expect(9).tells("doesn't list it");
    list(&"0".repeat(64));
    place.by_plugin(&["count"]).expect(9).tells("its bytes are not those that").tells(sum);
    fs::write(&pins, "[[plugin]]\nfile = 1\n").unwrap();
    place.by_plugin(&["count"]).expect(2).tells("plugins.toml");
}

#[test]
fn pins_beside_the_configuration_hold_for_every_plugin() {
    let place = Place::new();
    place.by_plugin(&["init"]).expect(0);
    let folder = place.path("home/.config/polymnia");
    fs::create_dir_all(&folder).unwrap();
    for folder in folder.ancestors().take(3) {
        set_mode(folder, 0o755);
    }
    fs::write(folder.join("plugins.toml"), "").unwrap();
    set_mode(&folder.join("plugins.toml"), 0o644);
    place.by_plugin(&["count"]).expect(9).tells("doesn't list it");
    fs::remove_file(folder.join("plugins.toml")).unwrap();
    place.by_plugin(&["count"]).expect(0);
}

#[test]
fn a_file_of_a_repository_loads_nothing() {
    let place = Place::new();
    place.by_plugin(&["init"]).expect(0);
    let config = place.path("polymnia.toml");
    fs::write(&config, format!("plugins = [{:?}]\nonly_plugins = true\n", place.plugin(Kind::Sqlite))).unwrap();
    set_mode(&config, 0o644);
    // It is not looked for.
    let log = place.run(&["count", "-v"]).expect(0).err;
    assert!(!log.contains("loaded plugin"), "{log}");
    let by_variable = |value: &str| {
        let mut command = place.command(["count"]);
        command.env("POLYMNIA_CONFIG", value);
        Output::of(command)
    };
    for output in [by_variable("polymnia.toml"), place.run(&["--config", "polymnia.toml", "count"])] {
        output.expect(2).tells("names plugins, and is itself named by a relative path").tells("absolute path");
    }
    by_variable(config.to_str().unwrap()).expect(0);
    // Whoever can write to it could name another.
    set_mode(&config, 0o666);
    by_variable(config.to_str().unwrap()).expect(10).tells("is not trusted");
    set_mode(&config, 0o644);
    fs::write(&config, format!("plugins = [\"./{}\"]\n", name(Kind::Sqlite))).unwrap();
    by_variable(config.to_str().unwrap()).expect(2).tells("is no absolute path");
}
