//! Databases that can't be written: what reads works, an upgrade says so and writes nothing.

use std::collections::BTreeMap;

use polymnia_tests::migrate::{Database, Kind, Output, Outsider, SHOP, Shop, set_mode, until};
use polymnia_tests::server::{Server, ServerOptions};
use sha2::{Digest as _, Sha256};

/// What makes no change.
const READING: [&[&str]; 9] = [
    &["status"],
    &["current"],
    &["history", "-v"],
    &["heads"],
    &["show", SHOP[0]],
    &["upgrade", "--plan"],
    &["upgrade", "--sql"],
    &["downgrade", "-1", "--plan"],
    &["downgrade", "-1", "--sql"],
];

#[test]
fn a_file_that_is_read_only() {
    let shop = Shop::open(Kind::Sqlite, 3);
    set_mode(shop.database.folder(), 0o777);
    set_mode(shop.database.file(), 0o444);
    reads_and_refuses(&shop, &shop.database.url());
}

#[test]
fn a_folder_that_is_read_only() {
    let shop = Shop::open(Kind::Sqlite, 3);
    set_mode(shop.database.file(), 0o644);
    let everything = shop.database.everything();
    set_mode(shop.database.folder(), 0o555);
    reads_and_refuses(&shop, &shop.database.url());
    // So that the test can look into it, and it can be removed.
    set_mode(shop.database.folder(), 0o755);
    assert_eq!(shop.database.everything(), everything);
}

#[test]
fn a_url_that_says_read_only() {
    let shop = Shop::open(Kind::Sqlite, 3);
    set_mode(shop.database.folder(), 0o777);
    set_mode(shop.database.file(), 0o666);
    reads_and_refuses(&shop, &format!("{}?mode=ro", shop.database.url()));
}

#[test]
fn a_role_that_only_reads() {
    let shop = Shop::open(Kind::Postgres, 3);
    let role = Role::in_the(&shop.database, "");
    let everything = shop.database.everything();
    reads_and_refuses(&shop, &role.url);
    assert_eq!(shop.database.everything(), everything);
}

#[test]
fn a_role_whose_transactions_are_read_only() {
    let shop = Shop::open(Kind::Postgres, 3);
    let role = Role::in_the(&shop.database, "SET default_transaction_read_only = on");
    let everything = shop.database.everything();
    reads_and_refuses(&shop, &role.url);
    assert_eq!(shop.database.everything(), everything);
}

#[test]
fn a_hot_standby() {
    let primary = Server::start(&ServerOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    let shop = Shop { database: Database::on(&primary), application: polymnia_tests::migrate::Application::shop() };
    shop.migrate(&["upgrade", SHOP[0]]).expect(0);
    shop.fill(3);
    let standby = primary.standby().unwrap_or_else(|error| panic!("{error}"));
    until("the standby has the database", || standby.connect(shop.database.name()).is_ok());
    let everything = shop.database.everything();
    reads_and_refuses(&shop, &standby.url(shop.database.name()));
    assert_eq!(shop.database.everything(), everything);
}

/// Fails unless what reads works, as it does for who may write, and what writes is refused with nothing written.
#[track_caller]
fn reads_and_refuses(shop: &Shop, url: &str) {
    // Where the other user reads them.
    set_mode(shop.application.folder(), 0o755);
    let outsider = Outsider::new();
    let run = |arguments: &[&str]| -> Output {
        outsider.run(url, &[&["migrate"], arguments, &["--migrations", shop.application.argument()]].concat())
    };
    let files = files(shop);
    for arguments in READING {
        let output = run(arguments);
        assert_eq!(output.code, 0, "{arguments:?}: {output:?}");
        assert!(!output.out.is_empty(), "{arguments:?}");
        assert_eq!(self::files(shop), files, "{arguments:?} changed a file");
    }
    assert_eq!(run(&["current", "--check-heads"]).code, 3);
    for arguments in [&["upgrade"][..], &["upgrade", "--backup", "never"], &["downgrade", "-1", "--allow-destructive"]]
    {
        let output = run(arguments);
        assert_eq!(output.code, 9, "{arguments:?}: {output:?}");
        assert_eq!(self::files(shop), files, "{arguments:?} changed a file");
    }
    for arguments in [&["stamp", "head"][..], &["repair"]] {
        assert_eq!(run(arguments).code, 9, "{arguments:?}");
    }
    assert_eq!(self::files(shop), files);
}

/// Returns the digests of a SQLite database's files. A log that SQLite makes for readers, and that holds nothing, is no write.
fn files(shop: &Shop) -> BTreeMap<String, String> {
    if shop.kind() == Kind::Postgres {
        return BTreeMap::new();
    }
    let paths = std::fs::read_dir(shop.database.folder()).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        let made_for_readers = name.ends_with("-shm") || (name.ends_with("-wal") && bytes.is_empty());
        (!made_for_readers).then(|| (name, format!("{:x?}", Sha256::digest(bytes))))
    };
    paths.filter_map(read).collect()
}

/// Is a role of the server that may only read, which goes with this.
struct Role<'a> {
    database: &'a Database,
    name: String,
    url: String,
}

impl<'a> Role<'a> {
    fn in_the(database: &'a Database, setting: &str) -> Self {
        let name = format!("reader_of_{}", database.name());
        database.execute(&format!(
            "CREATE ROLE {name} LOGIN PASSWORD 'reads';
             GRANT USAGE ON SCHEMA polymnia, public TO {name};
             GRANT SELECT ON ALL TABLES IN SCHEMA polymnia, public TO {name}"
        ));
        if !setting.is_empty() {
            database.execute(&format!(
                "ALTER ROLE {name} {setting};
                 GRANT ALL ON SCHEMA polymnia, public TO {name};
                 GRANT ALL ON ALL TABLES IN SCHEMA polymnia, public TO {name}"
            ));
        }
        let (_, place) = database.url().split_once('@').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        Self { database, url: format!("postgres://{name}:reads@{place}"), name }
    }
}

impl Drop for Role<'_> {
    fn drop(&mut self) {
        self.database.execute(&format!("DROP OWNED BY {0}; DROP ROLE {0}", self.name));
    }
}
