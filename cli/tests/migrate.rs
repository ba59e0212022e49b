//! The verbs of the schema: what they print, and how they end.
#![allow(clippy::unwrap_used)]

mod common;

use common::Place;
use serde_json::Value;

/// The newest version of ours.
const HEAD: &str = "20261121000400";

/// Writes a migration of an application.
fn migration(place: &Place, version: &str, up: &str, down: &str) {
    for dialect in ["sqlite", "postgres"] {
        let folder = format!("migrations/{dialect}/{version}_orders");
        std::fs::create_dir_all(place.path(&folder)).unwrap();
        place.write(&format!("{folder}/up.sql"), up);
        place.write(&format!("{folder}/down.sql"), down);
        place.write(&format!("{folder}/metadata.toml"), "run_in_transaction = true\n");
    }
}

#[test]
fn a_database_goes_up_and_down_and_says_where_it_stands() {
    let place = Place::empty();
    place.run(["migrate", "current"]).fails(9, &["polymnia.db isn't there", "polymnia init"]);
    assert_eq!(place.ok(["migrate", "heads"]), format!("{HEAD}\n"));
    assert!(place.ok(["migrate", "upgrade", "--plan"]).contains("none -> 20261121000400"));
    assert!(place.ok(["migrate", "upgrade", "--sql"]).contains("CREATE TABLE"));
    place.run(["migrate", "upgrade", "20990101000000"]).fails(5, &["unknown_target"]);
    assert!(place.files().is_empty());

    assert!(place.ok(["init", "--no-migrate"]).contains("without a migration"));
    assert_eq!(place.ok(["migrate", "current"]), "none\n");
    place.run(["migrate", "check"]).fails(3, &["code  pending", HEAD, "polymnia migrate upgrade"]);
    assert_eq!(place.run(["migrate", "status", "--exit-code"]).code, 3);
    place.run(["migrate", "current", "--check-heads"]).fails(3, &[HEAD]);

    place.ok(["db-migrate", "upgrade", "+1"]);
    let run = place.run(["migrate", "upgrade"]);
    assert!(run.stdout.contains("3 migrations applied") && run.stderr.contains("1/3"), "{run:?}");
    assert_eq!(place.run(["-q", "migrate", "upgrade"]).stderr, "");
    assert_eq!(place.ok(["migrate", "current", "--check-heads"]), format!("{HEAD} (head)\n"));
    place.ok(["migrate", "check"]);
    place.ok(["add", "x"]);

    let refused = place.run(["migrate", "downgrade", "-1"]);
    refused.fails(10, &["code     destructive", "state    nothing was changed", "--allow-destructive"]);
    place.run(["migrate", "downgrade", "--only", "20261121000100"]).fails(5, &["not_newest", "20261121000200"]);
    let down = place.json(["migrate", "downgrade", "-1", "--allow-destructive"]);
    assert_eq!((&down["from"], &down["to"]), (&HEAD.into(), &"20261121000300".into()));
    let backup = down["backup"]["path"].as_str().unwrap().to_owned();

    place.ok(["migrate", "upgrade"]);
    place.ok(["delete", "--until", "2999-01-01", "--yes"]);
    assert_eq!(place.json(["backup", "list"])["backups"].as_array().unwrap().len(), 1);
    assert_eq!(place.json(["backup", "verify", &backup])["memories"], 1);
    let restored = place.json(["backup", "restore", &backup]);
    assert!(restored["before"].is_string(), "what was there before is kept: {restored}");
    assert_eq!(place.stored(), 1);
    place.ok(["schema", "validate"]);
}

#[test]
fn a_run_tells_programs_an_event_a_line() {
    let place = Place::empty();
    let printed = place.ok(["--format", "ndjson", "migrate", "upgrade", "+2"]);
    let lines: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(events.iter().filter(|event| **event == "step_finished").count(), 2, "{events:?}");
    assert!(events.contains(&"planned") && events.contains(&"statement"), "{events:?}");
    let last = lines.last().unwrap();
    assert_eq!((&last["schema_version"], &last["to"]), (&1.into(), &"20261121000200".into()));
    assert_eq!(lines.len(), events.len() + 1, "the report is the last line");

    let plan = place.json(["migrate", "upgrade", "--plan"]);
    assert_eq!(plan["plan"]["steps"].as_array().unwrap().len(), 2);
    let status = place.json(["migrate", "status"]);
    assert_eq!(status["pending"].as_array().unwrap().len(), 2);
    assert_eq!(place.json(["migrate", "history"])["history"].as_array().unwrap().len(), 4);
    assert_eq!(place.json(["init"])["applied"].as_array().unwrap().len(), 2);
}

#[test]
fn migrations_of_an_application_come_after_ours() {
    let place = Place::initialised();
    let named = ["--migrations", "migrations"];
    place.run(["migrate", "revision", "-m", "orders"]).fails(2, &["--migrations DIR"]);
    place.run([&["migrate", "revision", "-m", "orders"], &named[..]].concat()).fails(2, &["--prefix WORD"]);
    place.ok([&["migrate", "revision", "-m", "Orders by shop", "--prefix", "shop"], &named[..]].concat());
    let begun = std::fs::read_dir(place.path("migrations/sqlite")).unwrap().next().unwrap().unwrap().file_name();
    assert!(begun.to_str().unwrap().ends_with("_orders_by_shop"), "{begun:?}");
    // Nothing stands in it yet.
    place.run([&["migrate", "upgrade"], &named[..]].concat()).fails(4, &["malformed", "orders_by_shop/up.sql:1:1"]);
    std::fs::remove_dir_all(place.path("migrations")).unwrap();

    migration(&place, "shop20270101000000", "CREATE TABLE orders (id integer PRIMARY KEY);", "DROP TABLE orders;");
    place.ok([&["migrate", "upgrade"], &named[..]].concat());
    let variable = place.command(["migrate", "current"]).env("POLYMNIA_MIGRATIONS", "migrations").output().unwrap();
    assert_eq!(String::from_utf8(variable.stdout).unwrap(), format!("{HEAD} (head)\nshop20270101000000 (head)\n"));
    // They are not looked at unless they are named.
    let run = place.run(["migrate", "check"]);
    assert!(run.code == 0 && run.stderr.contains("shop20270101000000"), "{run:?}");
    place.ok(["migrate", "current", "--check-heads"]);

    let comment = "-- of each shop\r\nCREATE TABLE orders (\r\n    id integer PRIMARY KEY\r\n);";
    migration(&place, "shop20270101000000", comment, "DROP TABLE orders;");
    place.ok([&["migrate", "check"], &named[..]].concat());
    migration(&place, "shop20270101000000", "CREATE TABLE orders (id text PRIMARY KEY);", "DROP TABLE orders;");
    place.run([&["migrate", "check"], &named[..]].concat()).fails(4, &["script_changed", "-CREATE", "+CREATE"]);
    assert_eq!(place.run([&["migrate", "status", "--exit-code"], &named[..]].concat()).code, 4);
    place.ok([&["migrate", "repair"], &named[..]].concat());
    place.ok([&["migrate", "check"], &named[..]].concat());

    std::fs::remove_dir_all(place.path("migrations/postgres/shop20270101000000_orders")).unwrap();
    place.run([&["migrate", "check"], &named[..]].concat()).fails(4, &["malformed", "postgres"]);
    place.run([&["migrate", "lint"], &named[..]].concat()).fails(4, &["postgres"]);
}

#[test]
fn a_statement_that_fails_says_where_and_what_is_left() {
    let place = Place::initialised();
    let named = ["--migrations", "migrations"];
    let up = "CREATE TABLE orders (id integer PRIMARY KEY);\nINSERT INTO nowhere VALUES (1);\n";
    migration(&place, "shop20270101000000", up, "DROP TABLE orders;");
    let run = place.run([&["migrate", "upgrade"], &named[..]].concat());
    run.fails(7, &["rolled_back", "2 of 2", "up.sql:2:", "state", "hint: "]);
    let run = place.run([&["migrate", "upgrade", "--format", "ndjson"], &named[..]].concat());
    let last: Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["exit_code"]), (&"failed".into(), &7.into()), "{run:?}");
    assert_eq!((&last["code"], &last["statement"]), (&"rolled_back".into(), &"2 of 2".into()), "{run:?}");
    assert_eq!(place.ok(["migrate", "current"]), format!("{HEAD} (head)\n"));
    migration(&place, "shop20270101000000", &up[..up.find('\n').unwrap()], "DROP TABLE orders;");
    place.ok([&["migrate", "upgrade"], &named[..]].concat());
}

#[test]
fn schemas_are_told_apart() {
    let place = Place::initialised();
    place.write("schema.json", place.ok(["schema", "dump"]));
    assert!(place.ok(["schema", "diff", "schema.json", "sqlite://polymnia.db"]).contains("are the same"));
    place.ok(["schema", "diff", HEAD, "schema.json"]);
    let differ = place.run(["schema", "diff", "20261121000200@sqlite", "head@sqlite"]);
    assert_eq!(differ.code, 4, "{differ:?}");
    assert!(differ.stdout.contains("table polymnia_changes: only in the second"), "{differ:?}");
    place.run(["schema", "diff", "nowhere.json", HEAD]).fails(2, &["schema dump"]);
    place.write("no.json", "{}");
    place.run(["schema", "diff", "no.json", HEAD]).fails(2, &["no.json is no dump of a schema"]);
    place.run(["schema", "diff", "postgres://ann:s3cr3t@127.0.0.1:1/d", HEAD]).fails(9, &[]);
}

#[test]
fn a_reset_wants_the_name_and_keeps_a_backup() {
    let place = Place::initialised();
    place.ok(["add", "x"]);
    place.run(["reset"]).fails(10, &["1 memory", "--yes --confirm polymnia.db"]);
    place.run(["reset", "--yes", "--confirm", "other.db"]).fails(10, &["nothing was removed"]);
    assert_eq!(place.stored(), 1);
    let done = place.json(["reset", "--yes", "--confirm", "polymnia.db"]);
    let backup = done["backup"]["path"].as_str().unwrap().to_owned();
    assert_eq!(place.ok(["migrate", "current"]), "none\n");
    place.ok(["backup", "restore", &backup]);
    assert_eq!(place.stored(), 1);
    place.ok(["reset", "--yes", "--confirm", "polymnia.db", "--backup", "never"]);
    place.ok(["init"]);
    assert_eq!(place.stored(), 0);
}

#[test]
fn a_backup_is_checked_and_takes_the_place_of_a_database_that_is_gone() {
    let place = Place::initialised();
    place.ok(["add", "x"]);
    let backup = place.json(["backup", "create"])["path"].as_str().unwrap().to_owned();
    place.write("polymnia.db", "this is no database, however long it is. ".repeat(200));
    place.run(["backup", "restore", &backup]).fails(9, &["mv ", "polymnia.db.damaged"]);
    for name in place.files().iter().filter(|name| name.starts_with("polymnia.db")) {
        std::fs::rename(place.path(name), place.path(&format!("damaged-{name}"))).unwrap();
    }
    place.ok(["backup", "verify", &backup]);
    assert_eq!(place.json(["backup", "restore", &backup])["before"], Value::Null);
    assert_eq!(place.stored(), 1);
    let damaged = [std::fs::read(&backup).unwrap(), b"more".to_vec()].concat();
    std::fs::write(&backup, damaged).unwrap();
    place.run(["backup", "verify", &backup]).fails(4, &["checksum"]);
    place.run(["backup", "restore", &backup]).fails(4, &["checksum"]);
    place.run(["backup", "restore", "nowhere.db"]).fails(1, &["nowhere.db isn't there"]);
    assert_eq!(place.stored(), 1);
}

#[test]
fn what_only_reads_works_on_a_database_that_cannot_be_written() {
    let place = Place::empty();
    place.ok(["migrate", "upgrade", "+3"]);
    let read_only = |line: &[&str]| place.run([&["--database-url", "sqlite://polymnia.db?mode=ro"], line].concat());
    for line in [
        &["migrate", "current"][..],
        &["migrate", "history"],
        &["migrate", "heads"],
        &["migrate", "status"],
        &["migrate", "show", "20261121000300"],
        &["migrate", "upgrade", "--plan"],
        &["migrate", "upgrade", "--sql"],
        &["migrate", "downgrade", "base", "--plan"],
        &["schema", "dump"],
        &["doctor"],
    ] {
        let run = read_only(line);
        assert_eq!(run.code, 0, "{line:?}: {run:?}");
    }
    assert_eq!(read_only(&["migrate", "check"]).code, 3);
    for line in [&["migrate", "upgrade"][..], &["init"], &["migrate", "stamp", "head"]] {
        read_only(line).fails(9, &[]);
    }
    assert_eq!(place.ok(["migrate", "current"]), "20261121000300\n");
}

#[test]
fn the_url_to_migrate_by_goes_before_the_database_of_its_level() {
    let place = Place::empty();
    let run = |line: &[&str]| {
        let mut command = place.command(line);
        command.env("DATABASE_URL", "sqlite://pooled.db").env("POLYMNIA_MIGRATE_URL", "sqlite://direct.db");
        assert!(command.output().unwrap().status.success(), "{line:?}");
    };
    run(&["migrate", "upgrade"]);
    assert_eq!(place.files(), ["direct.db"]);
    run(&["--database-url", "sqlite://named.db", "migrate", "upgrade"]);
    run(&["migrate", "upgrade", "--migrate-url", "sqlite://option.db"]);
    assert_eq!(place.files(), ["direct.db", "named.db", "option.db"]);
}

#[test]
fn a_draft_from_a_database_makes_what_it_has() {
    use diesel::connection::{Connection as _, SimpleConnection as _};
    let place = Place::initialised();
    std::fs::rename(place.path("polymnia.db"), place.path("rich.db")).unwrap();
    let mut rich = diesel::SqliteConnection::establish(place.path("rich.db").to_str().unwrap()).unwrap();
    rich.batch_execute(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT COLLATE NOCASE NOT NULL DEFAULT 'x',
            n INT CHECK (n > 0) DEFAULT 3, twice INT GENERATED ALWAYS AS (n * 2) STORED, UNIQUE (n, name));
         CREATE TABLE orders (id TEXT, k TEXT, customer INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
            \"Odd Name\" BLOB, CONSTRAINT pk PRIMARY KEY (k, id)) STRICT, WITHOUT ROWID;
         CREATE UNIQUE INDEX orders_k ON orders (k DESC, lower(id)) WHERE k IS NOT NULL;
         CREATE TRIGGER t AFTER UPDATE OF k ON orders WHEN new.k > 'a' BEGIN DELETE FROM orders WHERE k = ''; END;
         CREATE VIEW v AS SELECT id FROM orders;
         ALTER TABLE polymnia_settings ADD COLUMN extra TEXT DEFAULT 'a;b';",
    )
    .unwrap();
    drop(rich);
    let named = ["--migrations", "migrations"];
    let draft = ["migrate", "revision", "-m", "draft", "--prefix", "shop", "--dialect", "sqlite"];
    place.ok([&draft[..], &["--from-diff", "sqlite://rich.db"], &named].concat());
    place.ok(["init"]);
    place.ok([&["migrate", "upgrade"], &named[..]].concat());
    place.ok(["schema", "diff", "sqlite://rich.db", "sqlite://polymnia.db"]);
    place.ok([&["migrate", "downgrade", "-1", "--allow-destructive"], &named[..]].concat());
    place.ok(["schema", "diff", "head", "sqlite://polymnia.db"]);
}

#[test]
fn two_heads_are_joined() {
    let place = Place::initialised();
    let named = ["--migrations", "migrations"];
    migration(&place, "shop20270101000000", "CREATE TABLE a (x INTEGER);", "DROP TABLE a;");
    for (version, table) in [("shop20270102000000", "b"), ("shop20270103000000", "c")] {
        migration(&place, version, &format!("CREATE TABLE {table} (x INTEGER);"), &format!("DROP TABLE {table};"));
        for dialect in ["sqlite", "postgres"] {
            let metadata = "run_in_transaction = true\nparents = [\"shop20270101000000\"]\n";
            place.write(&format!("migrations/{dialect}/{version}_orders/metadata.toml"), metadata);
        }
    }
    place
        .run([&["migrate", "upgrade"], &named[..]].concat())
        .fails(5, &["several_heads", "polymnia migrate merge heads"]);
    place.run([&["migrate", "revision", "-m", "x"], &named[..]].concat()).fails(5, &["several_heads"]);
    assert_eq!(place.ok(["migrate", "current"]), format!("{HEAD} (head)\n"));
    let merged = place.json([&["migrate", "merge", "heads", "-m", "both"], &named[..]].concat());
    assert_eq!(merged["parents"], serde_json::json!(["shop20270102000000", "shop20270103000000"]));
    place.ok([&["migrate", "upgrade"], &named[..]].concat());
    place.ok([&["migrate", "check"], &named[..]].concat());
    place.run([&["migrate", "merge", "heads"], &named[..]].concat()).fails(2, &["nothing to join"]);
}
