//! The program built without dialects of its own, which works with plugins alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use polymnia_tests::migrate::{Database, Kind, Output};
use polymnia_tests::plugins::Plugin;

use crate::place::{Place, copy};

/// Environment variable with the path of such a program. Set, it keeps this module from building it.
const VARIABLE: &str = "POLYMNIA_TEST_BARE_CLI";

#[test]
fn both_dialects_come_from_plugins() {
    let place = Place::new();
    for kind in Kind::BOTH {
        let database = Database::fresh(kind);
        let url = database.url();
        let plugin = place.plugin(kind);
        let run = |arguments: &[&str]| {
            let mut command = bare(&place, &[&["--plugin", &plugin, "--database-url", &url], arguments].concat());
            command.current_dir(database.folder());
            Output::of(command)
        };
        run(&["init"]).expect(0);
        run(&["add", "hello", "--user", "mara", "--metadata", r#"{"kind": "greeting"}"#]).expect(0);
        let found = run(&["search", "--where", r#"{"kind": "greeting"}"#, "--format", "json"]).expect(0).json();
        assert_eq!(found["memories"][0]["content"], "hello");
        run(&["check", "--deep"]).expect(0);
        run(&["schema", "validate"]).expect(0);
        run(&["migrate", "check"]).expect(0);
        run(&["migrate", "lint"]).expect(0);
        run(&["demo"]).expect(0);
        run(&["doctor"]).expect(0);
        assert_eq!(run(&["migrate", "heads"]).expect(0).out, "20261121000400\n");
    }
}

#[test]
fn without_plugins_it_says_what_to_do() {
    let place = Place::new();
    let run = |arguments: &[&str]| Output::of(bare(&place, arguments));
    for line in [&["stats"][..], &["init"], &["migrate", "status"], &["doctor"]] {
        let output = run(line).expect(2);
        output
            .tells("no database is named, and no dialect is there for the default, sqlite://polymnia.db")
            .tells("--plugin");
    }
    let unknown = run(&["--database-url", "postgres://localhost/x", "stats"]).expect(2);
    unknown.tells("unknown URL scheme \"postgres\"").tells("hint: a plugin may bring it");
    run(&["demo"]).expect(2).tells("hint: name a database to show it on with --database-url");
    run(&["migrate", "lint"]).expect(2).tells("there is no dialect");
    run(&["migrate", "parity"]).expect(2);
    let named = ["migrate", "revision", "-m", "orders", "--prefix", "shop", "--migrations", "m"];
    run(&named).expect(2).tells("there is no dialect");
    assert!(!place.path("m").exists());
    let empty = run(&["plugin", "list"]).expect(0).out;
    assert!(empty.contains("there is no dialect: name a plugin"), "{empty}");
    run(&["--help"]).expect(0);
}

#[test]
fn migrations_come_from_the_plugin_that_brings_them() {
    let place = Place::new();
    let memory = Plugin::Memory.library();
    copy(&memory, &place.path("libmemory.so"));
    let plugin = place.text("libmemory.so");
    let run = |arguments: &[&str]| Output::of(bare(&place, &[&["--plugin", &plugin], arguments].concat()));
    let version = run(&["--database-url", "mem-example://x", "migrate", "heads"]).expect(0).out;
    assert_eq!(version.trim().len(), 14, "{version}");
    run(&["migrate", "lint"]).expect(0);
    let written = run(&["migrate", "revision", "-m", "orders", "--prefix", "shop", "--migrations", "m"]).expect(0);
    assert!(written.out.contains("m/mem-example/shop"), "{}", written.out);
    let alone = run(&["migrate", "parity"]).expect(2);
    alone.tells("it takes two dialects to compare, and what is here is mem-example");
    // Beside others it is one of three.
    let both = ["--plugin", &place.plugin(Kind::Sqlite), "--plugin", &place.plugin(Kind::Postgres)];
    let agree = Output::of(bare(&place, &[&both[..], &["migrate", "parity"]].concat())).expect(0).out;
    assert!(agree.contains("sqlite and postgres agree"), "{agree}");
}

/// Returns the program, about to run in the place.
fn bare(place: &Place, arguments: &[&str]) -> Command {
    let like = place.command(arguments);
    let mut command = Command::new(program());
    command.args(arguments).current_dir(place.path("")).stdin(Stdio::null());
    for (name, value) in like.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// Returns the path of the program: that of [`VARIABLE`], else built once into a target folder of its own, for in the tests' it
/// would take the other's place.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| std::env::var_os(VARIABLE).map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    // target/<profile>/deps/<test>
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap().join("bare");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--locked", "-p", "polymnia-cli", "--no-default-features", "--features", "verify"])
        .args(["--manifest-path", manifest, "--target-dir"])
        .arg(&target)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "the program can't be built without its dialects");
    target.join("debug").join("polymnia")
}
