//! Disks that are full: a clear error, and nothing lost.
//!
//! As root, a small file system in memory; else, and where nothing may be mounted, a limit on the size of files, which
//! meets the same writes.

use std::path::Path;
use std::process::Command;

use polymnia_tests::migrate::{Application, Database, Kind, Output, SHOP, SHOP_HEAD, Shop, set_mode};
use polymnia_tests::server::{Server, ServerOptions};
use tempfile::TempDir;

const LARGE: &str = "shop20260103000100";

#[test]
fn sqlite_in_a_migration() {
    let disk = Disk::of(2_048);
    let shop = Shop { database: Database::sqlite_in(disk.folder.path()), application: with_a_large_table() };
    let migrate = |arguments: &[&str]| disk.run(shop.command(arguments));
    migrate(&["upgrade", SHOP_HEAD]).expect(0);
    shop.fill(10);
    let before = shop.database.everything();
    let failed = migrate(&["upgrade"]);
    assert_ne!(failed.code, 0, "{failed:?}");
    assert!(failed.err.contains(LARGE) && failed.err.contains("up.sql:"), "{}", failed.err);
    if disk.mounted {
        assert!(failed.err.contains("full") && failed.code == 7, "{}", failed.err);
    }
    let lasting = |all: Vec<String>| -> Vec<String> {
        // That it failed may stand in the log.
        all.into_iter().filter(|line| !line.contains("_log") && !line.contains("failed")).collect()
    };
    assert_eq!(lasting(shop.database.everything()), lasting(before));
    assert_eq!(shop.database.lines("SELECT integrity_check AS line FROM pragma_integrity_check"), ["ok"]);
    disk.grow();
    migrate(&["upgrade"]).expect(0);
    migrate(&["check"]).expect(0);
}

#[test]
fn sqlite_in_a_backup() {
    in_a_backup(Kind::Sqlite);
}

#[test]
fn postgres_in_a_backup() {
    in_a_backup(Kind::Postgres);
}

/// A table space on a small disk of its own, so that the server's log goes on. Without the right to mount one, the server's
/// files may not grow.
#[test]
fn postgres_in_a_migration() {
    let server = Server::start(&ServerOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    let shop = Shop { database: Database::on(&server), application: with_a_large_table() };
    shop.migrate(&["upgrade", SHOP_HEAD]).expect(0);
    shop.fill(10);
    let disk = Disk::of(30_000);
    if disk.mounted {
        set_mode(disk.folder.path(), 0o777);
        let space = disk.folder.path().join("space");
        let space = space.display();
        // The server makes the folder, so that it is its own.
        for statement in [
            format!("COPY (SELECT 1) TO PROGRAM 'mkdir {space}'"),
            format!("CREATE TABLESPACE small LOCATION '{space}'"),
            format!("ALTER DATABASE {} SET TABLESPACE small", shop.database.name()),
        ] {
            server.sql("postgres", &statement).unwrap();
        }
    } else {
        // More than a file of the log, which must go on.
        limit(&server, "20000000");
    }
    let (schema, applied) = (shop.database.schema(), shop.database.applied());
    let failed = shop.migrate(&["upgrade", "--backup", "never"]).expect(7).tells(LARGE).tells("rolled_back");
    if disk.mounted {
        assert!(failed.err.to_lowercase().contains("space"), "{}", failed.err);
    }
    assert_eq!(shop.database.schema(), schema);
    assert_eq!(shop.database.applied(), applied);
    disk.grow();
    if !disk.mounted {
        limit(&server, "unlimited");
    }
    shop.migrate(&["upgrade"]).expect(0);
    shop.migrate(&["check"]).expect(0);
}

/// Limits the size of files for sessions that begin from now on.
fn limit(server: &Server, bytes: &str) {
    let command = format!("prlimit --pid $(cut -d\" \" -f4 /proc/$PPID/stat) --fsize={bytes}:unlimited");
    server.sql("postgres", &format!("COPY (SELECT 1) TO PROGRAM '{command}'")).unwrap();
}

/// A backup that doesn't fit is no backup: it is removed, and nothing is changed without one.
fn in_a_backup(kind: Kind) {
    let shop = Shop::open(kind, 5_000);
    let before = shop.database.everything();
    let disk = Disk::of(if kind == Kind::Sqlite { 200 } else { 12 });
    let folder = disk.folder.path().join("backups");
    let arguments = ["upgrade", "--backup", "always", "--backup-dir", folder.to_str().unwrap()];
    let failed = disk.run(shop.command(&arguments));
    assert_ne!(failed.code, 0, "{failed:?}");
    assert!(failed.err.contains("backup"), "{}", failed.err);
    assert_eq!(shop.database.everything(), before, "nothing is changed without its backup");
    let left: Vec<_> = std::fs::read_dir(&folder)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    assert!(left.is_empty(), "{left:?}");
    disk.grow();
    disk.run(shop.command(&arguments)).expect(0);
    shop.assert_whole(5_000);
    let listed = shop.database.run(&["backup", "list", "--backup-dir", folder.to_str().unwrap(), "--format", "ndjson"]);
    let backup = listed.expect(0).lines()[0]["path"].as_str().unwrap().to_owned();
    shop.database.run(&["backup", "verify", &backup]).expect(0);
    shop.database.run(&["backup", "restore", &backup, "--backup", "never"]).expect(0);
    assert_eq!(shop.database.schema(), schema_of(&before));
    assert_eq!(shop.database.applied().last().map(String::as_str), Some(SHOP[0]));
}

/// Returns the part of a description that is the schema.
fn schema_of(everything: &[String]) -> Vec<String> {
    everything.iter().take_while(|line| !line.ends_with(" rows")).cloned().collect()
}

/// Returns the shop with one more version, whose table takes 40 MB.
fn with_a_large_table() -> Application {
    let application = Application::shop();
    let metadata = "run_in_transaction = true\n";
    let down = "DROP TABLE large;\n";
    let up = "CREATE TABLE large (content BLOB NOT NULL);\n\nINSERT INTO large\nWITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 \
              FROM s WHERE n < 40)\nSELECT randomblob(1000000) FROM s;\n";
    application.add_for(Kind::Sqlite, &format!("{LARGE}_large"), up, down, metadata);
    let up = "CREATE TABLE public.large (content text NOT NULL);\n\nINSERT INTO public.large\nSELECT repeat(md5(n::text), 60) FROM \
              generate_series(1, 20000) AS n;\n";
    application.add_for(Kind::Postgres, &format!("{LARGE}_large"), up, "DROP TABLE public.large;\n", metadata);
    application
}

/// Is a folder on a small file system, or one in which files may not grow.
struct Disk {
    folder: TempDir,
    mounted: bool,
    kilobytes: u32,
    grown: std::cell::Cell<bool>,
}

impl Disk {
    fn of(kilobytes: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={kilobytes}k,mode=0777");
        let mounted = mount(&["-t", "tmpfs", "-o", &size, "tmpfs"], folder.path());
        println!(
            "{}",
            if mounted { "a file system of its own" } else { "nothing can be mounted: files may not grow instead" }
        );
        Self { folder, mounted, kilobytes, grown: std::cell::Cell::new(false) }
    }

    /// Makes room.
    fn grow(&self) {
        self.grown.set(true);
        if self.mounted {
            assert!(mount(&["-o", "remount,size=400m"], self.folder.path()), "it was mounted with the same right");
        }
    }

    /// Runs the program, with what is written limited to the disk's size.
    fn run(&self, command: Command) -> Output {
        if self.mounted || self.grown.get() {
            return Output::of(command);
        }
        // In blocks of 512 bytes. What is over the limit is an error, where the signal is ignored.
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", self.kilobytes * 2);
        let mut limited = Command::new("sh");
        limited.args(["-c", &script]).arg(command.get_program()).args(command.get_args());
        limited.current_dir(command.get_current_dir().unwrap());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => limited.env(name, value),
                None => limited.env_remove(name),
            };
        }
        Output::of(limited)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            // Lazily, as a server may still have files open there.
            let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
        }
    }
}

fn mount(arguments: &[&str], folder: &Path) -> bool {
    Command::new("mount").args(arguments).arg(folder).output().is_ok_and(|output| output.status.success())
}
