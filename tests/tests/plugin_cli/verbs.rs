//! Every verb, by a dialect of the program and by the plugin of the same: the same exit codes, the same output.

use std::fs;

use polymnia_tests::migrate::{Application, Database, Kind, Output};
use serde_json::Value;

use crate::place::Place;

const A: &str = "01956f2e-8c3a-7d11-9b52-0242ac120001";
const B: &str = "01956f2e-8c3a-7d11-9b52-0242ac120002";
const HEAD: &str = "20261121000400";

/// What differs from one run to the next, or from one database to the other.
const PASSING: &[&str] = &[
    "id",
    "cursor",
    "seconds",
    "indexing_seconds",
    "elapsed_us",
    "detail",
    "restored",
    "before",
    "memories_per_second",
    "millis",
    "milliseconds",
    "round_trip_us",
    "at",
    "applied_at",
    "started_at",
    "finished_at",
    "updated_at",
    "created_at",
    "by",
    "path",
    "paths",
    "backup",
    "sha256",
    "bytes",
    "database_url",
    "process",
    "folder",
    "folders",
    "scans",
    "database",
    "details",
    "pool",
    "sql",
];

/// What the planner of a server decides by its statistics, at one time so and at another so.
const PLANNED: &[&str] = &["access", "candidates", "estimated_candidates", "index", "rechecks", "statements"];

#[test]
fn sqlite() {
    compare(Kind::Sqlite);
}

#[test]
fn postgres() {
    compare(Kind::Postgres);
}

fn compare(kind: Kind) {
    let place = Place::new();
    let [sqlite, postgres] = Kind::BOTH.map(|kind| place.plugin(kind));
    let plugins = ["--only-plugins", "--plugin", &sqlite, "--plugin", &postgres];
    let sides = [
        Side { database: Database::fresh(kind), options: &[] },
        Side { database: Database::fresh(kind), options: &plugins },
    ];
    let shop = Application::shop();
    let migrations = shop.argument().to_owned();
    let import = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/assets/demo.jsonl");
    let add = ["add", "prefers calls", "--user", "mara", "--metadata", r#"{"kind": "preference", "n": 1.50}"#];
    let at = ["--created-at", "2026-03-02T09:00:00Z"];
    let lines: &[&[&str]] = &[
        &["stats"],
        &["init", "--no-migrate"],
        &["migrate", "upgrade", "--plan"],
        &["migrate", "check"],
        &["migrate", "upgrade", "+2"],
        &["migrate", "downgrade", "-1", "--allow-destructive"],
        &["init"],
        &["init"],
        &[&add[..], &at, &["--id", A]].concat(),
        &[&add[..], &at, &["--id", A]].concat(),
        &[&["add", "vault", "--thread", "t", "--related-thread", "r", "--tier", "x"], &at[..], &["--id", B]].concat(),
        &["get", A, B],
        &["get", "01956f2e-8c3a-7d11-9b52-0242ac12ffff"],
        &["update", A, "--tier", "long_term", "--if-revision", "1"],
        &["update", A, "--tier", "mid_term", "--if-revision", "1"],
        &["search", "--where", r#"{"kind": "preference"}"#],
        &["search", "--filter", r#"{"n": {"$gte": 1.5}}"#],
        &["search", "--related-thread", "r"],
        &["search", "--filter", "{\"n\": \n{\"$nope\": 1}}"],
        &["count"],
        &["delete", "--user", "mara", "--dry-run"],
        &["delete", B],
        &["import", import, "--namespace", "demo"],
        &["search", "--namespace", "demo", "--limit", "50", "--order", "importance-desc"],
        &["search", "--namespace", "demo", "--all", "--where", r#"{"kind": "promise"}"#],
        &["explain", "--namespace", "demo", "--filter", r#"{"session": {"$gte": 9}}"#],
        &["count", "--namespace", "demo", "--filter", r#"{"tags": {"$any": ["fix"]}}"#],
        &["stats", "--namespace", "demo"],
        &["namespace", "list"],
        &["namespace", "rename", "demo", "support"],
        &["namespace", "delete", "support"],
        &["namespace", "delete", "support", "--yes"],
        &["index", "create", "--path", "refund.amount", "--type", "number"],
        &["index", "list"],
        &["index", "drop", "refund.amount"],
        &["index", "drop", "refund_amount"],
        &["optimize"],
        &["check"],
        &["check", "--deep"],
        &["doctor"],
        &["demo"],
        &["migrate", "current"],
        &["migrate", "history"],
        &["migrate", "heads"],
        &["migrate", "show", HEAD],
        &["migrate", "status"],
        &["migrate", "status", "--migrations", &migrations],
        &["migrate", "check", "--migrations", &migrations],
        &["migrate", "lint", "--migrations", &migrations],
        &["migrate", "lint"],
        &["migrate", "parity"],
        &["migrate", "upgrade", "--migrations", &migrations, "--plan"],
        &["migrate", "upgrade", "--migrations", &migrations],
        &["migrate", "upgrade", "--migrations", &migrations],
        &["migrate", "downgrade", HEAD, "--migrations", &migrations],
        &["migrate", "downgrade", HEAD, "--migrations", &migrations, "--allow-destructive"],
        &["migrate", "downgrade", "-1", "--plan"],
        &["migrate", "repair"],
        &["migrate", "unlock"],
        &["migrate", "stamp", HEAD],
        &["migrate", "nonsense"],
        &["schema", "validate"],
        &["schema", "dump"],
        &["schema", "dump", "--at", "20261121000200"],
        &["schema", "diff", "20261121000200", "head"],
        &["backup", "create", "--backup-dir", "backups"],
        &["backup", "list", "--backup-dir", "backups"],
        &["reset"],
        &["reset", "--yes", "--confirm", "nonsense"],
    ];
    let mut differ = Vec::new();
    for line in lines {
        differ.extend(same(kind, line, sides.each_ref().map(|side| side.run(line))));
    }
    let names = sides.each_ref().map(Side::name);
    let mut both = |line: &[&str], outputs| differ.extend(same(kind, line, outputs));
    both(&["reset"], [0, 1].map(|at| sides[at].run(&["reset", "--yes", "--confirm", &names[at]])));
    let backups = sides.each_ref().map(Side::backup);
    for verb in ["verify", "restore"] {
        both(&["backup", verb], [0, 1].map(|at| sides[at].run(&["backup", verb, &backups[at]])));
    }
    both(&["get", A], sides.each_ref().map(|side| side.run(&["get", A])));
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
}

/// Is a database, and the options to reach it by a dialect of the program or by a plugin.
struct Side<'a> {
    database: Database,
    options: &'a [&'a str],
}

impl Side<'_> {
    fn run(&self, line: &[&str]) -> Output {
        let output = self.database.run(&[self.options, &["--format", "json", "--no-color"], line].concat());
        let hide = |text: &str| {
            let text = text.replace(&self.database.url(), "URL").replace(&self.name(), "NAME");
            text.replace(self.database.folder().to_str().unwrap(), "FOLDER")
        };
        Output { code: output.code, out: hide(&output.out), err: hide(&output.err) }
    }

    /// Returns what the database is called.
    fn name(&self) -> String {
        match self.database.kind() {
            Kind::Sqlite => "fresh.db".to_owned(),
            Kind::Postgres => self.database.name().to_owned(),
        }
    }

    /// Returns the one backup there is.
    fn backup(&self) -> String {
        let files = fs::read_dir(self.database.folder().join("backups")).unwrap().map(|entry| entry.unwrap().path());
        let backups: Vec<_> =
            files.filter(|path| path.extension().is_some_and(|extension| extension != "json")).collect();
        assert_eq!(backups.len(), 1, "{backups:?}");
        backups[0].to_str().unwrap().to_owned()
    }
}

/// Returns what is different, unless both sides ended alike and said the same.
fn same(kind: Kind, line: &[&str], outputs: [Output; 2]) -> Option<String> {
    let [native, plugin] =
        outputs.map(|output| (output.code, lasting(kind, &output.out), without_figures(&output.err)));
    // What would go unseen where both fail.
    assert!(native.0 != 101 && native.0 >= 0, "{line:?}: {native:?}");
    (native != plugin).then(|| format!("{line:?}\nnative: {native:?}\nplugin: {plugin:?}"))
}

/// Returns JSON without what passes, or the text if it is none.
fn lasting(kind: Kind, text: &str) -> Value {
    fn strip(kind: Kind, value: &mut Value) {
        let passes = |name: &str| PASSING.contains(&name) || kind == Kind::Postgres && PLANNED.contains(&name);
        match value {
            Value::Object(fields) => {
                fields.retain(|name, _| !passes(name));
                fields.values_mut().for_each(|value| strip(kind, value));
            }
            Value::Array(items) => items.iter_mut().for_each(|value| strip(kind, value)),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(without_figures(text)));
    strip(kind, &mut value);
    value
}

/// Returns a text with its numbers, and so its times, left out.
fn without_figures(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_ascii_digit() && *c != '.').collect();
    text.replace(" µs", "").replace(" ms", "").replace(" s", "")
}
