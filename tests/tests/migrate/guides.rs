//! The guides in `docs/migrations`: each command in them is run, on both dialects, and ends as they say.
//!
//! A block of the language `sh` is run; one of `sh sqlite` or `sh postgres` on that dialect only. `# exit code N` behind a command
//! says how it ends; else it ends with 0. Other blocks show what can't be run there.

use std::path::Path;
use std::process::Command;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use polymnia_tests::migrate::{Kind, SHOP, Shop, set_mode};
use polymnia_tests::{cli, server};

#[test]
fn workflow() {
    for kind in Kind::BOTH {
        let shop = Shop::open(kind, 3);
        shop.migrate(&["upgrade"]).expect(0);
        follow(&shop, "workflow.md");
    }
}

#[test]
fn rollback() {
    for kind in Kind::BOTH {
        let shop = Shop::open(kind, 3);
        shop.migrate(&["upgrade"]).expect(0);
        follow(&shop, "rollback.md");
    }
}

#[test]
fn ci_cd() {
    for kind in Kind::BOTH {
        follow(&Shop::fresh(kind), "ci-cd.md");
    }
}

#[test]
fn emergency() {
    for kind in Kind::BOTH {
        let shop = Shop::open(kind, 3);
        shop.migrate(&["upgrade", SHOP[2]]).expect(0);
        shop.database.execute("UPDATE customers SET email = 'c1@example.com' WHERE id = 2");
        follow(&shop, "emergency.md");
    }
}

#[test]
fn troubleshooting() {
    for kind in Kind::BOTH {
        let shop = Shop::open(kind, 3);
        shop.migrate(&["upgrade"]).expect(0);
        follow(&shop, "troubleshooting.md");
    }
}

#[test]
fn deprecation() {
    for kind in Kind::BOTH {
        let shop = Shop::open(kind, 3);
        shop.migrate(&["upgrade"]).expect(0);
        follow(&shop, "deprecation.md");
    }
}

/// Runs the blocks of a guide in order, in a folder with the shop's migrations.
#[track_caller]
fn follow(shop: &Shop, guide: &str) {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/migrations").join(guide)).unwrap();
    let migrations = shop.database.folder().join("migrations");
    std::fs::rename(shop.application.folder(), &migrations).unwrap();
    let programs = shop.database.folder().join("programs");
    std::fs::create_dir(&programs).unwrap();
    std::os::unix::fs::symlink(cli::program(), programs.join("polymnia")).unwrap();
    shells(&programs);
    let mut commands = 0;
    for block in blocks(&text, shop.kind()) {
        // What the harness sets for the program holds for the shell as well.
        let like = shop.database.command(&[]);
        let mut shell = Command::new("sh");
        shell.args(["-c", &script(&block)]).current_dir(shop.database.folder());
        for (name, value) in like.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        shell
            .env("PATH", path)
            .env("POLYMNIA_DATABASE_URL", shop.database.url())
            .env("POLYMNIA_MIGRATIONS", "migrations");
        let output = shell.output().unwrap();
        assert!(
            output.status.success(),
            "{guide} on {}:\n{block}\n{}\n{}",
            shop.kind().name(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        commands += block.lines().filter(|line| line.starts_with("polymnia ")).count();
    }
    assert!(commands >= 3, "{guide} has {commands} commands");
    // Where the folder is removed from.
    std::fs::rename(&migrations, shop.application.folder()).unwrap();
}

/// Puts the databases' shells into a folder: `psql` of the server's programs, and `sqlite3`, where it is not installed, as this
/// test program, run for [`sqlite3`].
fn shells(folder: &Path) {
    std::os::unix::fs::symlink(server::programs().unwrap().join("psql"), folder.join("psql")).unwrap();
    if Command::new("sqlite3").arg("--version").output().is_err() {
        let test = std::env::current_exe().unwrap();
        let script = format!(
            "#!/bin/sh\nPOLYMNIA_TEST_FILE=$1 POLYMNIA_TEST_SQL=$2 exec '{}' --quiet --ignored --exact guides::sqlite3\n",
            test.display()
        );
        let shell = folder.join("sqlite3");
        std::fs::write(&shell, script).unwrap();
        set_mode(&shell, 0o755);
    }
}

/// Is the shell of SQLite for machines that have none; it does nothing by itself.
#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn sqlite3() {
    let (Ok(file), Ok(sql)) = (std::env::var("POLYMNIA_TEST_FILE"), std::env::var("POLYMNIA_TEST_SQL")) else { return };
    SqliteConnection::establish(&file).unwrap().batch_execute(&sql).unwrap();
}

/// Returns the blocks of a text that are run on a dialect.
fn blocks(text: &str, kind: Kind) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        match block.take() {
            Some(lines) if line.starts_with("```") => blocks.push(lines),
            Some(lines) => block = Some(format!("{lines}{line}\n")),
            None if line == "```sh" || line == format!("```sh {}", kind.name()) => block = Some(String::new()),
            None => {}
        }
    }
    blocks
}

/// Returns a script that fails unless each command ends as the block says.
fn script(block: &str) -> String {
    let expected = |line: &str| -> String {
        let Some((command, code)) = line.split_once("# exit code ") else { return format!("{line}\n") };
        let code: i32 = code.trim().parse().unwrap();
        format!(
            "code=0; {} || code=$?\n[ $code = {code} ] || {{ echo \"exit code $code, expected {code}\"; exit 1; }}\n",
            command.trim_end()
        )
    };
    format!("set -eu\n{}", block.lines().map(expected).collect::<String>())
}
