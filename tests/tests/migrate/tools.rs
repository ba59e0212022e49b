//! Real other tools on the same database: Alembic, Prisma and the diesel CLI. `.ci/migration-tools` fetches them and runs these
//! tests; by themselves they are left out.
//!
//! | variable | what it names |
//! |---|---|
//! | `POLYMNIA_TEST_ALEMBIC` | the program `alembic`, with psycopg2 beside it |
//! | `POLYMNIA_TEST_PRISMA` | the folder `node_modules` with what `tests/fixtures/foreign/prisma/package.json` asks for |
//! | `POLYMNIA_TEST_DIESEL` | the program `diesel`, with both dialects |

use std::path::{Path, PathBuf};
use std::process::Command;

use polymnia_tests::migrate::{Application, Database, Kind, SHOP, Shop};

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/foreign");

/// The version that the other tools bring our tables to.
const MADE: &str = "20261121000200";

#[test]
#[ignore = "needs Alembic: run by .ci/migration-tools"]
fn alembic_goes_on_beside_us() {
    let program = named("POLYMNIA_TEST_ALEMBIC");
    for kind in Kind::BOTH {
        let database = Database::fresh(kind);
        let url = match kind {
            Kind::Sqlite => format!("sqlite:///{}", database.file().display()),
            Kind::Postgres => database.url().replacen("postgres", "postgresql+psycopg2", 1),
        };
        let memories: Vec<String> = first_scripts(kind).iter().map(|path| path.display().to_string()).collect();
        let alembic = |arguments: &[&str]| {
            let mut command = Command::new(&program);
            command.args(["-c", &format!("{FIXTURES}/alembic/alembic.ini"), "-x", &format!("url={url}"), "-x"]);
            command.arg(format!("memories={}", memories.join(","))).args(arguments);
            run(command.env("PYTHONDONTWRITEBYTECODE", "1"))
        };
        alembic(&["upgrade", "0002"]);
        taken_over(&database, "alembic", "0002");
        assert!(alembic(&["current"]).contains("0002"));
        alembic(&["upgrade", "head"]);
        assert!(alembic(&["current"]).contains("0003 (head)"));
        stays_whole(&database);
        alembic(&["downgrade", "-1"]);
        stays_whole(&database);
    }
}

#[test]
#[ignore = "needs Prisma: run by .ci/migration-tools"]
fn prisma_goes_on_beside_us() {
    let modules = named("POLYMNIA_TEST_PRISMA");
    for kind in Kind::BOTH {
        let project = tempfile::tempdir().unwrap();
        copy(&Path::new(FIXTURES).join("prisma"), project.path());
        std::os::unix::fs::symlink(&modules, project.path().join("node_modules")).unwrap();
        let folder = project.path().join(kind.name());
        let memories = folder.join("migrations/20260101000200_memories");
        std::fs::create_dir(&memories).unwrap();
        let mut script = if kind == Kind::Postgres { "CREATE SCHEMA polymnia;\n".to_owned() } else { String::new() };
        for path in first_scripts(kind) {
            script += &std::fs::read_to_string(path).unwrap();
        }
        std::fs::write(memories.join("migration.sql"), script).unwrap();
        let database = Database::fresh(kind);
        let prisma = |arguments: &[&str]| {
            let url = match kind {
                Kind::Sqlite => format!("file:{}", database.file().display()),
                Kind::Postgres => database.url(),
            };
            let mut command = Command::new("node");
            command.arg("node_modules/prisma/build/index.js").args(arguments).current_dir(project.path());
            command.env("PRISMA_URL", url).env("CHECKPOINT_DISABLE", "1").env("PRISMA_HIDE_UPDATE_MESSAGE", "1");
            run(&mut command)
        };
        prisma(&["migrate", "deploy"]);
        taken_over(&database, "prisma", "20260101000200_memories");
        assert!(prisma(&["migrate", "status"]).contains("up to date"));
        copy(&folder.join("later"), &folder.join("migrations"));
        assert!(prisma(&["migrate", "deploy"]).contains("20260101000300_prices"));
        assert!(prisma(&["migrate", "status"]).contains("up to date"));
        stays_whole(&database);
    }
}

#[test]
#[ignore = "needs the diesel CLI: run by .ci/migration-tools"]
fn what_diesel_runs_and_reverts_is_taken_over() {
    for kind in Kind::BOTH {
        let database = Database::fresh(kind);
        database.run(&["init", "--no-migrate"]).expect(0);
        let diesel = Diesel::of(&database);
        diesel.migration(&["run"]);
        let status = database.run(&["migrate", "status", "--format", "json"]).expect(0).json();
        assert_eq!(
            status["not_adopted"].as_array().unwrap().len(),
            polymnia_migrations::sqlite().iter().len(),
            "{status}"
        );
        assert_eq!(status["pending"].as_array().unwrap().len(), 0, "{status}");
        database.run(&["add", "x"]).expect(0);
        database.run(&["migrate", "upgrade"]).expect(0);
        stays_whole(&database);
        let status = database.run(&["migrate", "status", "--format", "json"]).expect(0).json();
        assert_eq!(status["not_adopted"].as_array().unwrap().len(), 0, "{status}");
        // Both ways, one at a time.
        for _ in 0..polymnia_migrations::sqlite().iter().len() {
            diesel.migration(&["revert"]);
            assert_eq!(database.run(&["migrate", "check"]).code, 3);
            database.run(&["migrate", "status"]).expect(0);
        }
        assert!(database.applied().is_empty());
        database.run(&["migrate", "upgrade"]).expect(0);
        stays_whole(&database);
    }
}

#[test]
#[ignore = "needs the diesel CLI: run by .ci/migration-tools"]
fn what_we_run_and_take_back_diesel_sees() {
    for kind in Kind::BOTH {
        let database = Database::fresh(kind);
        database.run(&["init"]).expect(0);
        let diesel = Diesel::of(&database);
        let marks = |list: &str| (list.matches("[X]").count(), list.matches("[ ]").count());
        let all = polymnia_migrations::sqlite().iter().len();
        assert_eq!(marks(&diesel.migration(&["list"])), (all, 0));
        database.run(&["migrate", "downgrade", "-1", "--allow-destructive"]).expect(0);
        assert_eq!(marks(&diesel.migration(&["list"])), (all - 1, 1));
        diesel.migration(&["run"]);
        assert_eq!(marks(&diesel.migration(&["list"])), (all, 0));
        diesel.migration(&["redo"]);
        database.run(&["migrate", "upgrade"]).expect(0);
        stays_whole(&database);
    }
}

/// The diesel CLI sends a script as a whole, so that one with two indexes built without locks is not for it.
#[test]
#[ignore = "needs the diesel CLI: run by .ci/migration-tools"]
fn diesel_runs_an_application() {
    for kind in Kind::BOTH {
        let shop = Shop { database: Database::fresh(kind), application: Application::shop() };
        shop.database.run(&["init"]).expect(0);
        if kind == Kind::Postgres {
            for version in &SHOP[3..] {
                shop.application.remove(version);
            }
        }
        let diesel = Diesel { migrations: shop.application.path(kind), ..Diesel::of(&shop.database) };
        diesel.migration(&["run"]);
        shop.fill(20);
        shop.migrate(&["upgrade"]).expect(0);
        shop.migrate(&["check"]).expect(0);
        if kind == Kind::Sqlite {
            // A table made anew, by diesel: the children stay.
            diesel.migration(&["revert", "-n", "2"]);
            diesel.migration(&["run"]);
            assert_eq!(shop.database.number("SELECT count(*) FROM orders"), 40);
        }
        shop.migrate(&["upgrade"]).expect(0);
        let validation = shop.database.run(&["schema", "validate", "--migrations", shop.application.argument()]);
        validation.expect(0);
    }
}

/// Recognises the tool, compares, stamps and upgrades.
#[track_caller]
fn taken_over(database: &Database, tool: &str, version: &str) {
    let status = database.run(&["migrate", "status", "--format", "json"]).expect(0).json();
    assert_eq!(status["foreign"][0]["tool"], tool, "{status}");
    assert_eq!(status["foreign"][0]["version"], version, "{status}");
    database.run(&["migrate", "upgrade"]).expect(5).tells("not_adopted");
    database.run(&["migrate", "baseline"]).expect(4).tells("drift");
    database.run(&["migrate", "baseline", "--at", MADE]).expect(0);
    database.run(&["migrate", "upgrade"]).expect(0);
    stays_whole(database);
    database.run(&["add", "x"]).expect(0);
}

#[track_caller]
fn stays_whole(database: &Database) {
    database.run(&["migrate", "check"]).expect(0);
    database.run(&["schema", "validate"]).expect(0);
}

/// Is the diesel CLI on a database.
struct Diesel {
    program: PathBuf,
    url: String,
    migrations: PathBuf,
    folder: PathBuf,
}

impl Diesel {
    fn of(database: &Database) -> Self {
        let url = match database.kind() {
            Kind::Sqlite => database.file().display().to_string(),
            Kind::Postgres => format!("{}?options=-csearch_path%3Dpolymnia", database.url()),
        };
        let migrations = Path::new(WORKSPACE).join("migrations").join(database.kind().name());
        Self { program: named("POLYMNIA_TEST_DIESEL"), url, migrations, folder: database.folder().to_owned() }
    }

    fn migration(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.program);
        command.arg("migration").args(arguments).arg("--migration-dir").arg(&self.migrations);
        run(command.args(["--database-url", &self.url]).current_dir(&self.folder))
    }
}

/// Returns what a variable names.
fn named(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} is not set: run .ci/migration-tools"));
    std::path::absolute(path).unwrap()
}

/// Runs a command, which must succeed, and returns all that it said.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

/// Returns the `up` scripts of our first two versions.
fn first_scripts(kind: Kind) -> [PathBuf; 2] {
    ["20261121000100_memories", MADE_FOLDER]
        .map(|version| std::path::absolute(format!("{WORKSPACE}/migrations/{}/{version}/up.sql", kind.name())).unwrap())
}

const MADE_FOLDER: &str = "20261121000200_memory_indexes";

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
